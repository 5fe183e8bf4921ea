// tests/runtime/chan_values_test.cc - what happens to the values themselves: moved, kept,
// destroyed.
//
// A channel moves raw bytes or calls the move constructor, depending on the type; each way a value
// can travel (into a parked receiver, through the ring, out of a parked sender) is tried with types
// that notice a copy, a second move, a missed or doubled destructor, or a misaligned slot.

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "tests/support/counted.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::chan_values_test {

namespace {

using namespace gorun::runtime;

// Notices slots that are not aligned for it; more aligned than what operator new promises.
struct alignas(128) Aligned {
  explicit Aligned(int n) : number(n) { check(); }
  Aligned(Aligned&& other) noexcept : number(other.number) { check(); }
  Aligned& operator=(Aligned&&) = delete;
  void check() const {
    if (reinterpret_cast<std::uintptr_t>(this) % 128 != 0) ++misaligned;
  }
  int number;
  static inline std::atomic<int> misaligned{0};
};

struct Big {
  std::array<std::uint64_t, 512> words;
};

}  // namespace

TEST_SUITE_BEGIN("runtime/chan/values");

TEST_CASE("a move-only value arrives whole, by every path, and none is leaked") {
  for (const std::size_t capacity : {0U, 1U, 5U}) {
    CAPTURE(capacity);
    at_each_procs([&](Runtime& rt) {
      const int objects_before = Counted::objects();
      const int n = scaled(2'000);
      std::atomic<int> alive{0};
      int wrong = 0;
      run_to_end(rt, [&] {
        Chan<Counted> ch(capacity);
        go([&alive, ch, n]() mutable {
          for (int i = 0; i < n; ++i) (void)ch.send(Counted(i, alive));
          ch.close();
        });
        int expected = 0;
        for (const Counted& value : ch) wrong += value.id() != expected++;
        wrong += expected != n;
      });
      CHECK(wrong == 0);
      CHECK(alive == 0);
      CHECK(Counted::objects() == objects_before);
    });
  }
}

TEST_CASE("values left in a channel that dies are destroyed") {
  at_each_procs([](Runtime& rt) {
    const int objects_before = Counted::objects();
    std::atomic<int> alive{0};
    int alive_in_ring = 0;
    run_to_end(rt, [&] {
      Chan<Counted> open(8);
      Chan<Counted> closed(8);
      for (int i = 0; i < 6; ++i) {
        (void)open.send(Counted(i, alive));
        (void)closed.send(Counted(i, alive));
      }
      (void)open.recv();  // so that the ring's head is not its first slot
      (void)open.send(Counted(7, alive));
      (void)open.send(Counted(8, alive));
      (void)open.send(Counted(9, alive));
      closed.close();
      alive_in_ring = alive;
    });
    CHECK(alive_in_ring == 14);
    CHECK(alive == 0);
    CHECK(Counted::objects() == objects_before);
  });
}

TEST_CASE("a value that was not sent stays with its owner") {
  at_each_procs([](Runtime& rt) {
    std::vector<bool> kept;
    std::atomic<int> alive{0};
    int alive_before_end = 0;
    run_to_end(rt, [&] {
      Chan<Counted> ch(1);
      Chan<Counted> nil;
      Counted first(1, alive);
      Counted second(2, alive);
      kept.push_back(ch.try_send(std::move(first)) == ChanStatus::kOk && !first.has_value());
      kept.push_back(ch.try_send(std::move(second)) == ChanStatus::kWouldBlock &&
                     second.has_value());
      kept.push_back(nil.try_send(std::move(second)) == ChanStatus::kWouldBlock &&
                     second.has_value());
      const Selected would_block = select(send_case(ch, second), default_case());
      kept.push_back(would_block.index == 1 && second.has_value());
      ch.close();
      kept.push_back(ch.send(std::move(second)) == ChanStatus::kClosed && second.has_value());
      const Selected closed = select(send_case(ch, second));
      kept.push_back(closed.status == ChanStatus::kClosed && second.has_value());
      alive_before_end = alive;
    });
    CHECK(kept == std::vector<bool>(6, true));
    CHECK(alive_before_end == 2);
    CHECK(alive == 0);
  });
}

TEST_CASE("select moves exactly the value whose case ran") {
  at_each_procs([](Runtime& rt) {
    const int objects_before = Counted::objects();
    const int n = scaled(2'000, 100);
    std::atomic<int> alive{0};
    std::atomic<int> wrong{0};
    std::atomic<int> received{0};
    run_to_end(rt, [&] {
      Chan<Counted> a(0);
      Chan<Counted> b(1);
      WaitGroup receivers;
      for (int r = 0; r < 2; ++r) {
        receivers.go([&] {
          std::optional<Counted> from_a;
          std::optional<Counted> from_b;
          for (;;) {
            const Selected s = select(recv_case(a, from_a), recv_case(b, from_b));
            if (s.status != ChanStatus::kOk) return;
            std::optional<Counted>& got = s.index == 0 ? from_a : from_b;
            wrong += !got.has_value() || !got->has_value();
            got.reset();
            wrong += from_a.has_value() || from_b.has_value();
            ++received;
          }
        });
      }
      for (int i = 0; i < n; ++i) {
        Counted to_a(i, alive);
        Counted to_b(i, alive);
        const Selected s = select(send_case(a, to_a), send_case(b, to_b));
        wrong += s.status != ChanStatus::kOk;
        wrong += to_a.has_value() != (s.index == 1) || to_b.has_value() != (s.index == 0);
      }
      yield_until("all received", [&] { return received == n; });
      a.close();
      b.close();
      receivers.wait();
    });
    CHECK(wrong == 0);
    CHECK(received == n);
    CHECK(alive == 0);
    CHECK(Counted::objects() == objects_before);
  });
}

TEST_CASE("strings, vectors and optionals keep their contents") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled(1'000);
    int wrong = 0;
    run_to_end(rt, [&] {
      Chan<std::string> strings(3);
      Chan<std::vector<int>> vectors(0);
      Chan<std::optional<std::string>> optionals(1);
      go([=]() mutable {
        for (int i = 0; i < n; ++i) {
          (void)strings.send(std::string(static_cast<std::size_t>(i % 100), 'x'));
          (void)vectors.send(std::vector<int>(static_cast<std::size_t>(i % 10), i));
          (void)optionals.send(i % 2 == 0 ? std::nullopt : std::optional(std::to_string(i)));
        }
      });
      for (int i = 0; i < n; ++i) {
        wrong += *strings.recv() != std::string(static_cast<std::size_t>(i % 100), 'x');
        wrong += *vectors.recv() != std::vector<int>(static_cast<std::size_t>(i % 10), i);
        const std::optional<std::string> maybe = *optionals.recv();
        wrong += maybe != (i % 2 == 0 ? std::nullopt : std::optional(std::to_string(i)));
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("a copied send leaves the original as it was") {
  at_each_procs([](Runtime& rt) {
    const std::string original = "a value too long for the small-string buffer";
    std::string got;
    run_to_end(rt, [&] {
      Chan<std::string> ch(1);
      (void)ch.send(original);
      got = *ch.recv();
      (void)ch.try_send(original);
      got += *ch.try_recv();
    });
    CHECK(got == original + original);
  });
}

TEST_CASE("values lie at addresses that their type may have") {
  Aligned::misaligned = 0;
  at_each_procs([](Runtime& rt) {
    int wrong = 0;
    run_to_end(rt, [&] {
      for (const std::size_t capacity : {0U, 1U, 3U}) {
        Chan<Aligned> ch(capacity);
        go([ch]() mutable {
          for (int i = 0; i < 20; ++i) (void)ch.send(Aligned(i));
        });
        for (int i = 0; i < 20; ++i) wrong += ch.recv()->number != i;
      }
    });
    CHECK(wrong == 0);
  });
  CHECK(Aligned::misaligned == 0);
}

TEST_CASE("a value of 4 KiB and an empty one both travel") {
  at_each_procs([](Runtime& rt) {
    int wrong = 0;
    run_to_end(rt, [&] {
      Chan<Big> big(2);
      Chan<Unit> empty(2);
      go([=]() mutable {
        for (std::uint64_t i = 0; i < 50; ++i) {
          Big value{};
          value.words.fill(i);
          (void)big.send(value);
          (void)empty.send({});
        }
      });
      for (std::uint64_t i = 0; i < 50; ++i) {
        const Received<Big> got = big.recv();
        wrong += got.value->words.front() != i || got.value->words.back() != i;
        wrong += empty.recv().status != ChanStatus::kOk;
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("the last handle frees the channel, wherever it is dropped") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled(2'000, 100);
    std::atomic<int> alive{0};
    run_to_end(rt, [&] {
      WaitGroup all;
      for (int i = 0; i < n; ++i) {
        Chan<Counted> ch(1);
        (void)ch.send(Counted(i, alive));
        all.go([ch] { yield(); });
        all.go([ch, i]() mutable {
          if (i % 2 == 0) (void)ch.recv();
        });
      }
      all.wait();
      yield_until("all handles dropped", [&] { return alive == 0; });
    });
    CHECK(alive == 0);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::chan_values_test
