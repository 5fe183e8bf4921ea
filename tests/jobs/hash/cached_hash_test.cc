// tests/jobs/hash/cached_hash_test.cc - hashing with a cache: what is as it was is not read, and
// what is not is.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jobs/hash/digest_cache.h"
#include "jobs/hash/hash_files.h"
#include "jobs/hash/hash_meter.h"
#include "jobs/hash/hash_run.h"
#include "jobs/hash/path_source.h"
#include "tests/support/each_procs.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::cached_hash_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::runtime::Runtime;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/hash/cached_hash");

namespace {

using Trust = DigestCache::Trust;
using Names = std::vector<std::string>;

std::shared_ptr<DigestCache> open_in(const std::string& directory, Trust trust = Trust::kStamps) {
  auto opened = DigestCache::open({directory}, trust);
  REQUIRE(opened.ok());
  return std::move(opened).value();
}

struct Hashed {
  std::map<std::string, std::vector<std::string>> digests;  // in hexadecimal, of each name
  std::uint64_t bytes_read = 0;
  int known = 0;
  std::vector<std::string> warnings;
};

// By one hasher, with the cache in this directory.
Hashed hash_names(const std::string& directory, const std::vector<Algorithm>& algorithms,
                  const Names& names, Trust trust = Trust::kStamps) {
  const auto cache = open_in(directory, trust);
  FilesHasher hasher(algorithms, Sha256Path::kAuto, nullptr, cache.get());
  const std::vector<std::string_view> views(names.begin(), names.end());
  hasher.start(views);
  std::vector<HashOutcome> outcomes;
  while (!hasher.run(100'000, &outcomes)) {
  }
  Hashed hashed;
  hashed.bytes_read = hasher.bytes_read();
  for (const HashOutcome& outcome : outcomes) {
    if (!outcome.result.ok()) continue;
    if (!outcome.result->was_read) ++hashed.known;
    for (const Digest& digest : outcome.result->digests) {
      hashed.digests[names[outcome.index]].push_back(digest.hex());
    }
  }
  cache->flush();
  hashed.warnings = cache->take_warnings();
  return hashed;
}

const std::vector<std::vector<Algorithm>>& choices() {
  static const std::vector<std::vector<Algorithm>> all = {
      {Algorithm::kSha256},
      {Algorithm::kBlake3},
      {Algorithm::kXxh3, Algorithm::kSha256, Algorithm::kMd5}};
  return all;
}

struct stat look_at(const std::string& path) {
  struct stat seen = {};
  REQUIRE(::stat(path.c_str(), &seen) == 0);
  return seen;
}

void set_mtime(const std::string& path, const timespec& mtime) {
  const std::array<timespec, 2> times = {timespec{0, UTIME_OMIT}, mtime};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) == 0);
}

class ListSink final : public HashSink {
 public:
  bool take(HashTask&& task) override {
    for (std::size_t i = 0; i < task.names.size(); ++i) {
      const auto& result = task.results[i];
      std::string line = task.names[i];
      if (!result || !result->ok()) {
        lines.push_back(line + ": " + (result ? result->error().message() : "none"));
        continue;
      }
      for (const Digest& digest : (*result)->digests) line += " " + digest.hex();
      lines.push_back(line + " " + std::to_string((*result)->size));
    }
    return true;
  }
  Names lines;
};

}  // namespace

TEST_CASE("the second time nothing is read, and the digests are the same") {
  for (const std::vector<Algorithm>& algorithms : choices()) {
    const ScratchDir scratch;
    Names names;
    std::uint64_t bytes = 0;
    for (int i = 0; i < 100; ++i) {
      const std::size_t sizes[] = {1, 4096, 65536, 65537, 300'000, 20'000};
      bytes += sizes[i % 6];
      names.push_back(scratch.write("d/" + std::to_string(i),
                                    std::string(sizes[i % 6], static_cast<char>('a' + i % 26))));
    }
    names.push_back(scratch / "missing");
    const Hashed first = hash_names(scratch / "cache", algorithms, names);
    CHECK(first.bytes_read == bytes);
    CHECK(first.known == 0);
    const Hashed second = hash_names(scratch / "cache", algorithms, names);
    CHECK(second.bytes_read == 0);
    CHECK(second.known == 100);
    CHECK(second.digests == first.digests);
    CHECK(second.digests.size() == 100);
    const Hashed paranoid = hash_names(scratch / "cache", algorithms, names, Trust::kNothing);
    CHECK(paranoid.bytes_read == bytes);
    CHECK(paranoid.digests == first.digests);
    CHECK(first.warnings.empty());
    CHECK(paranoid.warnings.empty());
  }
}

