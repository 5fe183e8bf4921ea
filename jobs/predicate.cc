#include "jobs/predicate.h"

#include <algorithm>

namespace gorun::jobs {
namespace {

int compare(const Number& a, const Number& b) {
  const auto* left = std::get_if<std::int64_t>(&a);
  const auto* right = std::get_if<std::int64_t>(&b);
  if (left != nullptr && right != nullptr) return *left < *right ? -1 : *right < *left ? 1 : 0;
  return is_less(a, b) ? -1 : is_less(b, a) ? 1 : 0;
}

}  // namespace

PredicateMatch::PredicateMatch(const Predicate& predicate) {
  for (const PredicateTest& test : predicate) {
    Test& mine = tests_.emplace_back();
    mine.field = test.field;
    mine.is_of_text = test.field == "item";
    mine.op = test.op;
    for (const std::string& value : test.values)
      mine.wanted.push_back({value, parse_number(value)});
  }
}

bool PredicateMatch::matches(const Item& item) const {
  return std::ranges::all_of(tests_, [&item](const Test& test) {
    if (test.is_of_text) return holds(test, item.text);
    const Field* field = item.find(test.field);
    if (field != nullptr) return holds(test, field->value);
    return test.op == PredicateOp::kExists && test.wanted.front().text == "false";
  });
}

bool PredicateMatch::holds(const Test& test, std::string_view value) {
  if (test.op == PredicateOp::kExists) return test.wanted.front().text == "true";
  if (test.op == PredicateOp::kContains) {
    return value.find(test.wanted.front().text) != std::string_view::npos;
  }
  // Whether the value is a number matters only where what is wanted is one.
  std::optional<Number> number;
  bool is_read = false;
  const auto compared = [&](const Wanted& wanted) {
    if (!wanted.number) return value.compare(wanted.text);
    if (!is_read) number = parse_number(value);
    is_read = true;
    return number ? compare(*number, *wanted.number) : value.compare(wanted.text);
  };
  const auto is = [&](const Wanted& wanted) { return compared(wanted) == 0; };
  if (test.op == PredicateOp::kIn) return std::ranges::any_of(test.wanted, is);
  const int order = compared(test.wanted.front());
  switch (test.op) {
    case PredicateOp::kEqual:
      return order == 0;
    case PredicateOp::kNotEqual:
      return order != 0;
    case PredicateOp::kLess:
      return order < 0;
    case PredicateOp::kLessEqual:
      return order <= 0;
    case PredicateOp::kGreater:
      return order > 0;
    default:
      return order >= 0;
  }
}

}  // namespace gorun::jobs
