// tests/jobs/hash/digest_cache_file_test.cc - whose file the table is: what else may lie in its
// place, who else has it, and what a disk refuses.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "jobs/hash/digest_cache.h"
#include "tests/jobs/hash/numbered_digests.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/small_disk.h"

namespace gorun::test::digest_cache_file_test {

using namespace gorun::jobs;       // NOLINT(google-build-using-namespace): the room under test
using namespace numbered_digests;  // NOLINT(google-build-using-namespace): what it is tested with

TEST_SUITE_BEGIN("jobs/hash/digest_cache_file");

namespace {

namespace fs = std::filesystem;
using Trust = DigestCache::Trust;
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("somebody else's file is refused, and left as it is") {
  std::string image(std::size_t{64} << 10, '\0');  // as that of a disk may begin
  image.replace(32'769, 5, "CD001");
  std::string sectors(std::size_t{64} << 10, '\0');
  sectors[1080] = 'S';
  for (const std::string& foreign : {std::string("sha256 of things\n"), std::string("x"), image,
                                     sectors, std::string("gorun digests 2")}) {
    const ScratchDir scratch;
    scratch.write("digests", foreign);
    CHECK(error_of(scratch.path()) ==
          "\"" + fs::canonical(scratch.path()).string() +
              "/digests\" is not what gorun keeps digests in: remove it, or name another place");
    CHECK(read_whole_file(table_in(scratch.path())) == foreign);
  }
  const ScratchDir scratch;
  REQUIRE(::mkfifo(table_in(scratch.path()).c_str(), 0600) == 0);
  CHECK(mentions(error_of(scratch.path()), "is not what gorun keeps digests in"));
  REQUIRE(fs::remove(table_in(scratch.path())));
  fs::create_directory(table_in(scratch.path()));
  CHECK(mentions(error_of(scratch.path()), "Is a directory"));
  REQUIRE(fs::remove(table_in(scratch.path())));
  REQUIRE(::symlink("/dev/full", table_in(scratch.path()).c_str()) == 0);
  CHECK(mentions(error_of(scratch.path()), "is not what gorun keeps digests in"));
  CHECK(mentions(error_of(scratch.write("file", "")), "cannot make directory"));
}

TEST_CASE("the next table takes no other file's place") {
  const int files = 2000;
  const std::string left = table_of(5);
  for (const std::string& there : {std::string(), left, left.substr(0, 16)}) {  // of a killed run
    const ScratchDir scratch;
    scratch.write("digests.next", there);
    keep_files(*open_in(scratch.path()), files);
    CHECK_FALSE(fs::exists(scratch / "digests.next"));
    CHECK(find_files(*open_in(scratch.path()), files).right == files);
  }
  const ScratchDir scratch;
  const std::string target = scratch.write("target", "precious");
  const auto check_refused = [&] {
    {
      const CachePtr cache = open_in(scratch.path());
      keep_file(*cache, 0);
      cache->flush();
      keep_files(*cache, files);
      cache->flush();
      const Lines warnings = cache->take_warnings();
      REQUIRE(warnings.size() == 1);
      CHECK(mentions(warnings[0], "/digests.next\": File exists: digests are not remembered"));
    }
    const CachePtr cache = open_in(scratch.path());
    CHECK(find_one(*cache, path_of_file(0), stamp_of_file(0)) == digest_of_file(0));
  };
  REQUIRE(::symlink("target", (scratch / "digests.next").c_str()) == 0);
  check_refused();
  CHECK(read_whole_file(target) == "precious");
  REQUIRE(fs::remove(scratch / "digests.next"));
  scratch.write("digests.next", "precious");
  check_refused();
  CHECK(read_whole_file(scratch / "digests.next") == "precious");
}

TEST_CASE("a table that somebody else has is read, and nothing is kept") {
  const ScratchDir scratch;
  keep_files(*open_in(scratch.path()), 10);
  const std::string before = read_whole_file(table_in(scratch.path()));
  const int other = ::open(table_in(scratch.path()).c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(::flock(other, LOCK_EX) == 0);
  {
    const CachePtr cache = open_in(scratch.path());
    CHECK(cache->take_warnings() ==
          Lines{"another gorun uses \"" + table_in(fs::canonical(scratch.path())) +
                "\": what this one reads is not remembered"});
    CHECK(find_files(*cache, 20).right == 10);
    keep_files(*cache, 20);
    cache->flush();
    CHECK(cache->take_warnings().empty());
  }
  CHECK(read_whole_file(table_in(scratch.path())) == before);
  ::close(other);
  keep_files(*open_in(scratch.path()), 20);
  CHECK(find_files(*open_in(scratch.path()), 20).right == 20);
}

TEST_CASE("within a process it is one, also while another lets go of it") {
  const ScratchDir scratch;
  REQUIRE(::symlink(".", (scratch / "link").c_str()) == 0);
  {
    const CachePtr cache = open_in(scratch.path());
    CHECK(open_in(scratch.path() + "/.") == cache);
    CHECK(open_in(scratch / "link") == cache);
    CHECK(open_in(scratch / "other") != cache);
  }
  std::atomic<int> warnings = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < scaled(200, 40); ++i) {
        auto cache = DigestCache::open({scratch.path()}, Trust::kStamps);
        if (!cache) {
          ++warnings;
          continue;
        }
        keep_file(**cache, t * 1000 + i);
        warnings += static_cast<int>((*cache)->take_warnings().size());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(warnings == 0);
  const CachePtr cache = open_in(scratch.path());
  int known = 0;
  for (int t = 0; t < 4; ++t) {
    for (int i = 0; i < scaled(200, 40); ++i) {
      const int file = t * 1000 + i;
      if (find_one(*cache, path_of_file(file), stamp_of_file(file)) == digest_of_file(file)) {
        ++known;
      }
    }
  }
  CHECK(known == 4 * scaled(200, 40));
}

TEST_CASE("a table that is removed or replaced meanwhile is nobody's") {
  const ScratchDir scratch;
  const std::string table = table_in(scratch.path());
  for (const bool is_replaced : {false, true}) {
    CAPTURE(is_replaced);
    const CachePtr cache = open_in(scratch.path());
    keep_files(*cache, 10);
    cache->flush();
    CHECK(cache->take_warnings().empty());
    REQUIRE(fs::remove(table));
    const std::string other = table_of(20);
    if (is_replaced) scratch.write("digests", other);
    keep_files(*cache, 2000);  // it would have to grow
    cache->flush();
    keep_files(*cache, 2000);
    cache->flush();
    CHECK(cache->take_warnings() ==
          Lines{"\"" + table_in(fs::canonical(scratch.path())) +
                "\" was removed or replaced: digests are not remembered"});
    CHECK(fs::exists(table) == is_replaced);
    CHECK_FALSE(fs::exists(scratch / "digests.next"));
    if (is_replaced) CHECK(read_whole_file(table) == other);
  }
}

TEST_CASE("only the owner reads it, unless he says otherwise") {
  const ScratchDir scratch;
  const auto mode = [&] {
    struct stat seen = {};
    REQUIRE(::stat(table_in(scratch.path()).c_str(), &seen) == 0);
    return seen.st_mode & 0777;
  };
  keep_files(*open_in(scratch.path()), 2000);
  CHECK(mode() == 0600);
  REQUIRE(::chmod(table_in(scratch.path()).c_str(), 0640) == 0);
  keep_files(*open_in(scratch.path()), 8000);
  CHECK(mode() == 0640);
}

TEST_CASE("a disk that is full, or may not be written to") {
  const ScratchDir scratch;
  const SmallDisk disk(scratch);
  if (!disk.is_mounted()) {
    MESSAGE("skipped: this process may not mount a file system");
    return;
  }
  const int files = 3000;
  int known = 0;
  {
    const CachePtr cache = open_in(disk.path());
    for (int i = 0; i < files; ++i) {
      keep_file(*cache, i);
      if (i % 10 == 0) cache->flush();
    }
    cache->flush();
    const Lines warnings = cache->take_warnings();
    REQUIRE(warnings.size() == 1);
    CHECK(mentions(warnings[0], "No space left on device: digests are not remembered"));
    CHECK(cache->take_warnings().empty());
  }
  CHECK_FALSE(fs::exists(disk.path() + "/digests.next"));
  {
    const CachePtr cache = open_in(disk.path());
    const DigestTally tally = find_files(*cache, files);
    CHECK(tally.wrong == 0);
    CHECK(tally.right > 0);
    known = tally.right;
  }
  if (!disk.make_read_only()) {
    MESSAGE("skipped: it cannot be made read-only");
    return;
  }
  const CachePtr cache = open_in(disk.path());
  const Lines warnings = cache->take_warnings();
  REQUIRE(warnings.size() == 1);
  CHECK(mentions(warnings[0], "Read-only file system: digests are not remembered"));
  CHECK(find_files(*cache, files).right == known);
  keep_file(*cache, files);
  cache->flush();
  CHECK(cache->take_warnings().empty());
  CHECK(mentions(error_of(disk.path() + "/new"), "Read-only file system"));
}

TEST_CASE("a directory that holds no table and takes none says so") {
  const ScratchDir scratch;
  const SmallDisk disk(scratch);
  if (!disk.is_mounted() || !disk.make_read_only()) {
    MESSAGE("skipped: this process may not mount a file system");
    return;
  }
  CHECK(error_of(disk.path()) ==
        "cannot open \"" + table_in(disk.path()) + "\": Read-only file system");
}

TEST_SUITE_END();

}  // namespace gorun::test::digest_cache_file_test
