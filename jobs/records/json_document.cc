#include "jobs/records/json_document.h"

#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <utility>

#include "jobs/mapreduce/number.h"
#include "jobs/records/json_skimmer.h"

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

JsonDocument::Value number_of(std::string_view token) {
  auto text = json_number_text(token);
  return {text ? *std::move(text) : std::string(token), FieldType::kNumber};
}

// A token as simdjson gives it, with the blanks behind it.
std::string_view without_blanks(std::string_view token) {
  return token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
}

std::optional<JsonDocument::Value> value_of(simdjson::ondemand::value found) {
  using Type = simdjson::ondemand::json_type;
  Type type{};
  if (found.type().get(type) != simdjson::SUCCESS) return std::nullopt;
  std::string_view text;
  switch (type) {
    case Type::string:
      if (found.get_string().get(text) != simdjson::SUCCESS) return std::nullopt;
      return JsonDocument::Value{std::string(text), FieldType::kText};
    case Type::number:
      return number_of(without_blanks(found.raw_json_token()));
    case Type::boolean:
    case Type::null:
      return JsonDocument::Value{std::string(without_blanks(found.raw_json_token())),
                                 FieldType::kText};
    default:
      break;
  }
  if (simdjson::to_json_string(found).get(text) != simdjson::SUCCESS) return std::nullopt;
  std::string minified(text.size(), '\0');
  std::size_t size = 0;
  if (simdjson::minify(text.data(), text.size(), minified.data(), size) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  minified.resize(size);
  return JsonDocument::Value{std::move(minified), FieldType::kText};
}

}  // namespace

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

std::optional<std::string> json_number_text(std::string_view number) {
  if (number.find_first_of(".eE") == std::string_view::npos) {
    return number == "-0" ? std::optional<std::string>("0") : std::nullopt;
  }
  double value = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
  // Out of range, also where it is nearly 0.
  if (read.ec != std::errc() || !std::isfinite(value)) return std::nullopt;
  std::string text;
  append_number(Number(value), &text);
  return text == number ? std::nullopt : std::optional(std::move(text));
}

struct JsonDocument::Tree {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  // In place of the tree, if there is a number in the text that it cannot hold.
  bool is_looked_up = false;
  JsonSkimmer skimmer{{}};
  simdjson::padded_string padded;
  simdjson::ondemand::parser lookup;
  simdjson::ondemand::document document;
};

JsonDocument::JsonDocument() : tree_(std::make_unique<Tree>()) {}
JsonDocument::~JsonDocument() = default;

std::optional<std::string> JsonDocument::parse(std::string_view text) {
  Tree& tree = *tree_;
  simdjson::error_code error = tree.parser.parse(text.data(), text.size()).get(tree.root);
  tree.is_looked_up = error == simdjson::NUMBER_ERROR && is_one_document(text);
  if (tree.is_looked_up) {
    tree.padded = simdjson::padded_string(text);
    error = tree.lookup.iterate(tree.padded).get(tree.document);
  }
  if (error == simdjson::SUCCESS) return std::nullopt;
  return std::string(simdjson::error_message(error));
}

// The error of a number says nothing about what comes behind it.
bool JsonDocument::is_one_document(std::string_view text) const {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return false;
  const auto [verdict, end] = tree_->skimmer.skim(text, begin, JsonSkimmer::Lines::kBlank);
  return verdict < JsonSkimmer::Verdict::kWrong &&
         text.find_first_not_of(kBlanks, end) == std::string_view::npos;
}

std::optional<JsonDocument::Value> JsonDocument::find(std::string_view pointer) const {
  if (tree_->is_looked_up) return look_up(pointer);
  simdjson::dom::element found;
  if (tree_->root.at_pointer(pointer).get(found) != simdjson::SUCCESS) return std::nullopt;
  return value_of(found);
}

std::optional<JsonDocument::Value> JsonDocument::look_up(std::string_view pointer) const {
  Tree& tree = *tree_;
  tree.document.rewind();
  bool is_scalar = false;
  if (tree.document.is_scalar().get(is_scalar) != simdjson::SUCCESS) return std::nullopt;
  if (is_scalar) {  // that number
    if (!pointer.empty()) return std::nullopt;
    std::string_view token;
    if (tree.document.raw_json_token().get(token) != simdjson::SUCCESS) return std::nullopt;
    return number_of(without_blanks(token));
  }
  simdjson::ondemand::value found;
  if (tree.document.at_pointer(pointer).get(found) != simdjson::SUCCESS) return std::nullopt;
  return value_of(found);
}

}  // namespace gorun::jobs
