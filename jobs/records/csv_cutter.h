// jobs/records/csv_cutter.h - the records of a CSV text and their fields.
//
// RFC 4180: a field that begins with a quote goes on to the next quote that is not doubled,
// whatever separators and line ends it holds; others go on to the separator or the line end. LF and
// CR LF end lines. Blanks belong to fields, bytes need not be UTF-8, and NUL is a byte like others.
// A line without a byte is no record.
//
// A quote inside a field that does not begin with one, and anything between a closing quote and the
// separator, are mistakes, not guessed at: readers disagree about what they mean. Where such a
// record ends is plain all the same (record_borders.h has the same rule), so the next one is not
// harmed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/records/record_table.h"

namespace gorun::jobs {

/// threads  one at a time.
class CsvCutter {
 public:
  explicit CsvCutter(char separator) : separator_(separator) {}

  /// A text with a record at `at`; outlives the cutting of it.
  void begin(std::string_view text, std::size_t at = 0);
  /// The fields of the next record, which names the columns; nothing if there is none or it is
  /// wrong.
  [[nodiscard]] std::optional<std::vector<std::string>> take_names();
  /// Adds records, until the table is full, one is wrong, or there are no more.
  /// table  one with other than its columns is wrong; values are views of the text or of it.
  void fill(RecordTable* table);
  /// The record behind those added last, if it is wrong; the next call goes on behind it.
  [[nodiscard]] std::optional<WrongRecord> take_wrong();
  [[nodiscard]] bool is_at_end() const { return at_ >= text_.size(); }

 private:
  // A field as it lies in the text.
  struct Cell {
    std::string_view raw;  // without the quotes around it
    bool is_doubled;       // quotes in it are
  };

  bool take_record();
  bool take_quoted(std::size_t open);
  std::size_t next_special();
  void go_to(std::size_t position);
  void load_block();
  void blame(std::size_t at, std::string_view what);
  static std::string undoubled(std::string_view raw);

  const char separator_;
  std::string_view text_;
  std::size_t at_ = 0;          // the next record begins there
  std::size_t block_ = 0;       // 64 bytes of the text, in which
  std::uint64_t specials_ = 0;  // are quotes, separators and line feeds yet to be looked at
  std::vector<Cell> cells_;     // of the record taken last
  std::string_view record_;     // itself, without its line end
  std::optional<WrongRecord> wrong_;
};

}  // namespace gorun::jobs
