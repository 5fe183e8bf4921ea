// tests/bench/limits.cc - what this machine can do at best: the floor under the runtime's figures.
//
//   runtime_limits     prints name, value, unit, separated by tabs
//
// Each figure is the least that some operation of the runtime must pay: a goroutine switch cannot
// be cheaper than saving and loading six registers, an unbuffered hand-over between two Ps not
// cheaper than a cache line's way there and back, waking a parked M not cheaper than a futex.
// Nothing of the runtime is linked here.

#include <arpa/inet.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/poll/send_batch.h"
#include "tests/bench/stopwatch.h"

namespace gorun::bench {
namespace {

void require(bool is_right, const char* what) {
  if (is_right) return;
  std::perror(what);
  std::exit(1);
}

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  require(sched_setaffinity(0, sizeof set, &set) == 0, "sched_setaffinity");
}

// The first two cores this process may use, or one of them twice.
struct Cores {
  Cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    require(sched_getaffinity(0, sizeof set, &set) == 0, "sched_getaffinity");
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(static_cast<std::size_t>(cpu), &set)) continue;
      if (count == 0) first = cpu;
      if (count == 1) second = cpu;
      ++count;
    }
    if (count == 1) second = first;
  }
  int first = 0;
  int second = 0;
  int count = 0;
};

#if defined(__x86_64__)

// Saves and loads the six callee-saved registers and the stack pointer, and jumps instead of
// returning, as a goroutine switch must.
asm(R"(
.text
.type limits_switch, @function
limits_switch:
  popq %rdx
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  pushq %rdx
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %rdx
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  jmpq *%rdx
.size limits_switch, . - limits_switch
)");
extern "C" void limits_switch(void** save, void* load) asm("limits_switch");

void* g_here = nullptr;
void* g_there = nullptr;

[[noreturn]] void switch_back_for_ever() {
  for (;;) limits_switch(&g_there, g_here);
}

