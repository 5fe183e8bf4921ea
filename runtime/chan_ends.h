// runtime/chan_ends.h - Sender<T> and Receiver<T>: handles on one end of a channel.
//
//   auto [out, in] = make_chan<int>(16);
//   go([out = std::move(out)]() mutable { produce(out); });    // must close it, or never return
//   for (int value : in) use(value);
//
// A Chan<T> (chan.h) is both ends at once and converts to either, as in Go. What an end adds: a
// goroutine that holds only one of them cannot be its own peer, so that the runtime knows when
// nobody is left to meet. One that waits to receive once the last handle that could send is gone,
// or the reverse, waits for good. It is reported at once by Runtime::leaked(), and when the run
// ends in the words of describe(): "chan 1 0/16 without sender".
//
// Dropping the last sender does not close the channel: an end of a stream that nobody declared is a
// bug (an early return, say) and is not to be taken for the end of the data.
// Not chosen: finding them by a garbage collector's reachability, as Go 1.26 does. Here handles are
// counted anyway.
#pragma once

#include <cstddef>
#include <iterator>
#include <utility>

#include "runtime/chan.h"

namespace gorun::runtime {

namespace detail {

/// A counted handle that can do `kEnd`; null is the nil channel.
template <ChanCore::Ends kEnd>
class EndHandle {
 public:
  EndHandle() = default;
  explicit EndHandle(ChanCore* core) : core_(core) {
    if (core_ != nullptr) core_->retain(kEnd);
  }
  EndHandle(const EndHandle& other) : EndHandle(other.core_) {}
  EndHandle(EndHandle&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  EndHandle& operator=(EndHandle other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~EndHandle() {
    if (core_ != nullptr) core_->release(kEnd);
  }

  [[nodiscard]] bool is_nil() const { return core_ == nullptr; }
  /// The untyped channel, for select. May be null (nil channel).
  [[nodiscard]] ChanCore* core() const { return core_; }
  [[nodiscard]] std::size_t size() const { return core_ == nullptr ? 0 : core_->size(); }
  [[nodiscard]] std::size_t capacity() const { return core_ == nullptr ? 0 : core_->capacity(); }
  [[nodiscard]] bool is_closed() const { return core_ != nullptr && core_->is_closed(); }
  friend bool operator==(const EndHandle& a, const EndHandle& b) { return a.core_ == b.core_; }

 private:
  ChanCore* core_ = nullptr;
};

}  // namespace detail

/// A handle that can send and close. Members do what those of Chan<T> do.
template <class T>
class Sender : public detail::EndHandle<ChanCore::kSends> {
 public:
  using value_type = T;

  Sender() = default;                                      // of the nil channel
  Sender(const Chan<T>& chan) : EndHandle(chan.core()) {}  // NOLINT(google-explicit-constructor)

  ChanStatus send(T&& value) { return ChanCore::send(core(), &value); }
  ChanStatus send(const T& value) requires std::is_copy_constructible_v<T> {
    T copy(value);
    return ChanCore::send(core(), &copy);
  }
  ChanStatus try_send(T&& value) { return ChanCore::try_send(core(), &value); }
  ChanStatus try_send(const T& value) requires std::is_copy_constructible_v<T> {
    T copy(value);
    return ChanCore::try_send(core(), &copy);
  }
  void close() { ChanCore::close(core()); }
};

/// A handle that can receive. Members do what those of Chan<T> do.
template <class T>
class Receiver : public detail::EndHandle<ChanCore::kReceives> {
 public:
  using value_type = T;

  Receiver() = default;                                      // of the nil channel
  Receiver(const Chan<T>& chan) : EndHandle(chan.core()) {}  // NOLINT(google-explicit-constructor)

  Received<T> recv() {
    detail::RecvSlot<T> slot;
    return slot.take(ChanCore::recv(core(), slot.raw()));
  }
  Received<T> try_recv() {
    detail::RecvSlot<T> slot;
    return slot.take(ChanCore::try_recv(core(), slot.raw()));
  }
  detail::RecvIterator<Receiver> begin() { return detail::RecvIterator<Receiver>(this); }
  std::default_sentinel_t end() { return {}; }
};

/// The two ends of a fresh channel.
template <class T>
struct ChanEnds {
  Sender<T> out;
  Receiver<T> in;
};

/// A channel whose ring holds `capacity` values, as its two ends; `label` names it in reports.
template <class T>
[[nodiscard]] ChanEnds<T> make_chan(std::size_t capacity, std::string label = {}) {
  Chan<T> chan(capacity);
  if (!label.empty()) chan.set_label(std::move(label));
  return {chan, chan};
}

}  // namespace gorun::runtime
