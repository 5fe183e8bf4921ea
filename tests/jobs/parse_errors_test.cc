// tests/jobs/parse_errors_test.cc - wrong keys, types, options and vars, whole outputs.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "jobs/load.h"
#include "tests/jobs/rejected_job.h"

namespace gorun::jobs {
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
  hint: the keys here are "gorun", "name", "vars", "env", "limits", "fail" and "stages"
job.json:1:28: error: unknown key "stagse"
  1 | {"gorun": 1, "matrix": {}, "stagse": {}, "x-note": "mine",
    |                            ^~~~~~~~
  hint: did you mean "stages"?
gorun: 2 errors; nothing was run
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
 "limits": {"procs": 0, "memory": "1G"}, "fail": "keep-going",
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
  2 |  "limits": {"procs": 0, "memory": "1G"}, "fail": "keep-going",
    |                      ^
job.json:2:25: error: unknown key "memory"
  2 |  "limits": {"procs": 0, "memory": "1G"}, "fail": "keep-going",
    |                         ^~~~~~~~
  hint: the keys here are "procs"
job.json:2:50: error: "fail": expected "fast", got "keep-going"
  2 |  "limits": {"procs": 0, "memory": "1G"}, "fail": "keep-going",
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
  {"unknown option",
   R"({"gorun": 1,
 "stages": {
  "a": {"kind": "walk", "rot": "src", "speed": 3, "hiden": true},
  "w": {"kind": "write", "from": "a"}
}}
)",
   R"(job.json:3:25: error: unknown key "rot"
  3 |   "a": {"kind": "walk", "rot": "src", "speed": 3, "hiden": true},
    |                         ^~~~~
  hint: did you mean "root"?
job.json:3:39: error: unknown key "speed"
  3 |   "a": {"kind": "walk", "rot": "src", "speed": 3, "hiden": true},
    |                                       ^~~~~~~
  hint: "gorun stages walk" lists the keys of this kind
job.json:3:51: error: unknown key "hiden"
  3 |   "a": {"kind": "walk", "rot": "src", "speed": 3, "hiden": true},
    |                                                   ^~~~~~~
  hint: did you mean "hidden"?
gorun: 3 errors; nothing was run
)",
   ""},
  {"missing required options",
   R"({"gorun": 1,
 "stages": {
  "a": {"kind": "glob"},
  "f": {"kind": "filter", "from": "a", "mach": "x"},
  "t": {"kind": "take", "from": "f"},
  "w": {"kind": "write", "from": "t"}
}}
)",
   R"(job.json:3:3: error: stage "a" has no "pattern"
  3 |   "a": {"kind": "glob"},
    |   ^~~
  hint: pattern: globs such as src/**/*.c; matches come in byte order of the paths
job.json:4:40: error: unknown key "mach"
  4 |   "f": {"kind": "filter", "from": "a", "mach": "x"},
    |                                        ^~~~~~
  hint: did you mean "match"?
job.json:5:3: error: stage "t" has no "n"
  5 |   "t": {"kind": "take", "from": "f"},
    |   ^~~
  hint: n: how many items to let through; then the stages before it end
