// tests/jobs/pipelines_test.cc - job files as stages of others: what they become, and their
// mistakes.
#include "jobs/pipelines.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "jobs/executor.h"
#include "tests/jobs/fake_world.h"
#include "tests/jobs/run_job.h"
#include "tests/support/scratch_dir.h"

namespace gorun::jobs::pipelines_test {

using namespace gorun::test;

namespace {

// "stage: what it needs" for each stage, a line each.
std::string needs_of(const Graph& graph) {
  std::string all;
  for (const StageSpec& stage : graph.stages) {
    all += stage.name + ":";
    for (const std::size_t need : stage.needs) all += " " + graph.stages[need].name;
    all += "\n";
  }
  return all;
}

// What render() says of the warnings of "job.json", or "".
std::string warnings_of(const FakeWorld& world) {
  const LoadedJob job = load_in(world, {});
  REQUIRE(job.graph.ok());
  return job.warnings.empty() ? "" : render(job.source, job.warnings);
}

}  // namespace

TEST_SUITE("jobs/pipelines") {
  TEST_CASE("the stages of the other file stand in the place of the pipeline") {
    const FakeWorld world{
        .texts = {
            {"job.json", R"({"gorun": 1, "vars": {"where": "prod"}, "pools": {"net": 2}, "stages": {
 "build": {"kind": "exec", "argv": ["make"]},
 "deploy": {"kind": "pipeline", "file": "lib/deploy.json", "vars": {"to": "${{ vars.where }}"}, "needs": "build"},
 "tell": {"kind": "exec", "argv": ["mail"], "needs": "deploy"},
 "one": {"kind": "exec", "argv": ["x"], "needs": "deploy/copy"}}})"},
            {"lib/deploy.json", R"({"gorun": 1, "vars": {"to": "test"}, "env": {"A": "1", "B": "2"},
 "pools": {"net": 5}, "limits": {"procs": 7}, "stages": {
 "copy": {"kind": "exec", "argv": ["cp", "${{ vars.to }}"], "env": {"B": "own"}, "pool": "net"},
 "web": {"kind": "pipeline", "file": "web.json", "needs": "copy"}}})"},
            {"lib/web.json", R"({"gorun": 1, "stages": {
 "pages": {"kind": "range", "to": 3}, "print": {"kind": "write", "from": "pages"}}})"}}};
    const Graph graph = graph_of(world);
    CHECK(needs_of(graph) ==
          "build:\n"
          "deploy/copy: build\n"
          "deploy/web/pages: deploy/copy build\n"
          "deploy/web/print: deploy/copy build\n"
          "tell: deploy/copy deploy/web/pages deploy/web/print\n"
          "one: deploy/copy\n");
    const StageSpec& copy = graph.stages[1];
    CHECK(copy.options.text_templates("argv")[1].constant_text() == "prod");
    const NamedTemplates& env = copy.options.named_templates("env");
    REQUIRE(env.size() == 3);
    CHECK(env[0].second.constant_text() == "1");
    CHECK(env[2].second.constant_text() == "own");  // the last one counts
    CHECK(graph.env.empty());
    CHECK(graph.limits.procs == 0);
    REQUIRE(graph.pools.size() == 2);
    CHECK(graph.pools[*copy.pool].name == "deploy/net");
    CHECK(graph.pools[*copy.pool].places == 5);
  }

  TEST_CASE("one pipeline stands for each combination of a matrix, or for none") {
    const FakeWorld world{.texts = {{"job.json", R"({"gorun": 1, "stages": {
 "all": {"kind": "pipeline", "file": "a.json", "matrix": {"os": ["x", "y"]}, "vars": {"os": "${{ matrix.os }}"}},
 "off": {"kind": "pipeline", "file": "a.json", "if": false},
 "end": {"kind": "exec", "argv": ["end"], "needs": ["all", "off"]}}})"},
                                    {"a.json", R"({"gorun": 1, "vars": {"os": ""}, "stages": {
 "say": {"kind": "exec", "argv": ["say", "${{ vars.os }}"]}}})"}}};
    CHECK(needs_of(graph_of(world)) == "all[x]/say:\nall[y]/say:\nend: all[x]/say all[y]/say\n");
  }

  TEST_CASE("a default pool is for stages, and a pipeline has its own") {
    const FakeWorld world{.texts = {{"job.json", R"({"gorun": 1, "pools": {"net": 2},
 "defaults": {"pool": "net", "weight": 2, "workers": 3, "buffer": 5, "timeout": "1h"}, "stages": {
 "a": {"kind": "pipeline", "file": "a.json"}, "b": {"kind": "exec", "argv": ["x"]}}})"},
                                    {"a.json", R"({"gorun": 1, "stages": {
 "say": {"kind": "exec", "argv": ["say"]}}})"}}};
    const Graph graph = graph_of(world);
    CHECK_FALSE(graph.stages[0].pool);
    CHECK(graph.stages[1].pool);
  }

  TEST_CASE("a target may be a pipeline: all of its stages") {
    const FakeWorld world{.texts = {{"job.json", R"({"gorun": 1, "stages": {
 "build": {"kind": "exec", "argv": ["make"]},
 "deploy": {"kind": "pipeline", "file": "d.json", "needs": "build", "matrix": {"to": ["x", "y"]}},
 "other": {"kind": "exec", "argv": ["x"]}}})"},
                                    {"d.json", R"({"gorun": 1, "stages": {
 "web": {"kind": "pipeline", "file": "web.json"}, "copy": {"kind": "exec", "argv": ["cp"]}}})"},
                                    {"web.json", R"({"gorun": 1, "stages": {
 "up": {"kind": "exec", "argv": ["up"]}}})"}}};
    const auto selected = [&world](const std::string& target) {
      return stages_of(graph_of(world, {.targets = {target}}));
    };
    CHECK(selected("deploy") ==
          "build deploy[x]/web/up deploy[x]/copy deploy[y]/web/up deploy[y]/copy");
    CHECK(selected("deploy[y]") == "build deploy[y]/web/up deploy[y]/copy");
    CHECK(selected("deploy[x]/web") == "build deploy[x]/web/up");
    CHECK(errors_of(world, {.targets = {"deplyo"}}) ==
          "gorun: error: there is no target and no stage \"deplyo\"\n"
          "  hint: did you mean \"deploy\"?\ngorun: 1 error; nothing was run\n");
  }

  TEST_CASE("mistakes are shown in their own file, and none twice") {
    const FakeWorld world{.texts = {{"job.json", R"({"gorun": 1, "stages": {
 "a": {"kind": "pipeline", "file": "lib/a.json", "vars": {"y": "1"}, "from": "b", "workers": 3},
 "b": {"kind": "pipeline", "file": "none.json", "buffer": 4, "pool": "p", "weight": 2},
 "c": {"kind": "exec", "argv": ["x"], "needs": "b"}}}
)"},
                                    {"lib/a.json", R"({"gorun": 1,
 "stages": {"s": {"kind": "write", "from": "t"}, "w": {"kind": "wlak"}}}
)"}}};
    CHECK(errors_of(world) == R"(job.json:2:58: error: "lib/a.json" declares no var "y"
  2 |  "a": {"kind": "pipeline", "file": "lib/a.json", "vars": {"y": "1"}, "from": "b", "workers": 3},
    |                                                          ^~~~~~~~~~
job.json:2:70: error: stage "a" takes no items
  2 |  "a": {"kind": "pipeline", "file": "lib/a.json", "vars": {"y": "1"}, "from": "b", "workers": 3},
    |                                                                      ^~~~~~
  hint: kind "pipeline" is a source
job.json:2:94: error: "workers" has no effect on a pipeline
  2 |  "a": {"kind": "pipeline", "file": "lib/a.json", "vars": {"y": "1"}, "from": "b", "workers": 3},
    |                                                                                              ^
  hint: its stages have theirs
job.json:3:36: error: cannot read "none.json": there is no such file
  3 |  "b": {"kind": "pipeline", "file": "none.json", "buffer": 4, "pool": "p", "weight": 2},
    |                                    ^~~~~~~~~~~
job.json:3:49: error: "buffer" has no effect on a pipeline
  3 |  "b": {"kind": "pipeline", "file": "none.json", "buffer": 4, "pool": "p", "weight": 2},
    |                                                 ^~~~~~~~
  hint: its stages have theirs
job.json:3:70: error: "pool" has no effect on a pipeline
  3 |  "b": {"kind": "pipeline", "file": "none.json", "buffer": 4, "pool": "p", "weight": 2},
    |                                                                      ^~~
  hint: its stages have theirs
job.json:3:85: error: "weight" has no effect on a pipeline
  3 |  "b": {"kind": "pipeline", "file": "none.json", "buffer": 4, "pool": "p", "weight": 2},
    |                                                                                     ^
  hint: its stages have theirs
lib/a.json:2:44: error: stage "a/s" reads from unknown stage "a/t"
  2 |  "stages": {"s": {"kind": "write", "from": "t"}, "w": {"kind": "wlak"}}}
    |                                            ^~~
