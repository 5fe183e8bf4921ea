// tests/runtime/chan_test.cc - order, rendezvous, capacity and the try_ forms of channels.
//
// Written from the Go specification ("Channel types", "Send statements", "Receive operator") and
// Go's memory model; closing is in chan_close_test.cc, what becomes of values in
// chan_values_test.cc, many senders and receivers at once in chan_traffic_test.cc.

#include "runtime/chan.h"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::chan_test {

namespace {

using namespace gorun::runtime;

std::vector<int> zero_to(int n) {
  std::vector<int> all;
  for (int i = 0; i < n; ++i) all.push_back(i);
  return all;
}

}  // namespace

TEST_SUITE_BEGIN("runtime/chan");

TEST_CASE("values arrive in the order they were sent, whatever the capacity") {
  for (const std::size_t capacity : {0U, 1U, 3U, 64U}) {
    CAPTURE(capacity);
    at_each_procs([&](Runtime& rt) {
      const int n = scaled(10'000);
      std::vector<int> got;
      run_to_end(rt, [&] {
        Chan<int> ch(capacity);
        go([ch, n]() mutable {
          for (int i = 0; i < n; ++i) (void)ch.send(i);
        });
        for (int i = 0; i < n; ++i) got.push_back(*ch.recv());
      });
      CHECK(got == zero_to(n));
    });
  }
}

TEST_CASE("the ring keeps its order while it wraps around at every fill") {
  at_each_procs([](Runtime& rt) {
    std::vector<int> got;
    std::size_t wrong_sizes = 0;
    int sent = 0;
    run_to_end(rt, [&] {
      Chan<int> ch(3);
      for (int fill = 1; fill <= 3; ++fill) {
        for (int round = 0; round < 7; ++round) {
          for (int i = 0; i < fill; ++i) (void)ch.send(sent++);
          wrong_sizes += ch.size() != static_cast<std::size_t>(fill);
          for (int i = 0; i < fill; ++i) got.push_back(*ch.recv());
          wrong_sizes += ch.size() != 0U;
        }
      }
    });
    CHECK(got == zero_to(sent));
    CHECK(wrong_sizes == 0);
  });
}

TEST_CASE("an unbuffered send returns only after a receiver took the value") {
  at_each_procs([](Runtime& rt) {
    bool returned_early = true;
    bool returned = false;
    int got = 0;
    run_to_end(rt, [&] {
      Chan<int> ch(0);
      std::atomic<bool> sent{false};
      WaitGroup sender;
      sender.go([&] { sent = ch.send(42) == ChanStatus::kOk; });
      wait_until_parked(rt, WaitReason::kChanSend, 1);
      returned_early = sent;
      got = *ch.recv();
      sender.wait();
      returned = sent;
    });
    CHECK_FALSE(returned_early);
    CHECK(returned);
    CHECK(got == 42);
  });
}

TEST_CASE("an unbuffered receive parks until a value is sent") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> got{0};
    int got_early = -1;
    run_to_end(rt, [&] {
      Chan<int> ch(0);
      WaitGroup receiver;
      receiver.go([&] { got = *ch.recv(); });
      wait_until_parked(rt, WaitReason::kChanRecv, 1);
      got_early = got;
      (void)ch.send(7);
      receiver.wait();
    });
    CHECK(got_early == 0);
    CHECK(got == 7);
  });
}

TEST_CASE("parked senders are served first come, first served") {
  for (const int capacity : {0, 2}) {
    CAPTURE(capacity);
    at_each_procs([&](Runtime& rt) {
      constexpr int kSenders = 20;
      std::vector<int> got;
      run_to_end(rt, [&] {
        Chan<int> ch(static_cast<std::size_t>(capacity));
        for (int i = 0; i < capacity; ++i) (void)ch.send(i);  // a full ring goes before them
        WaitGroup senders;
        for (int i = 0; i < kSenders; ++i) {
          senders.go([&ch, v = capacity + i] { (void)ch.send(v); });
          wait_until_parked(rt, WaitReason::kChanSend, static_cast<std::size_t>(i) + 1);
        }
        for (int i = 0; i < capacity + kSenders; ++i) got.push_back(*ch.recv());
        senders.wait();
      });
      CHECK(got == zero_to(capacity + kSenders));
    });
  }
}

