// tests/cli/examples_test.cc - every example runs as its README says and agrees with other tools.

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::examples_test {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> examples() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(GORUN_SOURCE_DIR "/examples")) {
    names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

void check_with_other_tools(const std::string& name, const std::vector<std::string>& more = {}) {
  std::vector<std::string> argv = {"examples/" + name + "/check", GORUN_BINARY};
  argv.insert(argv.end(), more.begin(), more.end());
  const CommandResult result = run_command(argv, {.directory = GORUN_SOURCE_DIR});
  CHECK(result.out.empty());
  CHECK(result.err.empty());
  CHECK(result.status == 0);
}

}  // namespace

TEST_SUITE_BEGIN("cli/examples");

TEST_CASE("each example is complete and its job file right") {
  REQUIRE(examples().size() >= 6);
  for (const std::string& name : examples()) {
    CAPTURE(name);
    const std::string folder = GORUN_SOURCE_DIR "/examples/" + name;
    CHECK(fs::exists(folder + "/README.md"));
    CHECK(fs::exists(folder + "/check"));
    CHECK(run_gorun({"check", folder + "/job.json"}).status == 0);
  }
}

TEST_CASE("an example prints its expected.txt") {
  const ScratchDir scratch;
  for (const std::string name :
       {"02-word-count", "03-ci-dag", "05-log-report", "06-csv-totals", "07-sessions"}) {
    CAPTURE(name);
    const std::string job = "examples/" + name + "/job.json";
    std::vector<std::string> flags = {"-q", job};
    if (name == "03-ci-dag") flags.insert(flags.end(), {"--set", "out=" + scratch.path()});
    const CommandResult result = run_gorun(flags, {.directory = GORUN_SOURCE_DIR});
    CHECK(result.status == 0);
    CHECK(result.err.empty());
    CHECK(result.out == read_whole_file(GORUN_SOURCE_DIR "/examples/" + name + "/expected.txt"));
  }
}

TEST_CASE("sha256sum accepts the manifest of /usr/include") {
  check_with_other_tools("01-hash-manifest", {"/usr/include"});
}

TEST_CASE("the word count is that of tr, sort and uniq") {
  check_with_other_tools("02-word-count");
  check_with_other_tools("02-word-count", {"/usr/share/common-licenses"});
}

TEST_CASE("the package of the graph of commands holds what it was made from") {
  check_with_other_tools("03-ci-dag");
}

TEST_CASE("the fan-out finds what a loop in the shell finds") {
  check_with_other_tools("04-fan-out");
}

TEST_CASE("the reports on JSON documents, on a table and on a log are those of python") {
  check_with_other_tools("05-log-report");
  check_with_other_tools("06-csv-totals");
  check_with_other_tools("07-sessions");
}

TEST_CASE("the whole table of words is that of tr, sort and uniq") {
  const ScratchDir scratch;
  const std::string job =
      "{\"gorun\": 1, \"stages\": {\n"
      "  \"files\":  {\"kind\": \"walk\", \"root\": \"/usr/share/common-licenses\"},\n"
      "  \"text\":   {\"kind\": \"read\", \"from\": \"files\"},\n"
      "  \"words\":  {\"kind\": \"split\", \"from\": \"text\", \"by\": \"words\"},\n"
      "  \"counts\": {\"kind\": \"reduce\", \"from\": \"words\"},\n"
      "  \"out\":    {\"kind\": \"write\", \"from\": \"counts\", \"format\": \"tsv\", "
      "\"path\": \"ours\"}}}\n";
  CHECK(run_gorun({"-q", "-"}, {.input = job, .directory = scratch.path()}).status == 0);
  const CommandResult difference = run_command(
      {"sh", "-c",
       "LC_ALL=C; export LC_ALL; find /usr/share/common-licenses -type f -exec cat {} + | "
       "tr -s ' \\t\\n\\v\\f\\r' '\\n' | grep -v '^$' | sort | uniq -c | "
       "awk '{ print $2 \"\\t\" $1 }' | sort > theirs; sort ours | diff theirs -; wc -l < theirs"},
      {.directory = scratch.path()});
  CHECK(difference.status == 0);
  CHECK(difference.out.find('<') == std::string::npos);
  CHECK(std::stoi(difference.out) > 1000);
}

TEST_SUITE_END();

}  // namespace gorun::test::examples_test
