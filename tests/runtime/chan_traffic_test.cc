// tests/runtime/chan_traffic_test.cc - many senders, many receivers: no value lost, none doubled.

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/scale.h"
#include "tests/support/tally.h"

namespace gorun::test::chan_traffic_test {

namespace {

using namespace gorun::runtime;

constexpr int kProducers = 8;
constexpr int kConsumers = 8;

// Each producer sends its own block of numbers, upwards; so a consumer, too, must see each
// producer's numbers rise.
class RisingCheck {
 public:
  explicit RisingCheck(int per_producer) : per_producer_(per_producer) { last_.fill(-1); }
  /// True if `value` does not come after an earlier one of the same producer.
  bool is_out_of_order(int value) {
    int& last = last_[static_cast<std::size_t>(value / per_producer_)];
    const bool wrong = value <= last;
    last = value;
    return wrong;
  }

 private:
  int per_producer_;
  std::array<int, kProducers> last_;
};

void check_all_arrived(const Tally& tally) {
  CHECK(tally.lost() == 0);
  CHECK(tally.doubled() == 0);
  CHECK(tally.strangers() == 0);
}

}  // namespace

TEST_SUITE_BEGIN("runtime/chan/traffic");

TEST_CASE("8 senders and 8 receivers: every value arrives once, each sender's in order") {
  for (const std::size_t capacity : {0U, 1U, 128U}) {
    CAPTURE(capacity);
    at_each_procs([&](Runtime& rt) {
      const int per_producer = scaled(5'000, 200);
      Tally tally(static_cast<std::size_t>(kProducers * per_producer));
      std::atomic<int> out_of_order{0};
      run_to_end(rt, [&] {
        Chan<int> ch(capacity);
        WaitGroup producers;
        WaitGroup consumers;
        for (int p = 0; p < kProducers; ++p) {
          producers.go([&, p] {
            for (int i = 0; i < per_producer; ++i) (void)ch.send(p * per_producer + i);
          });
        }
        for (int c = 0; c < kConsumers; ++c) {
          consumers.go([&] {
            RisingCheck rising(per_producer);
            for (const int value : ch) {
              tally.mark(static_cast<std::size_t>(value));
              out_of_order += rising.is_out_of_order(value);
            }
          });
        }
        producers.wait();
        ch.close();
        consumers.wait();
      });
      check_all_arrived(tally);
      CHECK(out_of_order == 0);
    });
  }
}

TEST_CASE("8 senders and 8 receivers that both select over four channels") {
  for (const std::size_t capacity : {0U, 1U, 16U}) {
    CAPTURE(capacity);
    at_each_procs([&](Runtime& rt) {
      const int per_producer = scaled(2'000, 100);
      Tally tally(static_cast<std::size_t>(kProducers * per_producer));
      std::atomic<int> not_ok{0};
      run_to_end(rt, [&] {
        std::array<Chan<int>, 4> ch{Chan<int>(capacity), Chan<int>(capacity), Chan<int>(capacity),
                                    Chan<int>(capacity)};
        Chan<Unit> done(0);
        WaitGroup producers;
        WaitGroup consumers;
        for (int p = 0; p < kProducers; ++p) {
          producers.go([&, p] {
            for (int i = 0; i < per_producer; ++i) {
              int value = p * per_producer + i;
              const Selected s = select(send_case(ch[0], value), send_case(ch[1], value),
                                        send_case(ch[2], value), send_case(ch[3], value));
              not_ok += s.status != ChanStatus::kOk;
            }
          });
        }
        for (int c = 0; c < kConsumers; ++c) {
          consumers.go([&] {
            for (;;) {
              int value = -1;
              // Prioritized, so that `done` is chosen only once no value waits anywhere.
              const Selected s = select(SelectOrder::kPrioritized, recv_case(ch[0], value),
                                        recv_case(ch[1], value), recv_case(ch[2], value),
                                        recv_case(ch[3], value), recv_case(done));
              if (s.index == 4) return;
              tally.mark(static_cast<std::size_t>(value));
            }
          });
        }
        producers.wait();
        done.close();
        consumers.wait();
      });
      check_all_arrived(tally);
      CHECK(not_ok == 0);
    });
  }
}

TEST_CASE("parking, trying and selecting users of one channel do not lose a value") {
  for (const std::size_t capacity : {0U, 4U}) {
    CAPTURE(capacity);
    at_each_procs([&](Runtime& rt) {
      const int per_producer = scaled(1'500, 100);
      Tally tally(static_cast<std::size_t>(kProducers * per_producer));
      std::atomic<int> not_ok{0};
      run_to_end(rt, [&] {
        Chan<int> ch(capacity);
        Chan<int> idle(0);  // a second case, so that selects really enqueue on two channels
        WaitGroup producers;
        WaitGroup consumers;
        for (int p = 0; p < kProducers; ++p) {
          producers.go([&, p] {
            for (int i = 0; i < per_producer; ++i) {
              int value = p * per_producer + i;
              if (i % 3 == 0) {
                not_ok += ch.send(value) != ChanStatus::kOk;
              } else if (i % 3 == 1) {
                while (ch.try_send(value) != ChanStatus::kOk) yield();
              } else {
                not_ok += select(send_case(ch, value), recv_case(idle, value)).index != 0;
              }
            }
          });
        }
        for (int c = 0; c < kConsumers; ++c) {
          consumers.go([&, c] {
            for (int i = c;; ++i) {
              int value = -1;
              ChanStatus status = ChanStatus::kOk;
              if (i % 3 == 0) {
                const Received<int> r = ch.recv();
                status = r.status;
                value = r.value.value_or(-1);
              } else if (i % 3 == 1) {
                const Received<int> r = ch.try_recv();
                status = r.status;
                value = r.value.value_or(-1);
              } else {
                status = select(recv_case(idle, value), recv_case(ch, value)).status;
              }
              if (status == ChanStatus::kClosed) return;
              if (status == ChanStatus::kWouldBlock) {
                yield();
                continue;
              }
              tally.mark(static_cast<std::size_t>(value));
            }
          });
        }
        producers.wait();
        ch.close();
        consumers.wait();
      });
      check_all_arrived(tally);
      CHECK(not_ok == 0);
    });
  }
}

TEST_CASE("a value hops through a pipeline of stages with several goroutines each") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled(5'000, 300);
    constexpr int kStages = 5;
    Tally tally(static_cast<std::size_t>(n));
    run_to_end(rt, [&] {
      std::vector<Chan<int>> ch;
      for (int s = 0; s <= kStages; ++s) ch.emplace_back(static_cast<std::size_t>(s));
      for (std::size_t s = 0; s < kStages; ++s) {
        go([in = ch[s], out = ch[s + 1]]() mutable {
          WaitGroup stage;
          for (int g = 0; g < 3; ++g) {
            stage.go([&] {
              for (const int value : in) (void)out.send(value);
            });
          }
          stage.wait();
          out.close();
        });
      }
      go([n, in = ch[0]]() mutable {
        for (int i = 0; i < n; ++i) (void)in.send(i);
        in.close();
      });
      for (const int value : ch[kStages]) tally.mark(static_cast<std::size_t>(value));
    });
    check_all_arrived(tally);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::chan_traffic_test
