// tests/jobs/exec/exec_rules_test.cc - options of exec that do not go together.

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "jobs/diagnostic.h"
#include "jobs/graph.h"
#include "jobs/load.h"

namespace gorun::test::exec_rules_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/exec/rules");

TEST_CASE("options that have no meaning together are told apart") {
  const Source source("job.json", R"({"gorun": 1, "stages": {
  "i": {"kind": "items", "items": ["x"]},
  "a": {"kind": "exec", "from": "i", "argv": ["cat"], "batch": 2, "stdin": "item"},
  "b": {"kind": "exec", "argv": ["cat"], "batch": 2},
  "c": {"kind": "exec", "argv": ["cat"], "output": "raw", "max_output": 1}
}}
)");
  const Result<Graph> graph = load_job(source);
  REQUIRE_FALSE(graph.ok());
  CHECK(render(source, graph.errors()) ==
        R"(job.json:3:64: error: "batch" and "stdin": "item" exclude each other
  3 |   "a": {"kind": "exec", "from": "i", "argv": ["cat"], "batch": 2, "stdin": "item"},
    |                                                                ^
  hint: several items reach a command as arguments
job.json:4:51: error: "batch" gathers items, and there are none
  4 |   "b": {"kind": "exec", "argv": ["cat"], "batch": 2},
    |                                                   ^
  hint: without "from" a command runs once
job.json:5:73: error: "max_output" has no meaning with "output": "raw"
  5 |   "c": {"kind": "exec", "argv": ["cat"], "output": "raw", "max_output": 1}
    |                                                                         ^
  hint: it limits what "group" shows and what "capture" holds
gorun: 3 errors; nothing was run
)");
}

TEST_CASE("a command that is fed all items is not one for each of them") {
  const Source source("job.json", R"({"gorun": 1, "pools": {"p": 2}, "stages": {
  "i": {"kind": "items", "items": ["x"]},
  "a": {"kind": "exec", "from": "i", "argv": ["grep", "{}"], "batch": 2, "stdin": "items"},
  "b": {"kind": "exec", "from": "i", "argv": ["cat"], "stdin": "items", "retry": 2, "pool": "p"},
  "c": {"kind": "exec", "from": "i", "argv": ["cat"], "stdin": "items", "order": "input"},
  "d": {"kind": "exec", "argv": ["cat"], "stdin": "items"},
  "e": {"kind": "exec", "argv": ["cat"], "stdin_delimiter": ";", "stdout_delimiter": ";"},
  "f": {"kind": "exec", "from": "i", "argv": ["cat"], "stdin": "items", "heartbeat": 5},
  "g": {"kind": "exec", "argv": ["cat"], "heartbeat": 5, "jobserver_style": "fifo"},
  "h": {"kind": "exec", "argv": ["cat"], "stdout": "bytes", "max_record": "1MiB"},
  "w": {"kind": "write", "from": "h", "format": "bytes"}
}}
)");
  const Result<Graph> graph = load_job(source);
  REQUIRE_FALSE(graph.ok());
  CHECK(render(source, graph.errors()) ==
        R"(job.json:3:46: error: "argv" refers to an item, and the command is fed all of them
  3 |   "a": {"kind": "exec", "from": "i", "argv": ["grep", "{}"], "batch": 2, "stdin": "items"},
    |                                              ^~~~~~~~~~~~~~
  hint: "stdin": "none" or "item" runs a command for each
job.json:3:71: error: "batch" and "stdin": "items" exclude each other
  3 |   "a": {"kind": "exec", "from": "i", "argv": ["grep", "{}"], "batch": 2, "stdin": "items"},
    |                                                                       ^
  hint: one command is fed all items
job.json:4:64: error: "retry" and "stdin": "items" exclude each other
  4 |   "b": {"kind": "exec", "from": "i", "argv": ["cat"], "stdin": "items", "retry": 2, "pool": "p"},
    |                                                                ^~~~~~~
  hint: what a command had done with an item before it failed is not known
job.json:4:93: error: "pool" and "stdin": "items" exclude each other
  4 |   "b": {"kind": "exec", "from": "i", "argv": ["cat"], "stdin": "items", "retry": 2, "pool": "p"},
    |                                                                                             ^~~
  hint: such a command runs as long as items come; "workers" says how many there are
job.json:5:73: error: "order" and "stdin": "items" exclude each other
  5 |   "c": {"kind": "exec", "from": "i", "argv": ["cat"], "stdin": "items", "order": "input"},
    |                                                                         ^~~~~~~
  hint: which answer belongs to which item is not known
job.json:6:51: error: "stdin" is fed an item, and there is none
  6 |   "d": {"kind": "exec", "argv": ["cat"], "stdin": "items"},
    |                                                   ^~~~~~~
  hint: without "from" a command runs once
job.json:7:61: error: "stdin_delimiter" is used only with "stdin": "items"
  7 |   "e": {"kind": "exec", "argv": ["cat"], "stdin_delimiter": ";", "stdout_delimiter": ";"},
    |                                                             ^~~
job.json:7:86: error: "stdout_delimiter" is used only with "stdout": "items"
  7 |   "e": {"kind": "exec", "argv": ["cat"], "stdin_delimiter": ";", "stdout_delimiter": ";"},
    |                                                                                      ^~~
job.json:8:86: error: "heartbeat" and "stdin": "items" exclude each other
  8 |   "f": {"kind": "exec", "from": "i", "argv": ["cat"], "stdin": "items", "heartbeat": 5},
    |                                                                                      ^
  hint: a command that waits for items is silent, and not hung
job.json:9:55: error: "heartbeat" watches what a command says, and gorun does not see it
  9 |   "g": {"kind": "exec", "argv": ["cat"], "heartbeat": 5, "jobserver_style": "fifo"},
    |                                                       ^
  hint: "output": "line" or "group" shows it by way of gorun
job.json:9:77: error: "jobserver_style" is used only with "jobserver": true
  9 |   "g": {"kind": "exec", "argv": ["cat"], "heartbeat": 5, "jobserver_style": "fifo"},
    |                                                                             ^~~~~~
job.json:10:75: error: "max_record" is used only with "stdout": "items"
  10 |   "h": {"kind": "exec", "argv": ["cat"], "stdout": "bytes", "max_record": "1MiB"},
     |                                                                           ^~~~~~
gorun: 12 errors; nothing was run
)");
}

