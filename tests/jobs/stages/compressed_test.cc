// tests/jobs/stages/compressed_test.cc - files that "read" decompresses: their records are those of
// the plain text, wherever frames and members end, and what is wrong with one is said by its name.

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/jobs/run_job.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::compressed_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::failures_of;
using gorun::test::read_whole_file;
using gorun::test::run_job;
using gorun::test::run_shell;
using gorun::test::scaled;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/stages/compressed");

namespace {

constexpr int kProcs[] = {1, 2, 8};
const std::vector<std::string> kSuffixes = {".gz", ".zst", ".xz"};

// Compresses the file to one with `suffix`, which must not be there, and removes the plain one.
void compress(const std::string& path, const std::string& suffix) {
  const std::string tool = suffix == ".gz"    ? "gzip -1"
                           : suffix == ".zst" ? "zstd -q --rm"
                                              : "xz -1";
  REQUIRE(run_shell(tool + " '" + path + "'").exit_status == 0);
}

// `text` as members that end anywhere, one behind the other.
std::string compressed(const ScratchDir& dir, const std::string& text, const std::string& suffix,
                       const std::vector<std::size_t>& cuts = {}) {
  std::string all;
  std::size_t begin = 0;
  std::vector<std::size_t> ends = cuts;
  ends.push_back(text.size());
  for (const std::size_t end : ends) {
    compress(dir.write("member", text.substr(begin, end - begin)), suffix);
    all += read_whole_file(dir / "member" + suffix);
    REQUIRE(run_shell("rm '" + dir / "member" + suffix + "'").exit_status == 0);
    begin = end;
  }
  return all;
}

// Reads the files and sends what `more` calls "result" to "out".
Outcome run_on(const ScratchDir& dir, const std::vector<std::string>& files,
               const std::string& read, const std::string& more, int procs) {
  std::string names;
  for (const std::string& file : files) {
    names += (names.empty() ? "\"" : ", \"") + dir / file + "\"";
  }
  return run_job(R"({"gorun": 1, "stages": {"files": {"kind": "items", "items": [)" + names +
                     R"(]}, "text": {"kind": "read", "from": "files", "chunk": "4KiB")" + read +
                     "}, " + more +
                     R"(, "out": {"kind": "write", "from": "result", "format": "tsv", "path": ")" +
                     dir / "out" + R"("}}})",
                 procs);
}

const std::string kLines = R"("result": {"kind": "split", "from": "text", "workers": 1})";
const std::string kCounts = R"("lines": {"kind": "split", "from": "text"},
    "result": {"kind": "reduce", "from": "lines", "by": []})";

std::string random_lines(int count, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += std::string(random() % (random() % 50 == 0 ? 9'000 : 60),
                        static_cast<char>('a' + random() % 26));
    text += std::to_string(random()) + "\n";
  }
  return text + "no line end";
}

}  // namespace

TEST_CASE("lines of compressed files are those of the text, across members and chunks") {
  const ScratchDir dir;
  const std::string text = random_lines(scaled(20'000, 2'000), 1);
  for (const std::string& suffix : kSuffixes) {
    CAPTURE(suffix);
    // Inside lines, at a line end, and an empty member.
    const std::size_t line_end = text.find('\n', text.size() / 2) + 1;
    dir.write("in" + suffix, compressed(dir, text, suffix, {1, 7'000, 7'000, line_end}));
    for (const int procs : kProcs) {
      CAPTURE(procs);
      const Outcome outcome = run_on(dir, {"in" + suffix}, "", kLines, procs);
      CHECK(failures_of(outcome) == "");
      CHECK((read_whole_file(dir / "out") == text + "\n"));  // too long to be shown
    }
  }
}

