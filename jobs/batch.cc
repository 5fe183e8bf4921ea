#include "jobs/batch.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>

namespace gorun::jobs {
namespace {

// Blocks for made texts start small, because many batches hold a single short item.
constexpr std::size_t kFirstBlock = std::size_t{2} << 10;
constexpr std::size_t kLargestBlock = std::size_t{256} << 10;

std::size_t align_up(std::size_t value, std::size_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

}  // namespace

std::size_t Batch::keep(const BlockRef& block) {
  // Items come in runs from one block, so the last few references tell nearly always.
  constexpr std::size_t kLook = 4;
  const std::size_t begin = blocks_.size() > kLook ? blocks_.size() - kLook : 0;
  for (std::size_t i = blocks_.size(); i > begin; --i) {
    if (blocks_[i - 1] == block) return 0;
  }
  blocks_.push_back(block);
  return block->capacity();
}

std::size_t Batch::keep_all(const Batch& other) {
  std::size_t bytes = 0;
  for (const BlockRef& block : other.blocks_) bytes += keep(block);
  return bytes;
}

bool Batch::lies_elsewhere(std::vector<OthersBytes*>* owners) const {
  for (const BlockRef& block : blocks_) {
    OthersBytes* const owner = block->others();
    if (owner == nullptr) return false;
    if (std::ranges::find(*owners, owner) == owners->end()) owners->push_back(owner);
  }
  return true;
}

std::optional<SystemError> Batch::wrong_with_others() const {
  for (const BlockRef& block : blocks_) {
    if (block->others() == nullptr) continue;
    if (auto wrong = block->others()->wrong()) return wrong;
  }
  return std::nullopt;
}

void Batch::add_block(std::size_t least) {
  const std::size_t next =
      open_ == nullptr ? kFirstBlock : std::min(open_->capacity() * 2, kLargestBlock);
  BlockRef block = Block::make(std::max(next, least));
  open_ = block.get();
  blocks_.push_back(std::move(block));
}

std::string_view Batch::copy(std::string_view bytes) {
  if (bytes.empty()) return {};
  char* at = allocate(bytes.size());
  std::memcpy(at, bytes.data(), bytes.size());
  return {at, bytes.size()};
}

std::span<Field> Batch::allocate_fields(std::size_t count) {
  if (count == 0) return {};
  char* raw = allocate(count * sizeof(Field) + alignof(Field));
  const std::size_t skip = align_up(reinterpret_cast<std::uintptr_t>(raw), alignof(Field)) -
                           reinterpret_cast<std::uintptr_t>(raw);
  auto* fields = reinterpret_cast<Field*>(raw + skip);
  for (std::size_t i = 0; i < count; ++i) ::new (static_cast<void*>(fields + i)) Field();
  return {fields, count};
}

void Batch::set_fields(Item* item, std::span<const Field> fields) {
  if (item->field_count == 0) {
    const std::span<Field> all = allocate_fields(fields.size());
    std::ranges::copy(fields, all.begin());
    item->fields = all.data();
    item->field_count = static_cast<std::uint32_t>(all.size());
    return;
  }
  const std::span<Field> all = allocate_fields(item->field_count + fields.size());
  const auto is_replaced = [fields](const Field& old) {
    return std::ranges::find(fields, old.name, &Field::name) != fields.end();
  };
  auto end = std::ranges::remove_copy_if(item->all_fields(), all.begin(), is_replaced).out;
  end = std::ranges::copy(fields, end).out;
  item->fields = all.data();
  item->field_count = static_cast<std::uint32_t>(end - all.begin());
}

Item Batch::copy(const Item& item) {
  Item mine;
  mine.text = copy(item.text);
  const std::span<Field> fields = allocate_fields(item.field_count);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Field& from = item.fields[i];
    // A value often is the text itself (a path): one copy serves both.
    const bool is_text =
        from.value.data() == item.text.data() && from.value.size() == item.text.size();
    fields[i] = {copy(from.name), is_text ? mine.text : copy(from.value), from.type};
  }
  mine.fields = fields.data();
  mine.field_count = item.field_count;
  return mine;
}

Batch Batch::slice(std::size_t begin, std::size_t count) const {
  Batch part;
  const auto from = items_.begin() + static_cast<std::ptrdiff_t>(begin);
  part.items_.assign(from, from + static_cast<std::ptrdiff_t>(count));
  part.blocks_ = blocks_;
  part.hidden_bytes_ = hidden_bytes_;
  return part;
}

Batch Batch::pick(std::span<const Item> items) const {
  Batch part;
  part.items_.assign(items.begin(), items.end());
  part.blocks_ = blocks_;
  part.dropped_ = items_.size() - items.size();
  part.hidden_bytes_ = hidden_bytes_;
  return part;
}

void Batch::clear() {
  items_.clear();
  dropped_ = 0;
  hidden_bytes_ = 0;
  lines_ = 0;
  parcel_.reset();
  // A block that no reader kept can be filled again from its beginning.
  if (blocks_.size() == 1 && open_ == blocks_.front().get() && blocks_.front()->is_unique()) {
    open_->set_used(0);
    return;
  }
  blocks_.clear();
  open_ = nullptr;
}

std::size_t Batch::text_bytes() const {
  std::size_t total = 0;
  for (const Item& item : items_) total += item.text.size();
  return total;
}

std::size_t Batch::bytes() const {
  ItemBytes bytes;
  for (const Item& item : items_) bytes.add(item);
  return bytes.total() + hidden_bytes_;
}

}  // namespace gorun::jobs
