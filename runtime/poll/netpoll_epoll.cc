// runtime/poll/netpoll_epoll.cc - the netpoller on Linux.
//
// What epoll keeps for us with a descriptor is the PollDesc's address and its sequence number in
// one word: addresses of user space have at most 48 bits of which the lowest 7 are zero, which
// leaves 23 for the number. An event whose number differs belongs to an earlier use of the block:
// ignored. That it may change right after the look does no harm, as a wake-up means only "look
// again".
//
// The eventfd is level-triggered and only wait() clears it: a poll() that meets it leaves it, or it
// would swallow the wake-up of the one that sleeps.

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>

#include "runtime/fatal.h"
#include "runtime/poll/netpoll.h"
#include "runtime/sched/sched.h"

namespace gorun::runtime {
namespace {

constexpr std::size_t kMostEvents = 128;  // events a call; what is left comes with the next one
constexpr unsigned kSequenceBits = 23;
constexpr std::uint64_t kSequenceMask = (1u << kSequenceBits) - 1;
constexpr std::uint64_t kEventTag = 0;  // of the eventfd: no PollDesc has this address

using Events = std::array<epoll_event, kMostEvents>;

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

void collect(PollDesc* pd, PollMode mode, GList& woken) {
  if (G* gp = unblock(pd->side(mode), true)) woken.push(gp);
}

// returns true if the eventfd is among the events.
bool collect(const Events& events, int count, GList& woken) {
  bool broken = false;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const std::uint64_t tag = events[i].data.u64;
    if (tag == kEventTag) {
      broken = true;
      continue;
    }
    PollDesc* pd = desc_of(tag);
    if ((pd->sequence.load(std::memory_order_relaxed) & kSequenceMask) != (tag & kSequenceMask)) {
      continue;
    }
    const std::uint32_t what = events[i].events;
    if ((what & (EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR)) != 0) {
      collect(pd, PollMode::kRead, woken);
    }
    if ((what & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) collect(pd, PollMode::kWrite, woken);
  }
  return broken;
}

// Blocks until `deadline`. returns the number of events, or minus an errno.
int wait_events(int epoll, Events& events, std::int64_t deadline) {
  static std::atomic<bool> have_pwait2{true};  // Linux 5.11, and no filter in the way
  constexpr int kMax = static_cast<int>(kMostEvents);
  if (deadline == TimerHeap::kNever) {
    const int count = epoll_wait(epoll, events.data(), kMax, -1);
    return count < 0 ? -errno : count;
  }
  const std::int64_t left = std::max<std::int64_t>(deadline - monotonic_ns(), 0);
  if (have_pwait2.load(std::memory_order_relaxed)) {
    const timespec timeout{static_cast<time_t>(left / 1'000'000'000),
                           static_cast<long>(left % 1'000'000'000)};
    const int count = epoll_pwait2(epoll, events.data(), kMax, &timeout, nullptr);
    if (count >= 0) return count;
    if (errno != ENOSYS && errno != EPERM) return -errno;
    have_pwait2.store(false, std::memory_order_relaxed);
  }
  // Rounded up: waking early would only mean to wait again.
  const std::int64_t ms =
      std::min<std::int64_t>(left / 1'000'000 + 1, std::numeric_limits<int>::max());
  const int count = epoll_wait(epoll, events.data(), kMax, static_cast<int>(ms));
  return count < 0 ? -errno : count;
}

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

Netpoll::Netpoll(int epoll, int event)
    : epoll_(epoll), event_(event), id_(next_id()), last_poll_(monotonic_ns()) {}

Netpoll::~Netpoll() {
  close(event_);
  close(epoll_);
}

std::unique_ptr<Netpoll> Netpoll::make(int& error) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) {
    error = errno;
    return nullptr;
  }
  const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event watch{};
  watch.events = EPOLLIN;
  watch.data.u64 = kEventTag;
  if (event < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, event, &watch) != 0) {
    error = errno;
    if (event >= 0) close(event);
    close(epoll);
    return nullptr;
  }
  error = 0;
  return std::unique_ptr<Netpoll>(new Netpoll(epoll, event));
}

int Netpoll::add(PollDesc* pd) {
  epoll_event watch{};
  watch.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  watch.data.u64 = tag_of(pd);
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, pd->fd, &watch) == 0) return 0;
  // The other direction was quicker: one entry serves both.
  return errno == EEXIST ? 0 : errno;
}

void Netpoll::remove(PollDesc* pd) {
  epoll_event unused{};
  // A descriptor that was not added, or is none any more, leaves nothing to undo.
  (void)epoll_ctl(epoll_, EPOLL_CTL_DEL, pd->fd, &unused);
}

void Netpoll::poll(GList& woken) {
  const std::unique_lock only(polling_, std::try_to_lock);
  if (!only.owns_lock()) return;
  if (last_poll() != TimerHeap::kNever) {
    last_poll_.store(monotonic_ns(), std::memory_order_relaxed);
  }
  // Not on the stack: the caller may be on that of a goroutine, whose second page is not to be
  // touched for this.
  static Events events;  // guarded by polling_: at most one netpoller runs in a process
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(kMostEvents), 0);
  if (count < 0) {
    if (errno == EINTR) return;
    fatal("netpoll: epoll_wait failed with errno %d", errno);
  }
  collect(events, count, woken);
}

bool Netpoll::wait(std::int64_t deadline, GList& woken) {
  last_poll_.store(TimerHeap::kNever, std::memory_order_relaxed);
  Events events;
  const int count = wait_events(epoll_, events, deadline);
  last_poll_.store(monotonic_ns(), std::memory_order_relaxed);
  if (count < 0) {
    if (count == -EINTR) return false;
    fatal("netpoll: epoll_pwait2 failed with errno %d", -count);
  }
  return collect(events, count, woken);
}

void Netpoll::clear_break() {
  std::uint64_t breaks = 0;
  // Fails only if it is clear.
  [[maybe_unused]] const ssize_t size = read(event_, &breaks, sizeof breaks);
}

void Netpoll::break_wait() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the eventfd is readable already.
  [[maybe_unused]] const ssize_t size = write(event_, &one, sizeof one);
}

// --- the run's netpoller ------------------------------------------------------------------------

int watch_fd(PollDesc* pd) {
  Netpoll* netpoll = sched->netpoll.load(std::memory_order_acquire);
  if (netpoll == nullptr) {
    int error = 0;
    netpoll = sched->make_netpoll(error);
    if (netpoll == nullptr) return error;
  }
  if (pd->registered_in.load(std::memory_order_acquire) == netpoll->id()) return 0;
  const int error = netpoll->add(pd);
  if (error == EPERM) {
    pd->unpollable.store(true, std::memory_order_relaxed);
    return 0;
  }
  if (error == 0) pd->registered_in.store(netpoll->id(), std::memory_order_release);
  return error;
}

void unwatch_fd(PollDesc* pd) {
  const std::uint64_t id = pd->registered_in.load(std::memory_order_acquire);
  if (id == 0 || sched == nullptr) return;
  Netpoll* netpoll = sched->netpoll.load(std::memory_order_acquire);
  // Closing alone would do, but for a descriptor that a child or a dup() keeps open.
  if (netpoll != nullptr && netpoll->id() == id) netpoll->remove(pd);
}

}  // namespace gorun::runtime
