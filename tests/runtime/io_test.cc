// tests/runtime/io_test.cc - handles on descriptors: what an operation moves, and how it ends.

#include "runtime/io.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/process.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/fd_pairs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::io_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

// A directory for one test.
class Scratch {
 public:
  Scratch() {
    std::string name = "/tmp/gorun_io_XXXXXX";
    if (mkdtemp(name.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), "mkdtemp");
    }
    path_ = name;
  }
  ~Scratch() {
    for (const std::string& name : names_) unlink(name.c_str());
    rmdir(path_.c_str());
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string file(const std::string& name) {
    names_.push_back(path_ + "/" + name);
    return names_.back();
  }

 private:
  std::string path_;
  std::vector<std::string> names_;
};

// Bytes whose every position can be told.
std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  return bytes;
}

int open_pidfd(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

// A child that ends with `code` when `gate` has reached its end of file.
pid_t start_child(int gate, int gate_writer, int code) {
  const pid_t pid = fork();
  if (pid == 0) {
    close(gate_writer);
    char byte = 0;
    while (read(gate, &byte, 1) > 0) {
    }
    _exit(code);
  }
  return pid;
}

}  // namespace

TEST_SUITE_BEGIN("runtime/io");

TEST_CASE("a reader parks until there is something to read, and gets what there is") {
  at_each_procs([](Runtime& rt) {
    PipeEnds pipe = make_pipe();
    IoResult got;
    char text[16] = "";
    run_to_end(rt, [&] {
      WaitGroup done;
      done.go([&] { got = pipe.reader.read(text, sizeof text); });
      wait_until_parked(rt, WaitReason::kIoRead, 1);
      (void)pipe.writer.write("hello", 5);
      done.wait();
    });
    CHECK((got.status == IoStatus::kOk));
    CHECK(std::string(text, got.count) == "hello");
  });
}

TEST_CASE("a large message passes a small pipe whole, both sides parking") {
  at_each_procs([](Runtime& rt) {
    PipeEnds pipe = make_pipe();
    const std::string sent = pattern(1 << 20);
    std::string got(sent.size(), '\0');
    IoResult put, full, past;
    run_to_end(rt, [&] {
      WaitGroup done;
      done.go([&] {
        put = pipe.writer.write_all(sent.data(), sent.size());
        (void)pipe.writer.close();
      });
      full = pipe.reader.read_full(got.data(), got.size());
      past = pipe.reader.read(got.data(), 1);
      done.wait();
    });
    CHECK(put.count == sent.size());
    CHECK(full.count == sent.size());
    CHECK((past.status == IoStatus::kEof));
    CHECK((got == sent));
  });
}

TEST_CASE("read_full tells how much came before the end") {
  at_each_procs([](Runtime& rt) {
    SocketEnds pair = make_socket_pair();
    IoResult got;
    char text[16];
    run_to_end(rt, [&] {
      (void)pair.one.write_all("abc", 3);
      (void)pair.one.close();
      got = pair.other.read_full(text, sizeof text);
    });
    CHECK(got.count == 3);
    CHECK((got.status == IoStatus::kEof));
  });
}

TEST_CASE("writing to a pipe or a socket without a reader is EPIPE") {
  const IgnoreSigpipe ignore;
  at_each_procs([](Runtime& rt) {
    PipeEnds pipe = make_pipe();
    SocketEnds pair = make_socket_pair();
    IoResult to_pipe, to_socket;
    run_to_end(rt, [&] {
      (void)pipe.reader.close();
      (void)pair.other.close();
      to_pipe = pipe.writer.write("x", 1);
      to_socket = pair.one.write("x", 1);
    });
    CHECK((to_pipe.status == IoStatus::kError));
    CHECK(to_pipe.error == EPIPE);
    CHECK(to_socket.error == EPIPE);
    CHECK(to_string(to_pipe.status, to_pipe.error) == "Broken pipe");
  });
}

