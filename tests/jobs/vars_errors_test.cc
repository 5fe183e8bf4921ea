// tests/jobs/vars_errors_test.cc - wrong vars, expressions and rules between options, whole
// outputs.
#include <doctest/doctest.h>

#include <span>
#include <string>
#include <string_view>

#include "jobs/load.h"
#include "tests/jobs/rejected_job.h"

namespace gorun::jobs::vars_errors_test {

namespace {

constexpr RejectedJob kRejected[] = {
    {"expressions",
     R"({"gorun": 1, "vars": {"root": "src"},
 "stages": {
  "i": {"kind": "items", "items": ["${{ vars.a }}"]},
  "a": {"kind": "map", "from": "i", "text": "${{ vars.rot }} ${{ vars.a", "fields": {"x": "${{ item.b.c }}", "y": "\t\u00e9 ${{ run.number }}", "z": "${{}}"}},
  "w": {"kind": "write", "from": "a"}
}}
)",
     R"(job.json:3:37: error: unknown var "a"
  3 |   "i": {"kind": "items", "items": ["${{ vars.a }}"]},
    |                                     ^~~~~~~~~~~~~
  hint: declare it under "vars"
job.json:4:46: error: unknown var "rot"
  4 |   "a": {"kind": "map", "from": "i", "text": "${{ vars.rot }} ${{ vars.a", "fields": {"x": "${{ item.b.c }}", "y": "\t\u0...
    |                                              ^~~~~~~~~~~~~~~
  hint: did you mean "root"?
job.json:4:62: error: "${{" without "}}"
  4 | ... "a": {"kind": "map", "from": "i", "text": "${{ vars.rot }} ${{ vars.a", "fields": {"x": "${{ item.b.c }}", "y": "\t\u00...
    |                                                                ^~~
  hint: a literal "${{" is written "$${{"
job.json:4:92: error: unknown expression "item.b.c"
  4 | ..."i", "text": "${{ vars.rot }} ${{ vars.a", "fields": {"x": "${{ item.b.c }}", "y": "\t\u00e9 ${{ run.number }}", "z": "$...
    |                                                                ^~~~~~~~~~~~~~~
  hint: known here: vars.NAME, matrix.KEY, item, item.FIELD, run.status and files('PATTERN')
job.json:4:125: error: unknown expression "run.number"
  4 | ... vars.a", "fields": {"x": "${{ item.b.c }}", "y": "\t\u00e9 ${{ run.number }}", "z": "${{}}"}},
    |                                                                ^~~~~~~~~~~~~~~~~
  hint: known here: vars.NAME, matrix.KEY, item, item.FIELD, run.status and files('PATTERN')
job.json:4:151: error: an empty expression
  4 | ..."${{ item.b.c }}", "y": "\t\u00e9 ${{ run.number }}", "z": "${{}}"}},
    |                                                                ^~~~~
  hint: known here: vars.NAME, matrix.KEY, item, item.FIELD, run.status and files('PATTERN')
gorun: 6 errors; nothing was run
)",
     ""},
    {"vars that no expression can name",
     R"({"gorun": 1, "vars": {"1st": 1, "a.b": {"default": 2}},
 "stages": {"a": {"kind": "exec", "argv": ["true"]}}}
)",
     R"(job.json:1:23: error: "1st" is not a name
  1 | {"gorun": 1, "vars": {"1st": 1, "a.b": {"default": 2}},
    |                       ^~~~~
  hint: ${{ vars.NAME }} has letters, digits, "_" and "-", and no digit first
job.json:1:33: error: "a.b" is not a name
  1 | {"gorun": 1, "vars": {"1st": 1, "a.b": {"default": 2}},
    |                                 ^~~~~
  hint: ${{ vars.NAME }} has letters, digits, "_" and "-", and no digit first
gorun: 2 errors; nothing was run
)",
     ""},
    {"an item where there is none",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "walk", "root": "${{ item }}", "max_depth": "${{ item.depth }}"},
  "w": {"kind": "write", "from": "a", "path": "out/${{ item.name }}.txt"},
  "s": {"kind": "exec", "from": "a", "shell": "echo ${{ item }}", "stdout": "discard"}
}}
)",
     R"(job.json:3:34: error: "root" cannot refer to an item
  3 |   "a": {"kind": "walk", "root": "${{ item }}", "max_depth": "${{ item.depth }}"},
    |                                  ^~~~~~~~~~~
