// tests/stress/random_ops_test.cc - random operations of many goroutines on shared channels, under
// a seed that is printed when something is wrong.
//
// A round: some channels of random capacity, some goroutines that each draw their next operation
// from their own generator (send, receive, the try_ forms, select of random shape with or without
// default and timeout, yield, short sleep, a nested goroutine, a section under one of two mutexes).
// When the round's operations are used up, or everybody has parked, main closes all channels and
// thereby lets everybody go. What must hold at the end of every round:
//
//   V1  every value that was accepted by a send was received once, or lay in a ring at the end
//   V2  no value is received that was not accepted
//   V3  all goroutines ended; nothing is parked
//   V4  a mutex was never held twice
//
// GORUN_STRESS_SECONDS is the duration (default 1), GORUN_STRESS_SEED fixes the first seed. Rounds
// cycle over 1, 2, 3 and 8 Ps. The order of events depends on the machine, so a seed fixes the
// programs of the goroutines and not their interleaving.

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/each_procs.h"
#include "tests/support/scale.h"
#include "tests/support/tally.h"

namespace gorun::test::random_ops_test {

namespace {

using namespace gorun::runtime;

constexpr int kMaxGoroutines = 24;
constexpr int kOpsPerGoroutine = 200;
constexpr std::size_t kMaxChannels = 5;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

using Random = std::mt19937_64;

int draw(Random& random, int below) {
  return static_cast<int>(random() % static_cast<std::uint64_t>(below));
}

// The state that a round's goroutines share.
class Round {
 public:
  Round(std::uint64_t seed, const Runtime& rt)
      : rt_(rt),
        seed_(seed),
        sent_(static_cast<std::size_t>(2 * kMaxGoroutines * kOpsPerGoroutine)),
        received_(static_cast<std::size_t>(2 * kMaxGoroutines * kOpsPerGoroutine)) {
    Random random(seed);
    const int channels = 1 + draw(random, kMaxChannels);
    static constexpr std::size_t kCapacities[] = {0, 0, 1, 2, 7};
    for (int i = 0; i < channels; ++i) {
      channels_.emplace_back(kCapacities[static_cast<std::size_t>(draw(random, 5))]);
    }
    goroutines_ = 2 + draw(random, kMaxGoroutines - 1);
  }

  // Runs the round on the main goroutine, to the end of all others.
  void run() {
    WaitGroup all;
    live_ = goroutines_;
    for (int g = 0; g < goroutines_; ++g) all.go([this, g] { live_one(g, &live_); });
    while (live_ > 0 && !everybody_is_parked()) yield();
    for (Chan<int>& ch : channels_) ch.close();
    all.wait();
    for (Chan<int>& ch : channels_) {
      for (const int value : ch) received_.mark(static_cast<std::size_t>(value));
    }
  }

  /// Main thread, after the run.
  void check() const {
    CHECK(sent_.marked() == received_.marked());
    CHECK(received_.doubled() == 0);
    CHECK(received_.strangers() == 0);
    CHECK(lost_or_invented() == 0);
    CHECK(overlaps_ == 0);
    CHECK(impossible_ == 0);
    CHECK(rt_.parked() == 0);
  }

  [[nodiscard]] std::uint64_t operations() const { return operations_; }

 private:
  // Main and nested goroutines apart, nobody runs: only main can break it.
  bool everybody_is_parked() const {
    return rt_.parked(WaitReason::kChanSend) + rt_.parked(WaitReason::kChanRecv) +
               rt_.parked(WaitReason::kSelect) + rt_.parked(WaitReason::kNilChan) >=
           static_cast<std::size_t>(live_.load());
  }

  std::size_t lost_or_invented() const {
    std::size_t n = 0;
    for (std::size_t value = 0; value < sent_.size(); ++value) {
      n += sent_.is_marked(value) != received_.is_marked(value);
    }
    return n;
  }

