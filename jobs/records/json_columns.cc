#include "jobs/records/json_columns.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "jobs/records/json_scan.h"

namespace gorun::jobs {
namespace {

bool is_json_mark(char c) { return c == '"' || static_cast<unsigned char>(c) < 0x20; }

// Sixteen bytes of a document. Each function says of every one of them whether something is wrong
// with it: not zero, or else zero.
#if defined(__x86_64__)
class Sixteen {
 public:
  static Sixteen zeros() { return Sixteen(_mm_setzero_si128()); }
  static Sixteen at(const char* from) {
    return Sixteen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  [[nodiscard]] Sixteen differing(Sixteen other, Sixteen kept) const {
    return Sixteen(_mm_and_si128(_mm_xor_si128(bytes_, other.bytes_), kept.bytes_));
  }
  [[nodiscard]] Sixteen outside(Sixteen least, Sixteen most) const {
    return Sixteen(
        _mm_or_si128(_mm_subs_epu8(least.bytes_, bytes_), _mm_subs_epu8(bytes_, most.bytes_)));
  }
  void operator|=(Sixteen other) { bytes_ = _mm_or_si128(bytes_, other.bytes_); }
  [[nodiscard]] bool any() const {
    return _mm_movemask_epi8(_mm_cmpeq_epi8(bytes_, _mm_setzero_si128())) != 0xffff;
  }

 private:
  explicit Sixteen(__m128i bytes) : bytes_(bytes) {}
  __m128i bytes_;
};
#else
class Sixteen {
 public:
  static Sixteen zeros() { return {}; }
  static Sixteen at(const char* from) {
    Sixteen sixteen;
    std::memcpy(sixteen.bytes_.data(), from, sizeof sixteen.bytes_);
    return sixteen;
  }
  [[nodiscard]] Sixteen differing(Sixteen other, Sixteen kept) const {
    Sixteen wrong;
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
      wrong.bytes_[i] = (bytes_[i] ^ other.bytes_[i]) & kept.bytes_[i];
    }
    return wrong;
  }
  [[nodiscard]] Sixteen outside(Sixteen least, Sixteen most) const {
    Sixteen wrong;
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
      wrong.bytes_[i] = bytes_[i] < least.bytes_[i] || bytes_[i] > most.bytes_[i] ? 1 : 0;
    }
    return wrong;
  }
  void operator|=(Sixteen other) {
    for (std::size_t i = 0; i < bytes_.size(); ++i) bytes_[i] |= other.bytes_[i];
  }
  [[nodiscard]] bool any() const {
    return std::ranges::any_of(bytes_, [](unsigned char byte) { return byte != 0; });
  }

 private:
  std::array<unsigned char, 16> bytes_{};
};
#endif

// What the bytes of an integer without a sign may be, by its length, up to sixteen.
struct Naturals {
  static constexpr std::size_t kMostDigits = 16;
  struct Row {
    alignas(16) std::array<char, 16> least;
    alignas(16) std::array<char, 16> most;
  };
  // By length. Those of none and of too many digits are never right.
  std::array<Row, kMostDigits + 2> rows;

  constexpr Naturals() : rows() {
    for (std::size_t length = 0; length < rows.size(); ++length) {
      Row& row = rows[length];
      const bool is_possible = length > 0 && length <= kMostDigits;
      for (std::size_t i = 0; i < kMostDigits; ++i) {
        const bool is_digit = i < length;
        row.least[i] = !is_possible ? '\xff' : is_digit ? '0' : '\0';
        row.most[i] = !is_possible ? '\0' : is_digit ? '9' : '\xff';
      }
      if (is_possible && length > 1) row.least[0] = '1';
    }
  }
};
constexpr Naturals kNaturals;

}  // namespace

// Those at hand.
struct JsonColumns::Documents {
  const JsonWindow& window;
  std::size_t at;  // the first one
  const std::uint16_t* first_mark;
  std::size_t marks;  // of each
  std::size_t count;

