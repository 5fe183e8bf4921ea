// tests/runtime/blocking_test.cc - a goroutine in a blocking call does not hold up the others.

#include "runtime/blocking.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::blocking_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

// errno of the thread that runs the caller. Out of line: the C library promises the compiler that
// errno's address never changes, which holds for a thread and not for a goroutine.
[[gnu::noinline]] int errno_here() {
  asm volatile("" ::: "memory");
  return errno;
}

// A pipe whose ends close with it.
class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0) {
      throw std::system_error(errno, std::generic_category(), "pipe2");
    }
  }
  ~Pipe() {
    close(ends_[0]);
    close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  /// The next byte, or -1; blocks the thread.
  [[nodiscard]] int read_byte() const {
    unsigned char byte = 0;
    return read(ends_[0], &byte, 1) == 1 ? byte : -1;
  }
  [[nodiscard]] bool write_byte(unsigned char byte) const { return write(ends_[1], &byte, 1) == 1; }

 private:
  std::array<int, 2> ends_{-1, -1};
};

// A FIFO in the file system; open() of either end blocks until the other is opened.
class Fifo {
 public:
  Fifo() {
    std::string name = "/tmp/gorun_fifo_XXXXXX";
    if (mkdtemp(name.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), "mkdtemp");
    }
    directory_ = name;
    path_ = directory_ + "/fifo";
    if (mkfifo(path_.c_str(), 0600) != 0) {
      throw std::system_error(errno, std::generic_category(), "mkfifo");
    }
  }
  ~Fifo() {
    unlink(path_.c_str());
    rmdir(directory_.c_str());
  }
  Fifo(const Fifo&) = delete;
  Fifo& operator=(const Fifo&) = delete;
  [[nodiscard]] const char* path() const { return path_.c_str(); }

 private:
  std::string directory_;
  std::string path_;
};

// Round trips between two goroutines: work that needs a P and the scheduler.
int ping_pong(int rounds) {
  Chan<int> there(0);
  Chan<int> back(0);
  go([=]() mutable {
    for (const int value : there) (void)back.send(value + 1);
  });
  int value = 0;
  for (int i = 0; i < rounds; ++i) {
    (void)there.send(value);
    value = *back.recv();
  }
  there.close();
  return value;
}

constexpr Blocking kBothKinds[] = {Blocking::kBrief, Blocking::kLong};

}  // namespace

TEST_SUITE_BEGIN("runtime/blocking");

TEST_CASE("a blocking section returns what its body returns") {
  at_each_procs([](Runtime& rt) {
    int number = 0;
    std::unique_ptr<int> owner;
    bool ran = false;
    run_to_end(rt, [&] {
      number = blocking(Blocking::kBrief, [] { return 42; });
      owner = blocking([] { return std::make_unique<int>(7); });
      blocking([&] { ran = true; });
    });
    CHECK(number == 42);
    REQUIRE(owner != nullptr);
    CHECK(*owner == 7);
    CHECK(ran);
  });
}

TEST_CASE("outside a goroutine a blocking section only runs its body") {
  errno = 0;
  CHECK(blocking([] { return 42; }) == 42);
  errno = ENOTTY;
  enter_blocking(Blocking::kLong);
  exit_blocking();
  CHECK(errno == ENOTTY);
}

TEST_CASE("an exception leaves a blocking section and the goroutine goes on") {
  at_each_procs([](Runtime& rt) {
    int caught = 0;
    int after = 0;
    run_to_end(rt, [&] {
      for (const Blocking kind : kBothKinds) {
        try {
          blocking(kind, [] { throw std::runtime_error("inside"); });
        } catch (const std::runtime_error& error) {
          caught += std::string(error.what()) == "inside";
        }
        after += ping_pong(10);
      }
    });
    CHECK(caught == 2);
    CHECK(after == 20);
  });
}

