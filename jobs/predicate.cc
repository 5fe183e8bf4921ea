#include "jobs/predicate.h"

#include <algorithm>

#include "jobs/mapreduce/number.h"

namespace gorun::jobs {
namespace {

// Less than, equal to or greater than 0.
int compare(std::string_view a, std::string_view b) {
  const auto left = parse_number(a);
  const auto right = left ? parse_number(b) : std::nullopt;
  if (!right) return a.compare(b);
  return is_less(*left, *right) ? -1 : is_less(*right, *left) ? 1 : 0;
}

bool holds(const PredicateTest& test, std::string_view value) {
  const std::string_view wanted = test.values.empty() ? std::string_view() : test.values.front();
  switch (test.op) {
    case PredicateOp::kEqual:
      return compare(value, wanted) == 0;
    case PredicateOp::kNotEqual:
      return compare(value, wanted) != 0;
    case PredicateOp::kLess:
      return compare(value, wanted) < 0;
    case PredicateOp::kLessEqual:
      return compare(value, wanted) <= 0;
    case PredicateOp::kGreater:
      return compare(value, wanted) > 0;
    case PredicateOp::kGreaterEqual:
      return compare(value, wanted) >= 0;
    case PredicateOp::kIn:
      return std::ranges::any_of(test.values,
                                 [value](const auto& one) { return compare(value, one) == 0; });
    case PredicateOp::kContains:
      return value.find(wanted) != std::string_view::npos;
    case PredicateOp::kExists:
      return wanted == "true";
  }
  return false;
}

}  // namespace

bool matches(const Predicate& predicate, const Item& item) {
  return std::ranges::all_of(predicate, [&item](const PredicateTest& test) {
    if (test.field == "item") return holds(test, item.text);
    const Field* field = item.find(test.field);
    if (field != nullptr) return holds(test, field->value);
    return test.op == PredicateOp::kExists && test.values.front() == "false";
  });
}

}  // namespace gorun::jobs
