// tests/jobs/hash/large_file_test.cc - one file on several goroutines gives what one gives.

#include "jobs/hash/large_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "runtime/runtime.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::large_file_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::runtime::Runtime;
using gorun::test::ScratchDir;
using Result = Expected<FileDigests, HashFileError>;

TEST_SUITE_BEGIN("jobs/hash/large_file");

namespace {

std::string content(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (char& c : bytes) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

Result hash(int procs, const std::string& path, const std::vector<Algorithm>& algorithms,
            const HashProgress& progress) {
  std::optional<Result> result;
  Runtime rt({.procs = procs});
  rt.run([&] {
    auto file = FileReading::open(AT_FDCWD, path);
    result = hash_large_file(*file, algorithms, 4, progress);
  });
  return *std::move(result);
}

const std::vector<std::vector<Algorithm>>& choices() {
  static const std::vector<std::vector<Algorithm>> all = {
      {Algorithm::kBlake3},
      {Algorithm::kSha256},
      {Algorithm::kMd5, Algorithm::kBlake3, Algorithm::kXxh128}};
  return all;
}

}  // namespace

TEST_CASE("sizes around a part, on any number of Ps") {
  const ScratchDir scratch;
  constexpr std::size_t kPart = std::size_t{256} << 10;
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, kPart, kPart + 1, 2 * kPart,
                                 3 * kPart - 1, 4 * kPart, 13 * kPart + 777}) {
    const std::string bytes = content(size);
    const std::string path = scratch.write("file", bytes);
    for (const int procs : {1, 2, 8}) {
      for (const std::vector<Algorithm>& algorithms : choices()) {
        CAPTURE(size);
        CAPTURE(procs);
        std::uint64_t told = 0;
        const Result result = hash(procs, path, algorithms, [&](std::uint64_t more) {
          told += more;
          return true;
        });
        REQUIRE(result.ok());
        CHECK(result->size == size);
        CHECK(told == size);
        REQUIRE(result->digests.size() == algorithms.size());
        for (const Digest& digest : result->digests) {
          CHECK(digest == digest_of(digest.algorithm, bytes));
        }
      }
    }
  }
}

TEST_CASE("it gives up when it is told to") {
  const ScratchDir scratch;
  const std::string path = scratch.write("file", content(std::size_t{8} << 20));
  for (const std::vector<Algorithm>& algorithms : choices()) {
    const Result result = hash(2, path, algorithms, [](std::uint64_t) { return false; });
    REQUIRE(!result.ok());
    CHECK(result.error().system.error_number == ECANCELED);
  }
}

TEST_CASE("a file that changes meanwhile gets no digest") {
  const ScratchDir scratch;
  const std::string bytes = content(std::size_t{8} << 20);
  for (const off_t size : {off_t{100'000}, off_t{9} << 20}) {
    for (const std::vector<Algorithm>& algorithms : choices()) {
      const std::string path = scratch.write("file", bytes);
      const Result result = hash(2, path, algorithms, [&](std::uint64_t) {
        REQUIRE(::truncate(path.c_str(), size) == 0);
        return true;
      });
      REQUIRE(!result.ok());
      CHECK(result.error().reason == HashFileError::Reason::kChanged);
    }
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::large_file_test
