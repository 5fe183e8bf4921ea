// tests/cli/progress_text_test.cc - how far a run is, in words.

#include "cli/progress_text.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

namespace gorun::test::progress_text_test {

using namespace gorun::cli;
using gorun::jobs::StageState;

namespace {

RunFigures hashing() {
  return {std::chrono::milliseconds(3210),
          {{"files", StageState::kSucceeded, 15342, 0, 9000, 0, 0},
           {"digests", StageState::kRunning, 12003, 210U << 20U, 3944, 73.7e6, 1.9},
           {"out", StageState::kRunning, 11993, 0, 3950, 0, 0.1}}};
}

}  // namespace

TEST_SUITE_BEGIN("cli/progress_text");

TEST_CASE("a line for the run, then one for each stage") {
  const std::vector<std::string> lines = progress_block(hashing(), 12);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == "gorun: 3.21 s, 1 of 3 stages done, slowest: digests");
  CHECK(lines[1] == "  files    succeeded     15,342");
  CHECK(lines[2] == "  digests  running       12,003      3,944/s    210 MiB   70.3 MiB/s");
  CHECK(lines[3] == "  out      running       11,993      3,950/s");
}

TEST_CASE("with many stages only those that run are shown, and the rest counted") {
  RunFigures run{std::chrono::seconds(1), {}};
  for (int i = 0; i < 40; ++i) {
    run.stages.push_back({"stage-" + std::to_string(i),
                          i < 10   ? StageState::kSucceeded
                          : i < 13 ? StageState::kRunning
                                   : StageState::kWaiting,
                          1, 0, 0, 0, 0});
  }
  const std::vector<std::string> lines = progress_block(run, 12);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] == "gorun: 1.00 s, 10 of 40 stages done");
  CHECK(lines[1].starts_with("  stage-10  running"));
  CHECK(lines[4] == "  and 37 more stages");

  for (auto& stage : run.stages) stage.state = StageState::kRunning;
  CHECK(progress_block(run, 12).size() == 12);
}

TEST_CASE("names are made safe and short") {
  RunFigures run = hashing();
  run.stages[1].name = "na\x1b[2Jme" + std::string(100, 'x');
  const std::vector<std::string> lines = progress_block(run, 12);
  CHECK(lines[2].starts_with("  na?[2Jmexxxxxxxxxxxxxx..  running"));
  CHECK(progress_line(run).find('\x1b') == std::string::npos);
}

TEST_CASE("the line for logs names what runs") {
  CHECK(progress_line(hashing()) ==
        "gorun: 3.21 s, 1 of 3 stages done, slowest: digests; digests 12,003 (70.3 MiB/s), "
        "out 11,993 (3,950/s)");
}

TEST_SUITE_END();

}  // namespace gorun::test::progress_text_test
