// tests/jobs/hash/hash_census_test.cc - what is counted ahead is what a run then hashes.

#include "jobs/hash/hash_census.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "jobs/hash/hash_meter.h"
#include "jobs/hash/hash_run.h"
#include "jobs/hash/path_source.h"
#include "tests/support/each_procs.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::hash_census_test {

using namespace gorun::jobs;
using gorun::runtime::Runtime;
using gorun::test::run_to_end;
using gorun::test::ScratchDir;

namespace {

class CountSink final : public HashSink {
 public:
  bool take(HashTask&& task) override {
    for (const auto& result : task.results) {
      if (result) ++files;
      if (result && result->ok()) bytes += (*result)->size;
    }
    return true;
  }
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

// Some small files in several directories, one large enough to be hashed by itself, and a link,
// which is no file.
void grow_tree(const ScratchDir& scratch) {
  for (int i = 0; i < 300; ++i) {
    const std::string number = std::to_string(i);
    scratch.write("tree/" + std::to_string(i % 7) + "/" + number,
                  std::string(static_cast<std::size_t>(i) * 3, 'x'));
  }
  scratch.write("tree/large", std::string(std::size_t{5} << 20U, 'y'));
  REQUIRE(::symlink("large", (scratch / "tree/link").c_str()) == 0);
}

}  // namespace

TEST_SUITE_BEGIN("jobs/hash_census");

TEST_CASE("the census, the meter and the results agree, at any number of Ps") {
  const ScratchDir scratch;
  grow_tree(scratch);
  const std::atomic<bool> stop{false};
  const HashTotals total = count_below({scratch / "tree"}, stop);
  CHECK(total.files == 301);
  for (const Algorithm algorithm : {Algorithm::kSha256, Algorithm::kBlake3, Algorithm::kMd5}) {
    for (const int procs : {1, 2, 8}) {
      CAPTURE(procs);
      HashMeter meter(procs);
      CountSink sink;
      Runtime rt({.procs = procs});
      run_to_end(rt, [&] {
        PathSource source({scratch / "tree"}, {algorithm}, WalkOrder::kSorted);
        run_hash(source, sink, {.meter = &meter});
      });
      const HashMeter::Figures done = meter.figures();
      CHECK(sink.files == total.files);
      CHECK(sink.bytes == total.bytes);
      CHECK(done.files == total.files);
      CHECK(done.bytes == total.bytes);
      CHECK_FALSE(done.slowest);
    }
  }
}

TEST_CASE("a path that is missing counts for nothing, one given twice counts twice") {
  const ScratchDir scratch;
  scratch.write("a", "12345");
  const std::atomic<bool> stop{false};
  const HashTotals total = count_below({scratch / "a", scratch / "none", scratch / "a"}, stop);
  CHECK(total.files == 2);
  CHECK(total.bytes == 10);
}

TEST_CASE("a census that is stopped enters no directory") {
  const ScratchDir scratch;
  grow_tree(scratch);
  const std::atomic<bool> stop{true};
  CHECK(count_below({scratch / "tree"}, stop).files == 0);
}

TEST_CASE("the slowest file is the one with the most left to read") {
  HashMeter meter(3);
  CHECK_FALSE(meter.figures().slowest);
  meter.at_hand(0, "almost done", 1000, 990);
  meter.at_hand(2, "just begun", 500, 20);
  REQUIRE(meter.figures().slowest);
  CHECK(meter.figures().slowest->name == "just begun");
  CHECK(meter.figures().slowest->left() == 480);
  meter.at_hand(2, {}, 0, 0);
  CHECK(meter.figures().slowest->name == "almost done");
}

TEST_SUITE_END();

}  // namespace gorun::test::hash_census_test
