// tests/jobs/mapreduce/key_index_test.cc - ids compared with those of a std::unordered_map.

#include "jobs/mapreduce/key_index.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "jobs/mapreduce/shards.h"
#include "tests/support/any_keys.h"

namespace gorun::test::key_index_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/mapreduce/key_index");

namespace {

std::vector<std::string> random_keys(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  return any_keys(count, 2, random);
}

}  // namespace

TEST_CASE("ids are dense and in order of first appearance, whatever the batches") {
  const std::vector<std::string> keys = random_keys(20'000, 1);
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  for (const std::size_t batch : {1u, 100u, 256u, 257u, 20'000u}) {
    KeyIndex index;
    std::unordered_map<std::string_view, KeyIndex::Id> expected;
    std::vector<KeyIndex::Id> ids(views.size());
    for (std::size_t at = 0; at < views.size(); at += batch) {
      const std::size_t count = std::min(batch, views.size() - at);
      index.add(std::span(views).subspan(at, count), std::span(ids).subspan(at, count));
    }
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < views.size(); ++i) {
      const auto id = expected.try_emplace(views[i], expected.size()).first->second;
      wrong += ids[i] != id || index.key(id) != views[i];
    }
    CHECK(wrong == 0);
    CHECK(index.size() == expected.size());
  }
}

TEST_CASE("keys survive the memory that they were added from") {
  KeyIndex index;
  {
    const std::string gone(100, 'x');
    const std::string_view view = gone;
    KeyIndex::Id id = 7;
    index.add({&view, 1}, {&id, 1});
    CHECK(id == 0);
  }
  CHECK(index.key(0) == std::string(100, 'x'));
}

TEST_CASE("keys at the very end of mapped memory are read no further") {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* memory =
      ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  REQUIRE(::mprotect(static_cast<char*>(memory) + page, page, PROT_NONE) == 0);
  char* end = static_cast<char*>(memory) + page;
  std::memset(memory, 'k', page);
  KeyIndex index;
  for (std::size_t length = 0; length <= 40; ++length) {
    const std::string_view key(end - length, length);
    const std::string copy(key);
    const std::string_view again = copy;
    const std::string_view both[] = {key, again};
    KeyIndex::Id ids[2] = {};
    index.add(both, ids);
    CHECK(ids[0] == length);
    CHECK(ids[1] == length);
  }
  ::munmap(memory, 2 * page);
}

TEST_CASE("sorted ids are in the byte order of the keys") {
  const std::vector<std::string> keys = random_keys(5000, 2);
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  KeyIndex index;
  std::vector<KeyIndex::Id> ids(views.size());
  index.add(views, ids);
  std::vector<std::string> expected(keys.begin(), keys.end());
  std::sort(expected.begin(), expected.end());
  expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
  std::vector<std::string> sorted;
  for (const KeyIndex::Id id : index.sorted_ids()) sorted.emplace_back(index.key(id));
  CHECK(sorted == expected);
}

TEST_CASE("shards share out all hashes evenly") {
  KeyIndex index;
  for (int i = 0; i < 10'000; ++i) {
    const std::string key = std::to_string(i);
    const std::string_view view = key;
    KeyIndex::Id id = 0;
    index.add({&view, 1}, {&id, 1});
  }
  for (const std::uint32_t count : {1U, 2U, 3U, 16U}) {
    std::vector<std::uint32_t> owned(count);
    int misplaced = 0;
    for (KeyIndex::Id id = 0; id < index.size(); ++id) {
      const std::size_t owner = Shards(count).owner(index.hash(id));
      ++owned[owner];
      misplaced += index.hash(id) < Shards(count).first_hash(owner);
      misplaced += owner + 1 < count && index.hash(id) >= Shards(count).first_hash(owner + 1);
    }
    CHECK(misplaced == 0);
    std::uint32_t all = 0;
    for (const std::uint32_t n : owned) {
      all += n;
      CHECK(n > 10'000 / count * 8 / 10);
    }
    CHECK(all == 10'000);
  }
}

// A hash that is good for what keys look like: nearly as many slots are hit as by random numbers.
TEST_CASE("hashes of alike keys spread over slots and shards") {
  constexpr std::size_t kKeys = 65'536;
  const auto padded = [](std::size_t i, std::size_t width) {
    std::string digits = std::to_string(i);
    return std::string(width - digits.size(), '0') + digits;
  };
  using MakeKey = std::string (*)(std::size_t, std::string);
  const std::pair<const char*, MakeKey> families[] = {
      {"numbers", [](std::size_t i, std::string) { return std::to_string(i); }},
      {"8 digits", [](std::size_t, std::string digits) { return digits.substr(8); }},
      {"16 digits", [](std::size_t, std::string digits) { return digits; }},
      {"17 digits", [](std::size_t, std::string digits) { return digits + "0"; }},
      {"even", [](std::size_t i, std::string) { return std::to_string(2 * i); }},
      {"digits in front",
       [](std::size_t, std::string digits) { return digits.substr(10) + "-key"; }},
      {"digits at byte 7",
       [](std::size_t, std::string digits) { return "a-key-" + digits.substr(9); }},
      {"two bytes",
       [](std::size_t i, std::string) {
         return std::string{static_cast<char>(i), static_cast<char>(i >> 8)};
       }},
      {"eighth and ninth byte",
       [](std::size_t i, std::string) {
         return std::string(7, 'x') + std::string{static_cast<char>(i), static_cast<char>(i >> 8)};
       }},
      {"first and last byte",
       [](std::size_t i, std::string) {
         return std::string{static_cast<char>(i)} + std::string(14, 'x') +
                std::string{static_cast<char>(i >> 8)};
       }},
  };
  for (const auto& [name, make] : families) {
    CAPTURE(name);
    KeyIndex index;
    for (std::size_t i = 0; i < kKeys; ++i) {
      const std::string key = make(i, padded(i, 16));
      const std::string_view view = key;
      KeyIndex::Id id = 0;
      index.add({&view, 1}, {&id, 1});
    }
    REQUIRE(index.size() == kKeys);
    std::vector<bool> low(kKeys);
    std::vector<bool> high(kKeys);
    for (KeyIndex::Id id = 0; id < kKeys; ++id) {
      low[index.hash(id) % kKeys] = true;
      high[index.hash(id) >> 48] = true;
    }
    // Random numbers hit 63 % of the slots.
    CHECK(std::count(low.begin(), low.end(), true) > kKeys * 57 / 100);
    CHECK(std::count(high.begin(), high.end(), true) > kKeys * 57 / 100);
  }
}

TEST_CASE("memory grows with the keys and is given back") {
  KeyIndex index;
  CHECK(index.memory_bytes() == 0);
  const std::vector<std::string> keys = random_keys(5000, 3);
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  std::vector<KeyIndex::Id> ids(views.size());
  index.add(views, ids);
  CHECK(index.memory_bytes() > 100'000);
  index.clear();
  CHECK(index.memory_bytes() == 0);
  CHECK(index.size() == 0);
}

TEST_CASE("what adding keys may take is known before, and which are new") {
  KeyIndex index;
  std::vector<std::string> texts;
  for (int i = 0; i < 20'000; ++i) {
    texts.push_back(std::to_string(i) + (i % 3 == 0 ? ", a key that is too long for a slot" : ""));
  }
  std::vector<KeyIndex::Id> ids(300);
  std::size_t grown = 0;
  for (std::size_t at = 0; at + 300 <= texts.size(); at += 150) {
    const std::vector<std::string_view> keys(texts.begin() + static_cast<std::ptrdiff_t>(at),
                                             texts.begin() + static_cast<std::ptrdiff_t>(at) + 300);
    const std::size_t more = index.count_new(keys);
    REQUIRE(more == (at == 0 ? 300 : 150));
    const std::size_t most = index.bytes_while_adding(more);
    const bool grows = index.grows_with(more);
    const std::size_t before = index.memory_bytes();
    index.add(keys, ids);
    // Of a long key 32 bytes more than a slot holds; the arena grows by 64 KiB.
    REQUIRE(index.memory_bytes() <= most + 32 * more + 65'536);
    if (!grows) REQUIRE(index.memory_bytes() <= before + 65'536);
    grown += grows ? 1 : 0;
  }
  CHECK(grown >= 5);
  const auto keys_before = index.size();
  index.end_adding();
  CHECK(index.size() == keys_before);
  CHECK(index.sorted_ids().size() == keys_before);
}

TEST_SUITE_END();

}  // namespace gorun::test::key_index_test
