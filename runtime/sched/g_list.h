// runtime/sched/g_list.h - a few runnable Gs on their way into a run queue, oldest first.
#pragma once

#include <cstddef>

#include "runtime/sched/g.h"

namespace gorun::runtime {

/// Links Gs by G::next: a G in a list is in no queue. One thread at a time.
class GList {
 public:
  void push(G* gp) {
    gp->next = nullptr;
    (tail_ == nullptr ? head_ : tail_->next) = gp;
    tail_ = gp;
    ++size_;
  }
  G* pop() {
    G* gp = head_;
    if (gp == nullptr) return nullptr;
    head_ = gp->next;
    if (head_ == nullptr) tail_ = nullptr;
    --size_;
    return gp;
  }
  /// Moves all of `other` behind what is here, without touching a G but the two at the seam.
  void append(GList& other) {
    if (other.empty()) return;
    (tail_ == nullptr ? head_ : tail_->next) = other.head_;
    tail_ = other.tail_;
    size_ += other.size_;
    other.head_ = other.tail_ = nullptr;
    other.size_ = 0;
  }
  /// The oldest, which stays; or null.
  [[nodiscard]] G* head() const { return head_; }
  [[nodiscard]] bool empty() const { return head_ == nullptr; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  G* head_ = nullptr;
  G* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace gorun::runtime
