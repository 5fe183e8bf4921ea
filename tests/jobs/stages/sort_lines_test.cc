// tests/jobs/stages/sort_lines_test.cc - lines that reach a sort uncut, from a file that is cached.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/jobs/run_job.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::sort_lines_test {

namespace {

// Behind a number: another text that is equal to it.
constexpr std::array<const char*, 4> kSame = {"", ".0", ".00", "e0"};

bool is_number(const std::string& line) { return !line.empty() && line.back() != 'x'; }

// Some are longer than an entry can say, one than what is mapped at a time; many are equal.
std::vector<std::string> some_lines() {
  std::mt19937 random(7);
  std::vector<std::string> lines;
  std::size_t bytes = 0;
  while (bytes < (std::size_t{6} << 20)) {
    std::string line = std::to_string(random() % 50'000);
    line += kSame[random() % kSame.size()];
    if (random() % 16 == 0) line.clear();
    if (random() % 20'000 == 0) line.resize(60'000 + random() % 20'000, 'x');
    if (lines.size() == 100'000) line.resize(1'500'000, 'x');
    bytes += line.size() + 1;
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream all;
  all << file.rdbuf();
  return all.str();
}

}  // namespace

TEST_SUITE_BEGIN("jobs/stages/sort_lines");

TEST_CASE("lines come in order, equal numbers as they came, in memory and by way of the disk") {
  const ScratchDir dir;
  const std::vector<std::string> lines = some_lines();
  std::string text = joined(lines);
  text.pop_back();  // the last one has no line feed
  const std::string path = dir.write("lines", text);
  auto by_bytes = lines;
  std::ranges::sort(by_bytes);
  std::vector<std::size_t> order(lines.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t i, std::size_t k) {
    const std::string& a = lines[i];
    const std::string& b = lines[k];
    // What is no number comes behind all others, in the order of its bytes.
    if (is_number(a) != is_number(b)) return is_number(a);
    if (!is_number(a)) return std::pair(a, i) < std::pair(b, k);
    return std::pair(std::strtod(a.c_str(), nullptr), i) <
           std::pair(std::strtod(b.c_str(), nullptr), k);
  });
  std::vector<std::string> by_number;
  for (const std::size_t i : order) by_number.push_back(lines[i]);
  const std::string expected_bytes = joined(by_bytes);
  const std::string expected_numbers = joined(by_number);
  for (const bool is_numeric : {false, true}) {
    for (const std::string memory : {"1GiB", "8MiB", "1MiB"}) {
      for (const int procs : {1, 2, 8}) {
        CAPTURE(is_numeric);
        CAPTURE(memory);
        CAPTURE(procs);
        const std::string out = dir.path() + "/out";
        const auto outcome = run_job(
            R"({"gorun": 1, "stages": {
              "lines": {"kind": "lines", "path": ")" +
                path + R"("},
              "sort": {"kind": "sort", "from": "lines", "numeric": )" +
                (is_numeric ? "true" : "false") + R"(, "memory": ")" + memory + R"("},
              "out": {"kind": "write", "from": "sort", "path": ")" +
                out + R"("}}})",
            procs);
        CHECK(failures_of(outcome).empty());
        CHECK(outcome.state == jobs::RunState::kSucceeded);
        for (const jobs::StageOutcome& stage : outcome.stages) {
          if (stage.name != "lines") CHECK(stage.counts.items_in == lines.size());
          if (stage.name != "out") CHECK(stage.counts.items_out == lines.size());
        }
        CHECK((contents(out) == (is_numeric ? expected_numbers : expected_bytes)));
      }
    }
  }
}

TEST_CASE("texts that hold line feeds are no lines") {
  const ScratchDir dir;
  const std::string path = dir.write("texts", "b\n\na;c;;a");
  const std::string out = dir.path() + "/out";
  const auto outcome = run_job(
      R"({"gorun": 1, "stages": {
        "lines": {"kind": "lines", "delimiter": ";", "path": ")" +
          path + R"("},
        "sort": {"kind": "sort", "from": "lines"},
        "out": {"kind": "write", "from": "sort", "path": ")" +
          out + R"("}}})",
      2);
  CHECK(failures_of(outcome).empty());
  CHECK(contents(out) == "\na\nb\n\na\nc\n");
  for (const jobs::StageOutcome& stage : outcome.stages) {
    if (stage.name == "out") CHECK(stage.counts.items_in == 4);
  }
}

TEST_CASE("readers that want items, and two readers, get them") {
  const ScratchDir dir;
  auto lines = some_lines();
  const std::string path = dir.write("lines", joined(lines));
  std::ranges::sort(lines);
  const std::string out = dir.path() + "/out";
  const auto outcome = run_job(
      R"({"gorun": 1, "stages": {
        "lines": {"kind": "lines", "path": ")" +
          path + R"("},
        "sort": {"kind": "sort", "from": "lines"},
        "count": {"kind": "reduce", "from": "sort", "by": []},
        "number": {"kind": "write", "from": "count", "format": "tsv", "path": ")" +
          out + R"(.n"},
        "first": {"kind": "take", "from": "lines", "n": 3},
        "few": {"kind": "write", "from": "first", "path": ")" +
          out + R"(.few"},
        "out": {"kind": "write", "from": "sort", "path": ")" +
          out + R"("}}})",
      2);
  CHECK(failures_of(outcome).empty());
  CHECK((contents(out) == joined(lines)));
  CHECK(contents(out + ".n").find(std::to_string(lines.size())) != std::string::npos);
}

TEST_SUITE_END();

}  // namespace gorun::test::sort_lines_test