  [[nodiscard]] bool has_backslash() const {
    return window.marks.has_backslash(at, first_mark[count * marks - 1]);
  }
  // Calls do_it(document, begin, end) with the places of each one's value.
  template <class Do>
  [[gnu::always_inline]] void for_each(const Column& column, Do do_it) const {
    const std::uint16_t* begin = first_mark + column.begin.mark;
    const std::uint16_t* end = first_mark + column.end.mark;
    const std::ptrdiff_t from_begin = column.begin.from_mark;
    const std::ptrdiff_t from_end = column.end.from_mark;
    for (std::size_t k = 0; k < count; ++k, begin += marks, end += marks) {
      do_it(k, static_cast<std::size_t>(*begin + from_begin),
            static_cast<std::size_t>(*end + from_end));
    }
  }
};

std::optional<JsonColumns> JsonColumns::of(const JsonShape& shape) {
  using Value = JsonShape::Value;
  JsonColumns all;
  all.column_of_.assign(shape.tokens_, kNone);
  std::size_t mark = 0;
  bool is_behind_string = false;
  for (const JsonShape::Step& step : shape.steps_) {
    if (step.value == Value::kArray) return std::nullopt;
    // As in JsonShape's fast steps, quotes belong to the texts around a string.
    std::string text = is_behind_string ? "\"" : "";
    text += std::string_view(shape.rests_).substr(step.rest, step.length);
    is_behind_string = step.value == Value::kString;
    if (is_behind_string) text += '"';
    const bool is_first = &step == &shape.steps_.front();
    if (is_first) all.first_ = text;
    // The first text of a document is compared together with the last one of the one before it.
    if (step.value == Value::kNone) text += '\n' + all.first_;
    const auto first_mark = std::ranges::find_if(text, is_json_mark);
    // Without a value nothing says where a document begins.
    if (first_mark == text.end() || (is_first && step.value == Value::kNone)) return std::nullopt;
    const auto before = first_mark - text.begin();
    if (!is_first) {
      all.add_text(text, mark);
      all.columns_.back().end = {static_cast<std::uint32_t>(mark), -before};
      // A mark is at least as many bytes behind the document's beginning as marks are between them.
      all.before_ = std::max(all.before_, std::max(static_cast<std::size_t>(before), mark) - mark);
    }
    if (step.value == Value::kNone) {
      const auto in_first = std::ranges::count_if(all.first_, is_json_mark);
      all.marks_ =
          mark + static_cast<std::size_t>(std::ranges::count_if(text, is_json_mark) - in_first);
      break;
    }
    const auto size = static_cast<std::ptrdiff_t>(text.size());
    const bool is_wanted = step.token != shape.tokens_;
    if (is_wanted) all.column_of_[step.token] = all.columns_.size();
    all.columns_.push_back({.value = step.value,
                            .is_wanted = is_wanted,
                            .begin = {static_cast<std::uint32_t>(mark), size - before},
                            .end = {}});
    mark += static_cast<std::size_t>(std::ranges::count_if(text, is_json_mark));
  }
  for (const auto& [token, other] : shape.copies_) all.column_of_[other] = all.column_of_[token];
  return all;
}

void JsonColumns::add_text(std::string_view text, std::size_t mark) {
  const auto before = std::ranges::find_if(text, is_json_mark) - text.begin();
  for (std::size_t at = 0; at < text.size(); at += sizeof(Piece::text)) {
    Piece piece{.text = {},
                .kept = {},
                .mark = static_cast<std::uint32_t>(mark),
                .from_mark = static_cast<std::ptrdiff_t>(at) - before};
    const std::size_t length = text.copy(piece.text.data(), piece.text.size(), at);
    std::fill_n(piece.kept.begin(), length, '\xff');
    pieces_.push_back(piece);
  }
}

