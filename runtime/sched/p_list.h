// runtime/sched/p_list.h - the Ps of a run: more are made when it grows, none is ever unmade.
//
// Thieves and sysmon walk the list without a lock, so it must not move while it grows: there is
// room for as many as there may ever be, and only those made so far are seen.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "runtime/sched/p.h"

namespace gorun::runtime {

/// threads  add(): one at a time. All else: any.
class PList {
 public:
  explicit PList(std::size_t capacity)
      : capacity_(capacity), made_(std::make_unique<std::unique_ptr<P>[]>(capacity)) {}

  /// Makes one more, if there is room.
  void add() {
    const std::size_t count = size();
    if (count == capacity_) return;
    made_[count] = std::make_unique<P>(static_cast<int>(count));
    size_.store(count + 1, std::memory_order_release);  // pairs with size()
  }

  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_acquire); }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] const std::unique_ptr<P>& operator[](std::size_t i) const { return made_[i]; }
  [[nodiscard]] const std::unique_ptr<P>* begin() const { return made_.get(); }
  [[nodiscard]] const std::unique_ptr<P>* end() const { return made_.get() + size(); }

 private:
  const std::size_t capacity_;
  std::unique_ptr<std::unique_ptr<P>[]> made_;  // the first size_ are there
  std::atomic<std::size_t> size_{0};
};

}  // namespace gorun::runtime
