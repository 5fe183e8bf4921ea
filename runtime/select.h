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
#include <optional>
#include <span>

#include "runtime/chan.h"
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
  // recv: moves the value from raw room into the caller's variable, after the select
  void (*deliver)(void* target, void* raw) = nullptr;
  void* target = nullptr;
};

enum class SelectOrder { kRandom, kPrioritized };

/// The form for a number of cases known at run time. `cases` is not kept.
Selected select(std::span<SelectCase> cases, SelectOrder order = SelectOrder::kRandom);

namespace detail {
template <class T>
struct RecvInto {
  Chan<T>& chan;
  std::optional<T>& out;
  alignas(T) std::byte raw[sizeof(T)];
  SelectCase lower() {
    return {CaseKind::kRecv,
            chan.core(),
            raw,
            Nanos{0},
            +[](void* target, void* from) {
              T* value = std::launder(static_cast<T*>(from));
              static_cast<std::optional<T>*>(target)->emplace(std::move(*value));
              value->~T();
            },
            &out};
  }
};
template <class T>
struct RecvAssign {
  Chan<T>& chan;
  T& out;
  alignas(T) std::byte raw[sizeof(T)];
  SelectCase lower() {
    return {CaseKind::kRecv,
            chan.core(),
            raw,
            Nanos{0},
            +[](void* target, void* from) {
              T* value = std::launder(static_cast<T*>(from));
              *static_cast<T*>(target) = std::move(*value);
              value->~T();
            },
            &out};
  }
};
struct Lowered {
  SelectCase it;
  SelectCase lower() const { return it; }
};
}  // namespace detail

/// Receives into `out`, which is assigned only if this case runs with kOk.
template <class T>
auto recv_case(Chan<T>& chan, T& out) {
  return detail::RecvAssign<T>{chan, out, {}};
}
template <class T>
auto recv_case(Chan<T>& chan, std::optional<T>& out) {
  return detail::RecvInto<T>{chan, out, {}};
}
/// Receives and drops the value: for channels that only signal.
inline detail::Lowered recv_case(Chan<Unit>& chan) {
  return {{CaseKind::kRecv, chan.core(), nullptr, Nanos{0}, nullptr, nullptr}};
}
/// Sends `value`, which is moved from only if this case runs with kOk.
template <class T>
detail::Lowered send_case(Chan<T>& chan, T& value) {
  return {{CaseKind::kSend, chan.core(), &value, Nanos{0}, nullptr, nullptr}};
}
/// Runs at once when no other case is ready.
inline detail::Lowered default_case() {
  return {{CaseKind::kDefault, nullptr, nullptr, Nanos{0}, nullptr, nullptr}};
}
/// Runs when no other case became ready within `after` (relative, monotonic clock).
inline detail::Lowered timeout_case(Nanos after) {
  return {{CaseKind::kTimeout, nullptr, nullptr, after, nullptr, nullptr}};
}

template <class... Cases>
Selected select(SelectOrder order, Cases&&... cases) {
  std::array<SelectCase, sizeof...(Cases)> lowered{cases.lower()...};
  const Selected chosen = select(std::span<SelectCase>(lowered), order);
  if (chosen.status == ChanStatus::kOk) {
    SelectCase& ran = lowered[static_cast<std::size_t>(chosen.index)];
    if (ran.deliver != nullptr) ran.deliver(ran.target, ran.slot);
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