job.json:3:62: error: "max_depth" cannot refer to an item
  3 |   "a": {"kind": "walk", "root": "${{ item }}", "max_depth": "${{ item.depth }}"},
    |                                                              ^~~~~~~~~~~~~~~~~
job.json:4:52: error: "path" cannot refer to an item
  4 |   "w": {"kind": "write", "from": "a", "path": "out/${{ item.name }}.txt"},
    |                                                    ^~~~~~~~~~~~~~~~
job.json:5:53: error: "shell" cannot refer to an item
  5 |   "s": {"kind": "exec", "from": "a", "shell": "echo ${{ item }}", "stdout": "discard"}
    |                                                     ^~~~~~~~~~~
  hint: in a script the item is "$1"
gorun: 4 errors; nothing was run
)",
     ""},
    {"vars of the wrong type for their option",
     R"({"gorun": 1, "vars": {"deep": "very"},
 "stages": {
  "a": {"kind": "walk", "max_depth": "${{ vars.deep }}", "hidden": "${{ vars.deep }}", "min_size": "${{ vars.deep }}", "type": "${{ vars.deep }}"},
  "w": {"kind": "write", "from": "a"}
}}
)",
     R"(job.json:3:38: error: "max_depth": expected an integer, got "very"
  3 |   "a": {"kind": "walk", "max_depth": "${{ vars.deep }}", "hidden": "${{ vars.deep }}", "min_size": "${{ vars.deep }}", "...
    |                                      ^~~~~~~~~~~~~~~~~~
job.json:3:68: error: "hidden": expected true or false, got "very"
  3 | ...{"kind": "walk", "max_depth": "${{ vars.deep }}", "hidden": "${{ vars.deep }}", "min_size": "${{ vars.deep }}", "type": ...
    |                                                                ^~~~~~~~~~~~~~~~~~
job.json:3:100: error: "min_size": expected a size such as 4096 or "64KiB", got "very"
  3 | ...{{ vars.deep }}", "hidden": "${{ vars.deep }}", "min_size": "${{ vars.deep }}", "type": "${{ vars.deep }}"},
    |                                                                ^~~~~~~~~~~~~~~~~~
job.json:3:128: error: "type": expected "file", "directory", "symlink" or "any", got "very"
  3 | ..."${{ vars.deep }}", "min_size": "${{ vars.deep }}", "type": "${{ vars.deep }}"},
    |                                                                ^~~~~~~~~~~~~~~~~~
gorun: 4 errors; nothing was run
)",
     ""},
    {"options that need or exclude each other",
     R"({"gorun": 1,
 "stages": {
  "wk": {"kind": "walk", "min_size": "2K", "max_size": 100},
  "s1": {"kind": "split", "from": "wk", "by": "regex"},
  "s2": {"kind": "split", "from": "s1", "pattern": "x"},
  "m": {"kind": "map", "from": "s2"},
  "r": {"kind": "reduce", "from": "m", "field": "size"},
  "e1": {"kind": "exec", "from": "r"},
  "e2": {"kind": "exec", "from": "r", "argv": ["a"], "shell": "a"},
  "e3": {"kind": "exec", "argv": ["echo", "{}"], "stdin": "item", "env": {"A": "${{ item }}"}, "cwd": "${{ item }}"},
  "w": {"kind": "write", "from": "r", "atomic": true}
}}
)",
     R"(job.json:3:38: error: "min_size" is larger than "max_size"
  3 |   "wk": {"kind": "walk", "min_size": "2K", "max_size": 100},
    |                                      ^~~~
job.json:4:47: error: "by": "regex" needs a "pattern"
  4 |   "s1": {"kind": "split", "from": "wk", "by": "regex"},
    |                                               ^~~~~~~
job.json:5:52: error: "pattern" is used only with "by": "regex"
  5 |   "s2": {"kind": "split", "from": "s1", "pattern": "x"},
    |                                                    ^~~
job.json:6:3: error: a map needs "text", "replace", "fields" or "json"
  6 |   "m": {"kind": "map", "from": "s2"},
    |   ^~~
job.json:7:49: error: "agg": "count" counts items and takes no "field"
  7 |   "r": {"kind": "reduce", "from": "m", "field": "size"},
    |                                                 ^~~~~~
job.json:8:3: error: an exec needs "argv" or "shell"
  8 |   "e1": {"kind": "exec", "from": "r"},
    |   ^~~~
