// tests/jobs/hash/audit_test.cc - a tree against what is known of it.

#include "jobs/hash/audit.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace gorun::test::audit_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/hash/audit");

namespace {

using Files = std::vector<std::pair<std::string, std::string>>;  // path, digest

// One finding a line: "verdict path", and " < path" for where it was.
std::string audit(const Files& known, const Files& there) {
  Audit audit;
  std::string text;
  const auto add = [&](const AuditFinding& finding) {
    text.append(audit_verdict_name(finding.verdict)).append(" ").append(finding.path);
    if (!finding.from.empty()) text.append(" < ").append(finding.from);
    text += '\n';
  };
  for (const auto& [path, digest] : known) CHECK(audit.expect(path, digest));
  for (const auto& [path, digest] : there) {
    if (const auto finding = audit.see(path, digest)) add(*finding);
  }
  for (const AuditFinding& finding : audit.conclude()) add(finding);
  return text;
}

}  // namespace

TEST_CASE("one thing of each file") {
  CHECK(audit({{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}},
              {{"a", "1"}, {"b", "5"}, {"e", "3"}, {"f", "6"}}) ==
        "matched a\nchanged b\nmoved e < c\nadded f\nmissing d\n");
  CHECK(audit({}, {}).empty());
}

TEST_CASE("a copy is added while the file is where it was") {
  CHECK(audit({{"a", "1"}}, {{"a", "1"}, {"b", "1"}}) == "matched a\nadded b\n");
}

TEST_CASE("a file that made room for another has moved") {
  CHECK(audit({{"log", "1"}}, {{"log", "2"}, {"log.1", "1"}}) ==
        "changed log\nmoved log.1 < log\n");
}

TEST_CASE("equal digests are paired by the order of their paths") {
  CHECK(audit({{"b", "1"}, {"a", "1"}, {"c", "1"}}, {{"z", "1"}, {"y", "1"}}) ==
        "moved y < a\nmoved z < b\nmissing c\n");
  CHECK(audit({{"a", "1"}}, {{"z", "1"}, {"y", "1"}}) == "moved y < a\nadded z\n");
}

TEST_CASE("a path is the same with and without dots and doubled slashes") {
  CHECK(audit({{"./a//b", "1"}}, {{"a/./b", "1"}}) == "matched a/./b\n");
  for (const auto& [path, expected] : Files{{"", "."},
                                            {"./", "."},
                                            {"/", "/"},
                                            {"//a/", "/a"},
                                            {".a/..b", ".a/..b"},
                                            {"../a", "../a"},
                                            {"a/.", "a"}}) {
    CHECK(comparable_path(path) == expected);
  }
}

TEST_CASE("what cannot be read is not missing; a path has one digest") {
  Audit audit;
  CHECK(audit.expect("a", "1"));
  CHECK(audit.expect("./a", "1"));
  CHECK(!audit.expect("a", "2"));
  audit.see_unreadable("a");
  audit.see_unreadable("b");
  CHECK(audit.conclude().empty());
}

TEST_CASE("what lies below a directory that is closed is neither missing nor moved") {
  Audit audit;
  for (const char* path : {"d/closed/a", "d/closed/b/c", "d/closed", "d/closed-not", "d/there"}) {
    CHECK(audit.expect(path, path));
  }
  audit.see_closed("./d//closed/");
  CHECK(!audit.see("new", "d/closed/a"));
  CHECK(!audit.see("d/moved", "d/there"));
  std::string text;
  for (const AuditFinding& finding : audit.conclude()) {
    text.append(audit_verdict_name(finding.verdict)).append(" ").append(finding.path) += '\n';
  }
  CHECK(text == "moved d/moved\nadded new\nmissing d/closed-not\n");
  for (const char* root : {".", "/"}) {
    Audit whole;
    CHECK(whole.expect("a", "1"));
    CHECK(whole.expect("/a", "1"));
    whole.see_closed(root);
    const std::vector<AuditFinding> findings = whole.conclude();
    REQUIRE(findings.size() == 1);
    CHECK(findings.front().path == (*root == '/' ? "a" : "/a"));
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::audit_test
