// tests/cli/cmd_stages_test.cc - the list of kinds, each kind in detail, and the README's table of
// them.

#include "cli/cmd_stages.h"

#include <doctest/doctest.h>

#include <string>

#include "jobs/kinds.h"
#include "jobs/load.h"
#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::cmd_stages_test {

using namespace gorun;

namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE_BEGIN("cli/cmd_stages");

TEST_CASE("every kind has a line, and every option is described") {
  const std::string list = run_gorun({"stages"}).out;
  CHECK(list == cli::list_kinds());
  for (const jobs::StageKind& kind : jobs::stage_kinds()) {
    const std::string name(kind.name);
    CAPTURE(name);
    CHECK(contains("\n" + list, "\n" + name + " "));
    const std::string detail = run_gorun({"stages", name}).out;
    CHECK(detail == cli::describe_kind(kind));
    CHECK(detail.starts_with(name + " - " + std::string(kind.summary) + "\n"));
    for (const jobs::OptionRow& row : kind.options) {
      CHECK(contains(detail, "\n  " + std::string(row.name) + " "));
    }
    CHECK(contains(detail, kind.example));
  }
}

TEST_CASE("one kind in full") {
  CHECK(
      run_gorun({"stages", "filter"})
          .out.starts_with(
              "filter - keeps the items that match\n"
              "\n"
              "takes items by \"from\"; sends items by \"out\"\n"
              "one worker, unless \"workers\" says otherwise\n"
              "\n"
              "options:\n"
              "  match   keep items in which this RE2 expression matches somewhere\n"
              "          (a regular expression)\n"
              "  where   keep items whose fields are so: {\"status\": {\">=\": 500}}; \"item\" is "
              "the text\n"
              "          (an object of questions)\n"
              "  invert  keep the others instead\n"
              "          (true or false; default false)\n"
              "  field   \"match\" looks at this field and not at the text; without it nothing "
              "matches\n"
              "          (a string)\n"
              "\n"
              "example:\n"
              "  \"errors\": {\"kind\": \"filter\", \"from\": \"log\", \"match\": \"^ERROR\"}\n"
              "\n"
              "keys that it shares with other kinds:\n"
              "  kind     what the stage does\n"
              "           (a string; required)\n"));
}

TEST_CASE("the README's table of kinds is that of gorun stages") {
  std::string table = "| kind | does |\n| --- | --- |\n";
  for (const jobs::StageKind& kind : jobs::stage_kinds()) {
    table += "| `" + std::string(kind.name) + "` | " + std::string(kind.summary) + " |\n";
  }
  CHECK(contains(read_whole_file(GORUN_SOURCE_DIR "/README.md"), table));
}

TEST_SUITE_END();

}  // namespace gorun::test::cmd_stages_test
