// tests/bench/require.h - a figure counts only if the answer was right.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace gorun::bench {

/// Ends the program with status 1 if it was not.
inline void require(bool is_right, const char* what) {
  if (is_right) return;
  std::fprintf(stderr, "wrong result: %s\n", what);
  std::_Exit(1);  // other goroutines still run: no destructor of a static may
}

}  // namespace gorun::bench
