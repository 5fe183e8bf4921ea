// tests/runtime/runtime_test.cc - starting, spawning, yielding, and what a runtime tells of itself.

#include "runtime/runtime.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "runtime/chan.h"
#include "runtime/num_cpu.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::runtime_test {

namespace {

using namespace gorun::runtime;

// Sets GORUN_PROCS for one scope.
class ProcsFromEnvironment {
 public:
  explicit ProcsFromEnvironment(const char* value) {
    if (const char* old = std::getenv("GORUN_PROCS")) before_ = old;
    setenv("GORUN_PROCS", value, 1);
  }
  ~ProcsFromEnvironment() {
    if (before_.empty()) {
      unsetenv("GORUN_PROCS");
    } else {
      setenv("GORUN_PROCS", before_.c_str(), 1);
    }
  }
  ProcsFromEnvironment(const ProcsFromEnvironment&) = delete;
  ProcsFromEnvironment& operator=(const ProcsFromEnvironment&) = delete;

 private:
  std::string before_;
};

// Uses at least `bytes` of the stack and returns what it wrote there.
int use_stack(int bytes) {
  volatile char frame[1024];
  frame[0] = 1;
  frame[1023] = 1;
  return bytes <= 1024 ? frame[0] : use_stack(bytes - 1024) + frame[1023];
}

}  // namespace

TEST_SUITE_BEGIN("runtime/runtime");

TEST_CASE("run runs its main as a goroutine, and returns when that has returned") {
  at_each_procs([](Runtime& rt) {
    bool inside = false;
    CHECK_FALSE(in_goroutine());
    run_to_end(rt, [&] { inside = in_goroutine(); });
    CHECK(inside);
    CHECK_FALSE(in_goroutine());
  });
}

TEST_CASE("run waits for all goroutines, also those that outlive main") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled_goroutines(2'000);
    std::atomic<int> ended{0};
    run_to_end(rt, [&] {
      for (int i = 0; i < n; ++i) {
        go([&] {
          yield();
          go([&] {
            yield();
            ++ended;
          });
        });
      }
    });
    CHECK(ended == n);
  });
}

TEST_CASE("go returns before its goroutine must run, and every goroutine runs once") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled_goroutines(20'000);
    std::vector<std::atomic<int>> runs(static_cast<std::size_t>(n));
    run_to_end(rt, [&] {
      for (std::atomic<int>& r : runs) go([&r] { ++r; });
    });
    int wrong = 0;
    for (const std::atomic<int>& r : runs) wrong += r != 1;
    CHECK(wrong == 0);
  });
}

TEST_CASE("what precedes go is seen by the goroutine") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled(2'000);
    std::atomic<int> stale{0};
    run_to_end(rt, [&] {
      std::vector<int> memory(static_cast<std::size_t>(n), 0);  // plain on purpose
      WaitGroup all;
      for (int& cell : memory) {
        cell = 1;
        all.go([&] { stale += cell != 1; });
      }
      all.wait();
    });
    CHECK(stale == 0);
  });
}

TEST_CASE("a closure of any size, movable only, is run and destroyed once") {
  at_each_procs([](Runtime& rt) {
    std::weak_ptr<int> small_watch;
    std::weak_ptr<int> big_watch;
    std::atomic<int> sum{0};
    run_to_end(rt, [&] {
      auto small = std::make_shared<int>(1);
      auto big = std::make_shared<int>(2);
      small_watch = small;
      big_watch = big;
      std::array<int, 500> ballast{};
      ballast.fill(1);
      go([&sum, small = std::move(small)] { sum += *small; });
      go([&sum, big = std::move(big), owned = std::make_unique<int>(3), ballast] {
        sum += *big + *owned + std::accumulate(ballast.begin(), ballast.end(), 0);
      });
    });
    CHECK(sum == 1 + 2 + 3 + 500);
    CHECK(small_watch.expired());
    CHECK(big_watch.expired());
  });
}

TEST_CASE("yield lets the others run, round after round") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(1'000, 100);
    std::atomic<int> turns{0};
    int after = 0;
    run_to_end(rt, [&] {
      // Each waits for the other's last turn, so the loop ends only if yield really lets it in.
      go([&] {
        for (int i = 0; i < rounds; ++i) {
          while (turns != 2 * i + 1) yield();
          ++turns;
        }
      });
      for (int i = 0; i < rounds; ++i) {
        while (turns != 2 * i) yield();
        ++turns;
      }
      while (turns != 2 * rounds) yield();
      after = turns;
    });
    CHECK(after == 2 * rounds);
  });
}

TEST_CASE("goroutines that yield in a loop all advance") {
  at_each_procs([](Runtime& rt) {
    constexpr std::size_t kGoroutines = 16;
    const int wanted = scaled(500, 50);
    std::vector<std::atomic<int>> turns(kGoroutines);
    run_to_end(rt, [&] {
      std::atomic<bool> stop{false};
      WaitGroup all;
      for (std::atomic<int>& mine : turns) {
        all.go([&] {
          while (!stop) {
            ++mine;
            yield();
          }
        });
      }
      yield_until("everybody had its turns", [&] {
        return std::all_of(turns.begin(), turns.end(), [&](const auto& t) { return t >= wanted; });
      });
      stop = true;
      all.wait();
    });
    for (const std::atomic<int>& t : turns) CHECK(t >= wanted);
  });
}

