#include "jobs/condition.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "jobs/quote.h"
#include "jobs/template.h"

namespace gorun::jobs {
namespace {

constexpr std::string_view kTruthHint = "true, yes, on, 1, or false, no, off, 0, or an empty text";
constexpr int kMaxDepth = 50;

std::optional<bool> truth_of(std::string_view text) {
  static constexpr std::array<std::string_view, 4> kTrue = {"true", "yes", "on", "1"};
  static constexpr std::array<std::string_view, 5> kFalse = {"false", "no", "off", "0", ""};
  if (std::ranges::find(kTrue, text) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, text) != kFalse.end()) return false;
  return std::nullopt;
}

// What a part of a condition comes to. `text` is nothing where it was blamed.
struct Operand {
  std::optional<std::string> text;
  std::size_t begin = 0;
  std::size_t end = 0;
};

class ConditionParser {
 public:
  ConditionParser(const JsonValue& value, ValueReader* reader)
      : text_(*value.text()), token_(value.where), reader_(*reader) {}

  std::optional<bool> parse() && {
    const Operand all = parse_or(0);
    skip_blanks();
    if (!failed_ && at_ < text_.size()) fail_here("unexpected ");
    if (failed_) return std::nullopt;
    return truth(all);
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }
  void skip_blanks() { at_ = std::min(text_.find_first_not_of(" \t", at_), text_.size()); }

  bool take(std::string_view sign) {
    skip_blanks();
    if (!rest().starts_with(sign)) return false;
    at_ += sign.size();
    return true;
  }

  ByteRange place(std::size_t begin, std::size_t end) const {
    return {offset_in_source(reader_.source(), token_, begin),
            offset_in_source(reader_.source(), token_, end)};
  }

  // One mistake of syntax is enough: what follows it means nothing.
  void fail(std::size_t begin, std::size_t end, std::string what, std::string hint) {
    if (!failed_) reader_.blame(place(begin, end), std::move(what), std::move(hint));
    failed_ = true;
    at_ = text_.size();
  }

  void fail_here(const std::string& before) {
    skip_blanks();
    if (at_ == text_.size()) {
      fail(at_, at_, "the condition ends here, and something is missing", "");
      return;
    }
    const std::size_t end = std::min(text_.find_first_of(" \t()&|=!}", at_ + 1), text_.size());
    fail(at_, end, before + quote(text_.substr(at_, end - at_)),
         "known here: vars.NAME, matrix.KEY, 'text', numbers, true, false, == != && || ! ( )");
  }

  // Nothing after a blame.
  std::optional<bool> truth(const Operand& operand) {
    if (!operand.text) return std::nullopt;
    const std::optional<bool> is_true = truth_of(*operand.text);
    if (!is_true) {
      reader_.blame(place(operand.begin, operand.end),
                    "expected true or false, got " + quote(*operand.text), std::string(kTruthHint));
    }
    return is_true;
  }

  static Operand joined(const Operand& a, const Operand& b, std::optional<bool> value) {
    Operand all{.text = std::nullopt, .begin = a.begin, .end = b.end};
    if (value) all.text = *value ? "true" : "false";
    return all;
  }

  // Operands that `next` parses, between them `word`, which joins two truths by `join`.
  template <class Join>
  Operand parse_chain(std::string_view word, Operand (ConditionParser::*next)(int), int depth,
                      Join join) {
    Operand left = (this->*next)(depth);
    while (!failed_ && take(word)) {
      const Operand right = (this->*next)(depth);
      const auto a = truth(left);
      const auto b = truth(right);
      left = joined(left, right, a && b ? std::optional(join(*a, *b)) : std::nullopt);
    }
    return left;
  }

  Operand parse_or(int depth) {
    return parse_chain("||", &ConditionParser::parse_and, depth, std::logical_or<>());
  }

  Operand parse_and(int depth) {
    return parse_chain("&&", &ConditionParser::parse_equality, depth, std::logical_and<>());
  }

  Operand parse_equality(int depth) {
    Operand left = parse_unary(depth);
    const bool is_equal = !failed_ && take("==");
    if (failed_ || (!is_equal && !take("!="))) return left;
    const Operand right = parse_unary(depth);
    if (!left.text || !right.text) return joined(left, right, std::nullopt);
    return joined(left, right, (*left.text == *right.text) == is_equal);
  }

  Operand parse_unary(int depth) {
    if (depth > kMaxDepth) {
      fail(at_, text_.size(), "the condition is nested too deeply", "");
      return {};
    }
    skip_blanks();
    const std::size_t begin = at_;
    if (!rest().starts_with("!=") && take("!")) {
      const Operand of = parse_unary(depth + 1);
      const auto value = failed_ ? std::nullopt : truth(of);
      return joined({.text = {}, .begin = begin}, of, value ? std::optional(!*value) : value);
    }
    const bool is_expression = take("${{");
    if (is_expression || take("(")) {
      Operand inner = parse_or(depth + 1);
      if (!failed_ && !take(is_expression ? "}}" : ")")) {
        fail(begin, begin + (is_expression ? 3 : 1),
             is_expression ? "\"${{\" without \"}}\"" : "\"(\" without \")\"", "");
      }
      inner.begin = begin;
      inner.end = at_;
      return inner;
    }
    return parse_value();
  }

  Operand parse_value() {
    const std::size_t begin = at_;
    if (rest().starts_with('\'')) {
      const std::size_t close = text_.find('\'', at_ + 1);
      if (close == std::string_view::npos) {
        fail(at_, text_.size(), "this text is never closed", "put a \"'\" at its end");
        return {};
      }
      at_ = close + 1;
      return {std::string(text_.substr(begin + 1, close - begin - 1)), begin, at_};
    }
    const std::size_t end = std::min(text_.find_first_of(" \t()&|=!}'", at_), text_.size());
    const std::string_view word = text_.substr(at_, end - at_);
    if (word.starts_with("vars.") && is_expression_name(word.substr(5))) {
      at_ = end;
      return {reader_.var(word.substr(5), place(begin, end)), begin, end};
    }
    if (word.starts_with("matrix.") && is_expression_name(word.substr(7))) {
      at_ = end;
      return {reader_.matrix_value(word.substr(7), place(begin, end)), begin, end};
    }
    const bool is_number =
        !word.empty() && word.find_first_not_of("0123456789.-") == std::string_view::npos;
    if (is_number || word == "true" || word == "false") {
      at_ = end;
      return {std::string(word), begin, end};
    }
    if (word == "item" || word.starts_with("item.")) {
      fail(begin, end, "\"if\" cannot refer to an item",
           "a stage of kind \"filter\" chooses items");
    } else if (word == "run.status") {
      fail(begin, end, "\"if\" cannot refer to how the run stands",
           R"("when": "failure" does, or "always")");
    } else {
      fail_here("unknown word ");
    }
    return {};
  }

  const std::string_view text_;
  const ByteRange token_;
  ValueReader& reader_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace

std::optional<bool> read_condition(const JsonValue& value, ValueReader* reader) {
  if (value.flag()) return *value.flag();
  if (!value.text()) {
    reader->blame_type("if", "true, false or a condition", value);
    return std::nullopt;
  }
  return ConditionParser(value, reader).parse();
}

}  // namespace gorun::jobs
