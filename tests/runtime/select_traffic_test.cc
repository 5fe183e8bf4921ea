// tests/runtime/select_traffic_test.cc - fairness, and many selects at once.

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"
#include "tests/support/tally.h"

namespace gorun::test::select_traffic_test {

namespace {

using namespace gorun::runtime;

// The largest deviation of a count from an even share, as a part of that share.
template <std::size_t N>
double unfairness(const std::array<int, N>& runs) {
  double total = 0;
  for (const int n : runs) total += n;
  const double share = total / static_cast<double>(N);
  double worst = 0;
  for (const int n : runs) worst = std::max(worst, std::abs(n - share) / share);
  return worst;
}

// 10,000 rounds over 4 ready cases spread by 1.7 % (one standard deviation), so 10 % is beyond what
// chance does once in 10^8 runs.
constexpr int kFairRounds = 10'000;

}  // namespace

TEST_SUITE_BEGIN("runtime/select/traffic");

TEST_CASE("over 10,000 rounds each of several ready receives runs its share within 10 %") {
  at_each_procs([](Runtime& rt) {
    std::array<int, 4> runs{};
    run_to_end(rt, [&] {
      std::array<Chan<int>, 4> ch{Chan<int>(1), Chan<int>(1), Chan<int>(1), Chan<int>(1)};
      for (Chan<int>& c : ch) (void)c.send(0);
      int value = 0;
      for (int i = 0; i < kFairRounds; ++i) {
        const Selected s = select(recv_case(ch[0], value), recv_case(ch[1], value),
                                  recv_case(ch[2], value), recv_case(ch[3], value));
        ++runs[static_cast<std::size_t>(s.index)];
        (void)ch[static_cast<std::size_t>(s.index)].send(0);
      }
    });
    CHECK(unfairness(runs) < 0.1);
  });
}

TEST_CASE("ready sends and receives, and closed channels, share alike") {
  at_each_procs([](Runtime& rt) {
    std::array<int, 3> runs{};
    run_to_end(rt, [&] {
      Chan<int> in(1);
      Chan<int> out(1);
      Chan<int> closed(0);
      closed.close();
      (void)in.send(0);
      int value = 0;
      int offer = 0;
      for (int i = 0; i < kFairRounds; ++i) {
        const Selected s =
            select(send_case(out, offer), recv_case(in, value), recv_case(closed, value));
        ++runs[static_cast<std::size_t>(s.index)];
        if (s.index == 0) (void)out.recv();
        if (s.index == 1) (void)in.send(0);
      }
    });
    CHECK(unfairness(runs) < 0.1);
  });
}

TEST_CASE("the span form with more than a few cases is as fair") {
  at_each_procs([](Runtime& rt) {
    std::array<int, 16> runs{};
    run_to_end(rt, [&] {
      Chan<int> closed(0);
      closed.close();
      std::vector<SelectCase> cases(runs.size(),
                                    SelectCase{CaseKind::kRecv, closed.core(), nullptr});
      for (int i = 0; i < 6 * kFairRounds; ++i) {
        const Selected s = select(std::span<SelectCase>(cases));
        ++runs[static_cast<std::size_t>(s.index)];
      }
    });
    CHECK(unfairness(runs) < 0.1);
  });
}

TEST_CASE("two producers that always offer are both served") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(10'000, 400);
    std::array<int, 2> runs{};
    run_to_end(rt, [&] {
      Chan<int> a(0);
      Chan<int> b(0);
      WaitGroup producers;
      for (Chan<int>* ch : {&a, &b}) {
        producers.go([ch] {
          while (ch->send(0) == ChanStatus::kOk) {
          }
        });
      }
      int value = 0;
      for (int i = 0; i < rounds; ++i) {
        ++runs[static_cast<std::size_t>(select(recv_case(a, value), recv_case(b, value)).index)];
        // Fairness is a promise between ready cases, so both offers must be up.
        wait_until_parked(rt, WaitReason::kChanSend, 2);
      }
      a.close();
      b.close();
      producers.wait();
    });
    // Eight standard deviations of the fewest rounds.
    CHECK(runs[0] > rounds * 3 / 10);
    CHECK(runs[1] > rounds * 3 / 10);
  });
}

