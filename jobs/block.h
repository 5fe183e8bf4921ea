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
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "jobs/system_error.h"
#include "jobs/text/byte_buffer.h"

namespace gorun::jobs {

class BlockRef;

/// What has bytes that blocks only show. threads  any.
class OthersBytes {
 public:
  OthersBytes() = default;
  OthersBytes(const OthersBytes&) = delete;
  OthersBytes& operator=(const OthersBytes&) = delete;
  virtual ~OthersBytes() = default;
  /// Nothing: what was seen of them until now was right.
  [[nodiscard]] virtual std::optional<SystemError> wrong() = 0;
};

class Block {
 public:
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  /// A block of `capacity` uninitialised bytes. errors: std::bad_alloc.
  [[nodiscard]] static BlockRef make(std::size_t capacity);
  /// A full one of bytes that lie elsewhere, as long as `owner` does, and are only read.
  [[nodiscard]] static BlockRef of_others(std::string_view bytes,
                                          std::shared_ptr<OthersBytes> owner);

  [[nodiscard]] char* data() { return bytes_.data(); }
  [[nodiscard]] std::size_t capacity() const { return bytes_.capacity(); }
  /// Who has the bytes, if it was made by of_others(); else nullptr.
  [[nodiscard]] OthersBytes* others() const { return owner_.get(); }
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
  Block(std::string_view bytes, std::shared_ptr<OthersBytes> owner)
      : owner_(std::move(owner)), bytes_(ByteBuffer::of_others(bytes)), used_(bytes.size()) {}
  ~Block() = default;

  void retain() { refs_.fetch_add(1, std::memory_order_relaxed); }  // the caller holds one already
  void drop() {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  std::atomic<std::uint32_t> refs_{1};
  std::shared_ptr<OthersBytes> owner_;  // nullptr: bytes_ is
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

inline BlockRef Block::of_others(std::string_view bytes, std::shared_ptr<OthersBytes> owner) {
  return BlockRef(new Block(bytes, std::move(owner)));
}

}  // namespace gorun::jobs
