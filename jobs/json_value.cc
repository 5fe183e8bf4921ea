#include "jobs/json_value.h"

#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "jobs/json_syntax_error.h"
#include "jobs/json_tokens.h"
#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

using Json = nlohmann::json;

// Builds the tree. The names and signatures of its members are nlohmann's.
class TreeBuilder {
 public:
  explicit TreeBuilder(const Source& source)
      : source_(source), text_(source.text()), cursor_(source.last_file().begin) {}

  bool null() { return add({}, token_begin() + 4); }
  bool boolean(bool value) { return add(value, token_begin() + (value ? 4 : 5)); }
  bool number_integer(std::int64_t value) { return add(value, number_end()); }
  bool number_unsigned(std::uint64_t value) {
    if (value <= static_cast<std::uint64_t>(INT64_MAX)) {
      return add(static_cast<std::int64_t>(value), number_end());
    }
    return add(value, number_end());
  }
  bool number_float(double value, const std::string& /*text*/) { return add(value, number_end()); }
  bool string(std::string& value) {
    return add(std::move(value), json_string_end(text_, token_begin()));
  }
  bool binary(Json::binary_t& /*value*/) { return false; }  // not part of JSON texts

  bool start_object(std::size_t /*size*/) { return open(JsonObject()); }
  bool start_array(std::size_t /*size*/) { return open(JsonArray()); }
  bool end_object() {
    report_duplicates();
    return close();
  }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    const std::size_t begin = token_begin();
    cursor_ = json_string_end(text_, begin);
    key_ = {std::move(name), {begin, cursor_}, {}};
    has_key_ = true;
    return true;
  }

  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) {
    result_.errors = {explain_syntax_error(source_, stop(), error.what())};
    failed_ = true;
    return false;
  }

  ParsedJson take() && {
    if (!failed_) result_.root = std::move(root_);
    return std::move(result_);
  }

 private:
  std::size_t token_begin() const {
    std::size_t at = skip_json_blanks(text_, cursor_);
    while (at < text_.size() && (text_[at] == ',' || text_[at] == ':')) {
      at = skip_json_blanks(text_, at + 1);
    }
    return at;
  }

  std::size_t number_end() const { return json_number_end(text_, token_begin()); }

  JsonValue& place(JsonValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
      has_root_ = true;
      return root_;
    }
    JsonValue::Content& parent = open_.back()->content;
    if (auto* array = std::get_if<JsonArray>(&parent)) {
      return array->emplace_back(std::move(value));
    }
    key_.value = std::move(value);
    has_key_ = false;
    return std::get<JsonObject>(parent).emplace_back(std::move(key_)).value;
  }

  bool add(JsonValue::Content content, std::size_t end) {
    const std::size_t begin = token_begin();
    cursor_ = end;
    last_token_ = {begin, end};
    JsonValue value;
    value.content = std::move(content);
    value.where = last_token_;
    place(std::move(value));
    return true;
  }

  bool open(JsonValue::Content content) {
    const std::size_t begin = token_begin();
    cursor_ = begin + 1;
    if (open_.size() == kMaxJsonDepth) {
      result_.errors = {{.where = ByteRange{begin, cursor_},
                         .what = "nested deeper than " + std::to_string(kMaxJsonDepth) + " levels",
                         .hint = {}}};
      failed_ = true;
      return false;
    }
    JsonValue value;
    value.content = std::move(content);
    value.where = {begin, cursor_};
    // The pointer stays good: a parent grows only after its open child has been closed.
    open_.push_back(&place(std::move(value)));
    last_token_ = {};
    return true;
  }

  bool close() {
    cursor_ = token_begin() + 1;
    open_.back()->where.end = cursor_;
    last_token_ = {cursor_ - 1, cursor_};
    open_.pop_back();
    return true;
  }

  // Keeps the first of equal keys: the others are blamed, and what follows sees one.
  void report_duplicates() {
    auto& object = std::get<JsonObject>(open_.back()->content);
    std::unordered_map<std::string_view, std::size_t> first_of;
    std::vector<bool> is_again(object.size());
    bool any = false;
    for (std::size_t i = 0; i < object.size(); ++i) {
      const auto [first, is_new] = first_of.emplace(object[i].key, i);
      if (is_new) continue;
      any = is_again[i] = true;
      const Position place = source_.position(object[first->second].key_where.begin);
      result_.errors.push_back({.where = object[i].key_where,
                                .what = "duplicate key " + quote(object[i].key),
                                .hint = "it is first given at " + to_string(place)});
    }
    if (!any) return;
    JsonObject kept;
    for (std::size_t i = 0; i < object.size(); ++i) {
      if (!is_again[i]) kept.push_back(std::move(object[i]));
    }
    object = std::move(kept);
  }

  JsonStop stop() const {
    JsonStop stop;
    stop.cursor = cursor_;
    stop.last_token = last_token_;
    if (open_.empty()) {
      stop.after = has_root_ ? JsonStop::After::kRoot : JsonStop::After::kNothing;
      return stop;
    }
    const JsonValue& container = *open_.back();
    stop.container_begin = container.where.begin;
    const JsonObject* object = container.object();
    stop.container = object ? JsonStop::Container::kObject : JsonStop::Container::kArray;
    if (has_key_) {
      stop.after = JsonStop::After::kKey;
      stop.last_token = key_.key_where;
    } else if (object ? object->empty() : container.array()->empty()) {
      stop.after = JsonStop::After::kOpening;
    } else {
      stop.after = JsonStop::After::kValue;
    }
    return stop;
  }

  const Source& source_;
  const std::string_view text_;
  std::size_t cursor_;  // just after the token of the last event
  ByteRange last_token_;
  JsonValue root_;
  bool has_root_ = false;
  std::vector<JsonValue*> open_;  // from the root to the innermost open container
  JsonMember key_;                // waits for its value
  bool has_key_ = false;
  ParsedJson result_;
  bool failed_ = false;
};

