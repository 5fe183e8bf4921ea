// runtime/chan.h - Chan<T>: typed handles on bounded, first-in first-out channels between
// goroutines.
//
// A channel is a rendezvous (capacity 0) or a bounded ring (capacity n). Values leave in the order
// in which their sends completed; parked senders and receivers are served first come, first served.
// A value goes straight into a parked receiver's slot, without a hop through the ring.
//
// A Chan<T> is a handle: copies name the same channel, the last handle frees it. A
// default-constructed handle is the nil channel: send and recv on it park for ever, try_ operations
// would block, and a select case on it never fires (which is how a case is switched off).
//
// Unlike Go, closing is a status and never a panic: senders parked at or arriving after close() get
// kClosed and keep their value, because the stages of a pipeline shut down in any order. Closing
// twice is a bug and aborts.
//
// A handle that can only send, or only receive, says more: see chan_ends.h.
//
// This file is the typed shell; the algorithm lives once, untyped, in chan_core.h.
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "runtime/chan_core.h"

namespace gorun::runtime {

/// The payload of channels that only signal: `Chan<Unit> done;`.
struct Unit {};

/// What recv() returns: `status` kOk and a value, or a status that says why there is none.
template <class T>
struct [[nodiscard]] Received {
  ChanStatus status = ChanStatus::kClosed;
  std::optional<T> value;

  explicit operator bool() const { return value.has_value(); }
  T& operator*() { return *value; }
  T* operator->() { return &*value; }
};

namespace detail {

/// Room for one T that a sender fills; alive only after a kOk.
template <class T>
class RecvSlot {
 public:
  void* raw() { return storage_; }
  Received<T> take(ChanStatus status) {
    Received<T> got;
    got.status = status;
    if (status == ChanStatus::kOk) {
      T* value = std::launder(reinterpret_cast<T*>(storage_));
      got.value.emplace(std::move(*value));
      value->~T();
    }
    return got;
  }

 private:
  alignas(T) std::byte storage_[sizeof(T)];
};

/// The receives of a range-for over a `Handle`.
template <class Handle>
class RecvIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = typename Handle::value_type;
  using difference_type = std::ptrdiff_t;
  explicit RecvIterator(Handle* chan) : chan_(chan) { ++*this; }
  value_type& operator*() { return *got_; }
  RecvIterator& operator++() {
    got_ = std::move(chan_->recv().value);
    return *this;
  }
  friend bool operator==(const RecvIterator& it, std::default_sentinel_t) { return !it.got_; }

 private:
  Handle* chan_;
  std::optional<value_type> got_;
};

}  // namespace detail

/// A handle on a channel of T. T is movable with a noexcept move.
///
/// threads  any goroutine on any M. Calling a parking operation outside a goroutine is a bug and
///          aborts the process.
/// order    what precedes a send happens-before the return of the receive that takes its value;
/// what
///          precedes close() happens-before a receive that returns kClosed because of it; the k-th
///          receive on a channel of capacity c happens-before the return of the (k+c)-th send.
/// source   The Go specification, "Channel types", "Send statements", "Receive operator", "Close".
template <class T>
class Chan {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "a value is moved under the channel's lock: its move must not throw");

 public:
  using value_type = T;

  Chan() = default;  // the nil channel

  /// A channel whose ring holds `capacity` values; 0 makes every send a rendezvous.
  explicit Chan(std::size_t capacity) : core_(ChanCore::make(capacity, element_type())) {}

  Chan(const Chan& other) : core_(other.core_) {
    if (core_ != nullptr) core_->retain(ChanCore::kBothEnds);
  }
  Chan(Chan&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  Chan& operator=(Chan other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~Chan() {
    if (core_ != nullptr) core_->release(ChanCore::kBothEnds);
  }

  /// Sends `value`, parking the calling G until a receiver or a free slot takes it.
  /// returns  kOk, or kClosed, in which case `value` is not moved from.
  ChanStatus send(T&& value) { return ChanCore::send(core_, &value); }
  ChanStatus send(const T& value) requires std::is_copy_constructible_v<T> {
    T copy(value);
    return ChanCore::send(core_, &copy);
  }

  /// Sends without parking. returns kOk, kClosed or kWouldBlock; moves from `value` only on kOk.
  ChanStatus try_send(T&& value) { return ChanCore::try_send(core_, &value); }
  ChanStatus try_send(const T& value) requires std::is_copy_constructible_v<T> {
    T copy(value);
    return ChanCore::try_send(core_, &copy);
  }

  /// Receives the next value, parking until there is one. A closed channel yields what its ring
  /// still holds, then kClosed.
  Received<T> recv() {
    detail::RecvSlot<T> slot;
    return slot.take(ChanCore::recv(core_, slot.raw()));
  }

  /// Receives without parking: kOk, kClosed or kWouldBlock.
  Received<T> try_recv() {
    detail::RecvSlot<T> slot;
    return slot.take(ChanCore::try_recv(core_, slot.raw()));
  }

  /// Ends the stream: wakes every parked sender and receiver. Aborts on a nil or closed channel.
  void close() { ChanCore::close(core_); }

  /// Values in the ring now; a hint, as it may change before the caller looks.
  [[nodiscard]] std::size_t size() const { return core_ == nullptr ? 0 : core_->size(); }
  [[nodiscard]] std::size_t capacity() const { return core_ == nullptr ? 0 : core_->capacity(); }
  /// True once close() was called; values may still wait in the ring.
  [[nodiscard]] bool is_closed() const { return core_ != nullptr && core_->is_closed(); }
  /// Names the channel in reports. Called once, before the channel is shared; aborts on a nil one.
  void set_label(std::string label) { ChanCore::set_label(core_, std::move(label)); }
  [[nodiscard]] bool is_nil() const { return core_ == nullptr; }
  friend bool operator==(const Chan& a, const Chan& b) { return a.core_ == b.core_; }

  /// `for (T& value : chan)` receives until the channel is closed and drained.
  detail::RecvIterator<Chan> begin() { return detail::RecvIterator<Chan>(this); }
  std::default_sentinel_t end() { return {}; }

  /// The untyped channel, for select. May be null (nil channel).
  [[nodiscard]] ChanCore* core() const { return core_; }

 private:
  static const ElementType& element_type() {
    static constexpr ElementType kType{
        sizeof(T), alignof(T),
        std::is_trivially_copyable_v<T>
            ? nullptr
            : +[](void* to, void* from) { ::new (to) T(std::move(*static_cast<T*>(from))); },
        std::is_trivially_destructible_v<T> ? nullptr
                                            : +[](void* value) { static_cast<T*>(value)->~T(); }};
    return kType;
  }

  ChanCore* core_ = nullptr;
};

}  // namespace gorun::runtime
