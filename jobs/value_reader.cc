#include "jobs/value_reader.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <system_error>
#include <utility>

#include "jobs/byte_size.h"
#include "jobs/duration.h"
#include "jobs/edit_distance.h"
#include "jobs/kinds.h"
#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

// Below it every integer is a double.
constexpr double kExactDouble = 9007199254740992.0;

std::string range_phrase(std::int64_t min, std::int64_t max) {
  const std::string from = std::to_string(min);
  if (max == std::numeric_limits<std::int64_t>::max()) return from + " or more";
  return from + " to " + std::to_string(max);
}

// The number that a var's text is.
std::optional<std::int64_t> number_of(const std::string& text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

// The length that a number of the file is, which may have an exponent.
std::optional<std::chrono::nanoseconds> length_of(const std::string& seconds) {
  double value = 0;
  const char* const end = seconds.data() + seconds.size();
  const auto [rest, error] = std::from_chars(seconds.data(), end, value);
  return error == std::errc() && rest == end ? duration_of_seconds(value) : std::nullopt;
}

bool mentions_expression(const JsonValue& value) {
  return value.text() && value.text()->find("${{") != std::string::npos;
}

}  // namespace

void ValueReader::blame(ByteRange where, std::string what, std::string hint) {
  errors_->push_back({.where = where, .what = std::move(what), .hint = std::move(hint)});
}

void ValueReader::blame_type(std::string_view key, std::string_view expected,
                             const JsonValue& value) {
  blame_kind_of(quote(key), expected, value);
}

void ValueReader::blame_kind_of(std::string_view name, std::string_view expected,
                                const JsonValue& value) {
  blame(value.where, std::string(name) + ": expected " + std::string(expected) + ", got " +
                         std::string(value.type_phrase()));
}

const JsonObject* ValueReader::object(std::string_view key, const JsonValue& value) {
  if (!value.object()) blame_type(key, "an object", value);
  return value.object();
}

ValueReader ValueReader::with_matrix(const MatrixValues* matrix) const {
  Scope scope = scope_;
  scope.matrix = matrix;
  return {source_, scope, errors_};
}

std::optional<std::string> ValueReader::var(std::string_view name, ByteRange where) {
  const Vars& vars = scope_.vars;
  if (const auto value = vars.value(name)) return std::string(*value);
  if (vars.is_declared(name)) return std::nullopt;  // blamed where it is declared
  std::string hint = vars.near(name);
  if (hint.empty()) hint = "declare it under \"vars\"";
  blame(where, "unknown var " + quote(name), std::move(hint));
  return std::nullopt;
}

std::optional<std::string> ValueReader::matrix_value(std::string_view key, ByteRange where) {
  if (scope_.matrix == nullptr) {
    // Each stage that takes the default reads it again.
    if (!scope_.in_defaults) {
      blame(where, "there is no matrix here", "\"matrix\" is a key of stages: {\"KEY\": [1, 2]}");
    }
    return std::nullopt;
  }
  const auto found = std::ranges::find(*scope_.matrix, key, &MatrixValues::value_type::first);
  if (found != scope_.matrix->end()) return found->second;
  std::vector<std::string_view> keys;
  for (const auto& entry : *scope_.matrix) keys.push_back(entry.first);
  std::string hint = did_you_mean(key, keys);
  if (hint.empty()) hint = "the matrix of this stage has " + quote_list(keys);
  blame(where, "unknown key " + quote(key) + " of the matrix", std::move(hint));
  return std::nullopt;
}

