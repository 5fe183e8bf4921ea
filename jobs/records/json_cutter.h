// jobs/records/json_cutter.h - the JSON documents of a text, as records with fields.
//
// Documents follow each other with blanks or nothing between them, each on a line of its own or
// not, or they are the elements of one array. A document that is wrong is told and left out; the
// next one is looked for behind its line.
//
// The text is checked to be UTF-8 as a whole; where it is not, each document is, so that one wrong
// byte costs one record.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/records/json_document.h"
#include "jobs/records/json_framing.h"
#include "jobs/records/json_skimmer.h"
#include "jobs/records/record_table.h"
#include "jobs/stage_options.h"

namespace gorun::jobs {

/// threads  one at a time.
class JsonCutter {
 public:
  /// fields  names and pointers; outlive the cutter.
  explicit JsonCutter(const NamedTexts& fields);

  /// The text outlives the cutting of it.
  void begin(std::string_view text, JsonFraming framing);
  /// Adds records, until the table is full, a document is wrong, or there are no more.
  /// table  its columns are the fields, in their order; values are views of the text or of it.
  void fill(RecordTable* table);
  /// The document behind those added last, if it is wrong; fill() then goes on behind it.
  [[nodiscard]] std::optional<WrongRecord> take_wrong();
  [[nodiscard]] bool is_at_end() const { return is_at_end_; }

 private:
  void skip_blanks();
  [[nodiscard]] bool is_one_array();
  [[nodiscard]] bool is_in_array() const;
  bool find_document();
  bool find_element(bool is_first);
  bool take_document(RecordTable* table);
  struct Alike;
  template <JsonLines kLines>
  void take_alike(RecordTable* table);
  void take_words(std::size_t column, std::size_t count, RecordTable* table);
  void take_tokens(std::string_view document, RecordTable* table);
  void take_odd_token(const JsonToken& token, std::size_t column, RecordTable* table);
  bool decode(std::string_view document, std::size_t begin, RecordTable* table);
  void blame(std::size_t begin, std::size_t at, std::string what);
  [[nodiscard]] std::string_view view(std::string_view own) const;

  const NamedTexts& fields_;
  JsonSkimmer skimmer_;
  JsonDocument document_;
  std::string_view text_;   // as given
  std::string_view bytes_;  // the same, with a line feed behind them
  std::string own_;         // bytes_, if text_ does not end with one
  std::size_t at_ = 0;      // in text_
  JsonFraming framing_ = JsonFraming::kLines;
  bool is_utf8_ = true;
  bool is_at_end_ = true;
  bool is_closed_ = false;  // the array is
  bool is_first_ = true;    // no document of the text was looked at
  std::optional<WrongRecord> wrong_;
  // Of documents side by side, by field.
  std::vector<std::string_view*> places_;
  std::vector<JsonToken::Kind> kinds_;
};

}  // namespace gorun::jobs
