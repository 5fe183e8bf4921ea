#include "jobs/records/json_shape.h"

#include <algorithm>
#include <limits>

namespace gorun::jobs {
namespace {

constexpr std::size_t kMostSteps = 512;
constexpr std::size_t kDeepestShape = 64;
constexpr std::size_t kLongestShape = JsonMarks::kMostBytes / 2;

bool is_mark(char c) { return c == '"' || static_cast<unsigned char>(c) < 0x20; }

}  // namespace

// Goes over a document that is known to be right.
class JsonShape::Builder {
 public:
  Builder(std::string_view document, std::span<const JsonToken> tokens)
      : document_(document), tokens_(tokens) {
    shape_.tokens_ = tokens.size();
  }

  std::optional<JsonShape> build() {
    if (document_.size() > kLongestShape || !document_.starts_with('{')) return std::nullopt;
    std::size_t depth = 0;
    do {
      const char c = document_[at_];
      if (c == '{') {
        if (++depth > kDeepestShape) return std::nullopt;
        is_at_key_ = true;
        ++at_;
      } else if (c == '}') {
        --depth;
        is_at_key_ = false;
        ++at_;
      } else if (c == ',') {  // of an object: arrays are skipped
        is_at_key_ = true;
        ++at_;
      } else if (c == ':' || c <= ' ') {
        ++at_;
      } else if (is_at_key_) {
        const std::size_t close = document_.find('"', at_ + 1);
        if (document_.substr(at_, close - at_).find('\\') != std::string_view::npos) {
          return std::nullopt;
        }
        at_ = close + 1;
        is_at_key_ = false;
      } else if (!take_value()) {
        return std::nullopt;
      }
    } while (depth > 0);
    if (!add_text(Value::kNone)) return std::nullopt;
    note_tokens();
    shape_.make_fast_steps();
    return std::move(shape_);
  }

 private:
  // From here to behind a value.
  bool take_value() {
    const char* const from = document_.data() + at_;
    JsonScan<JsonLines::kBlank> scan{document_.data() + document_.size()};
    const char* to = from;
    JsonToken::Kind kind = JsonToken::Kind::kAbsent;
    Value value = Value::kArray;
    if (*from == '[') {
      to = scan.skip_container(from);
    } else {
      to = scan.skip_scalar(from, &kind);
      value = kind == JsonToken::Kind::kString    ? Value::kString
              : kind == JsonToken::Kind::kLiteral ? Value::kLiteral
                                                  : Value::kNumber;
    }
    if (to == nullptr || !add_text(value)) return false;
    if (value == Value::kString) shape_.marks_ += 2;
    values_.push_back(from);
    at_ = text_ = static_cast<std::size_t>(to - document_.data());
    shape_.steps_.back().next = document_[at_];
    return true;
  }

  // The text since the last value, and what follows it.
  bool add_text(Value value) {
    const std::string_view text = document_.substr(text_, at_ - text_);
    if (text.size() > kLongestText || shape_.steps_.size() == kMostSteps) return false;
    Step step{.words = {}, .masks = {}};
    const std::size_t length = std::min(text.size(), kInline);
    std::array<char, kInline> mask = {};
    std::fill_n(mask.begin(), length, '\xff');
    std::memcpy(step.masks.data(), mask.data(), mask.size());
    std::memcpy(step.words.data(), text.data(), length);
    step.length = static_cast<std::uint16_t>(text.size());
    step.marks = static_cast<std::uint16_t>(std::ranges::count_if(text, is_mark));
    step.token = static_cast<std::uint16_t>(tokens_.size());
    step.rest = static_cast<std::uint16_t>(shape_.rests_.size());
    step.value = value;
    shape_.rests_ += text;
    if (shape_.rests_.size() > std::numeric_limits<std::uint16_t>::max()) return false;
    shape_.has_line_feed_ |= text.find('\n') != std::string_view::npos;
    shape_.marks_ += step.marks;
    shape_.steps_.push_back(step);
    return true;
  }

