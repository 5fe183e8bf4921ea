// runtime/mutex.cc - the rarer halves of mutex.h.
//
// The count of waiters goes up under the queue's lock, which the waiter's commit releases: whoever
// lowers the count and then takes the queue's lock finds a waiter there.

#include "runtime/mutex.h"

#include <sched.h>

#include "runtime/fatal.h"
#include "runtime/sched/park.h"
#include "runtime/sched/pause.h"
#include "runtime/sched/sched.h"

namespace gorun::runtime {
namespace {

// Go's bound: beyond this a waiter no longer competes with those that run.
constexpr std::int64_t kStarvedNs = 1'000'000;
// A microsecond: a critical section shorter than two switches is worth waiting out. One look at its
// end: each look takes the word's cache line from the core that works on it (with looks from the
// start on, eight goroutines on two Ps took 6.9 ns a section instead of 6.0).
constexpr int kPauses = 64;

// The upper half of a fresh word.
constexpr unsigned kPShift = 32;  // the P of the last lock, plus 1
constexpr std::uint64_t kPMask = 0xffff;
constexpr unsigned kStreakShift = 48;  // its locks in a row
constexpr std::uint64_t kStreakMask = 0xff;
// So many locks, 3 ns cheaper each, must come in a row before one pays for the end of a bias.
constexpr std::uint64_t kStreak = 200;
constexpr unsigned kBreakShift = 56;  // how often a streak ended early
constexpr std::uint64_t kBreakMask = 0x7;

int p_of(std::uint64_t biased_word) { return static_cast<int>(biased_word >> kPShift & kPMask); }

}  // namespace

// In the runtime, if the caller runs on an M at all. The M may change where it is left.
class Mutex::Section {
 public:
  Section() { enter(); }
  ~Section() { leave(); }
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  void enter() const {
    if (has_m_) enter_runtime();
  }
  void leave() const {
    if (has_m_) leave_runtime();
  }

