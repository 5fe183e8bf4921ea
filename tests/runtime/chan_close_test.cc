// tests/runtime/chan_close_test.cc - closing a channel: who wakes, with what, and what stays.

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::chan_close_test {

namespace {

using namespace gorun::runtime;

}  // namespace

TEST_SUITE_BEGIN("runtime/chan/close");

TEST_CASE("close wakes every parked receiver with kClosed and no value") {
  for (const std::size_t capacity : {0U, 4U}) {
    CAPTURE(capacity);
    at_each_procs([&](Runtime& rt) {
      constexpr int kReceivers = 100;
      std::atomic<int> closed{0};
      std::atomic<int> values{0};
      run_to_end(rt, [&] {
        Chan<int> ch(capacity);
        WaitGroup receivers;
        for (int i = 0; i < kReceivers; ++i) {
          receivers.go([&] {
            const Received<int> r = ch.recv();
            closed += r.status == ChanStatus::kClosed;
            values += r.value.has_value();
          });
        }
        wait_until_parked(rt, WaitReason::kChanRecv, kReceivers);
        ch.close();
        receivers.wait();
      });
      CHECK(closed == kReceivers);
      CHECK(values == 0);
    });
  }
}

TEST_CASE("close wakes every parked sender with kClosed, and each keeps its value") {
  for (const std::size_t capacity : {0U, 2U}) {
    CAPTURE(capacity);
    at_each_procs([&](Runtime& rt) {
      constexpr int kSenders = 100;
      std::atomic<int> closed{0};
      std::atomic<int> kept{0};
      std::vector<std::string> drained;
      run_to_end(rt, [&] {
        Chan<std::unique_ptr<std::string>> ch(capacity);
        for (std::size_t i = 0; i < capacity; ++i) {
          (void)ch.send(std::make_unique<std::string>("in the ring"));
        }
        WaitGroup senders;
        for (int i = 0; i < kSenders; ++i) {
          senders.go([&, i] {
            auto value = std::make_unique<std::string>(std::to_string(i));
            closed += ch.send(std::move(value)) == ChanStatus::kClosed;
            // kClosed promises that the value was not moved from.
            kept += value != nullptr && *value == std::to_string(i);
          });
        }
        wait_until_parked(rt, WaitReason::kChanSend, kSenders);
        ch.close();
        senders.wait();
        for (const auto& value : ch) drained.push_back(*value);
      });
      CHECK(closed == kSenders);
      CHECK(kept == kSenders);
      CHECK(drained == std::vector<std::string>(capacity, "in the ring"));
    });
  }
}

TEST_CASE("a closed channel yields what its ring holds, in order, then kClosed for ever") {
  at_each_procs([](Runtime& rt) {
    std::vector<int> got;
    int closed = 0;
    bool is_closed_while_full = false;
    run_to_end(rt, [&] {
      Chan<int> ch(5);
      for (int i = 0; i < 4; ++i) (void)ch.send(i);
      ch.close();
      is_closed_while_full = ch.is_closed();
      for (int i = 0; i < 4; ++i) got.push_back(*ch.recv());
      for (int i = 0; i < 3; ++i) closed += ch.recv().status == ChanStatus::kClosed;
      for (int i = 0; i < 3; ++i) closed += ch.try_recv().status == ChanStatus::kClosed;
    });
    CHECK(is_closed_while_full);
    CHECK(got == std::vector<int>{0, 1, 2, 3});
    CHECK(closed == 6);
  });
}

TEST_CASE("a send on a closed channel returns kClosed at once and keeps its value") {
  for (const std::size_t capacity : {0U, 2U}) {
    CAPTURE(capacity);
    at_each_procs([&](Runtime& rt) {
      ChanStatus sent = ChanStatus::kOk;
      ChanStatus tried = ChanStatus::kOk;
      std::string value = "a value too long for the small-string buffer";
      run_to_end(rt, [&] {
        Chan<std::string> ch(capacity);
        ch.close();
        sent = ch.send(std::move(value));
        tried = ch.try_send(std::move(value));
      });
      CHECK((sent == ChanStatus::kClosed));
      CHECK((tried == ChanStatus::kClosed));
      CHECK(value == "a value too long for the small-string buffer");
    });
  }
}

TEST_CASE("range-for receives until the channel is closed and drained") {
  for (const std::size_t capacity : {0U, 1U, 16U}) {
    CAPTURE(capacity);
    at_each_procs([&](Runtime& rt) {
      const int n = scaled(2'000);
      std::int64_t sum = 0;
      int count = 0;
      run_to_end(rt, [&] {
        Chan<int> ch(capacity);
        go([ch, n]() mutable {
          for (int i = 0; i < n; ++i) (void)ch.send(i);
          ch.close();
        });
        for (const int value : ch) {
          sum += value;
          ++count;
        }
      });
      CHECK(count == n);
      CHECK(sum == std::int64_t{n} * (n - 1) / 2);
    });
  }
}

TEST_CASE("range-for over a closed empty channel has no round") {
  at_each_procs([](Runtime& rt) {
    int rounds = 0;
    run_to_end(rt, [&] {
      Chan<int> ch(4);
      ch.close();
      for ([[maybe_unused]] const int value : ch) ++rounds;
    });
    CHECK(rounds == 0);
  });
}

TEST_CASE("what precedes close is seen by whoever it wakes") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(500);
    std::atomic<int> stale{0};
    run_to_end(rt, [&] {
      for (int round = 0; round < rounds; ++round) {
        int memory = 0;  // plain on purpose: TSan checks the order
        Chan<Unit> done(0);
        WaitGroup readers;
        for (int r = 0; r < 4; ++r) {
          readers.go([&] {
            (void)done.recv();
            stale += memory != 1;
          });
        }
        memory = 1;
        done.close();
        readers.wait();
      }
    });
    CHECK(stale == 0);
  });
}

TEST_CASE("close races with senders and receivers: each send is either received or refused") {
  for (const std::size_t capacity : {0U, 3U}) {
    CAPTURE(capacity);
    at_each_procs([&](Runtime& rt) {
      const int rounds = scaled(300, 20);
      std::atomic<int> accepted{0};
      std::atomic<int> received{0};
      std::atomic<int> odd{0};
      run_to_end(rt, [&] {
        for (int round = 0; round < rounds; ++round) {
          Chan<int> ch(capacity);
          WaitGroup all;
          for (int s = 0; s < 4; ++s) {
            all.go([&] {
              for (;;) {
                const ChanStatus status = ch.send(1);
                if (status == ChanStatus::kClosed) return;
                odd += status != ChanStatus::kOk;
                ++accepted;
              }
            });
            all.go([&] {
              for (const int value : ch) {
                odd += value != 1;
                ++received;
              }
            });
          }
          for (int i = 0; i < round % 7; ++i) yield();
          ch.close();
          all.wait();
        }
      });
      CHECK(accepted == received);
      CHECK(odd == 0);
    });
  }
}

TEST_CASE("a channel may be dropped by its closer while those it woke still return") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(2'000, 100);
    std::atomic<int> closed{0};
    run_to_end(rt, [&] {
      WaitGroup receivers;
      for (int round = 0; round < rounds; ++round) {
        Chan<int> ch(0);
        receivers.go([ch, &closed]() mutable { closed += !ch.recv(); });
        ch.close();
      }
      receivers.wait();
    });
    CHECK(closed == rounds);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::chan_close_test
