// jobs/text/cutter.h - records of a text, as views into it, a batch at a time.
//
// A cutter is made for one text (a chunk that ends at a record border, or a whole item) and asked
// for its next records until it says 0. Batches let the caller work on records in groups (hash
// them all, then look them all up) and cost one call for hundreds of records; nothing is copied.
//
// Lines    end at a delimiter, which belongs to no record. What follows the last delimiter is a
//          record unless it is empty: "a\n" and "a" are one record, "\n" is one empty record.
// Words    are the runs between separators and are never empty.
// Not chosen: a callback for each record. A call through a pointer costs as much as the cut, and
//   a callback that is a template would put the vector code into every user.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "jobs/text/byte_class.h"

namespace gorun::jobs {

/// A good size of a batch: its views and what is computed of them stay in the first-level cache.
inline constexpr std::size_t kRecordBatch = 256;

/// Positions at which a text passes from separators to others or back, or of single bytes; the
/// cutters' common part. Holds a window of the text at a time.
class MaskWindow {
 public:
  static constexpr std::size_t kBlocks = 32;
  static constexpr std::size_t kBytes = kBlocks * kBlockBytes;

  MaskWindow(std::string_view text, ByteClass wanted) : rest_(text), wanted_(wanted) {}

  /// Fills `masks` for the next window and returns its bytes; empty: the text is at its end.
  /// Bits beyond the end of the text are 0.
  [[nodiscard]] std::string_view next(std::array<std::uint64_t, kBlocks>* masks);

 private:
  std::string_view rest_;
  ByteClass wanted_;
};

enum class WordRule : std::uint8_t {
  kSpaceSeparated,  // as `tr -s '[:space:]' '\n'` in the C locale
  kLetters,         // runs of A-Z and a-z, as `tr -cs 'A-Za-z' '\n'` in the C locale
};

/// What kSpaceSeparated separates by: isspace(3) in the C locale.
inline constexpr std::string_view kWhiteSpace = " \t\n\v\f\r";

/// Cuts words.
///
/// threads  one at a time. The text must outlive the cutter and the records.
class WordCutter {
 public:
  explicit WordCutter(std::string_view text, WordRule rule = WordRule::kSpaceSeparated);

  /// Writes up to records.size() records and returns how many; 0 at the end (or if there is no
  /// room).
  [[nodiscard]] std::size_t next(std::span<std::string_view> records);

 private:
  bool refill();

  MaskWindow window_;
  const char* end_;             // of the text
  const char* base_ = nullptr;  // of the window that edges_ count from
  const char* open_ = nullptr;  // begin of a word whose end is still to come; nullptr: none
  bool in_word_ = false;        // whether the last byte scanned was part of one
  std::size_t edge_ = 0;        // the next of edges_ to be used
  std::size_t edges_end_ = 0;
  std::array<std::uint16_t, MaskWindow::kBytes + kPositionsSlack> edges_;
};

/// How many words a WordCutter would cut.
[[nodiscard]] std::uint64_t count_words(std::string_view text,
                                        WordRule rule = WordRule::kSpaceSeparated);

enum class CarriageReturn : std::uint8_t {
  kKept,      // a CR before the delimiter is part of the record, as for sort, uniq and awk
  kStripped,  // one CR before the delimiter, or at the end of the text, belongs to the line end
};

/// Cuts lines, or records that any other byte ends. Threads and lifetimes as for WordCutter.
class LineCutter {
 public:
  explicit LineCutter(std::string_view text, char delimiter = '\n',
                      CarriageReturn cr = CarriageReturn::kKept);

  /// As WordCutter::next().
  [[nodiscard]] std::size_t next(std::span<std::string_view> records);

 private:
  [[nodiscard]] std::string_view record_up_to(const char* end) const;

  MaskWindow window_;
  CarriageReturn cr_;
  const char* begin_;           // of the record at hand
  const char* end_;             // of the text
  const char* base_ = nullptr;  // of the window that masks_ describe
  std::size_t block_ = MaskWindow::kBlocks;
  std::array<std::uint64_t, MaskWindow::kBlocks> masks_;
};

/// How many lines a LineCutter would cut.
[[nodiscard]] std::uint64_t count_lines(std::string_view text);

}  // namespace gorun::jobs
