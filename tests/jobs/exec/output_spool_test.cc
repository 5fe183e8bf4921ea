// tests/jobs/exec/output_spool_test.cc - the file that takes a command's output.

#include "jobs/exec/output_spool.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/support/scratch_dir.h"

namespace gorun::test::output_spool_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

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
