// tests/jobs/validate_errors_test.cc - wrong graphs, whole outputs.
#include <doctest/doctest.h>

#include <span>
#include <string>
#include <string_view>

#include "jobs/load.h"
#include "tests/jobs/rejected_job.h"

namespace gorun::jobs::validate_errors_test {

namespace {

constexpr RejectedJob kRejected[] = {
    {"unknown stages",
     R"({"gorun": 1,
 "stages": {
  "split": {"kind": "items", "items": ["x"]},
  "count": {"kind": "reduce", "from": "splt"},
  "w": {"kind": "write", "from": ["count", "nowhere"], "needs": ["cuont", "lint"]}
}}
)",
     R"(job.json:4:39: error: stage "count" reads from unknown stage "splt"
  4 |   "count": {"kind": "reduce", "from": "splt"},
    |                                       ^~~~~~
  hint: did you mean "split"? (declared at 3:3)
job.json:5:44: error: stage "w" reads from unknown stage "nowhere"
  5 |   "w": {"kind": "write", "from": ["count", "nowhere"], "needs": ["cuont", "lint"]}
    |                                            ^~~~~~~~~
job.json:5:66: error: stage "w" needs unknown stage "cuont"
  5 |   "w": {"kind": "write", "from": ["count", "nowhere"], "needs": ["cuont", "lint"]}
    |                                                                  ^~~~~~~
  hint: did you mean "count"? (declared at 4:3)
job.json:5:75: error: stage "w" needs unknown stage "lint"
  5 |   "w": {"kind": "write", "from": ["count", "nowhere"], "needs": ["cuont", "lint"]}
    |                                                                           ^~~~~~
gorun: 4 errors; nothing was run
)",
     ""},
    {"unknown ports",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "items", "items": ["x"]},
  "b": {"kind": "write", "from": "a.errors"},
  "c": {"kind": "write", "from": {"stage": "a", "port": "ot"}, "path": "c"},
  "d": {"kind": "write", "from": "a.", "path": "d"},
  "e": {"kind": "write", "from": ".out", "path": "e"}
}}
)",
     R"(job.json:4:37: error: stage "a" has no port "errors"
  4 |   "b": {"kind": "write", "from": "a.errors"},
    |                                     ^~~~~~
  hint: ports of kind "items": "out"
job.json:5:57: error: stage "a" has no port "ot"
  5 |   "c": {"kind": "write", "from": {"stage": "a", "port": "ot"}, "path": "c"},
    |                                                         ^~~~
  hint: did you mean "out"?
job.json:6:34: error: stage "a" has no port ""
  6 |   "d": {"kind": "write", "from": "a.", "path": "d"},
    |                                  ^~~~
  hint: ports of kind "items": "out"
job.json:7:34: error: stage "e" reads from unknown stage ""
  7 |   "e": {"kind": "write", "from": ".out", "path": "e"}
    |                                  ^~~~~~
gorun: 4 errors; nothing was run
)",
     ""},
    {"ports where stages are named, and a stage of a matrix that is not there",
     R"({"gorun": 1,
 "targets": {"all": "b.out"},
 "stages": {
  "a": {"kind": "items", "items": ["x"], "matrix": {"v": ["3.11", "x"]}},
  "b": {"kind": "exec", "argv": ["true"], "needs": ["a[3.11].out", "a[3.12]"]},
  "w": {"kind": "write", "from": "a"}
}}
)",
     R"(job.json:2:21: error: target "all" names unknown stage "b.out"
  2 |  "targets": {"all": "b.out"},
    |                     ^~~~~~~
  hint: did you mean "b"? (declared at 5:3)
job.json:5:53: error: stage "b" needs unknown stage "a[3.11].out"
  5 |   "b": {"kind": "exec", "argv": ["true"], "needs": ["a[3.11].out", "a[3.12]"]},
    |                                                     ^~~~~~~~~~~~~
  hint: did you mean "a[3.11]"? (declared at 4:3)
job.json:5:68: error: stage "b" needs unknown stage "a[3.12]"
  5 |   "b": {"kind": "exec", "argv": ["true"], "needs": ["a[3.11].out", "a[3.12]"]},
    |                                                                    ^~~~~~~~~
  hint: did you mean "a[3.11]"? (declared at 4:3)
