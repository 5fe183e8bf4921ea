// tests/jobs/option_errors_test.cc - wrong options and edges of a stage, whole outputs.
#include <doctest/doctest.h>

#include <span>
#include <string>
#include <string_view>

#include "jobs/load.h"
#include "tests/jobs/rejected_job.h"

namespace gorun::jobs::option_errors_test {

namespace {

constexpr RejectedJob kRejected[] = {
    {"what an http asks for",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "http"},
  "b": {"kind": "http", "url": "http://${{ item }}/", "method": "get"},
  "w": {"kind": "write", "from": ["a", "b"]}
}}
)",
     R"(job.json:3:3: error: an http without "from" needs a "url"
  3 |   "a": {"kind": "http"},
    |   ^~~
job.json:4:32: error: "url" refers to an item, and there is none
  4 |   "b": {"kind": "http", "url": "http://${{ item }}/", "method": "get"},
    |                                ^~~~~~~~~~~~~~~~~~~~~
  hint: without "from" one request is made
job.json:4:65: error: "get" is not an HTTP method
  4 |   "b": {"kind": "http", "url": "http://${{ item }}/", "method": "get"},
    |                                                                 ^~~~~
  hint: methods are upper-case words: GET, HEAD, PUT, DELETE
gorun: 3 errors; nothing was run
)",
     ""},
    {"ports of a route",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "range", "to": 3},
  "r": {"kind": "route", "from": "a", "to": {"low": {"item": 1}, "high": {"item": 3}, "mid": {"item": 2}}},
  "s": {"kind": "route", "from": "a", "otherwise": "drop", "to": {"x": {"item": 1}}},
  "w": {"kind": "write", "from": ["r.low", "r.hgih", "s", "s.x"]}
}}
)",
     R"(job.json:4:45: error: no stage reads the port "mid" of stage "r"
  4 |   "r": {"kind": "route", "from": "a", "to": {"low": {"item": 1}, "high": {"item": 3}, "mid": {"item": 2}}},
    |                                             ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  hint: to print them: "print": {"kind": "write", "from": "r.mid"}
job.json:6:47: error: stage "r" has no port "hgih"
  6 |   "w": {"kind": "write", "from": ["r.low", "r.hgih", "s", "s.x"]}
    |                                               ^~~~
  hint: did you mean "high"?
job.json:6:54: error: stage "w" reads from "s", which sends no items
  6 |   "w": {"kind": "write", "from": ["r.low", "r.hgih", "s", "s.x"]}
    |                                                      ^~~
  hint: "otherwise": "out" sends what no other port takes to the port "out"
gorun: 3 errors; nothing was run
)",
     ""},
    {"wrong predicates and pointers",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "range", "to": 3, "step": 0},
  "f": {"kind": "filter", "from": "a", "where": {"s": {">>": 1}, "t": {}, "u": {"in": 3}}},
  "g": {"kind": "filter", "from": "f", "where": {}},
  "h": {"kind": "filter", "from": "g", "field": "x", "where": {"s": 1}},
  "m": {"kind": "map", "from": "h", "json": {"a": "b"}},
  "r": {"kind": "route", "from": "m", "to": {"out": {"a": 1}}},
  "w": {"kind": "write", "from": "r"}
}}
)",
     R"(job.json:3:43: error: a "step" of 0 leads nowhere
  3 |   "a": {"kind": "range", "to": 3, "step": 0},
    |                                           ^
job.json:4:56: error: unknown operator ">>"
  4 |   "f": {"kind": "filter", "from": "a", "where": {"s": {">>": 1}, "t": {}, "u": {"in": 3}}},
    |                                                        ^~~~
  hint: operators are "==", "!=", "<", "<=", ">", ">=", "in", "contains" and "exists"
job.json:4:71: error: "t" asks nothing
  4 |   "f": {"kind": "filter", "from": "a", "where": {"s": {">>": 1}, "t": {}, "u": {"in": 3}}},
    |                                                                       ^~
  hint: operators are "==", "!=", "<", "<=", ">", ">=", "in", "contains" and "exists"
job.json:4:87: error: "in": expected an array of values, got a number
  4 |   "f": {"kind": "filter", "from": "a", "where": {"s": {">>": 1}, "t": {}, "u": {"in": 3}}},
    |                                                                                       ^
job.json:5:49: error: "where" asks nothing
  5 |   "g": {"kind": "filter", "from": "f", "where": {}},
    |                                                 ^~
  hint: {"field": {">=": 500}}
job.json:6:49: error: "field" is used only with "match"
  6 |   "h": {"kind": "filter", "from": "g", "field": "x", "where": {"s": 1}},
    |                                                 ^~~
  hint: "where" names its fields itself
