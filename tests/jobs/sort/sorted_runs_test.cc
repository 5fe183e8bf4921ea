#include "jobs/sort/sorted_runs.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "runtime/runtime.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::jobs::sorted_runs_test {

namespace {

using Compare = SortOrder::Compare;
using Direction = SortOrder::Direction;

struct Sorted {
  std::vector<std::string> keys;
  std::vector<std::string> texts;
  std::size_t runs = 0;
  std::string error;
};

bool never() { return false; }

// Sorts items whose keys are a field, and whose texts are their numbers.
Sorted sorted(const std::vector<std::string>& keys, const SortOrder& order,
              SortedRuns::Limits limits, const std::string& directory) {
  Sorted all;
  runtime::Runtime rt({.procs = 1});
  rt.run([&] {
    SortedRuns runs(order, limits, directory, never);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::string text = std::to_string(i);
      const Field field{"key", keys[i], FieldType::kNumber};
      const Item item{.text = text, .fields = &field, .field_count = 1};
      if (const auto wrong = runs.add(item, field.value)) all.error = wrong->message();
    }
    const auto wrong = runs.for_each([&](RecordRef record) {
      all.keys.emplace_back(key_of_record(record));
      return Flow::kMore;
    });
    if (wrong) all.error = wrong->message();
    all.runs = runs.runs_written();
  });
  return all;
}