TEST_CASE("parked receivers are served first come, first served") {
  for (const std::size_t capacity : {0U, 2U}) {
    CAPTURE(capacity);
    at_each_procs([&](Runtime& rt) {
      constexpr int kReceivers = 20;
      std::vector<int> got(kReceivers, -1);
      run_to_end(rt, [&] {
        Chan<int> ch(capacity);
        WaitGroup receivers;
        for (int i = 0; i < kReceivers; ++i) {
          receivers.go([&ch, &mine = got[static_cast<std::size_t>(i)]] { mine = *ch.recv(); });
          wait_until_parked(rt, WaitReason::kChanRecv, static_cast<std::size_t>(i) + 1);
        }
        for (int i = 0; i < kReceivers; ++i) (void)ch.send(i);
        receivers.wait();
      });
      CHECK(got == zero_to(kReceivers));
    });
  }
}

TEST_CASE("a receive from a full ring lets exactly one parked sender on, behind the ring") {
  at_each_procs([](Runtime& rt) {
    std::size_t parked_after_one = 99;
    std::size_t fill_after_one = 99;
    std::vector<int> got;
    run_to_end(rt, [&] {
      Chan<int> ch(2);
      (void)ch.send(0);
      (void)ch.send(1);
      std::atomic<int> passed{0};
      for (int i = 0; i < 2; ++i) {
        go([&ch, &passed, v = 2 + i] {
          (void)ch.send(v);
          ++passed;
        });
        wait_until_parked(rt, WaitReason::kChanSend, static_cast<std::size_t>(i) + 1);
      }
      got.push_back(*ch.recv());
      yield_until("one sender passed", [&] { return passed == 1; });
      parked_after_one = rt.parked(WaitReason::kChanSend);
      fill_after_one = ch.size();
      for (int i = 0; i < 3; ++i) got.push_back(*ch.recv());
      yield_until("both senders passed", [&] { return passed == 2; });
    });
    CHECK(parked_after_one == 1);
    CHECK(fill_after_one == 2);
    CHECK(got == zero_to(4));
  });
}

TEST_CASE("try_send finds a parked receiver or a free slot, and never parks") {
  at_each_procs([](Runtime& rt) {
    std::vector<ChanStatus> statuses;
    int delivered = 0;
    run_to_end(rt, [&] {
      Chan<int> unbuffered(0);
      statuses.push_back(unbuffered.try_send(1));  // nobody waits
      WaitGroup receiver;
      receiver.go([&] { delivered = *unbuffered.recv(); });
      wait_until_parked(rt, WaitReason::kChanRecv, 1);
      statuses.push_back(unbuffered.try_send(2));
      statuses.push_back(unbuffered.try_send(3));  // the one receiver has its value
      receiver.wait();
      Chan<int> buffered(1);
      statuses.push_back(buffered.try_send(4));
      statuses.push_back(buffered.try_send(5));
      buffered.close();
      statuses.push_back(buffered.try_send(6));
    });
    const std::vector<ChanStatus> expected = {ChanStatus::kWouldBlock, ChanStatus::kOk,
                                              ChanStatus::kWouldBlock, ChanStatus::kOk,
                                              ChanStatus::kWouldBlock, ChanStatus::kClosed};
    CHECK((statuses == expected));
    CHECK(delivered == 2);
  });
}

TEST_CASE("try_recv finds a parked sender or a value, and never parks") {
  at_each_procs([](Runtime& rt) {
    std::vector<ChanStatus> statuses;
    std::vector<int> got;
    run_to_end(rt, [&] {
      const auto attempt = [&](Chan<int>& ch) {
        Received<int> r = ch.try_recv();
        statuses.push_back(r.status);
        if (r) got.push_back(*r);
      };
      Chan<int> unbuffered(0);
      attempt(unbuffered);
      WaitGroup sender;
      sender.go([&] { (void)unbuffered.send(1); });
      wait_until_parked(rt, WaitReason::kChanSend, 1);
      attempt(unbuffered);
      attempt(unbuffered);
      sender.wait();
      Chan<int> buffered(2);
      attempt(buffered);
      (void)buffered.send(2);
      (void)buffered.send(3);
      attempt(buffered);
      buffered.close();
      attempt(buffered);
      attempt(buffered);
    });
    using enum ChanStatus;
    const std::vector<ChanStatus> expected = {kWouldBlock, kOk, kWouldBlock, kWouldBlock,
                                              kOk,         kOk, kClosed};
    CHECK((statuses == expected));
    CHECK(got == std::vector<int>{1, 2, 3});
  });
}

TEST_CASE("a full buffered channel serves try_recv in order with a sender parked behind it") {
  at_each_procs([](Runtime& rt) {
    std::vector<int> got;
    run_to_end(rt, [&] {
      Chan<int> ch(2);
      (void)ch.send(0);
      (void)ch.send(1);
      WaitGroup sender;
      sender.go([&] { (void)ch.send(2); });
      wait_until_parked(rt, WaitReason::kChanSend, 1);
      for (int i = 0; i < 3; ++i) got.push_back(*ch.try_recv());
      sender.wait();
    });
    CHECK(got == zero_to(3));
  });
}

