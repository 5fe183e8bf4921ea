// tests/jobs/dotenv_test.cc - NAME=VALUE files: what each line means, and how little is said of it.
#include "jobs/dotenv.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/jobs/fake_world.h"

namespace gorun::jobs::dotenv_test {

using namespace gorun::test;

namespace {

FakeWorld world_with(const std::string& dotenv) {
  return {.texts = {{"job.json", R"({"gorun": 1, "dotenv": "x.env", "env": {"LAST": "job"},
 "stages": {"a": {"kind": "exec", "argv": ["true"]}}})"},
                    {"x.env", dotenv}}};
}

}  // namespace

TEST_SUITE("jobs/dotenv") {
  TEST_CASE("lines are what they look like") {
    const Graph graph =
        graph_of(world_with("# comment\n\n  A=1\nexport B = two words  # "
                            "why\r\nC=a#b\nD=\"x\\n\\\"y\\\" $HOME \\q\" # c\n"
                            "E='\\n \" # $'\nF=\nG=# nothing\nLAST=file"));
    CHECK(graph.env == Environment{{"A", "1"},
                                   {"B", "two words"},
                                   {"C", "a#b"},
                                   {"D", "x\n\"y\" $HOME \\q"},
                                   {"E", "\\n \" # $"},
                                   {"F", ""},
                                   {"G", ""},
                                   {"LAST", "file"},
                                   {"LAST", "job"}});
  }

  TEST_CASE("a wrong line is told by its place alone") {
    CHECK(errors_of(world_with("A=1\nhush hush\n  1X=hush\nB=\"hush\nC='x' hush\n=\n")) ==
          "x.env:2:1: error: this line is no NAME=VALUE\n"
          "  hint: lines are NAME=VALUE, NAME=\"VALUE\", NAME='VALUE' or # comments\n"
          "x.env:3:3: error: what stands before \"=\" is no name of a variable\n"
          "  hint: lines are NAME=VALUE, NAME=\"VALUE\", NAME='VALUE' or # comments\n"
          "x.env:4:3: error: this value is never closed\n"
          "  hint: lines are NAME=VALUE, NAME=\"VALUE\", NAME='VALUE' or # comments\n"
          "x.env:5:7: error: text behind the closing quote\n"
          "  hint: lines are NAME=VALUE, NAME=\"VALUE\", NAME='VALUE' or # comments\n"
          "x.env:6:1: error: what stands before \"=\" is no name of a variable\n"
          "  hint: lines are NAME=VALUE, NAME=\"VALUE\", NAME='VALUE' or # comments\n"
          "gorun: 5 errors; nothing was run\n");
  }

  TEST_CASE("the file is looked for beside the job file that names it") {
    const FakeWorld world{
        .texts = {{"job.json", R"({"gorun": 1, "include": "lib/a.json", "dotenv": ["b.env"]})"},
                  {"lib/a.json", R"({"gorun": 1, "dotenv": "a.env",
 "stages": {"a": {"kind": "exec", "argv": ["true"]}}})"},
                  {"lib/a.env", "X=a\n"},
                  {"b.env", "X=b\n"}}};
    CHECK(graph_of(world).env == Environment{{"X", "a"}, {"X", "b"}});
  }

  TEST_CASE("a file that is not there is a mistake") {
    FakeWorld world = world_with("");
    world.texts.erase("x.env");
    CHECK(errors_of(world) ==
          "job.json:1:24: error: cannot read \"x.env\": there is no such file\n"
          "  1 | {\"gorun\": 1, \"dotenv\": \"x.env\", \"env\": {\"LAST\": \"job\"},\n"
          "    |                        ^~~~~~~\n"
          "gorun: 1 error; nothing was run\n");
  }
}

}  // namespace gorun::jobs::dotenv_test
