// tests/jobs/walk/ordered_walk_test.cc - one sequence, whoever asks for its pieces.

#include "jobs/walk/ordered_walk.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/support/each_procs.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::ordered_walk_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::run_shell;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/walk/ordered_walk");

namespace {

// What `askers` goroutines get together, in the order of the pieces; a NUL behind each path.
struct Walked {
  std::string paths;
  std::vector<std::string> errors;
  bool pieces_are_full = true;  // but for the last one
};

Walked walk(int procs, const std::vector<std::string>& roots, WalkOrder order, int askers,
            std::size_t limit) {
  gorun::runtime::Runtime rt({.procs = procs});
  const Walker walker{WalkOptions{}};
  std::map<std::uint64_t, WalkPiece> pieces;
  gorun::test::run_to_end(rt, [&] {
    OrderedWalk ordered(walker, roots, order);
    gorun::runtime::Mutex mutex;
    gorun::runtime::WaitGroup group;
    for (int i = 0; i < askers; ++i) {
      group.go([&] {
        WalkPiece piece;
        while (ordered.next(limit, &piece)) {
          const std::lock_guard lock(mutex);
          const std::uint64_t number = piece.number;
          pieces.emplace(number, std::move(piece));
        }
      });
    }
    group.wait();
  });
  Walked walked;
  std::uint64_t expected = 0;
  for (const auto& [number, piece] : pieces) {
    CHECK(number == expected++);
    if (piece.found.size() != limit && expected != pieces.size()) walked.pieces_are_full = false;
    for (const Found& found : piece.found) walked.paths += found.path + '\0';
    for (const SystemError& error : piece.errors) walked.errors.push_back(error.message());
  }
  return walked;
}

// Directories wide and deep, empty ones, names around the slash in the order of bytes.
void make_tree(const ScratchDir& scratch) {
  for (int i = 0; i < 60; ++i) {
    for (int j = 0; j < i % 7; ++j) {
      scratch.write("t/w" + std::to_string(i) + "/s" + std::to_string(j) + "/f", "");
      scratch.write("t/w" + std::to_string(i) + "/g" + std::to_string(j), "");
    }
    scratch.make_dir("t/e" + std::to_string(i));
  }
  std::string deep = "t/deep";
  for (int i = 0; i < 100; ++i) scratch.write((deep += "/d") + "/file", "");
  for (const char* name : {"a/x", "a-b", "a.c", "a0", "A", "\xff", "\x01", "a b/y", "a/x-y"}) {
    scratch.write(std::string("t/") + name, "");
  }
}

}  // namespace

TEST_CASE("sorted by whole paths, for any number of askers") {
  const ScratchDir scratch;
  make_tree(scratch);
  const std::string expected =
      run_shell("find " + (scratch / "t") + " -type f -print0 | LC_ALL=C sort -z").out;
  REQUIRE(!expected.empty());
  for (const int procs : gorun::test::kProcsUnderTest) {
    CAPTURE(procs);
    for (const int askers : {1, 2, 8}) {
      CAPTURE(askers);
      const Walked walked = walk(procs, {scratch / "t"}, WalkOrder::kSorted, askers, 7);
      CHECK(walked.paths == expected);
      CHECK(walked.errors.empty());
      CHECK(walked.pieces_are_full);
    }
  }
}

TEST_CASE("as listed, the order is the same at every time and for everybody") {
  const ScratchDir scratch;
  make_tree(scratch);
  std::string expected;
  for (const int procs : gorun::test::kProcsUnderTest) {
    CAPTURE(procs);
    for (const int askers : {1, 8}) {
      const Walked walked = walk(procs, {scratch / "t"}, WalkOrder::kAsListed, askers, 16);
      if (expected.empty()) expected = walked.paths;
      CHECK(walked.paths == expected);
    }
  }
}

TEST_CASE("roots in the order given, files and directories; what is missing is told") {
  const ScratchDir scratch;
  scratch.write("b/x", "");
  scratch.write("c", "");
  scratch.write("a/y", "");
  for (const int procs : gorun::test::kProcsUnderTest) {
    CAPTURE(procs);
    const Walked walked =
        walk(procs, {scratch / "c", scratch / "b/", scratch / "none", scratch / "a", scratch / "c"},
             WalkOrder::kSorted, 4, 2);
    const std::string expected = (scratch / "c") + '\0' + (scratch / "b/x") + '\0' +
                                 (scratch / "a/y") + '\0' + (scratch / "c") + '\0';
    CHECK(walked.paths == expected);
    REQUIRE(walked.errors.size() == 1);
    CHECK(walked.errors[0] ==
          "cannot stat \"" + (scratch / "none") + "\": No such file or directory");
  }
}

TEST_CASE("a walk that is left in the middle of a deep tree ends") {
  const ScratchDir scratch;
  make_tree(scratch);
  const Walker walker{WalkOptions{}};
  gorun::runtime::Runtime rt({.procs = 2});
  bool has_piece = false;
  gorun::test::run_to_end(rt, [&] {
    OrderedWalk ordered(walker, {scratch / "t/deep"}, WalkOrder::kSorted);
    WalkPiece piece;
    has_piece = ordered.next(90, &piece);
  });
  CHECK(has_piece);
}

TEST_SUITE_END();

}  // namespace gorun::test::ordered_walk_test
