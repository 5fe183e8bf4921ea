// tests/jobs/selection_test.cc - which stages are run: matrix, if, targets; and what they inherit.
#include "jobs/selection.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/jobs/fake_world.h"

namespace gorun::jobs::selection_test {

using namespace gorun::test;

namespace {

FakeWorld world_of(const std::string& rest) {
  return {.texts = {{"job.json", "{\"gorun\": 1, " + rest + "}"}}};
}

std::string selected(const FakeWorld& world, const std::vector<std::string>& targets) {
  return stages_of(graph_of(world, {.targets = targets}));
}

std::string left_out(const FakeWorld& world, const LoadOptions& options = {}) {
  std::string all;
  for (const LeftOut& stage : graph_of(world, options).left_out) {
    all += stage.name + ": " + stage.why + "\n";
  }
  return all;
}

const std::string kPipelines = R"("stages": {
 "prepare": {"kind": "exec", "argv": ["true"]},
 "src": {"kind": "items", "items": ["1"], "needs": "prepare"},
 "up": {"kind": "map", "from": "src", "text": "u"},
 "down": {"kind": "map", "from": "src", "text": "d"},
 "w1": {"kind": "write", "from": "up"},
 "w2": {"kind": "write", "from": "down"},
 "alone": {"kind": "exec", "argv": ["true"]}})";

}  // namespace

