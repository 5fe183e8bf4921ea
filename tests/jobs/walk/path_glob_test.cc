// tests/jobs/walk/path_glob_test.cc - gitignore patterns, one by one and in lists.

#include "jobs/walk/path_glob.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "jobs/walk/path_filter.h"

namespace gorun::test::path_glob_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/walk/path_glob");

namespace {

struct NameRow {
  const char* pattern;
  std::string name;
  bool matches;
};

struct PathRow {
  const char* pattern;
  const char* path;  // a slash at the end: a directory
  bool matches;
};

bool matches(const char* pattern, std::string_view path) {
  const auto glob = PathGlob::compile(pattern);
  REQUIRE_MESSAGE(glob.ok(), pattern);
  const bool is_directory = path.ends_with('/');
  return glob->matches(path.substr(0, path.size() - (is_directory ? 1 : 0)), is_directory);
}

}  // namespace

TEST_CASE("one component") {
  const std::vector<NameRow> rows = {
      {"abc", "abc", true},
      {"abc", "abcd", false},
      {"*", "", true},
      {"*", "anything", true},
      {"*.c", "x.c", true},
      {"*.c", ".c", true},
      {"*.c", "x.cc", false},
      {"a*", "a", true},
      {"a*b*c", "aXbYbZc", true},
      {"a*b*c", "aXcYb", false},
      {"*a*a*a*a*b", std::string(100, 'a'), false},
      {"a**b", "axxb", true},
      {"?", "x", true},
      {"?", "", false},
      {"??", "\xc3\xa9", true},  // one letter in UTF-8, two bytes
      {"[abc]x", "bx", true},
      {"[abc]x", "dx", false},
      {"[a-c0-2]", "1", true},
      {"[!a-c]", "b", false},
      {"[^a-c]", "z", true},
      {"[]]", "]", true},
      {"[!]]", "]", false},
      {"[a-]", "-", true},
      {"[\\]a]", "]", true},
      {"[[:digit:][:upper:]]", "Q", true},
      {"[[:digit:]]", "q", false},
      {"[\xf0-\xff]", "\xfe", true},
      {"\\*", "*", true},
      {"\\*", "x", false},
      {"a\\[b", "a[b", true},
      {"\xff*", "\xff\xfe\n", true},
      {"*\n", "a\n", true},
  };
  for (const NameRow& row : rows) {
    CAPTURE(row.pattern);
    CAPTURE(row.name);
    const auto glob = NameGlob::compile(row.pattern);
    REQUIRE(glob.ok());
    CHECK(glob->matches(row.name) == row.matches);
  }
}

TEST_CASE("what is no pattern says why") {
  const std::vector<std::pair<const char*, const char*>> rows = {
      {"[abc", "\"[\" without \"]\""},  {"a/[", "\"[\" without \"]\""},
      {"[]", "\"[\" without \"]\""},    {"[z-a]", "a range that runs backwards"},
      {"x\\", "\"\\\" at the end"},     {"[[:nope:]]", "unknown class \"[:nope:]\""},
      {"", "an empty pattern"},         {"/", "an empty pattern"},
      {"a//b", "two slashes in a row"},
  };
  for (const auto& [pattern, what] : rows) {
    CAPTURE(pattern);
    const auto glob = PathGlob::compile(pattern);
    REQUIRE(!glob.ok());
    CHECK(glob.error().pattern == pattern);
    CHECK(glob.error().what == what);
  }
}

// Compared with `git check-ignore` 2.39, which answers for the directories above a path as well
// and so says yes to a/b/c below, too; and it counts x/ as being inside x.
TEST_CASE("paths as git matches them") {
  const std::vector<PathRow> rows = {
      {"*.o", "a.o", true},
      {"*.o", "x/y/a.o", true},
      {"*.o", "a.o/", true},
      {"/*.o", "a.o", true},
      {"/*.o", "x/a.o", false},
      {"src/*.o", "src/a.o", true},
      {"src/*.o", "src/x/a.o", false},
      {"src/*.o", "y/src/a.o", false},
      {"tmp/", "tmp/", true},
      {"tmp/", "tmp", false},
      {"tmp/", "a/tmp/", true},
      {"a/tmp/", "a/tmp/", true},
      {"a/tmp/", "b/a/tmp/", false},
      {"**/x", "x", true},
      {"**/x", "a/b/x", true},
      {"**/x", "a/bx", false},
      {"x/**", "x/a", true},
      {"x/**", "x/a/b", true},
      {"x/**", "x/", false},
      {"x/**", "y/x/a", false},
      {"a/**/b", "a/b", true},
      {"a/**/b", "a/x/b", true},
      {"a/**/b", "a/x/y/b", true},
      {"a/**/b", "a/b/c", false},
      {"a/**/b/**/c", "a/b/x/b/c", true},
      {"**/a/**", "z/a/q", true},
      {"**", "a/b", true},
      {"a/*/b", "a/x/b", true},
      {"a/*/b", "a/b", false},
      {"a/*/b", "a/x/y/b", false},
      {".*", ".hidden", true},
      {"*", ".hidden", true},
      {"\\!x", "!x", true},
      {"#x", "#x", true},
  };
  for (const PathRow& row : rows) {
    CAPTURE(row.pattern);
    CAPTURE(row.path);
    CHECK(matches(row.pattern, row.path) == row.matches);
  }
}

TEST_CASE("a long pattern against a long path takes no time") {
  std::string path = "a";
  std::string pattern = "**/a";
  for (int i = 0; i < 200; ++i) path += "/a";
  for (int i = 0; i < 50; ++i) pattern += "/**/a";
  CHECK(!matches((pattern + "/b").c_str(), path));
  CHECK(matches(pattern.c_str(), path));
}

TEST_CASE("in a list the last match decides and ! takes back") {
  const std::vector<std::string> patterns = {"*.log", "!keep.log", "keep.log/"};
  const auto list = PathGlobList::compile(patterns);
  REQUIRE(list.ok());
  CHECK(list->selects("a/x.log", false));
  CHECK(!list->selects("a/keep.log", false));
  CHECK(list->selects("a/keep.log", true));
  CHECK(!list->selects("a/other", false));
}

TEST_CASE("include keeps what lies below a directory that matches") {
  const std::vector<std::string> include = {"src/", "*.md", "!src/gen/"};
  const std::vector<std::string> exclude = {"/build/"};
  const auto filter = PathFilter::compile(include, exclude);
  REQUIRE(filter.ok());
  CHECK(filter->includes("src/a/b.c", false));
  CHECK(filter->includes("lib/src/b.c", false));
  CHECK(filter->includes("README.md", false));
  CHECK(!filter->includes("src", false));
  CHECK(!filter->includes("lib/b.c", false));
  CHECK(!filter->includes("src/gen/b.c", false));
  CHECK(filter->excludes("build", true));
  CHECK(!filter->excludes("src/build", true));
  CHECK(!filter->excludes("build", false));
}

TEST_CASE("without lists everything is wanted; a wrong pattern is named as it was given") {
  const PathFilter everything;
  CHECK(everything.includes("a", false));
  CHECK(!everything.excludes("a", false));
  const std::vector<std::string> wrong = {"ok", "![x"};
  const auto filter = PathFilter::compile({}, wrong);
  REQUIRE(!filter.ok());
  CHECK(filter.error().pattern == "![x");
}

TEST_SUITE_END();

}  // namespace gorun::test::path_glob_test
