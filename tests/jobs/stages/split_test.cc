// tests/jobs/stages/split_test.cc - CSV and JSON in whole jobs: what python3 and jq make of the
// same files, at any number of Ps, in small chunks, and through whatever reads the rows.

#include <doctest/doctest.h>

#include <string>

#include "tests/jobs/rejected_job.h"
#include "tests/jobs/run_job.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::split_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::failures_of;
using gorun::test::read_whole_file;
using gorun::test::run_job;
using gorun::test::run_shell;
using gorun::test::scaled;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/stages/split");

namespace {

constexpr int kProcs[] = {1, 2, 8};

bool is_missing(const std::string& tool) {
  if (run_shell("command -v " + tool).exit_status == 0) return false;
  MESSAGE(tool << " is not installed: what it says is not compared");
  return true;
}

// `file` read in chunks of `chunk`, split with the options `split`, and what `more` makes of "rows"
// as "result", written in `format`.
struct SplitJob {
  std::string file;
  std::string split;
  std::string more;
  std::string format = "tsv";
  std::string read = "";
  std::string chunk = "4KiB";

  [[nodiscard]] std::string text(const std::string& out) const {
    return R"({"gorun": 1, "stages": {"files": {"kind": "items", "items": [")" + file + R"("]},
        "text": {"kind": "read", "from": "files", "chunk": ")" +
           chunk + "\"" + read + R"(}, "rows": {"kind": "split", "from": "text", )" + split +
           "}, " + more + R"(, "out": {"kind": "write", "from": "result", "format": ")" + format +
           R"(", "path": ")" + out + R"("}}})";
  }
};

std::string result_of(const ScratchDir& dir, const SplitJob& job, int procs) {
  const Outcome outcome = run_job(job.text(dir / "out"), procs);
  CHECK(failures_of(outcome) == "");
  CHECK(outcome.state == RunState::kSucceeded);
  return read_whole_file(dir / "out");
}

// Groups rows by "k": how many, and the sum of "n".
const std::string kSums = R"("result": {"kind": "reduce", "from": "rows", "by": "k",
    "agg": {"count": "count", "sum": {"sum": "n"}}})";
// The same, not in one goroutine with the split: items then are made of rows.
const std::string kSumsBehindSort = R"("sorted": {"kind": "sort", "from": "rows", "by": "t"},
    "result": {"kind": "reduce", "from": "sorted", "by": "k",
               "agg": {"count": "count", "sum": {"sum": "n"}}})";

std::string python(const std::string& program) { return "python3 - <<'END'\n" + program + "\nEND"; }

// Writes `rows` rows of k, n and a text with all that must be quoted.
std::string csv_writer(const std::string& path, int rows) {
  return python(
      "import csv, random\nr = random.Random(1)\n"
      "with open('" +
      path +
      "', 'w', newline='') as file:\n"
      "    out = csv.writer(file)\n"
      "    out.writerow(['k', 'n', 't'])\n"
      "    for i in range(" +
      std::to_string(rows) +
      "):\n"
      "        text = ''.join(r.choice('a,\"\\n\\r\\n xyz\\u00e9') for _ in "
      "range(r.randrange(40)))\n"
      "        out.writerow(['k%d,' % r.randrange(20), r.randrange(-50, 1000), text])\n");
}

}  // namespace

TEST_CASE("groups of a large CSV file are those of python3's csv") {
  if (is_missing("python3")) return;
  const ScratchDir dir;
  // Several ranges, which several workers read, in a plain build.
  REQUIRE(run_shell(csv_writer(dir / "in.csv", scaled(300'000, 5'000))).exit_status == 0);
  const auto expected =
      run_shell(python("import csv\nsums = {}\nwith open('" + (dir / "in.csv") +
                       "', newline='') as file:\n"
                       "    for row in csv.DictReader(file):\n"
                       "        count, total = sums.get(row['k'], (0, 0))\n"
                       "        sums[row['k']] = (count + 1, total + int(row['n']))\n"
                       "for key in sorted(sums): print(key, *sums[key], sep='\\t')"));
  REQUIRE(expected.exit_status == 0);
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const SplitJob job{.file = dir / "in.csv", .split = R"("by": "csv")", .more = kSums};
    CHECK(result_of(dir, job, procs) == expected.out);
  }
  const SplitJob job{.file = dir / "in.csv", .split = R"("by": "csv")", .more = kSumsBehindSort};
  CHECK(result_of(dir, job, 2) == expected.out);
}

