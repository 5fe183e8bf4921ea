// tests/jobs/inbox_test.cc - the bounded channel in front of a chain, when producers race for room.

#include "jobs/inbox.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <string>

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

TEST_SUITE_END();

}  // namespace gorun::test::inbox_test
