// runtime/poll/file_slots.cc - a counting semaphore over the process.

#include "runtime/poll/file_slots.h"

#include <atomic>

#include "runtime/sched/park.h"
#include "runtime/wait_queue.h"

namespace gorun::runtime {
namespace {

// The queue depth at which solid-state disks give what they have.
constexpr int kSlots = 64;

// Free slots; negative: that many goroutines wait, or are about to.
std::atomic<int> free_slots{kSlots};
WaitQueue waiters;
int granted = 0;  // given back while a waiter was only about to queue. guarded by waiters.lock

void unlock_waiters(G*, void*) { waiters.lock.unlock(); }

}  // namespace

FileSlot::FileSlot() {
  if (free_slots.fetch_sub(1, std::memory_order_acquire) > 0) return;
  const RtSection rt;
  waiters.lock.lock();
  if (granted > 0) {
    --granted;
    waiters.lock.unlock();
    return;
  }
  Waiter& waiter = own_waiter();
  waiters.waiters.push(&waiter);
  park(WaitReason::kFileSlot, unlock_waiters, nullptr);
}

FileSlot::~FileSlot() {
  if (free_slots.fetch_add(1, std::memory_order_release) >= 0) return;
  const RtSection rt;
  waiters.lock.lock();
  Waiter* next = waiters.waiters.take();
  G* gp = next == nullptr ? nullptr : next->g;
  if (gp == nullptr) ++granted;
  waiters.lock.unlock();
  if (gp != nullptr) ready(gp);
}

}  // namespace gorun::runtime
