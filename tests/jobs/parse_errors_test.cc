// tests/jobs/parse_errors_test.cc - wrong keys and types outside of options, whole outputs.
#include <doctest/doctest.h>

#include <span>
#include <string>
#include <string_view>

#include "jobs/load.h"
#include "tests/jobs/rejected_job.h"

namespace gorun::jobs::parse_errors_test {

namespace {

constexpr RejectedJob kRejected[] = {
    {"not an object",
     R"([1]
)",
     R"(job.json:1:1: error: a job file is an object, not an array
  1 | [1]
    | ^~~
gorun: 1 error; nothing was run
)",
     ""},
    {"nothing is there",
     R"({}
)",
     R"(job.json:1:1: error: the key "gorun" is missing
  1 | {}
    | ^
  hint: a job file says which format it has: "gorun": 1
job.json:1:1: error: the key "stages" is missing
  1 | {}
    | ^
  hint: "stages": {"hello": {"kind": "exec", "argv": ["echo", "hello"]}}
gorun: 2 errors; nothing was run
)",
     ""},
    {"version of the wrong type",
     R"({"gorun": "1", "stages": {"a": {"kind": "exec", "argv": ["true"]}}})",
     R"(job.json:1:11: error: "gorun": expected the number 1, got a string
  1 | {"gorun": "1", "stages": {"a": {"kind": "exec", "argv": ["true"]}}}
    |           ^~~
gorun: 1 error; nothing was run
)",
     ""},
    {"unsupported version", R"({"gorun": 2, "stages": {"a": {"kind": "exec", "argv": ["true"]}}})",
     R"(job.json:1:11: error: format version 2 is not supported
  1 | {"gorun": 2, "stages": {"a": {"kind": "exec", "argv": ["true"]}}}
    |           ^
  hint: this gorun reads version 1
gorun: 1 error; nothing was run
)",
     ""},
    {"no stages in it", R"({"gorun": 1, "stages": {}})",
     R"(job.json:1:24: error: "stages" is empty
  1 | {"gorun": 1, "stages": {}}
    |                        ^~
gorun: 1 error; nothing was run
)",
     ""},
    {"stages of the wrong type", R"({"gorun": 1, "stages": []})",
     R"(job.json:1:24: error: "stages": expected an object, got an array
  1 | {"gorun": 1, "stages": []}
    |                        ^~
gorun: 1 error; nothing was run
)",
     ""},
    {"a stage of the wrong type",
     R"({"gorun": 1,
 "stages": {
  "a": "exec"
}}
)",
     R"(job.json:3:8: error: stage "a": expected an object, got a string
  3 |   "a": "exec"
    |        ^~~~~~
gorun: 1 error; nothing was run
)",
     ""},
    {"unknown key at the top",
     R"({"gorun": 1, "matrix": {}, "stagse": {}, "x-note": "mine",
 "stages": {"a": {"kind": "exec", "argv": ["true"], "x-why": 1}}})",
     R"(job.json:1:14: error: unknown key "matrix"
  1 | {"gorun": 1, "matrix": {}, "stagse": {}, "x-note": "mine",
    |              ^~~~~~~~
  hint: the keys here are "gorun", "include", "name", "vars", "env", "dotenv", "defaults", "limits", "pools", "fail", "targets", "report" and "stages"
job.json:1:28: error: unknown key "stagse"
  1 | {"gorun": 1, "matrix": {}, "stagse": {}, "x-note": "mine",
    |                            ^~~~~~~~
  hint: did you mean "stages"?
gorun: 2 errors; nothing was run
)",
     ""},
    {"reports",
     R"({"gorun": 1, "report": {"junit": "", "trace": 1, "sumary": "s",
 "github": "on", "html": "${{ vars.h }}"}, "stages": {"a": {"kind": "exec", "argv": ["true"]}}})",
     R"(job.json:1:34: error: "junit" is empty
  1 | {"gorun": 1, "report": {"junit": "", "trace": 1, "sumary": "s",
    |                                  ^~
  hint: it is a path
job.json:1:47: error: "trace": expected a string, got a number
  1 | {"gorun": 1, "report": {"junit": "", "trace": 1, "sumary": "s",
    |                                               ^
job.json:1:50: error: unknown key "sumary"
  1 | {"gorun": 1, "report": {"junit": "", "trace": 1, "sumary": "s",
    |                                                  ^~~~~~~~
  hint: did you mean "summary"?
job.json:2:12: error: "github": expected true, false or "auto", got "on"
  2 |  "github": "on", "html": "${{ vars.h }}"}, "stages": {"a": {"kind": "exec", "argv": ["true"]}}}
    |            ^~~~
job.json:2:27: error: unknown var "h"
  2 |  "github": "on", "html": "${{ vars.h }}"}, "stages": {"a": {"kind": "exec", "argv": ["true"]}}}
    |                           ^~~~~~~~~~~~~
  hint: declare it under "vars"
gorun: 5 errors; nothing was run
)",
     ""},
    {"a report that is no object", R"({"gorun": 1, "report": "x.xml", "stages": {"a":
 {"kind": "exec", "argv": ["true"]}}})",
     R"(job.json:1:24: error: "report": expected an object, got a string
  1 | {"gorun": 1, "report": "x.xml", "stages": {"a":
    |                        ^~~~~~~
gorun: 1 error; nothing was run
)",
     ""},
    {"duplicate keys",
     R"({"gorun": 1,
 "gorun": 1,
 "stages": {
  "a": {"kind": "exec", "argv": ["true"]},
  "a": {"kind": "exec", "argv": ["true"], "argv": []}}})",
     R"(job.json:2:2: error: duplicate key "gorun"
  2 |  "gorun": 1,
    |  ^~~~~~~
  hint: it is first given at 1:2
