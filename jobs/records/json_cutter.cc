#include "jobs/records/json_cutter.h"

#include <algorithm>
#include <utility>

#include "jobs/format/quote.h"
#include "jobs/utf8.h"

namespace gorun::jobs {
namespace {

std::vector<std::string> pointers_of(const NamedTexts& fields) {
  std::vector<std::string> pointers;
  for (const auto& [name, pointer] : fields) pointers.push_back(pointer);
  return pointers;
}

bool is_json_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

JsonCutter::JsonCutter(const NamedTexts& fields)
    : fields_(fields),
      skimmer_(pointers_of(fields)),
      places_(fields.size()),
      kinds_(fields.size()) {}

void JsonCutter::begin(std::string_view text, JsonFraming framing) {
  text_ = text;
  if (text.ends_with('\n')) {
    bytes_ = text.substr(0, text.size() - 1);
  } else {
    own_.assign(text);
    own_ += '\n';
    bytes_ = std::string_view(own_).substr(0, text.size());
  }
  skimmer_.begin(bytes_);
  at_ = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  is_utf8_ = is_utf8(text);
  is_at_end_ = is_closed_ = false;
  is_first_ = true;
  wrong_.reset();
  framing_ = framing;
  if (framing == JsonFraming::kUnknown) {
    framing_ = is_one_array() ? JsonFraming::kArray : JsonFraming::kDocuments;
  }
}

void JsonCutter::skip_blanks() {
  while (at_ < bytes_.size() && is_json_blank(bytes_[at_])) ++at_;
}

bool JsonCutter::is_one_array() {
  const std::size_t begin = at_;
  skip_blanks();
  bool is_one = false;
  if (at_ < bytes_.size() && bytes_[at_] == '[') {
    const auto skimmed = skimmer_.skim(at_, JsonLines::kBlank);
    at_ = skimmed.end;
    skip_blanks();
    is_one = skimmed.verdict < JsonSkimmer::Verdict::kWrong && at_ >= bytes_.size();
  }
  at_ = begin;
  return is_one;
}

// The same place in the text that was given.
inline std::string_view JsonCutter::view(std::string_view own) const {
  return {text_.data() + (own.data() - bytes_.data()), own.size()};
}

// Almost all values are views of the text.
[[gnu::always_inline]] inline void JsonCutter::take_tokens(std::string_view document,
                                                           RecordTable* table) {
  const auto tokens = skimmer_.tokens();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const JsonToken& token = tokens[i];
    if (token.kind == JsonToken::Kind::kAbsent || token.kind == JsonToken::Kind::kNumber) {
      take_odd_token(token, i, table);
      continue;
    }
    const bool is_integer = token.kind == JsonToken::Kind::kInteger;
    table->set(i, view(token.text), is_integer ? FieldType::kNumber : FieldType::kText);
  }
  table->add(view(document));
}

void JsonCutter::take_odd_token(const JsonToken& token, std::size_t column, RecordTable* table) {
  if (token.kind == JsonToken::Kind::kAbsent) return table->set(column, {});
  auto text = json_number_text(token.text);
  table->set(column, text ? table->keep(*std::move(text)) : view(token.text), FieldType::kNumber);
}

void JsonCutter::fill(RecordTable* table) {
  while (!wrong_ && !table->is_full()) {
    if (!find_document()) break;
    if (!take_document(table)) break;
    if (!is_utf8_ || is_in_array() || table->is_full()) continue;
    if (framing_ == JsonFraming::kLines) {
      take_alike<JsonLines::kEnd>(table);
    } else {
      take_alike<JsonLines::kBlank>(table);
    }
  }
}

// Documents that look alike go to the table.
struct JsonCutter::Alike {
  JsonCutter& cutter;
  RecordTable& table;