TEST_CASE("two goroutines that hand work to each other do not starve a third") {
  at_each_procs([](Runtime& rt) {
    std::atomic<bool> third_ran{false};
    run_to_end(rt, [&] {
      Chan<int> there(0);
      Chan<int> back(0);
      go([=]() mutable {
        for (const int value : there) (void)back.send(value);
      });
      go([&] { third_ran = true; });
      // An endless ping-pong, were it not for the third; each hand-off goes to the run-next slot.
      while (!third_ran) {
        (void)there.send(1);
        (void)back.recv();
      }
      there.close();
    });
    CHECK(third_ran);
  });
}

TEST_CASE("a goroutine has room for 128 KiB of frames") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> wrong{0};
    run_to_end(rt, [&] {
      for (int i = 0; i < 20; ++i) {
        go([&] {
          wrong += use_stack(128 * 1024) != 128;
          yield();
          wrong += use_stack(128 * 1024) != 128;
        });
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("floating point state is a goroutine's own across yields") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> wrong{0};
    run_to_end(rt, [&] {
      for (int g = 0; g < 8; ++g) {
        go([&, g] {
          double a = g;
          double b = g + 0.5;
          double c = g * 2.0;
          for (int i = 0; i < 200; ++i) {
            a += 1.0;
            yield();
            b += a;
            c = b - c;
          }
          double x = g;
          double y = g + 0.5;
          double z = g * 2.0;
          for (int i = 0; i < 200; ++i) {
            x += 1.0;
            y += x;
            z = y - z;
          }
          wrong += a != x || b != y || c != z;
        });
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("procs is what Options say, else GORUN_PROCS, else the number of cores") {
  {
    const ProcsFromEnvironment three("3");
    Runtime from_environment;
    int seen_inside = 0;
    run_to_end(from_environment, [&] { seen_inside = procs(); });
    CHECK(from_environment.procs() == 3);
    CHECK(seen_inside == 3);
  }
  {
    const ProcsFromEnvironment three("3");
    const Runtime from_options({.procs = 5});
    CHECK(from_options.procs() == 5);
  }
  {
    const ProcsFromEnvironment three("3");  // restored below, whatever it was before
    unsetenv("GORUN_PROCS");
    const Runtime from_machine;
    CHECK(from_machine.procs() == num_cpu());
  }
}

TEST_CASE("a runtime may follow another") {
  for (int i = 0; i < 5; ++i) {
    at_each_procs([](Runtime& rt) {
      std::atomic<int> ran{0};
      run_to_end(rt, [&] {
        WaitGroup all;
        for (int g = 0; g < 100; ++g) {
          all.go([&] {
            yield();
            ++ran;
          });
        }
        all.wait();
      });
      CHECK(ran == 100);
    });
  }
}

TEST_CASE("a runtime that never ran can be dropped") {
  for (int i = 0; i < 3; ++i) {
    const Runtime rt({.procs = 4});
    CHECK(rt.procs() == 4);
    CHECK(rt.parked() == 0);
  }
}

TEST_CASE("parked counts goroutines by the reason they wait for") {
  at_each_procs([](Runtime& rt) {
    std::vector<std::size_t> counts;
    std::size_t all_parked = 0;
    std::size_t after = 99;
    run_to_end(rt, [&] {
      Chan<int> empty(0);
      Chan<int> full(0);
      Chan<int> selected(0);
      Mutex mutex;
      mutex.lock();
      WaitGroup work;
      work.add(1);
      WaitGroup all;
      for (int i = 0; i < 1; ++i) all.go([&] { (void)empty.recv(); });
      for (int i = 0; i < 2; ++i) all.go([&] { (void)full.send(1); });
      for (int i = 0; i < 4; ++i) all.go([&] { work.wait(); });
      for (int i = 0; i < 5; ++i) {
        all.go([&] {
          mutex.lock();
          mutex.unlock();
        });
      }
      wait_until_parked(rt, 12);
      for (const WaitReason reason : {WaitReason::kChanRecv, WaitReason::kChanSend,
                                      WaitReason::kWaitGroup, WaitReason::kMutex}) {
        counts.push_back(rt.parked(reason));
      }
      all_parked = rt.parked();
      empty.close();
      full.close();
      mutex.unlock();
      work.done();
      all.wait();
      after = rt.parked();
    });
    CHECK(counts == std::vector<std::size_t>{1, 2, 4, 5});
    CHECK(all_parked == 12);
    CHECK(after == 0);
  });
}

TEST_CASE("counters count spawns, parks and wakes") {
  at_each_procs([](Runtime& rt) {
    constexpr int kGoroutines = 50;
    Counters before;
    Counters after;
    run_to_end(rt, [&] {
      Chan<Unit> gate(0);
      before = rt.counters();
      WaitGroup all;
      for (int i = 0; i < kGoroutines; ++i) all.go([&] { (void)gate.recv(); });
      wait_until_parked(rt, WaitReason::kChanRecv, kGoroutines);
      gate.close();
      all.wait();
      after = rt.counters();
    });
    CHECK(after.spawned - before.spawned == kGoroutines);
    CHECK(after.parks - before.parks >= kGoroutines);
    CHECK(after.wakes - before.wakes >= kGoroutines);
    const Counters end = rt.counters();
    CHECK(end.spawned >= after.spawned);
    CHECK(end.parks >= after.parks);
    CHECK(end.wakes >= after.wakes);
    CHECK(end.steals >= after.steals);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::runtime_test
