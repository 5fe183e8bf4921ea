// tests/jobs/stages/reducers_test.cc - reduces whose groups go to commands: what these are fed, and
// what becomes of their answers and their ends.

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/jobs/rejected_job.h"
#include "tests/jobs/run_job.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::reducers_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::failures_of;
using gorun::test::read_whole_file;
using gorun::test::run_job;
using gorun::test::run_shell;
using gorun::test::scaled;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/stages/reducers");

namespace {

constexpr int kProcs[] = {1, 2, 8};

std::string job(const std::string& stages, const std::string& more = "") {
  return R"({"gorun": 1, )" + more + R"("stages": {)" + stages + "}}";
}

// A sink behind "r".
std::string out_to(const ScratchDir& dir) {
  return R"(, "out": {"kind": "write", "from": "r", "path": ")" + dir / "out" + R"("})";
}

std::string result_of(const ScratchDir& dir, const std::string& stages, int procs) {
  const Outcome outcome = run_job(job(stages + out_to(dir)), procs);
  CHECK(failures_of(outcome) == "");
  CHECK(outcome.state == RunState::kSucceeded);
  return read_whole_file(dir / "out");
}

// The lines "key TAB number" of a file as items with the fields k and v.
std::string pairs_of(const ScratchDir& dir) {
  return R"("f": {"kind": "items", "items": [")" + dir / "pairs" + R"("]},
            "t": {"kind": "read", "from": "f", "cut": "csv", "separator": "\t"},
            "p": {"kind": "split", "from": "t", "by": "csv", "separator": "\t",
                  "header": false, "columns": ["k", "v"]})";
}

void write_pairs(const ScratchDir& dir, int count) {
  std::mt19937 random(7);
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += "k" + std::to_string(random() % 5'000) + "\t" + std::to_string(random() % 1'000) + "\n";
  }
  dir.write("pairs", text);
}

std::string lines_of(std::vector<std::string> lines) {
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

Failure only_failure(const Outcome& outcome) {
  CHECK(outcome.state == RunState::kFailed);
  for (const StageOutcome& stage : outcome.stages) {
    if (!stage.failures.empty()) return stage.failures.front();
  }
  FAIL("nothing has failed");
  return {};
}

}  // namespace