gorun: 3 errors; nothing was run
)",
     ""},
    {"a stage that reads from itself",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "map", "from": "a", "text": "x"},
  "b": {"kind": "exec", "argv": ["true"], "needs": "b"}
}}
)",
     R"(job.json:3:32: error: stage "a" reads from itself
  3 |   "a": {"kind": "map", "from": "a", "text": "x"},
    |                                ^~~
job.json:4:52: error: stage "b" needs itself
  4 |   "b": {"kind": "exec", "argv": ["true"], "needs": "b"}
    |                                                    ^~~
gorun: 2 errors; nothing was run
)",
     ""},
    {"a cycle of data",
     R"({"gorun": 1,
 "stages": {
  "i": {"kind": "items", "items": ["x"]},
  "a": {"kind": "map", "from": ["i", "c"], "text": "x"},
  "b": {"kind": "map", "from": "a", "text": "x"},
  "c": {"kind": "map", "from": "b", "text": "x"},
  "w": {"kind": "write", "from": "c"}
}}
)",
     R"(job.json:4:38: error: stages wait for each other: a -> b -> c -> a
  4 |   "a": {"kind": "map", "from": ["i", "c"], "text": "x"},
    |                                      ^~~
  hint: "b" reads from "a" at 5:32, "c" reads from "b" at 6:32, "a" reads from "c" at 4:38
gorun: 1 error; nothing was run
)",
     ""},
    {"a cycle of needs",
     R"({"gorun": 1,
 "stages": {
  "build": {"kind": "exec", "argv": ["make"], "needs": ["lint"]},
  "lint": {"kind": "exec", "argv": ["lint"], "needs": "build"},
  "test": {"kind": "exec", "argv": ["test"], "needs": ["build"]}
}}
)",
     R"(job.json:3:57: error: stages wait for each other: build -> lint -> build
  3 |   "build": {"kind": "exec", "argv": ["make"], "needs": ["lint"]},
    |                                                         ^~~~~~
  hint: "lint" needs "build" at 4:55, "build" needs "lint" at 3:57
gorun: 1 error; nothing was run
)",
     ""},
    {"a cycle of both, and another one",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "exec", "argv": ["x"], "stdout": "items", "needs": "c"},
  "b": {"kind": "map", "from": "a", "text": "x"},
  "c": {"kind": "write", "from": "b"},
  "d": {"kind": "exec", "argv": ["x"], "needs": "e"},
  "e": {"kind": "exec", "argv": ["x"], "needs": "d"}
}}
)",
     R"(job.json:3:68: error: stages wait for each other: a -> b -> c -> a
  3 |   "a": {"kind": "exec", "argv": ["x"], "stdout": "items", "needs": "c"},
    |                                                                    ^~~
  hint: "b" reads from "a" at 4:32, "c" reads from "b" at 5:34, "a" needs "c" at 3:68
job.json:6:49: error: stages wait for each other: d -> e -> d
  6 |   "d": {"kind": "exec", "argv": ["x"], "needs": "e"},
    |                                                 ^~~
  hint: "e" needs "d" at 7:49, "d" needs "e" at 6:49
gorun: 2 errors; nothing was run
)",
     ""},
    {"a stage that needs what feeds it",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "items", "items": ["x"]},
  "b": {"kind": "write", "from": "a", "needs": "a"}
}}
)",
     R"(job.json:4:48: error: stage "b" needs "a", which cannot complete before it starts
  4 |   "b": {"kind": "write", "from": "a", "needs": "a"}
    |                                                ^~~
  hint: channels are bounded, so each of these waits for the one before it: b, a, b
gorun: 1 error; nothing was run
)",
     ""},
    {"a diamond that can never drain",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "walk"},
  "b": {"kind": "map", "from": "a", "text": "x"},
  "log": {"kind": "write", "from": "a", "path": "log"},
  "run": {"kind": "exec", "from": "b", "argv": ["cat", "{}"], "needs": "log"}
}}
)",
     R"(job.json:6:72: error: stage "run" needs "log", which cannot complete before it starts
  6 |   "run": {"kind": "exec", "from": "b", "argv": ["cat", "{}"], "needs": "log"}
    |                                                                        ^~~~~
  hint: channels are bounded, so each of these waits for the one before it: run, b, a, log, run
