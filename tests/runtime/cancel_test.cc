// tests/runtime/cancel_test.cc - the tree: down to every leaf, never up, in any order of events.

#include "runtime/cancel.h"

#include <doctest/doctest.h>
#include <malloc.h>

#include <atomic>
#include <optional>
#include <vector>

#include "runtime/runtime.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::cancel_test {

namespace {

using namespace gorun::runtime;

}  // namespace

TEST_SUITE_BEGIN("runtime/cancel");

TEST_CASE("cancelling a node cancels all below it and none above or beside it") {
  at_each_procs([](Runtime& rt) {
    std::vector<bool> before;
    std::vector<bool> after;
    run_to_end(rt, [&] {
      const Cancel root;
      const Cancel left = root.child();
      const Cancel right = root.child();
      const Cancel left_leaf = left.child();
      const Cancel left_leaf_2 = left.child();
      const Cancel right_leaf = right.child();
      const auto look = [&] {
        return std::vector<bool>{root.is_cancelled(),      left.is_cancelled(),
                                 left_leaf.is_cancelled(), left_leaf_2.is_cancelled(),
                                 right.is_cancelled(),     right_leaf.is_cancelled()};
      };
      before = look();
      left.cancel();
      after = look();
    });
    CHECK(before == std::vector<bool>{false, false, false, false, false, false});
    CHECK(after == std::vector<bool>{false, true, true, true, false, false});
  });
}

TEST_CASE("a child of a cancelled node is cancelled from birth") {
  at_each_procs([](Runtime& rt) {
    bool child_cancelled = false;
    bool grandchild_cancelled = false;
    ChanStatus done = ChanStatus::kOk;
    run_to_end(rt, [&] {
      const Cancel root;
      root.cancel();
      const Cancel child = root.child();
      child_cancelled = child.is_cancelled();
      grandchild_cancelled = child.child().is_cancelled();
      done = child.done().try_recv().status;
    });
    CHECK(child_cancelled);
    CHECK(grandchild_cancelled);
    CHECK((done == ChanStatus::kClosed));
  });
}

TEST_CASE("cancelling again, or from several goroutines at once, does nothing more") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(200, 20);
    int cancelled = 0;
    run_to_end(rt, [&] {
      for (int round = 0; round < rounds; ++round) {
        const Cancel root;
        const Cancel leaf = root.child().child();
        WaitGroup all;
        for (int g = 0; g < 4; ++g) all.go([&, g] { (g % 2 == 0 ? root : leaf).cancel(); });
        all.wait();
        root.cancel();
        cancelled += root.is_cancelled() && leaf.is_cancelled();
      }
    });
    CHECK(cancelled == rounds);
  });
}

TEST_CASE("copies name the same node") {
  at_each_procs([](Runtime& rt) {
    bool copy_cancelled = false;
    bool child_of_copy_cancelled = false;
    bool same_channel = false;
    run_to_end(rt, [&] {
      const Cancel root;
      const Cancel copy = root;
      const Cancel child = copy.child();
      root.cancel();
      copy_cancelled = copy.is_cancelled();
      child_of_copy_cancelled = child.is_cancelled();
      same_channel = copy.done() == root.done();
    });
    CHECK(copy_cancelled);
    CHECK(child_of_copy_cancelled);
    CHECK(same_channel);
  });
}

TEST_CASE("done wakes everyone who waits for it, at every level") {
  at_each_procs([](Runtime& rt) {
    constexpr int kPerLevel = 20;
    constexpr int kLevels = 4;
    std::atomic<int> woken{0};
    run_to_end(rt, [&] {
      const Cancel root;
      Cancel node = root;
      WaitGroup all;
      for (int level = 0; level < kLevels; ++level) {
        for (int i = 0; i < kPerLevel; ++i) {
          all.go([&woken, node] { woken += !node.done().recv(); });
        }
        node = node.child();
      }
      wait_until_parked(rt, WaitReason::kChanRecv, kPerLevel * kLevels);
      root.cancel();
      all.wait();
    });
    CHECK(woken == kPerLevel * kLevels);
  });
}

