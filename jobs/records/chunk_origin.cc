#include "jobs/records/chunk_origin.h"

#include <array>
#include <charconv>
#include <string>

namespace gorun::jobs {
namespace {

constexpr std::string_view kPath = "read path";
constexpr std::string_view kOffset = "read offset";
constexpr std::string_view kHeader = "read header";
constexpr std::string_view kFraming = "read framing";
constexpr std::uint32_t kFields = 4;

}  // namespace

void ChunkOrigin::put_on(Item* item, Batch* batch) const {
  const auto digit = static_cast<char>('0' + static_cast<int>(framing));
  const std::array<Field, kFields> fields = {{{kPath, batch->copy(path)},
                                              {kOffset, batch->copy(std::to_string(offset))},
                                              {kHeader, batch->copy(header)},
                                              {kFraming, batch->copy({&digit, 1})}}};
  batch->set_fields(item, fields);
}

std::optional<ChunkOrigin> ChunkOrigin::take_off(Item* item) {
  if (item->field_count < kFields) return std::nullopt;
  const Field* const fields = item->fields + (item->field_count - kFields);  // they come last
  if (fields->name != kPath) return std::nullopt;
  ChunkOrigin origin{.path = fields[0].value, .offset = 0, .header = fields[2].value};
  const std::string_view offset = fields[1].value;
  std::from_chars(offset.data(), offset.data() + offset.size(), origin.offset);
  origin.framing = static_cast<JsonFraming>(fields[3].value.front() - '0');
  item->field_count -= kFields;
  return origin;
}

}  // namespace gorun::jobs
