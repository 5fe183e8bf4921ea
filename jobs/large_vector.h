// jobs/large_vector.h - an array that grows, in huge pages once it is large.
//
// A std::vector of some hundred MiB that doubles copies all of it to memory that was never touched,
// in small pages, and zeroes what is new before that is overwritten. Here what has pages moves with
// them: the kernel writes down other addresses. What is beyond size() and was never part of it
// takes addresses only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

#include "jobs/large_memory.h"

namespace gorun::jobs {

/// threads  one at a time.
template <class T>
class LargeVector {
 public:
  static_assert(std::is_trivially_copyable_v<T>);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] T& operator[](std::size_t i) { return array_[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return array_[i]; }
  [[nodiscard]] std::span<T> all() { return {array_.get(), size_}; }
  [[nodiscard]] std::span<const T> all() const { return {array_.get(), size_}; }

  /// Appends `count` values, not set yet. May move all of them.
  /// errors  std::bad_alloc
  [[nodiscard]] std::span<T> append(std::size_t count) {
    if (size_ + count > capacity_) grow(std::max(size_ + count, capacity_ * 2));
    const std::span<T> added(array_.get() + size_, count);
    size_ += count;
    most_ = std::max(most_, size_);
    return added;
  }
  /// True if append() would leave all where they are.
  [[nodiscard]] bool has_room(std::size_t count) const { return size_ + count <= capacity_; }
  /// Keeps the memory.
  void clear() { size_ = 0; }

  /// Of the memory that has been used, whether or not it is now.
  [[nodiscard]] std::size_t bytes() const { return most_ * sizeof(T); }

 private:
  void grow(std::size_t capacity) {
    constexpr std::size_t kFirst = 64;
    capacity = std::max(capacity, kFirst);
    LargeArray<T> grown = make_large_array<T>(capacity);
    if (!move_pages(&array_, grown.get()) && size_ > 0) {
      std::memcpy(grown.get(), array_.get(), size_ * sizeof(T));
    }
    array_ = std::move(grown);
    capacity_ = capacity;
  }

  LargeArray<T> array_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t most_ = 0;  // that size_ has been
};

}  // namespace gorun::jobs
