#include "jobs/records/json_document.h"

#include <simdjson.h>

#include "jobs/mapreduce/number.h"

namespace gorun::jobs {
namespace {

JsonDocument::Value value_of(const simdjson::dom::element& element) {
  using Type = simdjson::dom::element_type;
  JsonDocument::Value value;
  switch (element.type()) {
    case Type::STRING:
      return {std::string(element.get_string().value_unsafe()), FieldType::kText};
    case Type::INT64:
      return {std::to_string(element.get_int64().value_unsafe()), FieldType::kNumber};
    case Type::UINT64:
      return {std::to_string(element.get_uint64().value_unsafe()), FieldType::kNumber};
    case Type::DOUBLE:
      append_number(Number(element.get_double().value_unsafe()), &value.text);
      value.type = FieldType::kNumber;
      return value;
    default:
      return {simdjson::minify(element), FieldType::kText};
  }
}

}  // namespace

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

struct JsonDocument::Tree {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
};

JsonDocument::JsonDocument() : tree_(std::make_unique<Tree>()) {}
JsonDocument::~JsonDocument() = default;

std::optional<std::string> JsonDocument::parse(std::string_view text) {
  const simdjson::error_code error = tree_->parser.parse(text.data(), text.size()).get(tree_->root);
  if (error == simdjson::SUCCESS) return std::nullopt;
  return std::string(simdjson::error_message(error));
}

std::optional<JsonDocument::Value> JsonDocument::find(std::string_view pointer) const {
  simdjson::dom::element found;
  if (tree_->root.at_pointer(pointer).get(found) != simdjson::SUCCESS) return std::nullopt;
  return value_of(found);
}

}  // namespace gorun::jobs
