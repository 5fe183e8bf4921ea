// tests/runtime/netpoll_home_test.cc - descriptors at home at a P: who finds their events when that
// P does not, and how they get there.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include "runtime/poll/netpoll.h"
#include "runtime/poll/poll_desc.h"
#include "runtime/runtime.h"
#include "runtime/sched/m.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::netpoll_home_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

// A descriptor that waits as a handle's operations do, and shows where it has its home.
class Watched {
 public:
  Watched(int fd, FdKind kind) : fd_(fd), pd_(PollDesc::acquire(fd, kind)) {}
  ~Watched() {
    unwatch_fd(pd_);
    close(fd_);
    pd_->disown();
    pd_->disown();
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  // Reads a byte, waiting for it. returns it, or -1.
  int get() {
    char byte = 0;
    for (;;) {
      const ssize_t count = read(fd_, &byte, 1);
      if (count == 1) return static_cast<unsigned char>(byte);
      if (count == 0 || errno != EAGAIN) return -1;
      if (pd_->wait(PollMode::kRead, WaitReason::kIoRead).status != PollStatus::kReady) return -1;
    }
  }
  bool put(char byte) const { return write(fd_, &byte, 1) == 1; }

  // In a goroutine, while nobody reads.
  void move_to(int p) {
    const RtSection rt;
    if (watch_fd(pd_) == 0) netpoll().move(pd_, p);
  }
  [[nodiscard]] int home() const { return netpoll().home_of(*pd_); }

  static Netpoll& netpoll() { return *sched->netpoll.load(std::memory_order_acquire); }

 private:
  const int fd_;
  PollDesc* const pd_;
};

struct Pair {
  std::unique_ptr<Watched> one, other;
};

Pair pipe_pair() {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  return {std::make_unique<Watched>(ends[0], FdKind::kStream),
          std::make_unique<Watched>(ends[1], FdKind::kStream)};
}

Pair tcp_pair() {
  const auto must = [](int result) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), "tcp");
    return result;
  };
  const int listener = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  must(bind(listener, any, size));
  must(listen(listener, 1));
  must(getsockname(listener, any, &size));
  const int one = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  must(connect(one, any, size));
  must(fcntl(one, F_SETFL, O_NONBLOCK));
  const int other = must(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  close(listener);
  return {std::make_unique<Watched>(one, FdKind::kSocket),
          std::make_unique<Watched>(other, FdKind::kSocket)};
}

int own_p() {
  const RtSection rt;
  return current_m()->p->id;
}

}  // namespace

TEST_SUITE_BEGIN("runtime/netpoll_home");

TEST_CASE("while every goroutine is parked, an event at any home wakes its one") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(300, 30);
    std::atomic<int> asked{0};
    Pair pair = pipe_pair();
    // Writes only when nobody runs: whoever waits must see the home.
    std::thread outside([&] {
      for (int i = 1; i <= rounds; ++i) {
        while (asked.load() < i || rt.parked() < 1) std::this_thread::yield();
        if (!pair.other->put(static_cast<char>(i))) break;
      }
    });
    int right = 0;
    run_to_end(rt, [&] {
      for (int i = 1; i <= rounds; ++i) {
        pair.one->move_to(i % rt.procs());
        asked = i;
        if (pair.one->get() == (i & 0xff)) ++right;
      }
    });
    outside.join();
    CHECK(right == rounds);
  });
}

TEST_CASE("a home that left the common set is back in it before anybody waits") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(20, 5);
    std::atomic<int> asked{0};
    Pair pair = pipe_pair();
    Pair busy = pipe_pair();
    std::thread outside([&] {
      for (int i = 1; i <= rounds; ++i) {
        while (asked.load() < i || rt.parked() < 1) std::this_thread::yield();
        if (!pair.other->put('x')) break;
      }
    });
    int right = 0, outside_common = 0;
    run_to_end(rt, [&] {
      for (int i = 1; i <= rounds; ++i) {
        // A P that is busy looks at its own home, which leaves the common set when nobody has
        // waited for long.
        const auto has_left = [&] {
          const int here = own_p();
          busy.one->move_to(here);
          pair.one->move_to(here);
          const RtSection rt_section;
          if (current_m()->p->id != here) return false;
          sched->poll_network(current_m()->p);
          return pair.one->home() == here && !Watched::netpoll().is_in_common(here);
        };
        WaitGroup others;
        std::atomic<bool> left{false};
        // So that hardly any P idles, and nobody waits.
        for (int p = 1; p < rt.procs(); ++p) {
          others.go([&] {
            while (!left.load()) yield();
          });
        }
        const Nanos until = now() + 50ms;
        while (!left.load() && (rt.procs() == 1 || now() < until)) {
          left = has_left();
          yield();
        }
        if (left.exchange(true)) ++outside_common;
        others.wait();
        asked = i;
        if (pair.one->get() == 'x') ++right;
      }
    });
    outside.join();
    CHECK(right == rounds);
    if (rt.procs() == 1) CHECK(outside_common == rounds);
  });
}

