// jobs/records/record_borders.h - where the records of a text end that only a scan from its
// beginning can tell: a line feed may stand inside a quoted field of CSV, and a JSON document may
// have many lines.
//
// A scan keeps its state from one piece of the text to the next, so a piece may end anywhere:
// between two quotes, behind a backslash.
//
// Invariant
//   I1  The borders found do not depend on how the text is cut into pieces.
// Not chosen: telling from the number of quotes in front of a place whether it is quoted, which
// many
//   could count at once. One stray quote inside a field would turn the rest of the file inside out,
//   and nobody would notice. Nor guessing from what a piece looks like, which a text within quotes
//   that is CSV itself defeats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gorun::jobs {

/// threads  one at a time.
class RecordBorders {
 public:
  virtual ~RecordBorders() = default;

  /// Goes on over the bytes that follow those seen; returns how many of them lie before the last
  /// border that they hold, 0 if none does.
  [[nodiscard]] virtual std::size_t last_border(std::string_view more) = 0;
  /// What is wrong if the text ends here and what reads the records cannot tell; empty: nothing.
  [[nodiscard]] virtual std::string_view wrong_at_end() const { return {}; }
};

/// Ends of records of CSV, as CsvCutter has them.
class CsvBorders final : public RecordBorders {
 public:
  /// begins_text  the scan begins where the text does, which may be with a byte order mark.
  explicit CsvBorders(char separator, bool begins_text = true)
      : separator_(separator), has_begun_(!begins_text) {}
  [[nodiscard]] std::size_t last_border(std::string_view more) override;

 private:
  enum class State : std::uint8_t {
    kFieldBegin,
    kPlain,        // in a field without quotes, or behind a closing one
    kQuoted,       // between quotes
    kMaybeClosed,  // behind a quote that closes unless another follows
  };
  [[nodiscard]] std::size_t skip_mark(std::string_view more);
  std::size_t scan_plain(std::string_view more, std::size_t at, std::size_t* border);

  const char separator_;
  std::size_t mark_ = 0;  // bytes of a byte order mark that the text begins with, if it does
  bool has_begun_;
  State state_ = State::kFieldBegin;
};

/// The bytes of the first record of `text`, with its line end; npos if it is not whole.
[[nodiscard]] std::size_t first_csv_record(std::string_view text, char separator);

/// Ends of JSON documents, or, if the text begins with an array, of its elements with the commas
/// behind them.
class JsonBorders final : public RecordBorders {
 public:
  [[nodiscard]] std::size_t last_border(std::string_view more) override;
  [[nodiscard]] std::string_view wrong_at_end() const override;
  /// Of the text scanned so far.
  [[nodiscard]] bool is_array() const { return is_array_; }

 private:
  bool has_begun_ = false;
  bool is_array_ = false;
  bool is_string_ = false;
  bool is_escape_ = false;
  std::size_t depth_ = 0;
};

}  // namespace gorun::jobs
