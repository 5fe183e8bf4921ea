// tests/support/counted.h - Counted: a move-only value that knows how many of it are alive.
//
// A channel that loses, doubles or leaks a value shows as a count that is not zero at the end; one
// that moves a value twice shows as an id of kMovedFrom where a value was expected.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace gorun::test {

/// One value with an identity. `alive` counts those that still carry theirs: a moved-from one does
/// not, so conservation of values is `alive == 0` once all owners are gone.
class Counted {
 public:
  static constexpr int kMovedFrom = -1;

  Counted(int id, std::atomic<int>& alive) : id_(id), alive_(&alive) {
    alive_->fetch_add(1, std::memory_order_relaxed);
    objects().fetch_add(1, std::memory_order_relaxed);
  }
  Counted(Counted&& other) noexcept
      : id_(std::exchange(other.id_, kMovedFrom)), alive_(other.alive_) {
    objects().fetch_add(1, std::memory_order_relaxed);
  }
  Counted& operator=(Counted&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(alive_, other.alive_);
    return *this;
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() {
    if (id_ != kMovedFrom) alive_->fetch_sub(1, std::memory_order_relaxed);
    objects().fetch_sub(1, std::memory_order_relaxed);
  }

  [[nodiscard]] int id() const { return id_; }
  [[nodiscard]] bool has_value() const { return id_ != kMovedFrom; }

  /// Objects whose destructor has not run, moved-from ones included.
  static std::atomic<int>& objects() {
    static std::atomic<int> count{0};
    return count;
  }

 private:
  int id_;
  std::atomic<int>* alive_;
};

}  // namespace gorun::test
