// tests/cli/github_test.cc - failures as GitHub Actions reads them.

#include "cli/github.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::github_test {

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

TEST_CASE("what a command says as a group is folded, and its standard output stays data") {
  using gorun::test::gorun_argv;
  using gorun::test::run_command;
  const gorun::test::ScratchDir dir;
  dir.write("job.json", R"({"gorun": 1, "stages": {
    "i": {"kind": "items", "items": ["x%y"]},
    "s": {"kind": "exec", "from": "i", "shell": "echo out; printf err >&2"}}})");
  const auto run = [&dir](const std::string& more) {
    return run_command(
        {"sh", "-c", "\"$@\" " + more, "sh", GORUN_BINARY, "-q", "--github", "on", "job.json"},
        {.directory = dir.path()});
  };
  const auto apart = run("");
  CHECK(apart.out == "out\n");
  CHECK(apart.err == "::group::s x%25y\nerr\n::endgroup::\n");
  CHECK(run("2>&1").out == "::group::s x%25y\nout\nerr\n::endgroup::\n");
  dir.write("job.json", R"({"gorun": 1, "stages": {
    "s": {"kind": "exec", "shell": "echo out; echo err >&2", "output": "raw"}}})");
  CHECK(run("2>&1").out == "out\nerr\n");
}

TEST_SUITE_END();

}  // namespace gorun::test::github_test
