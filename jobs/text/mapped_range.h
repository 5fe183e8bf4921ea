// jobs/text/mapped_range.h - a byte range of a file that the page cache holds, as chunks of whole
// lines that lie where the kernel keeps them.
//
// Who copies a GiB out of the cache to look at it once spends more than half of his time on the
// copy. Mapping a few MiB at a time and giving them back costs a quarter of that where the kernel
// keeps the file in large folios, and about as much where each page is one by itself (tmpfs, and
// files that were written in small pieces); `mapreduce_floor lines` and `mapping` show both.
//
// It is no way to read, though. The bytes may change while they are looked at, so only who counts
// what he sees and believes no byte twice may be shown them (Out::only_counts); and when the
// file was cut off, he has been shown zeros by the time that error() tells. So
//   - nothing is mapped but what is in the cache as a whole: of a page that is not, touching it
//     would wait for the disk with the goroutine's P, and read ahead less than reading does;
//   - nothing on file systems where a page may be anything but memory (NFS, FUSE, what the kernel
//     makes up while it is read);
//   - the last line, one that is longer than a piece or than it may be, and what was appended
//   meanwhile are left to a
//     RangeReader, which goes on at next_offset() and says what it always says.
// Not chosen: MAP_POPULATE and MADV_POPULATE_READ. They look up each page by itself, where a fault
//   maps what lies around it as well: 58 ms and more for what takes 48 with plain faults.
//   Prefetching ahead of the search: nothing, it is memory that is waited for. Larger windows: 44
//   ms in 16 MiB, but it is the range that is shared evenly among the cores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "jobs/text/range_reader.h"
#include "runtime/file_view.h"

namespace gorun::jobs {

/// Less than this is copied in less time than it takes to map it and to give it back.
inline constexpr std::uint64_t kLeastMappedBytes = std::uint64_t{1} << 20;

/// threads  one at a time.
class MappedRange {
 public:
  /// Nothing: this range is to be read.
  /// range  with the file's size as `least_size`, of which not more is mapped. A few MiB: all of it
  ///        counts as the process's memory.
  [[nodiscard]] static std::optional<MappedRange> open(int fd, const ReadRange& range);

  /// The next whole records, delimiters included; empty: the rest is for a RangeReader. Good until
  /// this ends.
  [[nodiscard]] std::string_view next();
  /// Where the record behind those that next() has returned begins, or may begin: a range from here
  /// on owns what this one has left.
  [[nodiscard]] std::uint64_t next_offset() const { return offset_ + at_; }

  /// What shows that what next() has returned, and was looked at, is not the file's. Asks for the
  /// file's size; is_torn() only for what has been noted.
  [[nodiscard]] std::optional<ReadError> error(int fd, const std::string& name) const;
  [[nodiscard]] bool is_torn() const { return view_.torn_at().has_value(); }

 private:
  MappedRange(runtime::FileView view, std::uint64_t offset, std::size_t at, const ReadRange& range)
      : view_(std::move(view)), offset_(offset), at_(at), range_(range) {}

  runtime::FileView view_;
  std::uint64_t offset_;  // of the view
  std::size_t at_;        // in the view: what next() begins with
  ReadRange range_;
};

}  // namespace gorun::jobs
