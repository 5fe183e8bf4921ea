// tests/jobs/failure_keys_test.cc - "fail", "retry", "tolerate", "on_error", "timeout", "order" and
// the limits as they stand in job files: what is read, and every byte of what is refused.
#include <doctest/doctest.h>

#include <chrono>
#include <span>
#include <string>

#include "jobs/duration.h"
#include "jobs/load.h"
#include "tests/jobs/rejected_job.h"

namespace gorun::jobs::failure_keys_test {

namespace {

using namespace std::chrono_literals;

constexpr RejectedJob kRejected[] = {
    {"retry",
     R"({"gorun": 1, "stages": {
  "a": {"kind": "exec", "argv": ["a"], "retry": 0},
  "b": {"kind": "exec", "argv": ["b"], "retry": true},
  "c": {"kind": "exec", "argv": ["c"], "retry": {"max": 2.5, "tries": 3, "factor": 0.5, "jitter": "some"}},
  "d": {"kind": "exec", "argv": ["d"], "retry": {"base": "soon", "cap": -1, "on": []}},
  "e": {"kind": "exec", "argv": ["e"], "retry": {"on": ["exti", "exit x", "timeout 3", 5, "io 5"]}}
}}
)",
     R"(job.json:2:49: error: "retry": expected 1 to 1000, got 0
  2 |   "a": {"kind": "exec", "argv": ["a"], "retry": 0},
    |                                                 ^
job.json:3:49: error: "retry": expected a number of attempts or an object, got true
  3 |   "b": {"kind": "exec", "argv": ["b"], "retry": true},
    |                                                 ^~~~
job.json:4:57: error: "max": expected an integer, 1 to 1000, got 2.5
  4 |   "c": {"kind": "exec", "argv": ["c"], "retry": {"max": 2.5, "tries": 3, "factor": 0.5, "jitter": "some"}},
    |                                                         ^~~
job.json:4:62: error: unknown key "tries"
  4 |   "c": {"kind": "exec", "argv": ["c"], "retry": {"max": 2.5, "tries": 3, "factor": 0.5, "jitter": "some"}},
    |                                                              ^~~~~~~
  hint: the keys here are "max", "on", "base", "cap", "factor" and "jitter"
job.json:4:84: error: "factor": expected a number, 1 to 1000, got 0.5
  4 |   "c": {"kind": "exec", "argv": ["c"], "retry": {"max": 2.5, "tries": 3, "factor": 0.5, "jitter": "some"}},
    |                                                                                    ^~~
job.json:4:99: error: "jitter": expected "full" or "none", got "some"
  4 |   "c": {"kind": "exec", "argv": ["c"], "retry": {"max": 2.5, "tries": 3, "factor": 0.5, "jitter": "some"}},
    |                                                                                                   ^~~~~~
job.json:5:58: error: "base": expected a duration such as 5 or "1m30s", got "soon"
  5 |   "d": {"kind": "exec", "argv": ["d"], "retry": {"base": "soon", "cap": -1, "on": []}},
    |                                                          ^~~~~~
job.json:5:73: error: "cap": expected a duration such as 5 or "1m30s", got -1
  5 |   "d": {"kind": "exec", "argv": ["d"], "retry": {"base": "soon", "cap": -1, "on": []}},
    |                                                                         ^~
job.json:5:83: error: "on" is empty
  5 |   "d": {"kind": "exec", "argv": ["d"], "retry": {"base": "soon", "cap": -1, "on": []}},
    |                                                                                   ^~
  hint: without it every failure is tried again
job.json:6:57: error: "on": expected "timeout", "exit", "signal", "status", "network", "io" or "other", got "exti"
  6 |   "e": {"kind": "exec", "argv": ["e"], "retry": {"on": ["exti", "exit x", "timeout 3", 5, "io 5"]}}
    |                                                         ^~~~~~
  hint: did you mean "exit"?
job.json:6:65: error: "on": expected a number after "exit", got "exit x"
  6 |   "e": {"kind": "exec", "argv": ["e"], "retry": {"on": ["exti", "exit x", "timeout 3", 5, "io 5"]}}
    |                                                                 ^~~~~~~~
job.json:6:75: error: "on": "timeout" has no number, got "timeout 3"
  6 |   "e": {"kind": "exec", "argv": ["e"], "retry": {"on": ["exti", "exit x", "timeout 3", 5, "io 5"]}}
    |                                                                           ^~~~~~~~~~~
job.json:6:88: error: "on": expected a string, got a number
  6 |   "e": {"kind": "exec", "argv": ["e"], "retry": {"on": ["exti", "exit x", "timeout 3", 5, "io 5"]}}
    |                                                                                        ^
gorun: 13 errors; nothing was run
)",
     ""},
    {"tolerate, on_error and timeout",
     R"({"gorun": 1, "stages": {
  "a": {"kind": "walk", "tolerate": {}, "on_error": "route"},
  "b": {"kind": "hash", "from": "a", "tolerate": {"percent": 101, "count": -1}, "on_error": "ignore"},
  "c": {"kind": "write", "from": ["b", "b.errors"], "timeout": 0, "tolerate": "few"},
  "d": {"kind": "exec", "argv": ["x"], "timeout": "1m30", "tolerate": [1]}
}}
)",
     R"(job.json:2:37: error: "tolerate" needs "count" or "percent"
  2 |   "a": {"kind": "walk", "tolerate": {}, "on_error": "route"},
    |                                     ^~
