// tests/jobs/text/range_reader_test.cc - ranges that tile a file deliver it once, cut anywhere.

#include "jobs/text/range_reader.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/text/cutter.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::range_reader_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/text/range_reader");

namespace {

// All chunks of a reader joined; each must begin where the one before it ended.
std::string drain(RangeReader reader) {
  ByteBuffer buffer;
  std::string all;
  std::uint64_t begin = 0;
  while (true) {
    const auto chunk = reader.next(buffer);
    REQUIRE(chunk.ok());
    if (chunk->empty()) return all;
    if (all.empty()) begin = reader.chunk_offset();
    CHECK(reader.chunk_offset() == begin + all.size());
    all += *chunk;
  }
}

// The bytes from the first record that starts in [begin, end) to the end of the last.
std::string owned_by_hand(std::string_view text, std::size_t begin, std::size_t end,
                          std::string_view delimiters) {
  const auto start_at_or_after = [&](std::size_t at) {
    if (at == 0) return at;
    if (at > text.size()) return text.size();
    const std::size_t delimiter = text.find_first_of(delimiters, at - 1);
    return delimiter == std::string_view::npos ? text.size() : delimiter + 1;
  };
  const std::size_t from = start_at_or_after(begin);
  const std::size_t to = start_at_or_after(end);
  return from < to ? std::string(text.substr(from, to - from)) : std::string();
}

}  // namespace

TEST_CASE("every range owns the records that start in it, for every border and piece") {
  const ScratchDir scratch;
  for (const char* text : {"", "a", "a\n", "\n", "\n\n\n", "one\ntwo\nthree\n", "ab\n\ncdefghij\nk",
                           "no line feed at all", "\nx", " of\twords  and\nlines\v"}) {
    const std::string_view whole(text);
    const std::string path = scratch.write("text", whole);
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    for (std::size_t begin = 0; begin <= whole.size() + 1; ++begin) {
      for (std::size_t end = begin; end <= whole.size() + 2; ++end) {
        for (const std::size_t piece : {1u, 2u, 3u, 100u}) {
          for (const std::string_view delimiters : {std::string_view("\n"), kWhiteSpace}) {
            CAPTURE(whole);
            CAPTURE(begin);
            CAPTURE(end);
            CAPTURE(piece);
            CAPTURE(delimiters);
            CHECK(drain(RangeReader::of_file(fd, path,
                                             {.begin = begin,
                                              .end = end,
                                              .delimiters = delimiters,
                                              .piece_bytes = piece})) ==
                  owned_by_hand(whole, begin, end, delimiters));
          }
        }
      }
    }
    ::close(fd);
  }
}

TEST_CASE("chunks are whole records, whatever the piece") {
  const ScratchDir scratch;
  std::string text;
  for (int i = 0; i < 5000; ++i) text += std::string(static_cast<std::size_t>(i % 97), 'x') + "\n";
  text += "last";
  const std::string path = scratch.write("text", text);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  RangeReader reader = RangeReader::of_file(fd, path, {.piece_bytes = 1000});
  ByteBuffer buffer;
  std::string all;
  while (true) {
    const auto chunk = reader.next(buffer);
    REQUIRE(chunk.ok());
    if (chunk->empty()) break;
    all += *chunk;
    CHECK((chunk->back() == '\n' || all.size() == text.size()));
  }
  ::close(fd);
  CHECK(all == text);
}

TEST_CASE("a pipe is read as it comes") {
  std::array<int, 2> ends;
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  RangeReader reader = RangeReader::of_stream(ends[0], "-", {}, -1);
  ByteBuffer buffer;
  REQUIRE(::write(ends[1], "one\ntw", 6) == 6);
  CHECK(*reader.next(buffer) == "one\n");  // although the writer has not finished
  REQUIRE(::write(ends[1], "o\nthree", 7) == 7);
  CHECK(*reader.next(buffer) == "two\n");
  ::close(ends[1]);
  CHECK(*reader.next(buffer) == "three");
  CHECK(reader.next(buffer)->empty());
  CHECK(reader.next(buffer)->empty());
  ::close(ends[0]);
}

TEST_CASE("another delimiter") {
  const ScratchDir scratch;
  const std::string text("a\nb\0c\0", 6);
  const std::string path = scratch.write("text", text);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  CHECK(drain(RangeReader::of_file(fd, path,
                                   {.begin = 1, .delimiters = std::string_view("\0", 1)})) ==
        std::string("c\0", 2));
  ::close(fd);
}