lib/a.json:2:64: error: unknown kind "wlak"
  2 |  "stages": {"s": {"kind": "write", "from": "t"}, "w": {"kind": "wlak"}}}
    |                                                                ^~~~~~
  hint: did you mean "walk"?
gorun: 9 errors; nothing was run
)");
  }

  TEST_CASE("a mistake in a file that several pipelines run is told once, and so is a warning") {
    FakeWorld world{
        .texts = {
            {"job.json", R"({"gorun": 1, "stages": {
 "a": {"kind": "pipeline", "file": "k.json", "matrix": {"n": [1, 2]}}}})"},
            {"k.json", R"({"gorun": 1, "fail": "drain", "stages": {"x": {"kind": "exce"}}})"}}};
    CHECK(errors_of(world) == R"(k.json:1:56: error: unknown kind "exce"
  1 | {"gorun": 1, "fail": "drain", "stages": {"x": {"kind": "exce"}}}
    |                                                        ^~~~~~
  hint: did you mean "exec"?
gorun: 1 error; nothing was run
)");
    world.texts["k.json"] =
        R"({"gorun": 1, "fail": "drain", "stages": {"x": {"kind": "exec", "argv": ["x"]}}})";
    CHECK(stages_of(graph_of(world)) == "a[1]/x a[2]/x");
    CHECK(warnings_of(world).ends_with("gorun: 1 warning\n"));
  }

  TEST_CASE("vars that a pipeline gives wrong, or not, are blamed in its own file") {
    const FakeWorld world{.texts = {{"job.json", R"({"gorun": 1, "stages": {
 "a": {"kind": "pipeline", "file": "k.json", "vars": {"to": "prdo", "hots": "h"}},
 "b": {"kind": "pipeline", "file": "k.json"}}})"},
                                    {"k.json", R"({"gorun": 1, "vars": {"host": "h",
 "to": {"enum": ["prod", "test"], "required": true}}, "stages": {
 "x": {"kind": "exec", "argv": ["${{ vars.to }}", "${{ vars.host }}"]}}})"}}};
    CHECK(errors_of(world) == R"(job.json:2:54: error: "k.json" declares no var "hots"
  2 |  "a": {"kind": "pipeline", "file": "k.json", "vars": {"to": "prdo", "hots": "h"}},
    |                                                      ^~~~~~~~~~~~~~~~~~~~~~~~~~~
  hint: did you mean "host"?
job.json:2:54: error: var "to": expected "prod" or "test", got "prdo"
  2 |  "a": {"kind": "pipeline", "file": "k.json", "vars": {"to": "prdo", "hots": "h"}},
    |                                                      ^~~~~~~~~~~~~~~~~~~~~~~~~~~
  hint: did you mean "prod"?
job.json:3:36: error: var "to" has to be set
  3 |  "b": {"kind": "pipeline", "file": "k.json"}}}
    |                                    ^~~~~~~~
  hint: "vars": {"to": "VALUE"}
