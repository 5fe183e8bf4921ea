// tests/jobs/hash/hash_run_test.cc - names in, digests out in the order of the names, whoever
// hashes them and in whichever order they are read.

#include "jobs/hash/hash_run.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "jobs/hash/file_reading.h"
#include "jobs/hash/hash_worker.h"
#include "jobs/hash/path_source.h"
#include "tests/support/each_procs.h"
#include "tests/support/fake_disks.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::hash_run_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::runtime::Runtime;
using gorun::test::FakeDisks;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/hash/hash_run");

namespace {

constexpr std::size_t kFiles = 700;

// Files in some directories, most of them small; which holds what is in its name.
std::map<std::string, std::string> grow_tree(const ScratchDir& scratch) {
  std::map<std::string, std::string> contents;
  // Not in the order of their names: else inodes would come in that order.
  for (std::size_t i = 0; i < kFiles; ++i) {
    const std::size_t shuffled = i * 379 % kFiles;
    const std::size_t size = shuffled % 100 == 0 ? 2'000'000 : shuffled;
    const std::string name =
        "tree/" + std::to_string(shuffled % 5) + "/" + std::to_string(shuffled);
    const std::string bytes(size, static_cast<char>('a' + shuffled % 26));
    contents[scratch.write(name, bytes)] = bytes;
  }
  return contents;
}

struct Delivered {
  std::string name;
  std::string hex;
};

class ListSink final : public HashSink {
 public:
  bool take(HashTask&& task) override {
    for (std::size_t i = 0; i < task.names.size(); ++i) {
      const auto& result = task.results[i];
      const bool is_good = result && result->ok();
      delivered.push_back({task.names[i], is_good ? (*result)->digests.front().hex() : "none"});
    }
    return delivered.size() < enough;
  }
  std::size_t enough = SIZE_MAX;
  std::vector<Delivered> delivered;
};

std::uint64_t inode_of(const std::string& path) {
  struct stat seen = {};
  REQUIRE(::stat(path.c_str(), &seen) == 0);
  return seen.st_ino;
}

}  // namespace

TEST_CASE("digests come in the order of the names, also from a disk that turns") {
  const ScratchDir scratch;
  const std::map<std::string, std::string> contents = grow_tree(scratch);
  FakeDisks fake;
  if (!fake.add_turning_disk_of(scratch.path())) {
    MESSAGE("skipped: the scratch directory has no device, and the machine no block device");
    return;
  }
  for (const Algorithm algorithm : {Algorithm::kSha256, Algorithm::kBlake3}) {
    std::vector<Delivered> expected;
    for (const auto& [name, bytes] : contents) {
      expected.push_back({name, digest_of(algorithm, bytes).hex()});
    }
    struct stat seen = {};
    REQUIRE(::stat(scratch.path().c_str(), &seen) == 0);
    TurningDisks turning(std::nullopt, fake.sources());
    for (TurningDisks* disks : {static_cast<TurningDisks*>(nullptr), &turning}) {
      CAPTURE(disks);
      at_each_procs([&](Runtime& rt) {
        ListSink sink;
        std::int64_t free = 0;
        run_to_end(rt, [&] {
          PathSource source({scratch / "tree"}, {algorithm}, WalkOrder::kSorted, disks);
          run_hash(source, sink, {.disks = disks});
          free = turning.queue_of(seen.st_dev)->available();
        });
        const bool is_same = std::ranges::equal(sink.delivered, expected,
                                                [](const Delivered& a, const Delivered& b) {
                                                  return a.name == b.name && a.hex == b.hex;
                                                });
        CHECK(is_same);
        CHECK(free == 1);
      });
    }
  }
}

TEST_CASE("a run that has enough ends, also in the middle of a large task") {
  const ScratchDir scratch;
  grow_tree(scratch);
  FakeDisks fake;
  if (!fake.add_turning_disk_of(scratch.path())) {
    MESSAGE("skipped: the scratch directory has no device, and the machine no block device");
    return;
  }
  at_each_procs([&](Runtime& rt) {
    TurningDisks disks(2, fake.sources());
    ListSink sink;
    sink.enough = 1;
    run_to_end(rt, [&] {
      PathSource source({scratch / "tree"}, {Algorithm::kMd5}, WalkOrder::kSorted, &disks);
      run_hash(source, sink, {.disks = &disks});
    });
    CHECK(sink.delivered.size() >= 1);
    CHECK(sink.delivered.size() <= kFiles);
  });
}

TEST_CASE("on a disk that turns tasks are large, and read in the order of inodes") {
  const ScratchDir scratch;
  grow_tree(scratch);
  FakeDisks fake;
  if (!fake.add_turning_disk_of(scratch.path())) {
    MESSAGE("skipped: the scratch directory has no device, and the machine no block device");
    return;
  }
  TurningDisks disks(std::nullopt, fake.sources());
  std::vector<HashTask> tasks;
  Runtime rt({.procs = 1});
  run_to_end(rt, [&] {
    PathSource source({scratch / "tree"}, {Algorithm::kMd5}, WalkOrder::kSorted, &disks);
    for (HashTask task; source.next(&task); task = {}) tasks.push_back(std::move(task));
  });
  // The first one tells what the disk is.
  REQUIRE(tasks.size() == 2);
  CHECK(tasks[0].names.size() <= kHashNamesAtOnce);
  CHECK(tasks[0].names.size() + tasks[1].names.size() == kFiles);
  for (const HashTask& task : tasks) {
    CHECK(std::ranges::is_sorted(task.names));
    REQUIRE(task.reading_order.size() == task.names.size());
    std::vector<std::uint64_t> inodes;
    for (std::size_t i = 0; i < task.names.size(); ++i) {
      inodes.push_back(inode_of(task.names[task.name_to_read(i)]));
    }
    CHECK(std::ranges::is_sorted(inodes));
  }
}

TEST_CASE(
    "what would wait for a disk that turns takes a place first, and what is cached takes none") {
  FakeDisks fake;
  // No file of /proc says that it is cached.
  if (!fake.add_turning_disk_of("/proc/self")) {
    MESSAGE("skipped: this machine has no block device");
    return;
  }
  const ScratchDir scratch;
  const std::string cached = scratch.write("cached", "bytes");
  TurningDisks disks(std::nullopt, fake.sources());
  struct stat seen = {};
  REQUIRE(::stat("/proc/self", &seen) == 0);
  std::string free;  // places after each step
  bool is_read = true;
  Runtime rt({.procs = 1});
  run_to_end(rt, [&] {
    DiskPlace place(&disks);
    const auto read = [&](const std::string& name) {
      auto file = FileReading::open(AT_FDCWD, name, 0, &place);
      std::vector<char> buffer(100);
      is_read = is_read && file.ok() && file->read(buffer).ok();
      free += std::to_string(disks.queue_of(seen.st_dev)->available());
    };
    read(cached);
    read("/proc/self/cmdline");
    place.give_back();
    free += std::to_string(disks.queue_of(seen.st_dev)->available());
  });
  CHECK(is_read);
  CHECK(free == "101");
}

TEST_SUITE_END();

}  // namespace gorun::test::hash_run_test
