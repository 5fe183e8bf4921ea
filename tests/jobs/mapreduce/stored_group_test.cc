// tests/jobs/mapreduce/stored_group_test.cc - groups as bytes, of every size, read in pieces.

#include "jobs/mapreduce/stored_group.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/mapreduce/group_reader.h"
#include "jobs/mapreduce/group_writer.h"
#include "runtime/runtime.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::stored_group_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/mapreduce/stored_group");

namespace {

constexpr AggregateKind kKinds[] = {AggregateKind::kCount, AggregateKind::kList};
constexpr std::size_t kSizes[] = {0, 1, 15, 16, 17, 253, 254, 255, 256, 70'000};

// Keys of some sizes, each with lists of some sizes.
GroupTable table_of_sizes() {
  GroupTable table(kKinds);
  for (const std::size_t key_size : kSizes) {
    for (const std::size_t size : kSizes) {
      const std::string key = std::string(key_size, 'k') + std::to_string(size);
      const std::string value(size, 'v');
      const std::string_view keys[] = {key};
      const std::string_view values[] = {value};
      REQUIRE(table.add(keys, values) == 1);
    }
  }
  table.end_adding();
  table.group_states();
  return table;
}

// Whether a group is that of `id`.
bool is_of(const StoredGroup& group, const GroupTable& table, GroupTable::Id id) {
  bool is_same = group.key() == table.key(id);
  std::size_t states = 0;
  group.for_each_state(2, [&](std::size_t a, std::string_view state) {
    std::string expected;
    CHECK(table.append_state(id, a, 0, std::string::npos, &expected) == 0);
    is_same = is_same && a == states && state == expected;
    ++states;
  });
  return is_same && states == 2;
}

}  // namespace

TEST_CASE("a group is what was written, and how long it is can be told from its beginning") {
  const GroupTable table = table_of_sizes();
  for (GroupTable::Id id = 0; id < table.size(); ++id) {
    std::string bytes;
    StoredGroup::Progress progress;
    REQUIRE(StoredGroup::append(table, id, 2, &progress, &bytes));
    CHECK(progress.is_done());
    CAPTURE(bytes.size());
    CHECK(StoredGroup::size(bytes, 2) == bytes.size());
    // Of a part: more than it, never more than the whole.
    std::size_t wrong = 0;
    for (std::size_t part = 0; part < std::min<std::size_t>(bytes.size(), 600); ++part) {
      const std::size_t needed = StoredGroup::size(std::string_view(bytes).substr(0, part), 2);
      wrong += needed <= part || needed > bytes.size() ? 1 : 0;
    }
    CHECK(wrong == 0);
    CHECK(is_of(StoredGroup(bytes.data(), 2), table, id));
  }
}

TEST_CASE("long states are written in parts, which together are the group") {
  constexpr AggregateKind kOfParts[] = {AggregateKind::kList, AggregateKind::kSum,
                                        AggregateKind::kDistinct};
  GroupTable table(kOfParts);
  for (int i = 0; i < 20'000; ++i) {
    const std::string_view keys[] = {"hot", "cold"};
    const std::string value = std::to_string(i * 7 % 15'000);
    const std::string_view values[] = {value, "1"};
    REQUIRE(table.add(std::span(keys).first(i == 0 ? 2 : 1),
                      std::span(values).first(i == 0 ? 2 : 1)) > 0);
  }
  table.end_adding();
  table.group_states();
  std::size_t parts = 0;
  std::vector<std::unique_ptr<Aggregate>> merged;
  for (const AggregateKind kind : kOfParts) merged.push_back(Aggregate::make(kind));
  for (const auto& aggregate : merged) aggregate->begin_one();
  StoredGroup::Progress progress;
  while (!progress.is_done()) {
    std::string bytes;
    REQUIRE(StoredGroup::append(table, 0, 3, &progress, &bytes));
    CHECK(bytes.size() < 100'000);
    CHECK(StoredGroup::size(bytes, 3) == bytes.size());
    const StoredGroup group(bytes.data(), 3);
    CHECK(group.key() == "hot");
    CHECK(group.bytes(3) == bytes);
    group.for_each_state(
        3, [&](std::size_t a, std::string_view state) { merged[a]->merge_state(0, state); });
    ++parts;
  }
  CHECK(parts > 5);
  table.finish();
  for (std::size_t a = 0; a < 3; ++a) {
    merged[a]->finish();
    std::string expected;
    std::string result;
    table.append_result(0, a, &expected);
    merged[a]->append_result(0, ",", &result);
    CHECK((result == expected));
  }
}

TEST_CASE("counts are written in as many bytes as they have, and short keys at once") {
  constexpr AggregateKind kCount[] = {AggregateKind::kCount};
  for (const std::int64_t count :
       {1LL, 255LL, 256LL, 65'536LL, 1LL << 40, 9'223'372'036'854'775'807LL}) {
    CAPTURE(count);
    for (const std::size_t size : kSizes) {
      CAPTURE(size);
      GroupTable table(kCount);
      table.add_times(std::string(size, 'k'), count);
      table.end_adding();
      std::string bytes;
      StoredGroup::Progress progress;
      REQUIRE(StoredGroup::append(table, 0, 1, &progress, &bytes));
      CHECK(progress.is_done());
      CHECK(StoredGroup::size(bytes, 1) == bytes.size());
      const StoredGroup group(bytes.data(), 1);
      CHECK((group.key() == std::string(size, 'k')));
      group.for_each_state(1, [&](std::size_t, std::string_view state) {
        CHECK(Aggregate::read_count_state(state) == count);
        CHECK(state.size() <= 8);
      });
    }
  }
}

TEST_CASE("a run comes back through a buffer of any size") {
  const ScratchDir dir;
  const GroupTable table = table_of_sizes();
  for (const std::size_t buffer_bytes : {1UL, 7UL, 4096UL, 1UL << 20U}) {
    CAPTURE(buffer_bytes);
    std::size_t read = 0;
    bool is_same = true;
    runtime::Runtime rt({.procs = 1});
    rt.run([&] {
      RunFile file(dir.path());
      GroupWriter writer(file, 2);
      is_same = is_same && !writer.begin();
      for (GroupTable::Id id = 0; id < table.size(); ++id) {
        is_same = is_same && !writer.write(table, id);
      }
      const auto run = writer.end();
      is_same = is_same && run.ok();
      if (!is_same) return;
      GroupReader reader(file, *run, 2, buffer_bytes);
      for (; !reader.is_at_end(); ++read) {
        is_same = is_same && reader.read_next() == 0 && reader.has_read_next();
        if (!is_same) return;
        is_same = is_of(reader.take(), table, static_cast<GroupTable::Id>(read));
      }
    });
    CHECK(is_same);
    CHECK(read == table.size());
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::stored_group_test
