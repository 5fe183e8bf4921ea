// tests/jobs/json_syntax_error_test.cc - what gorun says of texts that are not JSON.
#include <doctest/doctest.h>

#include <span>
#include <string>
#include <string_view>

#include "jobs/load.h"
#include "tests/jobs/rejected_job.h"

namespace gorun::jobs::json_syntax_error_test {

namespace {

constexpr RejectedJob kRejected[] = {
    {"trailing comma in an object",
     R"({
  "gorun": 1,
}
)",
     R"(job.json:2:13: error: a comma with nothing after it
  2 |   "gorun": 1,
    |             ^
  hint: remove the ","
gorun: 1 error; nothing was run
)",
     ""},
    {"trailing comma in an array",
     R"({"a": [1, 2,
]})",
     R"(job.json:1:12: error: a comma with nothing after it
  1 | {"a": [1, 2,
    |            ^
  hint: remove the ","
gorun: 1 error; nothing was run
)",
     ""},
    {"comma without a value", "{\"a\": [1,,2]}",
     R"(job.json:1:10: error: expected a value, got ","
  1 | {"a": [1,,2]}
    |          ^
gorun: 1 error; nothing was run
)",
     ""},
    {"missing comma between members",
     R"({
  "gorun": 1
  "name": "x"
}
)",
     R"(job.json:2:13: error: expected "," or "}" after this value
  2 |   "gorun": 1
    |             ^
gorun: 1 error; nothing was run
)",
     ""},
    {"missing comma between elements", R"({"a": ["x" "y"]})",
     R"(job.json:1:11: error: expected "," or "]" after this value
  1 | {"a": ["x" "y"]}
    |           ^
gorun: 1 error; nothing was run
)",
     ""},
    {"missing comma after a nested object",
     R"({"a": {"b": 1}
 "c": 2})",
     R"(job.json:1:15: error: expected "," or "}" after this value
  1 | {"a": {"b": 1}
    |               ^
gorun: 1 error; nothing was run
)",
     ""},
    {"missing colon", "{\"gorun\" 1}",
     R"(job.json:1:9: error: expected ":" after the key "gorun"
  1 | {"gorun" 1}
    |         ^
gorun: 1 error; nothing was run
)",
     ""},
    {"missing value", "{\"gorun\": }",
     R"(job.json:1:11: error: expected a value, got "}"
  1 | {"gorun": }
    |           ^
gorun: 1 error; nothing was run
)",
     ""},
    {"missing key", "{: 1}",
     R"(job.json:1:2: error: expected a key, got ":"
  1 | {: 1}
    |  ^
gorun: 1 error; nothing was run
)",
     ""},
    {"wrong bracket", "{\"a\": [1, 2}",
     R"(job.json:1:12: error: expected "," or "]", got "}"
  1 | {"a": [1, 2}
    |            ^
gorun: 1 error; nothing was run
)",
     ""},
    {"a bracket too many", "{\"a\": 1}}",
     R"(job.json:1:9: error: text after the end of the job file
  1 | {"a": 1}}
    |         ^
  hint: a job file is one JSON object
gorun: 1 error; nothing was run
)",
     ""},
    {"text after the end",
     R"({"a": 1}

{"b": 2}
)",
     R"(job.json:3:1: error: text after the end of the job file
  3 | {"b": 2}
    | ^~~~~~~~
  hint: a job file is one JSON object