TEST_CASE("a default for \"max_record\" is taken by those that print items or make lists") {
  const Source source("job.json", R"({"gorun": 1, "defaults": {"max_record": 7}, "stages": {
  "a": {"kind": "exec", "argv": ["ls"], "stdout": "items"},
  "b": {"kind": "exec", "argv": ["ls"]},
  "c": {"kind": "reduce", "from": "a", "argv": ["cat"]},
  "d": {"kind": "reduce", "from": "a"},
  "w": {"kind": "write", "from": ["c", "d"]}
}}
)");
  const Result<Graph> graph = load_job(source);
  REQUIRE_MESSAGE(graph.ok(), (graph ? "" : render(source, graph.errors())));
  for (const StageSpec& stage : graph->stages) {
    if (stage.name == "w") continue;
    CAPTURE(stage.name);
    const bool heeds_it = stage.name != "b";
    CHECK(stage.options.integer("max_record") == (heeds_it ? 7 : std::int64_t{1} << 30));
  }
}

TEST_CASE("what keeps a command from being up to date, and paths that are none") {
  const Source source("job.json", R"({"gorun": 1, "stages": {
  "i": {"kind": "items", "items": ["x"]},
  "a": {"kind": "exec", "argv": ["ls"], "inputs": "a", "stdout": "items"},
  "b": {"kind": "exec", "from": "i", "argv": ["cat"], "outputs": "a", "stdin": "items"},
  "c": {"kind": "exec", "from": "i", "argv": ["c", "{#}"], "inputs": "{}"},
  "d": {"kind": "exec", "argv": ["c"], "inputs": "{}", "artifacts": ["a", "{/}"]},
  "e": {"kind": "exec", "argv": ["c"], "cache": "here"},
  "f": {"kind": "exec", "argv": ["c"], "inputs": [], "outputs": ["a", "[b", ""]},
  "g": {"kind": "exec", "from": "i", "argv": ["c"], "outputs": "o-{%}", "cache": 7},
  "h": {"kind": "exec", "argv": ["c"], "artifacts": {"path": "a"}},
  "k": {"kind": "exec", "argv": ["c"], "artifacts": {"paths": "/a", "when": "never", "to": ""}},
  "l": {"kind": "exec", "argv": ["c", "{%}"], "from": "i", "outputs": "{}", "cache": false},
  "w": {"kind": "write", "from": "a"}
}}
)");
  const Result<Graph> graph = load_job(source);
  REQUIRE_FALSE(graph.ok());
  CHECK(render(source, graph.errors()) ==
        R"(job.json:3:51: error: "inputs" and "stdout": "items" exclude each other
  3 |   "a": {"kind": "exec", "argv": ["ls"], "inputs": "a", "stdout": "items"},
    |                                                   ^~~
  hint: a command that is up to date is not run and prints no items
job.json:4:66: error: "outputs" and "stdin": "items" exclude each other
  4 |   "b": {"kind": "exec", "from": "i", "argv": ["cat"], "outputs": "a", "stdin": "items"},
    |                                                                  ^~~
  hint: what a command is fed is not known before it runs
job.json:5:46: error: {#} and {%} differ from run to run, and so the command would never be up to date
  5 |   "c": {"kind": "exec", "from": "i", "argv": ["c", "{#}"], "inputs": "{}"},
    |                                              ^~~~~~~~~~~~
  hint: "cache": false runs it always
job.json:6:50: error: "inputs" refers to an item, and there is none
  6 |   "d": {"kind": "exec", "argv": ["c"], "inputs": "{}", "artifacts": ["a", "{/}"]},
    |                                                  ^~~~
  hint: without "from" a command runs once
job.json:6:69: error: "artifacts" refers to an item, and there is none
  6 |   "d": {"kind": "exec", "argv": ["c"], "inputs": "{}", "artifacts": ["a", "{/}"]},
    |                                                                     ^~~~~~~~~~~~
  hint: without "from" a command runs once
job.json:7:49: error: "cache" is used only with "inputs" or "outputs"
  7 |   "e": {"kind": "exec", "argv": ["c"], "cache": "here"},
    |                                                 ^~~~~~
job.json:8:50: error: "inputs" is empty
  8 |   "f": {"kind": "exec", "argv": ["c"], "inputs": [], "outputs": ["a", "[b", ""]},
    |                                                  ^~
job.json:8:71: error: "outputs": "[b" is no pattern: "[" without "]"
  8 |   "f": {"kind": "exec", "argv": ["c"], "inputs": [], "outputs": ["a", "[b", ""]},
    |                                                                       ^~~~
job.json:8:77: error: "outputs": a path is empty
  8 |   "f": {"kind": "exec", "argv": ["c"], "inputs": [], "outputs": ["a", "[b", ""]},
    |                                                                             ^~
job.json:9:64: error: "outputs": {%} differs from run to run, and so would the path
  9 |   "g": {"kind": "exec", "from": "i", "argv": ["c"], "outputs": "o-{%}", "cache": 7},
    |                                                                ^~~~~~~
  hint: {} and {/.} stand for the item
job.json:9:82: error: "cache": expected true, false or a path, got a number
  9 |   "g": {"kind": "exec", "from": "i", "argv": ["c"], "outputs": "o-{%}", "cache": 7},
    |                                                                                  ^
job.json:10:54: error: unknown key "path"
  10 |   "h": {"kind": "exec", "argv": ["c"], "artifacts": {"path": "a"}},
     |                                                      ^~~~~~
  hint: did you mean "paths"?
job.json:11:63: error: "artifacts": "/a" leads out of the directory that the command runs in
  11 |   "k": {"kind": "exec", "argv": ["c"], "artifacts": {"paths": "/a", "when": "never", "to": ""}},
     |                                                               ^~~~
job.json:11:77: error: "when": expected "success", "failure" or "always", got "never"
  11 |   "k": {"kind": "exec", "argv": ["c"], "artifacts": {"paths": "/a", "when": "never", "to": ""}},
     |                                                                             ^~~~~~~
job.json:11:92: error: "to" is empty
  11 |   "k": {"kind": "exec", "argv": ["c"], "artifacts": {"paths": "/a", "when": "never", "to": ""}},
     |                                                                                            ^~
  hint: it is a path
gorun: 15 errors; nothing was run
)");
}

TEST_SUITE_END();

}  // namespace gorun::test::exec_rules_test
