// tests/jobs/stages/same_bytes_test.cc - what is alike has one order, whoever comes first: the
// output is the same bytes at any number of Ps and workers.

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "tests/jobs/run_job.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::same_bytes_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::failures_of;
using gorun::test::read_whole_file;
using gorun::test::run_job;
using gorun::test::scaled;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/stages/same_bytes");

namespace {

constexpr std::size_t kFiles = 5;

struct Line {
  std::string path;
  std::string key;
  int rank = 0;

  [[nodiscard]] std::string text() const { return key + "\t" + std::to_string(rank); }
};

// Lines in random order, in some files: 200 keys, of each nearly as many, and three ranks.
std::vector<Line> write_lines(const ScratchDir& dir) {
  std::mt19937 random(1);
  std::vector<Line> lines;
  for (int key = 0; key < 200; ++key) {
    const int count = scaled(100, 10) + key * 7 % 5;
    for (int i = 0; i < count; ++i) lines.push_back({"", "k" + std::to_string(key), i % 3});
  }
  std::ranges::shuffle(lines, random);
  std::vector<std::string> texts(kFiles);
  for (Line& line : lines) {
    const std::size_t file = random() % kFiles;
    texts[file] += line.text() + "\n";
    line.path = dir / "in/" + std::to_string(file);
  }
  for (std::size_t file = 0; file < kFiles; ++file) {
    dir.write("in/" + std::to_string(file), texts[file]);
  }
  return lines;
}

// Stages up to "result", some of which have so many workers.
using StagesText = std::string (*)(const ScratchDir& dir, const std::string& workers);

// "rows" with the fields path, key and rank, in any order.
std::string rows(const ScratchDir& dir, const std::string& workers) {
  return R"("files": {"kind": "walk", "root": ")" + dir / "in" +
         R"("}, "text": {"kind": "read", "from": "files", "chunk": "4KiB", "workers": )" + workers +
         R"(}, "rows": {"kind": "split", "from": "text", "by": "csv", "separator": "\t",
             "header": false, "columns": ["key", "rank"], "workers": )" +
         workers + "}, ";
}

void check_always(const ScratchDir& dir, StagesText stages, const std::string& format,
                  const std::string& expected) {
  for (const int procs : {1, 2, 8}) {
    for (const std::string workers : {"1", "3", "8"}) {
      CAPTURE(procs);
      CAPTURE(workers);
      const Outcome outcome =
          run_job(R"({"gorun": 1, "stages": {)" + stages(dir, workers) +
                      R"(, "out": {"kind": "write", "from": "result", "format": ")" + format +
                      R"(", "path": ")" + dir / "out" + R"("}}})",
                  procs);
      CHECK(failures_of(outcome) == "");
      CHECK((read_whole_file(dir / "out") == expected));  // too long to be shown
    }
  }
}

}  // namespace

TEST_CASE("of groups with the same value, sort and top have the least key first") {
  const ScratchDir dir;
  std::map<std::string, int> counts;
  for (const Line& line : write_lines(dir)) ++counts[line.key];
  std::vector<std::pair<std::string, int>> groups(counts.begin(), counts.end());
  std::ranges::sort(groups, {},
                    [](const auto& group) { return std::pair(-group.second, group.first); });
  std::string all;
  std::string first;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    all += groups[i].first + "\t" + std::to_string(groups[i].second) + "\n";
    if (i < 60) first = all;  // the last of them are alike, and so is the next
  }
  REQUIRE(groups[59].second == groups[60].second);
  check_always(
      dir,
      [](const ScratchDir& in, const std::string& workers) {
        return rows(in, workers) + R"("groups": {"kind": "reduce", "from": "rows", "by": "key"},
            "result": {"kind": "sort", "from": "groups", "by": "value", "numeric": true,
                       "order": "desc"})";
      },
      "tsv", all);
  check_always(
      dir,
      [](const ScratchDir& in, const std::string& workers) {
        return rows(in, workers) + R"("groups": {"kind": "reduce", "from": "rows", "by": "key"},
            "result": {"kind": "top", "from": "groups", "n": 60})";
      },
      "tsv", first);
}

TEST_CASE("of items with the same value, top has those whose text comes first, then whose fields") {
  const ScratchDir dir;
  std::vector<Line> lines = write_lines(dir);
  std::ranges::sort(
      lines, {}, [](const Line& line) { return std::tuple(-line.rank, line.text(), line.path); });
  std::string expected;
  for (std::size_t i = 0; i < 700; ++i) {
    expected += lines[i].text() + " " + lines[i].path + "\n";
  }
  check_always(
      dir,
      [](const ScratchDir& in, const std::string& workers) {
        return rows(in, workers) +
               R"("best": {"kind": "top", "from": "rows", "by": "rank", "n": 700},
            "result": {"kind": "map", "from": "best", "workers": 1,
                       "text": "${{ item }} ${{ item.path }}"})";
      },
      "text", expected);
}

TEST_CASE("a sort leaves equal keys as they came, from many workers that keep the order") {
  const ScratchDir dir;
  std::vector<Line> lines = write_lines(dir);
  std::string text;
  std::size_t number = 0;
  for (Line& line : lines) {
    line.path = std::to_string(number++);
    text += R"({"rank":)" + std::to_string(line.rank) + R"(,"n":)" + line.path + "}\n";
  }
  dir.write("all", text);
  std::ranges::sort(lines, {},
                    [](const Line& line) { return std::pair(line.rank, std::stoul(line.path)); });
  std::string expected;
  for (const Line& line : lines) expected += std::to_string(line.rank) + "\t" + line.path + "\n";
  check_always(
      dir,
      [](const ScratchDir& in, const std::string& workers) {
        return R"("lines": {"kind": "lines", "path": ")" + in / "all" +
               R"("}, "items": {"kind": "map", "from": "lines", "order": "input",
                   "json": {"rank": "/rank", "n": "/n"}, "workers": )" +
               workers + R"(}, "result": {"kind": "sort", "from": "items", "by": "rank",
                   "numeric": true, "memory": "64KiB"})";
      },
      "tsv", expected);
}

TEST_SUITE_END();

}  // namespace gorun::test::same_bytes_test
