// runtime/sched/sched.h - Sched: what all Ms share, and how an M finds its next goroutine.
//
// Idle Ps and idle Ms are lists under one lock; work moves without it. The rules that keep every
// core busy while there is work, and let it sleep when there is none:
//
//   Submit   publish the G, seq_cst fence, then look at spinning: with an idle P and no spinning M,
//            wake one M (and only one: spinning goes 0 -> 1).
//   Give up  a spinning M lowers spinning, fence, then looks at every queue once more.
// Whichever of the two comes second sees the other: no wake-up is lost. Two short cuts spare
// wake-ups that would cost more than they bring: a G made ready into an empty P's runnext wakes
// nobody (its maker is about to park), nor does the first spawned G, unless it has turned out to be
// worth it (first_spawn.h); sysmon looks after both.
//
// A theft moves a G and its stack between two caches, which costs both sides as much as a short
// goroutine takes to run; and the thief had to be woken, or to spin until there was something. A
// thief whose loot was not worth all that several times goes to rest, and with it all thefts: Ps
// keep their Gs to themselves until sysmon ends the rest, because it is over (each lasts longer
// than the one before, up to kLongestRestNs) or because work waits for a millisecond on a P that
// picks none. The GRQ is served all the time. So goroutines that do little for one that does much,
// such as those that take what it makes, run between its turns and not on a core that spins the
// rest of its time.
//
// Lock order: wait queue < timer heap < channel (by address) < Sched::lock; retake_lock alone.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/rt_lock.h"
#include "runtime/sched/g_list.h"
#include "runtime/sched/m.h"
#include "runtime/sched/orphans.h"
#include "runtime/sched/p.h"
#include "runtime/sched/p_list.h"

namespace gorun::runtime {

/// The global run queue (GRQ): an unbounded list of runnable Gs, oldest first.
class GlobalQueue {
 public:
  void push(G* gp) {
    gs_.push(gp);
    publish_size();
  }
  void append(GList& more) {
    gs_.append(more);
    publish_size();
  }
  G* pop() {
    G* gp = gs_.pop();
    publish_size();
    __builtin_prefetch(gs_.head());  // the next pop reads its link
    return gp;
  }
  /// The oldest that is locked to its M, from wherever it is; or null. Walks them all.
  G* pop_locked() {
    GList others;
    G* found = nullptr;
    while (G* gp = gs_.pop()) {
      if (found == nullptr && gp->locked) {
        found = gp;
      } else {
        others.push(gp);
      }
    }
    gs_.append(others);
    publish_size();
    return found;
  }
  /// The oldest, which stays; or null.
  [[nodiscard]] G* head() const { return gs_.head(); }
  /// Any thread; a hint without the lock, exact with it.
  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  void publish_size() { size_.store(gs_.size(), std::memory_order_relaxed); }

  GList gs_;                          // guarded by Sched::lock
  std::atomic<std::size_t> size_{0};  // written under Sched::lock
};

class Netpoll;

/// The schedule's modes for tests; see Options.
struct SchedMode {
  std::uint64_t jitter = 0;          // seed, or 0
  bool deterministic = false;        // one M, virtual time
  std::int64_t sched_trace_ns = 0;   // between two lines on the scheduler's state, or 0
  std::int64_t idle_thread_ns = 0;   // how long a thread that is not needed stays
  std::int64_t procs_period_ns = 0;  // between two looks at the processors; 0: procs are fixed
  StackClass stack_class = StackClass::kMedium;  // of goroutines that do not ask for another
};

/// Who asks for a number of Ps: a goroutine's word ends the following of the processors.
enum class ProcsFrom : std::uint8_t { kGoroutine, kProcessors };

struct Sched {
  /// A run with `procs` Ps, and never more than `most_procs`.
  Sched(int procs, int most_procs, SchedMode how);
  ~Sched();

  /// Runs `gp` and all it spawns; returns when no G can run any more. Called once, off any M.
  void run(G* gp);

  /// The next G for `m`, which owns a P or waits for one; null when the run is over. On g0.
  G* find_runnable(M* m);

