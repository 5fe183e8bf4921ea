// tests/cli/readme_test.cc - the README's job files are right and its commands work as typed.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

using namespace gorun::test;

namespace {

// The fenced blocks of the README that begin with ```LANGUAGE.
std::vector<std::string> blocks(const std::string& language) {
  const std::string readme = read_whole_file(GORUN_SOURCE_DIR "/README.md");
  const std::string fence = "\n```" + language + "\n";
  std::vector<std::string> found;
  for (std::size_t at = readme.find(fence); at != std::string::npos; at = readme.find(fence, at)) {
    at += fence.size();
    const std::size_t end = readme.find("\n```\n", at);
    REQUIRE(end != std::string::npos);
    found.push_back(readme.substr(at, end + 1 - at));
    at = end;
  }
  return found;
}

}  // namespace

TEST_SUITE_BEGIN("cli/readme");

TEST_CASE("every whole job file in the README is right") {
  const std::vector<std::string> jobs = blocks("json");
  REQUIRE_FALSE(jobs.empty());
  for (const std::string& job : jobs) {
    CAPTURE(job);
    const CommandResult result = run_gorun({"check", "-"}, {.input = job});
    CHECK(result.err.empty());
    CHECK(result.status == 0);
  }
}

TEST_CASE("the commands for shells, CI and hashing work as typed") {
  // The README's commands say `gorun`; PATH finds the built one first.
  const std::string binary = GORUN_BINARY;
  const std::string folder = binary.substr(0, binary.rfind('/'));
  const std::vector<std::string> commands = blocks("sh");
  REQUIRE(commands.size() >= 3);
  for (const std::string& command : commands) {
    CAPTURE(command);
    const CommandResult result = run_command(
        {"bash", "-c", "set -euo pipefail; PATH=\"$0:$PATH\"\n" + command, folder},
        {.directory = GORUN_SOURCE_DIR});
    CHECK(result.status == 0);
    CAPTURE(result.err);
    CHECK_FALSE(result.out.empty());
  }
}

TEST_SUITE_END();