TEST_CASE("an algorithm that is new to a file is one to read it for; then both are known") {
  const ScratchDir scratch;
  const Names names = {scratch.write("a", "alpha")};
  const std::string cache = scratch / "cache";
  hash_names(cache, {Algorithm::kSha256}, names);
  CHECK(hash_names(cache, {Algorithm::kMd5, Algorithm::kSha256}, names).bytes_read == 5);
  CHECK(hash_names(cache, {Algorithm::kBlake3}, names).bytes_read == 5);
  const Hashed all =
      hash_names(cache, {Algorithm::kMd5, Algorithm::kBlake3, Algorithm::kSha256}, names);
  CHECK(all.bytes_read == 0);
  CHECK(all.digests.at(names[0]) == Names{digest_of(Algorithm::kMd5, "alpha").hex(),
                                          digest_of(Algorithm::kBlake3, "alpha").hex(),
                                          digest_of(Algorithm::kSha256, "alpha").hex()});
}

TEST_CASE("a file that was written again is read again, whatever its times say") {
  for (const std::vector<Algorithm>& algorithms : choices()) {
    const ScratchDir scratch;
    const Names names = {scratch.write("changed", "before"), scratch.write("replaced", "before"),
                         scratch.write("same", "before"), scratch.write("longer", "before")};
    hash_names(scratch / "cache", algorithms, names);
    CHECK(hash_names(scratch / "cache", algorithms, names).known == 4);
    for (const char* name : {"changed", "replaced"}) {
      const struct stat seen = look_at(scratch / name);
      if (std::string(name) == "changed") {
        scratch.write("changed", "behind");
      } else {
        scratch.write("new", "behind");
        REQUIRE(std::rename((scratch / "new").c_str(), names[1].c_str()) == 0);
      }
      set_mtime(scratch / name, seen.st_mtim);
      CHECK(look_at(scratch / name).st_size == seen.st_size);
    }
    scratch.write("longer", "before and after");
    const Hashed hashed = hash_names(scratch / "cache", algorithms, names);
    CHECK(hashed.known == 1);
    CHECK(hashed.bytes_read == 6 + 6 + 16);
    const Names contents = {"behind", "behind", "before", "before and after"};
    for (std::size_t i = 0; i < names.size(); ++i) {
      for (std::size_t a = 0; a < algorithms.size(); ++a) {
        CHECK(hashed.digests.at(names[i])[a] == digest_of(algorithms[a], contents[i]).hex());
      }
    }
    CHECK(hashed.warnings.empty());
    CHECK(hash_names(scratch / "cache", algorithms, names).known == 4);
  }
}

TEST_CASE("what the kernel makes up, and what is empty, is never known") {
  const ScratchDir scratch;
  Names names = {"/proc/version", "/proc/cpuinfo", "/sys/devices/system/cpu/online"};
  std::erase_if(names, [](const std::string& name) { return !std::filesystem::exists(name); });
  if (names.empty()) MESSAGE("neither /proc nor /sys is there");
  names.push_back(scratch.write("empty", ""));
  for (const std::vector<Algorithm>& algorithms : choices()) {
    for (int time = 0; time < 2; ++time) {
      const Hashed hashed = hash_names(scratch / "cache", algorithms, names);
      CHECK(hashed.known == 0);
      CHECK(hashed.digests.size() == names.size());
    }
  }
}