job.json:5:3: error: duplicate key "a"
  5 |   "a": {"kind": "exec", "argv": ["true"], "argv": []}}}
    |   ^~~
  hint: it is first given at 4:3
job.json:5:43: error: duplicate key "argv"
  5 |   "a": {"kind": "exec", "argv": ["true"], "argv": []}}}
    |                                           ^~~~~~
  hint: it is first given at 5:25
gorun: 3 errors; nothing was run
)",
     ""},
    {"wrong types at the top",
     R"({"gorun": 1, "name": 5, "vars": [], "env": "A=B", "limits": 4, "fail": true,
 "stages": {"a": {"kind": "exec", "argv": ["true"]}}})",
     R"(job.json:1:22: error: "name": expected a string, got a number
  1 | {"gorun": 1, "name": 5, "vars": [], "env": "A=B", "limits": 4, "fail": true,
    |                      ^
job.json:1:33: error: "vars": expected an object, got an array
  1 | {"gorun": 1, "name": 5, "vars": [], "env": "A=B", "limits": 4, "fail": true,
    |                                 ^~
job.json:1:44: error: "env": expected an object, got a string
  1 | {"gorun": 1, "name": 5, "vars": [], "env": "A=B", "limits": 4, "fail": true,
    |                                            ^~~~~
job.json:1:61: error: "limits": expected an object, got a number
  1 | {"gorun": 1, "name": 5, "vars": [], "env": "A=B", "limits": 4, "fail": true,
    |                                                             ^
job.json:1:72: error: "fail": expected a string, got true
  1 | {"gorun": 1, "name": 5, "vars": [], "env": "A=B", "limits": 4, "fail": true,
    |                                                                        ^~~~
gorun: 5 errors; nothing was run
)",
     ""},
    {"wrong values at the top",
     R"({"gorun": 1, "vars": {"v": [1], "w": {"defualt": 1}, "y": null, "z": {"enum": 3}}, "env": {"": "x", "A=B": "y", "C": {}},
 "limits": {"procs": 0, "cheese": "1G"}, "fail": "keep-alive",
 "stages": {"a": {"kind": "exec", "argv": ["true"]}}})",
     R"(job.json:1:28: error: var "v": expected a string, a number or a boolean, got an array
  1 | {"gorun": 1, "vars": {"v": [1], "w": {"defualt": 1}, "y": null, "z": {"enum": 3}}, "env": {"": "x", "A=B": "y", "C": {}}...
    |                            ^~~
job.json:1:39: error: unknown key "defualt"
  1 | {"gorun": 1, "vars": {"v": [1], "w": {"defualt": 1}, "y": null, "z": {"enum": 3}}, "env": {"": "x", "A=B": "y", "C": {}}...
    |                                       ^~~~~~~~~
  hint: did you mean "default"?
job.json:1:59: error: var "y": expected a string, a number or a boolean, got null
  1 | {"gorun": 1, "vars": {"v": [1], "w": {"defualt": 1}, "y": null, "z": {"enum": 3}}, "env": {"": "x", "A=B": "y", "C": {}}...
    |                                                           ^~~~
job.json:1:79: error: "enum": expected an array of values, got a number
  1 | ...": {"v": [1], "w": {"defualt": 1}, "y": null, "z": {"enum": 3}}, "env": {"": "x", "A=B": "y", "C": {}},
    |                                                                ^
job.json:1:92: error: "" is not a name
  1 | ... "w": {"defualt": 1}, "y": null, "z": {"enum": 3}}, "env": {"": "x", "A=B": "y", "C": {}},
    |                                                                ^~
  hint: a name is not empty and holds neither "=" nor a NUL byte
job.json:1:101: error: "A=B" is not a name
  1 | ...efualt": 1}, "y": null, "z": {"enum": 3}}, "env": {"": "x", "A=B": "y", "C": {}},
    |                                                                ^~~~~
  hint: a name is not empty and holds neither "=" nor a NUL byte
job.json:1:118: error: "C": expected a string, a number or a boolean, got an object
  1 | ... null, "z": {"enum": 3}}, "env": {"": "x", "A=B": "y", "C": {}},
    |                                                                ^~
job.json:2:22: error: "procs": expected 1 to 1024, got 0
  2 |  "limits": {"procs": 0, "cheese": "1G"}, "fail": "keep-alive",
    |                      ^
job.json:2:25: error: unknown key "cheese"
  2 |  "limits": {"procs": 0, "cheese": "1G"}, "fail": "keep-alive",
    |                         ^~~~~~~~
  hint: the keys here are "procs", "memory", "open_files", "max_load" and "memfree"
job.json:2:50: error: "fail": expected "fast", "drain" or "keep-going", got "keep-alive"
  2 |  "limits": {"procs": 0, "cheese": "1G"}, "fail": "keep-alive",
    |                                                  ^~~~~~~~~~~~
gorun: 10 errors; nothing was run
)",
     ""},
    {"procs",
     R"({"gorun": 1, "limits": {"procs": "many"},
 "stages": {"a": {"kind": "exec", "argv": ["true"]}}})",
     R"(job.json:1:34: error: "procs": expected an integer or "auto", got "many"
  1 | {"gorun": 1, "limits": {"procs": "many"},
    |                                  ^~~~~~
gorun: 1 error; nothing was run
)",
     ""},
    {"no kind, unknown kind, wrong kind",
     R"({"gorun": 1,
 "stages": {
  "a": {"argv": ["true"]},
  "b": {"kind": "exce"},
  "c": {"kind": "teleport", "speed": 9},
  "d": {"kind": 4}
}}
)",
     R"(job.json:3:3: error: stage "a" has no "kind"
  3 |   "a": {"argv": ["true"]},
    |   ^~~
  hint: "gorun stages" lists the kinds
