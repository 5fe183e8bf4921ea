#include "jobs/records/json_document.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "jobs/json_tokens.h"
#include "jobs/mapreduce/number.h"
#include "jobs/records/json_pointer.h"
#include "jobs/records/json_skimmer.h"

namespace gorun::jobs {
namespace {

constexpr std::string_view kJsonBlanks = " \t\r\n";

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

std::string_view without_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kJsonBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kJsonBlanks) + 1);
}

// What one token of a pointer finds.
std::optional<simdjson::dom::element> follow(const simdjson::dom::element& from,
                                             std::string_view token) {
  simdjson::dom::element found;
  simdjson::dom::object object;
  if (from.get(object) != simdjson::SUCCESS) {
    if (from.at_pointer(token).get(found) != simdjson::SUCCESS) return std::nullopt;
    return found;
  }
  const bool is_escaped = token.find('~') != std::string_view::npos;
  const std::string unescaped = is_escaped ? json_key(token) : std::string();
  const std::string_view key = is_escaped ? unescaped : token.substr(1);
  bool is_there = false;
  for (const simdjson::dom::key_value_pair member : object) {
    if (member.key != key) continue;
    found = member.value;
    is_there = true;
  }
  return is_there ? std::optional(found) : std::nullopt;
}

// The same in a text.
std::optional<std::string> follow(simdjson::ondemand::parser& parser, const std::string& from,
                                  std::string_view token) {
  const simdjson::padded_string text(from);
  simdjson::ondemand::document document;
  simdjson::ondemand::json_type type{};
  if (parser.iterate(text).get(document) != simdjson::SUCCESS) return std::nullopt;
  if (document.type().get(type) != simdjson::SUCCESS) return std::nullopt;
  std::optional<std::string> found;
  const auto note = [&found](simdjson::ondemand::value value) {
    std::string_view json;
    if (simdjson::to_json_string(value).get(json) == simdjson::SUCCESS) found = json;
  };
  if (type == simdjson::ondemand::json_type::array) {
    simdjson::ondemand::value element;
    if (document.at_pointer(token).get(element) == simdjson::SUCCESS) note(element);
    return found;
  }
  simdjson::ondemand::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) return std::nullopt;
  const std::string key = json_key(token);
  for (auto member : object) {
    std::string_view name;
    simdjson::ondemand::value value;
    if (member.unescaped_key().get(name) != simdjson::SUCCESS) return std::nullopt;
    if (member.value().get(value) != simdjson::SUCCESS) return std::nullopt;
    if (name == key) note(value);
  }
  return found;
}

// Of a whole text, without blanks around it.
std::optional<JsonDocument::Value> value_of(simdjson::ondemand::parser& parser,
                                            const std::string& json) {
  const simdjson::padded_string text(json);
  if (json.starts_with('{') || json.starts_with('[')) {
    JsonDocument::Value value{std::string(json.size(), '\0'), FieldType::kText};
    std::size_t size = 0;
    if (simdjson::minify(json.data(), json.size(), value.text.data(), size) != simdjson::SUCCESS) {
      return std::nullopt;
    }
    value.text.resize(size);
    return value;
  }
  if (!json.starts_with('"')) {
    const bool is_number = json.starts_with('-') || is_json_digit(json.front());
    return is_number ? number_of(json) : JsonDocument::Value{json, FieldType::kText};
  }
  simdjson::ondemand::document document;
  std::string_view contents;
  if (parser.iterate(text).get(document) != simdjson::SUCCESS) return std::nullopt;
  if (document.get_string().get(contents) != simdjson::SUCCESS) return std::nullopt;
  return JsonDocument::Value{std::string(contents), FieldType::kText};
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
  std::string text;
  simdjson::ondemand::parser lookup;
};

JsonDocument::JsonDocument() : tree_(std::make_unique<Tree>()) {}
JsonDocument::~JsonDocument() = default;

std::optional<std::string> JsonDocument::parse(std::string_view text) {
  Tree& tree = *tree_;
  simdjson::error_code error = tree.parser.parse(text.data(), text.size()).get(tree.root);
  tree.is_looked_up = error == simdjson::NUMBER_ERROR && is_one_document(text);
  if (tree.is_looked_up) tree.text = without_blanks(text);
  if (error == simdjson::SUCCESS || tree.is_looked_up) return std::nullopt;
  return std::string(simdjson::error_message(error));
}

// The error of a number says nothing about what comes behind it.
bool JsonDocument::is_one_document(std::string_view text) const {
  const std::size_t begin = text.find_first_not_of(kJsonBlanks);
  if (begin == std::string_view::npos) return false;
  tree_->skimmer.begin(text);
  const auto [verdict, end] = tree_->skimmer.skim(begin, JsonLines::kBlank);
  return verdict < JsonSkimmer::Verdict::kWrong &&
         text.find_first_not_of(kJsonBlanks, end) == std::string_view::npos;
}

std::optional<JsonDocument::Value> JsonDocument::find(std::string_view pointer) const {
  if (tree_->is_looked_up) return look_up(pointer);
  std::optional<simdjson::dom::element> at = tree_->root;
  while (at && !pointer.empty()) at = follow(*at, take_json_token(&pointer));
  return at ? std::optional(value_of(*at)) : std::nullopt;
}

std::optional<JsonDocument::Value> JsonDocument::look_up(std::string_view pointer) const {
  std::optional<std::string> at = tree_->text;
  while (at && !pointer.empty()) at = follow(tree_->lookup, *at, take_json_token(&pointer));
  return at ? value_of(tree_->lookup, *at) : std::nullopt;
}

}  // namespace gorun::jobs
