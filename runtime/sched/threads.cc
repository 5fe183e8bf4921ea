// runtime/sched/threads.cc - the threads under the Ms: started when a P finds no idle M, asleep
// while there is none for them, ended when too many have been idle for long.
//
// A burst of blocking calls takes a thread for each. Once it is over they would stay for ever, each
// with a stack and a place in the kernel's tables. So an idle M that finds as many idle as there
// are Ps, and a few, sleeps with a deadline, and after that its thread ends. The list is last in
// first out: those with a deadline are the ones that were not needed. Those without stand below
// them.
//
// The M itself stays, without a thread, for the next burst: sysmon, a tracer or a late waker may
// still hold its address. The thread is joined by the next one that ends, or by the run: one that
// starts an M never waits for a thread to end, whatever the destructors of its thread-local objects
// are up to.
//
// A thread may be refused: a limit of processes is reached (ulimit -u, pids.max). Then its P idles,
// and gives what is in its queue to the GRQ, where any M finds it, also one whose goroutine never
// parks, and behind which who comes back from a blocking call queues; sysmon tries again every 10
// ms, and looks after the time meanwhile. A goroutine that is locked to its thread needs no other
// one. Only a run that gets no thread at all ends.
//
// Not chosen: sysmon as the reaper. It sleeps while nothing runs, which is when threads are idle.

#include <cxxabi.h>
#include <pthread.h>

#include <cstring>
#include <utility>

#include "runtime/fatal.h"
#include "runtime/fault.h"
#include "runtime/sched/futex.h"
#include "runtime/sched/goroutine.h"
#include "runtime/sched/sched.h"

