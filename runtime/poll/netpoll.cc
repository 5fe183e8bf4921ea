// runtime/poll/netpoll.cc - the netpoller over the sets that the kernel keeps.
//
// The eventfd is level-triggered and only clear_break() clears it: a poll() that meets it leaves
// it, or it would swallow the wake-up of the one that sleeps.

#include "runtime/poll/netpoll.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/sched/sched.h"

namespace gorun::runtime {
namespace {

// How long a busy P goes on without a look at its descriptors: a few looks in a thousand
// instructions would cost more than they find. And longer, if what was queued at the last one has
// not had its turn yet, for a goroutine woken now would queue behind that anyway; yet not for ever,
// as another P may have room for it.
constexpr std::int64_t kBusyPollNs = 50'000;
constexpr std::int64_t kLongestBusyPollNs = 1'000'000;
// How long nobody has waited when homes leave the common set: entering and leaving are two system
// calls, the events of this time some hundred.
constexpr std::int64_t kUnwaitedNs = 2'000'000;
// How long a wait() lasts at most that does not see all.
constexpr std::int64_t kBlindWaitNs = 10'000'000;

constexpr std::uint32_t kBreakNote = 0;
constexpr std::uint32_t note_of(int home) { return static_cast<std::uint32_t>(home) + 1; }
constexpr int home_noted(std::uint32_t note) { return static_cast<int>(note) - 1; }

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

Netpoll::Netpoll(std::unique_ptr<PollSet> common, int event, std::size_t most_homes)
    : common_(std::move(common)),
      event_(event),
      id_(next_id()),
      most_homes_(static_cast<int>(most_homes)),
      homes_(std::make_unique<std::atomic<Home*>[]>(most_homes)) {}

Netpoll::~Netpoll() {
  for_each_home([](int, Home& home) { delete &home; });
  close(event_);
}

std::unique_ptr<Netpoll> Netpoll::make(std::size_t most_procs, int& error) {
  std::unique_ptr<PollSet> common = PollSet::make(error);
  if (common == nullptr) return nullptr;
  const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  error = event < 0 ? errno : common->add_note(event, kBreakNote);
  if (error != 0) {
    if (event >= 0) close(event);
    return nullptr;
  }
  const std::size_t most_homes = std::min<std::size_t>(most_procs, PollSet::kMostNotes - 1);
  return std::unique_ptr<Netpoll>(new Netpoll(std::move(common), event, most_homes));
}

int Netpoll::add(PollDesc* pd) {
  const int error = common_->add(pd);
  // The other direction was quicker: one entry serves both.
  return error == EEXIST ? 0 : error;
}

void Netpoll::remove(PollDesc* pd) {
  Home* const home = home_at(home_of(*pd));
  (home == nullptr ? *common_ : *home->set).remove(pd);
  if (home != nullptr) home->members.fetch_sub(1, std::memory_order_relaxed);
}

// --- homes
// ----------------------------------------------------------------------------------------

template <class Visit>
void Netpoll::for_each_home(Visit visit) const {
  const int end = homes_end_.load(std::memory_order_acquire);  // pairs with make_home()
  for (int number = 0; number < end; ++number) {
    if (Home* home = home_at(number)) visit(number, *home);
  }
}

Netpoll::Home* Netpoll::make_home(int number) {
  if (Home* made = home_at(number)) return made;
  if (number >= most_homes_) return nullptr;
  const std::lock_guard guard(making_);
  if (Home* made = home_at(number)) return made;
  auto home = std::make_unique<Home>();
  int error = 0;
  home->set = PollSet::make(error);
  // In the common set from the start, as somebody may be waiting there.
  if (home->set == nullptr || common_->add_note(*home->set, note_of(number)) != 0) return nullptr;
  Home* const made = home.release();
  homes_[static_cast<std::size_t>(number)].store(made, std::memory_order_release);
  if (number >= homes_end_.load(std::memory_order_relaxed)) {
    homes_end_.store(number + 1, std::memory_order_release);
  }
  return made;
}

bool Netpoll::has_room(const Home& home) const {
  const int there = home.members.load(std::memory_order_relaxed);
  int fewest = there;
  for (const auto& pp : sched->ps) {
    if (sched->is_surplus(pp.get())) break;
    const Home* const other = home_at(pp->id);
    fewest =
        std::min(fewest, other == nullptr ? 0 : other->members.load(std::memory_order_relaxed));
  }
  return there <= fewest + fewest / 8 + 4;
}

void Netpoll::move(PollDesc* pd, int to) {
  Home* const home = make_home(to);
  if (home == nullptr || !has_room(*home)) return;
  // First in, then out, so that nothing is missed: what is ready now is news to the new set. What
  // both tell wakes once too often.
  if (home->set->add(pd) != 0) return;
  home->members.fetch_add(1, std::memory_order_relaxed);
  remove(pd);
  pd->home = {id_, to};
}

// Whoever is about to wait is counted in waiting_ before it takes the lock. So either it finds here
// what this took out of the common set, or this finds that somebody waits
// (tests/model/netpoll_home.pml).
void Netpoll::leave_common(Home& home, std::int64_t now) {
  if (!home.in_common.load(std::memory_order_relaxed) ||
      waiting_.load(std::memory_order_relaxed) > 0 ||
      now - last_wait_.load(std::memory_order_relaxed) < kUnwaitedNs) {
    return;
  }
  const std::lock_guard guard(home.lock);
  if (waiting_.load(std::memory_order_relaxed) > 0) return;
  common_->remove_note(*home.set);
  home.in_common.store(false, std::memory_order_relaxed);
}

bool Netpoll::join_common(Home& home, int number) {
  const std::lock_guard guard(home.lock);
  if (home.in_common.load(std::memory_order_relaxed)) return true;
  if (common_->add_note(*home.set, note_of(number)) != 0) return false;
  home.in_common.store(true, std::memory_order_relaxed);
  return true;
}

// --- looking ------------------------------------------------------------------------------------

std::int64_t Netpoll::unseen_since() const {
  std::int64_t since = common_->last_look();
  if (since == TimerHeap::kNever) return since;
  for_each_home([&](int, const Home& home) {
    if (!home.is_empty()) since = std::min(since, home.set->last_look());
  });
  return since;
}

bool Netpoll::is_due(int own, bool has_left) const {
  const std::int64_t due = monotonic_ns() - (has_left ? kLongestBusyPollNs : kBusyPollNs);
  if (common_->last_look() <= due) return true;
  const Home* const home = home_at(own);
  return home != nullptr && !home->is_empty() && home->set->last_look() <= due;
}

void Netpoll::poll(int own, std::int64_t now, GList& woken) {
  const auto unheeded = [](std::uint32_t) {};
  if (Home* const home = home_at(own); home != nullptr && !home->is_empty()) {
    home->set->look(woken, now, unheeded);
    leave_common(*home, now);
  }
  const bool has_found = !woken.empty();
  if (has_found && common_->last_look() > now - kBusyPollNs) return;
  common_->look(woken, now, unheeded);
  const std::int64_t neglected = has_found ? now - kLongestBusyPollNs : now;
  for_each_home([&](int number, Home& home) {
    if (number == own || home.is_empty() || home.set->last_look() > neglected) return;
    home.set->look(woken, now, unheeded);
  });
}

bool Netpoll::wait(std::int64_t deadline, GList& woken) {
  waiting_.fetch_add(1, std::memory_order_relaxed);
  bool sees_all = true;
  for_each_home([&](int number, Home& home) {
    if (!join_common(home, number)) sees_all = false;
  });
  if (!sees_all) deadline = std::min(deadline, monotonic_ns() + kBlindWaitNs);
  const auto look_at = [&](Home& home) {
    home.set->look(woken, monotonic_ns(), [](std::uint32_t) {});
  };
  bool broken = false;
  common_->wait(deadline, woken, [&](std::uint32_t note) {
    if (note == kBreakNote) {
      broken = true;
    } else {
      look_at(*home_at(home_noted(note)));
    }
  });
  if (!sees_all) for_each_home([&](int, Home& home) { look_at(home); });
  last_wait_.store(monotonic_ns(), std::memory_order_relaxed);
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  return broken;
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
