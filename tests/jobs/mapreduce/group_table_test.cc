// tests/jobs/mapreduce/group_table_test.cc - groups compared with awk, sort and uniq.

#include "jobs/mapreduce/group_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "jobs/mapreduce/dealt_table.h"
#include "jobs/text/cutter.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::group_table_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::run_shell;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/mapreduce/group_table");

namespace {

constexpr AggregateKind kAllKinds[] = {
    AggregateKind::kCount, AggregateKind::kSum,  AggregateKind::kMin,     AggregateKind::kMax,
    AggregateKind::kMean,  AggregateKind::kList, AggregateKind::kDistinct};

using Rows = std::vector<std::pair<std::string, std::string>>;

void add_all(GroupTable* table, const Rows& rows) {
  std::vector<std::string_view> keys;
  std::vector<std::string_view> texts;
  for (const auto& [key, text] : rows) {
    keys.push_back(key);
    texts.push_back(text);
  }
  REQUIRE(table->add(keys, texts) == rows.size());
}

// One line a group: key and results, separated by tabs.
std::string lines_of(GroupTable* table, std::size_t aggregates) {
  table->finish();
  std::string out;
  for (const GroupTable::Id id : table->sorted_ids()) {
    out += table->key(id);
    for (std::size_t a = 0; a < aggregates; ++a) {
      out += '\t';
      table->append_result(id, a, &out);
    }
    out += '\n';
  }
  return out;
}

}  // namespace

TEST_CASE("every aggregate of a small table") {
  GroupTable table(kAllKinds);
  add_all(&table, {{"b", "2"}, {"a", "1"}, {"b", "10"}, {"a", "1.5"}, {"b", "2"}, {"", "-3"}});
  CHECK(lines_of(&table, 7) ==
        "\t1\t-3\t-3\t-3\t-3\t-3\t1\n"
        "a\t2\t2.5\t1\t1.5\t1.25\t1,1.5\t2\n"
        "b\t3\t14\t2\t10\t4.666666666666667\t10,2,2\t2\n");
}

TEST_CASE("a value that is no number stops the batch before it and can be passed over") {
  const AggregateKind kinds[] = {AggregateKind::kSum, AggregateKind::kCount};
  GroupTable table(kinds);
  const std::vector<std::string_view> keys = {"a", "a", "b", "a"};
  const std::vector<std::string_view> texts = {"1", "2", "x", "4"};
  CHECK(table.add(keys, texts) == 2);
  CHECK(table.add(std::span(keys).subspan(3), std::span(texts).subspan(3)) == 1);
  CHECK(lines_of(&table, 2) == "a\t7\t3\n");
}

TEST_CASE("integers count as the numbers that they are, also among other numbers") {
  constexpr AggregateKind kKinds[] = {AggregateKind::kSum, AggregateKind::kMin, AggregateKind::kMax,
                                      AggregateKind::kMean};
  std::mt19937 random(23);
  GroupTable plain(kKinds);
  GroupTable table(kKinds);
  for (int batch = 0; batch < 60; ++batch) {
    std::vector<std::string> names;
    std::vector<std::int64_t> integers;
    std::vector<Number> numbers;
    for (int i = 0; i < 20; ++i) {
      names.push_back(std::to_string(random() % 9));
      integers.push_back(static_cast<std::int64_t>(random() % 200) - 100);
      numbers.emplace_back(integers.back());
      // Some batches are of doubles, and of some integers among them.
      if (batch % 3 == 0 && random() % 2 == 0) {
        numbers.back() = static_cast<double>(random() % 400) / 2 - 100;
      }
    }
    const std::vector<std::string_view> keys(names.begin(), names.end());
    const Values as_numbers{{}, numbers, {}};
    const Values as_integers{{}, {}, integers};
    plain.add_values(keys, std::vector<Values>(4, as_numbers));
    table.add_values(keys, std::vector<Values>(4, batch % 3 == 0 ? as_numbers : as_integers));
  }
  CHECK(lines_of(&table, 4) == lines_of(&plain, 4));
}

TEST_CASE("texts need not be numbers for list, distinct and count") {
  const AggregateKind kinds[] = {AggregateKind::kList, AggregateKind::kDistinct,
                                 AggregateKind::kCount};
  GroupTable table(kinds);
  add_all(&table, {{"k", "y"}, {"k", "\xff"}, {"k", ""}, {"k", "y"}});
  CHECK(lines_of(&table, 3) == "k\t,y,y,\xff\t3\t4\n");
}

TEST_CASE("what the sums of doubles take counts as memory") {
  for (const AggregateKind kind : {AggregateKind::kSum, AggregateKind::kMean}) {
    CAPTURE(aggregate_name(kind));
    Rows integers;
    Rows doubles;
    for (int i = 0; i < 1000; ++i) {
      integers.emplace_back("key" + std::to_string(i), "1");
      doubles.emplace_back("key" + std::to_string(i), "0.5");
    }
    GroupTable of_integers({&kind, 1});
    add_all(&of_integers, integers);
    GroupTable of_doubles({&kind, 1});
    add_all(&of_doubles, doubles);
    // At least a double and a pointer to it in each group.
    CHECK(of_doubles.memory_bytes() >= of_integers.memory_bytes() + 1000 * 2 * sizeof(double));
    GroupTable merged({&kind, 1});
    const DealtTable dealt = std::move(of_doubles).deal(Shards(1));
    const GroupTable::Merged found = merged.compare(dealt, 0);
    CHECK((found.all == 1000 && found.new_ones == 1000));
    merged.merge(dealt, 0, 1000);
    CHECK(merged.compare(dealt, 0).new_ones == 0);
    CHECK(merged.memory_bytes() >= of_integers.memory_bytes() + 1000 * 2 * sizeof(double));
  }
}