  /// A G of another P, which its own M is not about to run, for one that has nothing but a G that
  /// yields; null when there is none, or thieves rest. Owner of a P, in the runtime.
  G* steal_for_yield(M* m);
  /// Before `m`, whose loot has run, steals again: did the last theft pay? Does nothing if that is
  /// known. Its thread.
  void weigh_theft(M* m);

  /// A batch from the GRQ: one returned, the rest moved to `pp`'s LRQ. Owner of `pp`.
  G* take_global(P* pp);
  /// Puts a runnable G in the GRQ and wakes an M for it if a P is idle. Any M, with or without P.
  void submit_global(G* gp);
  /// The same for all of a list whose Gs have their status already.
  void submit_runnable(GList& gs);
  /// Sheds the oldest half of a full queue, and `gp`, to the GRQ. Owner of `pp`.
  void overflow_lrq(P* pp, G* gp);

  /// Wakes one M for an idle P unless one is looking for work already. Any M; after publishing
  /// work.
  void wake();

  /// The same after making a G runnable that the P's own M will come to soon.
  void wake_thief() {
    if (!thieves_rest.load(std::memory_order_relaxed)) wake();
  }

  /// Gives `pp`, just taken from a blocked or greedy M, to an M with work for it, or makes it idle.
  void hand_off(P* pp);
  /// A P for an M that lost its own: `preferred` if idle, else any; null when all are busy.
  P* acquire_idle(P* preferred);
  /// `wanted`, if the M that owns it is in a blocking call; else null. Any M without a P.
  P* take_from_blocked(P* wanted);

  /// Runs `change(arg)` while nobody is in the runtime with the P of that number, if it has no
  /// owner or an owner in user code now. returns whether it did: if not, try again. Any thread that
  /// is not in the runtime; `change` takes no lock. Some microseconds: a membarrier.
  [[nodiscard]] bool p_at_rest(int id, void (*change)(void* arg), void* arg);
  /// Whether p_at_rest() may be called: not without membarrier.
  static bool can_rest_ps();

  // Solo (solo.h), in solo.cc.

  /// Whether this run ever is.
  [[nodiscard]] bool may_be_solo() const;
  /// Before its caller, who owns `own` since just now or changes what is another P's, touches what
  /// Ps share: waits until no M relies on being alone any more. Without locks.
  void await_soloist(const P* own) {
    // Acquire: pairs with the end of another's wait.
    if (soloist.load(std::memory_order_acquire) != nullptr) [[unlikely]]
      await_soloist_slow(own);
  }

  /// Makes a G runnable that is locked to its M: that one gets an idle P, or the G queues for one
  /// in the GRQ. Any M.
  void ready_locked(G* gp);

  // The number of Ps, in procs.cc.

  /// Lets `wanted` Ps run, or as near to that as this run can. Any thread. returns how many.
  int set_procs(int wanted, ProcsFrom from);
  /// Whether `pp` is beyond the number of Ps that may run. Any thread; exact under lock.
  [[nodiscard]] bool is_surplus(const P* pp) const {
    return pp->id >= procs.load(std::memory_order_relaxed);
  }

  // The network, in network.cc.

  /// The run's netpoller, made now if there is none; null and `error` (an errno) if the kernel
  /// refuses.
  Netpoll* make_netpoll(int& error);
  /// Puts Gs that the netpoller woke in `pp`'s LRQ. Owner of `pp`.
  void inject(P* pp, GList& woken);
  /// Looks for ready descriptors, always or if that has not happened for a while; a netpoller
  /// exists. Owner of `pp`.
  void poll_network(P* pp);
  void poll_network_if_due(P* pp);

  /// Makes the sends that wait in `pp`, and has their goroutines go on. Before `pp` goes idle.
  /// Owner of `pp`, or who takes it from one M to another.
  void make_sends(P* pp);
  void make_sends_if_due(P* pp);  // if they have waited for long

  /// How many Gs are parked on a descriptor (see poll/netpoll.h); more, never less, while Ms run.
  [[nodiscard]] std::int64_t armed_fds() const;
  /// Whether a goroutine waits for a descriptor, and not aside. A G that was woken counts as aside
  /// until it runs: errs downwards only while an M is awake.
  [[nodiscard]] bool awaits_fds() const {
    return armed_fds() > aside_fds.load(std::memory_order_seq_cst);
  }