gorun: 3 errors; nothing was run
)",
   ""},
  {"wrong types of options",
   R"({"gorun": 1,
 "stages": {
  "a": {"kind": "walk", "root": 3, "hidden": "yes", "max_depth": "deep", "min_size": true, "sort": null, "include": ["*.c", 7], "exclude": {}, "type": ["file"]},
  "w": {"kind": "write", "from": "a"}
}}
)",
   R"(job.json:3:33: error: "root": expected a string or an array of strings, got a number
  3 |   "a": {"kind": "walk", "root": 3, "hidden": "yes", "max_depth": "deep", "min_size": true, "sort": null, "include": ["*....
    |                                 ^
job.json:3:46: error: "hidden": expected true or false, got a string
  3 |   "a": {"kind": "walk", "root": 3, "hidden": "yes", "max_depth": "deep", "min_size": true, "sort": null, "include": ["*....
    |                                              ^~~~~
job.json:3:66: error: "max_depth": expected an integer, got a string
  3 | ...: {"kind": "walk", "root": 3, "hidden": "yes", "max_depth": "deep", "min_size": true, "sort": null, "include": ["*.c", 7...
    |                                                                ^~~~~~
job.json:3:86: error: "min_size": expected a size such as 4096 or "64KiB", got true
  3 | ...root": 3, "hidden": "yes", "max_depth": "deep", "min_size": true, "sort": null, "include": ["*.c", 7], "exclude": {}, "t...
    |                                                                ^~~~
job.json:3:100: error: "sort": expected true or false, got null
  3 | ...den": "yes", "max_depth": "deep", "min_size": true, "sort": null, "include": ["*.c", 7], "exclude": {}, "type": ["file"]...
    |                                                                ^~~~
job.json:3:125: error: "include": expected a string, got a number
  3 | ... "deep", "min_size": true, "sort": null, "include": ["*.c", 7], "exclude": {}, "type": ["file"]},
    |                                                                ^
job.json:3:140: error: "exclude": expected a string or an array of strings, got an object
  3 | ...ize": true, "sort": null, "include": ["*.c", 7], "exclude": {}, "type": ["file"]},
    |                                                                ^~
job.json:3:152: error: "type": expected a string, got an array
  3 | ..."sort": null, "include": ["*.c", 7], "exclude": {}, "type": ["file"]},
    |                                                                ^~~~~~~~
gorun: 8 errors; nothing was run
)",
   ""},
  {"wrong values of options",
   R"({"gorun": 1,
 "stages": {
  "a": {"kind": "walk", "max_depth": -1, "min_size": "1 league", "max_size": 1.5, "type": "fille", "include": []},
  "w": {"kind": "write", "from": "a"}
}}
)",
   R"(job.json:3:38: error: "max_depth": expected 0 or more, got -1
  3 |   "a": {"kind": "walk", "max_depth": -1, "min_size": "1 league", "max_size": 1.5, "type": "fille", "include": []},
    |                                      ^~
job.json:3:54: error: "min_size": expected a size such as 4096 or "64KiB", got "1 league"
  3 |   "a": {"kind": "walk", "max_depth": -1, "min_size": "1 league", "max_size": 1.5, "type": "fille", "include": []},
    |                                                      ^~~~~~~~~~
job.json:3:78: error: "max_size": expected an integer, 0 or more, got 1.5
  3 |   "a": {"kind": "walk", "max_depth": -1, "min_size": "1 league", "max_size": 1.5, "type": "fille", "include": []},
    |                                                                              ^~~
job.json:3:91: error: "type": expected "file", "directory", "symlink" or "any", got "fille"
  3 |   "a": {"kind": "walk", "max_depth": -1, "min_size": "1 league", "max_size": 1.5, "type": "fille", "include": []},
    |                                                                                           ^~~~~~~
  hint: did you mean "file"?
job.json:3:111: error: "include" is empty
  3 |   "a": {"kind": "walk", "max_depth": -1, "min_size": "1 league", "max_size": 1.5, "type": "fille", "include": []},
    |                                                                                                               ^~
gorun: 5 errors; nothing was run
)",
   ""},
  {"options of exec",
   R"({"gorun": 1,
 "stages": {
  "a": {"kind": "exec", "argv": "true", "env": ["A"], "ok_codes": [0, 256], "stdin": "itm", "cwd": 1},
  "b": {"kind": "exec", "argv": []},
  "c": {"kind": "exec", "argv": ["", "x"]},
  "d": {"kind": "exec", "argv": ["a\u0000b"], "env": {"A": 1}}
}}
)",
   R"(job.json:3:33: error: "argv": expected an array of strings, got a string
  3 |   "a": {"kind": "exec", "argv": "true", "env": ["A"], "ok_codes": [0, 256], "stdin": "itm", "cwd": 1},
    |                                 ^~~~~~
job.json:3:48: error: "env": expected an object of strings, got an array
  3 |   "a": {"kind": "exec", "argv": "true", "env": ["A"], "ok_codes": [0, 256], "stdin": "itm", "cwd": 1},
    |                                                ^~~~~
job.json:3:71: error: "ok_codes": expected 0 to 255, got 256
  3 |   "a": {"kind": "exec", "argv": "true", "env": ["A"], "ok_codes": [0, 256], "stdin": "itm", "cwd": 1},
    |                                                                       ^~~
job.json:3:86: error: "stdin": expected "none" or "item", got "itm"
  3 |   "a": {"kind": "exec", "argv": "true", "env": ["A"], "ok_codes": [0, 256], "stdin": "itm", "cwd": 1},
    |                                                                                      ^~~~~
  hint: did you mean "item"?
job.json:3:100: error: "cwd": expected a string, got a number
  3 |   "a": {"kind": "exec", "argv": "true", "env": ["A"], "ok_codes": [0, 256], "stdin": "itm", "cwd": 1},
    |                                                                                                    ^
