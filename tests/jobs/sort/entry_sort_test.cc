// tests/jobs/sort/entry_sort_test.cc - the order of std::sort with the places of the entries behind
// it, for keys of every kind that sorting treats in a way of its own.

#include "jobs/sort/entry_sort.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "runtime/runtime.h"
#include "tests/support/each_procs.h"
#include "tests/support/scale.h"

namespace gorun::test::entry_sort_test {

namespace {

using namespace gorun::jobs;
using Compare = SortOrder::Compare;
using Direction = SortOrder::Direction;

// Records of these keys, and entries that refer to them.
class Records {
 public:
  Records(const std::vector<std::string>& keys, const SortOrder& order) {
    for (const std::string& key : keys) {
      const Item item{.text = key};
      const std::size_t size = record_size(item);
      records_.push_back(std::make_unique<char[]>(size));
      write_record(item, key, size, records_.back().get());
      entries_.push_back({order.prefix(key), records_.back().get()});
    }
  }

  // Sorted, and compared with what they should be. returns the first place that is wrong, or -1.
  long first_wrong(const std::vector<std::string>& keys, const SortOrder& order) {
    std::vector<std::size_t> expected(keys.size());
    std::iota(expected.begin(), expected.end(), std::size_t{0});
    std::ranges::sort(expected, [&](std::size_t a, std::size_t b) {
      const int by_key = order.compare(keys[a], keys[b]);
      return by_key != 0 ? by_key < 0 : a < b;
    });
    std::vector<SortEntry> scratch(entries_.size());
    sort_entries(entries_, scratch, order);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const bool is_right = entries_[i].record.address() == records_[expected[i]].get() &&
                            entries_[i].prefix == order.prefix(keys[expected[i]]);
      if (!is_right) return static_cast<long>(i);
    }
    return -1;
  }

 private:
  std::vector<std::unique_ptr<char[]>> records_;
  std::vector<SortEntry> entries_;
};

void check(const std::vector<std::string>& keys, Compare compare) {
  for (const Direction direction : {Direction::kAscending, Direction::kDescending}) {
    CAPTURE((direction == Direction::kAscending));
    const SortOrder order(compare, direction);
    at_each_procs([&](runtime::Runtime& rt) {
      long wrong = -1;
      run_to_end(rt, [&] { wrong = Records(keys, order).first_wrong(keys, order); });
      CHECK(wrong == -1);
    });
  }
}

// Of `count` keys each.
using MakeKey = std::string (*)(std::size_t i, std::mt19937& random);

std::vector<std::string> keys_of(MakeKey make, std::size_t count) {
  std::mt19937 random(7);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < count; ++i) keys.push_back(make(i, random));
  return keys;
}

struct Kind {
  const char* name;
  MakeKey make;
};

const Kind kKinds[] = {
    {"random bytes",
     [](std::size_t, std::mt19937& random) {
       std::string key(random() % 20, '\0');
       for (char& c : key) c = static_cast<char>(random());
       return key;
     }},
    {"few words", [](std::size_t, std::mt19937& random) { return std::to_string(random() % 5); }},
    {"one word", [](std::size_t, std::mt19937&) { return std::string("always the same"); }},
    {"rising", [](std::size_t i, std::mt19937&) { return std::to_string(1'000'000 + i); }},
    {"falling", [](std::size_t i, std::mt19937&) { return std::to_string(9'000'000 - i); }},
    {"a long way to the difference",
     [](std::size_t, std::mt19937& random) {
       return "/home/somebody/projects/gorun/" + std::to_string(random() % 100'000) + "/x";
     }},
    {"several common beginnings",
     [](std::size_t, std::mt19937& random) {
       return std::string(16 * (random() % 4), 'p') + std::to_string(random() % 1000);
     }},
    {"NUL bytes and ends",
     [](std::size_t, std::mt19937& random) {
       return std::string(random() % 3, 'a') + std::string(random() % 20, '\0');
     }},
    {"most of them one word",
     [](std::size_t, std::mt19937& random) {
       return random() % 10 != 0 ? std::string("the")
                                 : "t" + std::to_string(random() % 1000) + std::string(8, 'x');
     }},
};

}  // namespace

TEST_SUITE_BEGIN("jobs/sort/entries");

TEST_CASE("keys of every kind, few and many") {
  for (const Kind& kind : kKinds) {
    CAPTURE(kind.name);
    // The last number is dealt into buckets.
    constexpr std::size_t kCounts[] = {0, 1, 2, 15, 16, 17, 1000, 40'000};
    for (const std::size_t count : kCounts) {
      if (kScale != 1 && count > 1000 && &kind != &kKinds[5] && &kind != &kKinds[8]) continue;
      CAPTURE(count);
      check(keys_of(kind.make, count), Compare::kBytes);
    }
  }
}

TEST_CASE("each key begins with the one before: no stack is deep enough for a step for each") {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < 1500; ++i) keys.emplace_back(8 * (i * 7919 % 1500), 'a');
  check(keys, Compare::kBytes);
}

TEST_CASE("numbers, also those that a double does not tell apart, and what is none") {
  const MakeKey numbers = [](std::size_t, std::mt19937& random) {
    switch (random() % 4) {
      case 0:
        return "9007199254740" + std::to_string(990 + random() % 10);
      case 1:
        return std::to_string(random() % 3) + ".5";
      case 2:
        return std::string("word ") + std::to_string(random() % 3);
      default:
        return std::to_string(static_cast<int>(random() % 20) - 10);
    }
  };
  check(keys_of(numbers, 500), Compare::kNumbers);
  check(keys_of(numbers, static_cast<std::size_t>(scaled(20'000, 17'000))), Compare::kNumbers);
}

TEST_SUITE_END();

}  // namespace gorun::test::entry_sort_test
