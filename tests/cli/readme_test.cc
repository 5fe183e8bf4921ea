// tests/cli/readme_test.cc - the README's job files are right and its commands work as typed.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::readme_test {

namespace {

std::string readme() { return read_whole_file(GORUN_SOURCE_DIR "/README.md"); }

// The fenced blocks of the README that begin with ```LANGUAGE.
std::vector<std::string> blocks(const std::string& language) {
  const std::string text = readme();
  const std::string fence = "\n```" + language + "\n";
  std::vector<std::string> found;
  for (std::size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at)) {
    at += fence.size();
    const std::size_t end = text.find("\n```\n", at);
    REQUIRE(end != std::string::npos);
    found.push_back(text.substr(at, end + 1 - at));
    at = end;
  }
  return found;
}

// The commands in the last column of the table of uses; a pipe is written \| there.
std::vector<std::string> commands_of_uses() {
  const std::string text = readme();
  const std::string header = "| use | type |\n| --- | --- |\n";
  std::size_t at = text.find(header);
  REQUIRE(at != std::string::npos);
  std::vector<std::string> commands;
  for (at += header.size(); text[at] == '|'; at = text.find('\n', at) + 1) {
    const std::string row = text.substr(at, text.find('\n', at) - at);
    const std::size_t end = row.rfind('`');
    std::string command = row.substr(row.find('`') + 1, end - row.find('`') - 1);
    for (std::size_t bar; (bar = command.find("\\|")) != std::string::npos;) command.erase(bar, 1);
    commands.push_back(command);
  }
  return commands;
}

void check_works(const std::string& command) {
  CAPTURE(command);
  // The README's commands say `gorun`; PATH finds the built one first.
  const std::string binary = GORUN_BINARY;
  const std::string folder = binary.substr(0, binary.rfind('/'));
  const CommandResult result =
      run_command({"bash", "-c", "set -euo pipefail; PATH=\"$0:$PATH\"\n" + command, folder},
                  {.directory = GORUN_SOURCE_DIR});
  CAPTURE(result.err);
  CHECK(result.status == 0);
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

TEST_CASE("the commands of the tour work as typed") {
  const std::vector<std::string> commands = blocks("sh");
  REQUIRE(commands.size() >= 3);
  for (const std::string& command : commands) check_works(command);
}

TEST_CASE("the commands for shells, CI and hashing work as typed") {
  const std::vector<std::string> commands = commands_of_uses();
  REQUIRE(commands.size() >= 3);
  for (const std::string& command : commands) check_works(command);
}

TEST_SUITE_END();

}  // namespace gorun::test::readme_test