TEST_CASE("selects that name the same channels in opposite orders do not deadlock") {
  at_each_procs([](Runtime& rt) {
    const int per_goroutine = scaled(3'000, 200);
    std::atomic<int> sent{0};
    std::atomic<int> received{0};
    run_to_end(rt, [&] {
      Chan<int> a(0);
      Chan<int> b(0);
      WaitGroup senders;
      WaitGroup receivers;
      for (int g = 0; g < 8; ++g) {
        senders.go([&, g] {
          int offer = g;
          for (int i = 0; i < per_goroutine; ++i) {
            const Selected s = g % 2 == 0 ? select(send_case(a, offer), send_case(b, offer))
                                          : select(send_case(b, offer), send_case(a, offer));
            sent += s.status == ChanStatus::kOk;
          }
        });
        receivers.go([&, g] {
          int value = 0;
          for (;;) {
            const Selected s = g % 2 == 0 ? select(recv_case(a, value), recv_case(b, value))
                                          : select(recv_case(b, value), recv_case(a, value));
            if (s.status == ChanStatus::kClosed) return;
            ++received;
          }
        });
      }
      senders.wait();
      a.close();
      b.close();
      receivers.wait();
    });
    CHECK(sent == 8 * per_goroutine);
    CHECK(received == sent);
  });
}

TEST_CASE("selecting peers that both send and receive conserve what they pass around") {
  at_each_procs([](Runtime& rt) {
    const int per_goroutine = scaled(1'000, 100);
    constexpr int kGoroutines = 8;
    Tally tally(static_cast<std::size_t>(kGoroutines * per_goroutine));
    std::atomic<int> sent{0};
    run_to_end(rt, [&] {
      Chan<int> a(0);
      Chan<int> b(2);
      Chan<Unit> done(0);
      std::atomic<int> still_sending{kGoroutines};
      WaitGroup all;
      for (int g = 0; g < kGoroutines; ++g) {
        all.go([&, g] {
          int next = 0;
          for (;;) {
            int offer = g * per_goroutine + next;
            int value = -1;
            Chan<int> nil;
            Chan<int>& out_a = next < per_goroutine ? a : nil;
            Chan<int>& out_b = next < per_goroutine ? b : nil;
            const Selected s =
                select(send_case(out_a, offer), recv_case(a, value), send_case(out_b, offer),
                       recv_case(b, value), recv_case(done));
            if (s.index == 4) return;
            if (s.index % 2 == 1) {
              tally.mark(static_cast<std::size_t>(value));
            } else {
              ++sent;
              if (++next == per_goroutine) --still_sending;
            }
          }
        });
      }
      yield_until("every value sent and received", [&] {
        return still_sending == 0 && tally.marked() == static_cast<std::size_t>(sent);
      });
      done.close();
      all.wait();
    });
    CHECK(sent == kGoroutines * per_goroutine);
    CHECK(tally.lost() == 0);
    CHECK(tally.doubled() == 0);
    CHECK(tally.strangers() == 0);
  });
}

TEST_CASE("of several wakers of one select exactly one gets through") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(2'000, 100);
    int wrong = 0;
    run_to_end(rt, [&] {
      for (int i = 0; i < rounds; ++i) {
        Chan<int> a(0);
        Chan<int> b(0);
        Chan<Unit> quit(0);
        std::atomic<int> delivered{0};
        Selected s;
        int value = -1;
        WaitGroup all;
        all.go([&] { s = select(recv_case(a, value), recv_case(b, value), recv_case(quit)); });
        all.go([&] { delivered += a.try_send(0) == ChanStatus::kOk ? 1 : 0; });
        all.go([&] { delivered += b.try_send(1) == ChanStatus::kOk ? 10 : 0; });
        all.go([&] { quit.close(); });
        all.wait();
        const int expected = s.index == 0 ? 1 : s.index == 1 ? 10 : 0;
        wrong += delivered != expected;
        wrong += s.index < 2 && value != s.index;
        wrong += s.status != (s.index == 2 ? ChanStatus::kClosed : ChanStatus::kOk);
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::select_traffic_test