TEST_CASE("a call's errno is its own inside the section, whoever used the M meanwhile") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(300, 30);
    std::atomic<int> wrong{0};
    run_to_end(rt, [&] {
      WaitGroup all;
      for (int g = 0; g < 8; ++g) {
        all.go([&, g] {
          for (int i = 0; i < rounds; ++i) {
            enter_blocking(i % 2 == 0 ? Blocking::kBrief : Blocking::kLong);
            // Each goroutine fails in its own way.
            const int status = g % 2 == 0 ? close(-1) : access("/nonexistent/file", F_OK);
            const int error = errno_here();
            exit_blocking();
            wrong += status != -1 || error != (g % 2 == 0 ? EBADF : ENOENT);
            yield();
          }
        });
      }
      all.wait();
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("goroutines in blocking reads, more than there are Ps, do not hold up the others") {
  for (const Blocking kind : kBothKinds) {
    CAPTURE(kind == Blocking::kLong);
    at_each_procs([&](Runtime& rt) {
      const int readers = kUnderTsan ? 12 : 40;
      int answer = 0;
      std::atomic<int> sum{0};
      run_to_end(rt, [&] {
        std::vector<std::unique_ptr<Pipe>> pipes;
        for (int i = 0; i < readers; ++i) pipes.push_back(std::make_unique<Pipe>());
        std::atomic<int> blocked{0};
        WaitGroup all;
        for (const auto& pipe : pipes) {
          all.go([&] {
            ++blocked;
            sum += blocking(kind, [&] { return pipe->read_byte(); });
          });
        }
        yield_until("all readers in their reads", [&] { return blocked == readers; });
        answer = ping_pong(scaled(2'000, 200));
        for (const auto& pipe : pipes) {
          if (!pipe->write_byte(3)) std::abort();
        }
        all.wait();
      });
      CHECK(answer == scaled(2'000, 200));
      CHECK(sum == 3 * readers);
    });
  }
}

TEST_CASE("opening a FIFO from both ends by two goroutines meets, even at 1 P") {
  for (const Blocking kind : kBothKinds) {
    CAPTURE(kind == Blocking::kLong);
    at_each_procs([&](Runtime& rt) {
      const Fifo fifo;
      std::string got;
      run_to_end(rt, [&] {
        WaitGroup both;
        both.go([&] {
          blocking(kind, [&] {
            const int fd = open(fifo.path(), O_RDONLY | O_CLOEXEC);
            char block[16];
            for (ssize_t n = 0; (n = read(fd, block, sizeof block)) > 0;) {
              got.append(block, static_cast<std::size_t>(n));
            }
            close(fd);
          });
        });
        both.go([&] {
          blocking(kind, [&] {
            const int fd = open(fifo.path(), O_WRONLY | O_CLOEXEC);
            if (write(fd, "met", 3) != 3) std::abort();
            close(fd);
          });
        });
        both.wait();
      });
      CHECK(got == "met");
    });
  }
}

TEST_CASE("two goroutines that only ever block still pass a byte back and forth") {
  for (const Blocking kind : kBothKinds) {
    CAPTURE(kind == Blocking::kLong);
    at_each_procs([&](Runtime& rt) {
      const int rounds = scaled(500, 50);
      int passed = 0;
      run_to_end(rt, [&] {
        const Pipe there;
        const Pipe back;
        WaitGroup both;
        both.go([&] {
          for (int i = 0; i < rounds; ++i) {
            const int byte = blocking(kind, [&] { return there.read_byte(); });
            if (!back.write_byte(static_cast<unsigned char>(byte + 1))) std::abort();
          }
        });
        both.go([&] {
          for (int i = 0; i < rounds; ++i) {
            const auto byte = static_cast<unsigned char>(i % 200);
            if (!there.write_byte(byte)) std::abort();
            passed += blocking(kind, [&] { return back.read_byte(); }) == byte + 1;
          }
        });
        both.wait();
      });
      CHECK(passed == rounds);
    });
  }
}

TEST_CASE("a run is not stuck while a goroutine is in a blocking call") {
  at_each_procs([](Runtime& rt) {
    const Pipe pipe;
    int got = 0;
    // A thread that the runtime does not know ends the wait once everything else is parked.
    std::thread outside([&] {
      while (rt.parked(WaitReason::kChanRecv) == 0) std::this_thread::yield();
      if (!pipe.write_byte(9)) std::abort();
    });
    run_to_end(rt, [&] {
      Chan<int> ch(0);
      go([&, ch]() mutable {
        const int byte = blocking([&] { return pipe.read_byte(); });
        (void)ch.send(byte);
      });
      got = *ch.recv();
    });
    outside.join();
    CHECK(got == 9);
  });
}

TEST_CASE("a sleeper wakes while all other goroutines are in blocking calls") {
  at_each_procs([](Runtime& rt) {
    bool were_blocked = false;
    run_to_end(rt, [&] {
      const Pipe pipe;
      std::atomic<int> blocked{0};
      std::atomic<int> done{0};
      WaitGroup readers;
      for (int i = 0; i < 4; ++i) {
        readers.go([&] {
          ++blocked;
          (void)blocking(Blocking::kBrief, [&] { return pipe.read_byte(); });
          ++done;
        });
      }
      yield_until("all readers started", [&] { return blocked == 4; });
      sleep(2ms);
      were_blocked = done == 0;
      for (int i = 0; i < 4; ++i) {
        if (!pipe.write_byte(1)) std::abort();
      }
      readers.wait();
    });
    CHECK(were_blocked);
  });
}

TEST_CASE("short blocking sections among busy goroutines lose nobody") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(2'000, 100);
    std::atomic<int> calls{0};
    int answer = 0;
    run_to_end(rt, [&] {
      WaitGroup all;
      for (int g = 0; g < 8; ++g) {
        all.go([&, g] {
          for (int i = 0; i < rounds; ++i) {
            calls += blocking((i + g) % 8 == 0 ? Blocking::kLong : Blocking::kBrief,
                              [] { return getppid() >= 0 ? 1 : 0; });
            if (i % 5 == g % 5) yield();
          }
        });
      }
      answer = ping_pong(rounds);
      all.wait();
    });
    CHECK(calls == 8 * rounds);
    CHECK(answer == rounds);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::blocking_test
