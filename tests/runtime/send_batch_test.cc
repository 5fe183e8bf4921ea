// tests/runtime/send_batch_test.cc - sends made together end as those that are made alone, and none
// is left behind.

#include "runtime/poll/send_batch.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/io.h"
#include "runtime/net.h"
#include "runtime/runtime.h"
#include "runtime/sched/sched.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/each_procs.h"
#include "tests/support/fd_pairs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::send_batch_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

// With jitter every P that has anything else to run sends so.
constexpr std::uint64_t kSeed = 11;

bool has_rings() {
  const bool has = SendBatch::make() != nullptr;
  if (!has) MESSAGE("skipped: no io_uring here");
  return has;
}

struct TcpEnds {
  Fd client, server;
};

TcpEnds make_tcp_pair(Fd& listener) {
  FdResult client = tcp_connect(*local_address(listener));
  FdResult server = listener.accept();
  if (!client || !server) std::abort();
  return {std::move(client.fd), std::move(server.fd)};
}

Fd listen_here() {
  FdResult listening = tcp_listen(*Address::parse("127.0.0.1:0"));
  if (!listening) std::abort();
  return std::move(listening.fd);
}

// Sends `rounds` messages over each of `pairs` connections and awaits their echo. returns how many
// came back as they were.
long echo_over(int pairs, int rounds, std::size_t size) {
  Fd listener = listen_here();
  std::vector<TcpEnds> ends;
  for (int i = 0; i < pairs; ++i) ends.push_back(make_tcp_pair(listener));
  std::atomic<long> right{0};
  WaitGroup all;
  for (TcpEnds& pair : ends) {
    all.go([&, size] {
      std::string message(size, '\0');
      while (pair.server.read_full(message.data(), size)) {
        if (!pair.server.write_all(message.data(), size)) return;
      }
    });
    all.go([&, size] {
      std::string sent(size, 'a');
      std::string got(size, '\0');
      for (int round = 0; round < rounds; ++round) {
        std::memcpy(sent.data(), &round, sizeof round);
        if (!pair.client.write_all(sent.data(), size)) break;
        if (!pair.client.read_full(got.data(), size)) break;
        if (got == sent) ++right;
      }
      (void)pair.client.close();
    });
  }
  all.wait();
  return right.load();
}

}  // namespace

TEST_SUITE_BEGIN("runtime/send_batch");

TEST_CASE("each call of a batch has its own result, and all come back in their order") {
  if (!has_rings()) return;
  const std::unique_ptr<SendBatch> batch = SendBatch::make();
  std::array<int, 2> open{-1, -1}, full{-1, -1}, broken{-1, -1};
  for (std::array<int, 2>* pair : {&open, &full, &broken}) {
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair->data()) == 0);
  }
  const std::string block(4096, 'x');
  while (send(full[0], block.data(), block.size(), MSG_DONTWAIT) > 0) {
  }
  close(broken[1]);
  // Blocking descriptors: nothing may wait all the same. More rounds than the ring has places.
  for (int round = 0; round < 3; ++round) {
    std::vector<SendBatch::Call> calls(SendBatch::kMost);
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const int fds[] = {open[0], full[0], broken[0], -1};
      calls[i] = {fds[i % 4], "message", 7, nullptr, 0};
      batch->push(calls[i]);
    }
    CHECK(batch->is_full());
    std::vector<const SendBatch::Call*> made;
    batch->make_calls([&](const SendBatch::Call& call) { made.push_back(&call); });
    CHECK(batch->size() == 0);
    REQUIRE(made.size() == calls.size());
    for (std::size_t i = 0; i < calls.size(); ++i) {
      CAPTURE(i);
      const ssize_t expected[] = {7, -EAGAIN, -EPIPE, -EBADF};
      CHECK(calls[i].result == expected[i % 4]);
      CHECK(made[i] == &calls[i]);
    }
    for (std::size_t i = 0; i < calls.size() / 4; ++i) {
      char got[7];
      REQUIRE(recv(open[1], got, sizeof got, MSG_DONTWAIT) == 7);
      CHECK(std::memcmp(got, "message", 7) == 0);
    }
  }
  CHECK(batch->works());
  for (const int fd : {open[0], open[1], full[0], full[1], broken[0]}) close(fd);
}

TEST_CASE("where the ring fails its calls are made one by one, and that was its last time") {
  if (!has_rings()) return;
  std::array<int, 2> ends{-1, -1};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const int ring = dup(ends[0]);  // the lowest that is free: the next one to be opened
  close(ring);
  const std::unique_ptr<SendBatch> batch = SendBatch::make();
  REQUIRE(batch != nullptr);
  CHECK(batch->works());
  // Under its hands; in its place comes what is no ring.
  REQUIRE(dup2(ends[0], ring) == ring);
  for (int round = 0; round < 2; ++round) {
    std::array<SendBatch::Call, 3> calls;
    for (std::size_t i = 0; i < calls.size(); ++i) {
      calls[i] = {i == 1 ? -1 : ends[0], "message", 7, nullptr, 0};
      batch->push(calls[i]);
    }
    std::size_t made = 0;
    batch->make_calls([&](const SendBatch::Call& call) { made += &call == &calls[made] ? 1 : 9; });
    CHECK(made == calls.size());
    CHECK(calls[0].result == 7);
    CHECK(calls[1].result == -EBADF);
    CHECK(calls[2].result == 7);
    CHECK_FALSE(batch->works());
  }
  std::string got(100, '\0');
  CHECK(recv(ends[1], got.data(), got.size(), MSG_DONTWAIT) == 4 * 7);
  for (const int fd : ends) close(fd);
}

