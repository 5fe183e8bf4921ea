#include "jobs/exec/orphans.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <span>
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
std::string children_of_main() {
  const int file = ChildGuard::children_of_main();
  std::string text;
  std::array<char, 4096> buffer;
  while (file >= 0) {
    const auto offset = static_cast<off_t>(text.size());
    const ssize_t got = ::pread(file, buffer.data(), buffer.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    // The kernel fills a page as long as there are more.
    if (static_cast<std::size_t>(got) < buffer.size() / 2) break;
  }
  return text;
}

template <class Visit>
void for_each_child_of_main(const Visit& visit) {
  const std::string text = children_of_main();
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    pid_t pid = 0;
    const auto [stop, error] = std::from_chars(at, end, pid);
    if (error == std::errc()) visit(pid);
    at = stop == end ? end : stop + 1;
  }
}

// True if it was an orphan and is gone, reaped here or by somebody else.
bool reap_if_ended_orphan(pid_t pid) {
  const FileDescriptor held(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!held.is_open()) return errno == ESRCH;
  const auto id = static_cast<id_t>(held.get());
  siginfo_t ended{};
  if (::waitid(P_PIDFD, id, &ended, WEXITED | WNOHANG | WNOWAIT) != 0) return true;
  if (ended.si_pid == 0 || ChildGuard::may_list(pid)) return false;
  static_cast<void>(::waitid(P_PIDFD, id, &ended, WEXITED | WNOHANG));
  return true;
}

// Of a process of another user nobody knows.
bool writes_to(pid_t pid, std::span<const int> files) {
  for (const char* stream : {"/fd/1", "/fd/2"}) {
    struct stat its = {};
    if (::stat(("/proc/" + std::to_string(pid) + stream).c_str(), &its) != 0) continue;
    for (const int file : files) {
      struct stat ours = {};
      if (file < 0 || ::fstat(file, &ours) != 0) continue;
      if (ours.st_dev == its.st_dev && ours.st_ino == its.st_ino) return true;
    }
  }
  return false;
}

}  // namespace

void reap_orphans() { for_each_child_of_main(reap_if_ended_orphan); }

bool has_orphan_that_writes_to(std::span<const int> files) {
  bool is_found = false;
  bool is_news = true;
  while (is_news && !is_found) {
    is_news = false;
    for_each_child_of_main([&](pid_t pid) {
      if (is_found || ChildGuard::may_list(pid)) return;
      is_found = writes_to(pid, files);
      // What it has left in turn may have come behind the look.
      is_news = reap_if_ended_orphan(pid) || is_news;
    });
  }
  return is_found;
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
