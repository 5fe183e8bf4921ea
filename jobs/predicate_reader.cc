#include "jobs/predicate_reader.h"

#include <algorithm>
#include <utility>

#include "jobs/edit_distance.h"
#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

bool is_port_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

std::optional<std::vector<std::string>> read_values(PredicateOp op, const JsonMember& member,
                                                    ValueReader* reader) {
  std::vector<std::string> values;
  if (op == PredicateOp::kExists) {
    const auto flag = reader->flag(member.key, member.value);
    if (!flag) return std::nullopt;
    values.emplace_back(*flag ? "true" : "false");
    return values;
  }
  if (op != PredicateOp::kIn) {
    auto one = reader->scalar(member.key, member.value);
    if (!one) return std::nullopt;
    values.push_back(std::move(*one));
    return values;
  }
  if (!member.value.array()) {
    reader->blame_type(member.key, "an array of values", member.value);
    return std::nullopt;
  }
  for (const JsonValue& element : *member.value.array()) {
    auto one = reader->scalar(member.key, element);
    if (!one) return std::nullopt;
    values.push_back(std::move(*one));
  }
  return values;
}

// The tests of one field.
bool read_tests(const JsonMember& field, Predicate* tests, ValueReader* reader) {
  if (!field.value.object()) {
    auto value = reader->scalar(field.key, field.value);
    if (!value) return false;
    tests->push_back({field.key, PredicateOp::kEqual, {std::move(*value)}});
    return true;
  }
  if (field.value.object()->empty()) {
    reader->blame(field.value.where, quote(field.key) + " asks nothing",
                  "operators are " + quote_list(kPredicateOps));
    return false;
  }
  bool is_right = true;
  for (const JsonMember& member : *field.value.object()) {
    const auto op = std::ranges::find(kPredicateOps, member.key);
    if (op == kPredicateOps.end()) {
      reader->blame(member.key_where, "unknown operator " + quote(member.key),
                    "operators are " + quote_list(kPredicateOps));
      is_right = false;
      continue;
    }
    const auto which = static_cast<PredicateOp>(op - kPredicateOps.begin());
    auto values = read_values(which, member, reader);
    is_right = is_right && values.has_value();
    if (values) tests->push_back({field.key, which, std::move(*values)});
  }
  return is_right;
}

}  // namespace

std::optional<Predicate> read_predicate(std::string_view key, const JsonValue& value,
                                        ValueReader* reader) {
  if (!value.object()) {
    reader->blame_type(key, "an object of questions", value);
    return std::nullopt;
  }
  if (value.object()->empty()) {
    reader->blame(value.where, quote(key) + " asks nothing", "{\"field\": {\">=\": 500}}");
    return std::nullopt;
  }
  Predicate tests;
  bool is_right = true;
  for (const JsonMember& field : *value.object()) {
    is_right = read_tests(field, &tests, reader) && is_right;
  }
  if (!is_right) return std::nullopt;
  return tests;
}

std::optional<NamedPredicates> read_named_predicates(std::string_view key, const JsonValue& value,
                                                     ValueReader* reader) {
  if (!value.object()) {
    reader->blame_type(key, "an object of predicates", value);
    return std::nullopt;
  }
  if (value.object()->empty()) {
    reader->blame(value.where, quote(key) + " is empty", "{\"port\": {\"field\": {\">=\": 500}}}");
    return std::nullopt;
  }
  NamedPredicates named;
  bool is_right = true;
  for (const JsonMember& member : *value.object()) {
    if (!is_port_name(member.key) || member.key == "out" || member.key == "errors") {
      reader->blame(
          member.key_where, quote(member.key) + " cannot be the name of a port",
          "a name has letters, digits, \"_\" and \"-\"; \"out\" and \"errors\" are taken");
      is_right = false;
    }
    auto predicate = read_predicate(member.key, member.value, reader);
    is_right = is_right && predicate.has_value();
    if (predicate) named.emplace_back(member.key, std::move(*predicate));
  }
  if (!is_right) return std::nullopt;
  return named;
}

}  // namespace gorun::jobs
