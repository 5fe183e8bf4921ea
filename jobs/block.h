// jobs/block.h - a piece of memory that many items point into, freed with its last reference.
//
// The bytes of a file, of a pipe or of texts that a stage makes live in blocks; an item's text and
// fields are views. A batch holds a reference to every block that its items need, so cutting a
// chunk into a hundred thousand words copies nothing.
//
// Invariants
//   I1  Bytes below used() never change while more than one reference exists.
//   I2  Only a holder of the sole reference, or the batch that made the block, advances used().
// Not chosen: std::shared_ptr<char[]>. Two words a reference, and it zeroes what read(2) is about
// to
//   fill.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "jobs/text/byte_buffer.h"

namespace gorun::jobs {

class BlockRef;

class Block {
 public:
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  /// A block of `capacity` uninitialised bytes. errors: std::bad_alloc.
  [[nodiscard]] static BlockRef make(std::size_t capacity);

  [[nodiscard]] char* data() { return bytes_.data(); }
  [[nodiscard]] std::size_t capacity() const { return bytes_.capacity(); }
  [[nodiscard]] std::size_t used() const { return used_; }
  void set_used(std::size_t used) { used_ = used; }
  [[nodiscard]] std::size_t room() const { return capacity() - used_; }

  /// The memory itself, for a reader that fills and grows it; for the holder of the sole reference.
  [[nodiscard]] ByteBuffer& bytes() { return bytes_; }

  /// True if the caller's reference is the only one: then the bytes are its own to overwrite.
  [[nodiscard]] bool is_unique() const {
    return refs_.load(std::memory_order_acquire) == 1;  // pairs with the release in drop()
  }

 private:
  friend class BlockRef;
  explicit Block(std::size_t capacity) { bytes_.reserve(capacity); }
  ~Block() = default;

  void retain() { refs_.fetch_add(1, std::memory_order_relaxed); }  // the caller holds one already
  void drop() {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  std::atomic<std::uint32_t> refs_{1};
  ByteBuffer bytes_;
  std::size_t used_ = 0;
};

/// A reference to a block. Copying is thread-safe, as is using different references.
class BlockRef {
 public:
  BlockRef() = default;
  BlockRef(const BlockRef& other) : block_(other.block_) {
    if (block_ != nullptr) block_->retain();
  }
  BlockRef(BlockRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  BlockRef& operator=(BlockRef other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~BlockRef() {
    if (block_ != nullptr) block_->drop();
  }

  [[nodiscard]] Block* get() const { return block_; }
  Block* operator->() const { return block_; }
  explicit operator bool() const { return block_ != nullptr; }
  friend bool operator==(const BlockRef&, const BlockRef&) = default;

 private:
  friend class Block;
  explicit BlockRef(Block* block) : block_(block) {}
  Block* block_ = nullptr;
};

inline BlockRef Block::make(std::size_t capacity) { return BlockRef(new Block(capacity)); }

}  // namespace gorun::jobs
