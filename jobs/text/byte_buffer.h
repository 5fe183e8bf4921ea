// jobs/text/byte_buffer.h - memory for bytes that are about to be read into it.
//
// A large one begins 64 bytes behind the border of a page. The kernel copies from whole pages, and
// "rep movsb" of AMD's processors (seen on EPYC; fsrm) copies four times slower to an address that
// lies 1 to 31 bytes behind its source, counted within a page: which is where malloc puts large
// blocks (16 bytes behind a border), and where the rest of a short record in front of what is read
// next would put it (`hash_floor copy` shows both).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace gorun::jobs {

/// A growing block of bytes that, unlike std::vector, is not zeroed before it is filled. Moving
/// it keeps the address of the bytes, so views into it stay good. Move-only.
class ByteBuffer {
 public:
  ByteBuffer() = default;
  explicit ByteBuffer(std::size_t capacity) { reserve(capacity); }
  /// Bytes that somebody else owns, to be read and not to be written to, nor to grow.
  [[nodiscard]] static ByteBuffer of_others(std::string_view bytes) {
    ByteBuffer made;
    made.begin_ = const_cast<char*>(bytes.data());
    made.capacity_ = bytes.size();
    return made;
  }
  ByteBuffer(ByteBuffer&& other) noexcept
      : memory_(std::move(other.memory_)),
        begin_(std::exchange(other.begin_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    memory_ = std::move(other.memory_);
    begin_ = std::exchange(other.begin_, nullptr);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;
  ~ByteBuffer() = default;

  [[nodiscard]] char* data() { return begin_; }
  [[nodiscard]] const char* data() const { return begin_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  /// All of it.
  [[nodiscard]] std::span<char> span() { return {begin_, capacity_}; }

  /// Makes room for `capacity` bytes and keeps the first `kept`, which are within the old ones.
  /// Views into the old memory end here if it moves.
  void reserve(std::size_t capacity, std::size_t kept = 0) {
    if (capacity <= capacity_) return;
    const std::size_t slack = capacity >= kLargeBytes ? kPageBytes : 0;
    auto larger = std::make_unique_for_overwrite<char[]>(capacity + slack);
    char* begin = larger.get();
    if (slack > 0) {
      const std::size_t at = reinterpret_cast<std::uintptr_t>(begin) % kPageBytes;
      begin += (kPageBytes + kBehindBorder - at) % kPageBytes;
    }
    if (kept > 0) std::memcpy(begin, begin_, kept);
    memory_ = std::move(larger);
    begin_ = begin;
    capacity_ = capacity;
  }

 private:
  static constexpr std::size_t kLargeBytes = std::size_t{32} << 10;
  static constexpr std::size_t kPageBytes = 4096;
  static constexpr std::size_t kBehindBorder = 64;

  std::unique_ptr<char[]> memory_;
  char* begin_ = nullptr;  // in memory_
  std::size_t capacity_ = 0;
};

}  // namespace gorun::jobs
