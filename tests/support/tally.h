// tests/support/tally.h - Tally: was every value sent received exactly once?
//
// Values are numbered 0 to n-1; each receiver marks what it got. Threads: mark() from any.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

namespace gorun::test {

class Tally {
 public:
  explicit Tally(std::size_t n) : times_(n) {}

  void mark(std::size_t value) {
    if (value >= times_.size()) {
      strangers_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    times_[value].fetch_add(1, std::memory_order_relaxed);
  }

  [[nodiscard]] std::size_t size() const { return times_.size(); }
  [[nodiscard]] bool is_marked(std::size_t value) const { return times_[value].load() > 0; }
  [[nodiscard]] std::size_t lost() const {
    return count([](int t) { return t == 0; });
  }
  [[nodiscard]] std::size_t doubled() const {
    return count([](int t) { return t > 1; });
  }
  [[nodiscard]] std::size_t marked() const {
    return count([](int t) { return t > 0; });
  }
  /// Values that nobody sent.
  [[nodiscard]] std::size_t strangers() const { return strangers_.load(); }

 private:
  template <class Predicate>
  std::size_t count(Predicate is) const {
    std::size_t n = 0;
    for (const std::atomic<int>& t : times_) n += is(t.load()) ? 1U : 0U;
    return n;
  }

  std::vector<std::atomic<int>> times_;
  std::atomic<std::size_t> strangers_{0};
};

}  // namespace gorun::test