namespace gorun::runtime {
namespace {

// Idle threads beyond one a P that are worth keeping: a wake-up costs less than a thread.
constexpr std::size_t kSpareThreads = 4;
// After a refusal the next thread is asked for so much later.
constexpr std::int64_t kRefusalNs = 10'000'000;

}  // namespace

// --- starting ------------------------------------------------------------------------------------

// Whoever goes to sleep next keeps the time.
M* Sched::take_asleep(bool also_timekeeper) {
  if (M* const m = idle_ms) {
    unlink_idle(m);
    return m;
  }
  if (!also_timekeeper || timekeeper == nullptr) return nullptr;
  timekeeper_until.store(TimerHeap::kNever, std::memory_order_seq_cst);
  return std::exchange(timekeeper, nullptr);
}

Sched::Start Sched::m_for(P* pp, bool as_spinning) {
  M* m = take_asleep(idle_ps.load(std::memory_order_relaxed) == 0);
  if (m != nullptr) {
    // It has a thread.
  } else if (ended_ms != nullptr) {
    m = std::exchange(ended_ms, ended_ms->next_idle);
    --ended_m_count;
  } else {
    ms.push_back(std::make_unique<M>(static_cast<int>(ms.size()), mode.jitter));
    m = ms.back().get();
  }
  m->next_p = pp;
  m->spinning = as_spinning;
  return {m, !std::exchange(m->has_thread, true)};
}

// Decided in m_for(), under the lock: by now another may have done its part, and the M even ended.
void Sched::launch(Start start) {
  if (!start.needs_thread) {
    rouse(start.m);
    return;
  }
  if (start_thread(start.m) != 0) do_without(start.m);
}

// Of the run itself, without which there is none.
void Sched::launch_first(Start start) {
  const int error = start_thread(start.m);
  if (error != 0) fatal("sched: cannot start a thread: %s", strerrordesc_np(error));
}

int Sched::start_thread(M* m) {
  pthread_t thread{};
  return pthread_create(&thread, nullptr, thread_main, m);
}

// Takes back what m_for() did. An M that went to sleep while this one counted as awake left the
// work, the time and the end of the run to it: it takes over.
void Sched::do_without(M* m) {
  const bool was_spinning = std::exchange(m->spinning, false);
  M* other = nullptr;
  {
    const std::lock_guard guard(lock);
    P* const pp = std::exchange(m->next_p, nullptr);
    m->has_thread = false;
    m->next_idle = ended_ms;
    ended_ms = m;
    ++ended_m_count;
    refused_until = monotonic_ns() + kRefusalNs;
    other = take_asleep(true);
    if (other != nullptr) {
      other->next_p = pp;
      other->spinning = was_spinning;
    } else {
      if (was_spinning) spinning.fetch_sub(1, std::memory_order_seq_cst);  // see wake()
      other = give_to_locked(pp);
      if (other == nullptr) {
        drain(pp);
        make_idle(pp);
        check_over();
      }
    }
  }
  if (other != nullptr) rouse(other);
}

bool Sched::may_have_m() const {
  return idle_ms != nullptr || timekeeper != nullptr || refused_until == 0 ||
         monotonic_ns() >= refused_until;
}

bool Sched::are_threads_refused() {
  const std::lock_guard guard(lock);
  return !may_have_m();
}

void* Sched::thread_main(void* m) {
  sched->m_main(static_cast<M*>(m));
  return nullptr;
}

void Sched::m_main(M* m) {
  const SignalStack signal_stack;
  gorun_current_m = m;
  m->thread = pthread_self();
  m->exceptions = reinterpret_cast<ExceptionState*>(abi::__cxa_get_globals());
  pthread_attr_t attributes;
  void* low = nullptr;
  std::size_t size = 0;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  m->g0_stack.init_thread(low, size);
  wire(m, m->next_p);
  while (G* gp = find_runnable(m)) run_from_g0(m, gp);
  gorun_current_m = nullptr;  // the M may have another thread by now
}

// --- idling --------------------------------------------------------------------------------------

void Sched::link_idle(M* m) {
  m->prev_idle = nullptr;
  m->next_idle = idle_ms;
  if (idle_ms != nullptr) idle_ms->prev_idle = m;
  idle_ms = m;
  ++idle_m_count;
}

void Sched::unlink_idle(M* m) {
  (m->prev_idle == nullptr ? idle_ms : m->prev_idle->next_idle) = m->next_idle;
  if (m->next_idle != nullptr) m->next_idle->prev_idle = m->prev_idle;
  --idle_m_count;
}

bool Sched::too_many_idle() const { return idle_m_count > ps.size() + kSpareThreads; }

bool Sched::idle(M* m, std::unique_lock<std::mutex>& guard) {
  link_idle(m);
  std::int64_t until = TimerHeap::kNever;
  if (too_many_idle()) until = TimerHeap::when_after(monotonic_ns(), mode.idle_thread_ns);
  check_over();
  while (m->next_p == nullptr && !stopping.load(std::memory_order_relaxed)) {
    if (until != TimerHeap::kNever && monotonic_ns() >= until) {
      if (too_many_idle()) {
        unlink_idle(m);
        end_thread(m, guard);
        return false;
      }
      until = TimerHeap::kNever;  // others have ended since: this one is among those to keep
    }
    guard.unlock();
    futex_wait(m->wake_word, 0, until);
    guard.lock();
    // Without a P: the late half of a launch() that this M answered before.
    m->wake_word.store(0, std::memory_order_relaxed);
  }
  if (m->next_p != nullptr) wire(m, m->next_p);
  return true;
}

// --- ending --------------------------------------------------------------------------------------

void Sched::end_thread(M* m, std::unique_lock<std::mutex>& guard) {
  m->is_doomed = false;
  m->lock_depth = 0;
  m->has_thread = false;
  m->next_idle = ended_ms;
  ended_ms = m;
  ++ended_m_count;
  const std::optional<pthread_t> before = std::exchange(last_ended, pthread_self());
  check_over();
  guard.unlock();
  if (before) pthread_join(*before, nullptr);
}

void Sched::join_threads() {
  std::vector<pthread_t> left;
  {
    const std::lock_guard guard(lock);  // which each of them takes once more on its way out
    for (const auto& m : ms) {
      if (m->has_thread) left.push_back(m->thread);
    }
    if (last_ended) left.push_back(*last_ended);
  }
  for (const pthread_t thread : left) pthread_join(thread, nullptr);
}

}  // namespace gorun::runtime