job.json:4:33: error: "argv" is empty
  4 |   "b": {"kind": "exec", "argv": []},
    |                                 ^~
  hint: its first string is the program
job.json:5:34: error: "argv" names no program
  5 |   "c": {"kind": "exec", "argv": ["", "x"]},
    |                                  ^~
job.json:6:34: error: "argv" holds a NUL byte
  6 |   "d": {"kind": "exec", "argv": ["a\u0000b"], "env": {"A": 1}}
    |                                  ^~~~~~~~~~
job.json:6:60: error: "A": expected a string, got a number
  6 |   "d": {"kind": "exec", "argv": ["a\u0000b"], "env": {"A": 1}}
    |                                                            ^
gorun: 9 errors; nothing was run
)",
   ""},
  {"delimiter and skip of lines",
   R"({"gorun": 1,
 "stages": {
  "a": {"kind": "lines", "delimiter": "\r\n", "skip": 1e3},
  "w": {"kind": "write", "from": "a"}
}}
)",
   R"(job.json:3:39: error: "delimiter": expected one byte, got 2
  3 |   "a": {"kind": "lines", "delimiter": "\r\n", "skip": 1e3},
    |                                       ^~~~~~
job.json:3:55: error: "skip": expected an integer, 0 or more, got 1e3
  3 |   "a": {"kind": "lines", "delimiter": "\r\n", "skip": 1e3},
    |                                                       ^~~
gorun: 2 errors; nothing was run
)",
   ""},
  {"literal items",
   R"({"gorun": 1,
 "stages": {
  "a": {"kind": "items", "items": ["x", 3, true, null, {}, {"f": []}, ["y"]]},
  "w": {"kind": "write", "from": "a"}
}}
)",
   R"(job.json:3:50: error: "items": expected a string, a number or a boolean, got null
  3 |   "a": {"kind": "items", "items": ["x", 3, true, null, {}, {"f": []}, ["y"]]},
    |                                                  ^~~~
job.json:3:56: error: an item without fields
  3 |   "a": {"kind": "items", "items": ["x", 3, true, null, {}, {"f": []}, ["y"]]},
    |                                                        ^~
job.json:3:66: error: "f": expected a string, a number or a boolean, got an array
  3 |   "a": {"kind": "items", "items": ["x", 3, true, null, {}, {"f": []}, ["y"]]},
    |                                                                  ^~
job.json:3:71: error: "items": expected a string, a number or a boolean, got an array
  3 |   "a": {"kind": "items", "items": ["x", 3, true, null, {}, {"f": []}, ["y"]]},
    |                                                                       ^~~~~
gorun: 4 errors; nothing was run
)",
   ""},
  {"items that are no array",
   R"({"gorun": 1,
 "stages": {
  "a": {"kind": "items", "items": "x"},
  "w": {"kind": "write", "from": "a"}
}}
)",
   R"(job.json:3:35: error: "items": expected an array of strings and objects, got a string
  3 |   "a": {"kind": "items", "items": "x"},
    |                                   ^~~
gorun: 1 error; nothing was run
)",
   ""},
  {"regular expressions that RE2 refuses",
   R"({"gorun": 1,
 "stages": {
  "i": {"kind": "items", "items": ["x"]},
  "f": {"kind": "filter", "from": "i", "match": "a(b"},
  "g": {"kind": "filter", "from": "f", "match": "(?=x)"},
  "a" : {
    "kind" : "map",
    "from" : "g",
    "replace" :
        [ {"pattern" : "x", "with" : "\\2"}, {"pattern" : "[", "with" : ""}, {"pattern" : "x"}, 5 ]
  },
  "w" : {"kind" : "write", "from" : "a"}
}
}
)",
     R"(job.json:4:49: error: "match" is not a regular expression: missing ): a(b
  4 |   "f": {"kind": "filter", "from": "i", "match": "a(b"},
    |                                                 ^~~~~
  hint: the syntax is RE2's: without look-around and back references
