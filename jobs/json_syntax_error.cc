#include "jobs/json_syntax_error.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>

#include "jobs/format/hex.h"
#include "jobs/json_tokens.h"
#include "jobs/quote.h"
#include "jobs/utf8.h"

namespace gorun::jobs {
namespace {

constexpr std::string_view kQuotesHint = "keys and texts are written in double quotes";

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$';
}

// Reads on from where the parser stopped, one mistake per call of explain().
class Explainer {
 public:
  Explainer(const Source& source, const JsonStop& stop)
      : source_(source), text_(source.text()), stop_(stop) {}

  // Nothing if all that follows looks right, which is then the parser's word against ours.
  std::optional<Diagnostic> explain() const {
    if (auto glued = explain_glued()) return glued;
    std::size_t at = skip_json_blanks(text_, stop_.cursor);
    std::optional<std::size_t> comma;
    if (stop_.after == JsonStop::After::kKey) {
      if (at < text_.size() && text_[at] != ':' && !is_comment(at)) {
        return missing_after_last("expected \":\" after the key " + last_token_text());
      }
      if (at < text_.size() && text_[at] == ':') at = skip_json_blanks(text_, at + 1);
    } else if (stop_.after == JsonStop::After::kValue && at < text_.size() && text_[at] == ',') {
      comma = at;
      at = skip_json_blanks(text_, at + 1);
    }
    if (at >= text_.size()) return explain_end();
    if (is_comment(at)) return error(at, at + 2, "this comment is never closed");
    if (stop_.after == JsonStop::After::kRoot) return explain_rest(at);
    const bool in_object = stop_.container == JsonStop::Container::kObject;
    const char closing = in_object ? '}' : ']';
    if (stop_.after == JsonStop::After::kValue && !comma) return explain_missing_comma(at, closing);
    if (comma && text_[at] == closing) {
      return error(*comma, *comma + 1, "a comma with nothing after it", "remove the \",\"");
    }
    if (in_object && stop_.after != JsonStop::After::kKey) return explain_key(at);
    return explain_value(at);
  }

 private:
  Diagnostic error(std::size_t begin, std::size_t end, std::string what,
                   std::string hint = "") const {
    return {.where = ByteRange{begin, std::min(end, text_.size())},
            .what = std::move(what),
            .hint = std::move(hint)};
  }

  bool is_comment(std::size_t at) const { return text_.substr(at).starts_with("/*"); }

  std::string last_token_text() const {
    const ByteRange token = stop_.last_token;
    return quote(text_.substr(token.begin + 1, token.end - token.begin - 2));
  }

  // The caret goes just after the last token: that is where the missing thing belongs, however
  // many lines later the parser noticed.
  Diagnostic missing_after_last(std::string what) const {
    const std::size_t end = stop_.last_token.end;
    return error(end, end + 1, std::move(what));
  }

  std::size_t word_end(std::size_t at) const {
    while (at < text_.size() && is_word_char(text_[at])) ++at;
    return at;
  }

  // 012, 1.5.2 and truely: the parser took the front for a whole value.
  std::optional<Diagnostic> explain_glued() const {
    const std::size_t at = stop_.cursor;
    if (stop_.last_token.end != at || at == 0 || at >= text_.size()) return std::nullopt;
    if (!is_word_char(text_[at - 1]) || (!is_word_char(text_[at]) && text_[at] != '.')) {
      return std::nullopt;
    }
    return explain_value(stop_.last_token.begin);
  }

  Diagnostic explain_end() const {
    const std::size_t end = std::min(text_.find_last_not_of(" \t\r\n") + 1, text_.size());
    if (stop_.after == JsonStop::After::kNothing) {
      const std::size_t begin = source_.last_file().begin;
      return {.where = begin == 0 ? std::nullopt : std::optional(ByteRange{begin, begin}),
              .what = end <= begin ? "the file is empty" : "the file holds nothing but comments",
              .hint = "a job file is an object: { ... }"};
    }
    const bool in_object = stop_.container == JsonStop::Container::kObject;
    const std::string place = to_string(source_.position(stop_.container_begin));
    return error(
        end, end, in_object ? "the file ends inside an object" : "the file ends inside an array",
        std::string("the \"") + (in_object ? '{' : '[') + "\" at " + place + " is never closed");
  }

  Diagnostic explain_rest(std::size_t at) const {
    const std::size_t line_end = std::min(text_.find_first_of("\r\n", at), text_.size());
    return error(at, std::max(line_end, at + 1), "text after the end of the job file",
                 "a job file is one JSON object");
  }

  Diagnostic explain_missing_comma(std::size_t at, char closing) const {
    const std::string wanted = std::string("expected \",\" or \"") + closing + "\"";
    if (text_[at] == '}' || text_[at] == ']') {
      return error(at, at + 1, wanted + ", got \"" + text_[at] + "\"");
    }
    return missing_after_last(wanted + " after this value");
  }

  std::optional<Diagnostic> explain_key(std::size_t at) const {
    if (text_[at] == '"') return explain_string(at);
    if (text_[at] == '}') return std::nullopt;
    if (is_word_char(text_[at]) || text_[at] == '\'') {
      std::size_t end = word_end(at + 1);
      if (text_.substr(end).starts_with('\'')) ++end;
      return error(at, end, "a key without double quotes", std::string(kQuotesHint));
    }
    return unexpected(at, "a key");
  }