  // Which values are wanted.
  void note_tokens() {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const JsonToken& token = tokens_[i];
      if (token.kind == JsonToken::Kind::kAbsent) {
        shape_.absent_.push_back(i);
        continue;
      }
      const bool is_string = token.kind == JsonToken::Kind::kString;
      const auto value = std::ranges::find(values_, token.text.data() - (is_string ? 1 : 0));
      Step& step = shape_.steps_[static_cast<std::size_t>(value - values_.begin())];
      if (step.token == tokens_.size()) {
        step.token = static_cast<std::uint16_t>(i);
      } else {
        shape_.copies_.push_back({step.token, i});
      }
    }
  }

  const std::string_view document_;
  const std::span<const JsonToken> tokens_;
  JsonShape shape_;
  std::size_t at_ = 0;
  std::size_t text_ = 0;  // where the text begins that belongs to no step yet
  bool is_at_key_ = false;
  std::vector<const char*> values_;  // by step, where its value begins
};

std::optional<JsonShape> JsonShape::of(std::string_view document,
                                       std::span<const JsonToken> tokens) {
  if (tokens.size() >= std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
  return Builder(document, tokens).build();
}

void JsonShape::make_fast_steps() {
  std::uint16_t marks = 0;
  bool is_behind_string = false;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& slow = steps_[i];
    const bool is_string = slow.value == Value::kString;
    std::string text = is_behind_string ? "\"" : "";
    text += std::string_view(rests_).substr(slow.rest, slow.length);
    if (is_string) text += '"';
    FastStep step{.text = {}, .any = {}};
    step.marks = marks;
    marks = static_cast<std::uint16_t>(marks + slow.marks + (is_string ? 2 : 0));
    step.close = static_cast<std::uint16_t>(marks - 1);
    step.token = static_cast<std::uint16_t>(slow.token);
    step.slow = static_cast<std::uint16_t>(i);
    step.next = slow.next;
    step.is_wanted = slow.token != tokens_;
    step.is_behind_string = is_behind_string;
    is_behind_string = is_string;
    for (std::size_t at = 0; at < text.size(); at += step.length) {
      const std::size_t length = std::min(text.size() - at, kInline);
      step.any.fill('\xff');
      std::fill_n(step.any.begin(), length, '\0');
      text.copy(step.text.data(), length, at);
      step.length = static_cast<std::uint8_t>(length);
      step.offset = static_cast<std::uint8_t>(at);
      step.value = at + length == text.size() ? slow.value : Value::kMore;
      fast_steps_.push_back(step);
    }
  }
}

// A value that is not of the kind that was expected, or not of the simplest form of its kind.
template <JsonLines kLines>
[[gnu::noinline]] JsonShape::Match JsonShape::take_other(const JsonWindow& window, const Step& step,
                                                         std::size_t at, std::size_t mark,
                                                         JsonToken* tokens) const {
  const char* const from = window.begin + at;
  const bool is_wanted = step.token != tokens_;
  JsonScan<kLines> scan{window.text_end};
  JsonToken::Kind kind = JsonToken::Kind::kAbsent;
  const char* to = from;
  if (*from == '[') {
    if (step.value != Value::kArray) return {0, Match::kNo};
    to = scan.skip_container(from);
  } else {
    if (step.value == Value::kArray || *from == '{') return {0, Match::kNo};
    to = scan.skip_scalar(from, &kind);
  }
  if (to == nullptr || scan.must_decode) return {0, Match::kNo};
  const auto size = static_cast<std::size_t>(to - from);
  if (kind == JsonToken::Kind::kString) {
    if (is_wanted && std::memchr(from, '\\', size) != nullptr) return {0, Match::kNo};
    tokens[step.token] = {kind, {from + 1, size - 2}};
  } else if (is_wanted) {
    tokens[step.token] = {kind, {from, size}};
  }
  at += size;
  if (at >= window.marks.size()) return {0, Match::kCut};
  while (mark < window.marks.count() && window.marks[mark] < at) ++mark;
  // As many as ever may follow.
  if (window.marks.count() - mark < marks_) return {0, Match::kCut};
  return {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(mark)};
}

