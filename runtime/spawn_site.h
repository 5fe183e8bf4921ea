// runtime/spawn_site.h - where in the source a goroutine was started; shown by reports.
#pragma once

#include <cstdint>

namespace gorun::runtime {

/// The place of a call. As a defaulted parameter, `SpawnSite where = SpawnSite::current()` is the
/// place of the caller. Not std::source_location, which clang lacks before version 16.
struct SpawnSite {
  const char* file = "";  // a literal: never freed
  std::uint32_t line = 0;

  static constexpr SpawnSite current(const char* in = __builtin_FILE(),
                                     std::uint32_t at = __builtin_LINE()) {
    return {in, at};
  }

  /// Both in one word, for the records of a trace. Addresses of user space have 48 bits; a line
  /// past 65,535 is given as that.
  [[nodiscard]] std::uint64_t pack() const {
    constexpr std::uint32_t kLastLine = 0xFFFF;
    const std::uint64_t short_line = line < kLastLine ? line : kLastLine;
    return short_line << 48 | reinterpret_cast<std::uintptr_t>(file);
  }
  static SpawnSite unpack(std::uint64_t packed) {
    constexpr std::uint64_t kAddress = (std::uint64_t{1} << 48) - 1;
    return {reinterpret_cast<const char*>(packed & kAddress),
            static_cast<std::uint32_t>(packed >> 48)};
  }
};

}  // namespace gorun::runtime