TEST_CASE("a writer parked on a full pipe fails when its reader goes") {
  const IgnoreSigpipe ignore;
  at_each_procs([](Runtime& rt) {
    PipeEnds pipe = make_pipe();
    const std::string much = pattern(1 << 20);
    IoResult put;
    run_to_end(rt, [&] {
      WaitGroup done;
      done.go([&] { put = pipe.writer.write_all(much.data(), much.size()); });
      wait_until_parked(rt, WaitReason::kIoWrite, 1);
      (void)pipe.reader.close();
      done.wait();
    });
    CHECK(put.error == EPIPE);
    CHECK(put.count > 0);
    CHECK(put.count < much.size());
  });
}

TEST_CASE("closing a handle wakes those that wait for it and those that queue behind them") {
  at_each_procs([](Runtime& rt) {
    SocketEnds pair = make_socket_pair();
    std::atomic<int> closed = 0;
    IoResult first, second, later;
    run_to_end(rt, [&] {
      WaitGroup done;
      for (int i = 0; i < 5; ++i) {
        done.go([&] {
          char byte = 0;
          if (pair.one.read(&byte, 1).status == IoStatus::kClosed) ++closed;
        });
      }
      wait_until_parked(rt, WaitReason::kIoRead, 5);
      first = pair.one.close();
      second = pair.one.close();
      char byte = 0;
      later = pair.one.read(&byte, 1);
      done.wait();
    });
    CHECK(closed == 5);
    CHECK((first.status == IoStatus::kOk));
    CHECK((second.status == IoStatus::kClosed));
    CHECK((later.status == IoStatus::kClosed));
  });
}

TEST_CASE("a handle may be destroyed while an operation waits on it") {
  at_each_procs([](Runtime& rt) {
    SocketEnds pair = make_socket_pair();
    IoResult got, end;
    run_to_end(rt, [&] {
      WaitGroup done;
      done.go([&] {
        char byte = 0;
        got = pair.one.read(&byte, 1);
      });
      wait_until_parked(rt, WaitReason::kIoRead, 1);
      pair.one = Fd();
      done.wait();
      char byte = 0;
      end = pair.other.read(&byte, 1);  // the descriptor is closed by now
    });
    CHECK((got.status == IoStatus::kClosed));
    CHECK((end.status == IoStatus::kEof));
  });
}

TEST_CASE("several writers take turns: their messages do not mix") {
  at_each_procs([](Runtime& rt) {
    PipeEnds pipe = make_pipe();
    constexpr int kWriters = 8;
    constexpr std::size_t kSize = 100'000;  // more than a pipe holds
    int torn = 0;
    std::string seen;
    run_to_end(rt, [&] {
      WaitGroup done;
      for (int i = 0; i < kWriters; ++i) {
        done.go([&, i] {
          const std::string message(kSize, static_cast<char>('a' + i));
          (void)pipe.writer.write_all(message.data(), message.size());
        });
      }
      std::string message(kSize, '\0');
      for (int i = 0; i < kWriters; ++i) {
        (void)pipe.reader.read_full(message.data(), message.size());
        if (message != std::string(kSize, message[0])) ++torn;
        seen += message[0];
      }
      done.wait();
    });
    std::sort(seen.begin(), seen.end());
    CHECK(torn == 0);
    CHECK(seen == "abcdefgh");
  });
}

