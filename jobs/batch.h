// jobs/batch.h - items that travel together, and the blocks that their bytes live in.
//
// A channel operation is paid for each batch and not for each item. A batch owns its table of items
// and holds a reference to each block that they point into; text that a stage makes goes into
// blocks of the batch itself.
//
// Invariants
//   I1  Every view of every item points into a block that the batch holds, or into what outlives
//   the run
//       (literals, the graph).
//   I2  A batch is used by one goroutine at a time; its blocks may be shared with other batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/block.h"
#include "jobs/item.h"

namespace gorun::jobs {

/// Items at which a batch is passed on, when its reader has no wish of its own: enough to make a
/// channel operation (~100 ns) small beside the work, few enough for the table (16 KiB) to stay in
/// the first-level cache.
inline constexpr std::size_t kBatchItems = 512;
/// Bytes of texts and fields at which a batch is passed on, whatever the number of its items.
inline constexpr std::size_t kBatchBytes = std::size_t{64} << 10;

/// Something that travels and is no item: partial results, work that a stage puts back for itself.
class Parcel {
 public:
  virtual ~Parcel() = default;
};
using ParcelPtr = std::unique_ptr<Parcel>;

class Batch {
 public:
  Batch() = default;
  Batch(Batch&& other) noexcept
      : items_(std::move(other.items_)),
        blocks_(std::move(other.blocks_)),
        parcel_(std::move(other.parcel_)),
        open_(std::exchange(other.open_, nullptr)),
        dropped_(std::exchange(other.dropped_, 0)),
        hidden_bytes_(std::exchange(other.hidden_bytes_, 0)),
        lines_(std::exchange(other.lines_, 0)) {}
  Batch& operator=(Batch&& other) noexcept {
    items_ = std::move(other.items_);
    blocks_ = std::move(other.blocks_);
    parcel_ = std::move(other.parcel_);
    open_ = std::exchange(other.open_, nullptr);
    dropped_ = std::exchange(other.dropped_, 0);
    hidden_bytes_ = std::exchange(other.hidden_bytes_, 0);
    lines_ = std::exchange(other.lines_, 0);
    return *this;
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  /// The items that it stands for: more than size() if nobody has cut them yet.
  [[nodiscard]] std::uint64_t count() const { return lines_ > 0 ? lines_ : items_.size(); }
  /// Its only item is a text, whose lines are the items: so many, which are not 0. Only for a
  /// reader that takes these (Out::takes_lines).
  void set_lines(std::uint64_t lines) { lines_ = lines; }
  [[nodiscard]] std::uint64_t lines() const { return lines_; }
  /// The items, to be read, changed in place, or thinned out with truncate().
  [[nodiscard]] std::span<Item> items() { return items_; }
  [[nodiscard]] std::span<const Item> items() const { return items_; }

  /// Appends an item, whose bytes this batch holds (I1).
  void push(const Item& item) { items_.push_back(item); }
  /// Appends `count` items, to be set in place.
  [[nodiscard]] std::span<Item> push_empty(std::size_t count) {
    items_.resize(items_.size() + count);
    return std::span(items_).last(count);
  }
  void reserve(std::size_t count) { items_.reserve(count); }
  /// Drops all items but the first `count`.
  void truncate(std::size_t count) {
    dropped_ += items_.size() - count;
    items_.resize(count);
  }
  /// True if most of the items that there were have been dropped: what the blocks hold is theirs.
  [[nodiscard]] bool is_thin() const { return dropped_ > 3 * items_.size(); }

  /// Keeps `block` alive as long as this batch.
  ///
  /// returns  its bytes, if it was not among the last that were kept; so does keep_all().
  std::size_t keep(const BlockRef& block);
  /// Keeps what `other` keeps: items may then be taken over from it.
  std::size_t keep_all(const Batch& other);
  /// True if its blocks are all memory of others (Block::of_others), who are then among `owners`.
  [[nodiscard]] bool lies_elsewhere(std::vector<OthersBytes*>* owners) const;
  /// What OthersBytes::wrong() says of any of them.
  [[nodiscard]] std::optional<SystemError> wrong_with_others() const;
  /// `size` bytes of this batch's own, uninitialised. Valid as long as the batch or a copy.
  [[nodiscard]] char* allocate(std::size_t size) {
    if (open_ == nullptr || open_->room() < size) add_block(size);
    char* at = open_->data() + open_->used();
    open_->set_used(open_->used() + size);
    return at;
  }
  /// A copy of `bytes` that this batch owns.
  [[nodiscard]] std::string_view copy(std::string_view bytes);
  /// `count` fields of this batch's own, empty.
  [[nodiscard]] std::span<Field> allocate_fields(std::size_t count);
  /// Gives `item` further fields, which replace those of the same name; names and values live in
  /// this batch or longer.
  void set_fields(Item* item, std::span<const Field> fields);
  /// A copy of `item` with all that it points to, which this batch owns.
  [[nodiscard]] Item copy(const Item& item);
  /// The same, appended.
  void push_copy(const Item& item) { push(copy(item)); }

  /// A batch of items [begin, begin + count) that shares this one's blocks.
  [[nodiscard]] Batch slice(std::size_t begin, std::size_t count) const;
  /// A batch of some of the items, as if the others were dropped, that shares the blocks.
  [[nodiscard]] Batch pick(std::span<const Item> items) const;
  /// All items, sharing the blocks.
  [[nodiscard]] Batch duplicate() const {
    Batch same = slice(0, size());
    same.lines_ = lines_;
    return same;
  }

  /// Lets something travel with the batch, which then may hold no item. Parts and duplicates are
  /// made without it.
  void attach(ParcelPtr parcel) { parcel_ = std::move(parcel); }
  [[nodiscard]] ParcelPtr detach() { return std::move(parcel_); }

  /// Empties the batch; the table's memory stays for the next items.
  void clear();

  /// Bytes of all texts. Linear.
  [[nodiscard]] std::size_t text_bytes() const;
  /// Bytes of all texts and fields, and those that are hidden. Linear.
  [[nodiscard]] std::size_t bytes() const;
  /// Adds bytes that the items need and that neither their texts nor their fields show. Of a part
  /// nobody knows which are its own: it counts all of them.
  void hide_bytes(std::size_t bytes) { hidden_bytes_ += bytes; }

 private:
  void add_block(std::size_t least);

  std::vector<Item> items_;
  std::vector<BlockRef> blocks_;
  ParcelPtr parcel_;
  Block* open_ = nullptr;    // the block of blocks_ that allocate() fills; only this batch does
  std::size_t dropped_ = 0;  // items
  std::size_t hidden_bytes_ = 0;
  std::uint64_t lines_ = 0;  // 0: the items are cut
};

}  // namespace gorun::jobs