TEST_CASE("any split over mappers and shards gives the same bytes") {
  std::mt19937 random(7);
  Rows rows;
  for (int i = 0; i < 5000; ++i) {
    const std::string key =
        "key" + std::to_string(random() % 300) + std::string(random() % 20, '\xff');
    const std::string text =
        random() % 3 == 0 ? std::to_string(static_cast<int>(random() % 2000) - 1000)
                          : std::to_string(random() % 1000) + "." + std::to_string(random() % 997);
    rows.emplace_back(key, text);
  }
  GroupTable whole(kAllKinds);
  add_all(&whole, rows);
  const std::string expected = lines_of(&whole, 7);
  for (const std::size_t mappers : {1U, 3U, 16U}) {
    for (const std::uint32_t shards : {1U, 2U, 7U}) {
      std::shuffle(rows.begin(), rows.end(), random);
      std::vector<DealtTable> maps;
      for (std::size_t m = 0; m < mappers; ++m) {
        GroupTable map(kAllKinds);
        for (std::size_t round = 0; round < 3; ++round) {  // each with the slots of those before
          Rows part;
          for (std::size_t i = m + round * mappers; i < rows.size(); i += 3 * mappers) {
            part.push_back(rows[i]);
          }
          add_all(&map, part);
          maps.push_back(map.take(Shards(shards)));
          CHECK(map.size() == 0);
        }
      }
      std::vector<std::string> lines;
      for (std::uint32_t s = 0; s < shards; ++s) {
        GroupTable reduced(kAllKinds);
        for (const DealtTable& map : maps) reduced.merge(map, s, map.most_of(s));
        const std::string text = lines_of(&reduced, 7);
        for (std::size_t at = 0; at < text.size();) {
          const std::size_t end = text.find('\n', at) + 1;
          lines.push_back(text.substr(at, end - at));
          at = end;
        }
      }
      std::sort(lines.begin(), lines.end(), [](const std::string& a, const std::string& b) {
        return a.substr(0, a.find('\t')) < b.substr(0, b.find('\t'));
      });
      std::string joined;
      for (const std::string& line : lines) joined += line;
      CHECK(joined == expected);
    }
  }
}

TEST_CASE("counts of words are those of sort and uniq") {
  const ScratchDir scratch;
  std::mt19937 random(3);
  std::string text;
  for (int i = 0; i < 50'000; ++i) {
    text += std::to_string(static_cast<int>(std::pow(random() % 1000, 1.3)));
    text += random() % 10 == 0 ? '\n' : ' ';
  }
  const std::string path = scratch.write("text", text);
  const AggregateKind kinds[] = {AggregateKind::kCount};
  GroupTable table(kinds);
  WordCutter cutter(text);
  std::vector<std::string_view> words(kRecordBatch);
  while (const std::size_t count = cutter.next(words)) {
    REQUIRE(table.add(std::span(words).first(count)) == count);
  }
  CHECK(lines_of(&table, 1) == run_shell("tr -s '[:space:]' '\\n' < " + path +
                                         " | sort | uniq -c | awk '{print $2 \"\\t\" $1}'")
                                   .out);
}

TEST_CASE("sums, extremes and distinct values are those of awk") {
  const ScratchDir scratch;
  std::mt19937 random(5);
  Rows rows;
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    rows.emplace_back("k" + std::to_string(random() % 500),
                      std::to_string(static_cast<int>(random() % 100'000) - 50'000));
    text += rows.back().first + " " + rows.back().second + "\n";
  }
  const std::string path = scratch.write("rows", text);
  const AggregateKind kinds[] = {AggregateKind::kSum, AggregateKind::kMin, AggregateKind::kMax,
                                 AggregateKind::kDistinct};
  GroupTable table(kinds);
  add_all(&table, rows);
  CHECK(lines_of(&table, 4) ==
        run_shell("awk '{s[$1]+=$2; if(!($1 in n)||$2<n[$1])n[$1]=$2; if(!($1 in x)||$2>x[$1])"
                  "x[$1]=$2; if(!(($1,$2) in p)){p[$1,$2]; d[$1]++}} "
                  "END{for(k in s) print k \"\\t\" s[k] \"\\t\" n[k] \"\\t\" x[k] \"\\t\" d[k]}' " +
                  path + " | sort")
            .out);
}

TEST_CASE("a cleared table begins anew and holds less") {
  GroupTable table(kAllKinds);
  Rows rows;
  for (int i = 0; i < 3000; ++i) rows.emplace_back(std::to_string(i), std::to_string(i));
  add_all(&table, rows);
  const std::size_t full = table.memory_bytes();
  table.clear();
  CHECK(table.size() == 0);
  CHECK(table.memory_bytes() < full / 10);
  add_all(&table, {{"x", "1"}});
  CHECK(lines_of(&table, 1) == "x\t1\n");
}

TEST_CASE("names are those of job files") {
  for (const AggregateKind kind : kAllKinds) CHECK(find_aggregate(aggregate_name(kind)) == kind);
  CHECK(!find_aggregate("median"));
}

TEST_SUITE_END();

}  // namespace gorun::test::group_table_test