std::vector<std::string> random_keys(unsigned seed, std::size_t count) {
  std::mt19937 random(seed);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < count; ++i) {
    std::string key(random() % 12, '\0');
    for (char& c : key) c = static_cast<char>(random() % 3 == 0 ? random() % 256 : 'a');
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace

TEST_SUITE("jobs/sort") {
  TEST_CASE("runs on the disk give the order that memory alone gives") {
    const test::ScratchDir dir;
    const auto keys = random_keys(1, static_cast<std::size_t>(test::scaled(20'000, 10'000)));
    auto expected = keys;
    std::ranges::sort(expected);
    const SortOrder order(Compare::kBytes, Direction::kAscending);
    const Sorted in_memory = sorted(keys, order, {.memory_bytes = 1U << 30U}, dir.path());
    CHECK(in_memory.runs == 0);
    CHECK(in_memory.keys == expected);
    const Sorted spilled =
        sorted(keys, order, {.memory_bytes = 300 << 10, .buffer_bytes = 100}, dir.path());
    CHECK(spilled.runs > 1);
    CHECK(spilled.keys == expected);
    // More runs than are merged at a time.
    const Sorted in_rounds =
        sorted(keys, order, {.memory_bytes = 200 << 10, .merged_at_once = 2, .buffer_bytes = 1000},
               dir.path());
    CHECK(in_rounds.runs > 2);
    CHECK(in_rounds.keys == expected);
    std::ranges::reverse(expected);
    CHECK(sorted(keys, SortOrder(Compare::kBytes, Direction::kDescending),
                 {.memory_bytes = 300 << 10}, dir.path())
              .keys == expected);
    CHECK(test::run_shell("ls -A " + dir.path()).out == "");  // the file has no name
  }

  TEST_CASE("large records come in their order, too, in memory and from the disk") {
    const test::ScratchDir dir;
    const auto keys = random_keys(3, static_cast<std::size_t>(test::scaled(40'000, 12'000)));
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      // Some need a block of their own.
      texts.push_back(std::to_string(i) + std::string(i % 3'000 == 7 ? 300'000 : i % 9, 'x'));
    }
    std::vector<std::size_t> expected(keys.size());
    std::iota(expected.begin(), expected.end(), 0U);
    std::ranges::sort(expected, {}, [&](std::size_t i) { return std::pair(keys[i], i); });
    for (const std::size_t memory : {std::size_t{1} << 30U, std::size_t{900} << 10U}) {
      for (const int procs : {1, 2, 8}) {
        CAPTURE(memory);
        CAPTURE(procs);
        std::vector<std::size_t> order;
        std::string error;
        std::size_t runs_written = 0;
        bool is_in_memory = false;
        runtime::Runtime rt({.procs = procs});
        rt.run([&] {
          SortedRuns runs(SortOrder(Compare::kBytes, Direction::kAscending),
                          {.memory_bytes = memory}, dir.path(), never);
          std::vector<Field> fields(keys.size());
          for (std::size_t i = 0; i < keys.size(); ++i) {
            fields[i] = {"key", keys[i], FieldType::kText};
            const Item item{.text = texts[i], .fields = &fields[i], .field_count = 1};
            if (const auto wrong = runs.add(item, keys[i])) error = wrong->message();
          }
          const auto take = [&](RecordRef record) {
            std::vector<Field> its;
            const Item item = item_of_record(record, &its);
            order.push_back(std::stoul(std::string(item.text.substr(0, item.text.find('x')))));
            if (item.text != texts[order.back()]) error = "another text";
            return Flow::kMore;
          };
          runs_written = runs.runs_written();
          if (const auto entries = runs.sort_in_memory()) {
            is_in_memory = true;
            for (const SortEntry& entry : *entries) static_cast<void>(take(entry.record));
          } else if (const auto wrong = runs.for_each(take)) {
            error = wrong->message();
          }
        });
        CHECK(error.empty());
        CHECK(is_in_memory == (memory > (std::size_t{1} << 20U)));
        CHECK(is_in_memory == (runs_written == 0));
        CHECK((order == expected));
      }
    }
  }

  TEST_CASE("of long records few runs are merged at a time, and equal keys stay in order") {
    const test::ScratchDir dir;
    std::vector<std::string> keys;
    for (int i = 0; i < 300; ++i) {
      keys.push_back(std::string(static_cast<std::size_t>(i * 7 % 3), 'k') +
                     std::string(20'000, 'x') + std::to_string(i * 131 % 50));
    }
    auto expected = keys;
    std::ranges::sort(expected);
    // Of two in the memory set aside for buffers, of nine in all of it.
    const Sorted all =
        sorted(keys, SortOrder(Compare::kBytes, Direction::kAscending),
               {.memory_bytes = 180'000, .merged_at_once = 10, .buffer_bytes = 1000}, dir.path());
    CHECK(all.error.empty());
    CHECK(all.runs > 20);
    CHECK((all.keys == expected));
  }

  TEST_CASE("a stop is heard where runs are written, where they become fewer, and at the end") {
    const test::ScratchDir dir;
    const auto keys = random_keys(4, 20'000);
    enum class Until { kFirstRun, kMerge, kFirstRecord };
    for (const Until until : {Until::kFirstRun, Until::kMerge, Until::kFirstRecord}) {
      CAPTURE(static_cast<int>(until));
      const std::size_t merged_at_once = until == Until::kMerge ? 2 : 1000;
      bool is_stopped = until == Until::kFirstRun;
      std::size_t added = 0;
      std::size_t taken = 0;
      std::vector<int> errors;
      runtime::Runtime rt({.procs = 1});
      rt.run([&] {
        SortedRuns runs(
            SortOrder(Compare::kBytes, Direction::kAscending),
            {.memory_bytes = 200 << 10, .merged_at_once = merged_at_once, .buffer_bytes = 1000},
            dir.path(), [&is_stopped] { return is_stopped; });
        for (const std::string& key : keys) {
          const auto wrong = runs.add(Item{.text = key}, key);
          if (wrong) errors.push_back(wrong->error_number);
          if (wrong) return;
          ++added;
        }
        is_stopped = until == Until::kMerge;
        const auto wrong = runs.for_each([&](RecordRef) {
          is_stopped = true;
          ++taken;
          return Flow::kMore;
        });
        if (wrong) errors.push_back(wrong->error_number);
      });
      CHECK(errors == std::vector<int>{ECANCELED});
      CHECK((added < keys.size()) == (until == Until::kFirstRun));
      CHECK((taken > 0) == (until == Until::kFirstRecord));
      CHECK(taken < keys.size() / 2);
    }
  }

  TEST_CASE("numbers are in their order, and what is none comes last") {
    const test::ScratchDir dir;
    const std::vector<std::string> keys = {
        "10", "9", "-1", "x", "1e3", "9007199254740993", "0", "", "-2.5", "09", "9007199254740992",
        "0.5"};
    CHECK(sorted(keys, SortOrder(Compare::kNumbers, Direction::kAscending),
                 {.memory_bytes = 1U << 20U}, dir.path())
              .keys == std::vector<std::string>{"-2.5", "-1", "0", "0.5", "9", "09", "10", "1e3",
                                                "9007199254740992", "9007199254740993", "", "x"});
    CHECK(sorted(keys, SortOrder(Compare::kNumbers, Direction::kDescending),
                 {.memory_bytes = 1U << 20U}, dir.path())
              .keys == std::vector<std::string>{"9007199254740993", "9007199254740992", "1e3", "10",
                                                "9", "09", "0.5", "0", "-1", "-2.5", "x", ""});
  }

  TEST_CASE("a field that begins where the key does is not taken for it") {
    const std::string_view text = "abcdef";
    const Field part{"part", text.substr(0, 3)};
    const Item item{.text = text, .fields = &part, .field_count = 1};
    std::string record(record_size(item), '\0');
    write_record(item, text, record.size(), record.data());
    CHECK(key_of_record(record.data()) == text);
    write_record(item, part.value, record.size(), record.data());
    CHECK(key_of_record(record.data()) == "abc");
    write_record(item, text.substr(2, 3), record.size(), record.data());
    CHECK(key_of_record(record.data()) == "cde");
    std::vector<Field> fields;
    const Item again = item_of_record(record.data(), &fields);
    CHECK(again.text == text);
    REQUIRE(again.field_count == 1);
    CHECK(again.fields[0].name == "part");
    CHECK(again.fields[0].value == "abc");
  }

  TEST_CASE("limits keep records and the buffers of the merge within the memory") {
    for (const std::size_t bytes :
         {4UL << 10U, 100UL << 10U, 1UL << 20U, 256UL << 20U, 4UL << 30U}) {
      CAPTURE(bytes);
      const SortedRuns::Limits limits = SortedRuns::limits_for(bytes);
      CHECK(limits.merged_at_once >= 2);
      CHECK(limits.buffer_bytes >= 4096);
      CHECK(limits.memory_bytes <= bytes);
      if (bytes >= 100U << 10U) {
        CHECK(limits.memory_bytes + limits.merged_at_once * limits.buffer_bytes <= bytes);
      }
    }
  }

  TEST_CASE("a directory that is not there is an error") {
    const Sorted none =
        sorted(random_keys(2, 20'000), SortOrder(Compare::kBytes, Direction::kAscending),
               {.memory_bytes = 300 << 10}, "/no/such/directory");
    CHECK(none.error == "cannot write below \"/no/such/directory\": No such file or directory");
  }
}

}  // namespace gorun::jobs::sorted_runs_test
