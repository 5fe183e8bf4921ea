// jobs/source.h - the text of a job file, and where in it something stands.
//
// Values carry byte ranges; lines and columns are made only for what is shown. A line ends
// at LF; a CR before the LF belongs to the line end. Lines and columns count from 1, and a
// column is a code point: a tab is one column, as editors count it.
//
// Invariants
//   I1  line_begins_ is ascending and starts with 0.
//   I2  code_points_before_[i] counts the code points that begin before byte i * kBlockBytes,
//       so a position costs one binary search and at most two blocks of counting, even when a
//       file of 10 MB is a single line.
// Not chosen: lines and columns stored in every value. They are needed for the few values that
//   are wrong, and cost a count for all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gorun::jobs {

/// Bytes [begin, end) of a Source.
struct ByteRange {
  std::size_t begin = 0;
  std::size_t end = 0;

  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// A place as people name it: both count from 1, `column` in code points.
struct Position {
  std::size_t line = 1;
  std::size_t column = 1;

  friend bool operator==(const Position&, const Position&) = default;
};

/// "9:15".
[[nodiscard]] std::string to_string(Position position);

/// An immutable text with a name. Safe to read from any thread.
class Source {
 public:
  /// name  how messages call it, usually the path as the user typed it.
  Source(std::string name, std::string text);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string_view text() const { return text_; }

  /// The place of byte `offset`; an offset past the end is the end of the text.
  [[nodiscard]] Position position(std::size_t offset) const;

  /// The bytes of line `line` (from 1, at most line_count()) without its LF or CRLF.
  [[nodiscard]] ByteRange line_range(std::size_t line) const;
  [[nodiscard]] std::size_t line_count() const { return line_begins_.size(); }

  /// The bytes of `range`, which lies inside the text.
  [[nodiscard]] std::string_view slice(ByteRange range) const {
    return text().substr(range.begin, range.end - range.begin);
  }

 private:
  [[nodiscard]] std::size_t code_points_before(std::size_t offset) const;

  std::string name_;
  std::string text_;
  std::vector<std::size_t> line_begins_;
  std::vector<std::size_t> code_points_before_;
};

}  // namespace gorun::jobs