  bool take(std::size_t begin, std::size_t end) {
    cutter.take_tokens(cutter.bytes_.substr(begin, end - begin), &table);
    return !table.is_full();
  }
  [[nodiscard]] std::size_t room() const { return table.room(); }
  JsonColumns::Places places(std::size_t begin) {
    for (std::size_t i = 0; i < cutter.places_.size(); ++i) {
      cutter.places_[i] = table.next_values(i);
    }
    return {cutter.text_.data() + begin, table.next_texts(), cutter.places_, cutter.kinds_};
  }
  void took(std::size_t count) {
    for (std::size_t i = 0; i < cutter.kinds_.size(); ++i) {
      const JsonToken::Kind kind = cutter.kinds_[i];
      if (kind == JsonToken::Kind::kNumber) {
        cutter.take_words(i, count, &table);
      } else {
        const bool is_integer = kind == JsonToken::Kind::kInteger;
        table.set_types(i, count, is_integer ? FieldType::kNumber : FieldType::kText);
      }
    }
    table.add_next(count);
  }
};

template <JsonLines kLines>
void JsonCutter::take_alike(RecordTable* table) {
  skip_blanks();
  Alike to{*this, *table};
  at_ = skimmer_.skim_alike<kLines>(at_, to);
}

// Numbers of any kind, which may be written in another way in a record, and words among them.
void JsonCutter::take_words(std::size_t column, std::size_t count, RecordTable* table) {
  for (std::size_t i = 0; i < count; ++i) {
    std::string_view& value = table->next_values(column)[i];
    const JsonToken::Kind kind = kind_of_word(value);
    table->next_types(column)[i] =
        kind == JsonToken::Kind::kLiteral ? FieldType::kText : FieldType::kNumber;
    if (kind != JsonToken::Kind::kNumber) continue;
    if (auto text = json_number_text(value)) value = table->keep(*std::move(text));
  }
}

std::optional<WrongRecord> JsonCutter::take_wrong() { return std::exchange(wrong_, std::nullopt); }

// Goes to the beginning of the next document; false if there is none or what is there is wrong.
bool JsonCutter::find_document() {
  const bool is_first = std::exchange(is_first_, false);
  skip_blanks();
  if (is_in_array() && !find_element(is_first)) return false;
  is_at_end_ = at_ >= bytes_.size();
  return !is_at_end_;
}

// Passes what stands between elements, and the brackets; false if it is wrong.
bool JsonCutter::find_element(bool is_first) {
  const char next = at_ < bytes_.size() ? bytes_[at_] : '\0';
  const bool opens = is_first && framing_ == JsonFraming::kArray;
  if (at_ >= bytes_.size() || (is_first && !opens)) return true;
  if (is_closed_ || next != (opens ? '[' : ',')) {
    if (is_closed_ || opens || next != ']') {
      blame(at_, at_,
            is_closed_ ? "there is more behind the array"
            : opens    ? "no array begins here"
                       : "a comma or a bracket is missing in the array");
      return false;
    }
    is_closed_ = true;
  }
  ++at_;
  skip_blanks();
  if (opens && at_ < bytes_.size() && bytes_[at_] == ']') {
    is_closed_ = true;
    ++at_;
    skip_blanks();
  }
  if (!is_closed_ || at_ >= bytes_.size()) return true;
  blame(at_, at_, "there is more behind the array");
  return false;
}

bool JsonCutter::is_in_array() const {
  return framing_ == JsonFraming::kArray || framing_ == JsonFraming::kElements;
}

bool JsonCutter::take_document(RecordTable* table) {
  using Verdict = JsonSkimmer::Verdict;
  const std::size_t begin = at_;
  const auto lines = framing_ == JsonFraming::kLines ? JsonLines::kEnd : JsonLines::kBlank;
  const auto [verdict, end] = skimmer_.skim(begin, lines);
  if (verdict == Verdict::kWrong) {
    blame(begin, end, "unexpected " + quote_for_message(bytes_.substr(end, 1)) + " in JSON");
    return false;
  }
  if (verdict == Verdict::kCut) {
    blame(
        begin, end,
        framing_ == JsonFraming::kLines
            ? "the line ends inside a JSON document (\"cut\": \"json\" of the stage that reads the "
              "files is for documents of several lines)"
            : "the text ends inside a JSON document");
    return false;
  }
  const std::string_view document = bytes_.substr(begin, end - begin);
  if (!is_utf8_ && !is_utf8(document)) {
    blame(begin, begin, "the JSON document is not UTF-8");
    return false;
  }
  at_ = end;
  if (verdict != Verdict::kPlain) return decode(document, begin, table);
  take_tokens(document, table);
  return true;
}

bool JsonCutter::decode(std::string_view document, std::size_t begin, RecordTable* table) {
  if (const auto wrong = document_.parse(document)) {
    blame(begin, begin, "not JSON: " + *wrong);
    return false;
  }
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    auto value = document_.find(fields_[i].second);
    if (value) {
      // An empty string has data, too: else the field were absent.
      table->set(i, table->keep(std::move(value->text)), value->type);
    } else {
      table->set(i, {});
    }
  }
  table->add(view(document));
  return true;
}

// The record is what is left of its line; in an array nobody knows where the next one begins.
void JsonCutter::blame(std::size_t begin, std::size_t at, std::string what) {
  const std::size_t line = std::min(bytes_.find('\n', at), bytes_.size());
  wrong_ = {.text = text_.substr(begin, line - begin), .offset = at, .what = std::move(what)};
  if (is_in_array()) wrong_->what += "; what follows it in this piece of the array is left out";
  at_ = is_in_array() ? bytes_.size() : line;
  is_at_end_ = at_ >= bytes_.size();
}

}  // namespace gorun::jobs