std::size_t JsonColumns::count_in(const JsonWindow& window, std::size_t mark) const {
  const std::size_t marks = window.marks.count() - mark;
  return marks >= kMost * marks_ ? kMost : marks / marks_;
}

// Texts come first: once all are as they should be, so are the places of values, but that one may
// end before it begins, where two blanks are wanted and one is there.
JsonColumns::Match JsonColumns::match(const JsonWindow& window, std::size_t at, std::size_t mark,
                                      std::size_t most, const Places& to) const {
  static_assert(2 * (JsonShape::kLongestText + 2) + 1 + sizeof(Piece::text) <= JsonWindow::kSlack);
  constexpr Match kTooFew = {0, 0, 0};
  if (at < before_ || std::memcmp(window.begin + at, first_.data(), first_.size()) != 0) {
    return kTooFew;
  }
  Documents all{window, at, window.marks.from(mark), marks_, most};
  for (const Piece& piece : pieces_) {
    cut_to_text(piece, &all);
    if (all.count < kLeast) return kTooFew;
  }
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const Column& column = columns_[c];
    const JsonToken::Kind kind = cut_to_values(column, &all);
    if (all.count < kLeast) return kTooFew;
    if (!column.is_wanted) continue;
    for (std::size_t i = 0; i < column_of_.size(); ++i) {
      if (column_of_[i] != c) continue;
      to.kinds[i] = kind;
      std::string_view* const values = to.values[i];
      all.for_each(column, [&](std::size_t k, std::size_t begin, std::size_t end) {
        values[k] = {to.text + begin, end - begin};
      });
    }
  }
  for (std::size_t i = 0; i < column_of_.size(); ++i) {
    if (column_of_[i] != JsonColumns::kNone) continue;
    to.kinds[i] = JsonToken::Kind::kAbsent;
    std::fill_n(to.values[i], all.count, std::string_view());
  }
  const std::uint16_t* line_feed = all.first_mark + marks_ - 1;
  for (std::size_t k = 0; k < all.count; ++k, line_feed += marks_) {
    to.documents[k] = {to.text + at, *line_feed - at};
    at = *line_feed + std::size_t{1};
  }
  return {static_cast<std::uint32_t>(all.count), static_cast<std::uint32_t>(at),
          static_cast<std::uint32_t>(mark + all.count * marks_)};
}

// Each of these leaves those documents that come before the first one that is different.

inline void JsonColumns::cut_to_text(const Piece& piece, Documents* all) {
  const Sixteen text = Sixteen::at(piece.text.data());
  const Sixteen kept = Sixteen::at(piece.kept.data());
  const char* const from = all->window.begin + piece.from_mark;
  const std::uint16_t* const first = all->first_mark + piece.mark;
  const std::uint16_t* mark = first;
  Sixteen wrong = Sixteen::zeros();
#pragma GCC unroll 4
  for (std::size_t k = 0; k < all->count; ++k, mark += all->marks) {
    wrong |= Sixteen::at(from + *mark).differing(text, kept);
  }
  if (!wrong.any()) [[likely]]
    return;
  mark = first;
  std::size_t k = 0;
  for (; !Sixteen::at(from + *mark).differing(text, kept).any(); mark += all->marks) ++k;
  all->count = k;
}

inline JsonToken::Kind JsonColumns::cut_to_values(const Column& column, Documents* all) {
  using Value = JsonShape::Value;
  if (column.value == Value::kString) {
    if (all->has_backslash()) cut_to_strings(column, all);
    return JsonToken::Kind::kString;
  }
  if (column.value == Value::kLiteral && are_literals(*all, column)) {
    return JsonToken::Kind::kLiteral;
  }
  if (column.value == Value::kNumber &&
      (are_naturals(*all, column) || are_integers(*all, column))) {
    return JsonToken::Kind::kInteger;
  }
  cut_to_words(column, all);
  return JsonToken::Kind::kNumber;
}