  void live_one(int number, std::atomic<int>* live) {
    Random random(seed_ * 1'000 + static_cast<std::uint64_t>(number));
    for (int op = 0; op < kOpsPerGoroutine; ++op) {
      operations_.fetch_add(1, std::memory_order_relaxed);
      step(random, number * kOpsPerGoroutine + op);
    }
    live->fetch_sub(1);
  }

  Chan<int>& any(Random& random) {
    return channels_[static_cast<std::size_t>(draw(random, static_cast<int>(channels_.size())))];
  }

  void step(Random& random, int value) {
    switch (draw(random, 12)) {
      case 0:
      case 1:
        return note_sent(any(random).send(value), value);
      case 2:
      case 3:
        return note_received(any(random).recv());
      case 4:
        return note_sent(any(random).try_send(value), value);
      case 5:
        return note_received(any(random).try_recv());
      case 6:
      case 7:
        return select_two(random, value);
      case 8:
        return select_many(random, value);
      case 9:
        return yield();
      case 10:
        return exclude(random);
      default:
        return rest_or_spawn(random, value);
    }
  }

  void note_sent(ChanStatus status, int value) {
    if (status == ChanStatus::kOk) sent_.mark(static_cast<std::size_t>(value));
    impossible_ += status == ChanStatus::kTimedOut;
  }

  void note_received(const Received<int>& got) {
    if (got.status == ChanStatus::kOk) received_.mark(static_cast<std::size_t>(*got.value));
    impossible_ += got.value.has_value() != (got.status == ChanStatus::kOk);
  }

  void select_two(Random& random, int value) {
    Chan<int>& in = any(random);
    Chan<int>& out = any(random);  // often the same as `in`
    int got = -1;
    Selected s;
    const Nanos soon{draw(random, 50'000)};
    switch (draw(random, 4)) {
      case 0:
        s = select(recv_case(in, got), send_case(out, value));
        break;
      case 1:
        s = select(recv_case(in, got), send_case(out, value), default_case());
        break;
      case 2:
        s = select(recv_case(in, got), send_case(out, value), timeout_case(soon));
        break;
      default:
        s = select(SelectOrder::kPrioritized, recv_case(in, got), send_case(out, value),
                   timeout_case(soon));
        break;
    }
    if (s.status != ChanStatus::kOk) {
      impossible_ += got != -1;
    } else if (s.index == 0) {
      received_.mark(static_cast<std::size_t>(got));
    } else {
      sent_.mark(static_cast<std::size_t>(value));
      impossible_ += got != -1;
    }
  }

  void select_many(Random& random, int value) {
    std::array<SelectCase, 12> cases;
    std::array<int, 12> slots;
    slots.fill(-1);
    const int n = 3 + draw(random, 9);
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      const bool is_send = draw(random, 2) == 0;
      if (is_send) slots[i] = value;  // all sends offer the same value: one of them may run
      ChanCore* core = draw(random, 8) == 0 ? nullptr : any(random).core();
      cases[i] = {is_send ? CaseKind::kSend : CaseKind::kRecv, core, &slots[i]};
    }
    cases[static_cast<std::size_t>(n)] = timeout_case(Nanos{draw(random, 100'000)}).lower();
    const Selected s = select(std::span<SelectCase>(cases).first(static_cast<std::size_t>(n) + 1));
    impossible_ += s.index < 0 || s.index > n;
    impossible_ += (s.index == n) != (s.status == ChanStatus::kTimedOut);
    if (s.status != ChanStatus::kOk) return;
    const auto ran = static_cast<std::size_t>(s.index);
    (cases[ran].kind == CaseKind::kSend ? sent_ : received_)
        .mark(static_cast<std::size_t>(slots[ran]));
  }

  void exclude(Random& random) {
    const auto which = static_cast<std::size_t>(draw(random, 2));
    mutexes_[which].lock();
    overlaps_ += holders_[which].fetch_add(1) != 0;
    if (draw(random, 2) == 0) yield();
    holders_[which].fetch_sub(1);
    mutexes_[which].unlock();
  }

  void rest_or_spawn(Random& random, int value) {
    if (draw(random, 2) == 0) return sleep(Nanos{draw(random, 30'000)});
    // A value of the upper half of the numbers: no operation of live_one() uses those.
    const int other = kMaxGoroutines * kOpsPerGoroutine + value;
    Chan<int>& out = any(random);
    WaitGroup nested;
    nested.go([&] { note_sent(out.try_send(other), other); });
    nested.wait();
  }

  const Runtime& rt_;
  std::uint64_t seed_;
  int goroutines_ = 0;
  std::vector<Chan<int>> channels_;
  Tally sent_;
  Tally received_;
  std::array<Mutex, 2> mutexes_;
  std::array<std::atomic<int>, 2> holders_{};
  std::atomic<int> live_{0};
  std::atomic<int> overlaps_{0};
  std::atomic<int> impossible_{0};
  std::atomic<std::uint64_t> operations_{0};
};

}  // namespace

TEST_SUITE_BEGIN("stress/random_ops");

TEST_CASE("random operations conserve values, exclude under mutexes and come to an end") {
  const auto duration = std::chrono::seconds(number_from_environment("GORUN_STRESS_SECONDS", 1));
  std::uint64_t seed =
      number_from_environment("GORUN_STRESS_SEED", std::random_device{}() % 1'000'000);
  constexpr int kProcs[] = {1, 2, 3, 8};
  const auto end = std::chrono::steady_clock::now() + duration;
  std::uint64_t rounds = 0;
  std::uint64_t operations = 0;
  do {
    const int procs = kProcs[rounds % 4];
    CAPTURE(seed);
    CAPTURE(procs);
    Runtime rt({.procs = procs});
    Round round(seed, rt);
    run_to_end(rt, [&] { round.run(); });
    round.check();
    ++seed;
    ++rounds;
    operations += round.operations();
  } while (std::chrono::steady_clock::now() < end);
  MESSAGE(rounds, " rounds, ", operations, " operations, last seed ", seed - 1);
}

TEST_SUITE_END();

}  // namespace gorun::test::random_ops_test