TEST_CASE("deadlines: past, to come, reset and lifted") {
  at_each_procs([](Runtime& rt) {
    SocketEnds pair = make_socket_pair();
    IoResult past, over, moved, lifted;
    Nanos waited{0};
    run_to_end(rt, [&] {
      char byte = 0;
      (void)pair.other.write("x", 1);
      pair.one.set_read_deadline(now() - 1s);
      past = pair.one.read(&byte, 1);  // although there is something to read
      const Nanos start = now();
      pair.one.set_read_deadline(start + 20ms);
      (void)pair.one.read(&byte, 1);
      over = pair.one.read(&byte, 1);
      waited = now() - start;

      // A waiter's deadline may come nearer...
      pair.one.set_read_deadline(now() + 1h);
      WaitGroup done;
      done.go([&] { moved = pair.one.read(&byte, 1); });
      wait_until_parked(rt, WaitReason::kIoRead, 1);
      pair.one.set_read_deadline(now() + 1ms);
      done.wait();

      // ...or go away: again, if that was done too late to count.
      for (bool in_time = false; !in_time;) {
        std::atomic<bool> has_ended{false};
        const Nanos deadline = now() + 50ms;
        pair.one.set_read_deadline(deadline);
        done.go([&] {
          lifted = pair.one.read(&byte, 1);
          has_ended = true;
        });
        yield_until("it reads", [&] { return has_ended || rt.parked(WaitReason::kIoRead) == 1; });
        pair.one.set_read_deadline(kNoDeadline);
        in_time = now() < deadline;
        if (in_time) sleep(60ms);  // the time under test: past the deadline that does not count
        (void)pair.other.write("y", 1);
        done.wait();
        if (lifted.status != IoStatus::kOk) (void)pair.one.read(&byte, 1);
      }
    });
    CHECK((past.status == IoStatus::kTimedOut));
    CHECK((over.status == IoStatus::kTimedOut));
    CHECK(waited >= 20ms);
    CHECK((moved.status == IoStatus::kTimedOut));
    CHECK((lifted.status == IoStatus::kOk));
  });
}

TEST_CASE("a read deadline leaves writes alone") {
  at_each_procs([](Runtime& rt) {
    SocketEnds pair = make_socket_pair();
    IoResult got, put, neither;
    run_to_end(rt, [&] {
      char byte = 0;
      pair.one.set_read_deadline(now());
      got = pair.one.read(&byte, 1);
      put = pair.one.write("x", 1);
      pair.one.set_deadline(now());
      neither = pair.one.write("x", 1);
    });
    CHECK((got.status == IoStatus::kTimedOut));
    CHECK((put.status == IoStatus::kOk));
    CHECK((neither.status == IoStatus::kTimedOut));
  });
}

TEST_CASE("a timeout loses nothing: the next read has it all") {
  at_each_procs([](Runtime& rt) {
    PipeEnds pipe = make_pipe();
    const int rounds = scaled(200, 20);
    int timeouts = 0;
    int got = 0;
    run_to_end(rt, [&] {
      WaitGroup done;
      done.go([&] {
        for (int i = 0; i < rounds; ++i) {
          sleep(std::chrono::microseconds(i % 7 * 30));
          (void)pipe.writer.write("z", 1);
        }
        (void)pipe.writer.close();
      });
      for (;;) {
        char byte = 0;
        pipe.reader.set_read_deadline(now() + 50us);
        const IoResult result = pipe.reader.read(&byte, 1);
        if (result.status == IoStatus::kEof) break;
        ++(result.status == IoStatus::kTimedOut ? timeouts : got);
      }
      done.wait();
    });
    CHECK(got == rounds);
    CHECK(timeouts >= 0);
  });
}

TEST_CASE("an eventfd and wait_readable") {
  at_each_procs([](Runtime& rt) {
    Fd event = adopt(eventfd(0, EFD_CLOEXEC));
    IoResult ready, again, drained;
    std::uint64_t value = 0;
    run_to_end(rt, [&] {
      WaitGroup done;
      done.go([&] {
        ready = event.wait_readable();
        again = event.wait_readable();  // still is: nobody read
        (void)event.read(&value, sizeof value);
      });
      wait_until_parked(rt, WaitReason::kIoRead, 1);
      const std::uint64_t seven = 7;
      (void)event.write(&seven, sizeof seven);
      done.wait();
      event.set_read_deadline(now() + 1ms);
      drained = event.wait_readable();
    });
    CHECK((ready.status == IoStatus::kOk));
    CHECK((again.status == IoStatus::kOk));
    CHECK(value == 7);
    CHECK((drained.status == IoStatus::kTimedOut));
  });
}