job.json:2:53: error: no stage reads the failed items of stage "a"
  2 |   "a": {"kind": "walk", "tolerate": {}, "on_error": "route"},
    |                                                     ^~~~~~~
  hint: to print them: "failed": {"kind": "write", "from": "a.errors", "path": "-"}
job.json:3:62: error: "percent": expected a number, 0 to 100, got 101
  3 |   "b": {"kind": "hash", "from": "a", "tolerate": {"percent": 101, "count": -1}, "on_error": "ignore"},
    |                                                              ^~~
job.json:3:76: error: "count": expected 0 to 1099511627776, got -1
  3 |   "b": {"kind": "hash", "from": "a", "tolerate": {"percent": 101, "count": -1}, "on_error": "ignore"},
    |                                                                            ^~
job.json:3:93: error: "on_error": expected "fail", "continue" or "route", got "ignore"
  3 |   "b": {"kind": "hash", "from": "a", "tolerate": {"percent": 101, "count": -1}, "on_error": "ignore"},
    |                                                                                             ^~~~~~~~
job.json:4:43: error: stage "b" sends no failed items
  4 |   "c": {"kind": "write", "from": ["b", "b.errors"], "timeout": 0, "tolerate": "few"},
    |                                           ^~~~~~
  hint: "on_error": "route" makes them leave by the port "errors"
job.json:4:64: error: "timeout": expected a duration longer than 0, got 0
  4 |   "c": {"kind": "write", "from": ["b", "b.errors"], "timeout": 0, "tolerate": "few"},
    |                                                                ^
job.json:4:79: error: "tolerate": expected an integer, got a string
  4 |   "c": {"kind": "write", "from": ["b", "b.errors"], "timeout": 0, "tolerate": "few"},
    |                                                                               ^~~~~
job.json:5:51: error: "timeout": expected a duration such as 5 or "1m30s", got "1m30"
  5 |   "d": {"kind": "exec", "argv": ["x"], "timeout": "1m30", "tolerate": [1]}
    |                                                   ^~~~~~
job.json:5:71: error: "tolerate": expected a number of items or an object, got an array
  5 |   "d": {"kind": "exec", "argv": ["x"], "timeout": "1m30", "tolerate": [1]}
    |                                                                       ^~~
gorun: 10 errors; nothing was run
)",
     ""},
    {"keys that a kind has no use for",
     R"({"gorun": 1, "stages": {
  "a": {"kind": "lines", "path": "x", "retry": 3, "order": "input"},
  "b": {"kind": "map", "from": "a", "text": "x", "retry": 3, "window": 5},
  "c": {"kind": "take", "from": "b", "n": 1, "on_error": "route", "order": "input"},
  "d": {"kind": "write", "from": "c"},
  "e": {"kind": "exec", "argv": ["x"], "order": "input"}
}}
)",
     R"(job.json:2:39: error: "retry" has no effect in kind "lines"
  2 |   "a": {"kind": "lines", "path": "x", "retry": 3, "order": "input"},
    |                                       ^~~~~~~
  hint: its items do not fail one by one
