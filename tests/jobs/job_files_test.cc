// tests/jobs/job_files_test.cc - included files: what counts, and places in the right file.
#include "jobs/job_files.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/jobs/fake_world.h"

namespace gorun::jobs::job_files_test {

using namespace gorun::test;

TEST_SUITE("jobs/job_files") {
  TEST_CASE("an included file counts as if it stood in front") {
    const FakeWorld world{
        .texts = {{"job.json", R"({"gorun": 1, "include": ["lib/a.json", "b.json"],
 "vars": {"x": "mine"}, "env": {"E": "${{ vars.x }}-${{ vars.y }}"}, "limits": {"procs": 2},
 "report": {"junit": "mine"},
 "stages": {"w": {"kind": "write", "from": ["a", "deep"]}}})"},
                  {"lib/a.json", R"({"gorun": 1, "include": "deep.json", "name": "of a",
 "vars": {"x": "a", "y": "a"}, "limits": {"procs": 1}, "report": {"junit": "a", "html": "a"},
 "stages": {"a": {"kind": "items", "items": ["1"]}}})"},
                  {"lib/deep.json",
                   R"({"gorun": 1, "stages": {"deep": {"kind": "items", "items": ["2"]}}})"},
                  {"b.json", R"({"gorun": 1, "vars": {"y": "b"}})"}}};
    const Graph graph = graph_of(world);
    CHECK(stages_of(graph) == "deep a w");
    CHECK(graph.env == Environment{{"E", "mine-b"}});  // the later include wins over the earlier
    CHECK(graph.name == "of a");
    CHECK(graph.limits.procs == 2);
    CHECK(graph.report.junit == "mine");
    CHECK(graph.report.html == "a");
  }

  TEST_CASE("a file that is reached twice counts once") {
    const FakeWorld world{
        .texts = {{"job.json", R"({"gorun": 1, "include": ["a.json", "b.json"], "stages": {}})"},
                  {"a.json", R"({"gorun": 1, "include": "c.json"})"},
                  {"b.json", R"({"gorun": 1, "include": "./c.json"})"},
                  {"c.json",
                   R"({"gorun": 1, "stages": {"c": {"kind": "exec", "argv": ["true"]}}})"}},
        .links = {{"./c.json", "c.json"}}};
    CHECK(stages_of(graph_of(world)) == "c");
  }

  TEST_CASE("mistakes are blamed in their own file") {
    const FakeWorld world{
        .texts = {{"job.json",
                   "{\"gorun\": 1, \"include\": \"lib/a.json\",\n"
                   " \"stages\": {\"w\": {\"kind\": \"write\", \"from\": \"fles\"},\n"
                   "  \"files\": {\"kind\": \"walk\"}}}"},
                  {"lib/a.json",
                   "{\"gorun\": 1, \"nmae\": 1,\n\t\"stages\":\n\t{\"files\": "
                   "{\"kind\": \"walk\", \"root\": 7}}}\n"}}};
    CHECK(errors_of(world) ==
          R"(job.json:2:44: error: stage "w" reads from unknown stage "fles"
  2 |  "stages": {"w": {"kind": "write", "from": "fles"},
    |                                            ^~~~~~
  hint: did you mean "files"? (declared at lib/a.json:3:3)
job.json:3:3: error: stage "files" is declared twice
  3 |   "files": {"kind": "walk"}}}
    |   ^~~~~~~
  hint: it is first declared at lib/a.json:3:3
lib/a.json:1:14: error: unknown key "nmae"
  1 | {"gorun": 1, "nmae": 1,
    |              ^~~~~~
  hint: did you mean "name"?
lib/a.json:3:37: error: "root": expected a string or an array of strings, got a number
  3 | 	{"files": {"kind": "walk", "root": 7}}}
    | 	                                   ^
gorun: 4 errors; nothing was run
)");
  }

  TEST_CASE("a circle of includes is told with the way round") {
    const FakeWorld world{
        .texts = {{"job.json", R"({"gorun": 1, "include": "d/b.json"})"},
                  {"d/b.json", "{\"gorun\": 1,\n \"include\": [\"../job.json\", \"b.json\"]}"}},
        .links = {{"d/../job.json", "job.json"}}};
    CHECK(errors_of(world) == R"(d/b.json:2:14: error: "../job.json" includes itself
  2 |  "include": ["../job.json", "b.json"]}
    |              ^~~~~~~~~~~~~
  hint: job.json -> b.json -> job.json
d/b.json:2:29: error: "b.json" includes itself
  2 |  "include": ["../job.json", "b.json"]}
    |                             ^~~~~~~~
  hint: b.json -> b.json
gorun: 2 errors; nothing was run
)");
  }

  TEST_CASE("a file that cannot be included is blamed where it is named") {
    const FakeWorld world{
        .texts = {{"job.json",
                   "{\"gorun\": 1, \"include\":\n [\"no.json\", 3, \"${{ vars.x }}\",\n"
                   " \"bad.json\", \"old.json\", \"empty.json\"]}"},
                  {"bad.json", "{\"gorun\": 1,}"},
                  {"old.json", "{\"gorun\": 2}"},
                  {"empty.json", ""}}};
    CHECK(errors_of(world) ==
          R"(job.json:2:3: error: cannot include "no.json": there is no such file
  2 |  ["no.json", 3, "${{ vars.x }}",
    |   ^~~~~~~~~
job.json:2:14: error: "include": expected a string or an array of strings, got a number
  2 |  ["no.json", 3, "${{ vars.x }}",
    |              ^
job.json:2:17: error: "include" cannot refer to anything
  2 |  ["no.json", 3, "${{ vars.x }}",
    |                 ^~~~~~~~~~~~~~~
  hint: files are included before vars are known
bad.json:1:12: error: a comma with nothing after it
  1 | {"gorun": 1,}
    |            ^
  hint: remove the ","
old.json:1:11: error: format version 2 is not supported
  1 | {"gorun": 2}
    |           ^
  hint: this gorun reads version 1
empty.json:1:1: error: the file is empty
  1 | 
    | ^
  hint: a job file is an object: { ... }
gorun: 6 errors; nothing was run
)");
  }

  TEST_CASE("without a world a job file names no other one") {
    const Result<Graph> graph =
        load_job(Source("job.json", R"({"gorun": 1, "include": "a.json"})"));
    REQUIRE_FALSE(graph.ok());
    CHECK(graph.errors().front().what ==
          "cannot include \"a.json\": no other file can be read here");
  }
}

}  // namespace gorun::jobs::job_files_test