TEST_CASE("children are waited for by their pidfds") {
  at_each_procs([](Runtime& rt) {
    constexpr int kChildren = 5;
    std::array<int, 2> gate{-1, -1};
    REQUIRE(pipe2(gate.data(), O_CLOEXEC) == 0);
    std::vector<Fd> pidfds;
    for (int i = 0; i < kChildren; ++i) {
      const pid_t pid = start_child(gate[0], gate[1], i);
      REQUIRE(pid > 0);
      pidfds.push_back(adopt(open_pidfd(pid)));
    }
    const pid_t victim = start_child(gate[0], gate[1], 0);
    Fd victim_fd = adopt(open_pidfd(victim));
    std::vector<ProcessEnd> ends(kChildren);
    ProcessEnd killed, again;
    run_to_end(rt, [&] {
      WaitGroup done;
      for (std::size_t i = 0; i < kChildren; ++i) {
        done.go([&, i] { ends[i] = wait_process(pidfds[i]); });
      }
      wait_until_parked(rt, WaitReason::kIoRead, kChildren);
      kill(victim, SIGKILL);
      killed = wait_process(victim_fd);
      close(gate[1]);
      done.wait();
      again = wait_process(victim_fd);
    });
    close(gate[0]);
    for (int i = 0; i < kChildren; ++i) CHECK(ends[static_cast<std::size_t>(i)].exit_code == i);
    CHECK(killed.signal == SIGKILL);
    CHECK(again.error == ECHILD);
  });
}