std::optional<std::vector<TemplatePart>> ValueReader::fill_in(const std::string& text,
                                                              ByteRange token,
                                                              TemplateSyntax syntax,
                                                              ByteRange* late_place) {
  ParsedTemplate parsed = parse_template(text, syntax);
  const auto place = [&](std::size_t begin, std::size_t end) {
    return ByteRange{offset_in_source(source_, token, begin),
                     offset_in_source(source_, token, end)};
  };
  bool is_right = parsed.errors.empty();
  for (TemplateError& error : parsed.errors) {
    blame(place(error.begin, error.end), std::move(error.what), std::move(error.hint));
  }
  std::vector<TemplatePart> parts;
  for (RawTemplatePart& raw : parsed.parts) {
    if (raw.what == RawTemplatePart::What::kPart) {
      if (raw.part.what != TemplatePart::What::kLiteral) *late_place = place(raw.begin, raw.end);
      parts.push_back(std::move(raw.part));
      continue;
    }
    std::optional<std::string> value;
    switch (raw.what) {
      case RawTemplatePart::What::kVar:
        value = var(raw.name, place(raw.begin, raw.end));
        break;
      case RawTemplatePart::What::kMatrix:
        value = matrix_value(raw.name, place(raw.begin, raw.end));
        break;
      case RawTemplatePart::What::kFiles:
        blame(place(raw.begin, raw.end), "files() stands for several texts",
              "give it an element of its own in an array");
        break;
      case RawTemplatePart::What::kPart:
        break;
    }
    is_right = is_right && value.has_value();
    if (value) parts.push_back({TemplatePart::What::kLiteral, std::move(*value)});
  }
  if (!is_right) return std::nullopt;
  return parts;
}

bool ValueReader::is_files(const JsonValue& value) {
  if (!mentions_expression(value)) return false;
  const ParsedTemplate parsed = parse_template(*value.text(), TemplateSyntax::kExpressions);
  return parsed.errors.empty() && parsed.parts.size() == 1 &&
         parsed.parts.front().what == RawTemplatePart::What::kFiles;
}

std::optional<std::vector<std::string>> ValueReader::files(const JsonValue& value) {
  const ParsedTemplate parsed = parse_template(*value.text(), TemplateSyntax::kExpressions);
  const std::string& pattern = parsed.parts.front().name;
  auto found = scope_.world.files(pattern);
  if (!found.ok()) {
    blame(value.where, "files(" + quote(pattern) + "): " + found.error().why);
    return std::nullopt;
  }
  if (found->empty()) {
    blame(value.where, "no file matches " + quote(pattern));
    return std::nullopt;
  }
  return std::move(*found);
}

std::optional<std::string> ValueReader::text(std::string_view key, const JsonValue& value,
                                             std::string_view item_hint) {
  if (!value.text()) {
    blame_type(key, "a string", value);
    return std::nullopt;
  }
  if (!mentions_expression(value)) return *value.text();
  ByteRange late_place;
  auto parts = fill_in(*value.text(), value.where, TemplateSyntax::kExpressions, &late_place);
  if (!parts) return std::nullopt;
  const Template filled(std::move(*parts));
  if (filled.is_constant()) return filled.constant_text();
  blame(late_place,
        quote(key) + " cannot refer to " + (filled.uses_item() ? "an item" : "how the run stands"),
        std::string(item_hint));
  return std::nullopt;
}

std::optional<std::string> ValueReader::name(std::string_view key, const JsonValue& value) {
  auto written = text(key, value);
  if (!written || !written->empty()) return written;
  blame(value.where, quote(key) + " is empty", "it is a name");
  return std::nullopt;
}

std::optional<std::string> ValueReader::path(std::string_view key, const JsonValue& value) {
  auto written = text(key, value);
  if (!written) return std::nullopt;
  if (written->empty()) {
    blame(value.where, quote(key) + " is empty", "it is a path");
    return std::nullopt;
  }
  if (written->find('\0') != std::string::npos) {  // what is behind it would be cut off
    blame(value.where, quote(key) + " holds a NUL byte");
    return std::nullopt;
  }
  return written;
}

