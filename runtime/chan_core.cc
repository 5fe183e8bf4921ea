// runtime/chan_core.cc - see chan_core.h.

#include "runtime/chan_core.h"

#include <cstring>
#include <new>
#include <utility>

#include "runtime/fatal.h"
#include "runtime/sched/g.h"
#include "runtime/sched/g_list.h"
#include "runtime/sched/orphans.h"
#include "runtime/sched/park.h"

namespace gorun::runtime {
namespace {

// Where the ring starts: behind the channel, aligned for any element.
std::size_t ring_offset(std::size_t alignment) {
  return (sizeof(ChanCore) + alignment - 1) / alignment * alignment;
}

std::align_val_t allocation_alignment(const ElementType& type) {
  return std::align_val_t{type.alignment > alignof(ChanCore) ? type.alignment : alignof(ChanCore)};
}

// Nothing will ever arrive: the goroutine is left to the deadlock and leak reports.
void park_for_ever() {
  const RtSection rt;
  for (;;)
    park(
        WaitReason::kNilChan, [](G*, void*) {}, nullptr);
}

}  // namespace

ChanCore* ChanCore::make(std::size_t capacity, const ElementType& type) {
  const std::size_t bytes = ring_offset(type.alignment) + capacity * type.size;
  return new (::operator new(bytes, allocation_alignment(type))) ChanCore(capacity, type);
}

void ChanCore::set_label(ChanCore* chan, std::string label) {
  if (chan == nullptr) fatal("chan: label of a nil channel");
  chan->label_ = std::make_unique<const std::string>(std::move(label));
}

void ChanCore::destroy() {
  // Goroutines that wait on a channel without a handle on it are parked for good: their report must
  // not look at the channel any more.
  for (WaiterList* list : {&receivers_, &senders_}) {
    while (Waiter* waiter = list->first()) {
      list->remove(waiter);
      if (waiter->select == nullptr) waiter->g->parked_on = nullptr;
    }
  }
  for (std::size_t left = size(); left > 0; --left) {
    drop(cell(first_));
    first_ = first_ + 1 == capacity_ ? 0 : first_ + 1;
  }
  const std::align_val_t alignment = allocation_alignment(*type_);
  this->~ChanCore();
  ::operator delete(this, alignment);
}

[[gnu::always_inline]] inline std::byte* ChanCore::cell(std::size_t index) {
  return reinterpret_cast<std::byte*>(this) + ring_offset(type_->alignment) + index * type_->size;
}

// Values of the common sizes move in one or two instructions instead of a call.
[[gnu::always_inline]] inline void ChanCore::move(void* to, void* from) const {
  if (type_->move != nullptr) [[unlikely]] {
    type_->move(to, from);
    return;
  }
  switch (type_->size) {
    case 4:
      std::memcpy(to, from, 4);
      return;
    case 8:
      std::memcpy(to, from, 8);
      return;
    case 16:
      std::memcpy(to, from, 16);
      return;
    default:
      std::memcpy(to, from, type_->size);
  }
}

[[gnu::always_inline]] inline void ChanCore::drop(void* value) const {
  if (type_->destroy != nullptr) type_->destroy(value);
}

void ChanCore::release(Ends ends) {
  std::uint64_t before = handles();
  std::uint64_t after = 0;
  bool orphans = false;
  do {
    after = before - ends;
    orphans = is_one_sided(after) && !is_one_sided(before);
    if (orphans) after += kPin;
    // acq_rel: the last one sees what all others did to the channel.
  } while (!handles_.compare_exchange_weak(before, after, std::memory_order_acq_rel,
                                           std::memory_order_relaxed));
  if (orphans) {
    note_orphans();
    after = handles_.fetch_sub(kPin, std::memory_order_acq_rel) - kPin;
  }
  if (after == 0) destroy();
}

// Those that wait in a select may have other cases: the report at the end of the run judges them.
void ChanCore::note_orphans() {
  M* m = current_m();
  if (m == nullptr || m->blocking.load(std::memory_order_relaxed)) {
    // Nothing may be locked here. Those that are parked show in the report at the end of the run.
    orphaned_.store(true, std::memory_order_relaxed);
    return;
  }
  const bool is_outside = m->in_rt.load(std::memory_order_relaxed) == 0;
  if (is_outside) enter_runtime();  // else a timer's fire function dropped the handle
  lock_.lock();
  orphaned_.store(true, std::memory_order_relaxed);
  const auto way = has_senders() ? WaitedChannel::Way::kSend : WaitedChannel::Way::kReceive;
  const WaiterList& waiting = has_senders() ? senders_ : receivers_;
  for (const Waiter* waiter = waiting.first(); waiter != nullptr; waiter = waiter->next) {
    if (waiter->select == nullptr) note_orphan(*waiter->g, *this, way);
  }
  lock_.unlock();
  if (is_outside) leave_runtime();
}

ChanCore::Done ChanCore::send_now(void* value) {
  if (closed_.load(std::memory_order_relaxed)) return {true, ChanStatus::kClosed, nullptr};
  if (Waiter* receiver = receivers_.take()) {
    if (receiver->slot != nullptr) move(receiver->slot, value);
    receiver->status = ChanStatus::kOk;
    return {true, ChanStatus::kOk, receiver->g};
  }
  const std::size_t count = count_.load(std::memory_order_relaxed);
  if (count == capacity_) return {};
  std::size_t last = first_ + count;
  if (last >= capacity_) last -= capacity_;
  move(cell(last), value);
  count_.store(count + 1, std::memory_order_relaxed);
  return {true, ChanStatus::kOk, nullptr};
}

ChanCore::Done ChanCore::recv_now(void* slot) {
  const std::size_t count = count_.load(std::memory_order_relaxed);
  if (count > 0) {
    std::byte* oldest = cell(first_);
    if (slot != nullptr) move(slot, oldest);
    drop(oldest);
    const std::size_t freed = first_;
    first_ = first_ + 1 == capacity_ ? 0 : first_ + 1;
    Waiter* sender = senders_.take();
    if (sender == nullptr) {
      count_.store(count - 1, std::memory_order_relaxed);
      return {true, ChanStatus::kOk, nullptr};
    }
    // The ring was full, so the cell that was the oldest is now the newest.
    move(cell(freed), sender->slot);
    sender->status = ChanStatus::kOk;
    return {true, ChanStatus::kOk, sender->g};
  }
  if (Waiter* sender = senders_.take()) {
    if (slot != nullptr) move(slot, sender->slot);
    sender->status = ChanStatus::kOk;
    return {true, ChanStatus::kOk, sender->g};
  }
  if (closed_.load(std::memory_order_relaxed)) return {true, ChanStatus::kClosed, nullptr};
  return {};
}

// The paths that matter, without a call.
[[gnu::flatten]] ChanStatus ChanCore::send(ChanCore* chan, void* value) {
  require_goroutine("chan: send");
  if (chan == nullptr) park_for_ever();
  const RtSection rt;
  chan->lock_.lock();
  if (const Done done = chan->send_now(value); done.done) {
    chan->lock_.unlock();
    if (done.wake != nullptr) ready(done.wake);
    return done.status;
  }
  Waiter& waiter = own_waiter(value);
  chan->senders_.push(&waiter);
  if (chan->is_orphaned()) [[unlikely]]
    note_orphan(*waiter.g, *chan, WaitedChannel::Way::kSend);
  park(
      WaitReason::kChanSend,
      [](G*, void* locked) { static_cast<ChanCore*>(locked)->lock_.unlock(); }, chan);
  return waiter.status;
}

[[gnu::flatten]] ChanStatus ChanCore::recv(ChanCore* chan, void* slot) {
  require_goroutine("chan: receive");
  if (chan == nullptr) park_for_ever();
  const RtSection rt;
  chan->lock_.lock();
  if (const Done done = chan->recv_now(slot); done.done) {
    chan->lock_.unlock();
    if (done.wake != nullptr) ready(done.wake);
    return done.status;
  }
  Waiter& waiter = own_waiter(slot);
  chan->receivers_.push(&waiter);
  if (chan->is_orphaned()) [[unlikely]]
    note_orphan(*waiter.g, *chan, WaitedChannel::Way::kReceive);
  park(
      WaitReason::kChanRecv,
      [](G*, void* locked) { static_cast<ChanCore*>(locked)->lock_.unlock(); }, chan);
  return waiter.status;
}

ChanStatus ChanCore::try_send(ChanCore* chan, void* value) {
  require_goroutine("chan: try_send");
  if (chan == nullptr || !chan->may_send()) return ChanStatus::kWouldBlock;
  const RtSection rt;
  chan->lock_.lock();
  const Done done = chan->send_now(value);
  chan->lock_.unlock();
  if (done.wake != nullptr) ready(done.wake);
  return done.status;
}

ChanStatus ChanCore::try_recv(ChanCore* chan, void* slot) {
  require_goroutine("chan: try_recv");
  if (chan == nullptr || !chan->may_recv()) return ChanStatus::kWouldBlock;
  const RtSection rt;
  chan->lock_.lock();
  const Done done = chan->recv_now(slot);
  chan->lock_.unlock();
  if (done.wake != nullptr) ready(done.wake);
  return done.status;
}

void ChanCore::offer(void* value) {
  lock_.lock();
  const Done done = send_now(value);
  lock_.unlock();
  if (done.wake != nullptr) ready(done.wake);
}

bool ChanCore::forget_one() {
  lock_.lock();
  const Done done = recv_now(nullptr);
  lock_.unlock();
  if (done.wake != nullptr) ready(done.wake);
  return done.done && done.status == ChanStatus::kOk;
}

void ChanCore::close(ChanCore* chan) {
  require_goroutine("chan: close");
  if (chan == nullptr) fatal("chan: close of a nil channel");
  const RtSection rt;
  chan->lock_.lock();
  if (chan->closed_.load(std::memory_order_relaxed)) fatal("chan: close of a closed channel");
  chan->closed_.store(true, std::memory_order_release);
  GList woken;  // made ready after the lock is dropped
  for (WaiterList* list : {&chan->receivers_, &chan->senders_}) {
    while (Waiter* waiter = list->take()) {
      __builtin_prefetch(list->first());  // on another stack, as is each of them
      waiter->status = ChanStatus::kClosed;
      add_ready(woken, waiter->g);
    }
  }
  chan->lock_.unlock();
  ready_all(woken);
}

}  // namespace gorun::runtime
