// jobs/predicate.h - a question about an item's fields, as a plain value.
//
//   {"status": {">=": 500, "<": 600}, "host": "a.example", "type": {"in": ["x", "y"]}}
//
// All of it must hold. The name "item" stands for the item's text. A value without an operator asks
// for equality. "==", "!=", "<", "<=", ">", ">=" and "in" compare as numbers where both sides are
// numbers, else as bytes; "contains" looks for a part; "exists" asks whether the field is there. To
// an item without the field every other question has the answer no, also "!=".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/item.h"
#include "jobs/mapreduce/number.h"

namespace gorun::jobs {

enum class PredicateOp : std::uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,        // one of several
  kContains,  // has a part
  kExists,    // the value is "true" or "false"
};

/// The operators as they are typed, in the order of PredicateOp.
inline constexpr std::array<std::string_view, 9> kPredicateOps = {
    "==", "!=", "<", "<=", ">", ">=", "in", "contains", "exists"};

struct PredicateTest {
  std::string field;
  PredicateOp op = PredicateOp::kEqual;
  std::vector<std::string> values;  // one, or of kIn any number

  friend bool operator==(const PredicateTest&, const PredicateTest&) = default;
};

using Predicate = std::vector<PredicateTest>;
using NamedPredicates = std::vector<std::pair<std::string, Predicate>>;

/// A predicate made ready for many items: what it compares with is read once.
class PredicateMatch {
 public:
  /// `predicate` outlives this.
  explicit PredicateMatch(const Predicate& predicate);

  /// True if every test holds.
  [[nodiscard]] bool matches(const Item& item) const;

 private:
  struct Wanted {
    std::string_view text;
    std::optional<Number> number;  // that the text is
  };
  struct Test {
    std::string_view field;
    bool is_of_text = false;  // the item's text is asked, and no field
    PredicateOp op = PredicateOp::kEqual;
    std::vector<Wanted> wanted;
  };
  [[nodiscard]] static bool holds(const Test& test, std::string_view value);

  std::vector<Test> tests_;
};

}  // namespace gorun::jobs
