// tests/runtime/netpoll_test.cc - the netpoller among the scheduler's duties: nobody is forgotten,
// nobody is woken for another, and the run knows when it is over.

#include "runtime/poll/netpoll.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "runtime/blocking.h"
#include "runtime/chan.h"
#include "runtime/io.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/each_procs.h"
#include "tests/support/fd_pairs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::netpoll_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;
using Outcome = RunResult::Outcome;

// Bounces a byte `rounds` times. returns how often it came back.
int bounce(SocketEnds& pair, int rounds) {
  WaitGroup done;
  done.go([&] {
    char byte = 0;
    while (pair.other.read_full(&byte, 1)) {
      if (!pair.other.write_all(&byte, 1)) return;
    }
  });
  int returned = 0;
  for (int i = 0; i < rounds; ++i) {
    char byte = static_cast<char>(i);
    if (!pair.one.write_all(&byte, 1) || !pair.one.read_full(&byte, 1)) break;
    if (byte == static_cast<char>(i)) ++returned;
  }
  (void)pair.one.close();
  done.wait();
  return returned;
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace

TEST_SUITE_BEGIN("runtime/netpoll");

TEST_CASE("a thousand pairs bounce at the same time") {
  at_each_procs([](Runtime& rt) {
    const int pairs = scaled(1'000, 100);
    const int rounds = 20;
    std::atomic<long> returned = 0;
    run_to_end(rt, [&] {
      WaitGroup done;
      for (int i = 0; i < pairs; ++i) {
        done.go([&] {
          SocketEnds pair = make_socket_pair();
          returned += bounce(pair, rounds);
        });
      }
      done.wait();
    });
    CHECK(returned == static_cast<long>(pairs) * rounds);
  });
}

TEST_CASE("a descriptor alone keeps the run alive, and a thread outside wakes it") {
  at_each_procs([](Runtime& rt) {
    std::array<int, 2> ends{-1, -1};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    Fd reader = adopt(ends[0]);
    std::atomic<bool> parking{false};
    // Writes when every goroutine is parked: nothing but the netpoller can end this run.
    std::thread outside([&] {
      while (!parking.load() || rt.parked() < 1) std::this_thread::yield();
      (void)!write(ends[1], "w", 1);
    });
    IoResult got;
    run_to_end(rt, [&] {
      char byte = 0;
      parking = true;
      got = reader.read(&byte, 1);
    });
    outside.join();
    close(ends[1]);
    CHECK(got.count == 1);
  });
}

TEST_CASE("once no descriptor is waited for, deadlock and leak are seen again") {
  at_each_procs([](Runtime& rt) {
    PipeEnds pipe = make_pipe();
    Chan<int> never(0);
    IoResult got;
    const RunResult result = rt.run([&] {
      go([&] {
        char byte = 0;
        got = pipe.reader.read(&byte, 1);
        (void)never.recv();
      });
      wait_until_parked(rt, WaitReason::kIoRead, 1);
      (void)pipe.writer.write("x", 1);
    });
    INFO(describe(result));
    CHECK(got.count == 1);
    CHECK((result.outcome == Outcome::kLeaked));
    REQUIRE(result.stuck.size() == 1);
    CHECK((result.stuck[0].reason == WaitReason::kChanRecv));
  });
  at_each_procs([](Runtime& rt) {
    SocketEnds pair = make_socket_pair();
    Chan<int> never(0);
    const RunResult result = rt.run([&] {
      (void)bounce(pair, 3);
      (void)never.recv();
    });
    CHECK((result.outcome == Outcome::kDeadlocked));
  });
}

TEST_CASE("who waits aside is woken while others work, sleep or block") {
  using Busy = void (*)(const std::atomic<bool>& is_over);
  constexpr Busy kWays[] = {
      [](const std::atomic<bool>& is_over) {
        while (!is_over) yield();
      },
      [](const std::atomic<bool>& is_over) {
        while (!is_over) sleep(1ms);
      },
      [](const std::atomic<bool>& is_over) {
        while (!is_over) {  // computes, without a runtime call
        }
      },
      [](const std::atomic<bool>& is_over) {
        blocking(Blocking::kLong, [&] {
          while (!is_over) std::this_thread::sleep_for(1ms);
        });
      },
      [](const std::atomic<bool>& is_over) {
        blocking(Blocking::kBrief, [&] {
          while (!is_over) std::this_thread::sleep_for(1ms);
        });
      },
  };
  for (const Busy stay_busy : kWays) {
    at_each_procs([stay_busy](Runtime& rt) {
      PipeEnds pipe = make_pipe();
      std::atomic<bool> is_over{false};
      IoResult ready;
      std::thread outside([&] {
        while (rt.parked(WaitReason::kOutside) < 1) std::this_thread::yield();
        (void)!write(pipe.writer.get(), "w", 1);
      });
      run_to_end(rt, [&] {
        go([&] {
          ready = pipe.reader.wait_readable_aside();
          is_over = true;
        });
        // The thread outside may have seen it parked, and woken it, before we look.
        while (!is_over && rt.parked(WaitReason::kOutside) < 1) yield();
        stay_busy(is_over);
      });
      outside.join();
      CHECK((ready.status == IoStatus::kOk));
    });
  }
}

TEST_CASE("a run is over although somebody waits aside") {
  at_each_procs([](Runtime& rt) {
    PipeEnds pipe = make_pipe();
    // A deadline that nobody is left to wait for must not hold it up, either.
    const RunResult result = rt.run([&] {
      (void)after(1h);
      go([&] { (void)pipe.reader.wait_readable_aside(); });
    });
    CHECK((result.outcome == Outcome::kFinished));
    CHECK(result.stuck.empty());
  });
}

TEST_CASE("a deadlock is one although somebody waits aside, who is not blamed") {
  for (int round = 0; round < 20; ++round) {
    at_each_procs([](Runtime& rt) {
      PipeEnds pipe = make_pipe();
      Chan<int> never(0);
      const auto main = [&] {
        go([&] { (void)pipe.reader.wait_readable_aside(); });
        go([&] {
          blocking(Blocking::kLong, [] { std::this_thread::sleep_for(1ms); });
          (void)never.recv();
        });
        (void)never.recv();
      };
      const RunResult result = rt.run(main);
      CHECK((result.outcome == Outcome::kDeadlocked));
      CHECK(result.stuck.size() == 2);
      for (const GoroutineInfo& g : result.stuck) CHECK((g.reason == WaitReason::kChanRecv));
    });
  }
}

TEST_CASE("it is no deadlock once the event has come for which somebody waits aside") {
  at_each_procs([](Runtime& rt) {
    PipeEnds pipe = make_pipe();
    IoResult ready;
    run_to_end(rt, [&] {
      Chan<Unit> has_come(0);
      go([&ready, &pipe, has_come]() mutable {
        ready = pipe.reader.wait_readable_aside();
        has_come.close();
      });
      wait_until_parked(rt, WaitReason::kOutside, 1);
      (void)!write(pipe.writer.get(), "w", 1);
      (void)has_come.recv();
    });
    CHECK((ready.status == IoStatus::kOk));
  });
}

TEST_CASE("main may wait aside, and is then the one that waits in vain") {
  at_each_procs([](Runtime& rt) {
    PipeEnds pipe = make_pipe();
    const RunResult result = rt.run([&] { (void)pipe.reader.wait_readable_aside(); });
    CHECK((result.outcome == Outcome::kDeadlocked));
    REQUIRE(result.stuck.size() == 1);
    CHECK(std::string(to_string(result.stuck[0].reason)) == "outside event");
  });
}

TEST_CASE("closing the handle ends a wait aside, and a deadline does") {
  at_each_procs([](Runtime& rt) {
    PipeEnds pipe = make_pipe();
    IoResult timed_out, closed;
    run_to_end(rt, [&] {
      WaitGroup done;
      std::atomic<bool> is_second{false};
      done.go([&] {
        pipe.reader.set_read_deadline(now() + 5ms);
        timed_out = pipe.reader.wait_readable_aside();
        pipe.reader.set_read_deadline(kNoDeadline);
        is_second = true;
        closed = pipe.reader.wait_readable_aside();
      });
      while (!is_second || rt.parked(WaitReason::kOutside) < 1) yield();
      (void)pipe.reader.close();
      done.wait();
    });
    CHECK((timed_out.status == IoStatus::kTimedOut));
    CHECK((closed.status == IoStatus::kClosed));
  });
}

TEST_CASE("a deadline of an idle handle does not keep the run from ending") {
  at_each_procs([](Runtime& rt) {
    PipeEnds pipe = make_pipe();
    const Nanos start = now();
    run_to_end(rt, [&] {
      char byte = 0;
      (void)pipe.writer.write("x", 1);
      pipe.reader.set_deadline(now() + 1h);
      (void)pipe.reader.read(&byte, 1);
    });
    CHECK(now() - start < 10min);
  });
}

TEST_CASE("descriptor numbers are used again at once, and nobody gets another's events") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(3'000, 100);
    std::atomic<int> wrong = 0;
    run_to_end(rt, [&] {
      WaitGroup done;
      for (int w = 0; w < 4; ++w) {
        done.go([&, w] {
          for (int i = 0; i < rounds; ++i) {
            PipeEnds pipe = make_pipe();
            const char sent = static_cast<char>(i * 4 + w);
            char got = 0;
            WaitGroup reader;
            reader.go([&] {
              if (pipe.reader.read(&got, 1).count != 1 || got != sent) ++wrong;
            });
            yield();
            (void)pipe.writer.write(&sent, 1);
            // The writer's end goes in the same breath: its event may come after its number is
            // another pipe's.
            (void)pipe.writer.close();
            reader.wait();
          }
        });
      }
      done.wait();
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("closing races with events and deadlines, and every reader comes back") {
  const IgnoreSigpipe ignore;  // the reader may be gone before the byte comes
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(2'000, 100);
    int ok = 0, closed = 0, timed_out = 0, other = 0;
    run_to_end(rt, [&] {
      for (int i = 0; i < rounds; ++i) {
        PipeEnds pipe = make_pipe();
        IoResult got;
        WaitGroup done;
        if (i % 3 == 0) pipe.reader.set_read_deadline(now() + std::chrono::microseconds(i % 50));
        done.go([&] {
          char byte = 0;
          got = pipe.reader.read(&byte, 1);
        });
        if (i % 2 == 0) yield();
        done.go([&] { (void)pipe.writer.write("x", 1); });
        done.go([&] { (void)pipe.reader.close(); });
        done.wait();
        switch (got.status) {
          case IoStatus::kOk:
            ++ok;
            break;
          case IoStatus::kClosed:
            ++closed;
            break;
          case IoStatus::kTimedOut:
            ++timed_out;
            break;
          default:
            ++other;
        }
      }
    });
    CHECK(other == 0);
    CHECK(ok + closed + timed_out == rounds);
  });
}

TEST_CASE("goroutines that never park do not keep ready descriptors waiting") {
  // A few more of them than Ps: no M ever finds nothing to do. Or so many that the LRQs are full
  // and more wait in the GRQ: the network is asked once a turn of the queue.
  for (const int per_p : {2, 300}) {
    CAPTURE(per_p);
    at_each_procs([per_p](Runtime& rt) {
      SocketEnds pair = make_socket_pair();
      const int rounds = per_p == 2 ? scaled(300, 30) : scaled(100, 10);
      int returned = 0;
      run_to_end(rt, [&] {
        std::atomic<bool> stop{false};
        WaitGroup busy;
        for (int i = 0; i < per_p * procs(); ++i) {
          busy.go([&] {
            while (!stop) yield();
          });
        }
        returned = bounce(pair, rounds);
        stop = true;
        busy.wait();
      });
      CHECK(returned == rounds);
    });
  }
}

TEST_CASE("a goroutine that computes for long does not keep ready descriptors waiting") {
  at_each_procs([](Runtime& rt) {
    SocketEnds pair = make_socket_pair();
    int returned = 0;
    run_to_end(rt, [&] {
      std::atomic<bool> stop{false};
      WaitGroup busy;
      for (int i = 0; i < procs(); ++i) {
        busy.go([&] {
          while (!stop) {
          }
        });
      }
      returned = bounce(pair, 5);
      stop = true;
      busy.wait();
    });
    CHECK(returned == 5);
  });
}

TEST_CASE("200 blocked FIFO readers, in the netpoller or on threads, and computing goes on") {
  std::string directory = "/tmp/gorun_fifos_XXXXXX";
  REQUIRE(mkdtemp(directory.data()) != nullptr);
  const std::string path = directory + "/fifo";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  for (const bool on_threads : {false, true}) {
    CAPTURE(on_threads);
    at_each_procs([&](Runtime& rt) {
      const int readers = kUnderTsan ? 50 : 200;
      std::atomic<int> read_bytes = 0;
      long computed = 0;
      const int writer = open(path.c_str(), O_RDWR | O_CLOEXEC);
      REQUIRE(writer >= 0);
      run_to_end(rt, [&] {
        WaitGroup done;
        std::atomic<int> started = 0;
        for (int i = 0; i < readers; ++i) {
          done.go([&] {
            FdResult fifo = open_file(path, O_RDONLY);
            char byte = 0;
            if (on_threads) {
              const int fd = fifo.fd.release();
              (void)fcntl(fd, F_SETFL, 0);  // blocking again
              ++started;
              read_bytes += static_cast<int>(blocking([&] { return read(fd, &byte, 1); }));
              close(fd);
            } else {
              ++started;
              read_bytes += static_cast<int>(fifo.fd.read(&byte, 1).count);
            }
          });
        }
        yield_until("all readers started", [&] { return started == readers; });
        if (!on_threads) {
          wait_until_parked(rt, WaitReason::kIoRead, static_cast<std::size_t>(readers));
        }
        Chan<int> there(0), back(0);
        go([=]() mutable {
          for (const int value : there) (void)back.send(value + 1);
        });
        for (int i = 0; i < 1'000; ++i) {
          (void)there.send(i);
          computed += *back.recv() - i;
        }
        there.close();
        const std::string bytes(static_cast<std::size_t>(readers), 'b');
        (void)!write(writer, bytes.data(), bytes.size());
        done.wait();
      });
      close(writer);
      CHECK(computed == 1'000);
      CHECK(read_bytes == readers);
    });
  }
  unlink(path.c_str());
  rmdir(directory.c_str());
}

TEST_CASE("timers and descriptors wake the same sleeper in their order") {
  at_each_procs([](Runtime& rt) {
    PipeEnds pipe = make_pipe();
    std::vector<int> order;
    run_to_end(rt, [&] {
      WaitGroup done;
      done.go([&] {
        char byte = 0;
        (void)pipe.reader.read(&byte, 1);
        order.push_back(2);
      });
      wait_until_parked(rt, WaitReason::kIoRead, 1);
      done.go([&] {
        sleep(5ms);
        order.push_back(1);
        (void)pipe.writer.write("x", 1);
      });
      done.wait();
      sleep(1ms);
      order.push_back(3);
    });
    CHECK((order == std::vector<int>{1, 2, 3}));
  });
}

TEST_CASE("goroutines parked on descriptors and timers use no CPU") {
  at_each_procs([](Runtime& rt) {
    PipeEnds pipe = make_pipe();
    double used = 0;
    run_to_end(rt, [&] {
      WaitGroup done;
      for (int i = 0; i < 10; ++i) {
        done.go([&] {
          char byte = 0;
          (void)pipe.reader.read(&byte, 1);
        });
      }
      wait_until_parked(rt, WaitReason::kIoRead, 10);
      sleep(100ms);  // sysmon and the spinners come to rest
      const double before = cpu_seconds();
      sleep(500ms);  // the time under test
      used = cpu_seconds() - before;
      (void)pipe.reader.close();
      done.wait();
    });
    // Of 0.5 s, all of which a poller that spins would use; sanitizers on a busy machine need
    // 0.025.
    CHECK(used < 0.1);
  });
}

TEST_CASE("each run has a netpoller of its own, and leaves no descriptor behind") {
  const auto lowest_free = [] {
    const int fd = dup(0);
    close(fd);
    return fd;
  };
  const int before = lowest_free();
  for (int i = 0; i < 50; ++i) {
    Runtime rt({.procs = 2});
    run_to_end(rt, [] {
      SocketEnds pair = make_socket_pair();
      (void)bounce(pair, 2);
    });
  }
  CHECK(lowest_free() == before);
}

TEST_SUITE_END();

}  // namespace gorun::test::netpoll_test
