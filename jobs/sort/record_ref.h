// jobs/sort/record_ref.h - where the record of an entry lies, in one word.
//
//   bits 63-48   0        the word is the address of a record (sort_record.h)
//                n        ... of a text of n - 1 bytes, which has no fields and is its own key
//                0xFFFF   ... of a longer one, which ends in front of the next line feed
//
// Most of what is sorted are lines, and a line needs no header: its length is at hand before its
// bytes are, so that they can be fetched; and it may stay where it was found.
//
// User space ends below 2^48 unless a mapping is asked for beyond (x86-64 with five levels, arm64
// with 52 bits), which nobody here does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace gorun::jobs {

class RecordRef {
 public:
  /// Without a value, for many are made at once.
  RecordRef() = default;
  /// A record. Not explicit: it is one.
  RecordRef(const char* record) : word_(reinterpret_cast<std::uintptr_t>(record)) {}

  /// True if a text of so many bytes need not be a line of a text.
  [[nodiscard]] static bool can_be_text(std::size_t size) { return size + 1 < kLong; }
  static RecordRef of_text(std::string_view text) { return RecordRef(text, text.size() + 1); }
  /// Any length; a line feed follows it.
  static RecordRef of_line(std::string_view line) {
    return RecordRef(line, can_be_text(line.size()) ? line.size() + 1 : kLong);
  }

  [[nodiscard]] bool is_text() const { return word_ >> kAddressBits != 0; }
  /// If is_text().
  [[nodiscard]] std::string_view text() const {
    const std::uint64_t tag = word_ >> kAddressBits;
    if (tag != kLong) return {address(), tag - 1};
    const void* const end = std::memchr(address(), '\n', SIZE_MAX >> 1U);
    return {address(), static_cast<std::size_t>(static_cast<const char*>(end) - address())};
  }
  /// If not.
  [[nodiscard]] const char* record() const { return address(); }

  /// Where it begins, and how many bytes of it are worth fetching if that is known without a look.
  [[nodiscard]] const char* address() const {
    return reinterpret_cast<const char*>(word_ & ((std::uint64_t{1} << kAddressBits) - 1));
  }
  [[nodiscard]] std::size_t least_text() const {
    return static_cast<std::size_t>(word_ >> kAddressBits) - 1;
  }

 private:
  static constexpr unsigned kAddressBits = 48;
  static constexpr std::size_t kLong = 0xFFFF;
  static_assert(sizeof(void*) == sizeof(std::uint64_t));

  RecordRef(std::string_view text, std::size_t tag)
      : word_(reinterpret_cast<std::uintptr_t>(text.data()) | std::uint64_t{tag} << kAddressBits) {}

  std::uint64_t word_;
};

}  // namespace gorun::jobs