void context_switch() {
  constexpr int kSwitches = 10'000'000;
  alignas(64) static std::byte stack[65'536];
  auto** top = reinterpret_cast<void**>(stack + sizeof stack - 64);
  *--top = nullptr;  // where a caller's return address would be: keeps the stack aligned
  top -= 7;          // the resume address, then six registers
  *top = reinterpret_cast<void*>(&switch_back_for_ever);
  g_there = top;
  const Stopwatch watch;
  for (int i = 0; i < kSwitches / 2; ++i) limits_switch(&g_here, g_there);
  watch.report_per("context_switch", kSwitches);
}

#else

void context_switch() {}  // the floor is known for x86-64 only; the table shows none

#endif

void atomics() {
  constexpr int kRounds = 20'000'000;
  static std::atomic<std::uint64_t> word{0};
  {
    const Stopwatch watch;
    for (int i = 0; i < kRounds; ++i) word.fetch_add(1);
    watch.report_per("atomic_rmw", kRounds);
  }
  {
    const Stopwatch watch;
    for (int i = 0; i < kRounds; ++i) std::atomic_thread_fence(std::memory_order_seq_cst);
    watch.report_per("full_fence", kRounds);
  }
  {
    // A lock in one word that also says whether somebody waits: set a bit; and clear it, if nobody
    // waits, which takes a look first, at what the last locked instruction wrote.
    static std::uint64_t guarded = 0;
    word = 0;
    const Stopwatch watch;
    for (int i = 0; i < kRounds; ++i) {
      require((word.fetch_or(1, std::memory_order_acquire) & 1) == 0, "fetch_or");
      ++guarded;
      asm volatile("" ::: "memory");
      std::uint64_t held = word.load(std::memory_order_relaxed);
      require(held == 1 && word.compare_exchange_strong(held, held ^ 1, std::memory_order_release),
              "compare_exchange");
    }
    watch.report_per("lock_word", kRounds);
  }
  {
    std::mutex mutex;
    const Stopwatch watch;
    for (int i = 0; i < kRounds; ++i) {
      const std::lock_guard lock(mutex);
      asm volatile("" ::: "memory");
    }
    watch.report_per("std_mutex_free", kRounds);
  }
}

void cache_line(const Cores& cores) {
  if (cores.count < 2) return;  // two threads on one core would measure the kernel
  constexpr int kRounds = 200'000;
  struct alignas(128) Line {
    std::atomic<int> value{0};
  };
  static Line there;
  static Line back;
  std::thread other([&] {
    pin_to(cores.second);
    for (int i = 1; i <= kRounds; ++i) {
      while (there.value.load(std::memory_order_acquire) != i) {
      }
      back.value.store(i, std::memory_order_release);
    }
  });
  pin_to(cores.first);
  const Stopwatch watch;
  for (int i = 1; i <= kRounds; ++i) {
    there.value.store(i, std::memory_order_release);
    while (back.value.load(std::memory_order_acquire) != i) {
    }
  }
  watch.report_per("cache_line_round_trip", kRounds);
  other.join();
}

long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) {
  return syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

double median(std::vector<double>& values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

// From just before the wake call to the sleeper running on the other core, and what the call itself
// costs the waker.
void futex_wake(const Cores& cores) {
  constexpr std::uint32_t kRounds = 1'000;
  static std::atomic<std::uint32_t> word{0};
  static std::atomic<std::uint32_t> awake{0};
  std::vector<double> to_run;
  std::vector<double> call;
  Stopwatch since_wake;
  std::thread sleeper([&] {
    pin_to(cores.second);
    for (std::uint32_t i = 1; i <= kRounds; ++i) {
      while (word.load(std::memory_order_acquire) < i) futex(word, FUTEX_WAIT, i - 1);
      to_run.push_back(since_wake.ns());
      awake.store(i, std::memory_order_release);
    }
  });
  pin_to(cores.first);
  for (std::uint32_t i = 1; i <= kRounds; ++i) {
    usleep(150);  // until the sleeper sleeps
    since_wake = Stopwatch();
    word.store(i, std::memory_order_release);
    const Stopwatch watch;
    futex(word, FUTEX_WAKE, 1);
    call.push_back(watch.ns());
    while (awake.load(std::memory_order_acquire) < i) std::this_thread::yield();
  }
  sleeper.join();
  report("futex_wake_to_run", median(to_run), "ns");
  report("futex_wake_call", median(call), "ns");
}

void system_calls() {
  constexpr int kCalls = 500'000;
  {
    const Stopwatch watch;
    for (int i = 0; i < kCalls; ++i) syscall(SYS_getppid);
    watch.report_per("system_call", kCalls);
  }
  const int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  epoll_event interest{};
  interest.events = EPOLLIN;
  require(event >= 0 && poller >= 0, "eventfd, epoll_create1");
  require(epoll_ctl(poller, EPOLL_CTL_ADD, event, &interest) == 0, "epoll_ctl");
  constexpr int kEvents = kCalls / 5;
  const Stopwatch watch;
  for (int i = 0; i < kEvents; ++i) {
    std::uint64_t count = 1;
    require(write(event, &count, sizeof count) == sizeof count, "write");
    require(epoll_wait(poller, &interest, 1, 0) == 1, "epoll_wait");
    require(read(event, &count, sizeof count) == sizeof count, "read");
  }
  watch.report_per("eventfd_through_epoll", kEvents);
  close(event);
  close(poller);
}

// TCP over the loopback by the shortest way there is: `threads` threads, each with an epoll of its
// own and its share of 64 connections, both ends of which it serves. A request and its answer are
// four system calls and a share of an epoll_wait; `together`: two, and a share of another one that
// makes the sends of all whom that epoll_wait brought. As in the runtime, and no goroutine.
class EchoLoop {
 public:
  EchoLoop(int connections, bool together)
      : ends_(static_cast<std::size_t>(2 * connections)),
        calls_(ends_.size()),
        batch_(together ? runtime::SendBatch::make() : nullptr) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    require(listener >= 0 && bind(listener, any, size) == 0 && listen(listener, 64) == 0 &&
                getsockname(listener, any, &size) == 0 && poller_ >= 0,
            "listen");
    for (std::size_t i = 0; i < ends_.size(); i += 2) {
      ends_[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      require(ends_[i] >= 0 && connect(ends_[i], any, size) == 0, "connect");
      ends_[i + 1] = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      require(ends_[i + 1] >= 0, "accept");
      watch(i);
      watch(i + 1);
    }
    close(listener);
  }
  EchoLoop(const EchoLoop&) = delete;
  EchoLoop& operator=(const EchoLoop&) = delete;
  ~EchoLoop() {
    for (const int end : ends_) close(end);
    close(poller_);
  }

  /// Answers for `seconds`. returns how many requests.
  long run(double seconds) {
    char message[64] = {};
    for (std::size_t i = 0; i < ends_.size(); i += 2) put(i, message);
    long answers = 0;
    epoll_event events[128];
    for (const Stopwatch watch; watch.ns() < seconds * 1e9;) {
      const int count = epoll_wait(poller_, events, 128, 100);
      for (int e = 0; e < count; ++e) {
        const std::size_t end = events[e].data.u64;
        require(recv(ends_[end], message, sizeof message, 0) == sizeof message, "recv");
        if (batch_ == nullptr) {
          put(end, message);
        } else {
          calls_[end] = {ends_[end], message, sizeof message, nullptr, 0};
          batch_->push(calls_[end]);
          if (batch_->is_full()) put_queued();
        }
        answers += end % 2 == 0;
      }
      if (batch_ != nullptr) put_queued();
    }
    return answers;
  }

 private:
  void watch(std::size_t end) {
    const int on = 1;
    epoll_event interest{};
    interest.events = EPOLLIN;
    interest.data.u64 = end;
    require(setsockopt(ends_[end], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
                epoll_ctl(poller_, EPOLL_CTL_ADD, ends_[end], &interest) == 0,
            "epoll_ctl");
  }
  void put(std::size_t end, const char (&message)[64]) {
    require(send(ends_[end], message, sizeof message, MSG_NOSIGNAL) == sizeof message, "send");
  }

  void put_queued() {
    batch_->make_calls([](const runtime::SendBatch::Call& call) {
      require(call.result == sizeof(char[64]), "send by a ring");
    });
  }

  const int poller_ = epoll_create1(EPOLL_CLOEXEC);
  std::vector<int> ends_;  // a client's at even places, its server's behind it
  std::vector<runtime::SendBatch::Call> calls_;
  const std::unique_ptr<runtime::SendBatch> batch_;  // null: each send by itself
};

void tcp_echo(const char* name, int threads, bool together) {
  if (together && runtime::SendBatch::make() == nullptr) return;  // no io_uring here
  constexpr int kConnections = 64;
  constexpr double kSeconds = 1;
  std::atomic<long> answers{0};
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&] { answers += EchoLoop(kConnections / threads, together).run(kSeconds); });
  }
  for (std::thread& thread : all) thread.join();
  report(name, static_cast<double>(answers) / kSeconds, "req/s");
}

