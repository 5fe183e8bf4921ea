// tests/jobs/hash/digest_cache_test.cc - what is known of a file is right or is not known, whatever
// became of the table.

#include "jobs/hash/digest_cache.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "runtime/blocking.h"
#include "runtime/sync.h"
#include "tests/jobs/hash/numbered_digests.h"
#include "tests/support/each_procs.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::digest_cache_test {

using namespace gorun::jobs;       // NOLINT(google-build-using-namespace): the room under test
using namespace numbered_digests;  // NOLINT(google-build-using-namespace): what it is tested with
using gorun::runtime::Runtime;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/hash/digest_cache");

namespace {

namespace fs = std::filesystem;
using Trust = DigestCache::Trust;
using Lines = std::vector<std::string>;

constexpr std::size_t kPage = 4096;
constexpr std::size_t kHeader = 40;  // of its page so many bytes count

// With this table: nothing is wrong, and what is kept is known again. How many were known.
int check_serves(const std::string& table, int files) {
  const ScratchDir scratch;
  scratch.write("digests", table);
  DigestTally before;
  {
    const CachePtr cache = open_in(scratch.path());
    before = find_files(*cache, files);
    keep_files(*cache, files);
  }
  const CachePtr cache = open_in(scratch.path());
  const DigestTally after = find_files(*cache, files);
  CHECK(before.wrong == 0);
  CHECK(after.wrong == 0);
  CHECK(after.right == files);
  CHECK(cache->take_warnings().empty());
  return before.right;
}

}  // namespace

TEST_CASE("digests are known to the next one, of a file with the same stamp") {
  const ScratchDir scratch;
  const FileStamp stamp = stamp_of_file(1);
  {
    const CachePtr cache = open_in(scratch / "a/b");
    CHECK_FALSE(cache->knows_any());
    keep_file(*cache, 1);
  }
  const CachePtr cache = open_in(scratch / "a/b");
  CHECK(cache->knows_any());
  const std::string path = path_of_file(1);
  CHECK(find_one(*cache, path, stamp) == digest_of_file(1));
  FileStamp other = stamp;
  other.device = 6;
  CHECK(find_one(*cache, path, other) == digest_of_file(1));
  for (const int field : {0, 1, 2, 3}) {
    CAPTURE(field);
    other = stamp;
    if (field == 0) ++other.size;
    if (field == 1) ++other.mtime_ns;
    if (field == 2) ++other.ctime_ns;
    if (field == 3) ++other.inode;
    CHECK_FALSE(find_one(*cache, path, other));
  }
  CHECK_FALSE(find_one(*cache, path + "x", stamp));
  CHECK_FALSE(find_one(*cache, path, stamp, Algorithm::kBlake3));
  CHECK(cache->take_warnings().empty());
}

TEST_CASE("who trusts nothing finds nothing, and keeps") {
  const ScratchDir scratch;
  keep_file(*open_in(scratch.path()), 1);
  {
    const CachePtr cache = open_in(scratch.path(), Trust::kNothing);
    CHECK_FALSE(cache->knows_any());
    CHECK(find_files(*cache, 2).right == 0);
    keep_file(*cache, 0);
  }
  CHECK(find_files(*open_in(scratch.path()), 2).right == 2);
}

TEST_CASE("digests of several runs come together, in the order that is asked for") {
  const ScratchDir scratch;
  const FileStamp stamp = stamp_of_file(1);
  const auto all = all_algorithms();
  for (const Algorithm algorithm : all) {
    const std::vector<Digest> digests(2, digest_of_file(1, algorithm));  // one is as good as two
    open_in(scratch.path())->keep("x", stamp, digests);
  }
  std::vector<Algorithm> algorithms(all.begin(), all.end());
  std::ranges::reverse(algorithms);
  const CachePtr cache = open_in(scratch.path());
  const auto found = cache->find("x", stamp, algorithms);
  REQUIRE(found);
  REQUIRE(found->size() == algorithms.size());
  for (std::size_t i = 0; i < algorithms.size(); ++i) {
    CHECK((*found)[i] == digest_of_file(1, algorithms[i]));
  }
  // Of another stamp nothing is left but what was kept with it.
  FileStamp next = stamp;
  ++next.ctime_ns;
  const Digest digest = digest_of_file(2);
  cache->keep("x", next, {&digest, 1});
  cache->flush();
  CHECK(find_one(*cache, "x", next) == digest);
  CHECK_FALSE(cache->find("x", next, algorithms));
  CHECK_FALSE(find_one(*cache, "x", stamp));
  CHECK(cache->take_warnings().empty());
}