gorun: 1 error; nothing was run
)",
     ""},
    {"text never closed",
     R"({"a": "b
})",
     R"(job.json:1:7: error: this text is never closed
  1 | {"a": "b
    |       ^~
  hint: a text ends with a double quote on the line where it begins
gorun: 1 error; nothing was run
)",
     ""},
    {"text never closed at the end of the file", R"({"a": "b)",
     R"(job.json:1:7: error: this text is never closed
  1 | {"a": "b
    |       ^~
  hint: a text ends with a double quote on the line where it begins
gorun: 1 error; nothing was run
)",
     ""},
    {"key never closed",
     R"({"a: 1
})",
     R"(job.json:1:2: error: this text is never closed
  1 | {"a: 1
    |  ^~~~~
  hint: a text ends with a double quote on the line where it begins
gorun: 1 error; nothing was run
)",
     ""},
    {"text never closed, with CRLF", "{\r\n  \"a\": \"b\r\n}\r\n",
     R"(job.json:2:8: error: this text is never closed
  2 |   "a": "b
    |        ^~
  hint: a text ends with a double quote on the line where it begins
gorun: 1 error; nothing was run
)",
     ""},
    {"unknown escape", R"({"a": "C:\dir"})",
     R"(job.json:1:10: error: unknown escape "\d"
  1 | {"a": "C:\dir"}
    |          ^~
  hint: a backslash is written \\
gorun: 1 error; nothing was run
)",
     ""},
    {"short unicode escape", R"({"a": "\u12"})",
     R"(job.json:1:8: error: \u needs four hexadecimal digits
  1 | {"a": "\u12"}
    |        ^~
gorun: 1 error; nothing was run
)",
     ""},
    {"half of a surrogate pair", R"({"a": "x\ud800y"})",
     R"(job.json:1:9: error: half of a surrogate pair
  1 | {"a": "x\ud800y"}
    |         ^~~~~~
  hint: characters beyond U+FFFF are two \u escapes, or the character itself
gorun: 1 error; nothing was run
)",
     ""},
    {"second half of a surrogate pair alone", R"({"a": "\udc00"})",
     R"(job.json:1:8: error: half of a surrogate pair
  1 | {"a": "\udc00"}
    |        ^~~~~~
  hint: characters beyond U+FFFF are two \u escapes, or the character itself
gorun: 1 error; nothing was run
)",
     ""},
    {"tab inside a text", "{\"a\": \"x\ty\"}",
     "job.json:1:9: error: a control character inside a text\n  1 | {\"a\": \"x\ty\"}\n    |       "
     "  ^\n  hint: a tab is written \\t\ngorun: 1 error; nothing was run\n",
     ""},
    {"control character inside a text", "{\"a\": \"x\001y\"}",
     R"(job.json:1:9: error: a control character inside a text
  1 | {"a": "x?y"}
    |         ^
  hint: it is written \u0001
gorun: 1 error; nothing was run
)",
     ""},
    {"file ends inside an object",
     R"({
  "a": {
    "b": 1
)",
     R"(job.json:3:11: error: the file ends inside an object
  3 |     "b": 1
    |           ^
  hint: the "{" at 2:8 is never closed
gorun: 1 error; nothing was run
)",
     ""},
    {"file ends inside an array", "[1, 2",
     R"(job.json:1:6: error: the file ends inside an array
  1 | [1, 2
    |      ^
  hint: the "[" at 1:1 is never closed
gorun: 1 error; nothing was run
)",
     ""},
    {"file ends after a key", "{\"a\"",
     R"(job.json:1:5: error: the file ends inside an object
  1 | {"a"
    |     ^
  hint: the "{" at 1:1 is never closed
gorun: 1 error; nothing was run
)",
     ""},
    {"file ends after a colon", "{\"a\":",
     R"(job.json:1:6: error: the file ends inside an object
  1 | {"a":
    |      ^
  hint: the "{" at 1:1 is never closed
gorun: 1 error; nothing was run
)",
     ""},
    {"empty file", "",
     R"(job.json: error: the file is empty
  hint: a job file is an object: { ... }
gorun: 1 error; nothing was run
)",
     ""},
    {"file of blanks", " \n\t\n",
     R"(job.json: error: the file is empty
  hint: a job file is an object: { ... }
gorun: 1 error; nothing was run
)",
     ""},
    {"file of comments",
     R"(// nothing
)",
     R"(job.json: error: the file holds nothing but comments
  hint: a job file is an object: { ... }
