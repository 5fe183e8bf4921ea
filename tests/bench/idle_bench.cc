// tests/bench/idle_bench.cc - what a process costs that has nothing to do for 10 s: goroutines
// parked on a channel, on a descriptor and on a timer.

#include "tests/bench/idle_bench.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "runtime/chan.h"
#include "runtime/io.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/bench/stopwatch.h"

namespace gorun::bench {
namespace {

using namespace runtime;
using namespace std::chrono_literals;

// Of all threads, in the kernel as well.
double cpu_ns() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
}

}  // namespace

void idle() {
  constexpr Nanos kWall = 10s;
  Chan<Unit> end(0);
  WaitGroup parked;
  for (int i = 0; i < 1'000; ++i) parked.go([&end] { (void)end.recv(); });
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) {
    std::perror("runtime_bench: pipe2");
    std::_Exit(1);
  }
  FdResult reader = Fd::adopt(ends[0]);
  bool was_read = false;
  parked.go([&] {
    char byte = 0;
    was_read = static_cast<bool>(reader.fd.read(&byte, 1));
  });
  sleep(100ms);  // until all have parked and the last M has stopped looking for work
  const double before = cpu_ns();
  sleep(kWall);
  report("idle_cpu", (cpu_ns() - before) / static_cast<double>(kWall.count()) * 100, "%");
  end.close();
  const bool was_written = write(ends[1], "x", 1) == 1;
  parked.wait();
  close(ends[1]);
  if (was_written && was_read) return;
  std::fprintf(stderr, "runtime_bench: wrong result: a byte through the pipe\n");
  std::_Exit(1);
}

}  // namespace gorun::bench
