// tests/jobs/condition_test.cc - the "if" of stages.
#include "jobs/condition.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/jobs/fake_world.h"

namespace gorun::jobs::condition_test {

using namespace gorun::test;

namespace {

FakeWorld world_with(const std::string& condition) {
  return {.texts = {
              {"job.json", R"({"gorun": 1, "vars": {"os": "linux", "n": 3, "yes": true, "none": ""},
 "stages": {"always": {"kind": "exec", "argv": ["true"]}, "a": {"kind": "exec", "argv": ["true"],
  "if": )" + condition + "}}}"}}};
}

bool holds(const std::string& condition) {
  return stages_of(graph_of(world_with(condition))) == "always a";
}

// The place and the words of the first mistake.
std::string mistake(const std::string& condition) {
  const std::string all = errors_of(world_with(condition));
  return all.substr(0, all.find('\n'));
}

}  // namespace

TEST_SUITE("jobs/condition") {
  TEST_CASE("what is true") {
    for (const char* text :
         {"true", R"("true")", R"("vars.yes")", R"("${{ vars.yes }}")", R"("vars.os == 'linux'")",
          R"("vars.n == 3 && vars.os != 'mac'")", R"("false || vars.yes")", R"("!vars.none")",
          R"x("!(vars.yes && false)")x", R"("vars.none == ''")", R"("1")", R"("'on'")",
          R"("false && false || true")", R"("${{ vars.os }} == 'linux'")", R"("!!vars.yes")",
          R"("(vars.n == 3) == true")", R"("vars.os=='linux'&&!vars.none")"}) {
      CAPTURE(std::string(text));
      CHECK(holds(text));
    }
  }

  TEST_CASE("what is false") {
    for (const char* text :
         {"false", R"("false")", R"("vars.none")", R"("vars.os == 'mac'")", R"("true && !true")",
          R"("vars.n == '3.0'")", R"("0")", R"x("true && (false || 'off')")x"}) {
      CAPTURE(std::string(text));
      CHECK_FALSE(holds(text));
    }
  }

  TEST_CASE("mistakes are told with their place") {
    struct Row {
      const char* condition;
      const char* said;
    };
    const Row rows[] = {
        {"3", "job.json:3:9: error: \"if\": expected true, false or a condition, got a number"},
        {R"("")", "job.json:3:10: error: the condition ends here, and something is missing"},
        {R"("no")", "job.json:3:10: error: unknown word \"no\""},
        {R"("vars.on == 'x'")", "job.json:3:10: error: unknown var \"on\""},
        {R"("vars.os")", "job.json:3:10: error: expected true or false, got \"linux\""},
        {R"("vars.yes && vars.os")", "job.json:3:22: error: expected true or false, got \"linux\""},
        {R"("false && vars.os")", "job.json:3:19: error: expected true or false, got \"linux\""},
        {R"("\u0074rue && vars.os")",
         "job.json:3:23: error: expected true or false, got \"linux\""},
        {R"("vars.os == 'linux")", "job.json:3:21: error: this text is never closed"},
        {R"("(true")", "job.json:3:10: error: \"(\" without \")\""},
        {R"("${{ true")", "job.json:3:10: error: \"${{\" without \"}}\""},
        {R"("true true")", "job.json:3:15: error: unexpected \"true\""},
        {R"("true &&")", "job.json:3:17: error: the condition ends here, and something is missing"},
        {R"("item == 'x'")", "job.json:3:10: error: \"if\" cannot refer to an item"},
        {R"("run.status")", "job.json:3:10: error: \"if\" cannot refer to how the run stands"},
        {R"("matrix.os")", "job.json:3:10: error: there is no matrix here"},
    };
    for (const Row& row : rows) {
      CAPTURE(std::string(row.condition));
      CHECK(mistake(row.condition) == row.said);
    }
    CHECK(mistake("\"" + std::string(1000, '(') + "\"").ends_with("nested too deeply"));
    CHECK(mistake("\"" + std::string(1000, '!') + "true\"").ends_with("nested too deeply"));
  }
}

}  // namespace gorun::jobs::condition_test
