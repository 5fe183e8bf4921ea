// jobs/text/range_reader.h - a byte range of a file as chunks of whole records, so that several
// readers can share one file.
//
// A range owns the records that start in it: a record that begins before `end` is delivered to
// its own end by this reader, and one that began before `begin` is left to the reader of the
// range in front. So ranges that tile a file deliver each byte once, whatever the borders, and no
// reader waits for another. A record starts at 0 and behind every delimiter; what follows the
// last delimiter is a record, too. Whether one is too long does not depend on the ranges, and those
// in front of it are delivered.
//
// Chunks are read into the caller's buffer in pieces that fit the second-level cache; the record
// at the end of a piece that is not whole is copied to the front of the next.
// Not chosen: mmap for who keeps records, or looks at bytes twice: they may change under his eyes.
// Who only counts is shown them where they lie (jobs/text/mapped_range.h), and so is a sort, while
// a lease keeps writers away (jobs/text/leased_file.h).
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "jobs/cached_read.h"
#include "jobs/compress/decoded_stream.h"
#include "jobs/expected.h"
#include "jobs/input_stream.h"
#include "jobs/record_limit.h"
#include "jobs/records/record_borders.h"
#include "jobs/system_error.h"
#include "jobs/text/byte_buffer.h"

namespace gorun::jobs {

/// A piece that stays in the second-level cache while its records are cut and counted.
inline constexpr std::size_t kReadPieceBytes = std::size_t{256} * 1024;

struct ReadError {
  SystemError system;        // call is empty: it is one of those below
  std::uint64_t offset = 0;  // of the read that failed, or of the long record's first byte
  std::optional<RecordLimit> refused_by = {};  // a record that is too long
  std::uint64_t least_size = 0;                // that a file has no more
  std::string wrong = {};                      // with what is compressed

  /// `cannot read "a": Input/output error (at byte 4096)`,
  /// `"a" has a record of more than 1024 bytes (at byte 0; a larger "max_record" lets it through)`,
  /// `"a" changed while it was read: it had 100 bytes and has fewer (at byte 40)`,
  /// `cannot decompress "a": the file is cut off`.
  [[nodiscard]] std::string message() const;
  /// Nothing went wrong: the run was stopped.
  [[nodiscard]] bool is_stop() const { return system.error_number == ECANCELED; }
};

/// What to read, and how it is cut.
struct ReadRange {
  std::uint64_t begin = 0;
  std::uint64_t end = std::numeric_limits<std::uint64_t>::max();  // exclusive; past the end: all
  std::string_view delimiters = "\n";  // each of them ends a record; static storage
  // Tells where records end instead of the delimiters, if there is one; the range then begins and
  // ends at borders. Outlives the reader.
  RecordBorders* borders = nullptr;
  std::uint64_t least_size = 0;               // a file that ends before has lost bytes: an error
  std::size_t piece_bytes = kReadPieceBytes;  // at least 1
  // A record of more is refused, the delimiter not counted. With borders those that lie within a
  // piece are not.
  RecordLimit max_record = {};

  /// Where the first or the last delimiter of a text is; npos: nowhere.
  [[nodiscard]] std::size_t first_end(std::string_view text) const;
  [[nodiscard]] std::size_t last_end(std::string_view text) const;
  /// Where the first record begins that is too long, of a text that begins with one and has whole
  /// ones; npos: none is. Looks at little of the text.
  [[nodiscard]] std::size_t find_long_record(std::string_view text) const;
};

/// threads  one at a time. Not in a blocking section: on a goroutine, what waits for a disk or a
///          producer is one by itself.
class RangeReader {
 public:
  /// Reads a file that can be read at any offset (pread). Does not own `fd`. `name` is for
  /// messages.
  static RangeReader of_file(int fd, std::string name, const ReadRange& range);
  /// Reads a pipe, a terminal or a file from its present offset to its end (read); begin and end
  /// of the range have no meaning. A read that delivers less than a piece is passed on at once, so
  /// that a slow producer's records are not held back.
  /// Compressed ones are decoded, and offsets are those of the text.
  /// cancel_fd  readable once the run is stopped, which ends a wait and is an error; -1: never.
  static RangeReader of_stream(int fd, std::string name, const ReadRange& range, int cancel_fd,
                               Compression how = Compression::kNone);

  /// The next whole records, at least one, delimiters included; empty: the range is at its end.
  /// The view lies in `buffer`, whose former contents are lost.
  /// errors  after one, the reader is at its end.
  [[nodiscard]] Expected<std::string_view, ReadError> next(ByteBuffer& buffer);

  /// The offset of the first byte of the chunk that next() returned last.
  [[nodiscard]] std::uint64_t chunk_offset() const { return chunk_offset_; }

 private:
  // A file that is read at offsets, a stream as it is, or one to be decoded.
  using Source = std::variant<int, InputStream, DecodedStream>;
  RangeReader(Source source, std::string name, const ReadRange& range);
  [[nodiscard]] std::size_t piece_size() const;
  [[nodiscard]] Expected<std::size_t, ReadError> read_some(std::span<char> to);
  std::string_view skip_foreign_record(ByteBuffer& buffer, std::string_view fresh);
  [[nodiscard]] std::size_t find_cut(std::string_view fresh) const;
  [[nodiscard]] Expected<std::string_view, ReadError> deliver(ByteBuffer& buffer,
                                                              std::size_t whole);
  ReadError failed_read(int error_number) const;
  Expected<std::string_view, ReadError> refuse(ByteBuffer& buffer, std::size_t record);

  Source source_;
  std::string name_;
  ReadRange range_;
  std::string carry_;         // the first bytes of a record whose rest is not read yet
  std::uint64_t offset_ = 0;  // of the next read
  std::uint64_t chunk_offset_ = 0;
  std::size_t used_ = 0;     // bytes of the chunk that is being read
  std::size_t record_ = 0;   // where in it the last record begins
  bool is_refused_ = false;  // the next record is too long; it begins at chunk_offset_ + used_
  bool skipping_ = false;    // still inside the record that began before the range
  bool done_ = false;
};

}  // namespace gorun::jobs