 private:
  const bool has_m_ = current_m() != nullptr;
};

// After a flip_fast() in vain: out of the runtime. returns whether that was all, as where there was
// no M, or one that had to do something else first.
template <Mutex::Word kFrom>
bool Mutex::leave_fast() {
  if (const M* const m = current_m(); m != nullptr) {
    if (!M::is_open(m->gate.load(std::memory_order_seq_cst))) enter_slow();
    leave_runtime();
  }
  const Word word = word_.load(std::memory_order_relaxed);
  return (word & kLocked) == kFrom && flip_shared<kFrom>(word);
}

// The word, which replace() may be given until the section is left.
Mutex::Word Mutex::settle(Section& section) {
  for (;;) {
    const Word word = word_.load(std::memory_order_relaxed);
    if (!is_biased(word)) return word;
    if (const M* m = current_m(); m != nullptr && m->mutex_key() == (word & kUpperHalf))
      return word;
    section.leave();
    end_bias(word);
    section.enter();
  }
}

// Outside the runtime. Waits while the P's owner is in it.
void Mutex::end_bias(Word word) {
  const auto make_shared = [](void* arg) {
    auto& mutex = *static_cast<Mutex*>(arg);
    const Word now = mutex.word_.load(std::memory_order_relaxed);
    // Release: who shares the word from now on sees what was done under the bias.
    if (is_biased(now)) {
      mutex.word_.store((now & ~kUpperHalf) | kShared, std::memory_order_release);
    }
  };
  if (sched == nullptr) {  // no runtime runs, and so nothing is concurrent
    make_shared(this);
    return;
  }
  for (int pauses = 1; !sched->p_at_rest(p_of(word), make_shared, this);) {
    if (pauses <= kPauses) {
      for (int i = 0; i < pauses; ++i) pause_cpu();
      pauses *= 2;
    } else {
      sched_yield();  // the owner may not be on a core
    }
    const Word now = word_.load(std::memory_order_acquire);
    if ((now & kUpperHalf) != (word & kUpperHalf)) return;  // somebody else did
  }
}

// A settled word; in the runtime.
bool Mutex::replace(Word from, Word to) {
  if (is_biased(from)) {  // to this P: nobody else stores it
    word_.store(to, std::memory_order_relaxed);
    return true;
  }
  return word_.compare_exchange_strong(from, to, std::memory_order_acq_rel,
                                       std::memory_order_relaxed);
}

// The word with its upper half as another lock on this P leaves it.
Mutex::Word Mutex::counted(Word word) {
  if ((word & (kBiased | kShared)) != 0) return word;
  const M* const m = current_m();
  if (m == nullptr) return word;
  if (!Sched::can_rest_ps()) return (word & ~kUpperHalf) | kShared;
  const Word self = static_cast<Word>(m->p->id) + 1;
  const bool is_other = (word >> kPShift & kPMask) != self;
  const Word streak = is_other ? 1 : (word >> kStreakShift & kStreakMask) + 1;
  const Word lower = word & ~kUpperHalf;
  if (!sched->multi || streak >= kStreak) return lower | m->mutex_key();
  Word breaks = word >> kBreakShift & kBreakMask;
  if (is_other && (word & kUpperHalf) != 0 && ++breaks > kBreakMask) return lower | kShared;
  return lower | self << kPShift | streak << kStreakShift | breaks << kBreakShift;
}

// Locks the mutex if it is free, and takes kWoken off if the caller brings it.
bool Mutex::take(Section& section, Word woken) {
  for (;;) {
    const Word word = settle(section);
    if ((word & kLocked) != 0) return false;
    if (replace(word, (counted(word) | kLocked) & ~woken)) return true;
  }
}

bool Mutex::try_lock_slow() {
  if (leave_fast<0>()) return true;
  // The fast path found it locked, or lost a race for it.
  if ((word_.load(std::memory_order_relaxed) & (kBiased | kShared)) == kShared) return false;
  Section section;
  return take(section, 0);
}

void Mutex::lock_slow() {
  if (try_lock_slow()) return;
  require_goroutine("mutex: lock");
  if (!solo()) {
    for (int i = 0; i < kPauses; ++i) pause_cpu();
    if (try_lock()) return;
  }
  Section section;
  Waiter& waiter = own_waiter();
  Word woken = 0;  // kWoken while this goroutine is the one that was woken
  while (!take(section, woken)) {
    const Word word = settle(section);
    if ((word & kLocked) == 0) continue;
    waiters_.lock.lock();
    // Counted only while the mutex is locked: its holder's unlock() will see the count.
    if (!replace(word, (word + kWaiter) & ~woken)) {
      waiters_.lock.unlock();
      continue;
    }
    if (waiter.since == 0) waiter.since = clock_ns();
    if (woken != 0) {
      waiters_.waiters.push_front(&waiter);  // passed over, it keeps its place
    } else {
      waiters_.waiters.push(&waiter);
    }
    park(
        WaitReason::kMutex, [](G*, void* queue) { static_cast<WaitQueue*>(queue)->lock.unlock(); },
        &waiters_);
    if (waiter.handed_over) return;
    woken = kWoken;
  }
}

void Mutex::unlock_slow() {
  if (leave_fast<kLocked>()) return;
  Section section;
  for (;;) {
    const Word word = settle(section);
    if ((word & kLocked) == 0) fatal("mutex: unlock of a free mutex");
    if (needs_wake(word)) break;
    if (replace(word, word & ~kLocked)) return;
  }
  require_goroutine("mutex: unlock");
  waiters_.lock.lock();
  // Only a holder lowers the count, and that is us; others only add to it. Nobody is woken, so
  // nobody can set kWoken either.
  Waiter* first = waiters_.waiters.take();
  const bool hand_over = clock_ns() - first->since > kStarvedNs;
  first->handed_over = hand_over;
  waiters_.lock.unlock();
  G* next = first->g;
  // Still settled. Release: pairs with the acquire of whoever locks next; ready() publishes a
  // hand-over.
  for (Word word = word_.load(std::memory_order_relaxed);;
       word = word_.load(std::memory_order_relaxed)) {
    const Word less = hand_over ? kWaiter : kWaiter + kLocked - kWoken;
    if (replace(word, word - less)) break;
  }
  ready(next);
}

}  // namespace gorun::runtime
