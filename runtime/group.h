// runtime/group.h - Group: goroutines that work on one thing; the first error cancels the rest.
//
//   Group group(request);                       // cancelled when `request` is
//   group.limit(8);
//   for (const auto& url : urls) group.go([&] { fetch(url, group.cancel()); });
//   if (std::exception_ptr error = group.wait()) ...
//
// Errors are values: an exception that leaves a goroutine of the group is kept, as is an
// std::exception_ptr that it returns. The first one cancels the group's Cancel and is what wait()
// returns; later ones, mostly consequences of the first, are dropped.
//
// A Group does not outlive its goroutines: the destructor cancels what still runs and waits for it,
// so that an exception between go() and wait() leaves nobody behind with references to a dead
// frame.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include "runtime/cancel.h"
#include "runtime/runtime.h"
#include "runtime/spawn_site.h"
#include "runtime/sync.h"

namespace gorun::runtime {

/// threads  go, try_go: any goroutine, those of the group included. limit, wait: the owner.
/// order    the end of every goroutine of the group happens-before the return of wait().
/// source   Go, golang.org/x/sync/errgroup.
class Group {
 public:
  Group() = default;
  /// A group that is cancelled with `parent`.
  explicit Group(const Cancel& parent) : cancel_(parent.child()) {}
  ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  /// At most `n` goroutines at a time, n > 0. Before the first go().
  void limit(std::int64_t n);

  /// Runs `f()` in a goroutine; parks first while the group is at its limit. `f` returns nothing,
  /// or an error: something convertible to std::exception_ptr, null for success.
  template <class F>
  void go(F f, SpawnSite where = SpawnSite::current()) {
    go(StackClass::kDefault, std::move(f), where);
  }
  template <class F>
  void go(StackClass stack, F f, SpawnSite where = SpawnSite::current()) {
    if (permits_ != nullptr) permits_->acquire();
    start(stack, std::move(f), where);
  }

  /// The same, but returns false, without having moved from `f`, when the group is at its limit.
  template <class F>
  [[nodiscard]] bool try_go(F&& f, SpawnSite where = SpawnSite::current()) {
    const bool admitted = permits_ == nullptr || permits_->try_acquire();
    if (admitted) start(StackClass::kDefault, std::decay_t<F>(std::forward<F>(f)), where);
    return admitted;
  }

  /// Cancelled by the first error, by wait(), and with the parent.
  [[nodiscard]] const Cancel& cancel() const { return cancel_; }

  /// Waits for all goroutines; returns the first error, or null. Cancels the group's Cancel, so
  /// that nothing below it lingers.
  [[nodiscard]] std::exception_ptr wait();

 private:
  template <class F>
  static std::exception_ptr error_of(F& f) {
    using Result = std::invoke_result_t<F&>;
    static_assert(std::is_void_v<Result> || std::convertible_to<Result, std::exception_ptr>,
                  "a goroutine of a group returns nothing or an error");
    try {
      if constexpr (std::is_void_v<Result>) {
        f();
        return nullptr;
      } else {
        return f();
      }
    } catch (...) {
      return std::current_exception();
    }
  }

  template <class F>
  void start(StackClass stack, F f, SpawnSite where) {
    running_.add(1);
    runtime::go(
        stack,
        [this, body = std::move(f)]() mutable {
          {
            F local = std::move(body);  // gone, with what it holds, before the group may be
            ended(error_of(local));
          }
          left();
        },
        where);
  }

  void ended(std::exception_ptr error);
  void left();

  Cancel cancel_;
  WaitGroup running_;
  std::unique_ptr<Semaphore> permits_;  // null: no limit
  Mutex mutex_;
  std::exception_ptr first_error_;  // guarded by mutex_
};

}  // namespace gorun::runtime
