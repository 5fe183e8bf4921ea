// tests/runtime/select_timeout_test.cc - the timeout case, alone and in a race with values.

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"
#include "tests/support/tally.h"

namespace gorun::test::select_timeout_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

bool is(const Selected& s, int index, ChanStatus status) {
  return s.index == index && s.status == status;
}

}  // namespace

TEST_SUITE_BEGIN("runtime/select/timeout");

TEST_CASE("the timeout case runs when nothing else became ready, and never early") {
  at_each_procs([](Runtime& rt) {
    int wrong = 0;
    int early = 0;
    run_to_end(rt, [&] {
      Chan<int> never(0);
      Chan<int> nil;
      int value = 0;
      for (const Nanos after : {Nanos{1}, Nanos{50us}, Nanos{1ms}, Nanos{7ms}}) {
        const Nanos start = now();
        wrong += !is(select(recv_case(never, value), timeout_case(after), recv_case(nil, value)), 1,
                     ChanStatus::kTimedOut);
        early += now() - start < after;
      }
      wrong += !is(select(timeout_case(1ms)), 0, ChanStatus::kTimedOut);
    });
    CHECK(wrong == 0);
    CHECK(early == 0);
  });
}

TEST_CASE("a case that is ready already goes before a timeout of any length") {
  at_each_procs([](Runtime& rt) {
    int wrong = 0;
    run_to_end(rt, [&] {
      Chan<int> ch(1);
      int value = 0;
      for (int i = 0; i < 200; ++i) {
        for (const Nanos after : {Nanos{-1s}, Nanos{0}, Nanos{1}, Nanos{1h}}) {
          (void)ch.send(i);
          wrong += !is(select(timeout_case(after), recv_case(ch, value)), 1, ChanStatus::kOk);
        }
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("a timeout that is over already does not wait") {
  at_each_procs([](Runtime& rt) {
    int wrong = 0;
    run_to_end(rt, [&] {
      Chan<int> never(0);
      int value = 0;
      wrong +=
          !is(select(recv_case(never, value), timeout_case(Nanos{0})), 1, ChanStatus::kTimedOut);
      wrong += !is(select(recv_case(never, value), timeout_case(-1h)), 1, ChanStatus::kTimedOut);
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("a value that comes in time is received, and its timeout never fires later") {
  at_each_procs([](Runtime& rt) {
    int wrong = 0;
    run_to_end(rt, [&] {
      Chan<int> ch(0);
      for (int i = 0; i < 20; ++i) {
        int value = -1;
        Selected s;
        WaitGroup selector;
        selector.go([&] {
          s = select(recv_case(ch, value), timeout_case(1h));
          // If the stopped timer still knew this G, it would wake this later park.
          wrong += !is(select(recv_case(ch, value)), 0, ChanStatus::kOk);
        });
        wait_until_parked(rt, WaitReason::kSelect, 1);
        (void)ch.send(i);
        (void)ch.send(100 + i);
        selector.wait();
        wrong += !is(s, 0, ChanStatus::kOk) || value != 100 + i;
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("a select that timed out leaves no waiter behind") {
  at_each_procs([](Runtime& rt) {
    int ghosts = 0;
    run_to_end(rt, [&] {
      Chan<int> in(0);
      Chan<int> out(0);
      int value = 0;
      for (int i = 0; i < scaled(200, 20); ++i) {
        (void)select(recv_case(in, value), send_case(out, value), timeout_case(10us));
        ghosts += in.try_send(1) != ChanStatus::kWouldBlock;
        ghosts += out.try_recv().status != ChanStatus::kWouldBlock;
      }
    });
    CHECK(ghosts == 0);
  });
}

TEST_CASE("in a race of value and timeout each value is received once or stays with its sender") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled(3'000, 200);
    std::vector<int> got;
    int timeouts = 0;
    run_to_end(rt, [&] {
      Chan<int> ch(0);
      go([n, ch]() mutable {
        for (int i = 0; i < n; ++i) {
          if (i % 3 == 0) sleep(Nanos{20us});  // about as long as the receiver waits
          (void)ch.send(i);
        }
        ch.close();
      });
      for (;;) {
        int value = -1;
        const Selected s = select(recv_case(ch, value), timeout_case(20us));
        if (s.status == ChanStatus::kClosed) break;
        if (s.status == ChanStatus::kTimedOut) {
          ++timeouts;
        } else {
          got.push_back(value);
        }
      }
    });
    CAPTURE(timeouts);
    int wrong = 0;
    for (std::size_t i = 0; i < got.size(); ++i) wrong += got[i] != static_cast<int>(i);
    CHECK(got.size() == static_cast<std::size_t>(n));
    CHECK(wrong == 0);
  });
}

TEST_CASE("senders with a timeout know whether their value was taken") {
  at_each_procs([](Runtime& rt) {
    const int per_sender = scaled(500, 50);
    constexpr int kSenders = 8;
    Tally tally(static_cast<std::size_t>(kSenders * per_sender));
    std::atomic<int> taken{0};
    run_to_end(rt, [&] {
      Chan<int> ch(0);
      WaitGroup senders;
      WaitGroup receivers;
      for (int s = 0; s < kSenders; ++s) {
        senders.go([&, s] {
          for (int i = 0; i < per_sender; ++i) {
            int value = s * per_sender + i;
            taken += select(send_case(ch, value), timeout_case(15us)).status == ChanStatus::kOk;
          }
        });
      }
      for (int r = 0; r < 2; ++r) {
        receivers.go([&] {
          for (const int value : ch) {
            tally.mark(static_cast<std::size_t>(value));
            if (value % 4 == 0) sleep(Nanos{15us});
          }
        });
      }
      senders.wait();
      ch.close();
      receivers.wait();
    });
    CHECK(tally.marked() == static_cast<std::size_t>(taken));
    CHECK(tally.doubled() == 0);
    CHECK(tally.strangers() == 0);
  });
}

TEST_CASE("many selects time out at once while their channel is closed") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled(1'000, 100);
    std::atomic<int> closed{0};
    std::atomic<int> timed_out{0};
    run_to_end(rt, [&] {
      Chan<int> ch(0);
      WaitGroup all;
      for (int i = 0; i < n; ++i) {
        all.go([&, i] {
          int value = 0;
          const Selected s = select(recv_case(ch, value), timeout_case(Nanos{i * 2us}));
          closed += is(s, 0, ChanStatus::kClosed);
          timed_out += is(s, 1, ChanStatus::kTimedOut);
        });
      }
      sleep(Nanos{500us});
      ch.close();
      all.wait();
    });
    CHECK(closed + timed_out == n);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::select_timeout_test
