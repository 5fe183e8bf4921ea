// tests/jobs/walk/expand_glob_test.cc - patterns expanded as bash does with globstar.

#include "jobs/walk/expand_glob.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "tests/support/scratch_dir.h"

namespace gorun::test::expand_glob_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/walk/expand_glob");

namespace {

// Paths below the scratch directory, without its name, each with a "|" behind it.
std::string expand(const ScratchDir& scratch, const std::string& pattern,
                   GlobTargets targets = GlobTargets::kAll) {
  const auto result = expand_glob(scratch / pattern, targets);
  REQUIRE(result.ok());
  CHECK(result->errors.empty());
  std::string text;
  for (const std::string& path : result->paths) {
    text += path.substr(scratch.path().size() + 1) + "|";
  }
  return text;
}

void make_tree(const ScratchDir& scratch) {
  for (const char* name :
       {"a.c", "b.c", ".h.c", "d/e.c", "d/f/g.c", "d/.x/y.c", "z/a*b", "z/axb"}) {
    scratch.write(name, "");
  }
  REQUIRE(::symlink("d", (scratch / "link").c_str()) == 0);
  REQUIRE(::symlink("gone", (scratch / "dangling.c").c_str()) == 0);
}

}  // namespace

// What bash 5.2 prints after shopt -s globstar nullglob, in the C locale.
TEST_CASE("expands as a shell does") {
  const ScratchDir scratch;
  make_tree(scratch);
  CHECK(expand(scratch, "*.c") == "a.c|b.c|dangling.c|");
  CHECK(expand(scratch, ".*.c") == ".h.c|");
  CHECK(expand(scratch, "[ab].c") == "a.c|b.c|");
  CHECK(expand(scratch, "*/*.c") == "d/e.c|link/e.c|");
  CHECK(expand(scratch, "**/*.c") == "a.c|b.c|d/e.c|d/f/g.c|dangling.c|");
  CHECK(expand(scratch, "d/**/g.c") == "d/f/g.c|");
  CHECK(expand(scratch, "**/f/**/g.c") == "d/f/g.c|");
  CHECK(expand(scratch, "link/**/*.c") == "link/e.c|link/f/g.c|");
  CHECK(expand(scratch, "*/") == "d/|link/|z/|");
  CHECK(expand(scratch, "z/a\\*b") == "z/a*b|");
  CHECK(expand(scratch, "z/a*b") == "z/a*b|z/axb|");
  CHECK(expand(scratch, "d/e.c") == "d/e.c|");
  CHECK(expand(scratch, "d/./e.c") == "d/./e.c|");
  CHECK(expand(scratch, "dangling.c") == "dangling.c|");
  CHECK(expand(scratch, "nothing*") == "");
  CHECK(expand(scratch, "nothing/here") == "");
  CHECK(expand(scratch, "a.c/*") == "");
}

TEST_CASE("files only, through links") {
  const ScratchDir scratch;
  make_tree(scratch);
  CHECK(expand(scratch, "*", GlobTargets::kFiles) == "a.c|b.c|");
  CHECK(expand(scratch, "**", GlobTargets::kFiles) == "a.c|b.c|d/e.c|d/f/g.c|z/a*b|z/axb|");
  REQUIRE(::symlink("a.c", (scratch / "to_file").c_str()) == 0);
  CHECK(expand(scratch, "to*", GlobTargets::kFiles) == "to_file|");
}

TEST_CASE("names that are not UTF-8") {
  const ScratchDir scratch;
  scratch.write("\xff\n.c", "");
  CHECK(expand(scratch, "?\n.c") == "\xff\n.c|");
}

TEST_CASE("exclude leaves out, also below a directory") {
  const ScratchDir scratch;
  make_tree(scratch);
  const std::vector<std::string> patterns = {"b.c", "f/"};
  const auto exclude = PathGlobList::compile(patterns);
  REQUIRE(exclude.ok());
  const auto result = expand_glob(scratch / "**/*.c", GlobTargets::kFiles, *exclude);
  REQUIRE(result.ok());
  CHECK(result->paths == std::vector<std::string>{scratch / "a.c", scratch / "d/e.c"});
}

TEST_CASE("some patterns match directories only") {
  for (const char* pattern : {"d/", "/", "**/", ".", "d/..", "*/.", "\\."}) {
    CAPTURE(pattern);
    CHECK(matches_directories_only(pattern));
  }
  for (const char* pattern : {"d", "**", "d/**", "*", ".*", "..a", "./d", "[.]"}) {
    CAPTURE(pattern);
    CHECK_FALSE(matches_directories_only(pattern));
  }
}

TEST_CASE("a wrong pattern is an error") {
  CHECK(expand_glob("a/[b", GlobTargets::kAll).error().what == "\"[\" without \"]\"");
  CHECK(expand_glob("", GlobTargets::kAll).error().what == "an empty pattern");
}

TEST_SUITE_END();

}  // namespace gorun::test::expand_glob_test
