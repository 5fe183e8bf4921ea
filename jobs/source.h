// jobs/source.h - the text of a job file, and where in it something stands.
//
// A job file may include others. All of them share one address space of bytes, the files one behind
// the other: a ByteRange tells its file as well as its place in it, and whoever holds one need not
// know that there are several.
//
// Values carry byte ranges; lines and columns are made only for what is shown. A line ends
// at LF; a CR before the LF belongs to the line end. Lines and columns count from 1, and a
// column is a code point: a tab is one column, as editors count it.
//
// Invariants
//   I1  line_begins_ is ascending and starts with 0; a file begins a line.
//   I2  code_points_before_[i] counts the code points that begin before byte i * kCountedBytes,
//       so a position costs one binary search and at most two blocks of counting, even when a
//       file of 10 MB is a single line.
//   I3  Between two files is one LF that belongs to none, so that the end of a file is a place of
//       its own.
// Not chosen: lines and columns stored in every value. They are needed for the few values that
//   are wrong, and cost a count for all of them. And a file index in every range: the offset has
//   it.
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

/// The texts of one or more files. Const members are safe to call from any thread.
class Source {
 public:
  /// name  how messages call the file, usually the path as the user typed it.
  Source(std::string name, std::string text);

  /// Adds a file behind the others and returns its bytes. Ends all views of text().
  ByteRange append(std::string name, std::string_view text);

  /// The name of the first file.
  [[nodiscard]] const std::string& name() const { return files_.front().name; }
  /// All bytes.
  [[nodiscard]] std::string_view text() const { return text_; }
  /// The bytes of the file that was added last.
  [[nodiscard]] ByteRange last_file() const { return {files_.back().begin, text_.size()}; }

  /// The name of the file that byte `offset` is in, and the place in that file. An offset past the
  /// end is the end of the last one.
  [[nodiscard]] const std::string& file_name(std::size_t offset) const;
  [[nodiscard]] Position position(std::size_t offset) const;

  /// "9:15", and before it the file, if that is another one than `seen_from` is in.
  [[nodiscard]] std::string place(std::size_t offset, std::size_t seen_from) const;

  /// The bytes of the line that `offset` is in, without its LF or CRLF.
  [[nodiscard]] ByteRange line_at(std::size_t offset) const;

  /// The bytes of `range`, which lies inside the text.
  [[nodiscard]] std::string_view slice(ByteRange range) const {
    return text().substr(range.begin, range.end - range.begin);
  }

  /// Marks bytes that nobody may show: the value of a secret.
  void hide(ByteRange range) { hidden_.push_back(range); }
  /// True if some byte of `range` is hidden.
  [[nodiscard]] bool is_hidden(ByteRange range) const;

 private:
  struct File {
    std::string name;
    std::size_t begin = 0;
    std::size_t first_line = 0;  // index into line_begins_
  };
  void index(std::size_t begin);
  [[nodiscard]] std::size_t code_points_before(std::size_t offset) const;
  [[nodiscard]] std::size_t line_index(std::size_t offset) const;
  [[nodiscard]] const File& file_at(std::size_t offset) const;

  std::vector<File> files_;  // in the order of their bytes, at least one
  std::vector<ByteRange> hidden_;
  std::string text_;
  std::vector<std::size_t> line_begins_;
  std::vector<std::size_t> code_points_before_;
};

}  // namespace gorun::jobs
