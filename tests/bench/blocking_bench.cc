// tests/bench/blocking_bench.cc - blocking calls and greedy goroutines: what they cost, and what
// they cost the others.

#include "tests/bench/blocking_bench.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <vector>

#include "runtime/blocking.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/bench/require.h"
#include "tests/bench/stopwatch.h"

namespace gorun::bench {

using namespace runtime;  // NOLINT(google-build-using-namespace): a program of its own
using namespace std::chrono_literals;

namespace {

struct PipePair {
  PipePair() { require(pipe(ends) == 0, "pipe"); }
  ~PipePair() {
    close(ends[0]);
    close(ends[1]);
  }
  PipePair(const PipePair&) = delete;
  PipePair& operator=(const PipePair&) = delete;
  int ends[2] = {-1, -1};

  [[nodiscard]] bool get() const {
    char byte = 0;
    return blocking(Blocking::kBrief, [&] { return read(ends[0], &byte, 1); }) == 1;
  }
  void put() const {
    const char byte = 0;
    require(blocking(Blocking::kBrief, [&] { return write(ends[1], &byte, 1); }) == 1, "write");
  }
};

double compute_for(std::chrono::milliseconds duration) {
  double rounds = 0;
  for (const Stopwatch watch; watch.ns() < static_cast<double>(Nanos(duration).count()); ++rounds) {
    for (int i = 0; i < 1'000; ++i) asm volatile("");
  }
  return rounds;
}

}  // namespace

void blocking_reads() {
  const double alone = compute_for(300ms);
  PipePair idle;
  WaitGroup readers;
  std::atomic<bool> is_reading{false};
  readers.go([&] {
    is_reading = true;
    (void)idle.get();
  });
  while (!is_reading) yield();
  sleep(10ms);
  report("blockread_compute_progress", 100 * compute_for(300ms) / alone, "%");
  idle.put();
  readers.wait();

  constexpr int kRounds = 5'000;
  PipePair there;
  PipePair back;
  readers.go([&] {
    for (int i = 0; i < kRounds; ++i) {
      require(there.get(), "read");
      back.put();
    }
  });
  const Stopwatch pingpong_watch;
  for (int i = 0; i < kRounds; ++i) {
    there.put();
    require(back.get(), "read");
  }
  pingpong_watch.report_per("blockread_pingpong", kRounds);
  readers.wait();

  constexpr int kCalls = 1'000'000;
  const Stopwatch calls_watch;
  for (int i = 0; i < kCalls; ++i) (void)blocking(Blocking::kBrief, [] { return getppid(); });
  calls_watch.report_per("getppid_syscall", kCalls);
}

// How long a yield takes while another goroutine loops without a runtime call. 1 P, whatever
// GORUN_PROCS says.
void starve() {
  std::vector<double> late_ms;
  for (int i = 0; i < 30; ++i) {
    std::atomic<bool> stop{false};
    WaitGroup greedy;
    greedy.go([&] {
      while (!stop.load(std::memory_order_relaxed)) {
      }
    });
    const Stopwatch watch;
    yield();
    late_ms.push_back(watch.ns() / 1e6);
    stop = true;
    greedy.wait();
    sleep(1ms);
  }
  std::sort(late_ms.begin(), late_ms.end());
  report("starve_p50", late_ms[15], "ms");
  report("starve_max", late_ms[29], "ms");
}

}  // namespace gorun::bench