TEST_CASE("what comes back over many connections is what was sent") {
  for (const int procs : kProcsUnderTest) {
    for (const std::uint64_t jitter : {std::uint64_t{0}, kSeed}) {
      CAPTURE(procs);
      CAPTURE(jitter);
      Runtime rt({.procs = procs, .jitter = jitter});
      const int rounds = scaled(100, 10);
      long right = 0, longer = 0;
      run_to_end(rt, [&] {
        right = echo_over(64, rounds, 64);
        longer = echo_over(8, rounds, SendBatch::kLongest + 1);
      });
      CHECK(right == 64L * rounds);
      CHECK(longer == 8L * rounds);
    }
  }
}

TEST_CASE("a send that would block waits for its reader, its deadline or its close") {
  for (const int procs : kProcsUnderTest) {
    CAPTURE(procs);
    Runtime rt({.procs = procs, .jitter = kSeed});
    const std::size_t size = 1'000'000;
    std::size_t read = 0;
    IoResult written, late, closed;
    run_to_end(rt, [&] {
      std::atomic<bool> done{false}, is_late{false};
      WaitGroup all;
      // There is always somebody else to run.
      all.go([&] {
        while (!done.load()) yield();
      });
      const auto fill = [](Fd& end) {
        const std::string block(1024, 'x');
        IoResult put;
        std::size_t sum = 0;
        while (sum < 1'000'000 && (put = end.write_all(block.data(), block.size())))
          sum += put.count;
        return put;
      };
      // Read from once, so that it counts as served.
      const auto serve_once = [](SocketEnds& pair) {
        WaitGroup reader;
        reader.go([&] {
          char byte = 0;
          (void)pair.one.read(&byte, 1);
        });
        yield();
        (void)pair.other.write("x", 1);
        reader.wait();
      };
      SocketEnds slow = make_socket_pair(), stuck = make_socket_pair(), gone = make_socket_pair();
      for (SocketEnds* pair : {&slow, &stuck, &gone}) serve_once(*pair);
      all.go([&] {
        written = fill(slow.one);
        (void)slow.one.close();
      });
      all.go([&] {
        std::string block(3000, '\0');
        while (const IoResult got = slow.other.read(block.data(), block.size())) read += got.count;
      });
      all.go([&] {
        stuck.one.set_write_deadline(now() + 5ms);
        late = fill(stuck.one);
        is_late = true;
      });
      WaitGroup closing;
      closing.go([&] { closed = fill(gone.one); });
      wait_until_parked(rt, WaitReason::kIoWrite, 1);
      (void)gone.one.close();
      closing.wait();
      yield_until("a deadline", [&] { return is_late.load(); });
      done = true;
      all.wait();
    });
    CHECK(read >= size);
    CHECK(written.status == IoStatus::kOk);
    CHECK(late.status == IoStatus::kTimedOut);
    CHECK(closed.status == IoStatus::kClosed);
  }
}

TEST_CASE("a send that is queued on a P whose goroutine computes is made when the P is taken") {
  if (!has_rings()) return;
  const int rounds = scaled(10, 2);
  int queued = 0;
  // Whether a send is queued is up to chance; one is, sooner or later.
  for (int round = 0; round < rounds || queued == 0; ++round) {
    REQUIRE(round < 1000);
    Runtime rt({.procs = 1, .jitter = kSeed + static_cast<std::uint64_t>(round)});
    std::array<int, 2> ends{-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    Fd sender = adopt(ends[0]);
    std::atomic<bool> arrived{false};
    std::thread outside([&] {
      char byte = 0;
      while (rt.parked() < 1) std::this_thread::yield();
      if (write(ends[1], "x", 1) != 1) return;
      arrived = read(ends[1], &byte, 1) == 1;
    });
    run_to_end(rt, [&] {
      char byte = 0;
      (void)sender.wait_readable();
      (void)sender.read(&byte, 1);
      WaitGroup all;
      all.go([&] { (void)sender.write_all("y", 1); });
      all.go([&] {
        if (sched->ps[0]->queued_sends.load() != 0) ++queued;
        while (!arrived.load()) {
        }
      });
      all.wait();
    });
    outside.join();
    close(ends[1]);
  }
  CHECK(queued > 0);
}

TEST_CASE("Ps that come and go leave no send behind") {
  Runtime rt({.procs = 4, .jitter = kSeed});
  const int rounds = scaled(100, 10);
  long right = 0;
  run_to_end(rt, [&] {
    std::atomic<bool> done{false};
    WaitGroup changing;
    changing.go([&] {
      for (int procs = 1; !done.load(); procs = procs % 4 + 1) {
        (void)set_procs(procs);
        yield();
      }
    });
    right = echo_over(32, rounds, 64);
    done = true;
    changing.wait();
  });
  CHECK(right == 32L * rounds);
}

TEST_SUITE_END();

}  // namespace gorun::test::send_batch_test
