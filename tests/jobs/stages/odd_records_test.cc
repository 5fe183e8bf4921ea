// tests/jobs/stages/odd_records_test.cc - whole jobs on records that are none of the usual: bytes
// that are not UTF-8, NUL, large and deep documents, quotes across the borders of ranges.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/jobs/run_job.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::odd_records_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::failures_of;
using gorun::test::read_whole_file;
using gorun::test::run_job;
using gorun::test::run_shell;
using gorun::test::scaled;
using gorun::test::ScratchDir;
using std::string_literals::operator""s;

TEST_SUITE_BEGIN("jobs/stages/odd_records");

namespace {

constexpr int kProcs[] = {1, 2, 8};
constexpr std::size_t kRangeBytes = std::size_t{4} << 20;  // that one worker reads of a file

// Reads "in" and sends what `more` calls "result" to "out". Records keep their order.
Outcome run_on(const ScratchDir& dir, const std::string& read, const std::string& more,
               const std::string& format, int procs) {
  return run_job(R"({"gorun": 1, "defaults": {"workers": 1}, "stages": {
      "file": {"kind": "items", "items": [")" +
                     dir / "in" + R"("]},
      "text": {"kind": "read", "from": "file")" +
                     read + "}, " + more + R"(, "out": {"kind": "write", "from": "result",
      "format": ")" + format +
                     R"(", "path": ")" + dir / "out" + R"("}}})",
                 procs);
}

std::string result_of(const ScratchDir& dir, const std::string& read, const std::string& more,
                      const std::string& format, int procs) {
  const Outcome outcome = run_on(dir, read, more, format, procs);
  CHECK(failures_of(outcome) == "");
  CHECK(outcome.state == RunState::kSucceeded);
  return read_whole_file(dir / "out");
}

const std::string kSmall = R"(, "chunk": "4KiB")";

std::string filter(const std::string& expression, const std::string& more = "") {
  std::string escaped;
  for (const char c : expression) escaped += c == '\\' ? std::string("\\\\") : std::string(1, c);
  return R"("lines": {"kind": "split", "from": "text"},
      "result": {"kind": "filter", "from": "lines", "match": ")" +
         escaped + "\"" + more + "}";
}

}  // namespace

TEST_CASE("lines that are not UTF-8 or hold NUL are matched as bytes are by python3") {
  if (run_shell("command -v python3").exit_status != 0) {
    MESSAGE("python3 is not installed: what it says is not compared");
    return;
  }
  const ScratchDir dir;
  constexpr std::string_view kPieces[] = {"needle",
                                          "NEEDLE",
                                          "a1",
                                          "b",
                                          " ",
                                          "x",
                                          "\xff",
                                          "\x80",
                                          "\xc3\xa9",
                                          "\xed\xa0\x80",
                                          std::string_view("\0", 1),
                                          "\r"};
  std::mt19937 random(1);
  std::string text;
  for (int i = 0; i < scaled(20'000, 3'000); ++i) {
    for (auto parts = random() % 8; parts > 0; --parts) text += kPieces[random() % 12];
    // Longer than what is looked at by a table.
    if (random() % 50 == 0) text.append(300, "x\xff"[random() % 2]);
    text += '\n';
  }
  dir.write("in", text);
  // A literal, tables, and what RE2 does itself. Classes that RE2 has only of whole characters
  // ("." and those with "^") are below.
  for (const std::string expression :
       {"needle", "^needle", "b$", "^a[0-9]b*x", "(needle|b)+$", "(?i)needle", "\\x00", "\\x00b",
        "\\bneedle\\b", "a1 *b", "^$", "\\r$"}) {
    CAPTURE(expression);
    for (const bool is_inverted : {false, true}) {
      CAPTURE(is_inverted);
      const auto python =
          run_shell("python3 - '" + dir / "in" +
                    "' <<'END'\nimport re, sys\n"
                    "for line in open(sys.argv[1], 'rb').read().split(b'\\n')[:-1]:\n"
                    "    if (re.search(rb'" +
                    expression + "', line) is None) == " + (is_inverted ? "True" : "False") +
                    ": sys.stdout.buffer.write(line + b'\\n')\nEND");
      REQUIRE(python.exit_status == 0);
      for (const int procs : kProcs) {
        CAPTURE(procs);
        const std::string found =
            result_of(dir, kSmall, filter(expression, is_inverted ? R"(, "invert": true)" : ""),
                      "text", procs);
        CHECK((found == python.out));  // too long to be shown
      }
    }
  }
}

