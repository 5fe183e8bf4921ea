// jobs/records/json_marks.h - where, in a window of a JSON text, the bytes are that end something.
//
// Vector comparisons look at each byte once and leave three things: the places of all marks, one
// after the other, and bits that tell digits and backslashes. A mark is a quote, unless a backslash
// stands before it that counts, or a control character. So whoever is at the n-th mark and knows
// that it opens a string has the end of that string in the next one, and need not look for it.
//
// A backslash counts for the byte behind it wherever it stands, and a window begins where none
// does. Outside of strings there is none in JSON; what such a text has in its marks does not
// matter, as long as whoever reads them compares what lies between.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "jobs/text/byte_class.h"

namespace gorun::jobs {

/// Places are counted in bytes from the beginning of the window.
/// threads  one at a time.
class JsonMarks {
 public:
  // The text, its marks and its bits fit the first-level cache together.
  static constexpr std::size_t kMostBlocks = 192;
  static constexpr std::size_t kMostBytes = kMostBlocks * kBlockBytes;
  /// As many bytes behind the window are no digits for digits().
  static constexpr std::size_t kSlack = 320;
  /// No run of digits is said to be longer.
  static constexpr unsigned kMostDigits = 56;

  /// Looks at text[0, 64 * blocks), in which the first byte has no backslash before it.
  /// blocks  1 to kMostBlocks
  /// level   at most best_vector_level(); all levels agree.
  void look_at(const char* text, std::size_t blocks, VectorLevel level);

  /// How many bytes were looked at.
  [[nodiscard]] std::size_t size() const { return size_; }
  /// How many marks there are.
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t operator[](std::size_t mark) const { return marks_[mark]; }
  /// All from this one on.
  [[nodiscard]] const std::uint16_t* from(std::size_t mark) const { return marks_.data() + mark; }

  /// How many digits there are from `at` on, up to the window's end; more than kMostDigits: as many
  /// or more.
  /// at  below size() + kSlack
  [[nodiscard]] unsigned digits(std::size_t at) const {
    return static_cast<unsigned>(std::countr_zero(bits_from(others_.data(), at) | kTopByte));
  }
  /// Of at least kMostDigits + 1 bytes from `at` on, the first one's lowest: is it no digit?
  /// at  below size() + kSlack
  [[nodiscard]] std::uint64_t others_from(std::size_t at) const {
    return bits_from(others_.data(), at);
  }
  [[nodiscard]] bool has_backslashes() const { return has_backslashes_; }
  /// True if there is a backslash in [from, to), to <= size().
  [[nodiscard]] bool has_backslash(std::size_t from, std::size_t to) const {
    if (!has_backslashes_) [[likely]]
      return false;
    for (; to - from > kMostDigits; from += kMostDigits) {
      if (bits_from(backslashes_.data(), from) << 8 != 0) return true;
    }
    return (bits_from(backslashes_.data(), from) & ((std::uint64_t{1} << (to - from)) - 1)) != 0;
  }

 private:
  static constexpr std::uint64_t kTopByte = std::uint64_t{0xff} << kMostDigits;
  static constexpr std::size_t kWords = kMostBlocks + kSlack / kBlockBytes + 1;

  // At least 57 bits from bit `at` on, in the low ones.
  static std::uint64_t bits_from(const std::uint64_t* words, std::size_t at) {
    if constexpr (std::endian::native != std::endian::little) {
      return words[at / 64] >> at % 64 | words[at / 64 + 1] << 1 << (63 - at % 64);
    }
    std::uint64_t bits;
    std::memcpy(&bits, reinterpret_cast<const char*>(words) + at / 8, sizeof bits);
    return bits >> at % 8;
  }

  std::size_t size_ = 0;
  std::size_t count_ = 0;
  bool has_backslashes_ = false;
  std::array<std::uint16_t, kMostBytes + kPositionsSlack> marks_;
  std::array<std::uint64_t, kWords> others_;       // no digits
  std::array<std::uint64_t, kWords> backslashes_;  // if has_backslashes_
};

}  // namespace gorun::jobs
