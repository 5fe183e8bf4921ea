// tests/jobs/vars_test.cc - where the value of a var comes from, and what is secret about it.
#include "jobs/vars.h"

#include <doctest/doctest.h>

#include <string>

#include "jobs/secrets.h"
#include "tests/jobs/fake_world.h"

namespace gorun::jobs::vars_test {

using namespace gorun::test;

namespace {

FakeWorld world_with(const std::string& vars, const std::string& value = "${{ vars.x }}") {
  return {.texts = {{"job.json", "{\"gorun\": 1, \"vars\": {\"x\": " + vars +
                                     "},\n \"env\": {\"X\": \"" + value +
                                     "\"}, \"stages\": {\"a\": {\"kind\": \"exec\", \"argv\": "
                                     "[\"true\"]}}}"}}};
}

}  // namespace

TEST_SUITE("jobs/vars") {
  TEST_CASE("--set wins over the environment, and that over the default") {
    FakeWorld world = world_with(R"({"default": "d", "env": "X_VAR"})");
    CHECK(graph_of(world).env.front().second == "d");
    world.variables["X_VAR"] = "e";
    CHECK(graph_of(world).env.front().second == "e");
    CHECK(graph_of(world, {.settings = {{"x", "s"}}}).env.front().second == "s");
    world.variables["X_VAR"] = "";
    CHECK(graph_of(world).env.front().second.empty());  // set, to nothing
  }

  TEST_CASE("a number of a var may be below zero, where the key takes such") {
    const std::string job = R"({"gorun": 1, "vars": {"first": 2, "step": -3}, "stages": {
 "n": {"kind": "range", "from_n": "${{ vars.first }}", "to": -9, "step": "${{ vars.step }}"},
 "w": {"kind": "write", "from": "n", "buffer": "${{ vars.first }}"}}})";
    const FakeWorld world{.texts = {{"job.json", job}}};
    const Graph graph = graph_of(world);
    CHECK(graph.stages[0].options.integer("from_n") == 2);
    CHECK(graph.stages[0].options.integer("step") == -3);
    CHECK(errors_of(world, {.settings = {{"first", "-5"}}}) ==
          R"(job.json:3:48: error: "buffer": expected 1 to 16777216, got -5
  3 |  "w": {"kind": "write", "from": "n", "buffer": "${{ vars.first }}"}}}
    |                                                ^~~~~~~~~~~~~~~~~~~
