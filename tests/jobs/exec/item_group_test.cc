// tests/jobs/exec/item_group_test.cc - items for one command.

#include "jobs/exec/item_group.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace gorun::test::item_group_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

namespace {

// Takes the groups that a gatherer puts out.
class GroupsOut final : public Out {
 public:
  GroupsOut() : Out(1) {}
  [[nodiscard]] bool reader_is_idle() const override { return true; }
  std::string shown;
  std::vector<std::size_t> bytes;  // of each group

 protected:
  Flow deliver(Batch&& batch) override {
    const Batch held = std::move(batch);
    bytes.push_back(held.bytes());
    CHECK(held.duplicate().bytes() == held.bytes());
    for (const Item& group : held.items()) {
      for (const Item& item : items_of(group)) shown.append(item.text).append(" ");
      shown += "| ";
    }
    return Flow::kMore;
  }
  Flow deliver_flush() override { return Flow::kMore; }
};

void gather(std::size_t items, std::size_t bytes,
            const std::vector<std::vector<std::string>>& batches, GroupsOut& out) {
  const auto gatherer =
      make_item_gatherer(items, bytes, [](const Item& item) { return item.text.size(); });
  for (const std::vector<std::string>& texts : batches) {
    Batch batch;
    for (const std::string& text : texts) {
      Item item;
      item.text = batch.copy(text);
      batch.push(item);
    }
    CHECK(gatherer->process(std::move(batch), out) == Flow::kMore);
    // The bytes of items live on when their batch has gone.
  }
  gatherer->finish(out);
  CHECK(out.flush() == Flow::kMore);
}

std::string groups(std::size_t items, std::size_t bytes,
                   const std::vector<std::vector<std::string>>& batches) {
  GroupsOut out;
  gather(items, bytes, batches, out);
  return out.shown;
}

}  // namespace

TEST_SUITE_BEGIN("jobs/exec/item_group");

TEST_CASE("groups are full whatever batches come, but for the last") {
  CHECK(groups(3, 1000, {{"a"}, {"b", "c", "d"}, {"e", "f", "g", "h", "i", "j", "k"}}) ==
        "a b c | d e f | g h i | j k | ");
  CHECK(groups(2, 1000, {{"a", "b"}}) == "a b | ");
  CHECK(groups(2, 1000, {}).empty());
}

TEST_CASE("items that weigh too much together do not go together") {
  CHECK(groups(100, 5, {{"ab", "cd", "efghijk", "l", "m"}}) == "ab cd | efghijk | l m | ");
}

TEST_CASE("a group that waits counts as much as its items, and their table") {
  GroupsOut out;
  gather(2, 1000, {{"abcd", "ef"}, {"g"}}, out);
  CHECK(out.bytes == std::vector<std::size_t>{2 * sizeof(Item) + 6, sizeof(Item) + 1});
}

TEST_SUITE_END();

}  // namespace gorun::test::item_group_test