TEST_CASE("groups of JSON lines are those of python3 and of jq") {
  const ScratchDir dir;
  const std::string path = dir / "in.jsonl";
  if (is_missing("python3")) return;
  REQUIRE(
      run_shell(
          python("import json, random\nr = random.Random(2)\n"
                 "with open('" +
                 path +
                 "', 'w') as file:\n"
                 "    for i in range(" +
                 std::to_string(scaled(100'000, 3'000)) +
                 "):\n"
                 "        record = {'t': ''.join(r.choice('a\"\\\\\\n{}[],:\\u00e9') for _ in "
                 "range(r.randrange(30))),\n"
                 "                  'in': {'k': 'k%d\\t\"' % r.randrange(20) if i % 7 else "
                 "'k\\u00e9', 'list': [1, {'n': 2}]},\n"
                 "                  'n': r.choice([r.randrange(1000), r.randrange(1000) / 4])}\n"
                 "        if i % 3 == 0: record = dict(reversed(record.items()))\n"
                 "        file.write(json.dumps(record, ensure_ascii=i % 2 == 0) + '\\n')\n"))
          .exit_status == 0);
  const std::string split = R"("by": "json", "fields": {"k": "/in/k", "n": "/n", "t": "/t"})";
  const auto expected = run_shell(
      python("import json\nfrom fractions import Fraction\nsums = {}\nfor line in open('" + path +
             "'):\n"
             "    record = json.loads(line)\n    key = record['in']['k']\n"
             "    count, total = sums.get(key, (0, 0))\n"
             "    sums[key] = (count + 1, total + Fraction(record['n']))\n"
             "for key in sorted(sums, key=str.encode):\n"
             "    count, total = sums[key]\n"
             "    print(json.dumps({'k': key, 'count': count, 'sum': float(total) if total % 1 "
             "else int(total)},\n"
             "                     ensure_ascii=False, separators=(',', ':')))"));
  REQUIRE(expected.exit_status == 0);
  for (const int procs : kProcs) {
    CAPTURE(procs);
    CHECK(result_of(dir, {.file = path, .split = split, .more = kSums, .format = "jsonl"}, procs) ==
          expected.out);
  }
  const SplitJob sorted{.file = path, .split = split, .more = kSumsBehindSort, .format = "jsonl"};
  CHECK(result_of(dir, sorted, 2) == expected.out);
  if (is_missing("jq")) return;
  // The same documents over many lines, and as one array.
  REQUIRE(run_shell("jq . '" + path + "' > '" + dir / "many" + "' && jq -s . '" + path + "' > '" +
                    dir / "array" + "'")
              .exit_status == 0);
  for (const std::string name : {"many", "array"}) {
    CAPTURE(name);
    const SplitJob job{.file = dir / name,
                       .split = split,
                       .more = kSums,
                       .format = "jsonl",
                       .read = R"(, "cut": "json")"};
    CHECK(result_of(dir, job, 2) == expected.out);
  }
}

TEST_CASE("rows carry their fields wherever they go") {
  const ScratchDir dir;
  dir.write("in.csv", "\xef\xbb\xbf\"a\",b b\r\n1,\"x \"\"y\"\"\"\r\n\r\n,\"two\nlines\"\r\n");
  const std::string as_they_are = R"("result": {"kind": "merge", "from": "rows"})";
  CHECK(result_of(dir,
                  {.file = dir / "in.csv",
                   .split = R"("by": "csv")",
                   .more = as_they_are,
                   .format = "jsonl"},
                  1) ==
        "{\"a\":\"1\",\"b b\":\"x \\\"y\\\"\"}\n{\"a\":\"\",\"b b\":\"two\\nlines\"}\n");
  dir.write("in.tsv", "1\t2,3\n");
  CHECK(result_of(
            dir,
            {.file = dir / "in.tsv",
             .split = R"("by": "csv", "header": false, "columns": ["p", "q"], "separator": "\t")",
             .more = as_they_are,
             .format = "jsonl"},
            1) == "{\"p\":\"1\",\"q\":\"2,3\"}\n");
  dir.write("in.jsonl", "{\"a\": {\"b\": \"x\\n\"}, \"c\": 1.50}\n{\"c\": [1, 2]}\n");
  CHECK(result_of(dir,
                  {.file = dir / "in.jsonl",
                   .split = R"("by": "json", "fields": {"ab": "/a/b", "c": "/c"})",
                   .more = as_they_are,
                   .format = "jsonl"},
                  1) == "{\"ab\":\"x\\n\",\"c\":1.5}\n{\"c\":\"[1,2]\"}\n");
}

TEST_CASE("a record that is wrong is named by file and byte, tolerated, or sent elsewhere") {
  const ScratchDir dir;
  // The wrong record lies in a chunk behind the first.
  std::string text = "k,n\n";
  while (text.size() < 9000) text += "a,1\n";
  const std::string place = std::to_string(text.size());
  text += "b,2,3\na,1\n";
  dir.write("in.csv", text);
  const SplitJob job{.file = dir / "in.csv", .split = R"("by": "csv")", .more = kSums};
  const std::string what = "\"" + (dir / "in.csv") + "\" at byte " + place +
                           ": a record of 3 fields, and there are 2 columns";
  for (const int procs : kProcs) {
    const Outcome outcome = run_job(job.text(dir / "out"), procs);
    CHECK(outcome.state == RunState::kFailed);
    CHECK(failures_of(outcome) == "rows: " + what + "\n");
  }
  SplitJob tolerant = job;
  tolerant.split += R"(, "tolerate": 1)";
  CHECK(run_job(tolerant.text(dir / "out"), 2).state == RunState::kSucceeded);
  CHECK(read_whole_file(dir / "out") == "a\t2250\t2250\n");
  SplitJob routed = job;
  routed.split += R"(, "on_error": "route")";
  routed.more += R"(, "bad": {"kind": "write", "from": "rows.errors", "format": "tsv", "path": ")" +
                 dir / "bad" + R"("})";
  CHECK(run_job(routed.text(dir / "out"), 2).state == RunState::kSucceeded);
  CHECK(read_whole_file(dir / "bad").starts_with("b,2,3\t"));
  CHECK(read_whole_file(dir / "bad").find("at byte " + place) != std::string::npos);
}

