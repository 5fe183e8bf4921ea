// tests/jobs/mapreduce/count_table_test.cc - counts compared with those of a std::map.

#include "jobs/mapreduce/count_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/mapreduce/dealt_counts.h"
#include "jobs/mapreduce/key_index.h"
#include "tests/support/any_keys.h"

namespace gorun::test::count_table_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/mapreduce/count_table");

namespace {

using Counts = std::map<std::string, std::int64_t>;

void count_all(CountTable* table, std::span<const std::string> keys, Counts* expected) {
  table->count(std::vector<std::string_view>(keys.begin(), keys.end()));
  for (const std::string& key : keys) ++(*expected)[key];
}

// What an ended table has; `wrong` counts keys that are there twice.
Counts counts_of(const CountTable& table) {
  Counts counts;
  for (CountTable::Id id = 0; id < table.size(); ++id) {
    const bool is_new = counts.emplace(table.key(id), table.count_of(id)).second;
    CHECK(is_new);
  }
  return counts;
}

// Shard by shard, what tables of `shards` shards make of what has been dealt.
Counts merged(const std::vector<DealtCounts>& dealt, Shards shards) {
  Counts all;
  for (std::size_t s = 0; s < shards.count(); ++s) {
    CountTable table(shards);
    for (const DealtCounts& from : dealt) {
      const CountTable::Comparison found = table.compare(from, s);
      CHECK(found.new_ones <= found.all);
      CHECK(found.all <= from.part(s).size());
      const std::size_t before = table.size();
      CHECK(table.merge(from, s, found.new_ones) == found.all);
      CHECK(table.size() == before + found.new_ones);
    }
    table.end_adding();
    for (auto& [key, count] : counts_of(table)) {
      const bool is_new = all.emplace(key, count).second;
      CHECK(is_new);
    }
  }
  return all;
}

// `count` keys whose hashes begin with as many zeros, or ones, as make them at home in the first,
// or the last, line of a small table.
std::vector<std::string> keys_at_an_end(std::size_t count, bool is_last) {
  std::vector<std::string> keys;
  KeyIndex index;
  for (int i = 0; keys.size() < count; ++i) {
    const std::string key = std::to_string(i);
    const std::string_view view = key;
    KeyIndex::Id id = 0;
    index.add({&view, 1}, {&id, 1});
    if (index.hash(id) >> 55 == (is_last ? 511 : 0)) keys.push_back(key);
  }
  return keys;
}

}  // namespace

