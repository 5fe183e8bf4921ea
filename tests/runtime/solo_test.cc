// tests/runtime/solo_test.cc - solo begins when one P has been alone, ends when a second one comes,
// and what Ps share is used by one at a time through both.

#include <doctest/doctest.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "runtime/blocking.h"
#include "runtime/chan.h"
#include "runtime/num_cpu.h"
#include "runtime/runtime.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"
#include "runtime/select.h"
#include "runtime/solo.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::solo_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

void wait_until_solo() {
  yield_until("solo", [] { return is_solo.load(); });
}

bool are_two_busy() { return sched->busy_ps.load() > 1; }

// Whether one of several busy Ps could believe that it is alone.
bool is_wrongly_solo() {
  const std::lock_guard guard(sched->lock);
  return are_two_busy() && is_solo.load();
}

enum class Stay { kNotSolo, kAlone, kJoined };

// Stays in the runtime, if it is solo there, until another M has a P too, and for a while longer,
// in which that one may not get on: it would set `came`. `join` lets it come.
template <class Join>
Stay stay_alone(const std::atomic<bool>& came, const Join& join) {
  const RtSection rt;
  if (!solo() || came) return Stay::kNotSolo;
  const P* const own = current_m()->p;
  const auto is_joined = [own] {
    return std::any_of(sched->ps.begin(), sched->ps.end(), [own](const auto& pp) {
      return pp.get() != own && pp->m.load() != nullptr;
    });
  };
  do {
    join();
    sched_yield();
  } while (!is_joined());
  for (int i = 0; i < 1'000; ++i) sched_yield();
  return came ? Stay::kJoined : Stay::kAlone;
}

// Plain memory under a lock that is a channel, taken by selects and sends in turn.
class Shared {
 public:
  void use() {
    if (++turn_ % 2 == 0) {
      Token in;
      Token out;
      (void)select(recv_case(never_, in), send_case(lock_, out), recv_case(never_too_, in));
    } else {
      (void)lock_.send({});
    }
    ++used_;
    (void)lock_.recv();
  }
  // Once nobody uses it.
  [[nodiscard]] int used() const { return used_; }

 private:
  struct Token {};
  Chan<Token> lock_{1};
  Chan<Token> never_{0};
  Chan<Token> never_too_{1};
  std::atomic<unsigned> turn_{0};
  int used_ = 0;
};

}  // namespace

TEST_SUITE_BEGIN("runtime/solo");

TEST_CASE("a run is solo while one P is busy, and not while two are") {
  for (const int procs : {2, 8}) {
    Runtime rt({.procs = procs});
    std::atomic<int> wrong = 0;
    run_to_end(rt, [&] {
      for (int round = 0; round < 5; ++round) {
        wait_until_solo();
        std::atomic<bool> is_over = false;
        WaitGroup other;
        other.go([&] {
          while (!is_over) {
          }
        });
        // The second goroutine computes on a P of its own, or took this one's: then again.
        yield_until("two busy Ps", are_two_busy);
        if (is_wrongly_solo()) ++wrong;
        is_over = true;
        other.wait();
      }
    });
    CHECK(wrong == 0);
  }
}

TEST_CASE("a run that has one P is solo throughout") {
  Runtime rt({.procs = 1});
  int others = 0;
  run_to_end(rt, [&] {
    WaitGroup all;
    for (int g = 0; g < 10; ++g) {
      all.go([&] {
        if (!is_solo.load()) ++others;
        yield();
      });
    }
    all.wait();
  });
  CHECK(others == 0);
}

// Calls `attempt(came)`, in which a goroutine that sets `came` joins, until it could stay alone.
template <class Attempt>
void check_stays_alone(const Attempt& attempt) {
  for (const int procs : {2, 8}) {
    Runtime rt({.procs = procs});
    std::atomic<bool> came = false;
    auto stayed = Stay::kNotSolo;
    run_to_end(rt, [&] {
      while (stayed == Stay::kNotSolo) {
        came = false;
        stayed = attempt(came);
      }
    });
    CHECK((stayed == Stay::kAlone));
    CHECK(came);
  }
}

