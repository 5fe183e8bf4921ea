// tests/jobs/exec/path_set_test.cc - paths, patterns and directories become files.

#include "jobs/exec/path_set.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/support/scratch_dir.h"

namespace gorun::test::path_set_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::ScratchDir;
using Paths = std::vector<std::string>;

namespace {

PathSet find(const ScratchDir& dir, const Paths& patterns) {
  auto set = find_paths(patterns, dir.path());
  REQUIRE_MESSAGE(set.ok(), set.error());
  return *std::move(set);
}

Paths patterns(const std::string& path, std::vector<std::string> texts) {
  std::vector<Item> items;
  for (const std::string& text : texts) items.push_back({.text = text});
  const ParsedTemplate parsed = parse_template(path, TemplateSyntax::kPlaceholders);
  std::vector<TemplatePart> parts;
  for (const RawTemplatePart& part : parsed.parts) parts.push_back(part.part);
  const std::vector<Template> paths = {Template(std::move(parts))};
  auto made = patterns_for(paths, items, "success");
  REQUIRE_MESSAGE(made.ok(), made.error());
  return *std::move(made);
}

}  // namespace

TEST_SUITE_BEGIN("jobs/exec/path_set");

TEST_CASE("a path is itself, a pattern what matches, a directory all files below it") {
  const ScratchDir dir;
  for (const char* name : {"a.c", "b.c", "b.h", "site/index", "site/.hidden", "site/deep/x"}) {
    dir.write(name, "");
  }
  dir.make_dir("site/empty");
  CHECK(find(dir, {"b.h", "*.c", "a.c"}).files == Paths{"a.c", "b.c", "b.h"});
  CHECK(find(dir, {"site"}).files == Paths{"site/.hidden", "site/deep/x", "site/index"});
  CHECK(find(dir, {"site/"}).files == find(dir, {"s*"}).files);
  CHECK(find(dir, {"**/x"}).files == Paths{"site/deep/x"});
}

TEST_CASE("a path that is no pattern has to be there; a pattern may match nothing") {
  const ScratchDir dir;
  CHECK(find(dir, {"b", "a", "*.c", "[x]", "a"}).missing == Paths{"a", "b"});
  CHECK(find(dir, {"a\\*"}).missing == Paths{"a*"});
  dir.write("a*", "");
  CHECK(find(dir, {"a\\*"}).files == Paths{"a*"});
  REQUIRE(::symlink("nowhere", (dir / "link").c_str()) == 0);
  CHECK(find(dir, {"link"}).missing == Paths{"link"});
}

TEST_CASE("however the directory is written, names are those below it") {
  const ScratchDir dir;
  dir.write("d/a*/x", "");
  dir.write("d/ab/y", "");
  for (const char* below : {"/d/a*", "//d///a*//", "/./d/../d/a*"}) {
    CAPTURE(below);
    const auto set = find_paths(Paths{"*", "x"}, dir.path() + below);
    REQUIRE(set.ok());
    CHECK(set->files == Paths{"x"});
    CHECK(set->missing.empty());
  }
}

TEST_CASE("below a directory links to files are files, and nothing is entered by a link") {
  const ScratchDir dir;
  dir.write("real/file", "");
  dir.write("tree/.gorun/cache/x", "");
  REQUIRE(::symlink("../real/file", (dir / "tree/file").c_str()) == 0);
  REQUIRE(::symlink("../real", (dir / "tree/real").c_str()) == 0);
  REQUIRE(::symlink("..", (dir / "tree/loop").c_str()) == 0);
  REQUIRE(::symlink("nowhere", (dir / "tree/dangling").c_str()) == 0);
  REQUIRE(::mkfifo((dir / "tree/fifo").c_str(), 0600) == 0);
  CHECK(find(dir, {"tree"}).files == Paths{"tree/file"});
  CHECK(find(dir, {"tree/real"}).files == Paths{"tree/real/file"});  // it was asked for
}

TEST_CASE("a deep tree is found whole") {
  const ScratchDir dir;
  std::string path = "d";
  for (int i = 0; i < 900; ++i) path += "/d";
  dir.write(path + "/x", "");
  CHECK(find(dir, {"d"}).files == Paths{path + "/x"});
}

TEST_CASE("an item is never a pattern, and repeats what refers to it") {
  CHECK(patterns("o/{/.}.o", {"src/a.c", "src/b*.c"}) == Paths{"o/a.o", "o/b\\*.o"});
  CHECK(patterns("{//}/[x]*", {"s[1]/a"}) == Paths{"s\\[1]/[x]*"});
  CHECK(patterns("common.h", {"a", "b"}) == Paths{"common.h"});
  CHECK(quote_for_glob("a*?[\\") == "a\\*\\?\\[\\\\");
}

TEST_CASE("what is no pattern, or leads out") {
  using enum PathBounds;
  CHECK(what_is_wrong_with("a/[b", kAnywhere) == "\"a/[b\" is no pattern: \"[\" without \"]\"");
  CHECK(what_is_wrong_with("", kInside) == "a path is empty");
  CHECK(what_is_wrong_with("//", kAnywhere) == "\"//\" is the root of the file system");
  for (const char* path : {"/a", "/.", "..", "../a", "a/../../b", "a/.\\./../b"}) {
    CAPTURE(path);
    CHECK_FALSE(what_is_wrong_with(path, kAnywhere));
    CHECK(what_is_wrong_with(path, kInside)
              .value_or("")
              .ends_with(" leads out of the directory that the command runs in"));
  }
  for (const char* path : {"a/..", "a/../b", "./a", "..a", "a//b/.."}) {
    CAPTURE(path);
    CHECK_FALSE(what_is_wrong_with(path, kInside));
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::path_set_test
