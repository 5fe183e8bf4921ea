// runtime/poll/poll_set_epoll.cc - see poll_set.h.

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "runtime/fatal.h"
#include "runtime/poll/poll_set.h"
#include "runtime/sched/sched.h"

namespace gorun::runtime {
namespace {

constexpr unsigned kSequenceBits = 23;
constexpr std::uint64_t kSequenceMask = (1u << kSequenceBits) - 1;

std::uint64_t tag_of(const PollDesc* pd) {
  const auto address = reinterpret_cast<std::uintptr_t>(pd);
  if (address >> 48 != 0)
    fatal("netpoll: address %p does not fit a tag", static_cast<const void*>(pd));
  return static_cast<std::uint64_t>(address) << 16 |
         (pd->sequence.load(std::memory_order_relaxed) & kSequenceMask);
}

PollDesc* desc_of(std::uint64_t tag) {
  return reinterpret_cast<PollDesc*>((tag & ~kSequenceMask) >> 16);
}

void unblock_side(PollDesc* pd, PollMode mode, GList& woken) {
  if (G* gp = unblock(pd->side(mode), true)) woken.push(gp);
}

}  // namespace

PollSet::PollSet(int epoll) : epoll_(epoll), last_look_(monotonic_ns()) {}

PollSet::~PollSet() { close(epoll_); }

std::unique_ptr<PollSet> PollSet::make(int& error) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  error = epoll < 0 ? errno : 0;
  return epoll < 0 ? nullptr : std::unique_ptr<PollSet>(new PollSet(epoll));
}

int PollSet::add(PollDesc* pd) {
  epoll_event watch{};
  watch.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  watch.data.u64 = tag_of(pd);
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, pd->fd, &watch) == 0 ? 0 : errno;
}

void PollSet::remove(const PollDesc* pd) {
  epoll_event unused{};
  // A descriptor that was not added, or is none any more, leaves nothing to undo.
  (void)epoll_ctl(epoll_, EPOLL_CTL_DEL, pd->fd, &unused);
}

int PollSet::add_note(int fd, std::uint32_t number) {
  epoll_event watch{};
  watch.events = EPOLLIN;
  watch.data.u64 = number;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &watch) == 0 ? 0 : errno;
}

void PollSet::remove_note(const PollSet& other) {
  epoll_event unused{};
  (void)epoll_ctl(epoll_, EPOLL_CTL_DEL, other.epoll_, &unused);
}

void PollSet::collect(const epoll_event& event, GList& woken) {
  const std::uint64_t tag = event.data.u64;
  PollDesc* pd = desc_of(tag);
  if ((pd->sequence.load(std::memory_order_relaxed) & kSequenceMask) != (tag & kSequenceMask)) {
    return;
  }
  if ((event.events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR)) != 0) {
    unblock_side(pd, PollMode::kRead, woken);
  }
  if ((event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
    unblock_side(pd, PollMode::kWrite, woken);
  }
}

int PollSet::take(Events& events) {
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(kMostEvents), 0);
  if (count >= 0) return count;
  if (errno != EINTR) fatal("netpoll: epoll_wait failed with errno %d", errno);
  return 0;
}

int PollSet::await(Events& events, std::int64_t deadline) {
  static std::atomic<bool> have_pwait2{true};  // Linux 5.11, and no filter in the way
  constexpr int kMax = static_cast<int>(kMostEvents);
  last_look_.store(TimerHeap::kNever, std::memory_order_relaxed);
  int count = -1;
  bool waited = false;
  if (deadline != TimerHeap::kNever) {
    const std::int64_t left = std::max<std::int64_t>(deadline - monotonic_ns(), 0);
    if (have_pwait2.load(std::memory_order_relaxed)) {
      const timespec timeout{static_cast<time_t>(left / 1'000'000'000),
                             static_cast<long>(left % 1'000'000'000)};
      count = epoll_pwait2(epoll_, events.data(), kMax, &timeout, nullptr);
      waited = count >= 0 || (errno != ENOSYS && errno != EPERM);
      if (!waited) have_pwait2.store(false, std::memory_order_relaxed);
    }
    if (!waited) {
      // Rounded up: waking early would only mean to wait again.
      const std::int64_t ms =
          std::min<std::int64_t>(left / 1'000'000 + 1, std::numeric_limits<int>::max());
      count = epoll_wait(epoll_, events.data(), kMax, static_cast<int>(ms));
    }
  } else {
    count = epoll_wait(epoll_, events.data(), kMax, -1);
  }
  const int error = errno;
  last_look_.store(monotonic_ns(), std::memory_order_relaxed);
  if (count >= 0) return count;
  if (error != EINTR) fatal("netpoll: epoll_pwait2 failed with errno %d", error);
  return 0;
}

}  // namespace gorun::runtime