job.json:5:49: error: "match" is not a regular expression: invalid perl operator: (?=
  5 |   "g": {"kind": "filter", "from": "f", "match": "(?=x)"
},
    |                                                 ^~~~~~~
  hint: the syntax is RE2's: without look-around and back references
job.json:6:74: error: "with" does not fit "pattern": Rewrite schema requests 2 matches, but the regexp only has 0 parenthesized subexpressions
  6 | ...": "map", "from": "g", "replace": [{"pattern": "x", "with": "\\2"}, {"pattern": "[", "with": ""}, {"pattern": "x"}, 5]},
    |                                                                ^~~~~
  hint: \1 is the first group, a backslash is \\ (in JSON \\\\)
job.json:6:94: error: "pattern" is not a regular expression: missing ]: [
  6 | ...", "replace": [{"pattern": "x", "with": "\\2"}, {"pattern": "[", "with": ""}, {"pattern": "x"}, 5]},
    |                                                                ^~~
  hint: the syntax is RE2's: without look-around and back references
job.json:6:112: error: "replace" needs "pattern" and "with"
  6 | ...attern": "x", "with": "\\2"}, {"pattern": "[", "with": ""}, {"pattern": "x"}, 5]},
    |                                                                ^~~~~~~~~~~~~~~~
job.json:6:130: error: "replace": expected an object, got a number
  6 | ...h": "\\2"}, {"pattern": "[", "with": ""}, {"pattern": "x"}, 5]},
    |                                                                ^
gorun: 6 errors; nothing was run
)",
     ""
}
,
    {"workers and buffer",
     R"({"gorun": 1,
 "stages": {
  "i": {"kind": "items", "items": ["x"], "buffer": 3},
  "a": {"kind": "map", "from": "i", "text": "y", "workers": "cpu", "buffer": 0},
  "b": {"kind": "map", "from": "a", "text": "y", "workers": 0, "buffer": "big"},
  "c": {"kind": "map", "from": "b", "text": "y", "workers": 2.5},
  "d": {"kind": "map", "from": "c", "text": "y", "workers": [2]},
  "t": {"kind": "take", "from": "d", "n": 1, "workers": 4},
  "w": {"kind": "write", "from": "t", "workers": "cpus"}
}}
)",
     R"(job.json:3:42: error: "buffer" without "from" has no effect
  3 |   "i": {"kind": "items", "items": ["x"], "buffer": 3},
    |                                          ^~~~~~~~
job.json:4:61: error: "workers": expected an integer or "cpus", got "cpu"
  4 |   "a": {"kind": "map", "from": "i", "text": "y", "workers": "cpu", "buffer": 0},
    |                                                             ^~~~~
job.json:4:78: error: "buffer": expected 1 to 16777216, got 0
  4 |   "a": {"kind": "map", "from": "i", "text": "y", "workers": "cpu", "buffer": 0},
    |                                                                              ^
job.json:5:61: error: "workers": expected 1 to 100000, got 0
  5 |   "b": {"kind": "map", "from": "a", "text": "y", "workers": 0, "buffer": "big"},
    |                                                             ^
job.json:5:74: error: "buffer": expected an integer, got a string
  5 |   "b": {"kind": "map", "from": "a", "text": "y", "workers": 0, "buffer": "big"},
    |                                                                          ^~~~~
job.json:6:61: error: "workers": expected an integer, 1 to 100000, got 2.5
  6 |   "c": {"kind": "map", "from": "b", "text": "y", "workers": 2.5},
    |                                                             ^~~
job.json:7:61: error: "workers": expected an integer or "cpus", got an array
  7 |   "d": {"kind": "map", "from": "c", "text": "y", "workers": [2]},
    |                                                             ^~~
job.json:8:57: error: kind "take" runs in one goroutine
  8 |   "t": {"kind": "take", "from": "d", "n": 1, "workers": 4},
    |                                                         ^
  hint: leave "workers" out
job.json:9:50: error: kind "write" runs in one goroutine
  9 |   "w": {"kind": "write", "from": "t", "workers": "cpus"}
    |                                                  ^~~~~~
  hint: leave "workers" out
gorun: 9 errors; nothing was run
)",
     ""},
    {"edges",
     R"({"gorun": 1,
 "stages": {
  "i": {"kind": "items", "items": ["x"]},
  "b": {"kind": "write", "from": 3},
  "c": {"kind": "write", "from": [], "path": "c"},
  "d": {"kind": "write", "from": {"port": "out"}, "path": "d"},
  "e": {"kind": "write", "from": {"stage": "i", "buffer": 0, "bytes": 1}, "path": "e"},
  "f": {"kind": "write", "from": ["i", {"stage": "i", "port": 3}], "needs": {}, "path": "f"},
  "g": {"kind": "write", "from": "i", "needs": ["e", 4], "path": "g"}
}}
)",
     R"(job.json:4:34: error: "from": expected a string, an object or an array of them, got a number
  4 |   "b": {"kind": "write", "from": 3},
    |                                  ^
