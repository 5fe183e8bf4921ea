// tests/bench/all_cores.h - the threads of a floor: one a processor, and nothing else.
#pragma once

#include <algorithm>
#include <thread>
#include <vector>

namespace gorun::bench {

/// Calls `work` on as many threads as there are processors, this one among them, and waits.
template <class F>
void on_all_cores(F work) {
  std::vector<std::thread> others;
  for (unsigned i = 1; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
    others.emplace_back(work);
  }
  work();
  for (std::thread& other : others) other.join();
}

}  // namespace gorun::bench
