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

TEST_SUITE_END();