gorun: 1 error; nothing was run
)");
    CHECK(errors_of(world, {.settings = {{"first", "4KiB"}}})
              .find("expected an integer, got \"4KiB\"") != std::string::npos);
  }

  TEST_CASE("a value that nobody gives is asked for") {
    const FakeWorld world = world_with(R"({"env": "X_VAR"})");
    CHECK(errors_of(world) ==
          "gorun: error: var \"x\" has to be set\n"
          "  hint: --set x=VALUE, or the environment variable X_VAR\n"
          "gorun: 1 error; nothing was run\n");
  }

  TEST_CASE("a wrong value of the environment is blamed there") {
    FakeWorld world = world_with(R"({"default": "a", "env": "X_VAR", "enum": ["a", "bb"]})");
    world.variables["X_VAR"] = "b";
    CHECK(errors_of(world) ==
          "gorun: error: environment variable \"X_VAR\": var \"x\": expected \"a\" or \"bb\", got "
          "\"b\"\ngorun: 1 error; nothing was run\n");
  }

  TEST_CASE("neither a secret nor its line is shown") {
    CHECK(errors_of(world_with(R"({"default": "canary", "secret": true, "nope": 1})")) ==
          "job.json:1:66: error: unknown key \"nope\"\ngorun: 1 error; nothing was run\n");
    const std::string said =
        errors_of(world_with(R"({"required": true, "secret": true, "enum": ["hush-1", "hush-2"]})"),
                  {.settings = {{"x", "canary-canary"}}});
    CHECK(said ==
          "gorun: error: --set: var \"x\": the value is none of \"enum\"\n"
          "gorun: 1 error; nothing was run\n");
  }

  TEST_CASE("a var whose \"secret\" is not quite right is one") {
    const FakeWorld world{.texts = {{"job.json", R"({"gorun": 1, "vars": {
  "a": {"secrt": true, "default": "canary-a"},
  "b": {"default": "canary-b", "secret": "true"},
  "c": {"default": "plain", "requird": true}},
 "stages": {"x": {"kind": "exec", "argv": ["true"]}}}
)"}}};
    CHECK(errors_of(world) ==
          R"(job.json:2:9: error: unknown key "secrt"
  hint: did you mean "secret"?
job.json:3:42: error: "secret": expected true or false, got a string
job.json:4:29: error: unknown key "requird"
  4 |   "c": {"default": "plain", "requird": true}},
    |                             ^~~~~~~~~
  hint: did you mean "required"?
gorun: 3 errors; nothing was run
)");
  }

  TEST_CASE("a secret in a message is masked, also where the message is cut") {
    const std::string secret = "k\"ey-" + std::string(100, 'z');
    const FakeWorld world{
        .texts = {{"job.json", R"({"gorun": 1, "vars": {"x": {"required": true, "secret": true}},
 "stages": {"a": {"kind": "walk", "type": "${{ vars.x }}"}, "w": {"kind": "write", "from": "a"}}})"}}};
    const std::string said = errors_of(world, {.settings = {{"x", secret}}});
    CHECK(said.find("zzz") == std::string::npos);
    CHECK(said.find("got \"***...\"") != std::string::npos);
  }

  TEST_CASE("a secret is found in every form in which a message shows it") {
    Secrets secrets;
    secrets.add("it's \"a\"\nb\\c\xff");
    for (const char* form :
         {"it's \"a\"\nb\\c\xff", R"(it's \"a\"\nb\\c\xff)", R"(it's "a"?b\c?)"}) {
      CAPTURE(std::string(form));
      CHECK(secrets.masked("<" + std::string(form) + ">") == "<***>");
    }
    CHECK(secrets.masked("it's \"b\"") == "it's \"b\"");
    CHECK(Secrets().masked("text") == "text");
  }

  TEST_CASE("the lines of a secret are secret, and so is its beginning") {
    Secrets secrets;
    secrets.add("-----BEGIN-----\nabcdefghijklmnopqrstuvwxyz\nxy\n");
    CHECK(secrets.masked("item abcdefghijklmnopqrstuvwxyz failed, xy") == "item *** failed, xy");
    CHECK(secrets.masked("cut abcdefghijklmnopqr...") == "cut ***...");
    CHECK(secrets.masked("cut abcdefgh...") == "cut ***...");
    CHECK(secrets.masked("cut ab...") == "cut ab...");
  }

  TEST_CASE("several secrets that overlap leave nothing of either") {
    Secrets secrets;
    secrets.add("abcdef");
    secrets.add("defghi");
    secrets.add("");
    CHECK(secrets.masked("abcdefghi") == "***");
    CHECK(secrets.masked("abcdef defghi") == "*** ***");
  }

  TEST_CASE("files() stands for as many texts as there are files") {
    const FakeWorld world{.texts = {{"job.json", R"({"gorun": 1, "stages": {
 "a": {"kind": "exec", "argv": ["ls", "${{ files('*.c') }}", "z"]},
 "i": {"kind": "items", "items": ["0", "${{ files( '*.c' ) }}"]},
 "w": {"kind": "walk", "root": "${{ files('*.c') }}"},
 "m": {"kind": "exec", "matrix": {"f": ["${{ files('*.c') }}"]}, "argv": ["cc", "${{ matrix.f }}"]},
 "o": {"kind": "write", "from": ["i", "w"]}}})"}},
                          .globs = {{"*.c", {"a.c", "b c.c"}}}};
    const Graph graph = graph_of(world);
    CHECK(stages_of(graph) == "a i w m[a.c] m[b c.c] o");
    CHECK(graph.stages[0].options.text_templates("argv").size() == 4);
    CHECK(graph.stages[1].options.items("items")[2].text == "b c.c");
    CHECK(graph.stages[2].options.texts("root") == std::vector<std::string>{"a.c", "b c.c"});
  }

  TEST_CASE("files() in the middle of a text, and without a match") {
    const FakeWorld world{.texts = {{"job.json", R"({"gorun": 1, "stages": {
 "a": {"kind": "exec", "argv": ["ls", "x${{ files('*.c') }}"]},
 "b": {"kind": "exec", "argv": ["ls", "${{ files('*.h') }}"]}}})"}}};
    CHECK(errors_of(world) ==
          R"(job.json:2:41: error: files() stands for several texts
  2 |  "a": {"kind": "exec", "argv": ["ls", "x${{ files('*.c') }}"]},
    |                                         ^~~~~~~~~~~~~~~~~~~
  hint: give it an element of its own in an array
job.json:3:39: error: no file matches "*.h"
  3 |  "b": {"kind": "exec", "argv": ["ls", "${{ files('*.h') }}"]}}})"
          R"(
    |                                       ^~~~~~~~~~~~~~~~~~~~~
gorun: 2 errors; nothing was run
)");
  }
}

}  // namespace gorun::jobs::vars_test