// From a step on.
template <JsonLines kLines>
[[gnu::noinline]] JsonShape::Match JsonShape::match_slowly(const JsonWindow& window,
                                                           std::size_t first, std::size_t at,
                                                           std::size_t mark,
                                                           JsonToken* tokens) const {
  const char* const base = window.begin;
  const JsonMarks& marks = window.marks;
  for (const Step& step : std::span(steps_).subspan(first)) {
    const char* const text = base + at;
    if ((((load_word(text) ^ step.words[0]) & step.masks[0]) |
         ((load_word(text + 8) ^ step.words[1]) & step.masks[1])) != 0) {
      return {0, Match::kNo};
    }
    if (step.length > kInline &&
        std::memcmp(text + kInline, rests_.data() + step.rest, step.length - kInline) != 0) {
      return {0, Match::kNo};
    }
    at += step.length;
    mark += step.marks;
    const char* const from = base + at;
    switch (step.value) {
      case Value::kString: {
        if (*from != '"') break;
        const std::size_t close = marks[mark + 1];
        if (base[close] != '"') return {0, Match::kNo};
        if (marks.has_backslash(at + 1, close)) [[unlikely]]
          break;
        tokens[step.token] = {JsonToken::Kind::kString, {from + 1, close - at - 1}};
        at = close + 1;
        mark += 2;
        continue;
      }
      case Value::kNumber: {
        const bool is_negative = *from == '-';
        const std::size_t begin = at + is_negative;
        const unsigned digits = marks.digits(begin);
        if (digits == 0 || digits == JsonMarks::kMostDigits) break;
        const bool is_zero = base[begin] == '0';
        if (is_zero && digits > 1) return {0, Match::kNo};
        std::size_t end = begin + digits;
        auto kind = digits <= kSafeDigits && !(is_zero && is_negative) ? JsonToken::Kind::kInteger
                                                                       : JsonToken::Kind::kNumber;
        if (base[end] != step.next) {
          // A fraction, or else it is looked at by others.
          if (base[end] != '.') break;
          const unsigned more = marks.digits(end + 1);
          end += 1 + more;
          if (more == 0 || more == JsonMarks::kMostDigits || base[end] != step.next) break;
          kind = JsonToken::Kind::kNumber;
        }
        tokens[step.token] = {kind, {from, end - at}};
        at = end;
        continue;
      }
      case Value::kLiteral: {
        const std::size_t length = json_word_length(from);
        if (length == 0) break;
        tokens[step.token] = {JsonToken::Kind::kLiteral, {from, length}};
        at += length;
        continue;
      }
      case Value::kArray:
      case Value::kMore:
        break;
      case Value::kNone:
        for (const auto& [token, other] : copies_) tokens[other] = tokens[token];
        for (const std::size_t token : absent_) tokens[token] = {};
        return {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(mark)};
    }
    const Match other = take_other<kLines>(window, step, at, mark, tokens);
    if (!other.is_whole()) return other;
    at = other.at;
    mark = other.mark;
  }
  return {0, Match::kNo};
}

template JsonShape::Match JsonShape::match_slowly<JsonLines::kBlank>(const JsonWindow&, std::size_t,
                                                                     std::size_t, std::size_t,
                                                                     JsonToken*) const;
template JsonShape::Match JsonShape::match_slowly<JsonLines::kEnd>(const JsonWindow&, std::size_t,
                                                                   std::size_t, std::size_t,
                                                                   JsonToken*) const;
template JsonShape::Match JsonShape::take_other<JsonLines::kBlank>(const JsonWindow&, const Step&,
                                                                   std::size_t, std::size_t,
                                                                   JsonToken*) const;
template JsonShape::Match JsonShape::take_other<JsonLines::kEnd>(const JsonWindow&, const Step&,
                                                                 std::size_t, std::size_t,
                                                                 JsonToken*) const;

}  // namespace gorun::jobs
