// tests/runtime/select_test.cc - one select at a time: which case runs, and what it leaves behind.
//
// Written from the Go specification, "Select statements". Fairness and many selects at once are in
// select_traffic_test.cc, timeouts in select_timeout_test.cc.

#include "runtime/select.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::select_test {

namespace {

using namespace gorun::runtime;

bool is(const Selected& s, int index, ChanStatus status) {
  return s.index == index && s.status == status;
}

}  // namespace

TEST_SUITE_BEGIN("runtime/select");

TEST_CASE("the one ready case runs, in every position") {
  at_each_procs([](Runtime& rt) {
    int wrong = 0;
    run_to_end(rt, [&] {
      for (int ready = 0; ready < 3; ++ready) {
        std::array<Chan<int>, 3> ch{Chan<int>(1), Chan<int>(1), Chan<int>(1)};
        (void)ch[static_cast<std::size_t>(ready)].send(10 + ready);
        std::array<int, 3> got{-1, -1, -1};
        const Selected s =
            select(recv_case(ch[0], got[0]), recv_case(ch[1], got[1]), recv_case(ch[2], got[2]));
        wrong += !is(s, ready, ChanStatus::kOk);
        for (int i = 0; i < 3; ++i) {
          wrong += got[static_cast<std::size_t>(i)] != (i == ready ? 10 + ready : -1);
        }
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("of two ready cases exactly one runs") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(1'000);
    int wrong = 0;
    run_to_end(rt, [&] {
      Chan<int> in(1);
      Chan<int> out(1);
      for (int i = 0; i < rounds; ++i) {
        (void)in.send(i);
        int value = -1;
        int offer = i;
        const Selected s = select(recv_case(in, value), send_case(out, offer));
        wrong += s.status != ChanStatus::kOk;
        const bool received = in.size() == 0;
        const bool sent = out.size() == 1;
        wrong += received == sent;
        wrong += received != (s.index == 0);
        (void)in.try_recv();
        (void)out.try_recv();
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("a parked select wakes with the case that became ready") {
  at_each_procs([](Runtime& rt) {
    std::vector<bool> ok;
    run_to_end(rt, [&] {
      for (int which = 0; which < 3; ++which) {
        Chan<int> a(0);
        Chan<std::string> b(0);
        Chan<int> c(0);
        int from_a = 0;
        std::optional<std::string> from_b;
        int to_c = 30;
        Selected s;
        WaitGroup selector;
        selector.go(
            [&] { s = select(recv_case(a, from_a), recv_case(b, from_b), send_case(c, to_c)); });
        wait_until_parked(rt, WaitReason::kSelect, 1);
        if (which == 0) (void)a.send(10);
        if (which == 1) (void)b.send("twenty");
        const int from_c = which == 2 ? *c.recv() : 0;
        selector.wait();
        ok.push_back(is(s, which, ChanStatus::kOk) && from_a == (which == 0 ? 10 : 0) &&
                     from_b.value_or("") == (which == 1 ? "twenty" : "") &&
                     from_c == (which == 2 ? 30 : 0));
      }
    });
    CHECK(ok == std::vector<bool>(3, true));
  });
}

TEST_CASE("a select that ran leaves no waiter behind on the other channels") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(500, 50);
    int ghosts = 0;
    run_to_end(rt, [&] {
      Chan<int> wake(0);
      Chan<int> in(0);
      Chan<int> out(0);
      for (int i = 0; i < rounds; ++i) {
        WaitGroup selector;
        selector.go([&] {
          int value = 0;
          int offer = 99;
          (void)select(recv_case(in, value), recv_case(wake, value), send_case(out, offer),
                       recv_case(in, value));
        });
        wait_until_parked(rt, WaitReason::kSelect, 1);
        (void)wake.send(1);
        // Before and after the selector has run again: a loser still enqueued would meet these.
        ghosts += in.try_send(1) != ChanStatus::kWouldBlock;
        ghosts += out.try_recv().status != ChanStatus::kWouldBlock;
        selector.wait();
        ghosts += in.try_send(1) != ChanStatus::kWouldBlock;
        ghosts += out.try_recv().status != ChanStatus::kWouldBlock;
      }
    });
    CHECK(ghosts == 0);
  });
}

TEST_CASE("a waiter of a finished select does not stand before those who wait now") {
  at_each_procs([](Runtime& rt) {
    std::vector<int> got;
    run_to_end(rt, [&] {
      Chan<int> ch(0);
      Chan<int> wake(0);
      WaitGroup selectors;
      for (int i = 0; i < 5; ++i) {
        selectors.go([&] {
          int value = 0;
          (void)select(recv_case(ch, value), recv_case(wake, value));
        });
      }
      wait_until_parked(rt, WaitReason::kSelect, 5);
      WaitGroup receiver;
      receiver.go([&] { got.push_back(*ch.recv()); });
      wait_until_parked(rt, WaitReason::kChanRecv, 1);
      for (int i = 0; i < 5; ++i) (void)wake.send(0);
      (void)ch.send(7);
      receiver.wait();
      selectors.wait();
    });
    CHECK(got == std::vector<int>{7});
  });
}

TEST_CASE("the same channel may stand in several cases; one of them runs, each in its turn") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(10'000, 1'000);
    std::array<int, 2> ready_runs{};
    std::array<int, 2> parked_runs{};
    int wrong = 0;
    run_to_end(rt, [&] {
      Chan<int> ch(1);
      for (int i = 0; i < rounds; ++i) {
        (void)ch.send(i);
        int first = -1;
        int second = -1;
        const Selected s = select(recv_case(ch, first), recv_case(ch, second));
        ++ready_runs[static_cast<std::size_t>(s.index)];
        wrong += (s.index == 0 ? first : second) != i || (s.index == 0 ? second : first) != -1;
      }
      Chan<int> parked(0);
      for (int i = 0; i < scaled(200, 20); ++i) {
        WaitGroup selector;
        selector.go([&] {
          int value = -1;
          const Selected s = select(recv_case(parked, value), recv_case(parked, value));
          ++parked_runs[static_cast<std::size_t>(s.index)];
          wrong += value != i;
        });
        wait_until_parked(rt, WaitReason::kSelect, 1);
        (void)parked.send(i);
        selector.wait();
        wrong += parked.try_send(0) != ChanStatus::kWouldBlock;  // the twin waiter is gone
      }
    });
    CHECK(wrong == 0);
    CHECK(parked_runs[0] + parked_runs[1] == scaled(200, 20));
    CHECK(ready_runs[0] > rounds / 4);
    CHECK(ready_runs[1] > rounds / 4);
  });
}

TEST_CASE("a select does not meet itself when it sends and receives on one channel") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(200, 20);
    int wrong = 0;
    run_to_end(rt, [&] {
      Chan<int> ch(0);
      for (int i = 0; i < rounds; ++i) {
        WaitGroup selector;
        Selected s;
        int received = -1;
        selector.go([&] {
          int offer = i;
          s = select(send_case(ch, offer), recv_case(ch, received));
        });
        wait_until_parked(rt, WaitReason::kSelect, 1);
        if (i % 2 == 0) {
          wrong += *ch.recv() != i;
          selector.wait();
          wrong += !is(s, 0, ChanStatus::kOk) || received != -1;
        } else {
          (void)ch.send(1'000 + i);
          selector.wait();
          wrong += !is(s, 1, ChanStatus::kOk) || received != 1'000 + i;
        }
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("selects that send and receive on one channel meet each other in pairs") {
  at_each_procs([](Runtime& rt) {
    const int pairs = scaled(500, 50);
    std::atomic<int> sent{0};
    std::atomic<int> received{0};
    std::atomic<int> own{0};
    run_to_end(rt, [&] {
      Chan<int> ch(0);
      WaitGroup all;
      for (int g = 0; g < 2 * pairs; ++g) {
        all.go([&, g] {
          int offer = g;
          int got = -1;
          const Selected s = select(send_case(ch, offer), recv_case(ch, got));
          (s.index == 0 ? sent : received) += 1;
          own += s.index == 1 && got == g;
        });
      }
      all.wait();
    });
    CHECK(sent == pairs);
    CHECK(received == pairs);
    CHECK(own == 0);
  });
}

TEST_CASE("the default case runs when nothing is ready, and only then") {
  at_each_procs([](Runtime& rt) {
    int wrong = 0;
    run_to_end(rt, [&] {
      Chan<int> ch(1);
      int value = -1;
      wrong += !is(select(recv_case(ch, value), default_case()), 1, ChanStatus::kWouldBlock);
      wrong += !is(select(default_case(), recv_case(ch, value)), 0, ChanStatus::kWouldBlock);
      wrong += !is(select(default_case()), 0, ChanStatus::kWouldBlock);
      for (int i = 0; i < 1'000; ++i) {
        (void)ch.send(i);
        wrong += !is(select(default_case(), recv_case(ch, value)), 1, ChanStatus::kOk);
        wrong += value != i;
      }
      (void)ch.send(1);
      wrong += !is(select(send_case(ch, value), default_case()), 1, ChanStatus::kWouldBlock);
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("prioritized: the first ready case in the order written") {
  at_each_procs([](Runtime& rt) {
    int wrong = 0;
    run_to_end(rt, [&] {
      Chan<int> urgent(1);
      Chan<int> normal(1);
      int value = 0;
      for (int i = 0; i < 500; ++i) {
        (void)normal.try_send(1);
        const bool both = i % 2 == 0;
        if (both) (void)urgent.send(2);
        const Selected s =
            select(SelectOrder::kPrioritized, recv_case(urgent, value), recv_case(normal, value));
        wrong += !is(s, both ? 0 : 1, ChanStatus::kOk);
        const Selected with_default =
            select(SelectOrder::kPrioritized, default_case(), recv_case(urgent, value));
        wrong += !is(with_default, 0, ChanStatus::kWouldBlock);  // nothing else was ready
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("a nil channel's case never fires") {
  at_each_procs([](Runtime& rt) {
    int wrong = 0;
    run_to_end(rt, [&] {
      Chan<int> nil;
      Chan<int> ch(1);
      int value = 0;
      int offer = 5;
      wrong += !is(select(recv_case(nil, value), send_case(nil, offer), default_case()), 2,
                   ChanStatus::kWouldBlock);
      for (int i = 0; i < 200; ++i) {
        (void)ch.send(i);
        wrong += !is(select(recv_case(nil, value), recv_case(ch, value), send_case(nil, offer)), 1,
                     ChanStatus::kOk);
      }
      WaitGroup selector;
      selector.go([&] {
        wrong += !is(select(recv_case(nil, value), recv_case(ch, value)), 1, ChanStatus::kOk);
      });
      wait_until_parked(rt, WaitReason::kSelect, 1);
      (void)ch.send(1);
      selector.wait();
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("a closed channel makes its case ready; variables and values stay as they were") {
  at_each_procs([](Runtime& rt) {
    int wrong = 0;
    std::string kept = "still mine";
    run_to_end(rt, [&] {
      Chan<int> in(1);
      Chan<std::string> out(1);
      Chan<int> never(0);
      in.close();
      out.close();
      int value = 42;
      std::optional<int> maybe;
      wrong += !is(select(recv_case(never, value), recv_case(in, value)), 1, ChanStatus::kClosed);
      wrong += !is(select(recv_case(in, maybe), default_case()), 0, ChanStatus::kClosed);
      wrong += !is(select(send_case(out, kept), default_case()), 0, ChanStatus::kClosed);
      wrong += value != 42 || maybe.has_value();
      Chan<int> filled(2);
      (void)filled.send(1);
      filled.close();
      wrong += !is(select(recv_case(filled, value)), 0, ChanStatus::kOk) || value != 1;
      wrong += !is(select(recv_case(filled, value)), 0, ChanStatus::kClosed) || value != 1;
    });
    CHECK(wrong == 0);
    CHECK(kept == "still mine");
  });
}

TEST_CASE("closing wakes every select parked on the channel, senders and receivers") {
  at_each_procs([](Runtime& rt) {
    constexpr int kEach = 50;
    std::atomic<int> closed{0};
    std::atomic<int> kept{0};
    run_to_end(rt, [&] {
      Chan<std::unique_ptr<int>> ch(0);
      Chan<std::unique_ptr<int>> full(1);
      (void)full.send(std::make_unique<int>(0));
      Chan<Unit> never(0);
      WaitGroup all;
      for (int i = 0; i < kEach; ++i) {
        all.go([&] {
          std::optional<std::unique_ptr<int>> value;
          closed += is(select(recv_case(ch, value), recv_case(never)), 0, ChanStatus::kClosed);
          kept += !value.has_value();
        });
        all.go([&] {
          auto value = std::make_unique<int>(1);
          closed += is(select(recv_case(never), send_case(full, value)), 1, ChanStatus::kClosed);
          kept += value != nullptr;
        });
      }
      wait_until_parked(rt, WaitReason::kSelect, 2 * kEach);
      ch.close();
      full.close();
      all.wait();
    });
    CHECK(closed == 2 * kEach);
    CHECK(kept == 2 * kEach);
  });
}

TEST_CASE("the span form takes any number of cases, sends and receives mixed") {
  at_each_procs([](Runtime& rt) {
    int wrong = 0;
    run_to_end(rt, [&] {
      for (const std::size_t n : {1U, 4U, 5U, 16U, 64U}) {
        std::vector<Chan<int>> channels;
        for (std::size_t i = 0; i < n; ++i) channels.emplace_back(0U);
        std::vector<int> values(n);
        for (std::size_t partner = 0; partner < n; ++partner) {
          std::vector<SelectCase> cases;
          for (std::size_t i = 0; i < n; ++i) {
            values[i] = static_cast<int>(100 + i);
            const CaseKind kind = i % 2 == 0 ? CaseKind::kRecv : CaseKind::kSend;
            cases.push_back({kind, channels[i].core(), &values[i]});
          }
          WaitGroup peer;
          int peer_got = -1;
          peer.go([&] {
            if (partner % 2 == 0) {
              (void)channels[partner].send(static_cast<int>(partner));
            } else {
              peer_got = *channels[partner].recv();
            }
          });
          const Selected s = select(std::span<SelectCase>(cases));
          peer.wait();
          wrong += !is(s, static_cast<int>(partner), ChanStatus::kOk);
          wrong += partner % 2 == 0 ? values[partner] != static_cast<int>(partner)
                                    : peer_got != static_cast<int>(100 + partner);
        }
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::select_test