job.json:4:17: error: unknown kind "exce"
  4 |   "b": {"kind": "exce"},
    |                 ^~~~~~
  hint: did you mean "exec"?
job.json:5:17: error: unknown kind "teleport"
  5 |   "c": {"kind": "teleport", "speed": 9},
    |                 ^~~~~~~~~~
  hint: "gorun stages" lists the kinds
job.json:6:17: error: "kind": expected a string, got a number
  6 |   "d": {"kind": 4}
    |                 ^
gorun: 4 errors; nothing was run
)",
     ""},
    {"not a stage name",
     R"({"gorun": 1,
 "stages": {
  "a b": {"kind": "exec", "argv": ["true"]},
  "": {"kind": "exec", "argv": ["true"]},
  "a.b": {"kind": "exec", "argv": ["true"]}
}}
)",
     R"(job.json:3:3: error: "a b" is not a stage name
  3 |   "a b": {"kind": "exec", "argv": ["true"]},
    |   ^~~~~
  hint: a stage name has letters, digits, "_" and "-"
job.json:4:3: error: "" is not a stage name
  4 |   "": {"kind": "exec", "argv": ["true"]},
    |   ^~
  hint: a stage name has letters, digits, "_" and "-"
job.json:5:3: error: "a.b" is not a stage name
  5 |   "a.b": {"kind": "exec", "argv": ["true"]}
    |   ^~~~~
  hint: a stage name has letters, digits, "_" and "-"
gorun: 3 errors; nothing was run
)",
     ""},
};

}  // namespace

std::span<const RejectedJob> rejected() { return kRejected; }

TEST_SUITE("jobs/parse") {
  TEST_CASE("wrong keys and types are all blamed at once") {
    for (const RejectedJob& job : kRejected) {
      CAPTURE(job.name);
      CHECK(rendered_errors(job) == job.errors);
    }
  }
}

}  // namespace gorun::jobs::parse_errors_test