TEST_CASE("other contents under a known stamp are told by who reads them all") {
  const ScratchDir scratch;
  const Names names = {scratch.write("a", "alpha"), scratch.write("b", std::string(100'000, 'b'))};
  for (const std::vector<Algorithm>& algorithms : choices()) {
    const std::string directory = scratch / std::to_string(algorithms.size()) +
                                  std::string(algorithm_name(algorithms.front()));
    const Hashed right = hash_names(directory, algorithms, names);
    {
      const auto cache = open_in(directory);
      std::vector<Digest> planted;
      planted.reserve(algorithms.size());
      for (const Algorithm algorithm : algorithms) planted.push_back(digest_of(algorithm, "x"));
      cache->keep(names[0], stamp_of(look_at(names[0])), planted);
    }
    CHECK(hash_names(directory, algorithms, names).digests.at(names[0]).front() ==
          digest_of(algorithms.front(), "x").hex());
    const Hashed told = hash_names(directory, algorithms, names, Trust::kNothing);
    CHECK(told.digests == right.digests);
    REQUIRE(told.warnings.size() == 1);
    CHECK(told.warnings[0].find(names[0] + "\" does not hold what it held") != std::string::npos);
    const Hashed after = hash_names(directory, algorithms, names);
    CHECK(after.digests == right.digests);
    CHECK(after.known == 2);
  }
}

TEST_CASE("large files, alone and side by side, are known too, and the cache is passed over") {
  const ScratchDir scratch;
  std::uint64_t bytes = 0;
  for (const auto& [name, size] :
       {std::pair("one/large", 5'000'001), std::pair("two/large", 6'000'000),
        std::pair("two/larger", 9'000'000), std::pair("two/small", 77)}) {
    scratch.write(std::string("d/") + name, std::string(static_cast<std::size_t>(size), name[4]));
    bytes += static_cast<std::uint64_t>(size);
  }
  for (const std::vector<Algorithm>& algorithms : choices()) {
    for (const int procs : kProcsUnderTest) {
      CAPTURE(procs);
      std::filesystem::remove_all(scratch / "d/cache");
      Names lines[3];
      for (int time = 0; time < 3; ++time) {
        const auto cache =
            open_in(scratch / "d/cache", time < 2 ? Trust::kStamps : Trust::kNothing);
        Runtime rt({.procs = procs});
        HashMeter meter(procs);
        ListSink sink;
        run_to_end(rt, [&] {
          PathSource source({scratch / "d"}, algorithms, WalkOrder::kSorted, nullptr, cache.get());
          run_hash(source, sink, {.cache = cache.get(), .meter = &meter});
        });
        const HashMeter::Figures figures = meter.figures();
        CHECK(figures.files == 4);
        CHECK(figures.bytes == (time == 1 ? 0 : bytes));
        CHECK(figures.known_files == (time == 1 ? 4 : 0));
        CHECK(figures.known_bytes == (time == 1 ? bytes : 0));
        CHECK(cache->take_warnings().empty());
        lines[time] = sink.lines;
      }
      CHECK(lines[0].size() == 4);
      CHECK(lines[1] == lines[0]);
      CHECK(lines[2] == lines[0]);
      if (algorithms.front() == Algorithm::kSha256) {
        CHECK(lines[0][3] == (scratch / "d/two/small") + " " +
                                 digest_of(Algorithm::kSha256, std::string(77, 's')).hex() + " 77");
      }
    }
  }
}

TEST_CASE("a file of the cache that is asked for by name is hashed") {
  const ScratchDir scratch;
  const auto cache = open_in(scratch.path());
  scratch.write("sub/digests", "another");
  Runtime rt({.procs = 1});
  Names names;
  run_to_end(rt, [&] {
    PathSource source({scratch.path(), scratch / "digests"}, {Algorithm::kMd5}, WalkOrder::kSorted,
                      nullptr, cache.get());
    for (HashTask task; source.next(&task); task = {}) {
      names.insert(names.end(), task.names.begin(), task.names.end());
    }
  });
  CHECK(names == Names{scratch / "sub/digests", scratch / "digests"});
}

TEST_SUITE_END();

}  // namespace gorun::test::cached_hash_test