// The length of the escape that begins with the backslash at `at`, and of what it decodes to.
struct EscapeLengths {
  std::size_t written;
  std::size_t decoded;
};

unsigned hex_value(std::string_view digits) {
  return static_cast<unsigned>(std::stoul(std::string(digits), nullptr, 16));
}

EscapeLengths escape_lengths(std::string_view text, std::size_t at) {
  if (text[at + 1] != 'u') return {2, 1};
  const unsigned unit = hex_value(text.substr(at + 2, 4));
  if (unit < 0x80) return {6, 1};
  if (unit < 0x800) return {6, 2};
  const bool is_surrogate = unit >= 0xd800 && unit < 0xdc00;
  return is_surrogate ? EscapeLengths{12, 4} : EscapeLengths{6, 3};
}

}  // namespace

bool JsonValue::is_number() const {
  return std::holds_alternative<std::int64_t>(content) ||
         std::holds_alternative<std::uint64_t>(content) || std::holds_alternative<double>(content);
}

std::string_view JsonValue::type_phrase() const {
  if (is_null()) return "null";
  if (const bool* value = flag()) return *value ? "true" : "false";
  if (is_number()) return "a number";
  if (text()) return "a string";
  return array() ? "an array" : "an object";
}

const JsonMember* find_member(const JsonObject& object, std::string_view key) {
  for (const JsonMember& member : object) {
    if (member.key == key) return &member;
  }
  return nullptr;
}

ParsedJson parse_json(const Source& source) {
  TreeBuilder builder(source);
  const std::string_view text = source.slice(source.last_file());
  // The builder keeps what went wrong; the flag says no more.
  static_cast<void>(Json::sax_parse(text.begin(), text.end(), &builder, Json::input_format_t::json,
                                    /*strict=*/true, /*ignore_comments=*/true));
  return std::move(builder).take();
}

std::size_t offset_in_source(const Source& source, ByteRange token, std::size_t offset) {
  const std::string_view text = source.text();
  std::size_t at = token.begin + 1;
  std::size_t decoded = 0;
  while (decoded < offset && at + 1 < token.end) {
    if (text[at] != '\\') {
      ++at;
      ++decoded;
      continue;
    }
    const EscapeLengths lengths = escape_lengths(text, at);
    at += lengths.written;
    decoded += lengths.decoded;
  }
  return at;
}

}  // namespace gorun::jobs