TEST_CASE("a reducer's sums are those of sort and awk, at any number of Ps and in any memory") {
  const ScratchDir dir;
  write_pairs(dir, scaled(1'000'000, 30'000));
  const auto awk = run_shell("cd " + dir.path() + R"sh( && cat > sum.awk <<'END'
BEGIN { FS = OFS = "\t" }
NR > 1 && $1 != key { print key, sum; sum = 0 }
{ key = $1; sum += $2 }
END { if (NR > 0) print key, sum }
END
LC_ALL=C sort -t "$(printf '\t')" -k1,1 pairs | awk -f sum.awk)sh");
  REQUIRE(awk.exit_status == 0);
  const std::string head = pairs_of(dir) + R"(, "r": {"kind": "reduce", "from": "p", "by": "k",
      "field": "v", "argv": ["awk", "-f", "sum.awk"], "cwd": ")" +
                           dir.path() + "\"";
  for (const std::string memory : {"", R"(, "memory": "64KiB")"}) {
    CAPTURE(memory);
    for (const int procs : kProcs) {
      CAPTURE(procs);
      CHECK((result_of(dir, head + memory + "}", procs) == awk.out));
    }
  }
}

TEST_CASE("lines of a key keep their order, and those of all shards come in theirs") {
  const ScratchDir dir;
  write_pairs(dir, scaled(200'000, 20'000));
  const std::string sort = R"sh(LC_ALL=C sort -s -t "$(printf '\t')" -k1,1 )sh";
  const std::string sorted = run_shell(sort + dir / "pairs").out;
  // One worker reads the file, in its order.
  const std::string head = R"("l": {"kind": "lines", "path": ")" + dir / "pairs" + R"("},
      "p": {"kind": "split", "from": "l", "by": "csv", "separator": "\t", "workers": 1,
            "header": false, "columns": ["k", "v"]},
      "r": {"kind": "reduce", "from": "p", "by": "k", "field": "v", "argv": ["cat"])";
  std::string of_shards;
  for (const std::string memory : {"", R"(, "memory": "64KiB")"}) {
    CAPTURE(memory);
    for (const int procs : kProcs) {
      CAPTURE(procs);
      CHECK((result_of(dir, head + memory + "}", procs) == sorted));
      const std::string all = result_of(dir, head + memory + R"(, "shards": 3})", procs);
      if (of_shards.empty()) of_shards = all;
      CHECK((all == of_shards));
    }
  }
  dir.write("shards", of_shards);
  CHECK(of_shards != sorted);
  CHECK((run_shell(sort + dir / "shards").out == sorted));
}

TEST_CASE("keys are bytes, and in the order of these") {
  const ScratchDir dir;
  std::vector<std::string> keys = {"b",    "a",        "",  "a b", "a\x01", std::string("a\0b", 3),
                                   "\xff", "\xc3\xa9", " ", "ab",  "a",     "\x7f"};
  dir.write("keys", lines_of(keys));
  std::ranges::sort(keys);
  for (std::string& key : keys) key += "\t" + key;
  const std::string head = R"("l": {"kind": "lines", "path": ")" + dir / "keys" + R"("}, )";
  for (const int procs : kProcs) {
    CAPTURE(procs);
    CHECK(result_of(dir, head + R"("r": {"kind": "reduce", "from": "l", "argv": ["cat"]})",
                    procs) == lines_of(keys));
  }
}

TEST_CASE("several fields are a key with tabs between, and a value may hold tabs") {
  const ScratchDir dir;
  const std::string items = R"("i": {"kind": "items", "items": [
      {"text": "1\t2", "a": "y", "b": "x"}, {"text": "3", "a": "y", "b": ""},
      {"text": "", "a": "", "b": "z"}]}, )";
  CHECK(result_of(dir, items + R"("r": {"kind": "reduce", "from": "i", "by": ["a", "b"],
                                        "argv": ["cat"]})",
                  2) == "\tz\t\ny\t\t3\ny\tx\t1\t2\n");
}

TEST_CASE("an item that is no line fails alone") {
  const ScratchDir dir;
  const Outcome outcome = run_job(
      job(R"("i": {"kind": "items", "items": [{"k": "a\tb", "v": "1"}, {"k": "a\nb", "v": "1"},
                   {"k": "a", "v": "1\n2"}, {"k": "a"}, {"v": "1"}, {"k": "a", "v": "2"}]},
             "r": {"kind": "reduce", "from": "i", "by": "k", "field": "v", "argv": ["cat"],
                   "on_error": "continue"})" +
          out_to(dir)),
      2);
  CHECK(outcome.state == RunState::kSucceeded);
  std::vector<std::string> whats;
  for (const Failure& failure : outcome.stages[1].let_go) whats.push_back(failure.what);
  CHECK(whats == std::vector<std::string>{
                     "the key \"a\\tb\" holds a tab or a line feed, which end it in a reducer's "
                     "input",
                     "the key \"a\\nb\" holds a tab or a line feed, which end it in a reducer's "
                     "input",
                     "the value holds a line feed, which ends a line of a reducer's input",
                     "the item has no field \"v\"", "the item has no field \"k\""});
  CHECK(read_whole_file(dir / "out") == "a\t2\n");
}

TEST_CASE("there are as many reducers as shards, also for no items, and each knows its number") {
  const ScratchDir dir;
  const std::string none = R"("i": {"kind": "items", "items": []}, "r": {"kind": "reduce",
      "from": "i", "argv": ["sh", "-c", "cat; echo $1 $2", "sh", "{%}", "end"], "shards": )";
  for (const int procs : kProcs) {
    CAPTURE(procs);
    CHECK(result_of(dir, none + "1}", procs) == "1 end\n");
    CHECK(result_of(dir, none + "3}", procs) == "1 end\n2 end\n3 end\n");
  }
}

