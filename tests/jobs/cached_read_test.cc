// tests/jobs/cached_read_test.cc - reads at an offset, of files that know the flag and that do not.

#include "jobs/cached_read.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "jobs/file_descriptor.h"
#include "runtime/runtime.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::cached_read_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/cached_read");

namespace {

std::string contents_by(const FileDescriptor& file, std::size_t piece, bool moves_on) {
  std::vector<char> buffer(piece);
  std::string all;
  for (;;) {
    const auto offset = moves_on ? kAtPosition : static_cast<off_t>(all.size());
    const ReadResult got = cached_read(file.get(), buffer, offset);
    REQUIRE(got.error == 0);
    if (got.bytes == 0) return all;
    all.append(buffer.data(), static_cast<std::size_t>(got.bytes));
  }
}

}  // namespace

TEST_CASE("a file comes whole, at offsets and from where it stands, on a goroutine or not") {
  const ScratchDir dir;
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i) + '\n';
  const std::string path = dir.write("text", text);
  for (const std::size_t piece : {1000u, 4096u, 1'000'000u}) {
    CAPTURE(piece);
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(file.is_open());
    CHECK((contents_by(file, piece, false) == text));
    CHECK((contents_by(file, piece, true) == text));
    for (const int procs : {1, 2, 8}) {
      std::string read;
      gorun::runtime::Runtime runtime({.procs = procs});
      static_cast<void>(runtime.run([&] { read = contents_by(file, piece, false); }));
      CHECK((read == text));
    }
  }
}

TEST_CASE("a file that cannot say whether it would wait is read all the same") {
  const FileDescriptor file(::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
  REQUIRE(file.is_open());
  const std::string whole = contents_by(file, 4096, true);
  CHECK(!whole.empty());
  CHECK(contents_by(file, 3, false) == whole);
}

TEST_CASE("what fails says why") {
  const ScratchDir dir;
  const FileDescriptor directory(::open(dir.path().c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 10> buffer;
  const ReadResult got = cached_read(directory.get(), buffer, 0);
  CHECK(got.bytes < 0);
  CHECK(got.error == EISDIR);
  CHECK(cached_read(-1, buffer, 0).error == EBADF);
}

TEST_SUITE_END();

}  // namespace gorun::test::cached_read_test
