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
};

}  // namespace gorun::runtime