job.json:5:34: error: "from" is empty
  5 |   "c": {"kind": "write", "from": [], "path": "c"},
    |                                  ^~
job.json:6:34: error: "from" has no "stage"
  6 |   "d": {"kind": "write", "from": {"port": "out"}, "path": "d"},
    |                                  ^~~~~~~~~~~~~~~
job.json:7:59: error: "buffer": expected 1 to 16777216, got 0
  7 |   "e": {"kind": "write", "from": {"stage": "i", "buffer": 0, "bytes": 1}, "path": "e"},
    |                                                           ^
job.json:7:62: error: unknown key "bytes"
  7 |   "e": {"kind": "write", "from": {"stage": "i", "buffer": 0, "bytes": 1}, "path": "e"},
    |                                                              ^~~~~~~
job.json:8:63: error: "port": expected a string, got a number
  8 |   "f": {"kind": "write", "from": ["i", {"stage": "i", "port": 3}], "needs": {}, "path": "f"},
    |                                                               ^
job.json:8:77: error: "needs": expected a string or an array of strings, got an object
  8 |   "f": {"kind": "write", "from": ["i", {"stage": "i", "port": 3}], "needs": {}, "path": "f"},
    |                                                                             ^~
job.json:9:49: error: stage "g" needs "e", which cannot complete before it starts
  9 |   "g": {"kind": "write", "from": "i", "needs": ["e", 4], "path": "g"}
    |                                                 ^~~
  hint: channels are bounded, so each of these waits for the one before it: g, i, e, g
job.json:9:54: error: "needs": expected a string, got a number
  9 |   "g": {"kind": "write", "from": "i", "needs": ["e", 4], "path": "g"}
    |                                                      ^
gorun: 9 errors; nothing was run
)",
     ""},
    {"expressions",
     R"({"gorun": 1, "vars": {"root": "src"},
 "stages": {
  "i": {"kind": "items", "items": ["${{ vars.a }}"]},
  "a": {"kind": "map", "from": "i", "text": "${{ vars.rot }} ${{ vars.a", "fields": {"x": "${{ item.b.c }}", "y": "\t\u00e9 ${{ run.status }}", "z": "${{}}"}},
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
  4 | ..."i", "text": "${{ vars.rot }} ${{ vars.a", "fields": {"x": "${{ item.b.c }}", "y": "\t\u00e9 ${{ run.status }}", "z": "$...
    |                                                                ^~~~~~~~~~~~~~~
  hint: known here: vars.NAME, item and item.FIELD
job.json:4:125: error: unknown expression "run.status"
  4 | ... vars.a", "fields": {"x": "${{ item.b.c }}", "y": "\t\u00e9 ${{ run.status }}", "z": "${{}}"}},
    |                                                                ^~~~~~~~~~~~~~~~~
  hint: known here: vars.NAME, item and item.FIELD
job.json:4:151: error: an empty expression
  4 | ..."${{ item.b.c }}", "y": "\t\u00e9 ${{ run.status }}", "z": "${{}}"}},
    |                                                                ^~~~~
  hint: known here: vars.NAME, item and item.FIELD
gorun: 6 errors; nothing was run
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
    {"placeholders",
     R"({"gorun": 1,
 "stages": {
  "i": {"kind": "items", "items": ["x"]},
  "a": {"kind": "exec", "from": "i", "argv": ["echo", "{#}", "x{%}y", "{} {.}"]}
}}
)",
     R"(job.json:4:56: error: unknown placeholder "{#}"
  4 |   "a": {"kind": "exec", "from": "i", "argv": ["echo", "{#}", "x{%}y", "{} {.}"]}
    |                                                        ^~~
  hint: known here: {} {.} {/} {//} {/.}
job.json:4:64: error: unknown placeholder "{%}"
  4 |   "a": {"kind": "exec", "from": "i", "argv": ["echo", "{#}", "x{%}y", "{} {.}"]}
    |                                                                ^~~
  hint: known here: {} {.} {/} {//} {/.}
gorun: 2 errors; nothing was run
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
job.json:6:3: error: a map needs "text", "replace" or "fields"
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
}
;

}  // namespace

TEST_SUITE("jobs/parse") {
  TEST_CASE("wrong keys, types and values are all blamed at once") {
    for (const RejectedJob& job : kRejected) {
      CAPTURE(job.name);
      CHECK(rendered_errors(job) == job.errors);
    }
  }
}

}  // namespace gorun::jobs
