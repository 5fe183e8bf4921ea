// jobs/mapreduce/key_arena.h - the bytes of keys, which never move.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace gorun::jobs {

/// threads  one at a time.
class KeyArena {
 public:
  KeyArena() = default;
  /// What has been kept goes along; this one is empty then.
  KeyArena(KeyArena&& other) noexcept
      : blocks_(std::exchange(other.blocks_, {})),
        free_(std::exchange(other.free_, nullptr)),
        left_(std::exchange(other.left_, 0)),
        bytes_(std::exchange(other.bytes_, 0)) {}
  KeyArena& operator=(KeyArena&& other) noexcept {
    KeyArena moved(std::move(other));
    std::swap(blocks_, moved.blocks_);
    std::swap(free_, moved.free_);
    std::swap(left_, moved.left_);
    std::swap(bytes_, moved.bytes_);
    return *this;
  }

  /// Where a copy of the key lies.
  /// errors  std::bad_alloc
  const char* keep(std::string_view key) {
    if (key.size() > left_) begin_block(std::max(key.size(), kBlockBytes));
    char* const kept = free_;
    if (!key.empty()) std::memcpy(kept, key.data(), key.size());
    free_ += key.size();
    left_ -= key.size();
    return kept;
  }
  [[nodiscard]] std::size_t memory_bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kBlockBytes = std::size_t{64} * 1024;

  void begin_block(std::size_t bytes) {
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(bytes));
    free_ = blocks_.back().get();
    left_ = bytes;
    bytes_ += bytes;
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  char* free_ = nullptr;
  std::size_t left_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace gorun::jobs