  /// Tells the M that waits for timers that `when` may be earlier than what it waits for.
  void timer_added(std::int64_t when);

  /// Whether a timer is pending that a living goroutine may depend on.
  [[nodiscard]] bool has_awaited_timer() const;

  /// The earliest timer of any P, or TimerHeap::kNever.
  [[nodiscard]] std::int64_t earliest_timer() const;

  std::mutex lock;
  std::mutex retake_lock;  // held by sysmon while it decides whose P to take (m.h); never with lock
  GlobalQueue grq;
  PList ps;                // grows only, under lock
  std::atomic<int> procs;  // of them, those that may run; written under lock
  const bool multi;        // may there be more than one P: thieves and contention?
  // The P that was solo, until its M has been seen out of the runtime. Set under lock.
  std::atomic<P*> soloist{nullptr};
  pid_t starter = 0;               // the thread of run(), whose processors are ours
  std::atomic<bool> follows_cpus;  // procs is to follow the processors; cleared under lock
  const SchedMode mode;
  std::int64_t virtual_now = 0;       // the clock of a deterministic run. Its only M
  std::atomic<int> idle_ps{0};        // those that may be taken. Written under lock
  std::atomic<int> busy_ps{0};        // those that are not idle, surplus ones too. The same
  std::atomic<int> spinning{0};       // Ms looking for work
  std::atomic<bool> stopping{false};  // the run is over: Ms return from find_runnable
  // No thefts for now; relaxed, a hint. Set by a thief, cleared by sysmon, as are the next two.
  std::atomic<bool> thieves_rest{false};
  std::atomic<std::int64_t> rest_until{0};
  std::atomic<std::int64_t> rest_ns{kShortestRestNs};
  static constexpr std::int64_t kShortestRestNs = 100'000;
  static constexpr std::int64_t kLongestRestNs = 5'000'000;

  std::vector<std::unique_ptr<M>> ms;   // guarded by lock; grows only
  M* idle_ms = nullptr;                 // guarded by lock; LIFO, so that warm threads run first
  std::size_t idle_m_count = 0;         // guarded by lock
  std::size_t locked_asleep = 0;        // guarded by lock; Ms that wait for their locked G's turn
  M* ended_ms = nullptr;                // guarded by lock; Ms without a thread, by next_idle
  std::size_t ended_m_count = 0;        // guarded by lock
  std::int64_t refused_until = 0;       // guarded by lock; when to ask for a thread again
  std::optional<pthread_t> last_ended;  // guarded by lock; the one thread that nobody joined yet
  M* timekeeper = nullptr;              // guarded by lock; the M that sleeps until the next timer
  // When it wakes, or kNever; written under lock, read as a hint by those who add timers.
  std::atomic<std::int64_t> timekeeper_until{TimerHeap::kNever};
  std::unique_ptr<Netpoll> netpoll_owner;  // written once, under lock
  std::atomic<Netpoll*> netpoll{nullptr};  // the same; release pairs with the acquire of readers
  std::atomic<std::uint64_t> disarmed{0};  // armed Gs woken by who had no P. Written under lock
  std::atomic<int> aside_fds{0};    // Gs parked on a descriptor that do not keep the run alive
  std::condition_variable changed;  // the run is over; with lock
  bool sysmon_asleep = false;       // guarded by lock: waits without a deadline
  std::uint64_t idle_ps_taken = 0;  // guarded by lock: how often in all
  std::uint64_t joined = 0;         // guarded by lock: of these, beside a busy one
  std::atomic<std::uint32_t> sysmon_word{0};  // futex; cuts sysmon's sleep short

  Orphans orphans;

  std::atomic<std::uint64_t> next_g_id{1};
  std::atomic<std::uint64_t> handoffs{0}, retakes{0};