TEST_CASE("a dot is a character of UTF-8, also NUL, and not a byte that is none") {
  const ScratchDir dir;
  const std::string good = "a\0b\n"s + "a\xc3\xa9" + "b\nazb\n";
  dir.write("in", good + "a\xff" + "b\na\xc3" + "b\nab\n");
  for (const int procs : kProcs) {
    CAPTURE(procs);
    for (const std::string expression : {"a.b", "a[^x]b", "^a.b$", "(?s)a.b"}) {
      CAPTURE(expression);
      CHECK(result_of(dir, kSmall, filter(expression), "text", procs) == good);
    }
  }
}

TEST_CASE("matches in text that is not UTF-8 are records of whole characters") {
  const ScratchDir dir;
  dir.write("in", "k=a\0b k=c\xff k=\xc3\xa9 \xffk=\xff k=\n\xff\xfeword\0word\n"s);
  const auto split = [](const std::string& pattern) {
    return R"("result": {"kind": "split", "from": "text", "by": "regex", "pattern": ")" + pattern +
           "\"}";
  };
  for (const int procs : kProcs) {
    CAPTURE(procs);
    CHECK(result_of(dir, kSmall, split("k=([^ ]*)"), "text", procs) == "a\0b\nc\n\xc3\xa9\n\n\n"s);
    CHECK(result_of(dir, kSmall, split("[a-z]+"), "text", procs) ==
          "k\na\nb\nk\nc\nk\nk\nk\nword\nword\n");
    CHECK(result_of(dir, kSmall, split("x*"), "text", procs) == "");
  }
}

TEST_CASE("JSON: numbers, escapes, and keys that come twice") {
  const ScratchDir dir;
  dir.write("in",
            // Integers are exact; others are doubles, but for those that none is.
            R"({"a": 9007199254740993, "b": -9223372036854775808}
{"a": 18446744073709551615, "b": 123456789012345678901234567890.5}
{"a": -123456789012345678901234567890, "b": 1e400}
{"a": 123456789012345678901234567890 , "b": "\u0062"}
{"a": "\u0061", "b": [ 123456789012345678901234567890, "\u0062" ]}
{"a": -0, "b": 1.50}
{"a": 1E2, "b": 0.1e-6}
{"a": "\u00e9\ud83d\ude00\n\"\\\/\u0000", "b": ""}
{"\u0061": "by its escape", "b": "\u0062"}
{"a": 1, "a": 2, "b": {"a": 3}}
{"b": "the last counts", "b": {"x": [1, {"y": "]}"}]}, "a": null}
)");
  const std::string expected =
      "{\"a\":9007199254740993,\"b\":-9223372036854775808}\n"
      "{\"a\":18446744073709551615,\"b\":1.2345678901234568e+29}\n"
      "{\"a\":-123456789012345678901234567890,\"b\":1e400}\n"
      "{\"a\":123456789012345678901234567890,\"b\":\"b\"}\n"
      "{\"a\":\"a\",\"b\":\"[123456789012345678901234567890,\\\"\\\\u0062\\\"]\"}\n"
      "{\"a\":0,\"b\":1.5}\n"
      "{\"a\":100,\"b\":1e-07}\n"
      "{\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\\n\\\"\\\\/\\u0000\",\"b\":\"\"}\n"
      "{\"a\":\"by its escape\",\"b\":\"b\"}\n"
      "{\"a\":2,\"b\":\"{\\\"a\\\":3}\"}\n"
      "{\"a\":\"null\",\"b\":\"{\\\"x\\\":[1,{\\\"y\\\":\\\"]}\\\"}]}\"}\n";
  for (const int procs : kProcs) {
    CAPTURE(procs);
    for (const std::string read : {"", R"(, "cut": "json")"}) {
      CAPTURE(read);
      CHECK(result_of(dir, kSmall + read,
                      R"("result": {"kind": "split", "from": "text", "by": "json",
                                    "fields": {"a": "/a", "b": "/b"}})",
                      "jsonl", procs) == expected);
    }
  }
}

TEST_CASE("a document of several ranges, and one that is as deep as may be") {
  const ScratchDir dir;
  const std::string fields = R"("rows": {"kind": "split", "from": "text", "by": "json",
      "fields": {"k": "/in/k", "n": "/n"}},
      "result": {"kind": "reduce", "from": "rows", "by": "k", "agg": {"sum": {"sum": "n"}}})";
  std::string pads = "\"\"";
  while (pads.size() < 2 * kRangeBytes + kRangeBytes / 2) {
    pads += ",\"{\\\"[" + std::string(500, 'x') + "\"";
  }
  const std::string large = R"({"pads":[)" + pads + R"(],"in":{"k":"large"},"n":40})";
  const auto deep = [](std::size_t depth) {
    return R"({"deep":)" + std::string(depth, '[') + std::string(depth, ']') +
           R"(,"in":{"k":"deep"},"n":5})";
  };
  const std::string small = "{\"in\":{\"k\":\"large\"},\"n\":1}\n";
  dir.write("in", small + large + "\n" + deep(1000) + "\n" + small);
  for (const int procs : kProcs) {
    CAPTURE(procs);
    CHECK(result_of(dir, "", fields, "tsv", procs) == "deep\t5\nlarge\t42\n");
    CHECK(result_of(dir, kSmall + R"(, "cut": "json")", fields, "tsv", procs) ==
          "deep\t5\nlarge\t42\n");
  }
  dir.write("in", small + deep(1100) + "\n" + small);
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const Outcome outcome = run_on(dir, "", fields, "tsv", procs);
    CHECK(outcome.state == RunState::kFailed);
    // At the bracket that is too much.
    CHECK(failures_of(outcome).starts_with("rows: \"" + dir / "in" + "\" at byte "));
    CHECK(failures_of(outcome).ends_with(": unexpected \"[\" in JSON\n"));
  }
}