job.json:7:51: error: "b" is not a JSON pointer
  7 |   "m": {"kind": "map", "from": "h", "json": {"a": "b"}},
    |                                                   ^~~
  hint: a pointer names members from the top: "/a/b"; "" is all of it
job.json:8:46: error: "out" cannot be the name of a port
  8 |   "r": {"kind": "route", "from": "m", "to": {"out": {"a": 1}}},
    |                                              ^~~~~
  hint: a name has letters, digits, "_" and "-"; "out" and "errors" are taken
gorun: 8 errors; nothing was run
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
    {"required options that are wrong defaults",
     R"({"gorun": 1,
 "defaults": {"n": 0},
 "stages": {
  "a": {"kind": "glob"},
  "t": {"kind": "take", "from": "a"},
  "w": {"kind": "write", "from": "t"}
}}
)",
     R"(job.json:2:20: error: "n": expected 1 or more, got 0
  2 |  "defaults": {"n": 0},
    |                    ^
job.json:4:3: error: stage "a" has no "pattern"
  4 |   "a": {"kind": "glob"},
    |   ^~~
  hint: pattern: globs such as src/**/*.c; matches come in byte order of the paths
gorun: 2 errors; nothing was run
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
job.json:3:86: error: "stdin": expected "none", "item" or "items", got "itm"
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
    {"paths that are none",
     R"({"gorun": 1, "report": {"html": "a\u0000b"},
 "stages": {
  "a": {"kind": "lines", "path": ""},
  "b": {"kind": "exec", "argv": ["x"], "inputs": "i", "cache": "c\u0000d"},
  "w": {"kind": "write", "from": "a", "path": "o\u0000.txt"}
}}
)",
     R"(job.json:1:33: error: "html" holds a NUL byte
  1 | {"gorun": 1, "report": {"html": "a\u0000b"},
    |                                 ^~~~~~~~~~
job.json:3:34: error: "path" is empty
  3 |   "a": {"kind": "lines", "path": ""},
    |                                  ^~
  hint: it is a path
job.json:4:64: error: "cache" holds a NUL byte
  4 |   "b": {"kind": "exec", "argv": ["x"], "inputs": "i", "cache": "c\u0000d"},
    |                                                                ^~~~~~~~~~
job.json:5:47: error: "path" holds a NUL byte
  5 |   "w": {"kind": "write", "from": "a", "path": "o\u0000.txt"}
    |                                               ^~~~~~~~~~~~~
gorun: 4 errors; nothing was run
)",
     ""},
    {"globs that are none",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "walk", "include": ["*.c", "a[b"], "exclude": "!"},
  "b": {"kind": "glob", "pattern": ["", "src/**/[x"], "exclude": ["[", "!["]},
  "w": {"kind": "write", "from": ["a", "b"]}
}}
)",
     R"(job.json:3:36: error: "include": "a[b" is not a glob: "[" without "]"
  3 |   "a": {"kind": "walk", "include": ["*.c", "a[b"], "exclude": "!"},
    |                                    ^~~~~~~~~~~~~~
job.json:3:63: error: "exclude": "!" is not a glob: an empty pattern
  3 |   "a": {"kind": "walk", "include": ["*.c", "a[b"], "exclude": "!"},
    |                                                               ^~~
job.json:4:36: error: "pattern": a path is empty
  4 |   "b": {"kind": "glob", "pattern": ["", "src/**/[x"], "exclude": ["[", "!["]},
    |                                    ^~~~~~~~~~~~~~~~~
job.json:4:36: error: "pattern": "src/**/[x" is no pattern: "[" without "]"
  4 |   "b": {"kind": "glob", "pattern": ["", "src/**/[x"], "exclude": ["[", "!["]},
    |                                    ^~~~~~~~~~~~~~~~~
job.json:4:66: error: "exclude": "[" is not a glob: "[" without "]"
  4 |   "b": {"kind": "glob", "pattern": ["", "src/**/[x"], "exclude": ["[", "!["]},
    |                                                                  ^~~~~~~~~~~
job.json:4:66: error: "exclude": "![" is not a glob: "[" without "]"
  4 |   "b": {"kind": "glob", "pattern": ["", "src/**/[x"], "exclude": ["[", "!["]},
    |                                                                  ^~~~~~~~~~~
gorun: 6 errors; nothing was run
)",
     ""},
    {"globs that no file matches",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "glob", "pattern": "/"},
  "b": {"kind": "glob", "pattern": ["*.c", "src//", "**/.."]},
  "c": {"kind": "exec", "argv": ["true"], "inputs": ["a/", "/"]},
  "w": {"kind": "write", "from": ["a", "b"]}
}}
)",
     R"(job.json:3:36: error: "pattern": "/" is the root of the file system
  3 |   "a": {"kind": "glob", "pattern": "/"},
    |                                    ^~~
