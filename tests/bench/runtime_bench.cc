// tests/bench/runtime_bench.cc - microbenchmarks of the runtime; go/main.go has the same in Go.
//
//   GORUN_PROCS=2 runtime_bench NAME...     without names: lists them
//
// Names, counts and shapes are those of the Go program, so that lines can be compared by name
// (bench_runtime.py does). Each benchmark is the main goroutine of a Runtime of its own. Figures
// count only if the answer was right: a wrong one ends the program with status 1.

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/after_func.h"
#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/bench/blocking_bench.h"
#include "tests/bench/echo_bench.h"
#include "tests/bench/idle_bench.h"
#include "tests/bench/require.h"
#include "tests/bench/stopwatch.h"

namespace gorun::bench {
namespace {

using namespace runtime;
using namespace std::chrono_literals;

double resident_bytes() {
  std::FILE* statm = std::fopen("/proc/self/statm", "re");
  long size = 0;
  long resident = 0;
  if (statm != nullptr) {
    require(std::fscanf(statm, "%ld %ld", &size, &resident) == 2, "/proc/self/statm");
    std::fclose(statm);
  }
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// --- spawning and switching ---------------------------------------------------------------------

void spawn(std::string_view name, int batch) {
  constexpr int kTotal = 1'000'000;
  WaitGroup group;
  const Stopwatch watch;
  for (int i = 0; i < kTotal; i += batch) {
    group.add(batch);
    for (int j = 0; j < batch; ++j) go([&group] { group.done(); });
    group.wait();
  }
  watch.report_per(name, kTotal);
}

void yielding(std::string_view name, int goroutines) {
  const int turns = 4'000'000 / goroutines;
  WaitGroup group;
  Chan<Unit> start(0);
  for (int g = 0; g < goroutines; ++g) {
    group.go([&] {
      (void)start.recv();
      for (int i = 0; i < turns; ++i) yield();
    });
  }
  const Stopwatch watch;
  start.close();
  group.wait();
  watch.report_per(name, static_cast<double>(turns) * goroutines);
}

void compute_for(Nanos length) {
  const Nanos end = now() + length;
  while (now() < end) {
  }
}

// One child at a time, which is as long as what its spawner does beside it. Between two rounds the
// spawner computes alone, or sleeps.
void fork_join(std::string_view name, Nanos half, Nanos alone, Nanos asleep) {
  constexpr int kRounds = 300;
  double ns = 0;
  for (int i = 0; i < kRounds; ++i) {
    if (asleep > Nanos{0}) sleep(asleep);
    compute_for(alone);
    const Stopwatch watch;
    WaitGroup child;
    child.go([half] { compute_for(half); });
    compute_for(half);
    child.wait();
    ns += watch.ns();
  }
  report(name, ns / kRounds / 1e3, "us");
}

// --- channels -----------------------------------------------------------------------------------

void pingpong() {
  constexpr int kRounds = 1'000'000;
  Chan<int> there(0);
  Chan<int> back(0);
  go([=]() mutable {
    for (const int value : there) (void)back.send(value);
  });
  const Stopwatch watch;
  for (int i = 0; i < kRounds; ++i) {
    (void)there.send(i);
    (void)back.recv();
  }
  watch.report_per("pingpong", kRounds);
  there.close();
}

void producers_consumers(std::string_view name, int producers, int consumers, int total) {
  Chan<int> ch(128);
  WaitGroup sending;
  WaitGroup receiving;
  std::atomic<int> received{0};
  const Stopwatch watch;
  for (int p = 0; p < producers; ++p) {
    sending.go([&] {
      for (int i = 0; i < total / producers; ++i) (void)ch.send(i);
    });
  }
  for (int c = 0; c < consumers; ++c) {
    receiving.go([&] {
      int mine = 0;
      while (ch.recv()) ++mine;
      received += mine;
    });
  }
  sending.wait();
  ch.close();
  receiving.wait();
  watch.report_per(name, total);
  require(received == total, "values received");
}

void same_goroutine() {
  constexpr int kRounds = 10'000'000;
  Chan<int> ch(8);
  const Stopwatch watch;
  for (int i = 0; i < kRounds; ++i) {
    (void)ch.send(i);
    (void)ch.recv();
  }
  watch.report_per("chan_sendrecv_same_g", kRounds);
}

// --- select -------------------------------------------------------------------------------------

// A producer goes round k unbuffered channels; the consumer selects over them.
void select_over(std::string_view name, int k) {
  constexpr int kRounds = 1'000'000;
  std::vector<Chan<int>> ch;
  for (int i = 0; i < 8; ++i) ch.emplace_back(0U);
  go([ch, k]() mutable {
    for (int i = 0; i < kRounds; ++i) (void)ch[static_cast<std::size_t>(i % k)].send(i);
  });
  std::int64_t sum = 0;
  int value = 0;
  const Stopwatch watch;
  for (int i = 0; i < kRounds; ++i) {
    if (k == 2) {
      (void)select(recv_case(ch[0], value), recv_case(ch[1], value));
    } else {
      (void)select(recv_case(ch[0], value), recv_case(ch[1], value), recv_case(ch[2], value),
                   recv_case(ch[3], value), recv_case(ch[4], value), recv_case(ch[5], value),
                   recv_case(ch[6], value), recv_case(ch[7], value));
    }
    sum += value;
  }
  watch.report_per(name, kRounds);
  require(sum == std::int64_t{kRounds} * (kRounds - 1) / 2, "sum over select");
}

void select_ready() {
  constexpr int kRounds = 4'000'000;
  Chan<int> a(1);
  Chan<int> b(1);
  (void)a.send(1);
  (void)b.send(1);
  int value = 0;
  const Stopwatch watch;
  for (int i = 0; i < kRounds; ++i) {
    const Selected s = select(recv_case(a, value), recv_case(b, value));
    (void)(s.index == 0 ? a : b).send(value);
  }
  watch.report_per("select2_ready", kRounds);
}

void select_default() {
  constexpr int kRounds = 100'000'000;
  Chan<int> ch(0);
  int value = 0;
  int received = 0;
  const Stopwatch watch;
  for (int i = 0; i < kRounds; ++i) {
    received += select(recv_case(ch, value), default_case()).index == 0;
  }
  watch.report_per("seldef", kRounds);
  require(received == 0, "nothing was sent");
}

// --- locks --------------------------------------------------------------------------------------

void locking(std::string_view name, int goroutines) {
  constexpr int kTotal = 8'000'000;
  Mutex mutex;
  WaitGroup group;
  int counter = 0;
  const int each = kTotal / goroutines;
  const Stopwatch watch;
  for (int g = 0; g < goroutines; ++g) {
    group.go([&, each] {  // a copy: the loop needs no division to know its end
      for (int i = 0; i < each; ++i) {
        mutex.lock();
        ++counter;
        mutex.unlock();
      }
    });
  }
  group.wait();
  watch.report_per(name, kTotal);
  require(counter == each * goroutines, "count under the mutex");
}

// --- trees and chains ---------------------------------------------------------------------------

void skynet_node(Chan<std::int64_t> result, std::int64_t number, std::int64_t size) {
  if (size == 1) {
    (void)result.send(number);
    return;
  }
  Chan<std::int64_t> children(0);
  for (int i = 0; i < 10; ++i) {
    go([=] { skynet_node(children, number + i * (size / 10), size / 10); });
  }
  std::int64_t sum = 0;
  for (int i = 0; i < 10; ++i) sum += *children.recv();
  (void)result.send(sum);
}

void skynet() {
  Chan<std::int64_t> result(0);
  const Stopwatch watch;
  go([=] { skynet_node(result, 0, 1'000'000); });
  const std::int64_t sum = *result.recv();
  watch.report_ms("skynet1M");
  require(sum == 499'999'500'000, "skynet");
}

// The Go program leaves its 2,001 goroutines parked and exits; here the chain is taken down after
// the watch has stopped, by closing its last channel.
void sieve() {
  const Stopwatch watch;
  Chan<int> ch(0);
  go([out = ch]() mutable {
    for (int i = 2; out.send(i) == ChanStatus::kOk; ++i) {
    }
  });
  int prime = 0;
  for (int i = 0; i < 2'000; ++i) {
    prime = *ch.recv();
    Chan<int> next(0);
    go([in = ch, out = next, prime]() mutable {
      while (const Received<int> got = in.recv()) {
        if (*got.value % prime == 0) continue;
        if (out.send(*got.value) != ChanStatus::kOk) break;
      }
      in.close();
    });
    ch = next;
  }
  watch.report_ms("sieve2000");
  require(prime == 17'389, "2,000th prime");
  ch.close();
}

int fib_fork_join(int n) {
  if (n < 2) return n;
  WaitGroup child;
  int a = 0;
  child.go([&a, n] { a = fib_fork_join(n - 1); });
  const int b = fib_fork_join(n - 2);
  child.wait();
  return a + b;
}

void fib_by_channels(int n, Chan<int> result) {
  if (n < 2) {
    (void)result.send(n);
    return;
  }
  Chan<int> parts(2);
  go([=] { fib_by_channels(n - 1, parts); });
  go([=] { fib_by_channels(n - 2, parts); });
  const int sum = *parts.recv() + *parts.recv();
  (void)result.send(sum);
}

void fib() {
  const Stopwatch watch;
  require(fib_fork_join(30) == 832'040, "fib(30)");
  watch.report_ms("fib30");
}

void fib_all() {
  const Stopwatch watch;
  Chan<int> result(1);
  fib_by_channels(30, result);
  require(*result.recv() == 832'040, "fib(30)");
  watch.report_ms("fib30_all_chan");
}

void ring() {
  constexpr int kGoroutines = 1'000;
  constexpr int kLaps = 1'000;
  Chan<int> first(0);
  Chan<int> last = first;
  for (int i = 0; i < kGoroutines - 1; ++i) {
    Chan<int> next(0);
    go([in = last, out = next]() mutable {
      for (const int value : in) (void)out.send(value);
      out.close();
    });
    last = next;
  }
  const Stopwatch watch;
  for (int i = 0; i < kLaps; ++i) {
    (void)first.send(i);
    (void)last.recv();
  }
  watch.report_per("ring1000_hop", kGoroutines * kLaps);
  first.close();
}

std::size_t rounds_of(std::size_t i) { return (i >> 19) + 1; }  // 1 to 20: badly balanced

// The value of one cell, or of as many neighbours as Lanes says.
template <std::size_t Lanes>
void skewed_work(std::uint64_t* cells, std::size_t first) {
  std::uint64_t x[Lanes];
  for (std::size_t i = 0; i < Lanes; ++i) x[i] = first + i + 88'172'645'463'325'252;
  for (std::size_t left = rounds_of(first); left > 0; --left) {
    for (std::size_t i = 0; i < Lanes; ++i) {
      x[i] ^= x[i] << 13;
      x[i] ^= x[i] >> 7;
      x[i] ^= x[i] << 17;
    }
  }
  std::copy_n(x, Lanes, cells + first);
}

// The loop's body is handed a range, as in Go. Here the compiler may take several cells at a time,
// which it does for neighbours that have the same number of rounds.
void skewed_work(std::uint64_t* cells, std::size_t low, std::size_t high) {
  constexpr std::size_t kLanes = 4;
  while (low < high) {
    const std::size_t same = std::min(high, rounds_of(low) << 19);
    for (; low + kLanes <= same; low += kLanes) skewed_work<kLanes>(cells, low);
    for (; low < same; ++low) skewed_work<1>(cells, low);
  }
}

void parallel_for(std::vector<std::uint64_t>& cells, std::size_t low, std::size_t high) {
  WaitGroup group;
  while (high - low > 8'192) {
    const std::size_t middle = (low + high) / 2;
    group.go([&cells, middle, high] { parallel_for(cells, middle, high); });
    high = middle;
  }
  skewed_work(cells.data(), low, high);
  group.wait();
}

void parallel_for_10m() {
  std::vector<std::uint64_t> cells(10'000'000, 1);
  const Stopwatch watch;
  parallel_for(cells, 0, cells.size());
  watch.report_ms("pfor10M");
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::uint64_t cell = cells[i];
    skewed_work<1>(cells.data(), i);
    require(cells[i] == cell, "cell");
  }
}

// --- populations --------------------------------------------------------------------------------

void park(const std::string& name, int n) {
  Chan<Unit> gate(0);
  std::atomic<int> up{0};
  std::atomic<int> gone{0};
  const double resident_before = resident_bytes();
  const Stopwatch creation;
  for (int i = 0; i < n; ++i) {
    go([&] {
      ++up;
      (void)gate.recv();
      ++gone;
    });
  }
  while (up != n) yield();
  sleep(1ms);
  creation.report_per(name + "_create", n);
  report(name + "_rss", (resident_bytes() - resident_before) / n, "B");
  const Stopwatch waking;
  gate.close();
  while (gone != n) yield();
  waking.report_per(name + "_wakeall", n);
}

void sleepers() {
  constexpr int kSleepers = 100'000;
  WaitGroup group;
  const double resident_before = resident_bytes();
  const Stopwatch watch;
  for (int i = 0; i < kSleepers; ++i) {
    group.go([] { sleep(100ms); });
  }
  const double created_ns = watch.ns();
  group.wait();
  report("sleep100k_wall", watch.ns() / 1e6, "ms");
  report("sleep100k_create", created_ns / 1e6, "ms");
  report("sleep100k_rss", (resident_bytes() - resident_before) / kSleepers, "B");
}

void timers() {
  constexpr int kTimers = 2'000'000;
  constexpr int kPending = 10'000;
  const auto spread = [](int i) { return 1h + (i * 7'919LL % kPending) * 1ms; };
  const Stopwatch alone;
  for (int i = 0; i < kTimers; ++i) {
    Timer timer(1h);
    timer.stop();
  }
  alone.report_per("timer_newstop", kTimers);
  std::vector<FuncTimer> pending;
  pending.reserve(kPending);
  for (int i = 0; i < kPending; ++i) pending.push_back(after_func(spread(i), [] {}));
  const Stopwatch among;
  for (int i = 0; i < kTimers; ++i) after_func(spread(i), [] {}).stop();
  among.report_per("timer_newstop_10k", kTimers);
}

void sleep_lateness() {
  std::vector<double> late_us;
  for (int i = 0; i < 200; ++i) {
    const Stopwatch watch;
    sleep(1ms);
    late_us.push_back(watch.ns() / 1e3 - 1'000);
  }
  std::sort(late_us.begin(), late_us.end());
  report("sleep1ms_late_p50", late_us[100], "us");
  report("sleep1ms_late_p99", late_us[198], "us");
}

// --- the table ----------------------------------------------------------------------------------

struct Benchmark {
  std::string_view name;
  int procs;  // 0: from GORUN_PROCS
  void (*run)();
};

constexpr Benchmark kBenchmarks[] = {
    {"spawn", 0,
     [] {
       spawn("spawn_batch1000", 1'000);
       spawn("spawn_one", 1);
     }},
    {"forkjoin", 0,
     [] {
       fork_join("forkjoin50us", 50us, 0us, 0us);
       fork_join("forkjoin200us", 200us, 0us, 0us);
       fork_join("forkjoin200us_alone", 200us, 200us, 0us);
       fork_join("forkjoin200us_asleep", 200us, 0us, 5ms);
     }},
    {"yield", 0,
     [] {
       yielding("yield1", 1);
       yielding("yield2", 2);
       yielding("yield1000", 1'000);
     }},
    {"pingpong", 0, pingpong},
    {"spsc", 0, [] { producers_consumers("spsc128", 1, 1, 5'000'000); }},
    {"mpmc", 0, [] { producers_consumers("mpmc8x8_128", 8, 8, 4'000'000); }},
    {"select", 0,
     [] {
       select_over("select2", 2);
       select_over("select8", 8);
       select_ready();
       select_default();
       same_goroutine();
     }},
    {"mutex", 0,
     [] {
       locking("mutex1", 1);
       locking("mutex8", 8);
     }},
    {"skynet", 0, skynet},
    {"sieve", 0, sieve},
    {"fib", 0, fib},
    {"fiball", 0, fib_all},
    {"ring", 0, ring},
    {"pfor", 0, parallel_for_10m},
    {"park100k", 0, [] { park("park100k", 100'000); }},
    {"park1m", 0, [] { park("park1M", 1'000'000); }},
    {"sleepers", 0, sleepers},
    {"timers", 0, timers},
    {"lateness", 0, sleep_lateness},
    {"echo", 0, echo},
    {"blocksys", 0, blocking_reads},
    {"starve", 1, starve},
    {"idle", 0, idle},
};

int run_one(std::string_view name) {
  for (const Benchmark& benchmark : kBenchmarks) {
    if (benchmark.name != name) continue;
    Runtime rt({.procs = benchmark.procs});
    const RunResult result = rt.run(benchmark.run);
    require(result.outcome == RunResult::Outcome::kFinished, "a goroutine is left over");
    return 0;
  }
  std::fprintf(stderr, "runtime_bench: no benchmark \"%.*s\"\n", static_cast<int>(name.size()),
               name.data());
  return 2;
}

}  // namespace
}  // namespace gorun::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    for (const auto& benchmark : gorun::bench::kBenchmarks) {
      std::printf("%.*s\n", static_cast<int>(benchmark.name.size()), benchmark.name.data());
    }
    return 0;
  }
  for (int i = 1; i < argc; ++i) {
    if (const int status = gorun::bench::run_one(argv[i]); status != 0) return status;
  }
  return 0;
}
