// runtime/select.h - select: wait for the first of several channel operations.
//
// Exactly one case runs. If several are ready one is chosen at random, so that none starves; the
// prioritized form takes the first ready case in the order written. A select over nil channels
// only, without default or timeout, parks for ever. The same channel may appear in several cases.
//
//   int got; Selected s = select(recv_case(numbers, got), recv_case(quit), timeout_case(5ms));
//   if (s.index == 0 && s.status == ChanStatus::kOk) use(got);
//
// A closed channel makes its case ready, with status kClosed. Locks are taken in address order; up
// to kInlineCases cases need no allocation.
#pragma once

#include <array>
#include <concepts>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "runtime/chan_ends.h"
#include "runtime/timer.h"

namespace gorun::runtime {

/// Which case ran (its position in the argument list), and how it ended: kOk or kClosed for a
/// channel case, kWouldBlock for the default case, kTimedOut for the timeout case.
struct Selected {
  int index = -1;
  ChanStatus status = ChanStatus::kWouldBlock;
};

enum class CaseKind : unsigned char { kRecv, kSend, kDefault, kTimeout };

/// One untyped case; made by the functions below and valid while their arguments live.
struct SelectCase {
  CaseKind kind = CaseKind::kDefault;
  ChanCore* chan = nullptr;  // null: nil channel, never ready
  void* slot = nullptr;      // recv: raw room for a value, or null to drop it; send: the value
  Nanos timeout{0};
};

enum class SelectOrder { kRandom, kPrioritized };

/// The form for a number of cases known at run time. `cases` is not kept.
Selected select(std::span<SelectCase> cases, SelectOrder order = SelectOrder::kRandom);

namespace detail {

// A case as the caller wrote it: lower() names it to the untyped select, deliver() is called after
// that if it ran with kOk.

/// Receives into raw room, and moves the value into the caller's variable afterwards.
template <class T, class Target>
struct RecvInto {
  ChanCore* chan;
  Target& out;
  alignas(T) std::byte raw[sizeof(T)];

  SelectCase lower() { return {CaseKind::kRecv, chan, raw}; }
  void deliver() {
    T* value = std::launder(reinterpret_cast<T*>(raw));
    if constexpr (std::is_same_v<Target, T>) {
      out = std::move(*value);
    } else {
      out.emplace(std::move(*value));  // an optional: T may lack an assignment
    }
    value->~T();
  }
};

/// Receives right into the caller's variable, which takes the bytes of a value.
template <class T>
struct RecvBytes {
  ChanCore* chan;
  T& out;

  SelectCase lower() { return {CaseKind::kRecv, chan, &out}; }
  void deliver() {}
};

struct Lowered {
  SelectCase it;

  SelectCase lower() const { return it; }
  void deliver() const {}
};

}  // namespace detail

/// A handle that can receive a T, or send one: Chan<T>, or one of its ends (chan_ends.h).
template <class Handle, class T>
concept ReceivesOf = std::same_as<Handle, Chan<T>> || std::same_as<Handle, Receiver<T>>;
template <class Handle, class T>
concept SendsOf = std::same_as<Handle, Chan<T>> || std::same_as<Handle, Sender<T>>;

/// Receives into `out`, which is assigned only if this case runs with kOk.
template <class T, ReceivesOf<T> Handle>
auto recv_case(Handle& chan, T& out) {
  if constexpr (std::is_trivially_copyable_v<T>) {
    return detail::RecvBytes<T>{chan.core(), out};
  } else {
    return detail::RecvInto<T, T>{chan.core(), out, {}};
  }
}
template <class T, ReceivesOf<T> Handle>
auto recv_case(Handle& chan, std::optional<T>& out) {
  return detail::RecvInto<T, std::optional<T>>{chan.core(), out, {}};
}
/// Receives and drops the value: for channels that only signal.
template <ReceivesOf<Unit> Handle>
detail::Lowered recv_case(Handle& chan) {
  return {{CaseKind::kRecv, chan.core(), nullptr}};
}
/// Sends `value`, which is moved from only if this case runs with kOk.
template <class T, SendsOf<T> Handle>
detail::Lowered send_case(Handle& chan, T& value) {
  return {{CaseKind::kSend, chan.core(), &value}};
}
/// Runs at once when no other case is ready.
inline detail::Lowered default_case() { return {{CaseKind::kDefault}}; }
/// Runs when no other case became ready within `after` (relative, monotonic clock).
inline detail::Lowered timeout_case(Nanos after) {
  return {{CaseKind::kTimeout, nullptr, nullptr, after}};
}

template <class... Cases>
Selected select(SelectOrder order, Cases&&... cases) {
  std::array<SelectCase, sizeof...(Cases)> lowered{cases.lower()...};
  const Selected chosen = select(std::span<SelectCase>(lowered), order);
  if (chosen.status == ChanStatus::kOk) {
    int index = 0;
    ((index++ == chosen.index ? cases.deliver() : void()), ...);
  }
  return chosen;
}

/// Waits for one of the cases; see the file's opening comment.
template <class First, class... Rest>
requires requires(First& first) { first.lower(); }
Selected select(First&& first, Rest&&... rest) {
  return select(SelectOrder::kRandom, std::forward<First>(first), std::forward<Rest>(rest)...);
}

}  // namespace gorun::runtime
