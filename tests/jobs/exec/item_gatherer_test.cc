// tests/jobs/exec/item_gatherer_test.cc - items for one command.

#include "jobs/exec/item_gatherer.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

namespace {

Batch batch_of(const std::vector<std::string>& texts) {
  Batch batch;
  for (const std::string& text : texts) {
    Item item;
    item.text = batch.copy(text);
    batch.push(item);
  }
  return batch;
}

std::string shown(const Batch& batch) {
  std::string out;
  for (const Item& item : batch.items()) out.append(item.text).append(" ");
  return out;
}

std::size_t weigh(const Item& item) { return item.text.size(); }

}  // namespace

TEST_SUITE_BEGIN("jobs/exec/item_gatherer");

TEST_CASE("commands are full whatever batches come, and the last worker gets the rest") {
  ItemGatherer gatherer(3, 1000);
  gatherer.join();
  gatherer.join();
  std::string commands;
  {
    // The bytes of items live on when their batch has gone.
    for (const auto& texts : std::vector<std::vector<std::string>>{
             {"a"}, {"b", "c", "d"}, {"e", "f", "g", "h", "i", "j", "k"}}) {
      const Batch batch = batch_of(texts);
      for (const Batch& full : gatherer.add(batch, weigh)) commands += shown(full) + "| ";
    }
  }
  CHECK(commands == "a b c | d e f | g h i | ");
  CHECK(gatherer.leave().empty());
  CHECK(shown(gatherer.leave()) == "j k ");
}

TEST_CASE("items that weigh too much get a command of their own") {
  ItemGatherer gatherer(100, 5);
  gatherer.join();
  std::string commands;
  for (const Batch& full : gatherer.add(batch_of({"ab", "cd", "efghijk", "l", "m"}), weigh)) {
    commands += shown(full) + "| ";
  }
  CHECK(commands == "ab cd | efghijk | ");
  CHECK(shown(gatherer.leave()) == "l m ");
}

TEST_SUITE_END();
