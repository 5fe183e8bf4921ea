// runtime/sched/timer_heap.cc - see timer_heap.h.

#include "runtime/sched/timer_heap.h"

#include <algorithm>

namespace gorun::runtime {
namespace {
constexpr std::uint32_t kArity = 4;
}

void TimerHeap::place(std::uint32_t index, TimerEvent* event) {
  heap_[index] = {event->when, event};
  event->index = index;
}

void TimerHeap::sift_up(std::uint32_t index, TimerEvent* event) {
  while (index > 0) {
    const std::uint32_t parent = (index - 1) / kArity;
    if (heap_[parent].when <= event->when) break;
    place(index, heap_[parent].event);
    index = parent;
  }
  place(index, event);
}

void TimerHeap::sift_down(std::uint32_t index, TimerEvent* event) {
  const auto size = static_cast<std::uint32_t>(heap_.size());
  for (;;) {
    const std::uint32_t first = index * kArity + 1;
    if (first >= size) break;
    std::uint32_t least = first;
    for (std::uint32_t child = first + 1; child < std::min(first + kArity, size); ++child) {
      if (heap_[child].when < heap_[least].when) least = child;
    }
    if (heap_[least].when >= event->when) break;
    place(index, heap_[least].event);
    index = least;
  }
  place(index, event);
}

void TimerHeap::remove(std::uint32_t index) {
  heap_[index].event->index = TimerEvent::kNotQueued;
  TimerEvent* last = heap_.back().event;
  heap_.pop_back();
  if (index == heap_.size()) return;
  if (index > 0 && last->when < heap_[(index - 1) / kArity].when) {
    sift_up(index, last);
  } else {
    sift_down(index, last);
  }
}

void TimerHeap::publish() {
  earliest_.store(heap_.empty() ? kNever : heap_.front().when, std::memory_order_release);
}

bool TimerHeap::insert(TimerEvent* event) {
  const std::lock_guard lock(mutex_);
  event->heap = this;
  heap_.push_back({event->when, event});
  sift_up(static_cast<std::uint32_t>(heap_.size() - 1), event);
  if (event->index != 0) return false;
  publish();
  return true;
}

bool TimerHeap::stop(TimerEvent* event) {
  if (event->heap == nullptr) return false;
  TimerHeap& home = *event->heap;
  const std::lock_guard lock(home.mutex_);
  if (event->index == TimerEvent::kNotQueued) return false;
  const bool was_first = event->index == 0;
  home.remove(event->index);
  if (was_first) home.publish();
  return true;
}

int TimerHeap::fire_due(std::int64_t now) {
  if (earliest() > now) return 0;
  const std::lock_guard lock(mutex_);
  int fired = 0;
  while (!heap_.empty() && heap_.front().when <= now) {
    TimerEvent* event = heap_.front().event;
    remove(0);
    event->fire(event->arg);
    ++fired;
  }
  publish();
  return fired;
}

}  // namespace gorun::runtime
