// tests/jobs/exec/exec_rules_test.cc - options of exec that do not go together.

#include <doctest/doctest.h>

#include <string>

#include "jobs/diagnostic.h"
#include "jobs/load.h"

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
  "g": {"kind": "exec", "argv": ["cat"], "heartbeat": 5, "jobserver_style": "fifo"}
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
  9 |   "g": {"kind": "exec", "argv": ["cat"], "heartbeat": 5, "jobserver_style": "fifo"}
    |                                                       ^
  hint: "output": "line" or "group" shows it by way of gorun
job.json:9:77: error: "jobserver_style" is used only with "jobserver": true
  9 |   "g": {"kind": "exec", "argv": ["cat"], "heartbeat": 5, "jobserver_style": "fifo"}
    |                                                                             ^~~~~~
gorun: 11 errors; nothing was run
)");
}

TEST_SUITE_END();
