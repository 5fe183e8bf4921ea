// tests/runtime/tickers_test.cc - Timer, Ticker, after and after_func, from Go's documentation.
//
// Time is the subject here. Where order matters and not the clock, deadlines are so far apart that
// a loaded machine does not confuse them; where the clock matters, only earliness is a failure.

#include <doctest/doctest.h>

#include <atomic>
#include <random>
#include <vector>

#include "runtime/after_func.h"
#include "runtime/cancel.h"
#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/counted.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::tickers_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

// Outlives every Runtime of a test.
std::atomic<int>& counted_alive() {
  static std::atomic<int> alive{0};
  return alive;
}

// Yields until `duration` has passed: without a timer of its own.
void busy_wait(Nanos duration) {
  const Nanos end = now() + duration;
  while (now() < end) yield();
}

}  // namespace

TEST_SUITE_BEGIN("runtime/timer");

TEST_CASE("a Timer sends the time of its firing, once, never early") {
  at_each_procs([](Runtime& rt) {
    Nanos early{0};
    Nanos sent_after{0};
    ChanStatus second = ChanStatus::kOk;
    run_to_end(rt, [&] {
      for (int i = 0; i < 10; ++i) {
        const Nanos start = now();
        Timer timer(1ms);
        const Nanos fired = *timer.chan().recv();
        early = std::min(early, fired - start - 1ms);
        sent_after = std::max(sent_after, fired - now());
        busy_wait(2ms);
        second = timer.chan().try_recv().status;
      }
    });
    CHECK(early == Nanos{0});
    CHECK(sent_after <= Nanos{0});
    CHECK(second == ChanStatus::kWouldBlock);
  });
}

TEST_CASE("a Timer whose channel is first asked for after it fired has the value waiting") {
  at_each_procs([](Runtime& rt) {
    bool in_time = false;
    run_to_end(rt, [&] {
      Timer timer(1ms);
      const Nanos start = now();
      busy_wait(20ms);
      const Nanos fired = *timer.chan().recv();
      in_time = fired - start < now() - start;
    });
    CHECK(in_time);
  });
}

TEST_CASE("a delay of zero or less has passed already") {
  at_each_procs([](Runtime& rt) {
    int fired = 0;
    run_to_end(rt, [&] {
      for (const Nanos delay : {Nanos{0}, Nanos{-1}, Nanos{-1h}, Nanos::min()}) {
        Timer timer(delay);
        fired += timer.chan().recv().status == ChanStatus::kOk;
        fired += after(delay).recv().status == ChanStatus::kOk;
      }
    });
    CHECK(fired == 8);
  });
}

TEST_CASE("the longest delay there is does not overflow") {
  at_each_procs([](Runtime& rt) {
    bool stopped = false;
    bool timed_out = true;
    run_to_end(rt, [&] {
      Timer timer(Nanos::max());
      Chan<int> ready(1);
      (void)ready.send(1);
      int got = 0;
      timed_out = select(recv_case(ready, got), timeout_case(Nanos::max())).index != 0;
      go([ready]() mutable { (void)ready.send(2); });
      timed_out = timed_out || select(recv_case(ready, got), timeout_case(Nanos::max())).index != 0;
      stopped = timer.stop();
    });
    CHECK(stopped);
    CHECK_FALSE(timed_out);
  });
}

TEST_CASE("stop says whether it prevented the firing") {
  at_each_procs([](Runtime& rt) {
    bool pending = false;
    bool again = true;
    bool received = true;
    bool unreceived = false;
    bool unasked = false;
    run_to_end(rt, [&] {
      Timer far(1h);
      pending = far.stop();
      again = far.stop();
      Timer near(1ms);
      (void)near.chan().recv();
      received = near.stop();
      Timer fired(1ms);
      Chan<Nanos>& chan = fired.chan();
      yield_until("the timer has fired", [&] { return chan.size() == 1; });
      unreceived = fired.stop();  // the value is taken back, as if it had never been sent
      Timer silent(1ms);
      busy_wait(5ms);
      unasked = silent.stop();
    });
    CHECK(pending);
    CHECK_FALSE(again);
    CHECK_FALSE(received);
    CHECK(unreceived);
    CHECK(unasked);
  });
}