TEST_CASE("cancellation ends a parked operation as one more case of its select") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> cancelled{0};
    std::atomic<int> kept{0};
    run_to_end(rt, [&] {
      const Cancel root;
      Chan<int> ch(0);
      WaitGroup all;
      for (int i = 0; i < 50; ++i) {
        all.go([&, i, mine = root.child()] {
          int value = 7;
          const Selected s = i % 2 == 0 ? select(recv_case(ch, value), recv_case(mine.done()))
                                        : select(recv_case(mine.done()), recv_case(ch, value));
          cancelled += s.status == ChanStatus::kClosed && s.index == (i % 2 == 0 ? 1 : 0);
          kept += value == 7;
        });
      }
      wait_until_parked(rt, WaitReason::kSelect, 50);
      root.cancel();
      all.wait();
    });
    CHECK(cancelled == 50);
    CHECK(kept == 50);
  });
}

TEST_CASE("a leaf hears its root although the nodes between have no handle any more") {
  at_each_procs([](Runtime& rt) {
    bool leaf_cancelled = false;
    run_to_end(rt, [&] {
      const Cancel root;
      const Cancel leaf = root.child().child().child();
      root.cancel();
      leaf_cancelled = leaf.is_cancelled();
    });
    CHECK(leaf_cancelled);
  });
}

TEST_CASE("a child may outlive its parent's handles") {
  at_each_procs([](Runtime& rt) {
    bool cancelled_early = true;
    bool cancelled = false;
    run_to_end(rt, [&] {
      std::optional<Cancel> root(std::in_place);
      const Cancel child = root->child();
      root.reset();
      cancelled_early = child.is_cancelled();
      child.cancel();
      cancelled = child.is_cancelled();
    });
    CHECK_FALSE(cancelled_early);
    CHECK(cancelled);
  });
}

TEST_CASE("children born while their parent is cancelled are all cancelled in the end") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(200, 20);
    std::atomic<int> survivors{0};
    run_to_end(rt, [&] {
      for (int round = 0; round < rounds; ++round) {
        const Cancel root;
        WaitGroup all;
        for (int g = 0; g < 4; ++g) {
          all.go([&] {
            std::vector<Cancel> mine;
            while (!root.is_cancelled()) {
              mine.push_back(mine.size() % 2 == 0 ? root.child() : mine.back().child());
              yield();
            }
            mine.push_back(root.child());
            // cancel() returns after all below are cancelled, and may still be at work here.
            for (const Cancel& node : mine) {
              (void)node.done().recv();
              survivors += !node.is_cancelled();
            }
          });
        }
        all.go([&] {
          for (int i = 0; i < round % 10; ++i) yield();
          root.cancel();
        });
        all.wait();
      }
    });
    CHECK(survivors == 0);
  });
}

TEST_CASE("a deep tree is cancelled and freed without a deep recursion") {
  at_each_procs([](Runtime& rt) {
    const int depth = scaled(100'000, 5'000);
    bool leaf_cancelled = false;
    run_to_end(rt, [&] {
      const Cancel root;
      Cancel leaf = root;
      for (int i = 0; i < depth; ++i) leaf = leaf.child();
      root.cancel();
      leaf_cancelled = leaf.is_cancelled();
    });
    CHECK(leaf_cancelled);
  });
}

TEST_CASE("a node that lived and went leaves nothing with its parent") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled(100'000, 5'000);
    std::size_t growth = 0;
    run_to_end(rt, [&] {
      const Cancel root;
      (void)root.child().child();  // whatever is allocated once, is
      const std::size_t before = mallinfo2().uordblks;
      for (int i = 0; i < n; ++i) (void)root.child().child();
      const std::size_t after = mallinfo2().uordblks;
      growth = after > before ? after - before : 0;
    });
    // One pointer kept per child would be 800 kB; sanitizers' allocators report nothing here.
    CHECK(growth < 100'000);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::cancel_test