job.json:2:51: error: "order" has no effect in kind "lines"
  2 |   "a": {"kind": "lines", "path": "x", "retry": 3, "order": "input"},
    |                                                   ^~~~~~~
  hint: it takes no items
job.json:3:50: error: "retry" has no effect in kind "map"
  3 |   "b": {"kind": "map", "from": "a", "text": "x", "retry": 3, "window": 5},
    |                                                  ^~~~~~~
  hint: a second attempt would end as the first
job.json:3:62: error: "window" without "order": "input" has no effect
  3 |   "b": {"kind": "map", "from": "a", "text": "x", "retry": 3, "window": 5},
    |                                                              ^~~~~~~~
job.json:4:46: error: "on_error" has no effect in kind "take"
  4 |   "c": {"kind": "take", "from": "b", "n": 1, "on_error": "route", "order": "input"},
    |                                              ^~~~~~~~~~
  hint: its items do not fail one by one
job.json:4:67: error: "order" has no effect in kind "take"
  4 |   "c": {"kind": "take", "from": "b", "n": 1, "on_error": "route", "order": "input"},
    |                                                                   ^~~~~~~
  hint: it runs in one goroutine, which keeps the order
job.json:6:40: error: "order" without "from" has no effect
  6 |   "e": {"kind": "exec", "argv": ["x"], "order": "input"}
    |                                        ^~~~~~~
gorun: 7 errors; nothing was run
)",
     ""},
    {"limits and edges",
     R"({"gorun": 1, "fail": "slowly", "limits": {"memory": "1KiB"}, "stages": {
  "a": {"kind": "items", "items": []},
  "b": {"kind": "write", "from": {"stage": "a", "bytes": 100}}
}}
)",
     R"(job.json:1:22: error: "fail": expected "fast", "drain" or "keep-going", got "slowly"
  1 | {"gorun": 1, "fail": "slowly", "limits": {"memory": "1KiB"}, "stages": {
    |                      ^~~~~~~~
job.json:1:53: error: "memory": expected 1048576 or more, got "1KiB"
  1 | {"gorun": 1, "fail": "slowly", "limits": {"memory": "1KiB"}, "stages": {
    |                                                     ^~~~~~
job.json:3:58: error: "bytes": expected 4096 or more, got 100
  3 |   "b": {"kind": "write", "from": {"stage": "a", "bytes": 100}}
    |                                                          ^~~
gorun: 3 errors; nothing was run
)",
     ""},
};

Graph graph_of(const std::string& text, const VarSettings& settings = {}) {
  const Source source("job.json", text);
  Result<Graph> graph = load_job(source, settings);
  REQUIRE_MESSAGE(graph.ok(), (graph.ok() ? "" : render(source, graph.errors())));
  return std::move(graph).value();
}

}  // namespace

std::span<const RejectedJob> rejected() { return kRejected; }