gorun: 1 error; nothing was run
)",
     ""},
    {"inputs that do not fit the kind",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "items", "items": ["x"]},
  "b": {"kind": "walk", "from": "a"},
  "c": {"kind": "map", "text": "x"},
  "w": {"kind": "write"},
  "v": {"kind": "write", "from": ["b", "c"], "path": "v"}
}}
)",
     R"(job.json:4:25: error: stage "b" takes no items
  4 |   "b": {"kind": "walk", "from": "a"},
    |                         ^~~~~~
  hint: kind "walk" is a source
job.json:5:3: error: stage "c" has no "from"
  5 |   "c": {"kind": "map", "text": "x"},
    |   ^~~
  hint: kind "map" works on the items of another stage
job.json:6:3: error: stage "w" has no "from"
  6 |   "w": {"kind": "write"},
    |   ^~~
  hint: kind "write" works on the items of another stage
gorun: 3 errors; nothing was run
)",
     ""},
    {"items of stages that send none",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "items", "items": ["x"]},
  "w": {"kind": "write", "from": "a"},
  "e": {"kind": "exec", "argv": ["ls"]},
  "v": {"kind": "write", "from": ["w", "e"], "path": "v"}
}}
)",
     R"(job.json:6:35: error: stage "v" reads from "w", which sends no items
  6 |   "v": {"kind": "write", "from": ["w", "e"], "path": "v"}
    |                                   ^~~
  hint: kind "write" is a sink
job.json:6:40: error: stage "v" reads from "e", which sends no items
  6 |   "v": {"kind": "write", "from": ["w", "e"], "path": "v"}
    |                                        ^~~
  hint: "stdout": "items" makes an item of every line that it prints
gorun: 2 errors; nothing was run
)",
     ""},
    {"items that nobody reads",
     R"({"gorun": 1,
 "stages": {
  "files": {"kind": "walk"},
  "sums": {"kind": "hash", "from": "files"},
  "ls": {"kind": "exec", "argv": ["ls"], "stdout": "items"}
}}
)",
     R"(job.json:4:3: error: no stage reads the items of stage "sums"
  4 |   "sums": {"kind": "hash", "from": "files"},
    |   ^~~~~~
  hint: to print them: "print": {"kind": "write", "from": "sums"}
job.json:5:3: error: no stage reads the items of stage "ls"
  5 |   "ls": {"kind": "exec", "argv": ["ls"], "stdout": "items"}
    |   ^~~~
  hint: "stdout": "inherit" or "discard" makes no items
gorun: 2 errors; nothing was run
)",
     ""},
    {"the same stage twice",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "items", "items": ["x"]},
  "b": {"kind": "write", "from": ["a", "a.out"]},
  "c": {"kind": "exec", "argv": ["true"], "needs": ["b", "b"]}
}}
)",
     R"(job.json:4:40: error: stage "b" reads from "a" twice
  4 |   "b": {"kind": "write", "from": ["a", "a.out"]},
    |                                        ^~~~~~~
job.json:5:58: error: stage "c" needs "b" twice
  5 |   "c": {"kind": "exec", "argv": ["true"], "needs": ["b", "b"]}
    |                                                          ^~~
gorun: 2 errors; nothing was run
)",
     ""},
    {"more mistakes than are shown",
     R"({"gorun": 1,
 "stages": {
  "s0": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s1": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s2": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s3": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s4": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s5": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s6": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s7": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s8": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s9": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s10": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s11": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s12": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s13": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s14": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s15": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s16": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s17": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s18": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s19": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s20": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s21": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s22": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s23": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
  "s24": {"kind": "exec", "argv": ["true"], "needs": "nothing"}
}}
)",
     R"(job.json:3:53: error: stage "s0" needs unknown stage "nothing"
  3 |   "s0": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
    |                                                     ^~~~~~~~~
job.json:4:53: error: stage "s1" needs unknown stage "nothing"
  4 |   "s1": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
    |                                                     ^~~~~~~~~
job.json:5:53: error: stage "s2" needs unknown stage "nothing"
  5 |   "s2": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
    |                                                     ^~~~~~~~~
job.json:6:53: error: stage "s3" needs unknown stage "nothing"
  6 |   "s3": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
    |                                                     ^~~~~~~~~
job.json:7:53: error: stage "s4" needs unknown stage "nothing"
  7 |   "s4": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
    |                                                     ^~~~~~~~~
job.json:8:53: error: stage "s5" needs unknown stage "nothing"
  8 |   "s5": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
    |                                                     ^~~~~~~~~