TEST_CASE("digests come together also where a bucket has no room for more") {
  const ScratchDir scratch;
  const int files = 1000;
  const std::vector<Algorithm> algorithms = {Algorithm::kSha512, Algorithm::kSha256,
                                             Algorithm::kMd5, Algorithm::kXxh3};
  for (const Algorithm algorithm : algorithms) {
    const CachePtr cache = open_in(scratch.path());
    for (int i = 0; i < files; ++i) {
      const Digest digest = digest_of_file(i, algorithm);
      cache->keep(path_of_file(i), stamp_of_file(i), {&digest, 1});
      if (i % 100 == 0) cache->flush();  // so that the table grows by and by
    }
  }
  const CachePtr cache = open_in(scratch.path());
  int complete = 0;
  for (int i = 0; i < files; ++i) {
    const auto found = cache->find(path_of_file(i), stamp_of_file(i), algorithms);
    if (found) ++complete;
  }
  CHECK(complete == files);
}

TEST_CASE("one path however it is spelled, and no other") {
  const ScratchDir scratch;
  const FileStamp stamp = stamp_of_file(1);
  const std::string here = fs::current_path().string();
  const std::string awkward[] = {"a\nb", "non\xffutf", std::string(4000, 'p'), " ", "\\", "a/ b"};
  {
    const CachePtr cache = open_in(scratch.path());
    const Digest digest = digest_of_file(1);
    cache->keep("a/b", stamp, {&digest, 1});
    for (int i = 0; i < 6; ++i) {
      const Digest other = digest_of_file(10 + i);
      cache->keep(awkward[i], stamp, {&other, 1});
    }
  }
  const CachePtr cache = open_in(scratch.path());
  for (const std::string& same : {std::string("a/b"), std::string("./a//b"), std::string("a/./b/"),
                                  here + "/a/b", "//" + here + "/./a/b"}) {
    CAPTURE(same);
    CHECK(find_one(*cache, same, stamp) == digest_of_file(1));
  }
  for (const std::string& other : {std::string("a"), std::string("b"), std::string("a/B"),
                                   std::string("/a/b"), std::string("a/b/c"), std::string("ab"),
                                   std::string("a/x/../b"), std::string("a\\b"), std::string()}) {
    CAPTURE(other);
    CHECK_FALSE(find_one(*cache, other, stamp));
  }
  for (int i = 0; i < 6; ++i) {
    CHECK(find_one(*cache, awkward[i], stamp) == digest_of_file(10 + i));
    CHECK(find_one(*cache, here + "/./" + awkward[i], stamp) == digest_of_file(10 + i));
    CHECK_FALSE(find_one(*cache, awkward[i] + "x", stamp));
  }
}

TEST_CASE("in the root directory, too, a path is the same with and without its slash") {
  const ScratchDir scratch;
  const std::string here = fs::current_path().string();
  REQUIRE(::chdir("/") == 0);
  CachePtr cache = open_in(scratch.path());
  REQUIRE(::chdir(here.c_str()) == 0);
  const Digest digest = digest_of_file(1);
  cache->keep("a", stamp_of_file(1), {&digest, 1});
  cache = nullptr;
  CHECK(find_one(*open_in(scratch.path()), "/a", stamp_of_file(1)) == digest);
}

