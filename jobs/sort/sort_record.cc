#include "jobs/sort/sort_record.h"

#include <bit>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <string>

#include "jobs/mapreduce/number.h"

namespace gorun::jobs {
namespace {

struct Header {
  std::uint32_t size;
  std::uint32_t key_begin;
  std::uint32_t key_size;
  std::uint32_t text_size;
  std::uint32_t field_count;
};
struct FieldHeader {
  std::uint32_t type;
  std::uint32_t name_size;
  std::uint32_t value_size;
};

Header header_of(const char* record) {
  Header header;
  std::memcpy(&header, record, sizeof header);
  return header;
}

std::uint64_t big_endian(std::string_view key) {
  std::uint64_t prefix = 0;
  if constexpr (std::endian::native == std::endian::little) {
    if (key.size() >= sizeof prefix) {
      std::memcpy(&prefix, key.data(), sizeof prefix);
      return __builtin_bswap64(prefix);
    }
  }
  for (std::size_t i = 0; i < sizeof prefix; ++i) {
    prefix = prefix << 8U | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0U);
  }
  return prefix;
}

double as_double(const Number& number) {
  return std::visit([](auto value) { return static_cast<double>(value); }, number);
}

bool is_part_of(std::string_view whole, std::string_view part) {
  return std::less_equal<>()(whole.data(), part.data()) &&
         std::less_equal<>()(part.data() + part.size(), whole.data() + whole.size());
}

// Doubles in their order; a conversion from an integer rounds and does not change it.
std::uint64_t ordered_bits(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63U;
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

}  // namespace

std::size_t record_size(const Item& item) {
  std::size_t size = sizeof(Header) + item.text.size();
  for (const Field& field : item.all_fields()) {
    size += sizeof(FieldHeader) + field.name.size() + field.value.size();
  }
  return size > std::numeric_limits<std::uint32_t>::max() ? 0 : size;
}

void write_record(const Item& item, std::string_view key, std::size_t size, char* to) {
  Header header{.size = static_cast<std::uint32_t>(size),
                .key_begin = 0,
                .key_size = static_cast<std::uint32_t>(key.size()),
                .text_size = static_cast<std::uint32_t>(item.text.size()),
                .field_count = item.field_count};
  char* bytes = to + sizeof header + item.field_count * sizeof(FieldHeader);
  const auto append = [&](std::string_view text) {
    if (is_part_of(text, key)) {
      header.key_begin = static_cast<std::uint32_t>(bytes - to + (key.data() - text.data()));
    }
    if (!text.empty()) std::memcpy(bytes, text.data(), text.size());
    bytes += text.size();
  };
  append(item.text);
  char* at = to + sizeof header;
  for (const Field& field : item.all_fields()) {
    const FieldHeader one{static_cast<std::uint32_t>(field.type),
                          static_cast<std::uint32_t>(field.name.size()),
                          static_cast<std::uint32_t>(field.value.size())};
    std::memcpy(at, &one, sizeof one);
    at += sizeof one;
    append(field.name);
    append(field.value);
  }
  std::memcpy(to, &header, sizeof header);
}

std::size_t size_of_record(const char* record) {
  std::uint32_t size = 0;
  std::memcpy(&size, record, sizeof size);
  return size;
}

std::size_t size_of_record(RecordRef record) {
  return record.is_text() ? sizeof(Header) + record.text().size() : size_of_record(record.record());
}

std::string_view key_of_record(RecordRef record) {
  if (record.is_text()) return record.text();
  const Header header = header_of(record.record());
  return {record.record() + header.key_begin, header.key_size};
}

void append_record(RecordRef record, std::string* to) {
  if (!record.is_text()) {
    to->append(record.record(), size_of_record(record.record()));
    return;
  }
  const std::string_view text = record.text();
  const auto size = static_cast<std::uint32_t>(text.size());
  const Header header{.size = static_cast<std::uint32_t>(sizeof header + text.size()),
                      .key_begin = sizeof header,
                      .key_size = size,
                      .text_size = size,
                      .field_count = 0};
  to->append(reinterpret_cast<const char*>(&header), sizeof header).append(text);
}

namespace {

// `bytes` are those of the record or a copy; `fields` has as many places as are wanted.
Item item_at(const char* record, const char* bytes, std::span<Field> fields) {
  Item item{.text = {bytes, header_of(record).text_size}};
  bytes += item.text.size();
  const char* at = record + sizeof(Header);
  for (Field& field : fields) {
    FieldHeader one;
    std::memcpy(&one, at, sizeof one);
    at += sizeof one;
    field = {{bytes, one.name_size},
             {bytes + one.name_size, one.value_size},
             static_cast<FieldType>(one.type)};
    bytes += one.name_size + one.value_size;
  }
  item.fields = fields.data();
  item.field_count = static_cast<std::uint32_t>(fields.size());
  return item;
}

Item copy_to(Batch& batch, RecordRef ref, std::size_t hidden_fields) {
  if (ref.is_text()) return {.text = batch.copy(ref.text())};
  const char* const record = ref.record();
  const Header header = header_of(record);
  const std::size_t begin = sizeof header + header.field_count * sizeof(FieldHeader);
  const char* bytes = batch.copy({record + begin, header.size - begin}).data();
  return item_at(record, bytes, batch.allocate_fields(header.field_count - hidden_fields));
}

}  // namespace

void push_record(RecordRef record, Batch& batch) { batch.push(copy_to(batch, record, 0)); }

char* copy_record(RecordRef ref, char* to, Batch& batch, Item* item) {
  if (ref.is_text()) {
    const std::string_view text = ref.text();
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    item->text = {to, text.size()};
    return to + text.size();
  }
  const char* const record = ref.record();
  const Header header = header_of(record);
  const std::size_t begin = sizeof header + header.field_count * sizeof(FieldHeader);
  const std::size_t size = header.size - begin;
  std::memcpy(to, record + begin, size);
  if (header.field_count == 0) {
    item->text = {to, size};
  } else {
    *item = item_at(record, to, batch.allocate_fields(header.field_count));
  }
  return to + size;
}

Flow emit_record(RecordRef record, Out& out, std::size_t hidden_fields) {
  return out.emit(copy_to(out.batch(), record, hidden_fields));
}

Item item_of_record(RecordRef ref, std::vector<Field>* fields) {
  if (ref.is_text()) {
    fields->clear();
    return {.text = ref.text()};
  }
  const char* const record = ref.record();
  const Header header = header_of(record);
  fields->resize(header.field_count);
  return item_at(record, record + sizeof header + header.field_count * sizeof(FieldHeader),
                 *fields);
}

std::uint64_t SortOrder::prefix(std::string_view key) const {
  constexpr std::uint64_t kNoNumber = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t prefix = 0;
  if (compare_ == Compare::kNumbers) {
    const auto number = parse_number(key);
    if (!number) return kNoNumber;
    prefix = ordered_bits(as_double(*number));
  } else {
    prefix = big_endian(key);
  }
  return direction_ == Direction::kAscending ? prefix : ~prefix;
}

int SortOrder::compare(std::string_view a, std::string_view b) const {
  int order = 0;
  std::optional<Number> left;
  std::optional<Number> right;
  if (compare_ == Compare::kNumbers) {
    left = parse_number(a);
    right = parse_number(b);
    if (left.has_value() != right.has_value()) return left ? -1 : 1;
  }
  if (left) {
    order = is_less(*left, *right) ? -1 : is_less(*right, *left) ? 1 : 0;
  } else {
    order = a.compare(b);
  }
  return direction_ == Direction::kAscending ? order : -order;
}

}  // namespace gorun::jobs