std::optional<Template> ValueReader::text_template(std::string_view key, const JsonValue& value,
                                                   TemplateSyntax syntax) {
  if (!value.text()) {
    blame_type(key, "a string", value);
    return std::nullopt;
  }
  ByteRange late_place;
  auto parts = fill_in(*value.text(), value.where, syntax, &late_place);
  if (!parts) return std::nullopt;
  return Template(std::move(*parts));
}

std::optional<bool> ValueReader::flag(std::string_view key, const JsonValue& value) {
  if (value.flag()) return *value.flag();
  if (!mentions_expression(value)) {
    blame_type(key, "true or false", value);
    return std::nullopt;
  }
  const auto written = text(key, value);
  if (!written) return std::nullopt;
  if (*written == "true" || *written == "false") return *written == "true";
  blame(value.where, quote(key) + ": expected true or false, got " + quote(*written));
  return std::nullopt;
}

std::optional<std::int64_t> ValueReader::in_range(std::string_view key, std::string_view written,
                                                  ByteRange where, std::int64_t number,
                                                  std::int64_t min, std::int64_t max) {
  if (number >= min && number <= max) return number;
  blame(where,
        quote(key) + ": expected " + range_phrase(min, max) + ", got " + std::string(written));
  return std::nullopt;
}

std::optional<std::int64_t> ValueReader::integer(std::string_view key, const JsonValue& value,
                                                 std::int64_t min, std::int64_t max) {
  if (value.integer()) {
    return in_range(key, source_.slice(value.where), value.where, *value.integer(), min, max);
  }
  // 4.0 and 1e3 are integers, too, in JSON.
  if (const auto* number = std::get_if<double>(&value.content);
      number != nullptr && std::abs(*number) < kExactDouble && std::trunc(*number) == *number) {
    return in_range(key, source_.slice(value.where), value.where,
                    static_cast<std::int64_t>(*number), min, max);
  }
  if (value.is_number()) {
    blame(value.where, quote(key) + ": expected an integer, " + range_phrase(min, max) + ", got " +
                           std::string(source_.slice(value.where)));
    return std::nullopt;
  }
  if (!mentions_expression(value)) {
    blame_type(key, "an integer", value);
    return std::nullopt;
  }
  const auto written = text(key, value);
  if (!written) return std::nullopt;
  const auto number = number_of(*written);
  if (number) return in_range(key, *written, value.where, *number, min, max);
  blame(value.where, quote(key) + ": expected an integer, got " + quote(*written));
  return std::nullopt;
}

std::optional<std::int64_t> ValueReader::integer_or_word(std::string_view key,
                                                         const JsonValue& value, std::int64_t min,
                                                         std::int64_t max, std::string_view word) {
  if (value.is_number()) return integer(key, value, min, max);
  const std::string wanted = "an integer or " + quote(word);
  if (!value.text()) {
    blame_type(key, wanted, value);
    return std::nullopt;
  }
  const auto written = text(key, value);
  if (!written) return std::nullopt;
  if (*written == word) return 0;
  const auto number = mentions_expression(value) ? number_of(*written) : std::nullopt;
  if (number) return in_range(key, *written, value.where, *number, min, max);
  blame(value.where, quote(key) + ": expected " + wanted + ", got " + quote(*written));
  return std::nullopt;
}

std::optional<std::int64_t> ValueReader::byte_size(std::string_view key, const JsonValue& value,
                                                   std::int64_t min, std::int64_t max) {
  if (!value.text()) {
    if (value.is_number()) return integer(key, value, min, max);
    blame_type(key, "a size such as 4096 or \"64KiB\"", value);
    return std::nullopt;
  }
  const auto written = text(key, value);
  if (!written) return std::nullopt;
  const auto number = parse_byte_size(*written);
  if (number) return in_range(key, quote(*written), value.where, *number, min, max);
  blame(value.where,
        quote(key) + ": expected a size such as 4096 or \"64KiB\", got " + quote(*written));
  return std::nullopt;
}