TEST_CASE("records of JSON that are wrong, and files that end too early") {
  const ScratchDir dir;
  const std::string split = R"("by": "json", "fields": {"k": "/k", "n": "/n"})";
  const auto failures = [&](const std::string& text, const std::string& read) {
    dir.write("in", text);
    const SplitJob job{.file = dir / "in", .split = split, .more = kSums, .read = read};
    std::string all = failures_of(run_job(job.text(dir / "out"), 2));
    for (std::size_t at = 0; (at = all.find(dir / "in", at)) != std::string::npos;) {
      all.replace(at, (dir / "in").size(), "in");
    }
    return all;
  };
  CHECK(failures("{\"k\":1,\"n\":1}\n{\"k\":2,}\n", "") ==
        "rows: \"in\" at byte 21: unexpected \"}\" in JSON\n");
  CHECK(failures("{\"k\":1,\"n\":1}\n{\"k\":2}\n", "") == "result: the item has no field \"n\"\n");
  CHECK(failures("{\"k\":1,\"n\":\"x\"}\n", "") == "result: \"x\" is not a number\n");
  CHECK(failures("{\"k\":1,\n\"n\":1}\n", "")
            .starts_with("rows: \"in\" at byte 7: the line ends inside a JSON document"));
  CHECK(failures("{\"k\":1,\n\"n\":1}\n", R"(, "cut": "json")") == "");
  CHECK(failures("[{\"k\":1,\"n\":1},\n", R"(, "cut": "json")")
            .starts_with("text: \"in\": the array that it begins with is not closed\n"));
  CHECK(
      failures("{\"k\":\"" + std::string(20'000, 'x') + "\"}",
               R"(, "cut": "json", "max_record": "1KiB")") ==
      "text: \"in\" has a record of more than 1024 bytes (at byte 0; a larger \"max_record\" lets "
      "it through)\n");
}

TEST_CASE("who reads what was cut for another is told, and what an option is for") {
  const auto errors = [](const std::string& stages) {
    return rendered_errors({"",
                            R"({"gorun": 1, "stages": {"f": {"kind": "items", "items": ["a"]},
"r": {"kind": "read", "from": "f"}, )" +
                                stages + R"(, "o": {"kind": "write", "from": "s"}}})",
                            "", ""});
  };
  const auto says = [&](const std::string& stages, const std::string& what) {
    const std::string said = errors(stages);
    CAPTURE(said);
    CHECK(said.find("error: " + what + "\n") != std::string::npos);
  };
  CHECK(errors(R"("s": {"kind": "split", "from": "r", "by": "csv"})") == "(accepted)");
  says(R"("s": {"kind": "split", "from": "r", "by": "csv"}, "p": {"kind": "write", "from": "r"})",
       R"(stage "p" cannot read what "r" cuts for a split by csv)");
  says(
      R"("s": {"kind": "split", "from": "r", "by": "json"}, "p": {"kind": "split", "from": "r"}, "q": {"kind": "write", "from": "p"})",
      R"(stage "p" cannot read what "r" cuts for a split by json)");
  says(
      R"("s": {"kind": "split", "from": "r2", "by": "json"}, "r2": {"kind": "read", "from": "f", "cut": "lines"})",
      R"(stage "s" cannot read what "r2" cuts for lines)");
  says(
      R"("s": {"kind": "split", "from": "r2"}, "r2": {"kind": "read", "from": "f", "cut": "words"})",
      R"(stage "s" cannot read what "r2" cuts for words)");
  says(
      R"("m": {"kind": "filter", "from": "r", "match": "x"}, "s": {"kind": "split", "from": "m", "by": "csv"})",
      R"(chunks of "r" reach stage "s" by way of "m")");
  says(R"("s": {"kind": "split", "from": "r", "by": "csv", "header": false})",
       "what the columns are called is not said");
  says(R"("s": {"kind": "split", "from": "r", "by": "csv", "columns": ["a"]})",
       "the first record names the columns already");
  says(
      R"("s": {"kind": "split", "from": "r", "by": "csv", "header": false, "columns": ["a", "a"]})",
      R"(two columns are called "a")");
  says(R"("s": {"kind": "split", "from": "r", "by": "csv", "separator": "\"" })",
       "a quote or a line end cannot separate fields");
  says(R"("s": {"kind": "split", "from": "r", "header": true})",
       R"("header" is used only with "by": "csv")");
  says(R"("s": {"kind": "split", "from": "r", "fields": {"a": "/a"}})",
       R"("fields" is used only with "by": "json")");
}

TEST_SUITE_END();

}  // namespace gorun::test::split_test