TEST_CASE("the table grows with what is in it") {
  const ScratchDir scratch;
  const int files = scaled(100'000, 5'000);
  {
    const CachePtr cache = open_in(scratch.path());
    keep_files(*cache, files);
    // Not all of it waits for flush(): the rest is less than is gathered at once.
    const auto written = fs::file_size(table_in(scratch.path()));
    if (files > 32768) CHECK(written > 1'000'000);
    CHECK(cache->take_warnings().empty());
  }
  {
    const CachePtr cache = open_in(scratch.path());
    CHECK(find_files(*cache, files).right == files);
    keep_files(*cache, files);  // again: nothing grows
  }
  const auto size = fs::file_size(table_in(scratch.path()));
  CHECK(size < static_cast<std::uintmax_t>(files) * 1024);
  const CachePtr cache = open_in(scratch.path());
  const DigestTally tally = find_files(*cache, files + 100);
  CHECK(tally.right == files);
  CHECK(tally.wrong == 0);
  CHECK_FALSE(fs::exists(scratch / "digests.next"));
}

TEST_CASE("one file at a time, it grows by and by") {
  const ScratchDir scratch;
  const int files = scaled(3000, 500);
  {
    const CachePtr cache = open_in(scratch.path());
    for (int i = 0; i < files; ++i) {
      keep_file(*cache, i);
      cache->flush();
    }
  }
  CHECK(find_files(*open_in(scratch.path()), files).right == files);
}

TEST_CASE("damage costs what was there, and nothing is wrong") {
  const int files = scaled(2000, 300);
  const std::string table = table_of(files);
  const std::size_t pages = (table.size() + kPage - 1) / kPage;
  REQUIRE(pages > 8);
  CHECK(check_serves(table, files) == files);
  std::mt19937 random(1);
  for (int round = 0; round < scaled(20, 3); ++round) {
    CAPTURE(round);
    std::string damaged = table;
    for (std::size_t page = 1; page < pages; ++page) {  // a bit of each bucket
      const std::size_t at = page * kPage + random() % kPage;
      if (at < damaged.size()) damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    }
    check_serves(damaged, files);

    damaged = table;
    for (std::size_t page = 1; page < pages; ++page) {  // zeros instead of some
      if (random() % 3 != 0 || (page + 1) * kPage > damaged.size()) continue;
      std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(page * kPage), kPage, '\0');
    }
    const int left = check_serves(damaged, files);
    CHECK(left > 0);
    CHECK(left < files);

    damaged = table;  // a page of old and new, as a power cut tears it
    const std::size_t torn = kPage * (1 + random() % (pages - 1));
    damaged.replace(torn + 512, 512, table.substr(kPage * (1 + random() % (pages - 2)), 512));
    check_serves(damaged, files);

    damaged = table;  // pages that are not where they belong
    for (std::size_t page = 1; page + 1 < pages; page += 2) {
      const std::string other = table.substr(page * kPage, kPage);
      damaged.replace(page * kPage, kPage, table.substr((page + 1) * kPage, kPage));
      damaged.replace((page + 1) * kPage, other.size(), other);
    }
    check_serves(damaged, files);

    check_serves(table.substr(0, random() % table.size()), files);
  }
}

TEST_CASE("a table of any short length is begun anew") {
  const std::string table = table_of(50);
  for (std::size_t length = 0; length <= kHeader; ++length) {
    CAPTURE(length);
    CHECK(check_serves(table.substr(0, length), 50) == 0);
  }
  CHECK(check_serves(table.substr(0, kPage + 100), 50) == 0);
}

TEST_CASE("a header that is damaged is that of no table") {
  const std::string table = table_of(300);
  const std::size_t magic = 16;
  for (std::size_t at = magic; at < kHeader; ++at) {
    CAPTURE(at);
    std::string damaged = table;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    CHECK(check_serves(damaged, 300) == 0);
  }
  std::string zeroed = table;
  std::fill_n(zeroed.begin(), kHeader, '\0');
  CHECK(check_serves(zeroed, 300) == 0);
  CHECK(check_serves(std::string(table.size(), '\0'), 300) == 0);
  for (std::size_t at = 0; at < magic; ++at) {  // whose it is cannot be said any more
    CAPTURE(at);
    std::string damaged = table;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    const ScratchDir scratch;
    scratch.write("digests", damaged);
    CHECK(mentions(error_of(scratch.path()), "is not what gorun keeps digests in: remove it"));
    CHECK(read_whole_file(table_in(scratch.path())) == damaged);
  }
}