TEST_SUITE("jobs/failure_keys") {
  TEST_CASE("what is wrong with the keys of failure") {
    for (const RejectedJob& job : kRejected) {
      CAPTURE(job.name);
      CHECK(rendered_errors(job) == job.errors);
    }
  }

  TEST_CASE("the keys of failure, order and limits are read") {
    const Graph graph = graph_of(R"({"gorun": 1, "fail": "keep-going",
      "vars": {"n": 4, "t": "2s"},
      "limits": {"procs": 2, "memory": "64MiB"},
      "defaults": {"timeout": 9, "tolerate": 7, "retry": 2},
      "stages": {
        "a": {"kind": "walk"},
        "b": {"kind": "hash", "from": {"stage": "a", "bytes": "1MiB"}, "on_error": "route",
              "retry": {"max": "${{ vars.n }}", "on": ["timeout", "exit 75"], "base": "${{ vars.t }}",
                        "cap": 15e-1, "factor": 1.25, "jitter": "none"},
              "tolerate": {"count": 3, "percent": 2.5}, "timeout": "1m30s", "order": "input", "window": 10},
        "c": {"kind": "exec", "from": "b.errors", "argv": ["x", "{}"], "on_error": "continue"},
        "d": {"kind": "write", "from": "b"},
        "e": {"kind": "lines", "path": "x"},
        "f": {"kind": "top", "from": "e", "n": 1, "order": "asc"},
        "g": {"kind": "write", "from": "f"}}})");
    CHECK(graph.fail == FailPolicy::kKeepGoing);
    CHECK(graph.limits.procs == 2);
    CHECK(graph.limits.memory == std::int64_t{64} << 20);
    const StageSpec& hash = graph.stages[1];
    CHECK(graph.edges[hash.inputs[0]].bytes == std::int64_t{1} << 20);
    CHECK(hash.failure.on_error == OnError::kRoute);
    CHECK(hash.failure.retry.max == 4);
    CHECK(hash.failure.retry.on ==
          std::vector<RetryOn>{{FailureCause::kTimeout, std::nullopt}, {FailureCause::kExit, 75}});
    CHECK(hash.failure.retry.base == 2s);
    CHECK(hash.failure.retry.cap == 1500ms);
    CHECK(hash.failure.retry.factor == 1.25);
    CHECK_FALSE(hash.failure.retry.jitter);
    CHECK(hash.failure.tolerate.count == 3);
    CHECK(hash.failure.tolerate.percent == 2.5);
    CHECK(hash.failure.timeout == 90s);
    CHECK(hash.keeps_order);
    CHECK(hash.window == 10);
    // Defaults reach the kinds that can use them.
    const StageSpec& exec = graph.stages[2];
    CHECK(exec.failure.retry.max == 2);
    CHECK(exec.failure.timeout == 9s);
    CHECK(exec.failure.on_error == OnError::kContinue);
    CHECK_FALSE(exec.keeps_order);
    CHECK(graph.stages[0].failure.tolerate.count == 7);
    CHECK(graph.stages[0].failure.retry.max == 1);
    CHECK_FALSE(graph.stages[0].keeps_order);
    CHECK(graph.stages[4].failure.timeout == 9s);
    CHECK_FALSE(graph.stages[4].failure.tolerate.is_given());
    CHECK(graph.stages[5].options.text("order") == "asc");
  }
}

TEST_SUITE("jobs/duration") {
  TEST_CASE("durations as people type them") {
    CHECK(parse_duration("5") == 5s);
    CHECK(parse_duration("0.5") == 500ms);
    CHECK(parse_duration("250ms") == 250ms);
    CHECK(parse_duration("1m30s") == 90s);
    CHECK(parse_duration("1d2h3m4.5s") == std::chrono::milliseconds(93'784'500));
    CHECK(parse_duration("7us") == 7us);
    CHECK(parse_duration("7ns") == 7ns);
    CHECK(parse_duration("0") == 0s);
    CHECK(duration_of_seconds(1.5) == 1500ms);
    CHECK(duration_of_seconds(1e-9) == 1ns);
    CHECK(duration_of_seconds(static_cast<double>(kLongestSeconds)) == std::chrono::hours(240'000));
    CHECK_FALSE(duration_of_seconds(-1).has_value());
    CHECK_FALSE(duration_of_seconds(1e18).has_value());
    for (const char* wrong : {"", "s", "1 s", "-1", "1e3", "1x", "1m30", "30s1m", "1s1s", ".",
                              "inf", "99999d", "1.2.3"}) {
      CAPTURE(wrong);
      CHECK_FALSE(parse_duration(wrong).has_value());
    }
  }

  TEST_CASE("durations as they are shown") {
    CHECK(duration_text(5s) == "5 s");
    CHECK(duration_text(1500ms) == "1.5 s");
    CHECK(duration_text(250ms) == "250 ms");
    CHECK(duration_text(90s) == "1 min 30 s");
    CHECK(duration_text(7200s) == "2 h");
    CHECK(duration_text(5us) == "5 us");
  }
}

}  // namespace gorun::jobs::failure_keys_test