gorun: 3 errors; nothing was run
)");
  }

  TEST_CASE("what a pipeline's file says of its own runs has no effect, which is a warning") {
    const std::string stages =
        R"("stages": {"deploy": {"kind": "pipeline", "file": "lib/deploy.json"},
 "off": {"kind": "pipeline", "file": "lib/deploy.json", "if": false}}})";
    FakeWorld world{.texts = {{"job.json", R"({"gorun": 1, "limits": {"procs": 2}, )" + stages},
                              {"lib/deploy.json", R"({"gorun": 1, "name": "deploy", "fail": "drain",
 "limits": {"procs": 2, "max_load": 8}, "report": {"junit": "other.xml"},
 "targets": {"some": "copy", "default": "copy"}, "stages": {
 "copy": {"kind": "exec", "argv": ["cp"]}, "clean": {"kind": "exec", "argv": ["rm"]}}}
)"}}};
    CHECK(stages_of(graph_of(world)) == "deploy/copy deploy/clean");
    CHECK(
        warnings_of(world) ==
        R"(lib/deploy.json:1:32: warning: "fail" has no effect in the pipeline "deploy": the run goes by what "job.json" says
  1 | {"gorun": 1, "name": "deploy", "fail": "drain",
    |                                ^~~~~~
  hint: a file that includes this one may have it, for runs of its own
lib/deploy.json:2:2: warning: "limits" has no effect in the pipeline "deploy": the run goes by what "job.json" says
  2 |  "limits": {"procs": 2, "max_load": 8}, "report": {"junit": "other.xml"},
    |  ^~~~~~~~
  hint: a file that includes this one may have it, for runs of its own
lib/deploy.json:2:41: warning: "report" has no effect in the pipeline "deploy": the run goes by what "job.json" says
  2 |  "limits": {"procs": 2, "max_load": 8}, "report": {"junit": "other.xml"},
    |                                         ^~~~~~~~
  hint: a file that includes this one may have it, for runs of its own
lib/deploy.json:3:30: warning: the target "default" has no effect in the pipeline "deploy": all of its stages are run
  3 |  "targets": {"some": "copy", "default": "copy"}, "stages": {
    |                              ^~~~~~~~~
  hint: a file that includes this one may have it, for runs of its own
gorun: 4 warnings
)");

    // Nothing, where the run does what it asks for.
    world.texts["job.json"] =
        R"({"gorun": 1, "limits": {"procs": 2, "max_load": 8}, "fail": "drain",
 "report": {"junit": "other.xml", "html": "h"}, )" +
        stages;
    world.texts["lib/deploy.json"] =
        R"({"gorun": 1, "name": "deploy", "limits": {"procs": 2, "max_load": 8},
 "fail": "drain", "report": {"junit": "other.xml"}, "targets": {"some": "copy"}, "stages": {
 "copy": {"kind": "exec", "argv": ["cp"]}}})";
    CHECK(warnings_of(world).empty());
  }

  TEST_CASE("a file that would run itself is refused") {
    const FakeWorld world{
        .texts = {{"job.json",
                   R"({"gorun": 1, "stages": {"a": {"kind": "pipeline", "file": "b.json"}}}
)"},
                  {"b.json",
                   R"({"gorun": 1, "stages": {"c": {"kind": "pipeline", "file": "./job.json"}}}
)"}},
        .links = {{"./job.json", "job.json"}}};
    CHECK(errors_of(world) == R"(b.json:1:59: error: the pipeline "c" would run itself
  1 | {"gorun": 1, "stages": {"c": {"kind": "pipeline", "file": "./job.json"}}}
    |                                                           ^~~~~~~~~~~~
  hint: job.json -> b.json -> job.json
gorun: 1 error; nothing was run
)");
  }

  TEST_CASE("a pipeline runs after what it needs, and before what needs it") {
    const ScratchDir dir;
    const auto step = [&dir](const std::string& word) {
      return R"({"kind": "exec", "shell": "echo )" + word + " >> " + dir / "log" + "\"";
    };
    const FakeWorld world{
        .texts = {
            {"job.json", R"({"gorun": 1, "stages": {"first": )" + step("first") + R"(},
 "middle": {"kind": "pipeline", "file": "m.json", "needs": "first"},
 "last": )" + step("last") + R"(, "needs": "middle"}}})"},
            {"m.json", R"({"gorun": 1, "env": {"WORD": "hello"}, "stages": {"x": )" +
                           step("$WORD") + R"(}, "y": )" + step("y") + R"(, "needs": "x"}}})"}}};
    for (const int procs : {1, 2, 8}) {
      CAPTURE(procs);
      dir.write("log", "");
      const Outcome outcome = execute(graph_of(world), RunOptions{.procs = procs});
      CHECK(failures_of(outcome) == "");
      CHECK(read_whole_file(dir / "log") == "first\nhello\ny\nlast\n");
    }
  }
}

}  // namespace gorun::jobs::pipelines_test