  std::optional<Diagnostic> explain_value(std::size_t at) const {
    const char c = text_[at];
    if (c == '"') return explain_string(at);
    if (c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9')) return explain_number(at);
    if (c == '\'') return error(at, at + 1, "a text in single quotes", std::string(kQuotesHint));
    if (is_word_char(c)) return explain_word(at);
    if (c == '{' || c == '[') return std::nullopt;
    return unexpected(at, "a value");
  }

  Diagnostic unexpected(std::size_t at, std::string_view wanted) const {
    const std::size_t end = at + std::max<std::size_t>(utf8_length(text_, at), 1);
    return error(at, end,
                 "expected " + std::string(wanted) + ", got " + quote(text_.substr(at, end - at)));
  }

  Diagnostic explain_word(std::size_t at) const {
    const std::size_t end = word_end(at);
    const std::string word(text_.substr(at, end - at));
    std::string lower = word;
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::string hint(kQuotesHint);
    if (lower == "true" || lower == "false" || lower == "null") {
      hint = "did you mean " + lower + "?";
    } else if (lower == "none" || lower == "nil" || lower == "undefined") {
      hint = "did you mean null?";
    }
    return error(at, end, "unexpected word " + quote(word), std::move(hint));
  }

  Diagnostic explain_number(std::size_t at) const {
    std::size_t end = at;
    while (end < text_.size() &&
           (is_word_char(text_[end]) ||
            std::string_view("+-.").find(text_[end]) != std::string_view::npos)) {
      ++end;
    }
    const std::string_view number = text_.substr(at, end - at);
    if (json_number_end(text_, at) == end) {
      return error(at, end, "the number " + std::string(number) + " is too large");
    }
    std::string hint;
    const std::string_view digits = number.substr(number.find_first_not_of('-') == 1 ? 1 : 0);
    if (digits.size() > 1 && digits[0] == '0' && std::isdigit(digits[1] & 0x7f) != 0) {
      hint = "a number has no leading zero";
    } else if (number.front() == '+') {
      hint = "a number has no leading \"+\"";
    } else if (number.front() == '.' || number.back() == '.') {
      hint = "a digit stands on both sides of the decimal point";
    }
    return error(at, end, quote(number) + " is not a number", std::move(hint));
  }

  std::optional<Diagnostic> explain_string(std::size_t begin) const {
    for (std::size_t at = begin + 1; at < text_.size() && text_[at] != '"'; ++at) {
      const auto byte = static_cast<unsigned char>(text_[at]);
      if (byte == '\n' || (byte == '\r' && text_.substr(at + 1).starts_with('\n'))) {
        return error(begin, at, "this text is never closed",
                     "a text ends with a double quote on the line where it begins");
      }
      if (byte < 0x20) {
        return error(
            at, at + 1, "a control character inside a text",
            byte == '\t' ? "a tab is written \\t" : "it is written " + unicode_escape(byte));
      }
      if (byte != '\\') continue;
      if (auto wrong = explain_escape(at)) return wrong;
      at += 1;  // the escaped character, which may be a quote
    }
    if (json_string_end(text_, begin) < text_.size() || ends_with_quote(begin)) return std::nullopt;
    return error(begin, text_.size(), "this text is never closed",
                 "a text ends with a double quote on the line where it begins");
  }

  bool ends_with_quote(std::size_t begin) const {
    return text_.size() > begin + 1 && text_.back() == '"';
  }

  static std::string unicode_escape(unsigned char byte) {
    return std::string("\\u00") + kHexDigits[byte >> 4U] + kHexDigits[byte & 0xfU];
  }

  // The code unit of \uXXXX at `at`, nothing if the digits are not there.
  std::optional<unsigned> code_unit(std::size_t at) const {
    const std::string_view digits = text_.substr(std::min(at + 2, text_.size()), 4);
    if (!text_.substr(at).starts_with("\\u") || digits.size() < 4 ||
        digits.find_first_not_of(kAnyHexDigits) != std::string_view::npos) {
      return std::nullopt;
    }
    return static_cast<unsigned>(std::stoul(std::string(digits), nullptr, 16));
  }

  std::optional<Diagnostic> explain_escape(std::size_t at) const {
    if (at + 1 >= text_.size()) return std::nullopt;
    const char c = text_[at + 1];
    if (std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos) return std::nullopt;
    if (c != 'u') {
      const std::size_t end = at + 1 + std::max<std::size_t>(utf8_length(text_, at + 1), 1);
      if (c == '\n' || c == '\r') return std::nullopt;
      return error(at, end, "unknown escape \"" + std::string(text_.substr(at, end - at)) + "\"",
                   "a backslash is written \\\\");
    }
    const std::optional<unsigned> unit = code_unit(at);
    if (!unit) return error(at, at + 2, "\\u needs four hexadecimal digits");
    if (*unit < 0xd800 || *unit > 0xdfff) return std::nullopt;
    const std::optional<unsigned> low = code_unit(at + 6);
    if (*unit < 0xdc00 && low && *low >= 0xdc00 && *low <= 0xdfff) return std::nullopt;
    const bool is_second = at >= 6 && *unit >= 0xdc00 && code_unit(at - 6).value_or(0) >= 0xd800;
    if (is_second) return std::nullopt;
    return error(at, at + 6, "half of a surrogate pair",
                 "characters beyond U+FFFF are two \\u escapes, or the character itself");
  }

  const Source& source_;
  std::string_view text_;
  const JsonStop& stop_;
};

}  // namespace

Diagnostic explain_syntax_error(const Source& source, const JsonStop& stop,
                                const std::string& reason) {
  std::optional<Diagnostic> explained = Explainer(source, stop).explain();
  if (!explained) {
    // nlohmann's text is "[json.exception...] parse error at line 1, column 2: what".
    const std::size_t colon = reason.find(": ");
    const std::size_t at = skip_json_blanks(source.text(), stop.cursor);
    return {.where = ByteRange{at, std::min(at + 1, source.text().size())},
            .what = colon == std::string::npos ? reason : reason.substr(colon + 2),
            .hint = {}};
  }
  return *explained;
}

}  // namespace gorun::jobs
