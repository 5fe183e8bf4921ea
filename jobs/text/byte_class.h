// jobs/text/byte_class.h - which bytes of a text separate, 64 answers at a time.
//
// The cutters of words and lines ask one question of every byte. Here a vector register answers
// it for 16 to 64 bytes at once; the answers come back as bits, and the cutters then step from
// bit to bit and never look at the bytes between. The instruction set is chosen when the first
// text is scanned, from what the processor has; no build flag is needed, and an old processor
// gets SSE2, another architecture plain code.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gorun::jobs {

/// A set of bytes that one vector comparison or two can tell.
struct ByteClass {
  enum class Kind : std::uint8_t {
    kByte,        // `byte` alone
    kSpace,       // space, \t \n \v \f \r: isspace(3) in the C locale
    kNotLetters,  // all but A-Z and a-z
  };
  Kind kind = Kind::kByte;
  char byte = '\n';
};

enum class VectorLevel : std::uint8_t {
  kPlain,
  kSse2,
  kAvx2,    // with POPCNT
  kAvx512,  // with BW and VBMI2
};

/// The best level of this processor.
[[nodiscard]] VectorLevel best_vector_level();

inline constexpr std::size_t kBlockBytes = 64;

/// Bit i of masks[b] tells whether text[64 * b + i] is in the class. Reads blocks * 64 bytes.
/// level  at most best_vector_level(); for tests and benchmarks. All levels agree.
void class_masks(ByteClass wanted, const char* text, std::size_t blocks, std::uint64_t* masks,
                 VectorLevel level);
void class_masks(ByteClass wanted, const char* text, std::size_t blocks, std::uint64_t* masks);

/// Bits that bit_positions() may write beyond the last one.
inline constexpr std::size_t kPositionsSlack = kBlockBytes;

/// Writes where the bits of masks[0] to masks[blocks - 1] are, counted from the first one's lowest
/// bit, and returns how many. At most 1024 blocks. Words have borders at no regular distance, so a
/// loop that ends with the last bit of a block is mispredicted once a block; these do not branch on
/// the number of bits.
/// positions  room for all bits and kPositionsSlack more.
std::size_t bit_positions(const std::uint64_t* masks, std::size_t blocks, std::uint16_t* positions,
                          VectorLevel level);
std::size_t bit_positions(const std::uint64_t* masks, std::size_t blocks, std::uint16_t* positions);

/// How many bits masks[0] to masks[blocks - 1] have.
[[nodiscard]] std::uint64_t count_bits(const std::uint64_t* masks, std::size_t blocks);

}  // namespace gorun::jobs