TEST_CASE("size, capacity, is_closed and equality describe the channel") {
  const Chan<int> nil;
  Chan<int> ch(3);
  const Chan<int> same = ch;
  CHECK(nil.is_nil());
  CHECK(nil.size() == 0);
  CHECK(nil.capacity() == 0);
  CHECK_FALSE(nil.is_closed());
  CHECK_FALSE(ch.is_nil());
  CHECK(ch.capacity() == 3);
  CHECK(Chan<int>(0).capacity() == 0);
  CHECK((ch == same));
  CHECK_FALSE((ch == Chan<int>(3)));
  Runtime rt({.procs = 1});
  run_to_end(rt, [&] {
    (void)ch.send(1);
    (void)ch.send(2);
  });
  CHECK(same.size() == 2);
  Chan<int> moved = std::move(ch);
  CHECK((moved == same));
}

TEST_CASE("a channel of channels carries the reply channel of a request") {
  at_each_procs([](Runtime& rt) {
    int sum = 0;
    const int n = scaled(1'000);
    run_to_end(rt, [&] {
      struct Request {
        int question;
        Chan<int> reply;
      };
      Chan<Request> requests(0);
      go([requests]() mutable {
        for (Request& r : requests) (void)r.reply.send(r.question * 2);
      });
      for (int i = 0; i < n; ++i) {
        Request request{i, Chan<int>(0)};
        Chan<int> reply = request.reply;
        (void)requests.send(std::move(request));
        sum += *reply.recv();
      }
      requests.close();
    });
    CHECK(sum == n * (n - 1));
  });
}

// The three rules of Go's memory model. The memory is plain on purpose: TSan sees a race where the
// channel fails to order the accesses, and other builds see a stale value.

TEST_CASE("what precedes a send is seen after the receive that takes its value") {
  for (const std::size_t capacity : {0U, 4U}) {
    CAPTURE(capacity);
    at_each_procs([&](Runtime& rt) {
      const int n = scaled(5'000);
      int stale = 0;
      run_to_end(rt, [&] {
        Chan<int> ch(capacity);
        std::vector<int> memory(static_cast<std::size_t>(n), -1);
        go([&, ch]() mutable {
          for (int i = 0; i < n; ++i) {
            memory[static_cast<std::size_t>(i)] = i;
            (void)ch.send(i);
          }
        });
        for (int i = 0; i < n; ++i) stale += memory[static_cast<std::size_t>(*ch.recv())] != i;
      });
      CHECK(stale == 0);
    });
  }
}

TEST_CASE("an unbuffered receive precedes the return of its send") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled(5'000);
    int stale = 0;
    run_to_end(rt, [&] {
      Chan<int> ch(0);
      Chan<Unit> looked(0);
      int written = -1;
      WaitGroup writer;
      writer.go([&] {
        for (int i = 0; i < n; ++i) {
          written = i;  // before the receive ...
          (void)ch.recv();
          (void)looked.recv();
        }
      });
      for (int i = 0; i < n; ++i) {
        (void)ch.send(i);
        stale += written != i;  // ... is seen after the send
        (void)looked.send({});
      }
      writer.wait();
    });
    CHECK(stale == 0);
  });
}

TEST_CASE("a channel of capacity c is a semaphore of c") {
  at_each_procs([](Runtime& rt) {
    constexpr int kPermits = 3;
    const int n = scaled(300, 30);
    std::atomic<int> most{0};
    run_to_end(rt, [&] {
      Chan<Unit> permits(kPermits);
      std::atomic<int> inside{0};
      WaitGroup all;
      for (int i = 0; i < n; ++i) {
        all.go([&] {
          (void)permits.send({});
          const int now_inside = ++inside;
          int seen = most;
          while (seen < now_inside && !most.compare_exchange_weak(seen, now_inside)) {
          }
          while (most < kPermits) yield();  // the first wait for each other
          yield();
          --inside;
          (void)permits.recv();
        });
      }
      all.wait();
    });
    CHECK(most == kPermits);
  });
}

TEST_CASE("a channel of capacity one is a mutex over plain memory") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(2'000);
    int counter = 0;
    run_to_end(rt, [&] {
      Chan<Unit> lock(1);
      WaitGroup all;
      for (int g = 0; g < 8; ++g) {
        all.go([&] {
          for (int i = 0; i < rounds; ++i) {
            (void)lock.send({});
            ++counter;
            (void)lock.recv();
          }
        });
      }
      all.wait();
    });
    CHECK(counter == 8 * rounds);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::chan_test
