#include "jobs/matrix.h"

#include <string>
#include <utility>

#include "jobs/quote.h"
#include "jobs/template.h"

namespace gorun::jobs {
namespace {

struct Axis {
  std::string key;
  std::vector<std::string> values;
};

std::optional<Axis> read_axis(const JsonMember& member, ValueReader* reader) {
  if (!is_expression_name(member.key)) {
    reader->blame(member.key_where, quote(member.key) + " is not a name",
                  "${{ matrix.NAME }} has letters, digits, \"_\" and \"-\", and no digit first");
    return std::nullopt;
  }
  const JsonArray* array = member.value.array();
  if (array == nullptr) {
    reader->blame_type(member.key, "an array of values", member.value);
    return std::nullopt;
  }
  if (array->empty()) {
    reader->blame(member.value.where, quote(member.key) + " is empty");
    return std::nullopt;
  }
  Axis axis{.key = member.key, .values = {}};
  bool is_right = true;
  for (const JsonValue& element : *array) {
    if (ValueReader::is_files(element)) {
      auto files = reader->files(element);
      is_right = is_right && files.has_value();
      for (std::string& file : files.value_or(std::vector<std::string>())) {
        axis.values.push_back(std::move(file));
      }
      continue;
    }
    auto text = reader->scalar(member.key, element);
    is_right = is_right && text.has_value();
    if (text) axis.values.push_back(std::move(*text));
  }
  if (!is_right) return std::nullopt;
  return axis;
}

}  // namespace

std::optional<std::vector<MatrixValues>> read_matrix(const JsonValue& value, ValueReader* reader) {
  const JsonObject* object = reader->object("matrix", value);
  if (object == nullptr) return std::nullopt;
  if (object->empty()) {
    reader->blame(value.where, "\"matrix\" is empty");
    return std::nullopt;
  }
  std::vector<MatrixValues> combinations(1);
  bool is_right = true;
  for (const JsonMember& member : *object) {
    const std::optional<Axis> axis = read_axis(member, reader);
    is_right = is_right && axis.has_value();
    if (!is_right) continue;
    if (combinations.size() * axis->values.size() > kMaxCombinations) {
      reader->blame(value.where,
                    "the matrix makes more than " + std::to_string(kMaxCombinations) + " stages");
      return std::nullopt;
    }
    std::vector<MatrixValues> longer;
    for (const MatrixValues& shorter : combinations) {
      for (const std::string& one : axis->values) {
        longer.push_back(shorter);
        longer.back().emplace_back(axis->key, one);
      }
    }
    combinations = std::move(longer);
  }
  if (!is_right) return std::nullopt;
  return combinations;
}

}  // namespace gorun::jobs
