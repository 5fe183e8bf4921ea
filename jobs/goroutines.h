// jobs/goroutines.h - one piece of work done by several goroutines, which all come to its end.
#pragma once

#include <cstddef>

#include "runtime/wait_group.h"

namespace gorun::jobs {

/// Calls work(0) to work(count - 1) side by side, and returns when all have.
/// threads  a goroutine, which parks; without one if `count` is 1.
template <class Work>
void on_goroutines(std::size_t count, const Work& work) {
  if (count == 1) return work(0);
  // The one who asks does none of it: the first goroutine that it spawns wakes no P, for it takes
  // most often longer to wake one than to park, and there might be no second.
  runtime::WaitGroup group;
  for (std::size_t i = 0; i < count; ++i) {
    group.go([&work, i] { work(i); });
  }
  group.wait();
}

}  // namespace gorun::jobs
