// jobs/text/byte_buffer.h - memory for bytes that are about to be read into it.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

namespace gorun::jobs {

/// A growing block of bytes that, unlike std::vector, is not zeroed before it is filled. Moving
/// it keeps the address of the bytes, so views into it stay good. Move-only.
class ByteBuffer {
 public:
  [[nodiscard]] char* data() { return bytes_.get(); }
  [[nodiscard]] const char* data() const { return bytes_.get(); }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

  /// Makes room for `capacity` bytes and keeps the first `kept`, which are within the old ones.
  /// Views into the old memory end here if it moves.
  void reserve(std::size_t capacity, std::size_t kept = 0) {
    if (capacity <= capacity_) return;
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (kept > 0) std::memcpy(larger.get(), bytes_.get(), kept);
    bytes_ = std::move(larger);
    capacity_ = capacity;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
};

}  // namespace gorun::jobs