// Numbers and words of any kind. Strings have marks, which are none of these documents.
[[gnu::noinline]] void JsonColumns::cut_to_words(const Column& column, Documents* all) {
  const char* const base = all->window.begin;
  JsonScan<JsonLines::kBlank> scan{all->window.text_end};
  std::size_t count = all->count;
  all->for_each(column, [&](std::size_t k, std::size_t begin, std::size_t end) {
    if (k >= count) return;
    JsonToken::Kind kind;
    if (begin >= end || base[begin] == '"' || scan.skip_scalar(base + begin, &kind) != base + end) {
      count = k;
    }
  });
  all->count = count;
}

// Strings with escapes, which are wanted by none.
[[gnu::noinline]] void JsonColumns::cut_to_strings(const Column& column, Documents* all) {
  const char* const base = all->window.begin;
  JsonScan<JsonLines::kBlank> scan{all->window.text_end};
  std::size_t count = all->count;
  all->for_each(column, [&](std::size_t k, std::size_t begin, std::size_t end) {
    if (k >= count || !all->window.marks.has_backslash(begin, end)) return;
    if (column.is_wanted || scan.skip_string(base + begin) != base + end + 1 || scan.must_decode) {
      count = k;
    }
  });
  all->count = count;
}

// What most numbers are.
bool JsonColumns::are_naturals(const Documents& all, const Column& column) {
  const char* const base = all.window.begin;
  Sixteen wrong = Sixteen::zeros();
  all.for_each(column, [&](std::size_t, std::size_t begin, std::size_t end) {
    const std::size_t length = std::min(end - begin, kNaturals.rows.size() - 1);
    const Naturals::Row& row = kNaturals.rows[length];
    wrong |= Sixteen::at(base + begin)
                 .outside(Sixteen::at(row.least.data()), Sixteen::at(row.most.data()));
  });
  return !wrong.any();
}

// With a sign or without, and longer.
[[gnu::noinline]] bool JsonColumns::are_integers(const Documents& all, const Column& column) {
  const char* const base = all.window.begin;
  const JsonMarks& marks = all.window.marks;
  // Something is wrong if one of these is not zero or the other one negative.
  std::uint64_t others = 0;
  std::int64_t wrong = 0;
  all.for_each(column, [&](std::size_t, std::size_t begin, std::size_t end) {
    const std::int64_t is_negative = base[begin] == '-' ? 1 : 0;
    begin += static_cast<std::size_t>(is_negative);
    const auto length = static_cast<std::int64_t>(end - begin);
    others |= marks.others_from(begin) << (static_cast<std::uint64_t>(-length) & 63);
    const std::int64_t not_zero = static_cast<unsigned char>(base[begin]) - ('0' + 1);
    wrong |= (length - 1) | (kSafeDigits - length) | (not_zero & (1 - length - is_negative));
  });
  return others == 0 && wrong >= 0;
}

[[gnu::noinline]] bool JsonColumns::are_literals(const Documents& all, const Column& column) {
  bool is_wrong = false;
  all.for_each(column, [&](std::size_t, std::size_t begin, std::size_t end) {
    const std::size_t length = json_word_length(all.window.begin + begin);
    is_wrong |= length == 0 || length != end - begin;
  });
  return !is_wrong;
}

JsonToken::Kind kind_of_word(std::string_view token) {
  const bool is_negative = token.starts_with('-');
  if (!is_negative && !is_json_digit(token.front())) return JsonToken::Kind::kLiteral;
  const std::string_view digits = token.substr(is_negative ? 1 : 0);
  const bool is_integer = std::ranges::all_of(digits, is_json_digit) &&
                          digits.size() <= static_cast<std::size_t>(kSafeDigits) &&
                          !(is_negative && digits == "0");
  return is_integer ? JsonToken::Kind::kInteger : JsonToken::Kind::kNumber;
}

}  // namespace gorun::jobs
