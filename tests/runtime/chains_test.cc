// tests/runtime/chains_test.cc - classic programs: prime sieve, ring, skynet, fork-join.
//
// Each has many goroutines that depend on each other, and one known answer.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/scale.h"

namespace gorun::test::chains_test {

namespace {

using namespace gorun::runtime;

// Hoare's sieve: a chain of filters that grows by one goroutine per prime. Closing the last channel
// ends the chain from its end: a filter whose send is refused closes its own input.
int nth_prime(int n) {
  Chan<int> numbers(0);
  go([out = numbers]() mutable {
    for (int i = 2; out.send(i) == ChanStatus::kOk; ++i) {
    }
  });
  int prime = 0;
  for (int i = 0; i < n; ++i) {
    prime = *numbers.recv();
    Chan<int> filtered(0);
    go([in = numbers, out = filtered, prime]() mutable {
      for (const int value : in) {
        if (value % prime == 0) continue;
        if (out.send(value) != ChanStatus::kOk) break;
      }
      in.close();
    });
    numbers = filtered;
  }
  numbers.close();
  return prime;
}

// Ten children per goroutine down to `size` leaves, which send their numbers up to be summed.
void skynet(Chan<std::int64_t> result, std::int64_t number, std::int64_t size) {
  if (size == 1) {
    (void)result.send(number);
    return;
  }
  Chan<std::int64_t> from_children(0);
  for (int i = 0; i < 10; ++i) {
    go([=] { skynet(from_children, number + i * (size / 10), size / 10); });
  }
  std::int64_t sum = 0;
  for (int i = 0; i < 10; ++i) sum += *from_children.recv();
  (void)result.send(sum);
}

int fib(int n) {
  if (n < 2) return n;
  int left = 0;
  WaitGroup child;
  child.go([&] { left = fib(n - 1); });
  const int right = fib(n - 2);
  child.wait();
  return left + right;
}

int fib_of(int n) {
  int a = 0;
  int b = 1;
  for (int i = 0; i < n; ++i) b = std::exchange(a, b) + b;
  return a;
}

}  // namespace

TEST_SUITE_BEGIN("runtime/chains");

TEST_CASE("the prime sieve finds the 300th prime and takes its chain down") {
  at_each_procs([](Runtime& rt) {
    constexpr int kPlain = 300;
    int prime = 0;
    run_to_end(rt, [&] { prime = nth_prime(kScale == 1 ? kPlain : 60); });
    CHECK(prime == (kScale == 1 ? 1'987 : 281));
  });
}

TEST_CASE("a value goes round a ring of 1,000 goroutines") {
  at_each_procs([](Runtime& rt) {
    const int size = scaled_goroutines(1'000);
    const int laps = scaled(50, 5);
    int value = 0;
    run_to_end(rt, [&] {
      Chan<int> first(0);
      Chan<int> last = first;
      for (int i = 0; i < size; ++i) {
        Chan<int> next(0);
        go([in = last, out = next]() mutable {
          for (const int v : in) (void)out.send(v + 1);
          out.close();
        });
        last = next;
      }
      for (int lap = 0; lap < laps; ++lap) {
        (void)first.send(value);
        value = *last.recv();
      }
      first.close();
      (void)last.recv();
    });
    CHECK(value == laps * size);
  });
}

TEST_CASE("skynet of 111,111 goroutines adds up") {
  at_each_procs([](Runtime& rt) {
    const std::int64_t leaves = kUnderTsan ? 100 : kScale == 1 ? 100'000 : 10'000;
    std::int64_t sum = 0;
    run_to_end(rt, [&] {
      Chan<std::int64_t> result(0);
      go([=] { skynet(result, 0, leaves); });
      sum = *result.recv();
    });
    CHECK(sum == leaves * (leaves - 1) / 2);
  });
}

TEST_CASE("fork-join fibonacci, a goroutine per call") {
  at_each_procs([](Runtime& rt) {
    const int n = kUnderTsan ? 10 : kScale == 1 ? 20 : 14;
    int result = 0;
    run_to_end(rt, [&] { result = fib(n); });
    CHECK(result == fib_of(n));
  });
}

TEST_CASE("a divide-and-conquer sum touches every element once") {
  at_each_procs([](Runtime& rt) {
    std::vector<int> cells(static_cast<std::size_t>(scaled(200'000)), 0);
    run_to_end(rt, [&] {
      std::function<void(std::size_t, std::size_t)> visit = [&](std::size_t low, std::size_t high) {
        WaitGroup halves;
        while (high - low > 500) {
          const std::size_t middle = low + (high - low) / 2;
          halves.go([&visit, middle, high] { visit(middle, high); });
          high = middle;
        }
        for (std::size_t i = low; i < high; ++i) ++cells[i];
        halves.wait();
      };
      visit(0, cells.size());
    });
    CHECK(std::count(cells.begin(), cells.end(), 1) == static_cast<long>(cells.size()));
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::chains_test