gorun: 1 error; nothing was run
)",
     ""},
    {"comment never closed",
     R"({"a": 1 /* b
})",
     R"(job.json:1:9: error: this comment is never closed
  1 | {"a": 1 /* b
    |         ^~
gorun: 1 error; nothing was run
)",
     ""},
    {"a slash alone", "{\"a\": / 1}",
     R"(job.json:1:7: error: expected a value, got "/"
  1 | {"a": / 1}
    |       ^
gorun: 1 error; nothing was run
)",
     ""},
    {"key without quotes", "{gorun: 1}",
     R"(job.json:1:2: error: a key without double quotes
  1 | {gorun: 1}
    |  ^~~~~
  hint: keys and texts are written in double quotes
gorun: 1 error; nothing was run
)",
     ""},
    {"key in single quotes", "{'gorun': 1}",
     R"(job.json:1:2: error: a key without double quotes
  1 | {'gorun': 1}
    |  ^~~~~~~
  hint: keys and texts are written in double quotes
gorun: 1 error; nothing was run
)",
     ""},
    {"text in single quotes", "{\"a\": 'b'}",
     R"(job.json:1:7: error: a text in single quotes
  1 | {"a": 'b'}
    |       ^
  hint: keys and texts are written in double quotes
gorun: 1 error; nothing was run
)",
     ""},
    {"word without quotes", "{\"kind\": walk}",
     R"(job.json:1:10: error: unexpected word "walk"
  1 | {"kind": walk}
    |          ^~~~
  hint: keys and texts are written in double quotes
gorun: 1 error; nothing was run
)",
     ""},
    {"True", "{\"a\": True}",
     R"(job.json:1:7: error: unexpected word "True"
  1 | {"a": True}
    |       ^~~~
  hint: did you mean true?
gorun: 1 error; nothing was run
)",
     ""},
    {"None", "{\"a\": None}",
     R"(job.json:1:7: error: unexpected word "None"
  1 | {"a": None}
    |       ^~~~
  hint: did you mean null?
gorun: 1 error; nothing was run
)",
     ""},
    {"a word that begins like one", "{\"a\": nullable}",
     R"(job.json:1:7: error: unexpected word "nullable"
  1 | {"a": nullable}
    |       ^~~~~~~~
  hint: keys and texts are written in double quotes
gorun: 1 error; nothing was run
)",
     ""},
    {"leading zero", "{\"a\": 012}",
     R"(job.json:1:7: error: "012" is not a number
  1 | {"a": 012}
    |       ^~~
  hint: a number has no leading zero
gorun: 1 error; nothing was run
)",
     ""},
    {"leading zero of a negative", "{\"a\": -012}",
     R"(job.json:1:7: error: "-012" is not a number
  1 | {"a": -012}
    |       ^~~~
  hint: a number has no leading zero
gorun: 1 error; nothing was run
)",
     ""},
    {"leading plus", "{\"a\": +1}",
     R"(job.json:1:7: error: "+1" is not a number
  1 | {"a": +1}
    |       ^~
  hint: a number has no leading "+"
gorun: 1 error; nothing was run
)",
     ""},
    {"leading point", "{\"a\": .5}",
     R"(job.json:1:7: error: ".5" is not a number
  1 | {"a": .5}
    |       ^~
  hint: a digit stands on both sides of the decimal point
gorun: 1 error; nothing was run
)",
     ""},
    {"trailing point", "{\"a\": 1.}",
     R"(job.json:1:7: error: "1." is not a number
  1 | {"a": 1.}
    |       ^~
  hint: a digit stands on both sides of the decimal point
gorun: 1 error; nothing was run
)",
     ""},
    {"hexadecimal", "{\"a\": 0x10}",
     R"(job.json:1:7: error: "0x10" is not a number
  1 | {"a": 0x10}
    |       ^~~~
gorun: 1 error; nothing was run
)",
     ""},
    {"two points", "{\"a\": 1.2.3}",
     R"(job.json:1:7: error: "1.2.3" is not a number
  1 | {"a": 1.2.3}
    |       ^~~~~
gorun: 1 error; nothing was run
)",
     ""},
    {"lonely minus", "{\"a\": -}",
     R"(job.json:1:7: error: "-" is not a number
  1 | {"a": -}
    |       ^
gorun: 1 error; nothing was run
)",
     ""},
    {"exponent without digits", "{\"a\": 1e}",
     R"(job.json:1:7: error: "1e" is not a number
  1 | {"a": 1e}
    |       ^~
gorun: 1 error; nothing was run
)",
     ""},
    {"too large", "{\"a\": 1e999}",
     R"(job.json:1:7: error: the number 1e999 is too large
  1 | {"a": 1e999}
    |       ^~~~~
gorun: 1 error; nothing was run
)",
     ""},
    {"not ASCII where a value belongs", "{\"a\": é}",
     R"(job.json:1:7: error: expected a value, got "é"
  1 | {"a": é}
    |       ^
gorun: 1 error; nothing was run
)",
     ""},
    {"after tabs and multi-byte texts", "{\n\t\"да\": \"日本\",\n\t\t\"x\" 1}",
     "job.json:3:6: error: expected \":\" after the key \"x\"\n  3 | \t\t\"x\" 1}\n    | \t\t   "
     "^\ngorun: 1 error; nothing was run\n",
     ""},
};

}  // namespace

std::span<const RejectedJob> rejected() { return kRejected; }

TEST_SUITE("jobs/json_syntax_error") {
  TEST_CASE("a text that is not JSON is explained in plain words") {
    for (const RejectedJob& job : kRejected) {
      CAPTURE(job.name);
      CHECK(rendered_errors(job) == job.errors);
    }
  }
}

}  // namespace gorun::jobs::json_syntax_error_test
