// jobs/text/literal_masks.h - at which positions of a text a literal may begin, and where its line
// feeds are, 64 answers at a time.
//
// Three bytes of the literal are compared with 64 positions at once. Two let one position in some
// hundred through where all letters are about as frequent, and asking the literal there costs a
// branch that is guessed wrong; of three it is one in ten thousand, and a literal of three bytes is
// told altogether. Line feeds are looked for in the bytes that are loaded for the first of the
// three, so they need no load of their own.
// Prior art: W. Mula, "SIMD-friendly algorithms for substring searching" (generic SIMD).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "jobs/text/byte_class.h"

namespace gorun::jobs {

/// Bytes of a literal and their places in it; a short one has some of them twice.
struct LiteralProbe {
  static constexpr std::size_t kBytes = 3;
  std::array<char, kBytes> bytes;
  std::array<std::size_t, kBytes> places;
};

/// Of some blocks of 64 positions each, the lowest bit the first one.
struct LiteralMasks {
  static constexpr std::size_t kBlocks = 32;
  std::array<std::uint64_t, kBlocks> hits;   // positions where all bytes of the probe fit
  std::array<std::uint64_t, kBlocks> feeds;  // line feeds places[0] behind the positions
  std::uint64_t any_hit;                     // of all blocks; 0: there is none
  std::uint64_t feed_count;                  // of all blocks
};

/// Of positions text[0] to text[64 * blocks - 1]; reads as far behind them as the places tell. A
/// literal holds no line feed, so a feed that stands before (behind) a hit in the masks stands
/// before (behind) that occurrence in the text.
/// blocks  at most LiteralMasks::kBlocks
/// level   at most best_vector_level(). All levels agree.
void literal_masks(const LiteralProbe& probe, const char* text, std::size_t blocks,
                   LiteralMasks* masks, VectorLevel level);

/// The same of fewer than 64 positions, as one block, byte by byte: reads nothing behind what the
/// last of them asks for.
void literal_masks_of_few(const LiteralProbe& probe, const char* text, std::size_t positions,
                          LiteralMasks* masks);

/// Of lines, each of which ends at a feed, how many that end in these blocks have a hit.
/// is_open  whether the line at the begin has had one, and then whether that at the end has.
[[nodiscard]] std::uint64_t count_lines_hit(const LiteralMasks& masks, std::size_t blocks,
                                            bool* is_open, VectorLevel level);

}  // namespace gorun::jobs
