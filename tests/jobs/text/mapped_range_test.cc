// tests/jobs/text/mapped_range_test.cc - what is looked at where the kernel keeps it, and what is
// left to be read, are together what reading alone delivers.

#include "jobs/text/mapped_range.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "jobs/file_descriptor.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::mapped_range_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::ScratchDir;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

// A file just written, which the page cache holds.
class CachedFile {
 public:
  explicit CachedFile(std::string text)
      : text_(std::move(text)), fd_(::open(dir_.write("text", text_).c_str(), O_RDWR | O_CLOEXEC)) {
    REQUIRE(fd_.is_open());
  }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& text() const { return text_; }
  void set_size(std::size_t size) const {
    REQUIRE(::ftruncate(fd(), static_cast<off_t>(size)) == 0);
  }
  [[nodiscard]] ReadRange range(std::size_t begin, std::size_t end) const {
    return {.begin = begin, .end = end, .least_size = text_.size(), .piece_bytes = 10'000};
  }

 private:
  ScratchDir dir_;
  std::string text_;
  FileDescriptor fd_;
};

// Lines of up to so many bytes.
std::string lines(std::size_t bytes, std::size_t longest) {
  std::mt19937 random(1);
  std::string text;
  while (text.size() < bytes) {
    text += std::string(random() % longest, static_cast<char>('a' + random() % 26)) + '\n';
  }
  text.resize(bytes);
  return text;
}

// Nothing is mapped on file systems that are not known, and by kernels that do not say what is
// cached.
std::optional<MappedRange> open(const CachedFile& file, const ReadRange& range) {
  auto mapped = MappedRange::open(file.fd(), range);
  if (!mapped) MESSAGE("nothing is mapped here");
  return mapped;
}

std::string read_all(const CachedFile& file, const ReadRange& range) {
  RangeReader reader = RangeReader::of_file(file.fd(), "text", range);
  ByteBuffer buffer;
  std::string all;
  for (;;) {
    const auto chunk = reader.next(buffer);
    REQUIRE(chunk.ok());
    if (chunk->empty()) return all;
    all += *chunk;
  }
}

// The first part by way of a mapping. Each piece must end where a line does.
std::string look_and_read(const CachedFile& file, ReadRange range) {
  std::string all;
  if (auto mapped = open(file, range)) {
    for (std::string_view piece; !(piece = mapped->next()).empty();) {
      CHECK(piece.size() <= range.piece_bytes);
      CHECK(range.last_end(piece) == piece.size() - 1);
      all += piece;
    }
    CHECK_FALSE(mapped->is_torn());
    CHECK_FALSE(mapped->error(file.fd(), "text").has_value());
    range.begin = mapped->next_offset();
  }
  return all + read_all(file, range);
}

}  // namespace

TEST_SUITE_BEGIN("jobs/text/mapped_range");

TEST_CASE("every record is looked at or read, and none is both, for every border") {
  // Of lines that are longer than a piece most are read.
  for (const std::size_t longest : {1u, 100u, 9'999u, 15'000u}) {
    const CachedFile file(lines(3 * kMiB + 12'345, longest));
    const std::size_t line = file.text().find('\n', kMiB) + 1;
    for (const std::size_t begin : {std::size_t{0}, std::size_t{1}, line - 1, line, line + 1}) {
      for (const std::size_t end : {begin + kMiB + 4096, file.text().rfind('\n'),
                                    file.text().size(), file.text().size() + 1}) {
        CAPTURE(longest);
        CAPTURE(begin);
        CAPTURE(end);
        const ReadRange range = file.range(begin, end);
        CHECK((look_and_read(file, range) == read_all(file, range)));
      }
    }
  }
}

TEST_CASE("where any white space ends a record, lines may be of any length") {
  std::string text = lines(3 * kMiB, 100);
  std::ranges::replace(text, '\n', ' ');
  const CachedFile file(text);
  ReadRange range = file.range(1, 2 * kMiB);
  range.delimiters = " \n";
  const std::string all = look_and_read(file, range);
  CHECK(all.back() == ' ');
  CHECK(all == text.substr(text.find(' ') + 1, all.size()));
}

TEST_CASE("a record that is longer than it may be is refused by the reader, and none before it") {
  const CachedFile file(lines(2 * kMiB, 100) + '\n' + std::string(5'000, 'x') + '\n');
  ReadRange range = file.range(0, file.text().size());
  range.max_record = {4'999};
  if (auto mapped = open(file, range)) {
    while (!mapped->next().empty()) {
    }
    // As far as the piece that has it.
    CHECK(mapped->next_offset() <= 2 * kMiB + 1);
    CHECK(mapped->next_offset() + range.piece_bytes > 2 * kMiB);
  }
  range.max_record = {5'000};
  CHECK(look_and_read(file, range) == file.text());
}

TEST_CASE("what was appended is read") {
  const CachedFile file(lines(2 * kMiB, 100));
  REQUIRE(::pwrite(file.fd(), "more\nand more", 13, 2 * kMiB) == 13);
  CHECK((look_and_read(file, file.range(0, SIZE_MAX)) == file.text() + "more\nand more"));
}

TEST_CASE("little, what is not cached, and a file of unknown size are read") {
  const CachedFile file(lines(2 * kMiB, 100));
  CHECK_FALSE(MappedRange::open(file.fd(), file.range(0, kLeastMappedBytes - 1)).has_value());
  ReadRange range = file.range(0, SIZE_MAX);
  range.least_size = 0;
  CHECK_FALSE(MappedRange::open(file.fd(), range).has_value());
  // A hole has no pages.
  file.set_size(0);
  file.set_size(2 * kMiB);
  CHECK_FALSE(MappedRange::open(file.fd(), file.range(0, SIZE_MAX)).has_value());
  CHECK_FALSE(MappedRange::open(-1, file.range(0, SIZE_MAX)).has_value());
}

TEST_CASE("a file that is cut off while it is looked at is told as when it is read") {
  const std::string text = lines(3 * kMiB, 100);
  for (const std::size_t left : {std::size_t{0}, kMiB, kMiB + 100, 3 * kMiB - 1}) {
    CAPTURE(left);
    const CachedFile file(text);
    auto mapped = open(file, file.range(0, SIZE_MAX));
    if (!mapped) return;
    std::string all(mapped->next());
    const std::size_t first = all.size();
    file.set_size(left);
    for (std::string_view piece; !(piece = mapped->next()).empty();) all += piece;
    CHECK(text.starts_with(all));
    CHECK(all.size() <= std::max(left, first));
    // Of the last page that is left nobody is told.
    const auto page = static_cast<std::size_t>(::getpagesize());
    CHECK(mapped->is_torn() == (left <= 3 * kMiB - page));
    const auto error = mapped->error(file.fd(), "text");
    REQUIRE(error.has_value());
    CHECK(error->message() == "\"text\" changed while it was read: it had " +
                                  std::to_string(3 * kMiB) + " bytes and has fewer (at byte " +
                                  std::to_string(left) + ")");
  }
}

TEST_CASE("a file that was short for a while is told, too") {
  const CachedFile file(lines(3 * kMiB, 100));
  auto mapped = open(file, file.range(0, SIZE_MAX));
  if (!mapped) return;
  file.set_size(kMiB);
  while (!mapped->next().empty()) {
  }
  file.set_size(3 * kMiB);
  CHECK(mapped->is_torn());
  const auto error = mapped->error(file.fd(), "text");
  REQUIRE(error.has_value());
  CHECK(error->message().starts_with("\"text\" changed while it was read: it had "));
}

TEST_SUITE_END();

}  // namespace gorun::test::mapped_range_test