TEST_CASE("a record beyond the limit is refused with its place") {
  const ScratchDir scratch;
  const std::string path = scratch.write("long\xff", "ok\n" + std::string(5000, 'x') + "\n");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  RangeReader reader =
      RangeReader::of_file(fd, "long\xff", {.piece_bytes = 100, .max_record = {1000}});
  ByteBuffer buffer;
  CHECK(*reader.next(buffer) == "ok\n");
  const auto refused = reader.next(buffer);
  REQUIRE(!refused.ok());
  CHECK(
      refused.error().message() ==
      "\"long\\xff\" has a record of more than 1000 bytes (at byte 3; a larger \"max_record\" lets "
      "it through)");
  CHECK(reader.next(buffer)->empty());
  // Records before it in the same piece do not count.
  CHECK(drain(RangeReader::of_file(fd, path, {.end = 3, .piece_bytes = 100, .max_record = {2}})) ==
        "ok\n");
  ::close(fd);
}

TEST_CASE("which record is too long, and what is delivered before, does not depend on the cuts") {
  const ScratchDir scratch;
  const std::string before = "ab\n" + std::string(20, 'y') + "\n\nc\n";
  const std::string text = before + std::string(21, 'x') + "\nd\n" + std::string(40, 'z');
  const std::string path = scratch.write("text", text);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  for (const std::size_t cut : {1u, 5u, 25u, 27u, 28u, 29u, 40u}) {
    for (const std::size_t piece : {1u, 2u, 7u, 20u, 30u, 1000u}) {
      CAPTURE(cut);
      CAPTURE(piece);
      std::string all;
      std::string errors;
      for (const auto& [begin, end] :
           {std::pair<std::size_t, std::size_t>(0, cut), {cut, text.size()}}) {
        RangeReader reader = RangeReader::of_file(
            fd, "t", {.begin = begin, .end = end, .piece_bytes = piece, .max_record = {20}});
        ByteBuffer buffer;
        for (;;) {
          const auto chunk = reader.next(buffer);
          if (!chunk.ok()) errors += std::to_string(chunk.error().offset) + ' ';
          if (!chunk.ok() || chunk->empty()) break;
          all += *chunk;
        }
        CHECK(reader.next(buffer)->empty());
        if (!errors.empty()) break;  // the file has failed
      }
      CHECK(all == before);
      CHECK(errors == std::to_string(before.size()) + ' ');
    }
  }
  ::close(fd);
}

TEST_CASE("a read that fails names the file and the place") {
  const int fd = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  RangeReader reader = RangeReader::of_file(fd, "/", {});
  ByteBuffer buffer;
  const auto chunk = reader.next(buffer);
  REQUIRE(!chunk.ok());
  CHECK(chunk.error().system.error_number == EISDIR);
  CHECK(chunk.error().message() == "cannot read \"/\": Is a directory (at byte 0)");
  ::close(fd);
}

TEST_CASE("a file that has lost bytes is told from one that ends, where its size is known") {
  const ScratchDir scratch;
  const std::string path = scratch.write("cut", "one\ntwo\nth");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  CHECK(drain(RangeReader::of_file(fd, path, {.least_size = 10})) == "one\ntwo\nth");
  CHECK(drain(RangeReader::of_file(fd, path, {.end = 6, .least_size = 10})) == "one\ntwo\n");
  RangeReader reader = RangeReader::of_file(fd, "cut", {.least_size = 11});
  ByteBuffer buffer;
  CHECK(*reader.next(buffer) == "one\ntwo\n");
  const auto lost = reader.next(buffer);
  REQUIRE(!lost.ok());
  CHECK(lost.error().message() ==
        "\"cut\" changed while it was read: it had 11 bytes and has fewer (at byte 10)");
  CHECK(reader.next(buffer)->empty());
  ::close(fd);
}

TEST_CASE("a scan for borders cuts pieces of any size between records") {
  const ScratchDir dir;
  const std::string text = "k,\"a\n\"\"b\"\r\n\"\",1\nlong,\"\n\n\n,\n\"\nx,y";
  const std::vector<std::size_t> ends = {11, 16, 29, text.size()};
  const std::string path = dir.write("in.csv", text);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  for (std::size_t piece = 1; piece <= text.size() + 1; ++piece) {
    CAPTURE(piece);
    CsvBorders borders(',');
    RangeReader reader =
        RangeReader::of_file(fd, path, {.borders = &borders, .piece_bytes = piece});
    ByteBuffer buffer;
    std::string all;
    for (;;) {
      const auto chunk = reader.next(buffer);
      REQUIRE(chunk.ok());
      if (chunk->empty()) break;
      CHECK(reader.chunk_offset() == all.size());
      all += *chunk;
      CHECK(std::ranges::find(ends, all.size()) != ends.end());
    }
    CHECK(all == text);
    // Ranges between borders are delivered as they are.
    CsvBorders again(',');
    CHECK(drain(RangeReader::of_file(
              fd, path, {.begin = 11, .end = 29, .borders = &again, .piece_bytes = piece})) ==
          text.substr(11, 18));
  }
  ::close(fd);
}

TEST_SUITE_END();

}  // namespace gorun::test::range_reader_test