TEST_CASE("other contents under the same stamp are told, and known from then on") {
  const ScratchDir scratch;
  const int files = 25;
  keep_files(*open_in(scratch.path()), files);
  const auto contradict = [](DigestCache& cache, int first, int last) {
    for (int i = first; i < last; ++i) {
      const Digest digest = digest_of_file(i + 1000);
      cache.keep(path_of_file(i), stamp_of_file(i), {&digest, 1});
    }
    cache.flush();
    return cache.take_warnings();
  };
  {
    const CachePtr cache = open_in(scratch.path());
    const Lines one = contradict(*cache, 3, 4);
    CHECK(one ==
          Lines{"\"/some/where/3\" does not hold what it held, and its size, times and inode "
                "are the same: the disk is bad, or somebody set the clock"});
    CHECK(contradict(*cache, 3, 4).empty());
    const Lines more = contradict(*cache, 0, files);
    REQUIRE(more.size() == 20);
    CHECK(more.back() == "of 5 more files the same is to be said");
    CHECK(contradict(*cache, 0, files).empty());
    const Digest again = digest_of_file(7);
    cache->keep(path_of_file(7), stamp_of_file(7), {&again, 1});
    cache->flush();
    CHECK(cache->take_warnings() == Lines{"of 1 more file the same is to be said"});
  }
  const CachePtr cache = open_in(scratch.path());
  for (int i = 0; i < files; ++i) {
    CHECK(find_one(*cache, path_of_file(i), stamp_of_file(i)) ==
          digest_of_file(i == 7 ? 7 : i + 1000));
  }
}

TEST_CASE("what is contradicted is not known by its other digests, either") {
  const ScratchDir scratch;
  const FileStamp stamp = stamp_of_file(1);
  const std::string path = "a\n" + std::string(100, 'x');
  const std::vector<Digest> both = {digest_of_file(1), digest_of_file(1, Algorithm::kMd5)};
  open_in(scratch.path())->keep(path, stamp, both);
  const Digest other = digest_of_file(2);
  {
    const CachePtr cache = open_in(scratch.path());
    cache->keep(path, stamp, {&other, 1});
    cache->flush();
    const Lines warnings = cache->take_warnings();
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].starts_with("\"a\\n" + std::string(100, 'x') + "\" does not hold"));
  }
  const CachePtr cache = open_in(scratch.path());
  CHECK(find_one(*cache, path, stamp) == other);
  CHECK_FALSE(find_one(*cache, path, stamp, Algorithm::kMd5));
}

TEST_CASE("many who keep and find while the table grows") {
  at_each_procs([](Runtime& rt) {
    const ScratchDir scratch;
    constexpr int kWorkers = 8;
    const int files = scaled(4000, 400);  // of each
    keep_file(*open_in(scratch.path()), 0);
    std::atomic<int> wrong = 0;
    const CachePtr cache = open_in(scratch.path());
    const auto work = [&](int worker) {
      std::mt19937 random(static_cast<unsigned>(worker));
      for (int i = 0; i < files; ++i) {
        runtime::blocking(runtime::Blocking::kBrief, [&] {
          keep_file(*cache, i * kWorkers + worker);
          if (random() % 64 == 0) cache->flush();
          const int other = static_cast<int>(random() % static_cast<unsigned>(files * kWorkers));
          const auto found = find_one(*cache, path_of_file(other), stamp_of_file(other));
          if (found && *found != digest_of_file(other)) ++wrong;
        });
      }
    };
    run_to_end(rt, [&] {
      runtime::WaitGroup group;
      for (int worker = 0; worker < kWorkers; ++worker) group.go([&, worker] { work(worker); });
      group.wait();
    });
    cache->flush();
    const DigestTally tally = find_files(*cache, files * kWorkers);
    CHECK(tally.right == files * kWorkers);
    CHECK(tally.wrong == 0);
    CHECK(wrong == 0);
    CHECK(cache->take_warnings().empty());
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::digest_cache_test