// tests/cli/junit_test.cc - a run as JUnit XML: the text, and what the common schema says of it.

#include "cli/junit.h"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::junit_test {

using namespace gorun::cli;
using namespace gorun::jobs;
using gorun::test::run_command;
using gorun::test::run_gorun;
using gorun::test::ScratchDir;

namespace {

StageOutcome ended(std::string name, StageState state) {
  StageOutcome stage;
  stage.name = std::move(name);
  stage.state = state;
  stage.started = std::chrono::milliseconds(1);
  stage.ended = std::chrono::milliseconds(251);
  return stage;
}

}  // namespace

TEST_SUITE_BEGIN("cli/junit");

TEST_CASE("a test case for each stage, with what went wrong") {
  Graph graph;
  graph.name = "a <job>";
  Outcome outcome;
  outcome.elapsed = std::chrono::milliseconds(1500);
  outcome.stages = {ended("ok", StageState::kSucceeded), ended("bad", StageState::kFailed),
                    ended("bug", StageState::kFailed), ended("late", StageState::kSkipped)};
  outcome.stages[1].failure_count = 3;
  outcome.stages[1].failures = {{.what = "exit 1", .item = "a\x01&\xff", .tail = "x < y"},
                                {.what = "exit 2"}};
  outcome.stages[2].failures = {{.kind = FailureKind::kInternal, .what = "oh"}};
  CHECK(junit_text(graph, outcome) == R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="a &lt;job&gt;" tests="4" failures="1" errors="1" time="1.500">
  <testsuite name="a &lt;job&gt;" tests="4" failures="1" errors="1" skipped="1" time="1.500">
    <testcase name="ok" classname="a &lt;job&gt;" time="0.250"/>
    <testcase name="bad" classname="a &lt;job&gt;" time="0.250">
      <failure message="exit 1" type="failure">exit 1 (item &quot;a?&amp;?&quot;)&#10;x &lt; y&#10;exit 2&#10;1 more&#10;</failure>
    </testcase>
    <testcase name="bug" classname="a &lt;job&gt;" time="0.250">
      <error message="oh" type="error">oh&#10;</error>
    </testcase>
    <testcase name="late" classname="a &lt;job&gt;" time="0.250">
      <skipped message="skipped"/>
    </testcase>
  </testsuite>
</testsuites>
)");
}

TEST_CASE("a stage that was up to date was skipped") {
  Outcome outcome;
  outcome.stages = {ended("a", StageState::kSucceeded)};
  outcome.stages[0].up_to_date_count = 1;
  const std::string text = junit_text(Graph(), outcome);
  CHECK(text.find(R"(skipped="1")") != std::string::npos);
  CHECK(text.find(R"(<skipped message="up to date"/>)") != std::string::npos);
}

TEST_CASE("what --junit writes is valid by the common schema") {
  const ScratchDir scratch;
  const std::string check = std::string(GORUN_SOURCE_DIR) + "/tests/cli/junit_check.py";
  const std::string job = R"({"gorun": 1, "name": "a \"b\" <c>", "stages": {
    "ok": {"kind": "exec", "argv": ["true"]},
    "bad": {"kind": "exec", "shell": "printf '\\033[31m<&>\\377' >&2; exit 3", "output": "group"},
    "never": {"kind": "exec", "argv": ["true"], "needs": ["bad"]}}})";
  const std::string path = scratch / "junit.xml";
  const auto result = run_gorun({"-q", "--junit", path, "-"}, {.input = job});
  CHECK(result.status == 1);
  const auto checked = run_command({"python3", check, path});
  CHECK(checked.err.empty());
  CHECK(checked.out == "3 cases, 1 failures, 0 errors\n");
}

TEST_CASE("a file that cannot be written is an output that failed") {
  const auto result =
      run_gorun({"-q", "--junit", "/no/such/directory/x.xml", "-"},
                {.input = R"({"gorun": 1, "stages": {"x": {"kind": "exec", "argv": ["true"]}}})"});
  CHECK(result.status == 74);
  CHECK(result.err.starts_with("gorun: error: --junit: cannot open \"/no/such/directory/"));
}

TEST_SUITE_END();

}  // namespace gorun::test::junit_test
