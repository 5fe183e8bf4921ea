#include "jobs/exec/child_guard.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <new>
#include <string>
#include <system_error>

namespace gorun::jobs {
namespace {

using Place = ChildGuard::Place;
constexpr std::size_t kTableBytes = ChildGuard::kPlaces * sizeof(Place);
constexpr pid_t kTaken = -1;  // and no child yet

// The table of the guard that there is. Children belong to the process, and so does this.
// release by the constructor, acquire by who takes a place.
constinit std::atomic<Place*> guarded_places{nullptr};
constinit std::atomic<std::size_t> next_place{0};  // relaxed: where to look first
// A child was started for which there was no place. relaxed: it is set before that child is made.
constinit std::atomic<bool> was_full{false};
// Of the guard that there is. relaxed, both: written before any child is made.
constinit std::atomic<pid_t> guard_pid{0};
constinit std::atomic<int> children_file{-1};

// The rest of the guard's life. Only system calls: it shares its memory's state with nobody, but it
// was forked from a process of unknown state.
[[noreturn]] void watch(int alive, Place* places) {
  ::setsid();
  ::prctl(PR_SET_NAME, ChildGuard::kName);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE}) {
    ::signal(signal, SIG_IGN);
  }
  // Whoever reads what gorun writes waits for the last of those who hold the pipe.
  ::dup2(alive, 0);
  ::syscall(SYS_close_range, 1U, ~0U, 0U);
  char byte = 0;
  while (::read(0, &byte, 1) < 0 && errno == EINTR) {
  }
  for (std::size_t i = 0; i < ChildGuard::kPlaces; ++i) {
    const pid_t group = places[i].load(std::memory_order_relaxed);
    if (group > 1) ::kill(-group, SIGKILL);
  }
  ::_exit(0);
}

}  // namespace

ChildGuard::ChildGuard() {
  void* memory =
      ::mmap(nullptr, kTableBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  Place* places = new (memory) Place[kPlaces]{};
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe");
  }
  const FileDescriptor read_end(ends[0]);
  alive_ = FileDescriptor(ends[1]);
  guard_ = ::fork();
  if (guard_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (guard_ == 0) {
    alive_.close();
    watch(read_end.get(), places);
  }
  // Held open: to open it costs five times what a look costs.
  const std::string children = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
  children_ = FileDescriptor(::open(children.c_str(), O_RDONLY | O_CLOEXEC));
  children_file.store(children_.get(), std::memory_order_relaxed);
  guard_pid.store(guard_, std::memory_order_relaxed);
  was_full.store(false, std::memory_order_relaxed);
  guarded_places.store(places, std::memory_order_release);
}

ChildGuard::~ChildGuard() {
  Place* places = guarded_places.exchange(nullptr, std::memory_order_acq_rel);
  ::munmap(places, kTableBytes);
  children_file.store(-1, std::memory_order_relaxed);
  alive_.close();
  while (::waitpid(guard_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

ChildGuard::Place* ChildGuard::take_place() {
  Place* places = guarded_places.load(std::memory_order_acquire);
  if (places == nullptr) return nullptr;
  const std::size_t first = next_place.fetch_add(1, std::memory_order_relaxed);
  for (std::size_t i = 0; i < kPlaces; ++i) {
    Place& place = places[(first + i) % kPlaces];
    pid_t none = 0;
    // relaxed: the guard looks when nobody writes any more
    if (place.compare_exchange_strong(none, kTaken, std::memory_order_relaxed)) return &place;
  }
  was_full.store(true, std::memory_order_relaxed);
  return nullptr;
}

void ChildGuard::let_go(Place* place) {
  if (place == nullptr) return;
  place->store(-place->load(std::memory_order_relaxed), std::memory_order_relaxed);
}

void ChildGuard::give_back(Place* place) {
  if (place != nullptr) place->store(0, std::memory_order_relaxed);
}

// relaxed: what a child's starter wrote, the kernel's locks have ordered before the child's end.
bool ChildGuard::may_list(pid_t pid) {
  const Place* places = guarded_places.load(std::memory_order_acquire);
  if (places == nullptr || was_full.load(std::memory_order_relaxed)) return true;
  if (pid == guard_pid.load(std::memory_order_relaxed)) return true;
  // Backwards: most of those that are asked for were started a moment ago.
  const std::size_t next = next_place.load(std::memory_order_relaxed);
  for (std::size_t i = 1; i <= kPlaces; ++i) {
    const pid_t found = places[(next - i) % kPlaces].load(std::memory_order_relaxed);
    if (found == pid || found == -pid) return true;
  }
  return false;
}

int ChildGuard::children_of_main() { return children_file.load(std::memory_order_relaxed); }

}  // namespace gorun::jobs