TEST_CASE("counts are those of a map, whatever the batches and the borders of keys") {
  std::mt19937 random(4);
  const std::vector<std::string> keys = any_keys(20'000, 1, random);
  // Keys side by side, as words lie in a text: what lies behind a key is not part of it.
  std::string text;
  for (const std::string& key : keys) text += key;
  std::vector<std::string_view> views;
  Counts expected;
  for (std::size_t at = 0; const std::string& key : keys) {
    views.push_back(std::string_view(text).substr(at, key.size()));
    at += key.size();
    ++expected[key];
  }
  expected[keys.front()] += 7;
  for (const std::size_t batch : {1u, 255u, 256u, 257u, 20'000u}) {
    CountTable table;
    for (std::size_t at = 0; at < views.size(); at += batch) {
      table.count(std::span(views).subspan(at, std::min(batch, views.size() - at)));
    }
    table.count(views.front(), 7);
    CHECK(table.size() == expected.size());
    table.end_adding();
    CHECK(counts_of(table) == expected);
  }
}

TEST_CASE("keys that differ in zeros at the end, or in nothing but their length, are different") {
  std::vector<std::string> keys;
  for (const char* begin : {"", "a", "abcdefgh", "abcdefghijklmno"}) {
    for (std::size_t zeros = 0; zeros < 20; ++zeros) {
      keys.push_back(begin + std::string(zeros, '\0'));
    }
  }
  CountTable table;
  Counts expected;
  for (int round = 0; round < 3; ++round) count_all(&table, keys, &expected);
  table.end_adding();
  CHECK(counts_of(table) == expected);
}

TEST_CASE("any split over workers, hand-overs and shards gives the same counts") {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const Shards shards(1 + random() % 7);
    std::vector<DealtCounts> dealt;
    Counts expected;
    for (std::size_t worker = random() % 4; worker < 4; ++worker) {
      CountTable table;
      for (std::size_t round = random() % 4; round < 4; ++round) {
        count_all(&table, any_keys(random() % 3000, 1, random), &expected);
        if (random() % 2 == 0) continue;
        dealt.push_back(table.take(shards));
        CHECK(table.size() == 0);
      }
      dealt.push_back(std::move(table).deal(shards));
    }
    CHECK(merged(dealt, shards) == expected);
  }
}

TEST_CASE("keys that are all at home at the ends of a table stay where they are found") {
  const std::vector<std::string> last = keys_at_an_end(450, true);
  const std::vector<std::string> first = keys_at_an_end(300, false);
  for (const std::size_t most : {3U, 150U, 450U}) {
    for (const bool takes : {false, true}) {
      CAPTURE(most);
      const std::span<const std::string> some_last = std::span(last).first(most);
      const std::span<const std::string> some_first = std::span(first).first(most * 2 / 3);
      CountTable table;
      Counts expected;
      for (const auto& keys : {some_last, some_first, some_last})
        count_all(&table, keys, &expected);
      const Shards shards(3);
      std::vector<DealtCounts> dealt;
      dealt.push_back(takes ? table.take(shards) : std::move(table).deal(shards));
      CHECK(merged(dealt, shards) == expected);
    }
  }
}

TEST_CASE("a shard's table holds no more than was told before") {
  std::mt19937 random(9);
  const Shards shards(2);
  CountTable table(shards);
  std::size_t grown = 0;
  for (int round = 0; round < 40; ++round) {
    CountTable worker;
    Counts ignored;
    std::vector<std::string> keys;
    for (std::size_t i = random() % 5000; i > 0; --i)
      keys.push_back(std::to_string(random() % 200'000));
    count_all(&worker, keys, &ignored);
    const DealtCounts dealt = round % 2 == 0 ? worker.take(shards) : std::move(worker).deal(shards);
    const CountTable::Comparison found = table.compare(dealt, 1);
    const std::size_t before = table.memory_bytes();
    const std::size_t most = table.bytes_while_adding(found.new_ones);
    table.merge(dealt, 1, found.new_ones);
    CHECK(table.memory_bytes() <= most);
    grown += table.memory_bytes() > before ? 1 : 0;
  }
  CHECK(grown >= 5);
  const std::size_t full = table.memory_bytes();
  table.end_adding();
  CHECK(table.memory_bytes() <= full / 2);
  CHECK(counts_of(table).size() == table.size());
  table.clear();
  CHECK(table.memory_bytes() == 0);
}

TEST_CASE("an empty table can be dealt, taken and merged") {
  const Shards shards(5);
  std::vector<DealtCounts> dealt;
  CountTable table;
  dealt.push_back(table.take(shards));
  dealt.push_back(std::move(table).deal(shards));
  CHECK(merged(dealt, shards).empty());
}

TEST_CASE("keys with their counts, in the order of their hashes or in none") {
  std::mt19937 random(31);
  for (const bool is_ordered : {false, true}) {
    CountTable table = is_ordered ? CountTable::for_ordered_hashes() : CountTable();
    const std::vector<std::string> keys = any_keys(20'000, 1, random);
    CountTable once;
    Counts expected;
    count_all(&once, keys, &expected);
    once.end_adding();
    std::vector<std::pair<std::uint64_t, CountTable::Id>> order;
    for (CountTable::Id id = 0; id < once.size(); ++id) order.emplace_back(once.hash(id), id);
    if (is_ordered) std::ranges::sort(order);
    // Twice.
    for (int round = 0; round < 2; ++round) {
      std::vector<std::string_view> some;
      std::vector<std::int64_t> times;
      for (const auto& [hash, id] : order) {
        some.push_back(once.key(id));
        times.push_back(once.count_of(id));
        if (some.size() < 300 && id != order.back().second) continue;
        table.count(some, times);
        some.clear();
        times.clear();
      }
    }
    table.end_adding();
    for (auto& [key, count] : expected) count *= 2;
    CHECK((counts_of(table) == expected));
  }
}

TEST_CASE("what is appended is all that came, in as many pieces as it came") {
  std::mt19937 random(32);
  const Shards shards(3);
  std::map<std::string, std::int64_t> expected;
  std::map<std::string, std::int64_t> found;
  for (int round = 0; round < 2; ++round) {
    std::vector<DealtCounts> dealt;
    for (int table = 0; table < 4; ++table) {
      CountTable counts;
      count_all(&counts, any_keys(3'000, 2, random), &expected);
      dealt.push_back(table % 2 == 0 ? std::move(counts).deal(shards) : counts.take(shards));
    }
    for (std::size_t s = 0; s < shards.count(); ++s) {
      CountTable appended(shards);
      // Once more in the memory of the first time.
      for (int again = 0; again < 2; ++again) {
        appended.forget_appended();
        CHECK(appended.size() == 0);
        std::size_t size = 0;
        for (const DealtCounts& from : dealt) size += appended.append(from, s);
        CHECK(appended.size() == size);
      }
      appended.end_adding();
      for (CountTable::Id id = 0; id < appended.size(); ++id) {
        CHECK(shards.owner(appended.hash(id)) == s);
        found[std::string(appended.key(id))] += appended.count_of(id);
      }
    }
  }
  CHECK((found == expected));
}

TEST_SUITE_END();

}  // namespace gorun::test::count_table_test