TEST_CASE("answers go on while the reducers run") {
  const ScratchDir dir;
  // More than is kept before its turn, without an end.
  const std::string head = R"("i": {"kind": "range", "to": 9}, "y": {"kind": "reduce", "from": "i",
      "argv": ["sh", "-c", "yes $1", "sh", "{%}"], "memory": "64KiB", "shards": )";
  for (const int procs : kProcs) {
    CAPTURE(procs);
    for (const std::string shards : {"1", "3"}) {
      CHECK(result_of(dir, head + shards + R"(}, "r": {"kind": "take", "from": "y", "n": 2})",
                      procs) == "1\n1\n");
    }
  }
}

TEST_CASE("a reducer that fails fails the stage, whatever items may do") {
  for (const std::string fail : {"fast", "drain", "keep-going"}) {
    CAPTURE(fail);
    for (const std::string shards : {"1", "3"}) {
      CAPTURE(shards);
      const ScratchDir dir;
      const Outcome outcome =
          run_job(job(R"("i": {"kind": "range", "to": 3}, "r": {"kind": "reduce", "from": "i",
                         "argv": ["sh", "-c", "wc -l >&2; [ $0 != 1 ] || exit 3", "{%}"],
                         "on_error": "continue", "ok_codes": [0, 2], "shards": )" +
                          shards + "}" + out_to(dir),
                      R"("fail": ")" + fail + R"(", )"),
                  2);
      const Failure failure = only_failure(outcome);
      const std::string what =
          "sh -c 'wc -l >&2; [ $0 != 1 ] || exit 3' 1: exit 3 after it had "
          "read ";
      CHECK(failure.what.substr(0, what.size()) == what);
      CHECK(failure.code == 3);
      if (shards != "1") continue;
      CHECK(failure.what == what + "3 lines");
      CHECK(failure.tail == "3\n");
    }
  }
}

TEST_CASE("a reducer that does not read all of its lines has failed") {
  const ScratchDir dir;
  // More than a pipe and a reader's buffer hold.
  const Outcome outcome = run_job(job(R"("i": {"kind": "range", "to": 100000},
                     "r": {"kind": "reduce", "from": "i", "argv": ["head", "-n", "1"]})" +
                                      out_to(dir)),
                                  2);
  const std::string what = only_failure(outcome).what;
  CHECK(what.starts_with("head -n 1: exit 0 after it had read "));
  CHECK(what.ends_with(" lines, with more unread"));
}

TEST_CASE("a reducer that cannot start, or whose lines cannot be kept, fails the stage") {
  const ScratchDir dir;
  const std::string head = R"("i": {"kind": "range", "to": 30000}, "r": {"kind": "reduce",
      "from": "i", "shards": 2, "memory": "64KiB", )";
  CHECK(only_failure(run_job(job(head + R"("argv": ["/no/such/reducer"]})" + out_to(dir)), 2))
            .what.find("/no/such/reducer") != std::string::npos);
  CHECK(only_failure(run_job(job(head + R"("argv": ["cat"], "spill": ")" + dir / "none" + "\"}" +
                                 out_to(dir)),
                             2))
            .what == "cannot write below \"" + dir / "none" + "\": No such file or directory");
}

TEST_CASE("a line of a reducer that is too long fails the stage") {
  const ScratchDir dir;
  const Outcome outcome =
      run_job(job(R"("i": {"kind": "range", "to": 3}, "r": {"kind": "reduce", "from": "i",
                     "max_record": 100, "argv": ["sh", "-c", "cat; tr '\\0' x < /dev/zero"]})" +
                  out_to(dir)),
              2);
  CHECK(only_failure(outcome).what.ends_with(
      ": printed an item of more than 100 bytes, at byte 12 of its output (a larger "
      "\"max_record\" lets it through) after it had read 3 lines"));
}

TEST_CASE("\"timeout\" is that of each reducer, and not of the stage") {
  const ScratchDir dir;
  const Outcome outcome =
      run_job(job(R"("i": {"kind": "range", "to": 3}, "r": {"kind": "reduce", "from": "i",
                     "argv": ["sh", "-c", "cat > /dev/null; sleep 1000"], "timeout": "50ms"})" +
                  out_to(dir)),
              2);
  const Failure failure = only_failure(outcome);
  CHECK(failure.what.find("timed out after 50 ms") != std::string::npos);
  CHECK(failure.cause == FailureCause::kTimeout);
}

