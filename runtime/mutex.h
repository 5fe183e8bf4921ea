// runtime/mutex.h - Mutex: mutual exclusion for goroutines.
//
// One word. Its lower half: locked, woken (a waiter is on its way and needs no other wake-up), and
// the number of waiters. A running goroutine may take a free mutex before one that was woken for
// it: that keeps the mutex on one core while it is hot. A waiter passed over for kStarvedNs is
// handed the mutex locked.
//
// The upper half says who may write the word, and how:
//
//   fresh    anybody, by compare-and-swap. Counts locks in a row on one P; kStreak of them, or the
//            first if there is only one P, bias the mutex to that P.
//   biased   the P's owner, in the runtime, by plain stores: it is alone there (the handshake of
//            sched/m.h). Anybody else ends the bias first, once and for all, while nobody is in the
//            runtime with that P (Sched::p_at_rest).
//   shared   anybody, by a locked instruction, for good: who locks sets `locked`, which changes
//            nothing where it is set, and asks whether it was; all else is a compare-and-swap.
//
// So a mutex that is always locked on one P costs no locked instruction, one that several Ps want
// costs two, and the change costs some microseconds, at most once in a mutex's life. The fast paths
// compare the whole word with what they expect and store constants: the processor guesses the
// comparison right, and the next operation need not wait for this one's store. What they expect is
// the M's gate (sched/m.h), in which anything that stands in the way of an entry into the runtime
// makes a word that no mutex has: one load and one comparison answer for the gate, the P and the
// state. What is left are the stores, six lines that change for a lock and an unlock.
//
// The mutex may be freed as soon as unlock() has returned everywhere and nobody waits: unlock()
// clears `locked` either as its last access or after it has reserved a parked waiter, whose lock()
// call keeps the mutex alive.
//
// Not chosen: a bias that comes back. A mutex that changes sides now and then would pay the
// microseconds each time.
//
// Prior art: Go, sync.Mutex (normal and starvation mode); biased locking in Java's HotSpot.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/sched/park.h"
#include "runtime/wait_queue.h"

namespace gorun::runtime {

/// A mutual-exclusion lock for goroutines; std::lock_guard and std::unique_lock accept it.
///
/// Not recursive; unlock() of a free mutex aborts. Any goroutine may unlock it. While a Runtime
/// runs only its goroutines may use it. order   an unlock() happens-before the return of the lock()
/// that follows it.
class Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() {
    if (!flip_fast<0>()) lock_slow();
  }

  /// Takes the mutex if it is free; never parks.
  [[nodiscard]] bool try_lock() {
    // Only a look at one that is held: a locked instruction would take its line from the holder.
    if ((word_.load(std::memory_order_relaxed) & (kShared | kLocked)) == (kShared | kLocked))
      return false;
    return flip_fast<0>() || try_lock_slow();
  }

  void unlock() {
    if (!flip_fast<kLocked>()) unlock_slow();
  }

 private:
  using Word = std::uint64_t;
  static constexpr Word kLocked = 1;
  static constexpr Word kWoken = 2;   // a waiter was woken and has not looked yet
  static constexpr Word kWaiter = 4;  // one waiter; their count is bits 2 to 29
  // Never set: flip_fast() relies on it.
  static_assert(M::kJitter == Word{1} << 30U && M::kSteal == Word{1} << 31U);
  static constexpr Word kBiased = Word{1} << 63U;  // to the P in bits 32 to 47: P::mutex_key
  static constexpr Word kShared = Word{1} << 62U;
  static constexpr Word kUpperHalf = ~Word{0} << 32U;

  static bool needs_wake(Word word) { return (word & ~kUpperHalf) >= kWaiter && !(word & kWoken); }

  static bool is_biased(Word word) { return (word & kBiased) != 0; }

  // Changes kLocked from what it is in kFrom, if the mutex is biased to this P or shared, and that
  // is all. returns false where there is more to do; leave_fast() must be first then, as its M is
  // still in the runtime, or stands before a gate that is not open.
  template <Word kFrom>
  [[gnu::always_inline]] bool flip_fast() {
    M* const m = current_m();
    if (m == nullptr) [[unlikely]]
      return false;
    // The key of this P, if the gate is open; else there is more, and no word is equal to it.
    const Word key = m->knock();
    const Word word = word_.load(std::memory_order_relaxed);
    if (word == (key | kFrom)) [[likely]] {
      word_.store(key | (kFrom ^ kLocked), std::memory_order_relaxed);
    } else {
      // In the runtime for no reason, but to leave it first would be one more store that the
      // locked instruction has to wait for.
      if (!M::is_open(key) || !flip_shared<kFrom>(word)) [[unlikely]]
        return false;
    }
    m->leave();
    return true;
  }

  // The same if `word` is shared. To lock is no exchange: that would need `word`, which is not to
  // be had before the last locked instruction has ended, and a guess at it is enough to come here.
  template <Word kFrom>
  [[gnu::always_inline]] bool flip_shared(Word word) {
    if constexpr (kFrom == 0) {
      return (word & kShared) != 0 &&
             (word_.fetch_or(kLocked, std::memory_order_acquire) & kLocked) == 0;
    }
    return (word & (kShared | kLocked)) == (kShared | kLocked) && !needs_wake(word) &&
           word_.compare_exchange_strong(word, word ^ kLocked, std::memory_order_release,
                                         std::memory_order_relaxed);
  }

  template <Word kFrom>
  bool leave_fast();
  void lock_slow();
  bool try_lock_slow();
  void unlock_slow();
  class Section;
  Word settle(Section& section);
  bool replace(Word from, Word to);
  bool take(Section& section, Word woken);
  void end_bias(Word word);
  static Word counted(Word word);

  std::atomic<Word> word_{0};  // acquire in lock pairs with release in unlock
  WaitQueue waiters_;          // as many as word_ counts, once their commits have run
};

}  // namespace gorun::runtime
