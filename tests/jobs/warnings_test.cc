// tests/jobs/warnings_test.cc - what check warns of, word for word, and what it does not.

#include "jobs/warnings.h"

#include <doctest/doctest.h>

#include <string>

#include "jobs/load.h"

namespace gorun::jobs::warnings_test {

namespace {

std::string warnings_of(const std::string& text) {
  const Source source("job.json", text);
  const Result<Graph> graph = load_job(source);
  if (!graph.ok()) return render(source, graph.errors());
  const Diagnostics warnings = find_warnings(*graph);
  return warnings.empty() ? "" : render(source, warnings);
}

std::string warnings_of_stages(const std::string& stages) {
  return warnings_of("{\"gorun\": 1, \"stages\": {\n" + stages + "\n}}\n");
}

}  // namespace

TEST_SUITE("jobs/warnings") {
  TEST_CASE("a command for each item holds the other readers back") {
    CHECK(
        warnings_of_stages(R"("files": {"kind": "walk"},
"list": {"kind": "write", "from": "files"},
"pack": {"kind": "exec", "from": "files", "argv": ["gzip", "-k", "{}"]})") ==
        "job.json:4:34: warning: stage \"pack\" holds \"list\" back: a command for each item takes "
        "long, and \"files\" sends on when all that read from it have room\n"
        "  4 | \"pack\": {\"kind\": \"exec\", \"from\": \"files\", \"argv\": [\"gzip\", \"-k\", "
        "\"{}\"]}\n"
        "    |                                  ^~~~~~~\n"
        "  hint: a stage of kind \"sort\" in front of \"pack\" takes everything at once, on the "
        "disk if need be\n"
        "gorun: 1 warning\n");
  }

  TEST_CASE("so does one behind it, a request, and a stage that starts late") {
    CHECK(
        warnings_of_stages(R"("urls": {"kind": "lines"},
"a": {"kind": "write", "from": "urls"}, "b": {"kind": "dedupe", "from": "urls"}, "c": {"kind": "take", "n": 3, "from": "b"},
"d": {"kind": "filter", "from": "urls", "match": "x"}, "e": {"kind": "write", "from": ["c", "d"], "path": "e"},
"good": {"kind": "map", "from": "urls", "text": "x"}, "get": {"kind": "http", "from": "good"},
"f": {"kind": "write", "from": "get", "path": "f"})") ==
        "job.json:5:33: warning: stage \"good\", which feeds \"get\", holds \"a\", \"b\" and \"d\" "
        "back: a request for each item takes long, and \"urls\" sends on when all that read from "
        "it have room\n"
        "  5 | \"good\": {\"kind\": \"map\", \"from\": \"urls\", \"text\": \"x\"}, \"get\": "
        "{\"kind\": \"http\", \"from\": \"good\"},\n"
        "    |                                 ^~~~~~\n"
        "  hint: a stage of kind \"sort\" in front of \"good\" takes everything at once, on the "
        "disk if need be\n"
        "gorun: 1 warning\n");
    CHECK(
        warnings_of_stages(
            R"("n": {"kind": "range", "to": 9}, "build": {"kind": "exec", "argv": ["make"]},
"a": {"kind": "write", "from": "n"},
"b": {"kind": "write", "from": "n", "path": "b", "needs": "build"})") ==
        "job.json:4:32: warning: stage \"b\" holds \"a\" back: it starts after \"build\", and "
        "\"n\" sends on when all that read from it have room\n"
        "  4 | \"b\": {\"kind\": \"write\", \"from\": \"n\", \"path\": \"b\", \"needs\": "
        "\"build\"}\n"
        "    |                                ^~~\n"
        "  hint: a stage of kind \"sort\" in front of \"b\" takes everything at once, on the disk "
        "if need be\n"
        "gorun: 1 warning\n");
  }

  TEST_CASE("there is nothing to say where all are slow, none is, or a sort is in front") {
    CHECK(warnings_of_stages(R"("n": {"kind": "range", "to": 9},
"a": {"kind": "exec", "from": "n", "argv": ["true"]}, "b": {"kind": "exec", "from": "n", "argv": ["true"]})") ==
          "");
    CHECK(warnings_of_stages(R"("n": {"kind": "range", "to": 9}, "s": {"kind": "sort", "from": "n"},
"a": {"kind": "exec", "from": "s", "argv": ["true"]}, "b": {"kind": "write", "from": "n"})") == "");
    CHECK(
        warnings_of_stages(R"("n": {"kind": "range", "to": 9}, "a": {"kind": "write", "from": "n"},
"b": {"kind": "write", "from": "n", "path": "b"})") == "");
    // What feeds them waits as well.
    CHECK(warnings_of_stages(R"("m": {"kind": "exec", "argv": ["make"]},
"n": {"kind": "lines", "needs": "m"}, "a": {"kind": "write", "from": "n"},
"b": {"kind": "write", "from": "n", "path": "b", "needs": "m"})") == "");
  }
}

}  // namespace gorun::jobs::warnings_test