job.json:9:63: error: "argv" and "shell" exclude each other
  9 |   "e2": {"kind": "exec", "from": "r", "argv": ["a"], "shell": "a"},
    |                                                               ^~~
job.json:10:34: error: "argv" refers to an item, and there is none
  10 |   "e3": {"kind": "exec", "argv": ["echo", "{}"], "stdin": "item", "env": {"A": "${{ item }}"}, "cwd": "${{ item }}"},
     |                                  ^~~~~~~~~~~~~~
  hint: without "from" a command runs once
job.json:10:59: error: "stdin" is fed an item, and there is none
  10 |   "e3": {"kind": "exec", "argv": ["echo", "{}"], "stdin": "item", "env": {"A": "${{ item }}"}, "cwd": "${{ item }}"},
     |                                                           ^~~~~~
  hint: without "from" a command runs once
job.json:10:74: error: "env" refers to an item, and there is none
  10 |   "e3": {"kind": "exec", "argv": ["echo", "{}"], "stdin": "item", "env": {"A": "${{ item }}"}, "cwd": "${{ item }}"},
     |                                                                          ^~~~~~~~~~~~~~~~~~~~
  hint: without "from" a command runs once
job.json:10:103: error: "cwd" refers to an item, and there is none
  10 |   "e3": {"kind": "exec", "argv": ["echo", "{}"], "stdin": "item", "env": {"A": "${{ item }}"}, "cwd": "${{ item }}"},
     |                                                                                                       ^~~~~~~~~~~~~
  hint: without "from" a command runs once
job.json:11:49: error: standard output cannot be written atomically
  11 |   "w": {"kind": "write", "from": "r", "atomic": true}
     |                                                 ^~~~
gorun: 12 errors; nothing was run
)",
     ""},
    {"settings that do not fit",
     R"({"gorun": 1, "vars": {"root": "src", "mode": {"enum": ["fast", "slow"], "default": "fast"}, "must": {"required": true}, "odd": {}, "out": {"enum": ["a"], "default": "b"}},
 "stages": {
  "a": {"kind": "walk", "root": "${{ vars.root }}"},
  "w": {"kind": "write", "from": "a"}
}}
)",
     R"(gorun: error: --set: the job file has no var "rot"
  hint: did you mean "root"?
gorun: error: --set: the job file has no var "nothing"
  hint: it has "root", "mode", "must", "odd" and "out"
gorun: error: --set: var "mode": expected "fast" or "slow", got "fats"
  hint: did you mean "fast"?
gorun: error: var "must" has to be set
  hint: --set must=VALUE
job.json:1:128: error: var "odd" has no value
  1 | ...w"], "default": "fast"}, "must": {"required": true}, "odd": {}, "out": {"enum": ["a"], "default": "b"}},
    |                                                                ^~
  hint: give it "default" or "required": true
job.json:1:139: error: var "out": expected "a", got "b"
  1 | ...lt": "fast"}, "must": {"required": true}, "odd": {}, "out": {"enum": ["a"], "default": "b"}},
    |                                                                ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
gorun: 6 errors; nothing was run
)",
     "rot=x mode=fats nothing=1"},
    {"a setting for a file without vars",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "exec", "argv": ["true"]}
}}
)",
     R"(gorun: error: --set: the job file has no var "root"
  hint: it has no "vars"
gorun: 1 error; nothing was run
)",
     "root=x"},
    {"a var that refers to a var",
     R"({"gorun": 1, "vars": {"a": "x", "b": "${{ vars.a }}"},
 "stages": {
  "a": {"kind": "exec", "argv": ["echo", "${{ vars.b }}"]}
}}
)",
     R"(job.json:1:38: error: var "b" refers to something else
  1 | {"gorun": 1, "vars": {"a": "x", "b": "${{ vars.a }}"},
    |                                      ^~~~~~~~~~~~~~~
  hint: the value of a var is taken as it is
gorun: 1 error; nothing was run
)",
     ""},
};

}  // namespace

std::span<const RejectedJob> rejected() { return kRejected; }

TEST_SUITE("jobs/vars") {
  TEST_CASE("wrong vars and expressions are all blamed at once") {
    for (const RejectedJob& job : kRejected) {
      CAPTURE(job.name);
      CHECK(rendered_errors(job) == job.errors);
    }
  }
}

}  // namespace gorun::jobs::vars_errors_test
