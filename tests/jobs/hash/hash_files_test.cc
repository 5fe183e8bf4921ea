// tests/jobs/hash/hash_files_test.cc - many files at once, by every way to SHA-256.

#include "jobs/hash/hash_files.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/scratch_dir.h"

namespace gorun::test::hash_files_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/hash/hash_files");

namespace {

std::vector<Sha256Path> paths() {
  std::vector<Sha256Path> out;
  for (const std::string_view name : sha256_path_names()) {
    const Sha256Path path = find_sha256_path(name).value();
    if (is_available(path)) out.push_back(path);
  }
  return out;
}

std::vector<std::string_view> views_of(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

// The outcome of each name, by its index; each index exactly once.
std::map<std::size_t, HashResult> run_all(FilesHasher* hasher, std::uint64_t budget) {
  std::vector<HashOutcome> outcomes;
  while (!hasher->run(budget, &outcomes)) {
  }
  std::map<std::size_t, HashResult> results;
  for (HashOutcome& outcome : outcomes) {
    CHECK(results.emplace(outcome.index, std::move(outcome.result)).second);
  }
  return results;
}

}  // namespace

TEST_CASE("files of many sizes get what one file by itself gets, whatever the way") {
  const ScratchDir scratch;
  std::mt19937 random(1);
  std::vector<std::string> names;
  std::vector<std::string> contents;
  const std::vector<std::size_t> sizes = {0,     1,     63,    64,   100'000, 32767,  32768,
                                          32769, 65536, 65537, 4096, 5,       700'001};
  for (int i = 0; i < 50; ++i) {
    const std::size_t size =
        i < static_cast<int>(sizes.size()) ? sizes[static_cast<std::size_t>(i)] : random() % 40'000;
    contents.emplace_back(size, static_cast<char>('a' + i % 26));
    names.push_back(scratch.write(std::to_string(i), contents.back()));
  }
  const std::vector<std::string_view> views = views_of(names);
  for (const Sha256Path path : paths()) {
    for (const std::uint64_t budget : {std::uint64_t{1}, std::uint64_t{100'000}, UINT64_MAX / 2}) {
      CAPTURE(sha256_path_names()[static_cast<std::size_t>(path)]);
      const Algorithm algorithm = Algorithm::kSha256;
      FilesHasher hasher({&algorithm, 1}, path);
      hasher.start(views);
      const auto results = run_all(&hasher, budget);
      REQUIRE(results.size() == names.size());
      for (const auto& [index, result] : results) {
        REQUIRE(result.ok());
        CHECK(result->size == contents[index].size());
        CHECK(result->digests.front() == digest_of(algorithm, contents[index]));
      }
    }
  }
}

TEST_CASE("several digests in the order that was asked for, from one reading") {
  const ScratchDir scratch;
  const std::vector<Algorithm> algorithms = {Algorithm::kXxh3, Algorithm::kSha256, Algorithm::kMd5};
  const std::vector<std::string> names = {scratch.write("a", "alpha"),
                                          scratch.write("b", std::string(200'000, 'b'))};
  const std::vector<std::string_view> views = views_of(names);
  for (const Sha256Path path : paths()) {
    FilesHasher hasher(algorithms, path);
    hasher.start(views);
    const auto results = run_all(&hasher, 1000);
    REQUIRE(results.size() == 2);
    CHECK(hasher.bytes_read() == 200'005);
    for (std::size_t i = 0; i < algorithms.size(); ++i) {
      CHECK(results.at(0)->digests[i] == digest_of(algorithms[i], "alpha"));
      CHECK(results.at(1)->digests[i] == digest_of(algorithms[i], std::string(200'000, 'b')));
    }
  }
}

TEST_CASE("what fails is told, and disturbs no other file") {
  const ScratchDir scratch;
  REQUIRE(::mkfifo((scratch / "fifo").c_str(), 0600) == 0);
  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i) {
    if (i % 3 == 0) names.push_back(scratch / "missing");
    if (i % 3 == 1) names.push_back(scratch / "fifo");
    if (i % 3 == 2) names.push_back(scratch.write(std::to_string(i), std::to_string(i)));
  }
  names.push_back(scratch / "missing");
  const std::vector<std::string_view> views = views_of(names);
  for (const Sha256Path path : paths()) {
    const Algorithm algorithm = Algorithm::kSha256;
    FilesHasher hasher({&algorithm, 1}, path);
    hasher.start(views);
    const auto results = run_all(&hasher, 1);
    REQUIRE(results.size() == names.size());
    for (int i = 0; i < 40; ++i) {
      const HashResult& result = results.at(static_cast<std::size_t>(i));
      if (i % 3 == 0) CHECK(result.error().system.error_number == ENOENT);
      if (i % 3 == 1) CHECK(result.error().reason == HashFileError::Reason::kNotRegular);
      if (i % 3 == 2) {
        CHECK(result->digests.front() == digest_of(algorithm, std::to_string(i)));
      }
    }
  }
}

TEST_CASE("a file that fails with EIO among others is told, by every algorithm") {
  const ScratchDir scratch;
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i) names.push_back(scratch.write(std::to_string(i), "x"));
  names.insert(names.begin() + 7, "/proc/self/mem");  // nothing is mapped at address 0
  const std::vector<std::string_view> views = views_of(names);
  for (const Algorithm algorithm : all_algorithms()) {
    for (const Sha256Path path : paths()) {
      FilesHasher hasher({&algorithm, 1}, path);
      hasher.start(views);
      const auto results = run_all(&hasher, 1 << 20);
      REQUIRE(results.size() == names.size());
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (i == 7) {
          CHECK(results.at(i).error().message() ==
                "cannot read \"/proc/self/mem\": Input/output error");
        } else {
          CHECK(results.at(i)->digests.front() == digest_of(algorithm, "x"));
        }
      }
    }
  }
}

TEST_CASE("small and large files by turns, for BLAKE3, which gathers the small ones") {
  const ScratchDir scratch;
  std::vector<std::string> names;
  std::vector<std::string> contents;
  for (int i = 0; i < 40; ++i) {
    const std::size_t sizes[] = {1, 65536, 65537, 5000, 0, 300'000, 40'000};
    contents.emplace_back(sizes[i % 7], static_cast<char>('a' + i));
    names.push_back(scratch.write(std::to_string(i), contents.back()));
  }
  const std::vector<std::string_view> views = views_of(names);
  const Algorithm algorithm = Algorithm::kBlake3;
  FilesHasher hasher({&algorithm, 1});
  for (const std::uint64_t budget : {std::uint64_t{1}, std::uint64_t{1} << 30}) {
    hasher.start(views);
    const auto results = run_all(&hasher, budget);
    REQUIRE(results.size() == names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      CHECK(results.at(i)->size == contents[i].size());
      CHECK(results.at(i)->digests.front() == digest_of(algorithm, contents[i]));
    }
  }
}

TEST_CASE("a file that shrinks or grows on its way gets no digest") {
  const ScratchDir scratch;
  for (const Sha256Path path : paths()) {
    const std::vector<std::string> names = {scratch.write("shrinks", std::string(500'000, 's')),
                                            scratch.write("grows", std::string(500'000, 'g')),
                                            scratch.write("rests", std::string(500'000, 'r'))};
    const std::vector<std::string_view> views = views_of(names);
    const Algorithm algorithm = Algorithm::kSha256;
    FilesHasher hasher({&algorithm, 1}, path);
    hasher.start(views);
    std::vector<HashOutcome> outcomes;
    if (path == Sha256Path::kOpenssl) {  // one file at a time: the first is on its way
      REQUIRE(!hasher.run(1, &outcomes));
      REQUIRE(::truncate(names[0].c_str(), 400'000) == 0);
      while (!hasher.run(1, &outcomes)) {
        if (outcomes.size() == 1 && hasher.bytes_read() == 400'000 + 262'144) {
          REQUIRE(::truncate(names[1].c_str(), 600'000) == 0);
        }
      }
    } else {
      REQUIRE(!hasher.run(1, &outcomes));
      REQUIRE(::truncate(names[0].c_str(), 400'000) == 0);
      const bool both = Sha256Lanes(path).width() >= 2;
      REQUIRE(both);
      REQUIRE(::truncate(names[1].c_str(), 600'000) == 0);
      while (!hasher.run(1, &outcomes)) {
      }
    }
    REQUIRE(outcomes.size() == 3);
    for (const HashOutcome& outcome : outcomes) {
      CAPTURE(outcome.index);
      if (outcome.index == 2) {
        CHECK(outcome.result.ok());
      } else {
        REQUIRE(!outcome.result.ok());
        CHECK(outcome.result.error().reason == HashFileError::Reason::kChanged);
      }
    }
  }
}

TEST_CASE("names that were not begun with can be dropped, and a new start forgets the old one") {
  const ScratchDir scratch;
  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i) {
    names.push_back(scratch.write(std::to_string(i), std::string(100'000, 'x')));
  }
  const std::vector<std::string_view> views = views_of(names);
  for (const Sha256Path path : paths()) {
    const Algorithm algorithm = Algorithm::kSha256;
    FilesHasher hasher({&algorithm, 1}, path);
    hasher.start(views);
    std::vector<HashOutcome> outcomes;
    REQUIRE(!hasher.run(1, &outcomes));
    REQUIRE(hasher.untouched() >= 20);
    hasher.drop_untouched(20);
    CHECK(run_all(&hasher, 1).size() == 20 - outcomes.size());
    hasher.start(views);
    REQUIRE(!hasher.run(1, &outcomes));
    hasher.start(std::span(views).first(3));
    const auto results = run_all(&hasher, 1'000'000);
    CHECK(results.size() == 3);
    for (const auto& [index, result] : results) {
      CHECK(result->digests.front() == digest_of(algorithm, std::string(100'000, 'x')));
    }
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::hash_files_test