TEST_CASE("after stop or reset no stale value is received") {
  at_each_procs([](Runtime& rt) {
    int stale = 0;
    std::atomic<int> early{0};
    run_to_end(rt, [&] {
      std::mt19937 random(7);
      Timer timer(1h);
      for (int i = 0; i < scaled(3'000, 300); ++i) {
        // Around the time of firing, before and after, and sometimes in the midst of it.
        timer.reset(Nanos{random() % 20'000});
        busy_wait(Nanos{random() % 20'000});
        timer.stop();
        stale += timer.chan().try_recv().status == ChanStatus::kOk;
        const Nanos start = now();
        const Nanos delay{random() % 50'000};
        timer.reset(delay);
        early += *timer.chan().recv() < start + delay;
      }
    });
    CHECK(stale == 0);
    CHECK(early == 0);
  });
}

TEST_CASE("a receiver that is parked on a Timer sees the reset that another goroutine makes") {
  at_each_procs([](Runtime& rt) {
    Nanos took{0};
    bool was_pending = false;
    run_to_end(rt, [&] {
      Timer timer(1h);
      Chan<Unit> done(0);
      const Nanos start = now();
      go([&, done]() mutable {
        (void)timer.chan().recv();
        took = now() - start;
        done.close();
      });
      wait_until_parked(rt, WaitReason::kChanRecv, 1);
      was_pending = timer.reset(2ms);
      (void)done.recv();
    });
    CHECK(was_pending);
    CHECK(took >= 2ms);
    CHECK(took < 30min);
  });
}

TEST_CASE("timers are stopped, reset and received from by many goroutines at once") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> received{0};
    run_to_end(rt, [&] {
      Timer timer(1us);
      std::atomic<bool> over{false};
      WaitGroup resetters;
      WaitGroup receivers;
      for (int g = 0; g < 4; ++g) {
        resetters.go([&, g] {
          std::mt19937 random(static_cast<unsigned>(g));
          for (int i = 0; i < scaled(2'000, 200); ++i) {
            if (random() % 4 == 0) {
              timer.stop();
            } else {
              timer.reset(Nanos{random() % 5'000});
            }
            if (random() % 8 == 0) yield();
          }
        });
        receivers.go([&] {
          Nanos fired{0};
          while (!over) {
            received += select(recv_case(timer.chan(), fired), timeout_case(50us)).index == 0;
          }
        });
      }
      resetters.wait();
      timer.reset(Nanos{1});
      yield_until("the last firing was received", [&] { return received > 0; });
      over = true;
      receivers.wait();
    });
    CHECK(received > 0);
  });
}

TEST_CASE("a Timer that goes out of scope never fires") {
  at_each_procs([](Runtime& rt) {
    std::size_t values = 0;
    run_to_end(rt, [&] {
      Chan<Nanos> survivor;
      for (int i = 0; i < scaled(2'000, 200); ++i) {
        Timer timer(Nanos{1'000 + 10 * i});
        survivor = timer.chan();
      }
      values = survivor.size();
      busy_wait(1ms);
      values = survivor.size() - values;
    });
    CHECK(values == 0);
  });
}

TEST_CASE("a Ticker ticks by its period and drops what a slow receiver misses") {
  at_each_procs([](Runtime& rt) {
    bool early = false;
    std::size_t backlog = 0;
    run_to_end(rt, [&] {
      const Nanos start = now();
      Ticker ticker(1ms);
      for (int i = 1; i <= 5; ++i) early = early || *ticker.chan().recv() < start + i * 1ms;
      while (ticker.chan().size() == 0) busy_wait(100us);
      busy_wait(5ms);
      backlog = ticker.chan().size();
    });
    CHECK_FALSE(early);
    CHECK(backlog == 1);
  });
}

TEST_CASE("a stopped Ticker ticks no more, and a reset one by its new period") {
  at_each_procs([](Runtime& rt) {
    std::size_t after_stop = 1;
    bool early = false;
    run_to_end(rt, [&] {
      Ticker ticker(100us);
      (void)ticker.chan().recv();
      busy_wait(1ms);
      ticker.stop();
      busy_wait(1ms);
      after_stop = ticker.chan().size();
      const Nanos start = now();
      ticker.reset(5ms);
      early = *ticker.chan().recv() < start + 5ms;
    });
    CHECK(after_stop == 0);
    CHECK_FALSE(early);
  });
}

TEST_CASE("after: many at once, and one that nobody waits for does not hold the run up") {
  at_each_procs([](Runtime& rt) {
    int got = 0;
    const Nanos start = now();
    run_to_end(rt, [&] {
      std::vector<Chan<Nanos>> all;
      for (int i = 0; i < 100; ++i) all.push_back(after(Nanos{(i * 37 % 100) * 20us}));
      for (auto& chan : all) got += chan.recv().status == ChanStatus::kOk;
      (void)after(1h);
      FuncTimer late = after_func(1h, [] {});
    });
    CHECK(got == 100);
    CHECK(now() - start < 30min);
  });
}

TEST_CASE("after_func runs its function in a goroutine that may block, once") {
  at_each_procs([](Runtime& rt) {
    int calls = 0;
    bool early = false;
    bool stopped = true;
    run_to_end(rt, [&] {
      Chan<Nanos> chan(0);
      const Nanos start = now();
      FuncTimer timer = after_func(1ms, [&, chan]() mutable {
        ++calls;
        (void)chan.send(now());
      });
      early = *chan.recv() < start + 1ms;
      stopped = timer.stop();
    });
    CHECK_FALSE(stopped);
    CHECK(calls == 1);
    CHECK_FALSE(early);
  });
}

TEST_CASE("a stopped function never runs, a reset one later, a dropped handle changes nothing") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> too_late_ran{0};
    int too_late = 0;
    int reset_ran = 0;
    bool was_pending = false;
    bool ran_before = false;
    run_to_end(rt, [&] {
      // Until one is stopped in time. Those after which that came too late have run.
      for (bool is_stopped = false; !is_stopped; too_late += is_stopped ? 0 : 1) {
        FuncTimer timer = after_func(1ms, [&] { ++too_late_ran; });
        is_stopped = timer.stop();
      }
      Chan<Unit> ran(1);
      FuncTimer moved = after_func(1h, [&, ran]() mutable {
        ++reset_ran;
        (void)ran.send(Unit{});
      });
      was_pending = moved.reset(1ms);
      (void)ran.recv();
      ran_before = !moved.reset(1ms);  // and runs again
      (void)ran.recv();
      Chan<Unit> dropped(0);
      after_func(1ms, [dropped]() mutable { dropped.close(); });
      (void)dropped.recv();
      yield_until("they have run", [&] { return too_late_ran >= too_late; });
    });
    CHECK(was_pending);
    CHECK(ran_before);
    CHECK(too_late_ran == too_late);
    CHECK(reset_ran == 2);
  });
}

TEST_CASE("what an after_func holds is freed when it ran, was stopped, or the run ended first") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int>& alive = counted_alive();
    run_to_end(rt, [&] {
      Chan<Unit> ran(0);
      after_func(1us, [ran, held = Counted(1, alive)]() mutable { ran.close(); });
      (void)ran.recv();
      FuncTimer stopped = after_func(1h, [held = Counted(2, alive)] {});
      stopped.stop();
      after_func(1h, [held = Counted(3, alive)] {});
    });
    CHECK(alive == 1);  // the last belongs to the Runtime still
  });
  CHECK(counted_alive() == 0);
}

TEST_CASE("what an after_func holds may stop other timers when the run ends first") {
  at_each_procs([](Runtime& rt) {
    run_to_end(rt, [] {
      const Cancel root;
      for (int i = 0; i < 20; ++i) {
        // Earlier or later than the deadline, and the only one to hold it.
        after_func(i % 2 == 0 ? 1h : 3h, [held = root.with_timeout(2h)] { held.cancel(); });
      }
    });
  });
}

TEST_CASE("many timers, started and stopped in random order, each fire once or not at all") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> fired{0};
    std::atomic<int> stopped{0};
    const int n = scaled(20'000, 1'000);
    run_to_end(rt, [&] {
      WaitGroup all;
      for (int g = 0; g < 4; ++g) {
        all.go([&, g] {
          std::mt19937 random(static_cast<unsigned>(g + 1));
          std::vector<FuncTimer> timers;
          for (int i = 0; i < n / 4; ++i) {
            timers.push_back(after_func(Nanos{random() % 2'000'000}, [&] { ++fired; }));
            if (random() % 2 == 0) stopped += timers[random() % timers.size()].stop();
          }
        });
      }
      all.wait();
      yield_until("every timer fired or was stopped", [&] { return fired + stopped == n; });
      sleep(5ms);
    });
    CHECK(fired + stopped == n);
    CHECK(fired > 0);
    CHECK(stopped > 0);
  });
}

TEST_CASE("a select on a Timer's channel and a timeout of its own end by the earlier") {
  at_each_procs([](Runtime& rt) {
    int wrong = 0;
    run_to_end(rt, [&] {
      for (int i = 0; i < 50; ++i) {
        Nanos fired{0};
        Timer near(100us);
        wrong += select(recv_case(near.chan(), fired), timeout_case(1h)).index != 0;
        Timer far(1h);
        wrong += select(recv_case(far.chan(), fired), timeout_case(100us)).index != 1;
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::tickers_test
