#include "jobs/exec/orphans.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <string>

#include "jobs/exec/child_guard.h"
#include "jobs/file_descriptor.h"

namespace gorun::jobs {
namespace {

constexpr int kCallsASweep = 100;
constexpr std::chrono::nanoseconds kSweepPause = std::chrono::seconds(1);

// relaxed, both: a time more or less does no harm.
constinit std::atomic<int> calls_since{0};
constinit std::atomic<std::int64_t> next_time{0};  // ns of the monotonic clock

// "PID PID ...". Orphans are given to the first thread of their heir that lives, which is main's.
// Empty where the kernel has no such file.
std::string children_of_main() {
  const std::string path = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> buffer;
  while (file.is_open()) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

void reap_if_ended_orphan(pid_t pid) {
  const FileDescriptor held(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!held.is_open()) return;
  const auto id = static_cast<id_t>(held.get());
  siginfo_t ended{};
  if (::waitid(P_PIDFD, id, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) return;
  if (ChildGuard::may_list(pid)) return;
  static_cast<void>(::waitid(P_PIDFD, id, &ended, WEXITED | WNOHANG));
}

}  // namespace

void reap_orphans() {
  const std::string text = children_of_main();
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    pid_t pid = 0;
    const auto [stop, error] = std::from_chars(at, end, pid);
    if (error == std::errc()) reap_if_ended_orphan(pid);
    at = stop == end ? end : stop + 1;
  }
}

void reap_orphans_at_times() {
  const std::int64_t now =
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
  if (calls_since.fetch_add(1, std::memory_order_relaxed) + 1 < kCallsASweep &&
      now < next_time.load(std::memory_order_relaxed)) {
    return;
  }
  calls_since.store(0, std::memory_order_relaxed);
  next_time.store(now + kSweepPause.count(), std::memory_order_relaxed);
  reap_orphans();
}

}  // namespace gorun::jobs
