// tests/jobs/mapreduce/shard_groups_test.cc - what shards make of workers' tables in little memory,
// compared with one table that holds everything.

#include "jobs/mapreduce/shard_groups.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/runtime.h"
#include "tests/support/any_keys.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/small_disk.h"

namespace gorun::test::shard_groups_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/mapreduce/shard_groups");

namespace {

constexpr AggregateKind kCounts[] = {AggregateKind::kCount};
constexpr AggregateKind kTwoCounts[] = {AggregateKind::kCount, AggregateKind::kCount};
constexpr AggregateKind kOfNumbers[] = {AggregateKind::kCount, AggregateKind::kSum,
                                        AggregateKind::kMin, AggregateKind::kMax,
                                        AggregateKind::kMean};
constexpr AggregateKind kAll[] = {
    AggregateKind::kCount, AggregateKind::kSum,  AggregateKind::kMin,     AggregateKind::kMax,
    AggregateKind::kMean,  AggregateKind::kList, AggregateKind::kDistinct};

using Kinds = std::span<const AggregateKind>;
using Order = ShardGroups::Order;

struct Record {
  std::string key;
  std::string value;
};

void add_all(GroupTable* table, std::span<const Record> records) {
  std::vector<std::string_view> keys;
  std::vector<std::string_view> values;
  for (const Record& record : records) {
    keys.push_back(record.key);
    values.push_back(record.value);
  }
  REQUIRE(table->add(keys, values) == records.size());
}

// Values of eighths, as floating-point numbers some of them.
std::vector<Record> records_of(const std::vector<std::string>& keys, std::mt19937& random) {
  std::vector<Record> records;
  for (const std::string& key : keys) {
    const auto eighths = static_cast<int>(random() % 800) - 400;
    records.push_back({key, random() % 2 == 0 ? std::to_string(eighths)
                                              : std::to_string(static_cast<double>(eighths) / 8)});
  }
  return records;
}

// One line a group: key and results.
using Lines = std::vector<std::string>;

Lines lines_of_table(Kinds kinds, std::span<const Record> records) {
  GroupTable table(kinds);
  add_all(&table, records);
  table.finish();
  Lines lines;
  for (const GroupTable::Id id : table.sorted_ids()) {
    std::string line(table.key(id));
    for (std::size_t a = 0; a < kinds.size(); ++a) {
      line += '\t';
      table.append_result(id, a, &line);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

struct Workplace {
  std::size_t memory = std::size_t{16} << 10;  // of each shard
  std::size_t shards = 3;
  std::size_t table_records = 500;  // of a worker
  std::size_t most_of_list = std::string::npos;
  std::string directory;
};

struct Found {
  Lines lines;  // of all shards, merged in order
  std::size_t sorted_runs = 0;
  std::size_t sorted_groups = 0;  // of them
  bool is_in_order = true;        // in each shard
  std::string error;
};

// Puts out what a shard has.
void take_groups(ShardGroups& shard, Kinds kinds, Found* found) {
  std::string before;
  for (bool is_first = true;; is_first = false) {
    const auto more = shard.next();
    if (!more.ok()) {
      found->error = more.error().message();
      return;
    }
    if (!*more) return;
    const std::string key(shard.key());
    found->is_in_order = found->is_in_order && (is_first || before < key);
    before = key;
    std::string line = key;
    for (std::size_t a = 0; a < kinds.size(); ++a) {
      line += '\t';
      shard.append_result(a, &line);
    }
    found->lines.push_back(std::move(line));
  }
}

Found group(Kinds kinds, std::span<const Record> records, const Workplace& place,
            Order order = Order::kByKey) {
  Found found;
  runtime::Runtime rt({.procs = 1});
  rt.run([&] {
    std::vector<std::unique_ptr<ShardGroups>> shards;
    for (std::size_t s = 0; s < place.shards; ++s) {
      shards.push_back(std::make_unique<ShardGroups>(kinds, s, Shards(place.shards), place.memory,
                                                     place.most_of_list, place.directory));
    }
    const auto merge = [&](const DealtTable& dealt) {
      for (const auto& shard : shards) {
        const auto merged = shard->merge(dealt);
        if (!merged.ok()) found.error = merged.error().message();
      }
    };
    GroupTable worker(kinds);
    for (std::size_t at = 0; at < records.size() && found.error.empty();) {
      const std::size_t count = std::min(place.table_records, records.size() - at);
      add_all(&worker, records.subspan(at, count));
      at += count;
      merge(worker.take(Shards(place.shards)));
    }
    for (const auto& shard : shards) {
      if (!found.error.empty()) return;
      if (const auto failed = shard->finish(order)) {
        found.error = failed->message();
        return;
      }
      found.sorted_runs += shard->runs_written();
      found.sorted_groups += shard->groups_written();
      take_groups(*shard, kinds, &found);
    }
  });
  std::ranges::sort(found.lines, {},
                    [](const std::string& line) { return line.substr(0, line.find('\t')); });
  return found;
}

// Each of `different` keys about as often as the others.
std::vector<std::string> uniform_keys(std::size_t count, std::size_t different,
                                      std::mt19937& random) {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t key = random() % different;
    keys.push_back(std::to_string(key) + (key % 5 == 0 ? " of more than sixteen bytes" : ""));
  }
  return keys;
}

std::size_t many(int count) { return static_cast<std::size_t>(scaled(count, 20'000)); }

}  // namespace

TEST_CASE("groups that come again and again in little memory are those of one large table") {
  std::mt19937 random(3);
  const ScratchDir dir;
  for (const Kinds kinds : {Kinds(kCounts), Kinds(kTwoCounts), Kinds(kOfNumbers), Kinds(kAll)}) {
    CAPTURE(kinds.size());
    const auto records = records_of(uniform_keys(many(40'000), 3'000, random), random);
    const Lines expected = lines_of_table(kinds, records);
    for (const std::size_t memory : {1UL << 10U, 16UL << 10U, 100UL << 10U, 64UL << 20U}) {
      for (const std::size_t table_records : {100UL, 5'000UL}) {
        CAPTURE(memory);
        CAPTURE(table_records);
        const Found found =
            group(kinds, records,
                  {.memory = memory, .table_records = table_records, .directory = dir.path()});
        CHECK(found.error == "");
        CHECK(found.is_in_order);
        CHECK((found.lines == expected));
        if (memory == 64UL << 20U) CHECK(found.sorted_runs == 0);
      }
    }
  }
}

TEST_CASE("what repeats is put together before it is sorted, round by round") {
  std::mt19937 random(4);
  const ScratchDir dir;
  auto records = records_of(uniform_keys(many(400'000), 20'000, random), random);
  // Sums of doubles take more, and are sorted as they come.
  for (Record& record : records) record.value = std::to_string(record.value.size());
  for (const Kinds kinds : {Kinds(kCounts), Kinds(kOfNumbers)}) {
    const std::size_t memory = (std::size_t{256} << 10) * kinds.size();
    const Found found = group(kinds, records, {.memory = memory, .directory = dir.path()});
    CHECK(found.error == "");
    CHECK((found.lines == lines_of_table(kinds, records)));
    // Sorted as they come there would be nearly as many as records.
    if (kScale == 1) CHECK(found.sorted_groups < records.size() / 3);
  }
}

TEST_CASE("keys of which none comes twice, then one again and again, then all of them") {
  std::mt19937 random(5);
  const ScratchDir dir;
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < many(50'000); ++i) keys.push_back("n" + std::to_string(i));
  const std::vector<std::string> once = keys;
  keys.insert(keys.end(), many(50'000), "hot");
  keys.insert(keys.end(), once.begin(), once.end());
  for (int round = 0; round < 4; ++round)
    keys.insert(keys.end(), once.begin(), once.begin() + 5'000);
  for (const Kinds kinds : {Kinds(kCounts), Kinds(kOfNumbers)}) {
    const auto records = records_of(keys, random);
    const Found found = group(kinds, records, {.directory = dir.path()});
    CHECK(found.error == "");
    CHECK(found.is_in_order);
    CHECK((found.lines == lines_of_table(kinds, records)));
  }
}

TEST_CASE("keys of any bytes and every length, and many of one hash") {
  std::mt19937 random(6);
  const ScratchDir dir;
  std::vector<std::string> keys = any_keys(many(20'000), 2, random);
  // Zeros at the end of a short key have no part in its hash.
  for (int round = 0; round < 200; ++round) {
    for (std::size_t zeros = 0; zeros < 16; ++zeros) keys.push_back("k" + std::string(zeros, '\0'));
  }
  for (const std::size_t size : {254UL, 255UL, 256UL, 70'000UL}) keys.emplace_back(size, 'l');
  std::shuffle(keys.begin(), keys.end(), random);
  std::vector<std::string> again = keys;
  for (int round = 0; round < 3; ++round) {
    std::shuffle(again.begin(), again.end(), random);
    keys.insert(keys.end(), again.begin(), again.end());
  }
  const auto records = records_of(keys, random);
  for (const Kinds kinds : {Kinds(kCounts), Kinds(kAll)}) {
    const Lines expected = lines_of_table(kinds, records);
    for (const std::size_t memory : {std::size_t{2} << 10, std::size_t{64} << 10}) {
      CAPTURE(memory);
      const Found found = group(kinds, records, {.memory = memory, .directory = dir.path()});
      CHECK(found.error == "");
      CHECK(found.is_in_order);
      Lines sorted = expected;
      Lines lines = found.lines;
      std::ranges::sort(sorted);
      std::ranges::sort(lines);
      CHECK((lines == sorted));
    }
  }
}

TEST_CASE("runs of long keys are merged to fewer, and each key is one group") {
  std::mt19937 random(8);
  const ScratchDir dir;
  std::vector<std::string> keys;
  for (int i = 0; i < 600; ++i) {
    keys.push_back(std::to_string(random() % 250) + std::string(3'000 + random() % 50, 'k'));
    keys.push_back(keys[random() % keys.size()]);
  }
  const auto records = records_of(keys, random);
  for (const Kinds kinds : {Kinds(kCounts), Kinds(kAll)}) {
    CAPTURE(kinds.size());
    const Lines expected = lines_of_table(kinds, records);
    for (const std::size_t memory : {std::size_t{1} << 10, std::size_t{20} << 10}) {
      CAPTURE(memory);
      const Found found =
          group(kinds, records, {.memory = memory, .table_records = 3, .directory = dir.path()});
      CHECK(found.error == "");
      CHECK(found.is_in_order);
      CHECK((found.lines == expected));
    }
  }
}

TEST_CASE("values of one hot key are counted in little memory, those of the others as well") {
  std::mt19937 random(9);
  const ScratchDir dir;
  constexpr AggregateKind kKinds[] = {AggregateKind::kDistinct, AggregateKind::kSum,
                                      AggregateKind::kDistinct};
  std::vector<Record> records;
  for (std::size_t i = 0; i < many(60'000); ++i) {
    const bool is_hot = random() % 10 != 0;
    records.push_back({is_hot ? "hot" : std::to_string(random() % 50),
                       std::to_string(random() % (is_hot ? 30'000 : 300))});
  }
  const Found found =
      group(kKinds, records, {.memory = std::size_t{256} << 10, .directory = dir.path()});
  CHECK(found.error == "");
  CHECK(found.sorted_runs > 3);
  CHECK(found.is_in_order);
  CHECK((found.lines == lines_of_table(kKinds, records)));
}

TEST_CASE("a list that does not fit is an error if somebody asked for that") {
  std::mt19937 random(10);
  const ScratchDir dir;
  constexpr AggregateKind kLists[] = {AggregateKind::kList};
  std::vector<Record> records;
  for (std::size_t i = 0; i < many(30'000); ++i) {
    records.push_back({random() % 2 == 0 ? "hot" : std::to_string(i % 9'000), "value"});
  }
  Workplace place{.memory = std::size_t{256} << 10, .directory = dir.path()};
  CHECK((group(kLists, records, place).lines == lines_of_table(kLists, records)));
  place.most_of_list = 50'000;
  CHECK(group(kLists, records, place).error ==
        "cannot hold the list of \"hot\": Cannot allocate memory");
}

TEST_CASE("in whatever order groups may leave, they are the same") {
  std::mt19937 random(7);
  const ScratchDir dir;
  const auto records = records_of(uniform_keys(many(50'000), 1'500, random), random);
  const Lines expected = lines_of_table(kOfNumbers, records);
  for (const std::size_t memory : {std::size_t{16} << 10, std::size_t{1} << 20}) {
    const Found found =
        group(kOfNumbers, records, {.memory = memory, .directory = dir.path()}, Order::kAny);
    CHECK(found.error == "");
    CHECK((found.lines == expected));
  }
}

TEST_CASE("a disk that is full, or that is not there, is an error that names it") {
  std::mt19937 random(8);
  const ScratchDir scratch;
  const auto records = records_of(uniform_keys(100'000, 3'000, random), random);
  const std::string none = scratch / "none";
  for (const Kinds kinds : {Kinds(kCounts), Kinds(kOfNumbers)}) {
    CHECK(group(kinds, records, {.directory = none}).error ==
          "cannot write below \"" + none + "\": No such file or directory");
  }
  const SmallDisk disk(scratch);
  if (!disk.is_mounted()) {
    MESSAGE("skipped: this process may not mount a file system");
    return;
  }
  for (const Kinds kinds : {Kinds(kCounts), Kinds(kOfNumbers)}) {
    CHECK(group(kinds, records, {.directory = disk.path()}).error ==
          "cannot write below \"" + disk.path() + "\": No space left on device");
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::shard_groups_test
