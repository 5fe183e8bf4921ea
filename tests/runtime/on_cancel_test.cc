// tests/runtime/on_cancel_test.cc - cancellation of what does not watch a Cancel by itself.

#include "runtime/on_cancel.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <vector>

#include "runtime/io.h"
#include "runtime/net.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/each_procs.h"
#include "tests/support/fd_pairs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::on_cancel_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

}  // namespace

TEST_SUITE_BEGIN("runtime/on_cancel");

TEST_CASE("the function runs once when the node is cancelled, from above as well") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> ran{0};
    run_to_end(rt, [&] {
      const Cancel root;
      const Cancel request = root.child();
      const OnCancel watch(request, [&] { ++ran; });
      root.cancel();
      root.cancel();
      yield_until("the function ran", [&] { return ran > 0; });
      for (int i = 0; i < 10; ++i) yield();
    });
    CHECK(ran == 1);
  });
}

TEST_CASE("a node that is cancelled already has the function run at once") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> ran{0};
    run_to_end(rt, [&] {
      const Cancel cancel;
      cancel.cancel();
      const OnCancel watch(cancel, [&] { ++ran; });
      yield_until("the function ran", [&] { return ran > 0; });
    });
    CHECK(ran == 1);
  });
}

TEST_CASE("after its scope the function does not run, nor does it run still") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(500, 50);
    std::atomic<int> running{0};
    int late = 0;
    int ran = 0;
    run_to_end(rt, [&] {
      for (int i = 0; i < rounds; ++i) {
        const Cancel cancel;
        std::atomic<int> calls{0};
        WaitGroup cancelling;
        {
          const OnCancel watch(cancel, [&] {
            ++running;
            yield();
            ++calls;
            --running;
          });
          cancelling.go([&] { cancel.cancel(); });
          for (int turn = 0; turn < i % 4; ++turn) yield();
        }
        const int at_end = calls;
        late += running.load();
        cancelling.wait();
        for (int turn = 0; turn < 3; ++turn) yield();
        late += calls - at_end;
        ran += at_end;
      }
    });
    CHECK(late == 0);
    CHECK(ran > 0);
  });
}

TEST_CASE("a read that waits ends when its request is cancelled, and the descriptor serves on") {
  at_each_procs([](Runtime& rt) {
    IoResult cut_short, later;
    run_to_end(rt, [&] {
      PipeEnds pipe = make_pipe();
      const Cancel request;
      WaitGroup cancelling;
      cancelling.go([&] {
        wait_until_parked(rt, WaitReason::kIoRead, 1);
        request.cancel();
      });
      char byte = 0;
      {
        const OnCancel watch(request, [&] { pipe.reader.set_read_deadline(Nanos{0}); });
        cut_short = pipe.reader.read(&byte, 1);
      }
      cancelling.wait();
      pipe.reader.set_read_deadline(kNoDeadline);
      (void)pipe.writer.write("x", 1);
      later = pipe.reader.read(&byte, 1);
    });
    CHECK((cut_short.status == IoStatus::kTimedOut));
    CHECK(later.count == 1);
  });
}

TEST_CASE("a connection that nobody answers ends with its Cancel, by hand or by deadline") {
  at_each_procs([](Runtime& rt) {
    FdResult by_hand, by_deadline, at_once;
    CancelCause cause = CancelCause::kNone;
    run_to_end(rt, [&] {
      // The backlog fills up and the kernel drops what comes after: those connects hang.
      FdResult listener = tcp_listen(*Address::parse("127.0.0.1:0"), 0);
      const Address address = *local_address(listener.fd);
      const Cancel root;
      std::vector<Fd> waiting;
      for (int i = 0; i < 20; ++i) {
        const Cancel limit = root.with_timeout(50ms);
        by_deadline = tcp_connect(address, limit);
        cause = limit.cause();
        if (!by_deadline) break;
        waiting.push_back(std::move(by_deadline.fd));
      }
      // The deadline may have passed without the backlog being full.
      const Cancel request = root.child();
      std::atomic<bool> has_ended{false};
      WaitGroup cancelling;
      cancelling.go([&] {
        yield_until("a connect hangs",
                    [&] { return has_ended || rt.parked(WaitReason::kIoWrite) == 1; });
        request.cancel();
      });
      for (int i = 0; i < 20; ++i) {
        by_hand = tcp_connect(address, request);
        if (!by_hand) break;
        waiting.push_back(std::move(by_hand.fd));
      }
      has_ended = true;
      cancelling.wait();
      at_once = tcp_connect(address, request);
    });
    CHECK((by_deadline.status == IoStatus::kTimedOut));
    CHECK((cause == CancelCause::kDeadlineExceeded));
    CHECK((by_hand.status == IoStatus::kTimedOut));
    CHECK((at_once.status == IoStatus::kTimedOut));
  });
}

TEST_CASE("a connection made in time outlives its Cancel") {
  at_each_procs([](Runtime& rt) {
    IoResult got;
    run_to_end(rt, [&] {
      FdResult listener = tcp_listen(*Address::parse("127.0.0.1:0"));
      const Cancel request;
      FdResult client = tcp_connect(*local_address(listener.fd), request);
      FdResult server = listener.fd.accept();
      request.cancel();
      for (int i = 0; i < 10; ++i) yield();
      char byte = 'x';
      (void)client.fd.write_all(&byte, 1);
      got = server.fd.read(&byte, 1);
    });
    CHECK(got.count == 1);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::on_cancel_test