TEST_CASE("the events of a home whose P computes are found by others") {
  for (const int procs : {2, 8}) {
    CAPTURE(procs);
    Runtime rt({.procs = procs});
    int got = 0;
    run_to_end(rt, [&] {
      Pair pair = pipe_pair();
      std::atomic<bool> done{false};
      std::atomic<int> computing_on{-1};
      WaitGroup all;
      all.go([&] {
        computing_on = own_p();
        while (!done.load()) {
        }
      });
      yield_until("one that computes", [&] { return computing_on.load() >= 0; });
      pair.one->move_to(computing_on.load());
      all.go([&] {
        got = pair.one->get();
        done = true;
      });
      yield_until("a reader", [&] { return rt.parked() > 0; });
      (void)pair.other->put('x');
      // This P is busy: it neither sleeps nor has nothing to do.
      while (!done.load()) yield();
      all.wait();
    });
    CHECK(got == 'x');
  }
}

TEST_CASE("no P becomes home to many more than another, and room comes back with a close") {
  Runtime rt({.procs = 2});
  int first = 0, other = 0, again = 0;
  run_to_end(rt, [&] {
    std::vector<Pair> pairs;
    const auto move_twenty = [&](int to) {
      int there = 0;
      for (int i = 0; i < 20; ++i) {
        Pair& pair = pairs.emplace_back(pipe_pair());
        pair.one->move_to(to);
        if (pair.one->home() == to) ++there;
      }
      return there;
    };
    first = move_twenty(0);
    other = move_twenty(1);
    pairs.clear();
    again = move_twenty(0);
  });
  CHECK(first == 5);
  CHECK(other == 10);
  CHECK(again == 5);
}

TEST_CASE("a connection that is served while every P is busy moves to where its packets come in") {
  Runtime rt({.procs = 2});
  bool settled = false;
  run_to_end(rt, [&] {
    std::vector<Pair> pairs;
    for (int i = 0; i < 4; ++i) pairs.push_back(tcp_pair());
    std::atomic<bool> done{false};
    WaitGroup all;
    for (int p = 0; p < 2; ++p) {
      all.go([&] {
        while (!done.load()) yield();
      });
    }
    for (Pair& pair : pairs) {
      all.go([&] {
        while (pair.other->get() == 'a' && pair.other->put('b')) {
        }
      });
      all.go([&] {
        while (!done.load() && pair.one->put('a') && pair.one->get() == 'b') {
          if (pair.one->home() >= 0) done = true;
        }
        (void)pair.one->put('z');
      });
    }
    yield_until("a home", [&] { return done.load(); });
    settled = true;
    all.wait();
  });
  CHECK(settled);
}

TEST_CASE("a home is forgotten with its run, and the descriptor waits in the next one") {
  Pair pair = pipe_pair();
  for (int i = 0; i < 3; ++i) {
    Runtime rt({.procs = 2});
    int before = 0, after = 0, got = 0;
    run_to_end(rt, [&] {
      Pair unused = pipe_pair();
      unused.one->move_to(0);  // makes the netpoller
      before = pair.one->home();
      pair.one->move_to(1);
      after = pair.one->home();
      WaitGroup reader;
      reader.go([&] { got = pair.one->get(); });
      wait_until_parked(rt, WaitReason::kIoRead, 1);
      (void)pair.other->put('x');
      reader.wait();
    });
    CHECK(before == -1);
    CHECK(after == 1);
    CHECK(got == 'x');
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::netpoll_home_test