// The first touch of a page of a stack, and giving it back: what a parked goroutine costs anew.
void page_touch() {
  constexpr std::size_t kStacks = 50'000;
  constexpr std::size_t kStackBytes = 65'536;
  constexpr std::size_t kBytes = kStacks * kStackBytes;
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  require(madvise(memory, kBytes, MADV_NOHUGEPAGE) == 0, "madvise");
  auto* bytes = static_cast<volatile char*>(memory);
  const auto touch_all = [&](const char* name) {
    const Stopwatch watch;
    for (std::size_t i = 0; i < kStacks; ++i) bytes[i * kStackBytes + kStackBytes - 64] = 1;
    watch.report_per(name, kStacks);
  };
  touch_all("page_first_touch");
  touch_all("page_second_touch");
  const Stopwatch watch;
  for (std::size_t i = 0; i < kStacks; ++i) {
    char* stack = static_cast<char*>(memory) + i * kStackBytes;
    require(madvise(stack, kStackBytes, MADV_DONTNEED) == 0, "madvise");
  }
  watch.report_per("page_give_back", kStacks);
  munmap(memory, kBytes);
}

// What of that is the kernel's search for a page and its clearing, without any fault: as many pages
// in one piece and one call.
void page_populate() {
  constexpr int kMadvPopulateWrite = 23;  // Linux 5.14
  constexpr std::size_t kPages = 50'000;
  constexpr std::size_t kBytes = kPages * 4'096;
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  require(madvise(memory, kBytes, MADV_NOHUGEPAGE) == 0, "madvise");
  const Stopwatch watch;
  if (madvise(memory, kBytes, kMadvPopulateWrite) == 0) watch.report_per("page_populate", kPages);
  munmap(memory, kBytes);
}

// Address space for many stacks, spaced as the runtime's are by default.
class Stacks {
 public:
  static constexpr std::size_t kStride = 266'240;
  static constexpr std::size_t kPageSize = 4'096;

