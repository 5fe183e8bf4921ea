// jobs/sort/sort_record.h - an item as bytes that can be compared, kept and written to a file.
//
//   size  key_begin  key_size  text_size  field_count  { type name_size value_size }...  bytes
//
// Numbers are 32 bits in the machine's order; the file does not outlive the process. The bytes are
// the text and then each field's name and value. The key is a slice of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/item.h"
#include "jobs/out.h"
#include "jobs/sort/record_ref.h"

namespace gorun::jobs {

/// Bytes of the record of `item`; 0: more than a record can hold (4 GiB).
[[nodiscard]] std::size_t record_size(const Item& item);
/// Writes it; `key` is the item's text, the value of one of its fields, or a part of these.
void write_record(const Item& item, std::string_view key, std::size_t size, char* to);

/// The size that stands at the beginning of a record.
[[nodiscard]] std::size_t size_of_record(const char* record);
inline constexpr std::size_t kRecordSizeBytes = sizeof(std::uint32_t);
/// The same of any, with the header that a text has not.
[[nodiscard]] std::size_t size_of_record(RecordRef record);
[[nodiscard]] std::string_view key_of_record(RecordRef record);
/// Appends it as what stands in a file.
void append_record(RecordRef record, std::string* to);
/// Has the memory fetch the beginning of one that will be looked at in a while.
inline void prefetch_record(RecordRef record) {
  __builtin_prefetch(record.address());
  __builtin_prefetch(record.address() + 64);
}
/// Has the memory fetch a text, or all but the beginning of a record whose beginning is there; of a
/// long one only the part that comes before the hardware sees that it is read through.
inline void prefetch_rest(RecordRef record) {
  constexpr std::size_t kLine = 64;
  constexpr std::size_t kMostBytes = 8 * kLine;
  const char* const begin = record.address();
  const std::size_t whole =
      record.is_text() ? record.least_text() : size_of_record(record.record());
  const std::size_t size = std::min(whole, kMostBytes);
  // From a line's border: a record may end in a line more than its size tells.
  const std::size_t misfit = reinterpret_cast<std::uintptr_t>(begin) % kLine;
  if (record.is_text()) __builtin_prefetch(begin);
  for (std::size_t at = kLine - misfit; at < size; at += kLine) __builtin_prefetch(begin + at);
}
/// Copies the record's item to the end of `batch`.
void push_record(RecordRef record, Batch& batch);
/// Makes the record an item whose bytes lie at `to`, of which it takes no more than the record has;
/// its table of fields lies in `batch`. returns  where they end.
char* copy_record(RecordRef ref, char* to, Batch& batch, Item* item);
/// Makes the record an item again, without its last `hidden_fields` fields.
Flow emit_record(RecordRef record, Out& out, std::size_t hidden_fields = 0);
/// The item of a record, as views of it; its fields lie in `fields`.
[[nodiscard]] Item item_of_record(RecordRef ref, std::vector<Field>* fields);

/// The order of keys: as bytes, or as numbers, behind which come the keys that are none.
class SortOrder {
 public:
  enum class Compare : std::uint8_t { kBytes, kNumbers };
  enum class Direction : std::uint8_t { kAscending, kDescending };
  SortOrder(Compare compare, Direction direction) : compare_(compare), direction_(direction) {}

  /// Two keys whose prefixes differ are in the order of these; else compare() tells.
  [[nodiscard]] std::uint64_t prefix(std::string_view key) const;
  /// Keys that begin alike are in the order of what follows.
  [[nodiscard]] bool compares_bytes() const { return compare_ == Compare::kBytes; }
  /// Less than, equal to or greater than 0.
  [[nodiscard]] int compare(std::string_view a, std::string_view b) const;

 private:
  const Compare compare_;
  const Direction direction_;
};

}  // namespace gorun::jobs
