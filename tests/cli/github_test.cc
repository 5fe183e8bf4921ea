// tests/cli/github_test.cc - failures as GitHub Actions reads them.

#include "cli/github.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/command.h"

using namespace gorun::cli;

TEST_SUITE_BEGIN("cli/github");

TEST_CASE("an annotation is one line, whatever the failure holds") {
  gorun::jobs::Outcome outcome;
  outcome.stages.resize(1);
  outcome.stages[0].name = "a,b: c";
  outcome.stages[0].failures = {{.what = "exit 1", .item = "x\ny", .tail = "100%\nlast\n"}};
  CHECK(annotations({}, outcome) ==
        "::error title=stage a%2Cb%3A c::exit 1 (item \"x?y\")%0A100%25%0Alast\n");
}

TEST_CASE("a group folds text, and nothing makes no group") {
  CHECK(folded("a\nb", "x\n") == "::group::a%0Ab\nx\n::endgroup::\n");
  CHECK(folded("a", "").empty());
}

TEST_CASE("auto heeds the environment of GitHub Actions") {
  using gorun::test::run_gorun;
  const std::string job = R"({"gorun": 1, "stages": {"x": {"kind": "exec", "argv": ["false"]}}})";
  const std::string annotation = "::error title=stage x::false: exit 1\n";
  const auto says = [&](std::vector<std::string> flags, const char* actions) {
    flags.emplace_back("-");
    const auto result = run_gorun(flags, {.input = job, .env = {{"GITHUB_ACTIONS", actions}}});
    return result.err.find(annotation) != std::string::npos;
  };
  CHECK(says({}, "true"));
  CHECK_FALSE(says({}, ""));
  CHECK(says({"--github", "on"}, ""));
  CHECK_FALSE(says({"--github=off"}, "true"));
}

TEST_SUITE_END();