TEST_CASE("fields of compressed CSV and JSON are those of the plain files") {
  const ScratchDir dir;
  std::string csv = "\xef\xbb\xbfk,n,t\r\n";
  std::string json;
  for (int i = 0; i < scaled(10'000, 2'000); ++i) {
    const std::string key = "k" + std::to_string(i % 7);
    csv += key + "," + std::to_string(i) + ",\"one \"\"line\"\",\r\nand another\"\r\n";
    json += "{\"k\": \"" + key + "\",\n \"n\": " + std::to_string(i) + "}\n";
  }
  dir.write("in.csv", csv);
  dir.write("in.json", json);
  const std::string sums = R"("result": {"kind": "reduce", "from": "rows", "by": "k",
                                         "agg": {"count": "count", "sum": {"sum": "n"}}})";
  for (const std::string form : {"csv", "json"}) {
    CAPTURE(form);
    const bool is_csv = form == "csv";
    const std::string read = is_csv ? "" : R"(, "cut": "json")";
    const std::string more = R"("rows": {"kind": "split", "from": "text", "by": ")" + form +
                             (is_csv ? "\"}, " : R"(", "fields": {"k": "/k", "n": "/n"}}, )") +
                             sums;
    CHECK(failures_of(run_on(dir, {"in." + form}, read, more, 2)) == "");
    const std::string expected = read_whole_file(dir / "out");
    CHECK(std::ranges::count(expected, '\n') == 7);
    for (const std::string& suffix : kSuffixes) {
      CAPTURE(suffix);
      const std::string& text = is_csv ? csv : json;
      dir.write("in" + suffix, compressed(dir, text, suffix, {2, 5'001, text.size() / 2}));
      for (const int procs : kProcs) {
        CAPTURE(procs);
        CHECK(failures_of(run_on(dir, {"in" + suffix}, read, more, procs)) == "");
        CHECK(read_whole_file(dir / "out") == expected);
      }
    }
  }
}

TEST_CASE("a compressed file that is larger than a range is read as one") {
  const ScratchDir dir;
  std::mt19937 random(2);
  std::string text(std::size_t{5} << 20, '\0');  // which nothing makes smaller
  for (char& c : text) c = static_cast<char>(random());
  text.back() = '\n';
  const auto lines = std::to_string(std::ranges::count(text, '\n'));
  for (const std::string suffix : {".gz", ".zst"}) {
    CAPTURE(suffix);
    const std::string bytes = compressed(dir, text, suffix);
    CHECK(bytes.size() > std::size_t{4} << 20);
    dir.write("in" + suffix, bytes);
    for (const int procs : kProcs) {
      CAPTURE(procs);
      CHECK(failures_of(run_on(dir, {"in" + suffix}, "", kCounts, procs)) == "");
      CHECK(read_whole_file(dir / "out") == lines + "\n");
    }
  }
}

TEST_CASE("a compressed file that is cut off or corrupt is named, and the others are read") {
  const ScratchDir dir;
  const std::string text = random_lines(2'000, 3);
  dir.write("plain", "one\ntwo\n");
  for (const std::string& suffix : kSuffixes) {
    const std::string whole = compressed(dir, text, suffix);
    std::string corrupt = whole;
    corrupt[corrupt.size() / 2] = static_cast<char>(corrupt[corrupt.size() / 2] ^ 0x55);
    const std::string cut_off = "the file is cut off\n";
    const struct {
      std::string bytes;
      std::string why;  // how it begins
    } cases[] = {{whole.substr(0, whole.size() - 1), cut_off},
                 {whole.substr(0, whole.size() / 2), cut_off},
                 {whole + whole.substr(0, whole.size() / 3), cut_off},
                 {"", cut_off},
                 {corrupt, ""},
                 {"this was never compressed\n", ""}};
    for (const auto& one : cases) {
      for (const int procs : kProcs) {
        CAPTURE(suffix);
        CAPTURE(one.bytes.size());
        CAPTURE(procs);
        dir.write("in" + suffix, one.bytes);
        const std::string what =
            "text: cannot decompress \"" + dir / "in" + suffix + "\": " + one.why;
        const Outcome failed = run_on(dir, {"in" + suffix}, "", kCounts, procs);
        CHECK(failed.state == RunState::kFailed);
        CHECK(failures_of(failed).starts_with(what));
        // What was decoded before counts or not; what other files hold does.
        const Outcome outcome = run_on(dir, {"in" + suffix, "plain"}, R"(, "on_error": "continue")",
                                       R"("lines": {"kind": "split", "from": "text"},
                      "few": {"kind": "filter", "from": "lines", "match": "^(one|two)$"},
                      "result": {"kind": "reduce", "from": "few"})",
                                       procs);
        CHECK(outcome.state == RunState::kSucceeded);
        CHECK(outcome.stages[1].let_go_count == 1);
        CHECK(read_whole_file(dir / "out") == "one\t1\ntwo\t1\n");
      }
    }
  }
}

TEST_CASE("a record that is too long is told by its place in the text") {
  const ScratchDir dir;
  for (const std::string& suffix : kSuffixes) {
    CAPTURE(suffix);
    dir.write("in" + suffix, compressed(dir, "ab\n" + std::string(100'000, 'x'), suffix));
    const Outcome outcome = run_on(dir, {"in" + suffix}, R"(, "max_record": "8KiB")", kCounts, 2);
    CHECK(failures_of(outcome) == "text: \"" + dir / "in" + suffix +
                                      "\" has a record of more than 8192 bytes (at byte 3; a "
                                      "larger \"max_record\" lets it through)\n");
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::compressed_test