std::optional<std::int64_t> ValueReader::duration(std::string_view key, const JsonValue& value,
                                                  std::int64_t min) {
  if (!value.text() && !value.is_number()) {
    blame_type(key, type_phrase(OptionType::kDuration), value);
    return std::nullopt;
  }
  const auto written = scalar(key, value);
  if (!written) return std::nullopt;
  const std::string shown = value.text() ? quote(*written) : *written;
  const auto length = value.text() ? parse_duration(*written) : length_of(*written);
  if (length && length->count() >= min) return length->count();
  const std::string wanted = length ? "a duration longer than 0"  // min is 0 or 1
                                    : std::string(type_phrase(OptionType::kDuration));
  blame(value.where, quote(key) + ": expected " + wanted + ", got " + shown);
  return std::nullopt;
}

std::optional<double> ValueReader::number(std::string_view key, const JsonValue& value,
                                          std::int64_t min, std::int64_t max) {
  if (!value.is_number() && !mentions_expression(value)) {
    blame_type(key, "a number", value);
    return std::nullopt;
  }
  const auto written = scalar(key, value);
  if (!written) return std::nullopt;
  double parsed = 0;
  const char* const end = written->data() + written->size();
  const auto [rest, error] = std::from_chars(written->data(), end, parsed);
  const std::string shown = value.text() ? quote(*written) : *written;
  if (error != std::errc() || rest != end || !std::isfinite(parsed)) {
    blame(value.where, quote(key) + ": expected a number, got " + shown);
    return std::nullopt;
  }
  if (parsed >= static_cast<double>(min) && parsed <= static_cast<double>(max)) return parsed;
  blame(value.where,
        quote(key) + ": expected a number, " + range_phrase(min, max) + ", got " + shown);
  return std::nullopt;
}

std::optional<std::vector<std::string>> ValueReader::texts(std::string_view key,
                                                           const JsonValue& value) {
  if (!value.text() && !value.array()) {
    blame_type(key, "a string or an array of strings", value);
    return std::nullopt;
  }
  std::vector<std::string> result;
  bool is_right = true;
  const auto add = [&](const JsonValue& element) {
    if (is_files(element)) {
      auto several = files(element);
      is_right = is_right && several.has_value();
      if (several) std::ranges::move(*several, std::back_inserter(result));
      return;
    }
    auto one = text(key, element);
    is_right = is_right && one.has_value();
    if (one) result.push_back(std::move(*one));
  };
  if (value.text()) {
    add(value);
  } else if (value.array()->empty()) {
    blame(value.where, quote(key) + " is empty");
    return std::nullopt;
  } else {
    for (const JsonValue& element : *value.array()) add(element);
  }
  if (!is_right) return std::nullopt;
  return result;
}

std::optional<std::string> ValueReader::scalar(std::string_view key, const JsonValue& value) {
  if (value.is_number() || value.flag()) return std::string(source_.slice(value.where));
  if (value.text()) return text(key, value);
  blame_type(key, "a string, a number or a boolean", value);
  return std::nullopt;
}

std::optional<std::string> ValueReader::choice(std::string_view key, const JsonValue& value,
                                               std::span<const std::string_view> choices) {
  auto written = text(key, value);
  if (!written || std::ranges::find(choices, *written) != choices.end()) return written;
  blame(value.where,
        quote(key) + ": expected " + quote_list(choices, "or") + ", got " + quote(*written),
        did_you_mean(*written, choices));
  return std::nullopt;
}

void ValueReader::reject_unknown_keys(const JsonObject& object,
                                      std::span<const std::string_view> known,
                                      std::string_view otherwise) {
  for (const JsonMember& member : object) {
    if (member.key.starts_with("x-") || std::ranges::find(known, member.key) != known.end()) {
      continue;
    }
    std::string hint = did_you_mean(member.key, known);
    if (hint.empty()) hint = otherwise;
    blame(member.key_where, "unknown key " + quote(member.key), std::move(hint));
  }
}

}  // namespace gorun::jobs
