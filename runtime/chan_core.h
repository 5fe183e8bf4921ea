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
// Handles are counted by what they can do (chan_ends.h): the channel goes with the last of them,
// and once the last that could send is gone, those that wait to receive wait for good. Whoever
// drops it marks the channel and looks for those that are parked, both under lock_; whoever parks
// afterwards finds the mark. While it looks it keeps the channel by a pin.
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
  /// What a handle can do, as its part of the count of handles.
  enum Ends : std::uint64_t {
    kSends = 1,
    kReceives = std::uint64_t{1} << 31,
    kBothEnds = kSends | kReceives,
  };

  /// With one handle, of both ends.
  static ChanCore* make(std::size_t capacity, const ElementType& type);
  void retain(Ends ends) { handles_.fetch_add(ends, std::memory_order_relaxed); }
  void release(Ends ends);

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
  /// No branches: which one of several channels is ready no processor can guess.
  [[nodiscard]] bool may_recv() const {
    const bool has_value = size() > 0;
    const bool has_sender = !senders_.empty();
    const bool has_end = is_closed();
    return has_value | has_sender | has_end;
  }
  [[nodiscard]] bool may_send() const {
    const bool has_room = size() < capacity_;
    const bool has_receiver = !receivers_.empty();
    const bool has_end = is_closed();
    return has_room | has_receiver | has_end;
  }

  /// Whether a handle is left that can send, and one that can receive. A hint without the lock.
  [[nodiscard]] bool has_senders() const { return can_send(handles()); }
  [[nodiscard]] bool has_receivers() const { return can_receive(handles()); }

  /// The name of the channel in reports. Once, before the channel is shared.
  static void set_label(ChanCore* chan, std::string label);
  [[nodiscard]] const std::string* label() const { return label_.get(); }

 private:
  friend class DoneWaiter;
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

  // The count of handles: that of senders, that of receivers, and above them that of pins.
  static constexpr std::uint64_t kPin = std::uint64_t{1} << 62;
  static constexpr std::uint64_t kCountMask = (std::uint64_t{1} << 31) - 1;
  static constexpr bool can_send(std::uint64_t handles) { return (handles & kCountMask) != 0; }
  static constexpr bool can_receive(std::uint64_t handles) {
    return (handles >> 31 & kCountMask) != 0;
  }
  static constexpr bool is_one_sided(std::uint64_t handles) {
    return can_send(handles) != can_receive(handles);
  }
  [[nodiscard]] bool is_orphaned() const { return orphaned_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t handles() const { return handles_.load(std::memory_order_relaxed); }
  void note_orphans();

  void move(void* to, void* from) const;
  void drop(void* value) const;
  [[nodiscard]] std::byte* cell(std::size_t index);

  RtLock lock_;
  std::atomic<std::uint64_t> handles_{kBothEnds};
  std::atomic<bool> orphaned_{false};  // one end has no handle left; relaxed: under lock_, or late
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
