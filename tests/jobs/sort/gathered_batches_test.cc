// tests/jobs/sort/gathered_batches_test.cc - records come in the order of their entries, whole, and
// nobody goes on gathering for one who has had enough.

#include "jobs/sort/gathered_batches.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "jobs/sort/sort_record.h"
#include "runtime/runtime.h"
#include "tests/support/each_procs.h"

namespace gorun::test::gathered_batches_test {

namespace {

using namespace gorun::jobs;

// Of texts that have a field each.
class Sorted {
 public:
  explicit Sorted(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      const Field field{"first", std::string_view(text).substr(0, 1)};
      const Item item{.text = text, .fields = &field, .field_count = 1};
      const std::size_t size = record_size(item);
      records_.push_back(std::make_unique<char[]>(size));
      write_record(item, text, size, records_.back().get());
      entries_.push_back({0, records_.back().get()});
    }
  }
  [[nodiscard]] std::span<const SortEntry> entries() const { return entries_; }

 private:
  std::vector<std::unique_ptr<char[]>> records_;
  std::vector<SortEntry> entries_;
};

std::vector<std::string> texts_of(std::size_t count, std::size_t every_long, std::size_t bytes) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) {
    texts.push_back(std::to_string(i));
    if (every_long != 0 && i % every_long == 3) texts.back().append(bytes, 'x');
  }
  return texts;
}

// Returns how many are as they should be before one is not.
std::size_t right_until(const std::vector<std::string>& texts, int procs) {
  const Sorted sorted(texts);
  GatheredBatches batches(sorted.entries(), kBatchItems, GatheredBatches::Form::kItems, procs);
  std::size_t at = 0;
  std::vector<Field> fields;
  const auto is_next = [&](const Item& item) {
    return at < texts.size() && item.text == texts[at] && item.field_count == 1 &&
           item.fields[0].name == "first" && item.fields[0].value == texts[at].substr(0, 1);
  };
  while (auto next = batches.next()) {
    for (const Item& item : next->batch.items()) {
      if (!is_next(item)) return at;
      ++at;
    }
    for (const SortEntry& entry : next->left_out) {
      if (!is_next(item_of_record(entry.record, &fields))) return at;
      ++at;
    }
  }
  return at;
}

}  // namespace

TEST_SUITE_BEGIN("jobs/sort/gathered");

TEST_CASE("all records come in their order, also those that fill a batch alone") {
  std::vector<std::vector<std::string>> cases;
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, kBatchItems, std::size_t{9000}}) {
    for (const std::size_t every_long : {std::size_t{0}, std::size_t{200}}) {
      cases.push_back(texts_of(count, every_long, 3 * kBatchBytes));
    }
  }
  at_each_procs([&](runtime::Runtime& rt) {
    std::vector<std::size_t> right;
    run_to_end(rt, [&] {
      for (const auto& texts : cases) right.push_back(right_until(texts, runtime::procs()));
    });
    REQUIRE(right.size() == cases.size());
    for (std::size_t i = 0; i < cases.size(); ++i) {
      CAPTURE(i);
      CHECK(right[i] == cases[i].size());
    }
  });
}

TEST_CASE("texts come as whole lines, what would make a batch too large by itself") {
  const std::vector<std::string> texts = texts_of(9000, 500, 60'000);
  std::string expected;
  std::vector<SortEntry> entries;
  for (const std::string& text : texts) {
    entries.push_back({0, RecordRef::of_text(text)});
    expected += text + '\n';
  }
  at_each_procs([&](runtime::Runtime& rt) {
    std::string all;
    std::size_t records = 0;
    run_to_end(rt, [&] {
      GatheredBatches batches(entries, 1000, GatheredBatches::Form::kLines, runtime::procs());
      while (auto next = batches.next()) {
        all += next->batch.items().front().text;
        records += next->records;
        for (const SortEntry& entry : next->left_out) {
          all.append(entry.record.text()).push_back('\n');
          ++records;
        }
      }
    });
    CHECK((all == expected));
    CHECK(records == texts.size());
  });
}

TEST_CASE("who has had enough waits for nobody who is ahead") {
  const std::vector<std::string> texts = texts_of(40'000, 0, 0);
  const Sorted sorted(texts);
  at_each_procs([&](runtime::Runtime& rt) {
    bool has_first = false;
    run_to_end(rt, [&] {
      GatheredBatches batches(sorted.entries(), kBatchItems, GatheredBatches::Form::kItems,
                              runtime::procs());
      const auto next = batches.next();
      has_first = next && next->batch.items().front().text == "0";
    });
    CHECK(has_first);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::gathered_batches_test
