#include "jobs/text/mapped_range.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "jobs/cached_read.h"
#include "jobs/text/cached_file.h"

namespace gorun::jobs {

std::optional<MappedRange> MappedRange::open(int fd, const ReadRange& range) {
  const std::uint64_t begin = range.begin > 0 ? range.begin - 1 : 0;
  const std::uint64_t end = std::min(range.end, range.least_size);
  if (range.borders != nullptr || end < begin + kLeastMappedBytes) return std::nullopt;
  if (!is_known_file_system(fd) || !is_cached(fd, begin, end)) return std::nullopt;
  auto view = runtime::FileView::map(fd, begin, static_cast<std::size_t>(end - begin));
  if (!view) return std::nullopt;
  std::size_t at = 0;
  if (range.begin > 0) {
    // The byte in front of the range tells whether a record starts with the range.
    const std::size_t delimiter = range.first_end(view->bytes().substr(0, range.piece_bytes));
    if (delimiter == std::string_view::npos) return std::nullopt;
    at = delimiter + 1;
  }
  return MappedRange(std::move(*view), begin, at, range);
}

std::string_view MappedRange::next() {
  const std::string_view piece = view_.bytes().substr(at_, range_.piece_bytes);
  const std::size_t last = range_.last_end(piece);
  if (last == std::string_view::npos) return {};
  if (range_.find_long_record(piece.substr(0, last + 1)) != std::string_view::npos) return {};
  at_ += last + 1;
  return piece.substr(0, last + 1);
}

std::optional<ReadError> MappedRange::error(int fd, const std::string& name) const {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return ReadError{.system = {"stat", errno, name}};
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const ReadError fewer{.system = {{}, 0, name}, .offset = size, .least_size = range_.least_size};
  if (size < offset_ + view_.bytes().size()) return fewer;
  const auto torn_at = view_.torn_at();
  if (!torn_at) return std::nullopt;
  // As large as it was: a page could not be read, or the file was short for a while.
  const std::uint64_t at = offset_ + *torn_at;
  char byte = 0;
  const ReadResult got = cached_read(fd, {&byte, 1}, static_cast<off_t>(at));
  if (got.bytes < 0) return ReadError{.system = {"read", got.error, name}, .offset = at};
  return ReadError{.system = {{}, 0, name}, .offset = at, .least_size = range_.least_size};
}

}  // namespace gorun::jobs
