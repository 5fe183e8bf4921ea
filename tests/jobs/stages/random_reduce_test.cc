// tests/jobs/stages/random_reduce_test.cc - reduce, compared with a plain loop over the same rows:
// random keys of any bytes, random aggregates, and memory that makes tables flush and shards spill.
//
// GORUN_FUZZ_SEED=n in the environment begins with another seed.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/jobs/run_job.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::random_reduce_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::failures_of;
using gorun::test::read_whole_file;
using gorun::test::run_job;
using gorun::test::scaled;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/stages/random_reduce");

namespace {

constexpr int kProcs[] = {1, 2, 8};

unsigned seed() {
  const char* text = std::getenv("GORUN_FUZZ_SEED");
  return text == nullptr ? 2026 : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t limit) { return engine_() % limit; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class T, std::size_t N>
  const T& one_of(const std::array<T, N>& all) {
    return all[below(N)];
  }

 private:
  std::mt19937 engine_;
};

// A number of eighths, which every sum here holds exactly; written as an integer or not.
struct Eighths {
  std::int64_t count = 0;
  bool is_integer = true;

  [[nodiscard]] std::string text() const {
    if (is_integer) return std::to_string(count / 8);
    return text_of(static_cast<double>(count) / 8);
  }
  static std::string text_of(double value) {
    std::array<char, 32> text{};
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
  }
};

struct Row {
  std::array<std::string, 3> keys;
  Eighths number;
  std::string number_text;
  std::string value;
};

std::string random_bytes(Random& random) {
  static constexpr std::array<std::string_view, 12> kPieces = {
      "a",  "b", "key", std::string_view("\0", 1), "\xff", "\xc3\xa9", "\x80", "\n", "\r\n",
      "\"", ",", "\t\\"};
  std::string bytes;
  if (random.one_in(10)) return bytes;
  if (random.one_in(100)) bytes.assign(random.below(2'000), 'x');
  for (std::size_t parts = 1 + random.below(5); parts > 0; --parts) {
    bytes += random.one_of(kPieces);
  }
  return bytes;
}

Eighths random_number(Random& random, std::string* text) {
  const auto whole = static_cast<std::int64_t>(random.below(20'000)) - 10'000;
  const Eighths number{whole * 8 + (random.one_in(3) ? static_cast<int>(random.below(8)) : 0),
                       random.one_in(2)};
  if (number.is_integer) {
    *text = (whole >= 0 && random.one_in(5) ? "+" : "") + std::to_string(whole);
    if (random.one_in(5)) *text = " " + *text + "\t";
    return {whole * 8, true};
  }
  const std::int64_t thousandths = number.count * 125;
  const auto digits = std::to_string(std::abs(thousandths % 1000));
  *text = (thousandths < 0 ? "-" : "") + std::to_string(std::abs(thousandths / 1000)) + "." +
          std::string(3 - digits.size(), '0') + digits;
  return number;
}

std::vector<Row> random_rows(Random& random) {
  // Few keys make large groups, many make large tables.
  const std::size_t kinds = random.one_of(std::array<std::size_t, 4>{1, 5, 200, 3'000});
  std::vector<std::string> pool;
  for (std::size_t i = 0; i < kinds; ++i) {
    pool.push_back(random_bytes(random) + (random.one_in(2) ? std::to_string(i) : ""));
  }
  std::vector<Row> rows(1 + random.below(static_cast<std::size_t>(scaled(5'000, 1'000))));
  for (Row& row : rows) {
    for (std::string& key : row.keys) key = pool[random.below(random.one_in(3) ? 1 : kinds)];
    row.number = random_number(random, &row.number_text);
    row.value = pool[random.below(kinds)];
  }
  return rows;
}

// What is asked for.
struct Query {
  std::vector<std::size_t> by;  // indices of keys
  std::vector<std::string> functions;

  [[nodiscard]] std::string json() const {
    std::string fields;
    for (const std::size_t key : by) {
      fields += std::string(fields.empty() ? "" : ", ") + "\"k" + std::to_string(key) + "\"";
    }
    std::string aggregates;
    for (std::size_t i = 0; i < functions.size(); ++i) {
      const std::string& function = functions[i];
      const std::string of = function == "list" || function == "distinct" ? "v" : "n";
      aggregates += (i == 0 ? "\"r" : ", \"r") + std::to_string(i) + "\": ";
      aggregates += function == "count" ? "\"count\"" : "{\"" + function + "\": \"" + of + "\"}";
    }
    return "\"by\": [" + fields + "], \"agg\": {" + aggregates + "}";
  }
};

Query random_query(Random& random) {
  static constexpr std::array<std::string_view, 7> kFunctions = {"count", "sum",  "min",     "max",
                                                                 "mean",  "list", "distinct"};
  Query query;
  std::vector<std::size_t> keys = {0, 1, 2};
  for (std::size_t count = random.below(4); count > 0; --count) {
    const auto at = keys.begin() + static_cast<std::ptrdiff_t>(random.below(keys.size()));
    query.by.push_back(*at);
    keys.erase(at);
  }
  for (std::size_t count = 1 + random.below(4); count > 0; --count) {
    query.functions.emplace_back(random.one_of(kFunctions));
  }
  return query;
}

std::string result(const std::string& function, const std::vector<const Row*>& group) {
  if (function == "count") return std::to_string(group.size());
  if (function == "distinct") {
    std::set<std::string> values;
    for (const Row* row : group) values.insert(row->value);
    return std::to_string(values.size());
  }
  if (function == "list") {
    std::multiset<std::string> values;
    for (const Row* row : group) values.insert(row->value);
    std::string all;
    for (const std::string& value : values) all += value + ",";
    all.pop_back();
    return all;
  }
  Eighths sum;
  std::optional<Eighths> best;
  for (const Row* row : group) {
    const Eighths& number = row->number;
    sum.count += number.count;
    sum.is_integer = sum.is_integer && number.is_integer;
    // Of an integer and the same number with a point, the integer stays.
    const bool is_better =
        !best || (function == "min" ? number.count < best->count : number.count > best->count);
    if (is_better || (number.count == best->count && number.is_integer)) best = number;
  }
  if (function == "sum") return sum.text();
  if (function != "mean") return best->text();
  return Eighths::text_of(static_cast<double>(sum.count) / 8 / static_cast<double>(group.size()));
}

std::string escaped(std::string_view field) {
  std::string text;
  for (const char c : field) {
    text += c == '\t'   ? "\\t"
            : c == '\n' ? "\\n"
            : c == '\r' ? "\\r"
            : c == '\\' ? "\\\\"
                        : std::string(1, c);
  }
  return text;
}

std::string interpret(const Query& query, const std::vector<Row>& rows) {
  std::map<std::vector<std::string>, std::vector<const Row*>> groups;
  for (const Row& row : rows) {
    std::vector<std::string> key;
    for (const std::size_t by : query.by) key.push_back(row.keys[by]);
    groups[key].push_back(&row);
  }
  std::string text;
  for (const auto& [key, group] : groups) {
    std::string line;
    for (const std::string& part : key) line += "\t" + escaped(part);
    for (const std::string& function : query.functions) {
      line += "\t" + escaped(result(function, group));
    }
    text += line.substr(1) + "\n";
  }
  return text;
}

std::string in_quotes(std::string_view field) {
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

// The rows as some files of CSV; returns their paths, as they stand in a job file.
std::string write_rows(const ScratchDir& dir, const std::vector<Row>& rows, Random& random) {
  std::vector<std::string> files(1 + random.below(5), "k0,k1,k2,n,v\n");
  for (const Row& row : rows) {
    std::string& file = files[random.below(files.size())];
    for (const std::string& key : row.keys) file += in_quotes(key) + ",";
    file += in_quotes(row.number_text) + "," + in_quotes(row.value) + "\n";
  }
  std::string paths;
  for (std::size_t i = 0; i < files.size(); ++i) {
    paths += (i == 0 ? "\"" : ", \"") + dir.write("in/" + std::to_string(i), files[i]) + "\"";
  }
  return paths;
}

// What lies between the split and the reduce: nothing, or what makes items of rows.
const std::array<std::string, 3> kBetween = {
    R"("rows": {"kind": "split", "from": "text", "by": "csv")",
    R"("cut": {"kind": "split", "from": "text", "by": "csv"},
       "rows": {"kind": "filter", "from": "cut", "where": {"k0": {"exists": true}})",
    R"("cut": {"kind": "split", "from": "text", "by": "csv"},
       "rows": {"kind": "map", "from": "cut", "fields": {"more": "x"})"};
const std::array<std::string, 4> kMemories = {"", R"(, "memory": "64KiB")",
                                              R"(, "memory": "200KiB")", R"(, "memory": "1MiB")"};

}  // namespace

TEST_CASE("groups of random rows are those of a plain loop, in any memory and by any workers") {
  CAPTURE(seed());
  for (int round = 0; round < scaled(60, 8); ++round) {
    CAPTURE(round);
    Random random(seed() + static_cast<unsigned>(round));
    const ScratchDir dir;
    const std::vector<Row> rows = random_rows(random);
    const std::string paths = write_rows(dir, rows, random);
    const Query query = random_query(random);
    CAPTURE(query.json());
    const std::string expected = interpret(query, rows);
    for (const int procs : kProcs) {
      const auto workers = [&random] {
        return R"(, "workers": )" + std::to_string(1 + random.below(8));
      };
      const std::string text =
          R"({"gorun": 1, "stages": {"files": {"kind": "items", "items": [)" + paths +
          R"(]}, "text": {"kind": "read", "from": "files", "chunk": ")" +
          (random.one_in(2) ? "4KiB" : "64KiB") + "\"" + workers() + "}, " +
          random.one_of(kBetween) + workers() +
          R"(}, "groups": {"kind": "reduce", "from": "rows", )" + query.json() +
          random.one_of(kMemories) +
          R"(}, "out": {"kind": "write", "from": "groups", "format": "tsv", "path": ")" +
          dir / "out" + R"("}}})";
      CAPTURE(procs);
      CAPTURE(text);
      CHECK(failures_of(run_job(text, procs)) == "");
      CHECK((read_whole_file(dir / "out") == expected));  // too long to be shown
    }
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::random_reduce_test