TEST_CASE("regular files: offsets, whole reads, ends and errors") {
  at_each_procs([](Runtime& rt) {
    Scratch scratch;
    const std::string name = scratch.file("data");
    const std::string bytes = pattern(300'000);
    std::string copy(bytes.size(), '\0'), part(1000, '\0');
    IoResult wrote, read, end, at, past, negative, to_directory;
    FdResult missing;
    run_to_end(rt, [&] {
      FdResult file = open_file(name, O_RDWR | O_CREAT);
      wrote = file.fd.write_all(bytes.data(), bytes.size());
      (void)file.fd.close();
      file = open_file(name, O_RDWR);
      read = file.fd.read_full(copy.data(), copy.size());
      end = file.fd.read(copy.data(), 1);
      at = file.fd.read_at(part.data(), part.size(), 123'456);
      past = file.fd.read_at(part.data(), 1, 1 << 20);
      negative = file.fd.read_at(part.data(), 1, -1);
      missing = open_file(name + ".not", O_RDONLY);
      to_directory = open_file("/tmp", O_RDONLY).fd.read(copy.data(), 1);
    });
    CHECK(wrote.count == bytes.size());
    CHECK(read.count == bytes.size());
    CHECK((copy == bytes));
    CHECK((end.status == IoStatus::kEof));
    CHECK(at.count == part.size());
    CHECK((part == bytes.substr(123'456, 1000)));
    CHECK((past.status == IoStatus::kEof));
    CHECK(negative.error == EINVAL);
    CHECK(missing.error == ENOENT);
    CHECK(to_directory.error == EISDIR);
  });
}

TEST_CASE("a file that is not in the page cache is read as well") {
  at_each_procs([](Runtime& rt) {
    Scratch scratch;
    const std::string name = scratch.file("cold");
    const std::string bytes = pattern(1 << 20);
    std::atomic<int> wrong = 0;
    run_to_end(rt, [&] {
      FdResult file = open_file(name, O_RDWR | O_CREAT);
      (void)file.fd.write_all(bytes.data(), bytes.size());
      (void)fdatasync(file.fd.get());
      (void)posix_fadvise(file.fd.get(), 0, 0, POSIX_FADV_DONTNEED);
      WaitGroup done;
      // More than the number of threads that may be in file input at a time.
      for (int i = 0; i < 200; ++i) {
        done.go([&, i] {
          const std::int64_t offset = i * 5'000;
          std::string part(5'000, '\0');
          const IoResult got = file.fd.read_at(part.data(), part.size(), offset);
          if (bytes.compare(static_cast<std::size_t>(offset), got.count, part, 0, got.count) != 0 ||
              got.count == 0) {
            ++wrong;
          }
        });
      }
      done.wait();
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("a shared descriptor keeps its mode, and parks its reader all the same") {
  at_each_procs([](Runtime& rt) {
    std::array<int, 2> ends{-1, -1};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    FdResult shared = Fd::adopt(ends[0], Fd::Ownership::kShared);
    REQUIRE(shared);
    IoResult got, timed_out;
    char byte = 0;
    run_to_end(rt, [&] {
      WaitGroup done;
      done.go([&] { got = shared.fd.read(&byte, 1); });
      wait_until_parked(rt, WaitReason::kIoRead, 1);
      (void)!write(ends[1], "s", 1);
      done.wait();
      shared.fd.set_read_deadline(now() + 1ms);
      timed_out = shared.fd.read(&byte, 1);
    });
    CHECK(got.count == 1);
    CHECK(byte == 's');
    CHECK((timed_out.status == IoStatus::kTimedOut));
    CHECK((fcntl(ends[0], F_GETFL) & O_NONBLOCK) == 0);
    close(ends[1]);
  });
}

TEST_CASE("a pseudo-terminal parks its reader") {
  at_each_procs([](Runtime& rt) {
    const int master_number = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(master_number >= 0);
    REQUIRE(grantpt(master_number) == 0);
    REQUIRE(unlockpt(master_number) == 0);
    Fd master = adopt(master_number);
    Fd terminal = adopt(open(ptsname(master_number), O_RDWR | O_NOCTTY | O_CLOEXEC));
    IoResult got;
    char line[64] = "";
    run_to_end(rt, [&] {
      WaitGroup done;
      done.go([&] { got = terminal.read(line, sizeof line); });
      wait_until_parked(rt, WaitReason::kIoRead, 1);
      (void)master.write_all("a line\n", 7);
      done.wait();
    });
    CHECK(std::string(line, got.count) == "a line\n");
  });
}

TEST_CASE("files that epoll does not take never wait") {
  at_each_procs([](Runtime& rt) {
    IoResult null_read, zero_read, ready;
    char byte = 'x';
    run_to_end(rt, [&] {
      FdResult null = open_file("/dev/null", O_RDWR);
      FdResult zero = open_file("/dev/zero", O_RDONLY);
      null_read = null.fd.read(&byte, 1);
      zero_read = zero.fd.read(&byte, 1);
      ready = null.fd.wait_writable();
    });
    CHECK((null_read.status == IoStatus::kEof));
    CHECK(zero_read.count == 1);
    CHECK(byte == 0);
    CHECK((ready.status == IoStatus::kOk));
  });
}

TEST_CASE("release gives the descriptor back, open") {
  at_each_procs([](Runtime& rt) {
    PipeEnds pipe = make_pipe();
    int fd = -1;
    run_to_end(rt, [&] {
      char byte = 0;
      pipe.reader.set_read_deadline(now() + 1ms);
      (void)pipe.reader.read(&byte, 1);  // so that the netpoller knows it
      fd = pipe.reader.release();
    });
    CHECK_FALSE(pipe.reader.is_open());
    CHECK(fcntl(fd, F_GETFD) >= 0);
    CHECK(close(fd) == 0);
  });
}

TEST_CASE("a handle outlives its run and serves in the next one") {
  PipeEnds pipe = make_pipe();
  for (int round = 0; round < 3; ++round) {
    at_each_procs([&](Runtime& rt) {
      IoResult got;
      char byte = 0;
      run_to_end(rt, [&] {
        WaitGroup done;
        done.go([&] { got = pipe.reader.read(&byte, 1); });
        wait_until_parked(rt, WaitReason::kIoRead, 1);
        (void)pipe.writer.write("r", 1);
        done.wait();
      });
      CHECK(got.count == 1);
    });
  }
}

TEST_CASE("a closed handle says so, outside a goroutine as well") {
  Fd none;
  CHECK_FALSE(none.is_open());
  CHECK(none.get() == -1);
  CHECK((none.close().status == IoStatus::kClosed));
  PipeEnds pipe = make_pipe();
  CHECK((pipe.reader.close().status == IoStatus::kOk));
  CHECK((pipe.reader.close().status == IoStatus::kClosed));
  CHECK((Fd::adopt(-1).error == EBADF));
}

TEST_SUITE_END();

}  // namespace gorun::test::io_test