TEST_CASE("whoever joins waits until the one that was alone has left the runtime") {
  check_stays_alone([](std::atomic<bool>& came) {
    wait_until_solo();
    WaitGroup other;
    other.go([&] { came = true; });
    const Stay stayed = stay_alone(came, [] { sched->wake(); });
    other.wait();
    return stayed;
  });
}

TEST_CASE("so does who comes back from a blocking call") {
  check_stays_alone([](std::atomic<bool>& came) {
    std::atomic<bool> is_out = false;
    std::atomic<bool> may_return = false;
    WaitGroup other;
    other.go([&] {
      blocking(Blocking::kLong, [&] {
        is_out = true;
        while (!may_return) std::this_thread::yield();
      });
      came = true;
    });
    yield_until("a blocking call", [&] { return is_out.load(); });
    wait_until_solo();
    const Stay stayed = stay_alone(came, [&] { may_return = true; });
    may_return = true;
    other.wait();
    return stayed;
  });
}

TEST_CASE("what Ps share is used by one at a time when others join one that was alone") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(40, 10);
    constexpr int kUses = 300;
    constexpr int kOthers = 4;
    int used = 0;
    run_to_end(rt, [&] {
      Shared shared;
      for (int round = 0; round < rounds; ++round) {
        wait_until_solo();
        WaitGroup all;
        for (int g = 0; g < kOthers; ++g) {
          all.go([&] {
            for (int i = 0; i < kUses; ++i) shared.use();
          });
        }
        for (int i = 0; i < kUses; ++i) shared.use();
        all.wait();
      }
      used = shared.used();
    });
    CHECK(used == rounds * (kOthers + 1) * kUses);
  });
}

TEST_CASE("who comes back from a blocking call joins one that was alone") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(40, 10);
    constexpr int kUses = 100;
    int used = 0;
    run_to_end(rt, [&] {
      Shared shared;
      for (int round = 0; round < rounds; ++round) {
        std::atomic<bool> may_return = false;
        std::atomic<bool> has_returned = false;
        WaitGroup blocked;
        blocked.go([&] {
          blocking(Blocking::kLong, [&] {
            while (!may_return) std::this_thread::yield();
          });
          has_returned = true;
          for (int i = 0; i < kUses; ++i) shared.use();
        });
        wait_until_solo();
        may_return = true;
        int mine = 0;
        while (!has_returned || mine < kUses) {
          shared.use();
          ++mine;
          if (mine % 64 == 0) yield();  // a single P needs a way to the other goroutine
        }
        blocked.wait();
        used += mine;
      }
      used -= shared.used();
    });
    CHECK(used == -rounds * kUses);
  });
}

TEST_CASE("timers of a P that is too many move to one that is alone") {
  for (const int procs : {2, 8}) {
    Runtime rt({.procs = procs});
    constexpr int kTimers = 50;
    int left = 0;
    run_to_end(rt, [&] {
      for (int round = 0; round < 5; ++round) {
        set_procs(procs);
        std::array<std::unique_ptr<Timer>, kTimers> theirs;
        std::atomic<bool> is_over = false;
        WaitGroup other;
        other.go([&] {
          for (auto& timer : theirs) timer = std::make_unique<Timer>(1h);
          while (!is_over) {
          }
        });
        yield_until("two busy Ps", are_two_busy);
        is_over = true;
        other.wait();
        wait_until_solo();
        set_procs(1);
        // Against sysmon, which moves the others' meanwhile.
        yield_until("their timers are here", [&] {
          Timer mine(1h);
          mine.stop();
          for (std::size_t i = 1; i < sched->ps.size(); ++i) {
            if (sched->ps[i]->timers.earliest() != TimerHeap::kNever) return false;
          }
          return true;
        });
        for (auto& timer : theirs) left += timer->stop() ? 0 : 1;
      }
    });
    CHECK(left == 0);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::solo_test
