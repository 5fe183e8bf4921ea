// tests/jobs/inbox_test.cc - the bounded channel in front of a chain, when producers race for room.

#include "jobs/inbox.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"

namespace gorun::test::inbox_test {

namespace {

using namespace gorun::jobs;
namespace runtime = gorun::runtime;

Batch batch_of(std::size_t bytes) {
  const std::string text(bytes, 'x');
  Batch batch;
  batch.push_copy(Item{.text = text});
  return batch;
}

}  // namespace

TEST_SUITE_BEGIN("jobs/inbox");

// One that tries counts its bytes before it knows that there is no room. Another one that saw them
// waits for bytes, and must hear of it when they are counted out again: no reader may tell it
// later.
TEST_CASE("a batch that found no room leaves nobody behind that waits for its bytes") {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    std::atomic<std::uint64_t> queued{0};
    std::uint64_t taken = 0;
    runtime::Runtime rt({.deterministic = seed});
    run_to_end(rt, [&] {
      Inbox inbox({.capacity = 1, .bytes = 100, .producers = 3}, &queued);
      runtime::WaitGroup all;
      for (int i = 0; i < 2; ++i) {
        all.go([&] {
          static_cast<void>(inbox.put(batch_of(60)));  // what is lost is missed below
          inbox.producer_done();
        });
      }
      all.go([&] {
        Batch batch = batch_of(60);
        if (!inbox.try_put(batch)) ++taken;  // as if it were
        inbox.producer_done();
      });
      // A reader that waits already would be handed the first batch, and there would be room.
      for (std::uint64_t i = 0; i < seed % 8; ++i) runtime::yield();
      Batch batch;
      while (inbox.take(&batch) == Inbox::Taken::kBatch) taken += batch.size();
      all.wait();
    });
    CHECK(taken == 3);
    CHECK(queued.load() == 0);
  }
}

TEST_CASE("a producer that found it full is woken when half of it is free, and not before") {
  runtime::Runtime rt({.deterministic = 1});
  std::atomic<std::uint64_t> queued{0};
  std::vector<std::uint64_t> left;  // behind each take, once the producer has done what it could
  run_to_end(rt, [&] {
    Inbox inbox({.capacity = 8, .producers = 1}, &queued);
    runtime::WaitGroup all;
    all.go([&] {
      for (int i = 0; i < 16; ++i) static_cast<void>(inbox.put(batch_of(1)));  // all are counted
      inbox.producer_done();
    });
    const auto let_run = [] {
      for (int i = 0; i < 100; ++i) runtime::yield();
    };
    let_run();
    Batch batch;
    while (inbox.take(&batch) == Inbox::Taken::kBatch) {
      let_run();
      left.push_back(queued.load());
    }
    all.wait();
  });
  CHECK(left == std::vector<std::uint64_t>{7, 6, 5, 8, 7, 6, 5, 8, 7, 6, 5, 4, 3, 2, 1, 0});
}

TEST_CASE("many producers and takers of a small and of a large one lose nothing and end") {
  for (const std::size_t capacity : {1U, 3U, 4U, 16U}) {
    for (const std::uint64_t bytes : {100U, 100000U}) {
      CAPTURE(capacity);
      CAPTURE(bytes);
      at_each_procs([&](runtime::Runtime& rt) {
        constexpr int kProducers = 4;
        constexpr std::uint64_t kBatches = 2000;
        std::atomic<std::uint64_t> queued{0};
        std::atomic<std::uint64_t> taken{0};
        run_to_end(rt, [&] {
          Inbox inbox({.capacity = capacity, .bytes = bytes, .producers = kProducers}, &queued);
          runtime::WaitGroup all;
          for (int i = 0; i < kProducers; ++i) {
            all.go([&] {
              for (std::uint64_t n = 0; n < kBatches; ++n) {
                static_cast<void>(inbox.put(batch_of(n % 64)));  // what is lost is missed below
              }
              inbox.producer_done();
            });
            all.go([&] {
              Batch batch;
              while (inbox.take(&batch) == Inbox::Taken::kBatch) taken += batch.size();
            });
          }
          all.wait();
        });
        CHECK(taken.load() == kProducers * kBatches);
        CHECK(queued.load() == 0);
      });
    }
  }
}

TEST_CASE("fields count as texts do, those of neighbours once, and what lies in a text not again") {
  const std::string value(60, 'v');
  const Field field{.name = "f", .value = value};
  const Item item{.text = "text", .fields = &field, .field_count = 1};
  const Item of_two[] = {item, {.text = "more", .fields = &field, .field_count = 1}};
  const Field part{.name = "f", .value = std::string_view(value).substr(10, 20)};
  const std::size_t table = sizeof(Field);
  Batch batch;
  batch.push(of_two[0]);
  batch.push(of_two[1]);
  CHECK(batch.bytes() == 8 + 60 + table);
  batch.clear();
  batch.push_copy(of_two[0]);
  batch.push_copy(of_two[1]);
  CHECK(batch.bytes() == 2 * (4 + 60 + table));
  batch.clear();
  batch.push({.text = value, .fields = &part, .field_count = 1});
  CHECK(batch.bytes() == 60 + table);

  runtime::Runtime rt({.procs = 1});
  bool has_room_with_one = false, takes_another = true, has_room_at_the_end = false;
  run_to_end(rt, [&] {
    std::atomic<std::uint64_t> queued{0};
    Inbox inbox({.capacity = 8, .batch_items = 8, .bytes = 60 + table, .producers = 1}, &queued);
    Batch one;
    one.push(item);
    static_cast<void>(inbox.put(one.duplicate()));
    has_room_with_one = inbox.has_room();
    takes_another = inbox.try_put(one);
    Batch taken;
    static_cast<void>(inbox.take(&taken));
    has_room_at_the_end = inbox.has_room();
    inbox.producer_done();
  });
  CHECK(!has_room_with_one);
  CHECK(!takes_another);
  CHECK(has_room_at_the_end);
}

TEST_SUITE_END();

}  // namespace gorun::test::inbox_test
