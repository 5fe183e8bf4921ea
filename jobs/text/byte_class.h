// jobs/text/byte_class.h - which bytes of a text separate, 64 answers at a time.
//
// The cutters of words and lines ask one question of every byte. Here a vector register answers
// it for 16 or 32 bytes at once; the answers come back as bits, and the cutters then step from
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

enum class VectorLevel : std::uint8_t { kPlain, kSse2, kAvx2 };

/// The best level of this processor.
[[nodiscard]] VectorLevel best_vector_level();

inline constexpr std::size_t kBlockBytes = 64;

/// Bit i of masks[b] tells whether text[64 * b + i] is in the class. Reads blocks * 64 bytes.
/// level  at most best_vector_level(); for tests and benchmarks. All levels agree.
void class_masks(ByteClass wanted, const char* text, std::size_t blocks, std::uint64_t* masks,
                 VectorLevel level);
void class_masks(ByteClass wanted, const char* text, std::size_t blocks, std::uint64_t* masks);

}  // namespace gorun::jobs