TEST_SUITE("jobs/selection") {
  TEST_CASE("a target takes what it needs and reads, and no more") {
    const FakeWorld world = world_of(kPipelines);
    CHECK(selected(world, {}) == "prepare src up down w1 w2 alone");
    CHECK(selected(world, {"w1"}) == "prepare src up w1");
    CHECK(selected(world, {"alone"}) == "alone");
    CHECK(selected(world, {"alone", "w2"}) == "prepare src down w2 alone");
    CHECK(left_out(world, {.targets = {"w1"}}) ==
          "down: no target asks for it\nw2: no target asks for it\nalone: no target asks for it\n");
  }

  TEST_CASE("items that nobody else would read have their readers run") {
    const FakeWorld world = world_of(kPipelines);
    CHECK(selected(world, {"up"}) == "prepare src up w1");
    CHECK(selected(world, {"src"}) == "prepare src up down w1 w2");
  }

  TEST_CASE("targets have names, and one is the usual one") {
    const FakeWorld world =
        world_of(R"("targets": {"default": "w1", "both": ["w1", "w2"]}, )" + kPipelines);
    CHECK(selected(world, {}) == "prepare src up w1");
    CHECK(selected(world, {"both"}) == "prepare src up down w1 w2");
    CHECK(selected(world, {"both", "alone"}) == "prepare src up down w1 w2 alone");
  }

  TEST_CASE("a target that is not there") {
    const FakeWorld world = world_of(R"("targets": {"both": "w1"}, )" + kPipelines);
    CHECK(errors_of(world, {.targets = {"bth", "zzz"}}) ==
          "gorun: error: there is no target and no stage \"bth\"\n"
          "  hint: did you mean \"both\"?\n"
          "gorun: error: there is no target and no stage \"zzz\"\n"
          "gorun: 2 errors; nothing was run\n");
    CHECK(errors_of(world_of(R"("targets": {"a": ["alon"], "b": []}, )" + kPipelines)) ==
          R"(job.json:1:32: error: target "a" names unknown stage "alon"
  1 | {"gorun": 1, "targets": {"a": ["alon"], "b": []}, "stages": {
    |                                ^~~~~~
  hint: did you mean "alone"? (declared at 8:2)
job.json:1:46: error: "b" is empty
  1 | {"gorun": 1, "targets": {"a": ["alon"], "b": []}, "stages": {
    |                                              ^~
gorun: 2 errors; nothing was run
)");
  }

  TEST_CASE("a stage whose if is false is left out, with what reads only from it") {
    const FakeWorld world = world_of(R"("stages": {
 "a": {"kind": "items", "items": ["1"], "if": false},
 "b": {"kind": "items", "items": ["2"]},
 "m": {"kind": "map", "from": "a", "text": "x"},
 "w": {"kind": "write", "from": ["m", "b"]},
 "v": {"kind": "write", "from": "m"},
 "then": {"kind": "exec", "argv": ["true"], "needs": ["v", "w"]}})");
    const Graph graph = graph_of(world);
    CHECK(stages_of(graph) == "b w then");
    CHECK(graph.stages[1].inputs.size() == 1);
    CHECK(graph.stages[2].needs == std::vector<std::size_t>{1});  // it does not wait for "v"
    CHECK(left_out(world) ==
          "a: its \"if\" is false\nm: it reads only from stages that are left out\n"
          "v: it reads only from stages that are left out\n");
  }

  TEST_CASE("what waits for a failure of stages that are all left out is left out as well") {
    const FakeWorld world = world_of(R"("stages": {
 "a": {"kind": "exec", "argv": ["true"], "if": false},
 "b": {"kind": "exec", "argv": ["true"]},
 "tell": {"kind": "items", "items": ["1"], "needs": "a", "when": "failure"},
 "w": {"kind": "write", "from": "tell", "needs": "a", "when": "always"},
 "either": {"kind": "exec", "argv": ["true"], "needs": ["a", "b"], "when": "failure"},
 "last": {"kind": "exec", "argv": ["true"], "needs": "a", "when": "always"}})");
    CHECK(stages_of(graph_of(world)) == "b either last");
    CHECK(left_out(world) ==
          "a: its \"if\" is false\ntell: it waits for a failure of stages that are left out\n"
          "w: it reads only from stages that are left out\n");
  }

  TEST_CASE("a matrix makes a stage of each combination") {
    const FakeWorld world = world_of(R"("vars": {"last": "z"}, "stages": {
 "t": {"kind": "exec", "matrix": {"os": ["a", "b"], "n": [1, 2.50, true, "${{ vars.last }}"]},
       "if": "matrix.n != 1 || matrix.os == 'a'", "argv": ["echo", "${{ matrix.os }}${{ matrix.n }}"]},
 "one": {"kind": "exec", "argv": ["true"], "needs": "t[b,2.50]"},
 "all": {"kind": "exec", "argv": ["true"], "needs": "t"}})");
    const Graph graph = graph_of(world);
    CHECK(stages_of(graph) ==
          "t[a,1] t[a,2.50] t[a,true] t[a,z] t[b,2.50] t[b,true] t[b,z] one all");
    CHECK(graph.stages[4].options.text_templates("argv")[1].constant_text() == "b2.50");
    CHECK(graph.stages[7].needs == std::vector<std::size_t>{4});
    CHECK(graph.stages[8].needs.size() == 7);
    CHECK(graph.stages[0].group == "t");
    CHECK(selected(world, {"t[a,z]"}) == "t[a,z]");
    CHECK(selected(world, {"one"}) == "t[b,2.50] one");
  }

  TEST_CASE("items flow from and to all stages of a matrix, or by a port of one") {
    const Graph graph = graph_of(world_of(R"("stages": {
 "s": {"kind": "items", "matrix": {"v": ["3.11", "x"]}, "items": ["${{ matrix.v }}"]},
 "m": {"kind": "map", "matrix": {"k": [1, 2]}, "from": "s", "text": "${{ matrix.k }}"},
 "w": {"kind": "write", "from": ["m", "s[3.11].out"]}})"));
    CHECK(graph.edges.size() == 4 + 2 + 1);
    CHECK(graph.stages[4].inputs.size() == 3);
  }

  TEST_CASE("a mistake in a stage with a matrix is told once") {
    CHECK(errors_of(world_of(R"("stages": {
 "t": {"kind": "exec", "matrix": {"os": ["a", "b"]}, "argv": [1], "needs": "x", "wrkers": 2},
 "u": {"kind": "exec", "matrix": {"os": ["a"]}, "argv": ["${{ matrix.on }}", "${{ matrix.os }}"]},
 "v": {"kind": "exec", "matrix": {"os": [], "1": [1], "a": 3}, "argv": ["true"]},
 "y": {"kind": "exec", "matrix": {"a": ["p,q", "p"], "b": ["r", "q,r"]}, "argv": ["true"]},
 "z": {"kind": "exec", "matrix": {}, "argv": ["true"]}})")) ==
          R"(job.json:2:63: error: "argv": expected a string, got a number
  2 |  "t": {"kind": "exec", "matrix": {"os": ["a", "b"]}, "argv": [1], "needs": "x", "wrkers": 2},
    |                                                               ^
job.json:2:76: error: stage "t" needs unknown stage "x"
  2 |  "t": {"kind": "exec", "matrix": {"os": ["a", "b"]}, "argv": [1], "needs": "x", "wrkers": 2},
    |                                                                            ^~~
job.json:2:81: error: unknown key "wrkers"
  2 |  "t": {"kind": "exec", "matrix": {"os": ["a", "b"]}, "argv": [1], "needs": "x", "wrkers": 2},
    |                                                                                 ^~~~~~~~
  hint: did you mean "workers"?
job.json:3:59: error: unknown key "on" of the matrix
  3 |  "u": {"kind": "exec", "matrix": {"os": ["a"]}, "argv": ["${{ matrix.on }}", "${{ matrix.os }}"]},
    |                                                           ^~~~~~~~~~~~~~~~
  hint: did you mean "os"?
)"
          R"(job.json:4:41: error: "os" is empty
  4 |  "v": {"kind": "exec", "matrix": {"os": [], "1": [1], "a": 3}, "argv": ["true"]},
    |                                         ^~
job.json:4:45: error: "1" is not a name
  4 |  "v": {"kind": "exec", "matrix": {"os": [], "1": [1], "a": 3}, "argv": ["true"]},
    |                                             ^~~
  hint: ${{ matrix.NAME }} has letters, digits, "_" and "-", and no digit first
job.json:4:60: error: "a": expected an array of values, got a number
  4 |  "v": {"kind": "exec", "matrix": {"os": [], "1": [1], "a": 3}, "argv": ["true"]},
    |                                                            ^
job.json:5:34: error: two combinations of the matrix are called "y[p,q,r]"
  5 |  "y": {"kind": "exec", "matrix": {"a": ["p,q", "p"], "b": ["r", "q,r"]}, "argv": ["true"]},
    |                                  ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
job.json:6:34: error: "matrix" is empty
  6 |  "z": {"kind": "exec", "matrix": {}, "argv": ["true"]}}}
    |                                  ^~
gorun: 9 errors; nothing was run
)");
  }

  TEST_CASE("defaults are for stages that can have them and do not say otherwise") {
    const Graph graph = graph_of(world_of(R"("pools": {"p": 4, "q": 8},
 "defaults": {"workers": 3, "buffer": 10, "stdout": "discard", "pool": "p", "weight": 2, "x-note": 1,
              "env": {"K": "${{ vars.v }}"}},
 "vars": {"v": "1"},
 "stages": {
  "a": {"kind": "exec", "argv": ["true"]},
  "b": {"kind": "exec", "argv": ["true"], "workers": 1, "pool": "q", "weight": 8, "stdout": "items"},
  "t": {"kind": "take", "from": "b", "n": 1},
  "w": {"kind": "write", "from": "t", "buffer": 7}})"));
    CHECK(graph.stages[0].workers == 3);
    CHECK(graph.stages[0].options.text("stdout") == "discard");
    CHECK(graph.stages[0].options.named_templates("env").front().second.constant_text() == "1");
    CHECK(graph.stages[0].pool == 0U);
    CHECK(graph.stages[0].weight == 2);
    CHECK(graph.stages[1].workers == 1);
    CHECK(graph.stages[1].pool == 1U);
    CHECK(graph.stages[1].weight == 8);
    CHECK(graph.stages[2].workers == 1);  // this kind has one worker
    CHECK(graph.edges[0].buffer == 10);
    CHECK(graph.edges[1].buffer == 7);
  }

  TEST_CASE("defaults stand in any order, and those for items are not for commands without") {
    const Graph graph = graph_of(world_of(R"("pools": {"p": 4},
 "defaults": {"weight": 2, "pool": "p", "cache": false, "outputs": "o/", "batch": 5, "stdin": "item"},
 "stages": {
  "s": {"kind": "items", "items": ["1"]},
  "once": {"kind": "exec", "argv": ["true"]},
  "each": {"kind": "exec", "from": "s", "argv": ["x"], "stdin": "none"}})"));
    for (std::size_t i : {1U, 2U}) {
      CHECK(graph.stages[i].pool == 0U);
      CHECK(graph.stages[i].weight == 2);
      CHECK(graph.stages[i].options.text("cache") == "false");
    }
    CHECK(graph.stages[1].options.integer("batch") == 1);
    CHECK(graph.stages[1].options.text("stdin") == "none");
    CHECK(graph.stages[2].options.integer("batch") == 5);
  }

  TEST_CASE("defaults that mean nothing beside what a stage says are not for it") {
    const Graph graph = graph_of(world_of(R"("pools": {"p": 4},
 "defaults": {"pool": "p", "weight": 2, "retry": 3, "heartbeat": "5m", "batch": 2, "max_output": "1MiB",
              "separator": ";", "header": false, "stdin_delimiter": "\u0000", "atomic": true,
              "jobserver_style": "fifo"},
 "stages": {
  "f": {"kind": "items", "items": ["a"]},
  "fed": {"kind": "exec", "from": "f", "argv": ["x"], "stdin": "items", "stdout": "items", "output": "line"},
  "each": {"kind": "exec", "from": "f", "argv": ["x"]},
  "r": {"kind": "read", "from": "fed"},
  "s": {"kind": "split", "from": "r"},
  "t": {"kind": "reduce", "from": "s", "argv": ["x"]},
  "w": {"kind": "write", "from": "t"},
  "c": {"kind": "read", "from": "f", "cut": "csv"},
  "v": {"kind": "split", "from": "c", "by": "csv", "columns": ["a"]},
  "o": {"kind": "write", "from": "v", "path": "o"}})"));
    const StageSpec& fed = graph.stages[1];
    CHECK_FALSE(fed.pool);
    CHECK(fed.weight == 1);
    CHECK(fed.failure.retry.max == 1);
    CHECK_FALSE(fed.options.has("heartbeat"));
    CHECK_FALSE(fed.options.has("max_output"));
    CHECK(fed.options.integer("batch") == 1);
    CHECK(fed.options.text("stdin_delimiter") == std::string(1, '\0'));
    const StageSpec& each = graph.stages[2];
    CHECK(each.pool == 0U);
    CHECK(each.weight == 2);
    CHECK(each.failure.retry.max == 3);
    CHECK(each.options.has("heartbeat"));
    CHECK(each.options.integer("batch") == 2);
    CHECK(each.options.text("stdin_delimiter") == "\n");
    CHECK_FALSE(graph.stages[5].pool);
    CHECK(graph.stages[3].options.text("separator") == ",");
    CHECK(graph.stages[4].options.text("separator") == ",");
    CHECK(graph.stages[7].options.text("separator") == ";");
    CHECK_FALSE(graph.stages[8].options.flag("header"));
  }

  TEST_CASE("what a kind asks for may be a default") {
    const Graph graph = graph_of(world_of(R"("defaults": {"n": 3, "items": ["x"]}, "stages": {
  "i": {"kind": "items"},
  "t": {"kind": "take", "from": "i"},
  "b": {"kind": "batch", "from": "t", "n": 2},
  "w": {"kind": "write", "from": "b"}})"));
    CHECK(graph.stages[0].options.items("items").size() == 1);
    CHECK(graph.stages[1].options.integer("n") == 3);
    CHECK(graph.stages[2].options.integer("n") == 2);
  }

  TEST_CASE("wrong defaults, pools and whens") {
    CHECK(errors_of(world_of(R"("pools": {"net": 2, "bad": 0},
 "defaults": {"kind": "exec", "stdot": "items", "stdin": "itm", "workers": "many"},
 "stages": {
  "a": {"kind": "exec", "argv": ["true"], "pool": "nte"},
  "b": {"kind": "exec", "argv": ["true"], "pool": "net", "weight": 3},
  "c": {"kind": "exec", "argv": ["true"], "weight": 2},
  "d": {"kind": "exec", "argv": ["true"], "when": "always"},
  "e": {"kind": "exec", "argv": ["true"], "when": "allways", "needs": "d"},
  "s": {"kind": "items", "items": ["1"]},
  "l": {"kind": "write", "from": "s", "needs": "e", "when": "always"}
})")) ==
          R"(job.json:1:41: error: "bad": expected 1 to 1000000, got 0
  1 | {"gorun": 1, "pools": {"net": 2, "bad": 0},
    |                                         ^
job.json:2:15: error: "kind" cannot be a default
  2 |  "defaults": {"kind": "exec", "stdot": "items", "stdin": "itm", "workers": "many"},
    |               ^~~~~~
  hint: it belongs to each stage
job.json:2:31: error: no kind of stage has a key "stdot"
  2 |  "defaults": {"kind": "exec", "stdot": "items", "stdin": "itm", "workers": "many"},
    |                               ^~~~~~~
  hint: did you mean "stdout"?
job.json:2:58: error: "stdin": expected "none", "item" or "items", got "itm"
  2 |  "defaults": {"kind": "exec", "stdot": "items", "stdin": "itm", "workers": "many"},
    |                                                          ^~~~~
  hint: did you mean "item"?
job.json:2:76: error: "workers": expected an integer or "cpus", got "many"
  2 |  "defaults": {"kind": "exec", "stdot": "items", "stdin": "itm", "workers": "many"},
    |                                                                            ^~~~~~
job.json:4:51: error: unknown pool "nte"
  4 |   "a": {"kind": "exec", "argv": ["true"], "pool": "nte"},
    |                                                   ^~~~~
  hint: did you mean "net"?
job.json:5:68: error: pool "net" has fewer places than "weight" takes
  5 |   "b": {"kind": "exec", "argv": ["true"], "pool": "net", "weight": 3},
    |                                                                    ^
  hint: it has 2
job.json:6:53: error: "weight" without "pool" has no effect
  6 |   "c": {"kind": "exec", "argv": ["true"], "weight": 2},
    |                                                     ^
job.json:7:51: error: "when" asks how other stages ended, and the stage needs none
  7 |   "d": {"kind": "exec", "argv": ["true"], "when": "always"},
    |                                                   ^~~~~~~~
  hint: name them: "needs": [...]
job.json:8:51: error: "when": expected "success", "always" or "failure", got "allways"
  8 |   "e": {"kind": "exec", "argv": ["true"], "when": "allways", "needs": "d"},
    |                                                   ^~~~~~~~~
  hint: did you mean "always"?
job.json:10:34: error: stage "l" runs after a failure, and "s", whose items it reads, may not
  10 |   "l": {"kind": "write", "from": "s", "needs": "e", "when": "always"}
     |                                  ^~~
  hint: what it reads from needs "when", too
gorun: 11 errors; nothing was run
)");
  }
}

}  // namespace gorun::jobs::selection_test