  explicit Stacks(std::size_t stacks) : count(stacks) {
    void* memory = mmap(nullptr, count * kStride, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    require(memory != MAP_FAILED, "mmap");
    require(madvise(memory, count * kStride, MADV_NOHUGEPAGE) == 0, "madvise");
    low_ = static_cast<char*>(memory);
  }
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;
  ~Stacks() { munmap(low_, count * kStride); }

  const std::size_t count;

  /// A guard page under each of `count` stacks from the `first` on, by one call. returns false
  /// where the kernel lacks it.
  [[nodiscard]] bool guard(std::size_t first, std::size_t count) const {
    constexpr int kMadvGuardInstall = 102;  // Linux 6.13
    constexpr int kPidfdSelf = -10001;      // Linux 6.15
    if (count == 1) return madvise(low_ + first * kStride, kPageSize, kMadvGuardInstall) == 0;
    std::vector<iovec> pages(count);
    for (std::size_t i = 0; i < count; ++i) pages[i] = {low_ + (first + i) * kStride, kPageSize};
    return syscall(SYS_process_madvise, kPidfdSelf, pages.data(), count, kMadvGuardInstall, 0) ==
           static_cast<long>(count * kPageSize);
  }

  /// Writes to the topmost page of each.
  void touch(std::size_t first, std::size_t count) const {
    for (std::size_t i = first; i < first + count; ++i) {
      *static_cast<volatile char*>(low_ + (i + 1) * kStride - 64) = 1;
    }
  }

 private:
  char* low_ = nullptr;
};

// `batch` guards a call.
void guard_install(const char* name, std::size_t batch) {
  constexpr int kStacks = 102'400;
  const Stacks stacks(kStacks);
  const Stopwatch watch;
  for (std::size_t i = 0; i < stacks.count; i += batch) {
    if (!stacks.guard(i, batch)) return;
  }
  watch.report_per(name, kStacks);
}

// What a goroutine that parks for the first time needs of the kernel: a guard, and a page above it.
// As many as the benchmarks have. The better of two rounds, as memory may have to come from the
// host in the first. Not where there is too little of it in all.
void guarded_pages(const char* name, std::size_t threads, std::size_t count) {
  constexpr std::size_t kBatch = 64;
  if (static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) < 2 * count) return;
  double best_ns = 0;
  for (int round = 0; round < 2; ++round) {
    const Stacks stacks(count);
    std::atomic<bool> works{true};
    const Stopwatch watch;
    std::vector<std::thread> all;
    for (std::size_t t = 0; t < threads; ++t) {
      all.emplace_back([&stacks, &works, t, threads, count] {
        for (std::size_t i = t * kBatch; i < count; i += threads * kBatch) {
          if (!stacks.guard(i, kBatch)) works = false;
          stacks.touch(i, kBatch);
        }
      });
    }
    for (std::thread& thread : all) thread.join();
    if (!works) return;
    const double ns = watch.ns();
    if (round == 0 || ns < best_ns) best_ns = ns;
  }
  report(name, best_ns / static_cast<double>(count), "ns");
}

void clocks() {
  constexpr int kReads = 5'000'000;
  const Stopwatch watch;
  double sum = 0;
  for (int i = 0; i < kReads; ++i) sum += watch.ns();
  watch.report_per("clock_read", kReads);
  require(sum > 0, "clock");
}

}  // namespace
}  // namespace gorun::bench

int main() {
  using namespace gorun::bench;
  const Cores cores;
  context_switch();
  atomics();
  clocks();
  system_calls();
  page_touch();
  page_populate();
  guard_install("guard_install", 1);
  guard_install("guard_install_by_64", 64);
  guarded_pages("guarded_page_1_thread", 1, 102'400);
  guarded_pages("guarded_page_2_threads", 2, 102'400);
  guarded_pages("guarded_page_of_1M_1_thread", 1, 1'024'000);
  guarded_pages("guarded_page_of_1M_2_threads", 2, 1'024'000);
  tcp_echo("tcp_echo_1_thread", 1, false);
  tcp_echo("tcp_echo_2_threads", 2, false);
  tcp_echo("tcp_echo_ring_1_thread", 1, true);
  tcp_echo("tcp_echo_ring_2_threads", 2, true);
  cache_line(cores);
  futex_wake(cores);
  return 0;
}