 private:
  G* spin_for_work(M* m);
  G* steal_from(M* m, P* victim, bool last_pass);
  G* steal_pass(M* m, bool last_pass);
  void drain(P* pp);                  // its Gs to the GRQ. Its owner, or if idle any; holds lock
  void shed(P* pp);                   // makes a surplus P idle, and its Gs go on. Its owner
  void shed_own(M* m);                // the same; `m` has none afterwards
  void look_after_surplus();          // sysmon
  void begin_solo(std::int64_t now);  // sysmon; if one P has been alone for long
  void end_solo(const P* newcomer);   // holds lock; who asks for it calls await_soloist() next
  void await_soloist_slow(const P* own);
  static void fence_everywhere();  // here and in every thread that runs; without membarrier, here
  void follow_cpus(std::int64_t now);  // sysmon
  bool any_work() const;
  bool any_loot() const;
  void give_up(M* m);
  void wire_for_work(M* m, P* pp);
  void stop_spinning(M* m);
  bool sleep_until_woken(M* m);
  void keep_time(M* m, std::unique_lock<std::mutex>& guard, GList& woken);  // the same
  bool is_poller_roused() const;                                            // holds lock
  bool needs_timekeeper(std::size_t awake) const;                           // holds lock
  std::size_t asleep() const;                                               // holds lock
  void rouse(M* m);                                                         // ends its sleep
  void push_global(GList& woken);  // as inject(), in the GRQ. Holds lock
  bool wake_for_event();           // while all sleep, if one came that nobody saw. Holds lock
  bool poll_neglected_network(std::int64_t now);  // sysmon
  void make_idle(P* pp);                          // holds lock
  P* take_idle(P* preferred);                     // holds lock
  void check_over();                              // holds lock
  // Locked goroutines, in locked.cc.
  G* run_locked(M* m);
  bool hand_to_locked(M* m);
  [[nodiscard]] M* give_to_locked(P* pp);  // holds lock; nullptr: none waits. rouse() it afterwards
  void end_locked(M* m);
  static void give_p(M* m, P* pp);  // holds lock; rouse() it afterwards, without

  // Threads, in threads.cc.

  /// An M that was given a P, and whether it has a thread to be woken.
  struct Start {
    M* m = nullptr;
    bool needs_thread = false;
  };
  [[nodiscard]] M* take_asleep(bool also_timekeeper);  // holds lock; nullptr: none is
  Start m_for(P* pp, bool as_spinning);  // holds lock; launch() it afterwards, without
  void launch(Start start);
  void launch_first(Start start);
  static int start_thread(M* m);  // an errno value
  void do_without(M* m);
  [[nodiscard]] bool may_have_m() const;  // whether m_for() is worth a try; holds lock
  [[nodiscard]] bool are_threads_refused();
  static void* thread_main(void* m);
  void m_main(M* m);
  bool idle(M* m, std::unique_lock<std::mutex>& guard);  // holds lock, but while it sleeps
  bool too_many_idle() const;                            // holds lock
  void link_idle(M* m);                                  // holds lock
  void unlink_idle(M* m);                                // holds lock
  /// The end of the calling thread, in the scheduler's books. Holds lock, and drops it; `m` may
  /// have another thread from then on.
  void end_thread(M* m, std::unique_lock<std::mutex>& guard);
  void join_threads();

  std::thread start_sysmon();  // ends the process if it is refused
  void sysmon_main();
  void wake_sysmon();  // holds lock

  // Sysmon's rounds, in sysmon.cc and retake.cc.
  static constexpr std::int64_t kTimeSliceNs = 10'000'000;  // of a goroutine while others wait
  bool retake(std::int64_t now);
  bool is_due(P* pp, M* m, std::int64_t now) const;
  bool look_after_waiting_work(std::int64_t now);

  std::int64_t next_procs_look_ = 0;  // sysmon only
  std::int64_t alone_since_ = 0;      // sysmon only; as far as it knows
  std::uint64_t joined_then_ = 0;     // sysmon only; joined, then
};

/// The one that runs; null between runs.
extern Sched* sched;

/// The runtime's clock: monotonic nanoseconds, virtual in a deterministic run. From an M.
std::int64_t clock_ns();

/// The machine's monotonic clock. Any thread.
std::int64_t monotonic_ns();

/// Makes `m` the owner of `pp` and back.
void wire(M* m, P* pp);
P* unwire(M* m);

}  // namespace gorun::runtime
