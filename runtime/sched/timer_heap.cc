// runtime/sched/timer_heap.cc - see timer_heap.h.

#include "runtime/sched/timer_heap.h"

#include <algorithm>
#include <mutex>

namespace gorun::runtime {
namespace {
constexpr std::uint32_t kArity = 4;
// Fired under one hold of the lock: others insert and stop meanwhile.
constexpr int kMostMoved = 64;
}  // namespace

// What is left belongs to no goroutine that could still run. Each is out of the heap before it is
// discarded: what goes with it may stop others (a function for later that has the last handle on a
// Cancel with a deadline). The last one first, which keeps the rest a heap.
TimerHeap::~TimerHeap() {
  while (!heap_.empty()) {
    TimerEvent* event = events_[heap_.back().slot];
    remove(static_cast<std::uint32_t>(heap_.size() - 1));
    event->heap.store(nullptr, std::memory_order_relaxed);
    event->slot = TimerEvent::kNotQueued;
    if (event->discard != nullptr) event->discard(event->arg);
  }
}

std::uint32_t TimerHeap::take_slot(TimerEvent* event) {
  std::uint32_t slot = free_slot_;
  if (slot != TimerEvent::kNotQueued) {
    free_slot_ = index_[slot];
    events_[slot] = event;
  } else {
    slot = static_cast<std::uint32_t>(events_.size());
    events_.push_back(event);
    index_.push_back(0);
  }
  return slot;
}

void TimerHeap::give_slot(std::uint32_t slot) {
  events_[slot] = nullptr;
  index_[slot] = free_slot_;
  free_slot_ = slot;
}

void TimerHeap::place(std::uint32_t index, Entry entry) {
  heap_[index] = entry;
  index_[entry.slot] = index;
}

void TimerHeap::sift_up(std::uint32_t index, Entry entry) {
  while (index > 0) {
    const std::uint32_t parent = (index - 1) / kArity;
    if (heap_[parent].when <= entry.when) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, entry);
}

void TimerHeap::sift_down(std::uint32_t index, Entry entry) {
  const auto size = static_cast<std::uint32_t>(heap_.size());
  for (;;) {
    const std::uint32_t first = index * kArity + 1;
    if (first >= size) break;
    std::uint32_t least = first;
    for (std::uint32_t child = first + 1; child < std::min(first + kArity, size); ++child) {
      if (heap_[child].when < heap_[least].when) least = child;
    }
    if (heap_[least].when >= entry.when) break;
    place(index, heap_[least]);
    index = least;
  }
  place(index, entry);
}

void TimerHeap::remove(std::uint32_t index) {
  give_slot(heap_[index].slot);
  const Entry last = heap_.back();
  heap_.pop_back();
  if (index == heap_.size()) return;
  if (index > 0 && last.when < heap_[(index - 1) / kArity].when) {
    sift_up(index, last);
  } else {
    sift_down(index, last);
  }
}

void TimerHeap::publish() {
  earliest_.store(heap_.empty() ? kNever : heap_.front().when, std::memory_order_release);
}

void TimerHeap::add(TimerEvent* event) {
  event->heap.store(this, std::memory_order_relaxed);
  event->slot = take_slot(event);
  const Entry entry{event->when, event->slot};
  heap_.push_back(entry);
  sift_up(static_cast<std::uint32_t>(heap_.size() - 1), entry);
}

bool TimerHeap::insert_locked(TimerEvent* event) {
  add(event);
  if (index_[event->slot] != 0) return false;
  publish();
  return true;
}

bool TimerHeap::insert(TimerEvent* event) {
  const std::lock_guard guard(lock_);
  return insert_locked(event);
}

TimerHeap* TimerHeap::lock_home(const TimerEvent& event) {
  for (;;) {
    TimerHeap* home = event.heap.load(std::memory_order_relaxed);
    if (home == nullptr) return nullptr;
    home->lock_.lock();
    if (event.heap.load(std::memory_order_relaxed) == home) return home;
    home->lock_.unlock();  // it moved
  }
}

bool TimerHeap::stop(TimerEvent* event) {
  TimerHeap* home = lock_home(*event);
  if (home == nullptr) return false;
  const std::lock_guard guard(home->lock_, std::adopt_lock);
  event->heap.store(nullptr, std::memory_order_relaxed);
  if (event->slot == TimerEvent::kNotQueued) return false;
  const std::uint32_t index = home->index_[event->slot];
  event->slot = TimerEvent::kNotQueued;
  home->remove(index);
  if (index == 0) home->publish();
  return true;
}

void TimerHeap::adopt(TimerHeap& from) {
  while (from.earliest() != kNever) {
    const std::lock_guard from_guard(from.lock_);
    const std::lock_guard guard(lock_);
    // From the end, which keeps the rest a heap; the earliest comes last.
    for (int i = 0; i < kMostMoved && !from.heap_.empty(); ++i) {
      TimerEvent* event = from.events_[from.heap_.back().slot];
      from.remove(static_cast<std::uint32_t>(from.heap_.size() - 1));
      add(event);
    }
    publish();  // first, so that who looks at `from` and then here misses none
    from.publish();
  }
}

void TimerHeap::fire_first(std::int64_t now) {
  const Entry first = heap_.front();
  TimerEvent* event = events_[first.slot];
  if (event->period > 0) {
    // The next multiple of the period that is still to come: ticks that were missed are dropped.
    event->when = first.when + event->period * (1 + (now - first.when) / event->period);
    sift_down(0, {event->when, first.slot});
  } else {
    event->slot = TimerEvent::kNotQueued;
    remove(0);
  }
  event->fire(event->arg);  // the event may be gone from here on
}

int TimerHeap::fire_due(std::int64_t now, int limit) {
  int fired = 0;
  while (fired < limit && earliest() <= now) {
    const std::lock_guard guard(lock_);
    const int batch = std::min(limit - fired, kMostMoved);
    int count = 0;
    for (; count < batch && !heap_.empty() && heap_.front().when <= now; ++count) fire_first(now);
    publish();
    fired += count;
  }
  return fired;
}

}  // namespace gorun::runtime