job.json:4:36: error: "pattern": "src//" can only match directories, and a glob finds files
  4 |   "b": {"kind": "glob", "pattern": ["*.c", "src//", "**/.."]},
    |                                    ^~~~~~~~~~~~~~~~~~~~~~~~~
  hint: "src/*" matches the files in them
job.json:4:36: error: "pattern": "**/.." can only match directories, and a glob finds files
  4 |   "b": {"kind": "glob", "pattern": ["*.c", "src//", "**/.."]},
    |                                    ^~~~~~~~~~~~~~~~~~~~~~~~~
  hint: "**/../*" matches the files in them
job.json:5:60: error: "inputs": "/" is the root of the file system
  5 |   "c": {"kind": "exec", "argv": ["true"], "inputs": ["a/", "/"]},
    |                                                            ^~~
gorun: 4 errors; nothing was run
)",
     ""},
    {"delimiter and skip of lines",
     R"({"gorun": 1,
 "stages": {
  "a": {"kind": "lines", "delimiter": "\r\n", "skip": 1.5},
  "w": {"kind": "write", "from": "a"}
}}
)",
     R"(job.json:3:39: error: "delimiter": expected one byte, got 2
  3 |   "a": {"kind": "lines", "delimiter": "\r\n", "skip": 1.5},
    |                                       ^~~~~~
job.json:3:55: error: "skip": expected an integer, 0 or more, got 1.5
  3 |   "a": {"kind": "lines", "delimiter": "\r\n", "skip": 1.5},
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
     R"~({"gorun": 1,
 "stages": {
  "i": {"kind": "items", "items": ["x"]},
  "f": {"kind": "filter", "from": "i", "match": "a(b"},
  "g": {"kind": "filter", "from": "f", "match": "(?=x)"},
  "a": {"kind": "map", "from": "g", "replace": [{"pattern": "x", "with": "\\2"}, {"pattern": "[", "with": ""}, {"pattern": "x"}, 5]},
  "w": {"kind": "write", "from": "a"}
}}
)~",
     R"~(job.json:4:49: error: "match" is not a regular expression: missing ): a(b
  4 |   "f": {"kind": "filter", "from": "i", "match": "a(b"},
    |                                                 ^~~~~
  hint: the syntax is RE2's: without look-around and back references
job.json:5:49: error: "match" is not a regular expression: invalid perl operator: (?=
  5 |   "g": {"kind": "filter", "from": "f", "match": "(?=x)"},
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
)~",
     ""},
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
    {"pools without a name",
     R"({"gorun": 1, "pools": {"": 3, "net": 2}, "vars": {"p": ""},
 "stages": {
  "a": {"kind": "exec", "argv": ["true"], "pool": ""},
  "b": {"kind": "exec", "argv": ["true"], "pool": "${{ vars.p }}", "weight": 2}
}}
)",
     R"(job.json:1:24: error: a pool without a name
  1 | {"gorun": 1, "pools": {"": 3, "net": 2}, "vars": {"p": ""},
    |                        ^~
job.json:3:51: error: "pool" is empty
  3 |   "a": {"kind": "exec", "argv": ["true"], "pool": ""},
    |                                                   ^~
  hint: it is a name
job.json:4:51: error: "pool" is empty
  4 |   "b": {"kind": "exec", "argv": ["true"], "pool": "${{ vars.p }}", "weight": 2}
    |                                                   ^~~~~~~~~~~~~~~
  hint: it is a name
gorun: 3 errors; nothing was run
)",
     ""},
    {"edges",
     R"({"gorun": 1,
 "stages": {
  "i": {"kind": "items", "items": ["x"]},
  "b": {"kind": "write", "from": 3},
  "c": {"kind": "write", "from": [], "path": "c"},
  "d": {"kind": "write", "from": {"port": "out"}, "path": "d"},
  "e": {"kind": "write", "from": {"stage": "i", "buffer": 0, "sizes": 1}, "path": "e"},
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
  7 |   "e": {"kind": "write", "from": {"stage": "i", "buffer": 0, "sizes": 1}, "path": "e"},
    |                                                           ^
job.json:7:62: error: unknown key "sizes"
  7 |   "e": {"kind": "write", "from": {"stage": "i", "buffer": 0, "sizes": 1}, "path": "e"},
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
};

}  // namespace

std::span<const RejectedJob> rejected() { return kRejected; }

TEST_SUITE("jobs/option_reader") {
  TEST_CASE("wrong options are all blamed at once") {
    for (const RejectedJob& job : kRejected) {
      CAPTURE(job.name);
      CHECK(rendered_errors(job) == job.errors);
    }
  }
}

}  // namespace gorun::jobs::option_errors_test