TEST_CASE("a line that is no JSON is named by its byte of the file, in whatever range it lies") {
  const ScratchDir dir;
  std::string text;
  std::vector<std::uint64_t> wrong;
  std::int64_t sum = 0;
  for (int i = 0; text.size() < 2 * kRangeBytes + kRangeBytes / 2; ++i) {
    if (text.size() / kRangeBytes == wrong.size() && text.size() % kRangeBytes > 1'000'000) {
      wrong.push_back(text.size() + 5);
      text += "{\"n\":x}\n";
    }
    text += R"({"n":)" + std::to_string(i) + R"(,"pad":")" + std::string(400, 'p') + "\"}\n";
    sum += i;
  }
  REQUIRE(wrong.size() == 3);
  dir.write("in", text);
  std::set<std::string> places;
  for (const std::uint64_t at : wrong) {
    places.insert("\"" + dir / "in" + "\" at byte " + std::to_string(at) +
                  ": unexpected \"x\" in JSON");
  }
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const Outcome outcome = run_on(dir, R"(, "workers": 3)",
                                   R"("rows": {"kind": "split", "from": "text", "by": "json",
        "fields": {"n": "/n"}, "workers": 3, "on_error": "continue"},
        "result": {"kind": "reduce", "from": "rows", "by": [], "agg": {"sum": {"sum": "n"}}})",
                                   "tsv", procs);
    CHECK(outcome.state == RunState::kSucceeded);
    std::set<std::string> told;
    for (const Failure& failure : outcome.stages[2].let_go) told.insert(failure.what);
    CHECK(told == places);
    CHECK(read_whole_file(dir / "out") == std::to_string(sum) + "\n");
  }
}

TEST_CASE("quoted fields of CSV lie across the borders of chunks and ranges, the last unclosed") {
  const ScratchDir dir;
  std::string text = "\xef\xbb\xbf\"k\",n,t\r\n";
  std::vector<std::int64_t> sums(7);
  std::vector<std::int64_t> counts(7);
  // Records of 100 to 6,000 bytes, all but a few of them quoted: most borders fall into quotes.
  for (std::size_t i = 0; text.size() < 2 * kRangeBytes + kRangeBytes / 2; ++i) {
    const std::string written = "text, \"\"quoted\"\"\r\n";
    const std::string more(100 + i % 100 * 59, i % 3 == 0 ? '\n' : ',');
    text +=
        "k" + std::to_string(i % 7) + "," + std::to_string(i) + ",\"" + written + more + "\"\r\n";
    sums[i % 7] += static_cast<std::int64_t>(i);
    ++counts[i % 7];
  }
  const std::size_t place = text.size() + 5;
  text += "k0,5,\"open,\r\nk1,6,7\r\n";
  dir.write("in", text);
  std::string expected;
  for (std::size_t k = 0; k < 7; ++k) {
    expected += "k" + std::to_string(k) + "\t" + std::to_string(counts[k]) + "\t" +
                std::to_string(sums[k]) + "\n";
  }
  for (const int procs : kProcs) {
    CAPTURE(procs);
    for (const std::string& read : {kSmall, std::string(R"(, "workers": 3)")}) {
      CAPTURE(read);
      const Outcome outcome = run_on(dir, read,
                                     R"("rows": {"kind": "split", "from": "text", "by": "csv",
          "workers": 3, "on_error": "continue"}, "result": {"kind": "reduce", "from": "rows", "by": "k",
          "agg": {"count": "count", "sum": {"sum": "n"}}})",
                                     "tsv", procs);
      CHECK(outcome.state == RunState::kSucceeded);
      REQUIRE(outcome.stages[2].let_go.size() == 1);
      CHECK(outcome.stages[2].let_go[0].what == "\"" + dir / "in" + "\" at byte " +
                                                    std::to_string(place) +
                                                    ": a quote that is never closed");
      CHECK(read_whole_file(dir / "out") == expected);
    }
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::odd_records_test
