// runtime/chan_core.h - the channel itself, untyped; Chan<T> (chan.h) is what users see.
//
// Invariants, under lock_:
//   I1  At most one of receivers_ and senders_ holds waiters that are not claimed by other
//   channels. I2  Receivers wait only while the ring is empty; senders only while it is full (a
//   ring of
//       capacity 0 is both).
//   I3  A closed channel has no waiters and takes no more values.
// A goroutine that parks unlocks the channel in its commit, after its registers are saved; one that
// is woken finds its value moved already, and the waker is done with the channel.
//
// Prior art: Go, src/runtime/chan.go.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "runtime/rt_lock.h"
#include "runtime/wait_queue.h"

namespace gorun::runtime {

/// How to move and destroy values of a channel's type; null: as bytes, not at all.
struct ElementType {
  std::size_t size;
  std::size_t alignment;
  void (*move)(void* to, void* from);  // move-constructs *to; *from stays to be destroyed
  void (*destroy)(void* value);
};

/// One channel. Reference counted by its handles; see chan.h for what the operations promise.
class ChanCore {
 public:
  static ChanCore* make(std::size_t capacity, const ElementType& type);
  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    // acq_rel: the last one sees what all others did to the channel.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }

  // `chan` may be null: the nil channel. `slot` of a receive is raw room for a value, or null.
  static ChanStatus send(ChanCore* chan, void* value);
  static ChanStatus recv(ChanCore* chan, void* slot);
  static ChanStatus try_send(ChanCore* chan, void* value);
  static ChanStatus try_recv(ChanCore* chan, void* slot);
  static void close(ChanCore* chan);

  // For timers, from inside the runtime. offer: a try_send whose failure is no news; forget_one: a
  // try_recv that drops the value, and says whether there was one.
  void offer(void* value);
  bool forget_one();

  [[nodiscard]] std::size_t size() const { return count_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] bool is_closed() const { return closed_.load(std::memory_order_acquire); }

  /// Whether a try_recv or try_send might do something. Without the lock: what they say was so at
  /// some time during the call, which is all that an operation that does not wait can promise.
  [[nodiscard]] bool may_recv() const { return size() > 0 || !senders_.empty() || is_closed(); }
  [[nodiscard]] bool may_send() const {
    return size() < capacity_ || !receivers_.empty() || is_closed();
  }

  /// The name of the channel in reports. Once, before the channel is shared.
  static void set_label(ChanCore* chan, std::string label);
  [[nodiscard]] const std::string* label() const { return label_.get(); }

 private:
  friend class Select;

  ChanCore(std::size_t capacity, const ElementType& type) : capacity_(capacity), type_(&type) {}
  ~ChanCore() = default;
  void destroy();

  // Under lock_: completes the operation if it can be done now, and says which G to make ready.
  struct Done {
    bool done = false;
    ChanStatus status = ChanStatus::kWouldBlock;
    G* wake = nullptr;
  };
  Done send_now(void* value);
  Done recv_now(void* slot);

  void move(void* to, void* from) const;
  void drop(void* value) const;
  [[nodiscard]] std::byte* cell(std::size_t index);

  RtLock lock_;
  std::atomic<std::uint32_t> references_{1};
  std::atomic<bool> closed_{false};    // written under lock_; release pairs with is_closed()
  std::atomic<std::size_t> count_{0};  // values in the ring; written under lock_
  const std::size_t capacity_;
  const ElementType* const type_;
  std::size_t first_ = 0;                     // ring index of the oldest value. guarded by lock_
  WaiterList receivers_;                      // guarded by lock_
  WaiterList senders_;                        // guarded by lock_
  std::unique_ptr<const std::string> label_;  // null: none. Set before the channel is shared
  // The ring follows, in the same allocation.
};

}  // namespace gorun::runtime