TEST_CASE("what does not go together with a reducer, or without one") {
  const RejectedJob rejected = {
      .name = "reducers",
      .text = R"({"gorun": 1, "pools": {"p": 2}, "stages": {
  "i": {"kind": "items", "items": ["x"]},
  "a": {"kind": "reduce", "from": "i", "argv": ["cat"], "agg": "sum", "by": [], "pool": "p"},
  "b": {"kind": "reduce", "from": "i", "argv": ["cat", "{}"], "env": {"A": "${{ item.a }}"}},
  "c": {"kind": "reduce", "from": "i", "argv": ["cat"], "output": "raw", "max_output": 1},
  "d": {"kind": "reduce", "from": "i", "shards": 2, "nice": 3},
  "e": {"kind": "reduce", "from": "i", "argv": [], "shards": 0},
  "w": {"kind": "write", "from": ["a", "b", "c", "d", "e"]}
}}
)",
      .errors = R"(job.json:3:64: error: "agg" and "argv" exclude each other
  3 |   "a": {"kind": "reduce", "from": "i", "argv": ["cat"], "agg": "sum", "by": [], "pool": "p"},
    |                                                                ^~~~~
  hint: a reducer is fed all values and makes of them what it likes
job.json:3:77: error: "by": [] and "argv" exclude each other
  3 |   "a": {"kind": "reduce", "from": "i", "argv": ["cat"], "agg": "sum", "by": [], "pool": "p"},
    |                                                                             ^~
  hint: without a key: an "exec" with "stdin": "items"
job.json:3:89: error: "pool" and "argv" exclude each other
  3 |   "a": {"kind": "reduce", "from": "i", "argv": ["cat"], "agg": "sum", "by": [], "pool": "p"},
    |                                                                                         ^~~
  hint: "shards" says how many reducers there are
job.json:4:48: error: "argv" refers to an item, and the command is fed all of them
  4 |   "b": {"kind": "reduce", "from": "i", "argv": ["cat", "{}"], "env": {"A": "${{ item.a }}"}},
    |                                                ^~~~~~~~~~~~~
  hint: "exec" runs a command for each
job.json:4:70: error: "env" refers to an item, and the command is fed all of them
  4 |   "b": {"kind": "reduce", "from": "i", "argv": ["cat", "{}"], "env": {"A": "${{ item.a }}"}},
    |                                                                      ^~~~~~~~~~~~~~~~~~~~~~
  hint: "exec" runs a command for each
job.json:5:88: error: "max_output" has no meaning with "output": "raw"
  5 |   "c": {"kind": "reduce", "from": "i", "argv": ["cat"], "output": "raw", "max_output": 1},
    |                                                                                        ^
  hint: it limits what "group" shows
job.json:6:50: error: "shards" is used only with "argv"
  6 |   "d": {"kind": "reduce", "from": "i", "shards": 2, "nice": 3},
    |                                                  ^
job.json:6:61: error: "nice" is used only with "argv"
  6 |   "d": {"kind": "reduce", "from": "i", "shards": 2, "nice": 3},
    |                                                             ^
job.json:7:48: error: "argv" is empty
  7 |   "e": {"kind": "reduce", "from": "i", "argv": [], "shards": 0},
    |                                                ^~
  hint: its first string is the program
job.json:7:62: error: "shards": expected 1 to 1024, got 0
  7 |   "e": {"kind": "reduce", "from": "i", "argv": [], "shards": 0},
    |                                                              ^
gorun: 10 errors; nothing was run
)",
      .settings = ""};
  CHECK(rendered_errors(rejected) == rejected.errors);
}

TEST_CASE("a default that a stage has no use for is not taken") {
  const ScratchDir dir;
  const Outcome outcome = run_job(
      job(R"("i": {"kind": "items", "items": ["b", "a", "b"]},
             "c": {"kind": "reduce", "from": "i"},
             "r": {"kind": "reduce", "from": "c", "argv": ["cat"]})" +
              out_to(dir),
          R"("defaults": {"kill_after": "1s", "nice": 1, "agg": "count", "argv": ["false"]}, )"),
      2);
  CHECK(failures_of(outcome) == "");
  CHECK(read_whole_file(dir / "out") == "a\ta\nb\tb\n");
}

TEST_SUITE_END();

}  // namespace gorun::test::reducers_test
