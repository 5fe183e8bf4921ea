// tests/runtime/exceptions_test.cc - exceptions belong to the goroutine, not to the thread.
//
// The C++ runtime keeps caught and in-flight exceptions per thread. A goroutine that parks inside a
// handler, or while unwinding, leaves that state to whoever runs next on the M unless the switch
// saves it.

#include <doctest/doctest.h>

#include <atomic>
#include <exception>
#include <stdexcept>
#include <string>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/scale.h"

namespace gorun::test::exceptions_test {

namespace {

using namespace gorun::runtime;

struct Numbered {
  int number;
};

// Parks in its destructor and notes how many exceptions were in flight before and after.
class YieldsWhenUnwound {
 public:
  explicit YieldsWhenUnwound(std::atomic<int>& wrong, int expected)
      : wrong_(wrong), expected_(expected) {}
  ~YieldsWhenUnwound() {
    for (int i = 0; i < 3; ++i) {
      wrong_ += std::uncaught_exceptions() != expected_;
      yield();
    }
    wrong_ += std::uncaught_exceptions() != expected_;
  }
  YieldsWhenUnwound(const YieldsWhenUnwound&) = delete;
  YieldsWhenUnwound& operator=(const YieldsWhenUnwound&) = delete;

 private:
  std::atomic<int>& wrong_;
  int expected_;
};

constexpr int kGoroutines = 16;

// Runs `body(g)` in kGoroutines goroutines at once; `body` returns the number of things gone wrong.
template <class Body>
void in_many_goroutines(Runtime& rt, Body body) {
  std::atomic<int> wrong{0};
  std::atomic<int> ended{0};
  run_to_end(rt, [&] {
    for (int g = 0; g < kGoroutines; ++g) {
      go([&, g] {
        wrong += body(g);
        ++ended;
      });
    }
  });
  CHECK(wrong == 0);
  CHECK(ended == kGoroutines);
}

}  // namespace

TEST_SUITE_BEGIN("runtime/exceptions");

TEST_CASE("an exception thrown in a goroutine is caught in it, between any yields") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(100, 10);
    in_many_goroutines(rt, [rounds](int g) {
      int wrong = 0;
      for (int i = 0; i < rounds; ++i) {
        try {
          yield();
          throw Numbered{g * 1'000 + i};
        } catch (const Numbered& caught) {
          wrong += caught.number != g * 1'000 + i;
        }
        yield();
      }
      return wrong;
    });
  });
}

TEST_CASE("a handler that yields still has its own exception, and rethrows that one") {
  at_each_procs([](Runtime& rt) {
    in_many_goroutines(rt, [](int g) {
      int wrong = 0;
      for (int i = 0; i < 10; ++i) {
        try {
          try {
            throw Numbered{g};
          } catch (const Numbered&) {
            for (int turn = 0; turn < 3 + g % 4; ++turn) yield();
            throw;
          }
        } catch (const Numbered& again) {
          wrong += again.number != g;
        }
      }
      return wrong;
    });
  });
}

TEST_CASE("current_exception is the goroutine's own before and after a yield, and null outside") {
  at_each_procs([](Runtime& rt) {
    in_many_goroutines(rt, [](int g) {
      int wrong = 0;
      const auto number_of_current = [] {
        try {
          std::rethrow_exception(std::current_exception());
        } catch (const Numbered& n) {
          return n.number;
        }
      };
      for (int i = 0; i < 10; ++i) {
        wrong += std::current_exception() != nullptr;
        try {
          throw Numbered{g};
        } catch (...) {
          wrong += number_of_current() != g;
          yield();
          wrong += number_of_current() != g;
        }
        wrong += std::current_exception() != nullptr;
        yield();
        wrong += std::current_exception() != nullptr;
      }
      return wrong;
    });
  });
}

TEST_CASE("handlers nest across yields") {
  at_each_procs([](Runtime& rt) {
    in_many_goroutines(rt, [](int g) {
      int wrong = 0;
      try {
        throw Numbered{g};
      } catch (const Numbered& outer) {
        yield();
        try {
          throw std::runtime_error(std::to_string(g));
        } catch (const std::runtime_error& inner) {
          yield();
          try {
            throw Numbered{g + 100};
          } catch (const Numbered& innermost) {
            yield();
            wrong += innermost.number != g + 100;
          }
          yield();
          wrong += inner.what() != std::to_string(g);
        }
        yield();
        wrong += outer.number != g;
        try {
          throw;
        } catch (const Numbered& again) {
          wrong += again.number != g;
        }
      }
      return wrong;
    });
  });
}

TEST_CASE("a destructor may park while its goroutine unwinds") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> wrong_inside{0};
    in_many_goroutines(rt, [&](int g) {
      int wrong = 0;
      for (int i = 0; i < 5; ++i) {
        { const YieldsWhenUnwound calm(wrong_inside, 0); }
        try {
          const YieldsWhenUnwound unwound(wrong_inside, 1);
          throw Numbered{g};
        } catch (const Numbered& caught) {
          wrong += caught.number != g;
          wrong += std::uncaught_exceptions() != 0;
        }
      }
      return wrong;
    });
    CHECK(wrong_inside == 0);
  });
}

TEST_CASE("an exception travels to another goroutine through a channel") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled(500, 50);
    int wrong = 0;
    run_to_end(rt, [&] {
      Chan<std::exception_ptr> failures(4);
      go([n, failures]() mutable {
        for (int i = 0; i < n; ++i) {
          try {
            throw Numbered{i};
          } catch (...) {
            (void)failures.send(std::current_exception());  // parks inside the handler
          }
        }
        failures.close();
      });
      int expected = 0;
      for (const std::exception_ptr& failure : failures) {
        try {
          std::rethrow_exception(failure);
        } catch (const Numbered& caught) {
          wrong += caught.number != expected++;
        }
      }
      wrong += expected != n;
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("a goroutine spawned inside a handler starts without an exception") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> wrong{0};
    std::atomic<int> ran{0};
    run_to_end(rt, [&] {
      WaitGroup all;
      for (int i = 0; i < 50; ++i) {
        try {
          throw Numbered{i};
        } catch (const Numbered& caught) {
          all.go([&] {
            wrong += std::current_exception() != nullptr;
            wrong += std::uncaught_exceptions() != 0;
            ++ran;
          });
          all.wait();
          wrong += caught.number != i;
          wrong += std::current_exception() == nullptr;
        }
      }
    });
    CHECK(wrong == 0);
    CHECK(ran == 50);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::exceptions_test