job.json:9:53: error: stage "s6" needs unknown stage "nothing"
  9 |   "s6": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
    |                                                     ^~~~~~~~~
job.json:10:53: error: stage "s7" needs unknown stage "nothing"
  10 |   "s7": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
     |                                                     ^~~~~~~~~
job.json:11:53: error: stage "s8" needs unknown stage "nothing"
  11 |   "s8": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
     |                                                     ^~~~~~~~~
job.json:12:53: error: stage "s9" needs unknown stage "nothing"
  12 |   "s9": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
     |                                                     ^~~~~~~~~
job.json:13:54: error: stage "s10" needs unknown stage "nothing"
  13 |   "s10": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
     |                                                      ^~~~~~~~~
job.json:14:54: error: stage "s11" needs unknown stage "nothing"
  14 |   "s11": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
     |                                                      ^~~~~~~~~
job.json:15:54: error: stage "s12" needs unknown stage "nothing"
  15 |   "s12": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
     |                                                      ^~~~~~~~~
job.json:16:54: error: stage "s13" needs unknown stage "nothing"
  16 |   "s13": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
     |                                                      ^~~~~~~~~
job.json:17:54: error: stage "s14" needs unknown stage "nothing"
  17 |   "s14": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
     |                                                      ^~~~~~~~~
job.json:18:54: error: stage "s15" needs unknown stage "nothing"
  18 |   "s15": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
     |                                                      ^~~~~~~~~
job.json:19:54: error: stage "s16" needs unknown stage "nothing"
  19 |   "s16": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
     |                                                      ^~~~~~~~~
job.json:20:54: error: stage "s17" needs unknown stage "nothing"
  20 |   "s17": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
     |                                                      ^~~~~~~~~
job.json:21:54: error: stage "s18" needs unknown stage "nothing"
  21 |   "s18": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
     |                                                      ^~~~~~~~~
job.json:22:54: error: stage "s19" needs unknown stage "nothing"
  22 |   "s19": {"kind": "exec", "argv": ["true"], "needs": "nothing"},
     |                                                      ^~~~~~~~~
... and 5 more
gorun: 25 errors; nothing was run
)",
     ""},
    {"tabs, CRLF and multi-byte names",
     "{\"gorun\": 1,\r\n\t\"stages\": {\r\n\t\t\"чтение\": {\"kind\": \"walk\"},\r\n\t\t\"日\": "
     "{\"kind\": \"write\",\t\"from\": \"чтениe\"}\r\n}}\r\n",
     "job.json:4:34: error: stage \"日\" reads from unknown stage \"чтениe\"\n  4 | \t\t\"日\": "
     "{\"kind\": \"write\",\t\"from\": \"чтениe\"}\n    | \t\t                      \t        "
     "^~~~~~~~\n  hint: did you mean \"чтение\"? (declared at 3:3)\ngorun: 1 error; nothing was "
     "run\n",
     ""},
    {"control characters do not reach the terminal",
     "{\"gorun\": 1, /* \033[31m \342\200\256 */ \"matrix\": 1,\n \"stages\": {\"a\": {\"kind\": "
     "\"exec\", \"argv\": [\"true\"], \"needs\": \"\\u001b[2J\"}}}",
     R"(job.json:1:28: error: unknown key "matrix"
  1 | {"gorun": 1, /* ?[31m ? */ "matrix": 1,
    |                            ^~~~~~~~
  hint: the keys here are "gorun", "include", "name", "vars", "env", "dotenv", "defaults", "limits", "pools", "fail", "targets", "report" and "stages"
job.json:2:62: error: stage "a" needs unknown stage "\x1b[2J"
  2 |  "stages": {"a": {"kind": "exec", "argv": ["true"], "needs": "\u001b[2J"}}}
    |                                                              ^~~~~~~~~~~
gorun: 2 errors; nothing was run
)",
     ""},
};

}  // namespace

std::span<const RejectedJob> rejected() { return kRejected; }

TEST_SUITE("jobs/validate") {
  TEST_CASE("a wrong graph is blamed where it is wrong") {
    for (const RejectedJob& job : kRejected) {
      CAPTURE(job.name);
      CHECK(rendered_errors(job) == job.errors);
    }
  }
}

}  // namespace gorun::jobs::validate_errors_test
