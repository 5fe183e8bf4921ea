// tests/jobs/exec/output_spool_test.cc - the file that takes a command's output.

#include "jobs/exec/output_spool.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/support/scratch_dir.h"

namespace gorun::test::output_spool_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

namespace {

// False where the file system keeps what it has: a hole behind the end changes nothing else.
bool can_punch(int fd) {
  constexpr off_t kFar = off_t{1} << 30;
  return ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kFar, 4096) == 0;
}

}  // namespace

TEST_SUITE_BEGIN("jobs/exec/output_spool");

TEST_CASE("what is written is read back, and the file serves again when it has been emptied") {
  OutputSpool spool;
  CHECK(spool.size() == 0);
  const auto fd = spool.open();
  REQUIRE(fd.ok());
  CHECK(*fd > 2);
  for (const std::string text : {"first\n", "x"}) {
    CHECK(::write(*fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    CHECK(spool.size() == text.size());
    char read[16] = {};
    CHECK(spool.read(0, read, sizeof read) == static_cast<std::int64_t>(text.size()));
    CHECK(read == text);
    CHECK(spool.read(text.size(), read, sizeof read) == 0);
    spool.clear();
    CHECK(spool.size() == 0);
    CHECK(*spool.open() == *fd);
  }
}

TEST_CASE("a file that is given up is nobody's any more") {
  OutputSpool spool;
  const int writer = ::dup(*spool.open());  // as a process has it that goes on
  spool.abandon();
  REQUIRE(spool.open().ok());
  CHECK(::write(writer, "late", 4) == 4);
  CHECK(spool.size() == 0);
  ::close(writer);
}

TEST_CASE("the middle of what is written can be given back, and nothing else moves") {
  OutputSpool spool;
  const auto fd = spool.open();
  REQUIRE(fd.ok());
  std::string text(std::size_t{3} << 20, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  const KeptParts kept{.first = 5'000, .last = 70'001};
  const auto blocks = [&] {
    struct stat seen = {};
    REQUIRE(::fstat(*fd, &seen) == 0);
    return seen.st_blocks;
  };
  const auto part = [&](std::size_t begin, std::size_t size) {
    std::string read(size, '\0');
    CHECK(spool.read(begin, read.data(), size) == static_cast<std::int64_t>(size));
    return read;
  };
  std::size_t written = 0;
  for (const std::size_t size : {kept.first + kept.last, std::size_t{1} << 20, text.size()}) {
    CAPTURE(size);
    REQUIRE(::write(*fd, text.data() + written, size - written) ==
            static_cast<ssize_t>(size - written));
    written = size;
    const auto before = blocks();
    spool.drop_middle(kept);
    CHECK(spool.size() == size);
    CHECK((part(0, kept.first) == text.substr(0, kept.first)));
    CHECK((part(size - kept.last, kept.last) == text.substr(size - kept.last, kept.last)));
    if (size > kept.first + kept.last && can_punch(*fd)) CHECK(blocks() < before);
  }
  // The next command's output is its own.
  spool.clear();
  REQUIRE(::write(*fd, text.data(), 100'000) == 100'000);
  spool.drop_middle(kept);
  CHECK((part(0, 100'000) == text.substr(0, 100'000)));
}

TEST_CASE("what is kept of an output is half its beginning and half its end") {
  for (const std::uint64_t most : {0U, 1U, 2U, 7U}) {
    const KeptParts kept = kept_parts(most);
    CHECK(kept.first + kept.last == most);
    CHECK(kept.last - kept.first <= 1);
  }
}

TEST_CASE("the file has no name, and lies in memory where TMPDIR cannot have it") {
  const gorun::test::ScratchDir scratch;
  REQUIRE(::setenv("TMPDIR", scratch.path().c_str(), 1) == 0);
  OutputSpool spool;
  REQUIRE(spool.open().ok());
  REQUIRE(::setenv("TMPDIR", "/no/such/directory", 1) == 0);
  OutputSpool elsewhere;
  CHECK(elsewhere.open().ok());
  REQUIRE(::unsetenv("TMPDIR") == 0);
  struct stat seen = {};
  REQUIRE(::fstat(*spool.open(), &seen) == 0);
  CHECK(seen.st_nlink == 0);
}

TEST_SUITE_END();

}  // namespace gorun::test::output_spool_test
