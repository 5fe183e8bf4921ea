// runtime/sched/first_spawn.h - whether a P wakes a thief for the first G in its spawn queue.
//
// From the second G on a spawn wakes a thief. The first is another matter: most spawners park soon,
// often to join it, and then their own P runs it within a microsecond. To wake an M for it would
// cost the spawner some 18 us, and the M takes 50 us to run. But a goroutine that in a loop spawns
// one child, computes, and joins it has both done by one P, whatever idles beside it. Which of the
// two a program does each P finds out for itself, by timing some of its first spawns:
//
//   wait   from the spawn to the P's next pick: for so long the spawner had something else to do
//   run    from that pick, if it takes the G, to the next: for so long a thief would have been busy
//
// A wake-up pays if both are at least kWorthNs. From that follow two states:
//
//   quiet    No first spawn wakes anybody. One in 1, 3, 7, .. kLongestPeriod spawns is timed, the
//            more rarely the more often in vain. One that would have paid: waking.
//   waking   Each first spawn wakes a thief and is timed. It paid if the G was stolen, its spawner
//            computed on for kWorthNs, and its thief did not find it short. What pays adds a
//            credit, what does not takes one; without any: quiet, with the longest period.
//
// So a fork-join is spread from its second round or so on, and pairs of trivial spawns and joins
// that follow it are back at their price after a few. While no P idles, or thieves rest, nobody is
// woken and a quiet P times nothing. Nor does it learn from a G that an M stole which was spinning
// anyway.
//
// Price. A spawn that is not due compares the count of spawns, which it has just stored, with a
// word of the P's first cache line; it neither writes nor fences nor reads a clock. A pick pays
// nothing: a timed spawn makes the P's next pick a slow one, and there the clock is read.
//
// Invariants
//   I1  due_ is 0 exactly while the P is waking: then every spawn is due.
//   I2  The G that is timed goes by its index in the queue. Its top only grows, so that G waits as
//       long as the oldest has that index; the P itself takes none between a spawn and a pick.
//   I3  Periods are odd, so that of two kinds of spawns in turn either is met.
// Ordering: none. All members belong to the owner of the P. What a thief has to say comes through
//   P::robbed_in_vain, relaxed: it orders nothing, and one that is late or lost costs a wake-up.
//
// Not chosen: sysmon as the one who looks. Pairs of spawn and join that take 100 ns keep the queue
//   filled for as large a part of the time as those that take a millisecond, so that it would have
//   to look twice within one wait, every 20 us for good. And it is too slow where it matters: after
//   a sleep of less than kRestedNs its first look comes after 1 ms, so that of a fork-join of 400
//   us every 5 ms, for a timer or a request, it sees nothing, ever.
// Not chosen: the coarse clock, which is as coarse as sysmon's looks; a clock read at each spawn,
//   24 ns beside a spawn's few dozen; a wake-up at each, as in Go (golang/go #28808).
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace gorun::runtime {

/// The policy of one P, which it alone asks and tells; times are monotonic nanoseconds.
class FirstSpawn {
 public:
  /// A wake-up brings nothing that takes less: it costs both sides together some 70 us where the
  /// thief has to be woken, and next to nothing where it still spins from the round before.
  static constexpr std::int64_t kWorthNs = 30'000;
  /// Two clock reads of 24 ns and a slow pick for each that is timed: less than 1 ns a spawn.
  static constexpr std::uint32_t kLongestPeriod = 127;

  /// What became of the G that is timed.
  enum class Found : std::uint8_t {
    kNext,          // waits, and the pick that follows takes it
    kBehind,        // waits, behind others
    kStolen,        // runs elsewhere, or did
    kStolenInVain,  // the same, and its thief found it too short
  };

  /// Whether the P is to deal with the first G of its queue, the `count`th that it has spawned.
  [[nodiscard]] bool is_due(std::uint64_t count) const { return count >= due_; }

  [[nodiscard]] bool is_waking() const { return due_ == 0; }

  /// Is the next pick to be told of by picked()?
  [[nodiscard]] bool is_timing() const { return timed_ != Timed::kNothing; }

  /// The same, of the run of a G that was picked: no spawn can be timed meanwhile.
  [[nodiscard]] bool is_timing_run() const { return timed_ == Timed::kRun; }

  /// The place in the queue of the G that is timed.
  [[nodiscard]] std::uint32_t index() const { return index_; }

  /// The `count`th spawn, which is due, cannot be timed.
  void put_off(std::uint64_t count) {
    if (!is_waking()) due_ = count + std::max(period_, kShortestPutOff);
  }

  /// The `count`th spawn, which is due, is timed from `now` on: its G is at `index` of the queue.
  /// `woke`: a thief is about to look for it.
  void spawned(std::uint64_t count, std::uint32_t index, bool woke, std::int64_t now) {
    count_ = count;
    index_ = index;
    woke_ = woke;
    since_ = now;
    timed_ = Timed::kWait;
    if (!is_waking()) due_ = count + period_;
  }

  /// The P picks, or another thief has emptied its queue for the next first spawn. returns whether
  /// its next pick ends the run that begins here.
  bool picked(Found found, std::int64_t now) {
    const bool was_long = now - since_ >= kWorthNs;
    const Timed ended = std::exchange(timed_, Timed::kNothing);
    if (is_waking()) {
      judge(was_long, found);
    } else if (!was_long) {
      back_off();
    } else if (ended == Timed::kRun) {
      wake_from_now_on();
    } else if (found == Found::kNext) {
      since_ = now;
      timed_ = Timed::kRun;
    }
    return is_timing();
  }

 private:
  enum class Timed : std::uint8_t { kNothing, kWait, kRun };

  static constexpr std::uint32_t kShortestPutOff = 7;  // spawns; odd, too
  static constexpr int kFirstCredit = 2;
  static constexpr int kMostCredit = 4;  // so many in a row that do not pay end the waking

  void wake_from_now_on() {
    due_ = 0;
    credit_ = kFirstCredit;
  }

  void judge(bool was_long, Found found) {
    const bool waits = found == Found::kNext || found == Found::kBehind;
    if (was_long && waits && !woke_) return;  // nobody could come for it
    const bool paid = was_long && found == Found::kStolen;
    credit_ = std::min(credit_ + (paid ? 1 : -1), kMostCredit);
    if (credit_ > 0) return;
    period_ = kLongestPeriod;
    due_ = count_ + period_;
  }

  void back_off() {
    period_ = std::min(2 * period_ + 1, kLongestPeriod);
    due_ = count_ + period_;
  }

  std::uint64_t due_ = 1;     // the first spawn from this one on is due; 0: waking
  std::uint64_t count_ = 0;   // of the spawn that is or was timed
  std::int64_t since_ = 0;    // its wait, or run
  std::uint32_t index_ = 0;   // its G's
  std::uint32_t period_ = 1;  // between two that are timed, while quiet
  int credit_ = 0;            // while waking
  bool woke_ = false;         // of the spawn that is timed
  Timed timed_ = Timed::kNothing;
};

}  // namespace gorun::runtime
