// tests/jobs/deadlock_report_test.cc - what a run says that came to a standstill, word for word.
//
// check refuses every job that could (jobs/validate.h); here a "needs" is added to the graph after
// that, which also proves that what is refused does stall.

#include "jobs/deadlock_report.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "jobs/executor.h"
#include "jobs/load.h"
#include "tests/jobs/run_job.h"
#include "tests/support/scale.h"

namespace gorun::jobs::deadlock_report_test {

namespace {

std::size_t index_of(const Graph& graph, std::string_view name) {
  for (std::size_t s = 0; s < graph.stages.size(); ++s) {
    if (graph.stages[s].name == name) return s;
  }
  throw std::out_of_range("no such stage");
}

std::string job_of(const std::string& stages) {
  return R"({"gorun": 1, "defaults": {"buffer": 1}, "stages": {)" + stages + "}}";
}

// The job with one more "needs".
Outcome run_with_need(const std::string& stages, std::string_view who, std::string_view needed,
                      int procs) {
  const Source source("job.json", job_of(stages));
  Result<Graph> loaded = load_job(source);
  REQUIRE_MESSAGE(loaded.ok(), (loaded.ok() ? "" : render(source, loaded.errors())));
  Graph graph = std::move(loaded).value();
  graph.stages[index_of(graph, who)].needs.push_back(index_of(graph, needed));
  return execute(graph, {.procs = procs});
}

// The same job file with that "needs" in it, which check refuses.
std::string refusal(const std::string& stages, const std::string& who, const std::string& needed) {
  std::string text = job_of(stages);
  const std::string key = "\"" + who + "\": {";
  const std::size_t at = text.find(key) + key.size();
  text.insert(at, "\"needs\": \"" + needed + "\", ");
  const Source source("job.json", text);
  const Result<Graph> graph = load_job(source);
  return graph.ok() ? "" : graph.errors().front().what;
}

struct Stall {
  const char* name;
  std::string stages;
  const char* who;
  const char* needed;
  std::vector<std::string> report;
};

const std::vector<Stall>& stalls() {
  static const std::vector<Stall> kStalls = {
      {"a branch waits for the other one",
       R"("a": {"kind": "range", "to": 1000}, "b": {"kind": "write", "from": "a", "path": "/dev/null"},
          "c": {"kind": "write", "from": "a", "path": "/dev/null"})",
       "c",
       "b",
       {"stage \"a\" finds no room in front of \"c\", where it sends by the port \"out\": 1 of 1 "
        "batches",
        "stage \"b\" has no items: it reads from \"a\"",
        "stage \"c\" has not started: it needs \"b\""}},
      {"the branches of a route",
       R"("a": {"kind": "range", "to": 1000},
          "r": {"kind": "route", "from": "a", "workers": 3, "to": {"low": {"item": {"<": 1000}}}},
          "b": {"kind": "write", "from": "r", "path": "/dev/null"},
          "c": {"kind": "write", "from": "r.low", "path": "/dev/null"})",
       "c",
       "b",
       {"stage \"a\" finds no room in front of \"r\", where it sends by the port \"out\": 1 of 1 "
        "batches",
        "stage \"r\" (3 goroutines) finds no room in front of \"c\", where it sends by the port "
        "\"low\": 1 of 1 batches",
        "stage \"b\" has no items: it reads from \"r\"",
        "stage \"c\" has not started: it needs \"b\""}},
      {"a chain of stages in one goroutine",
       R"("a": {"kind": "range", "to": 1000}, "m": {"kind": "map", "from": "a", "text": "x"},
          "f": {"kind": "filter", "from": "m", "match": "x"},
          "b": {"kind": "write", "from": "f", "path": "/dev/null"},
          "c": {"kind": "write", "from": "f", "path": "/dev/null"})",
       "c",
       "b",
       {"stage \"f\" finds no room in front of \"c\", where it sends by the port \"out\": 1 of 1 "
        "batches",
        "stage \"b\" has no items: it reads from \"f\"",
        "stage \"c\" has not started: it needs \"b\""}},
      {"a diamond",
       R"("a": {"kind": "range", "to": 1000},
          "l": {"kind": "map", "from": "a", "text": "x"}, "r": {"kind": "map", "from": "a", "text": "y"},
          "s": {"kind": "sort", "from": "l"},
          "c": {"kind": "merge", "from": ["r", "s"]}, "w": {"kind": "write", "from": "c", "path": "/dev/null"})",
       "c",
       "l",
       {"stage \"a\" finds no room in front of \"r\", where it sends by the port \"out\": 1 of 1 "
        "batches",
        "stage \"l\" has no items: it reads from \"a\"",
        "stage \"r\" finds no room in front of \"c\", where it sends by the port \"out\": 1 of 1 "
        "batches",
        "stage \"s\" has no items: it reads from \"l\"",
        "stage \"c\" has not started: it needs \"l\"",
        "stage \"w\" has no items: it reads from \"c\""}},
  };
  return kStalls;
}

}  // namespace

TEST_SUITE("jobs/deadlock_report") {
  TEST_CASE("a standstill names stages, ports, fill, and who waits for whom") {
    if (gorun::test::kUnderAsan) {
      MESSAGE("skipped: what goroutines hold that stand still for good counts as lost");
      return;
    }
    for (const Stall& stall : stalls()) {
      CAPTURE(stall.name);
      for (const int procs : {1, 2, 8}) {
        CAPTURE(procs);
        const Outcome outcome = run_with_need(stall.stages, stall.who, stall.needed, procs);
        CHECK(outcome.state == RunState::kDeadlocked);
        CHECK(outcome.stuck == stall.report);
      }
    }
  }

  TEST_CASE("what stalls is refused by check") {
    for (const Stall& stall : stalls()) {
      CAPTURE(stall.name);
      CHECK(refusal(stall.stages, stall.who, stall.needed) ==
            "stage \"" + std::string(stall.who) + "\" needs \"" + stall.needed +
                "\", which cannot complete before it starts");
    }
  }

  TEST_CASE("a stage that gathers in front is the way out, also where it shares a goroutine") {
    // The reduce runs in the goroutine of the range, which is done when its items are; what the
    // reduce sends waits for that.
    for (const std::string gathers :
         {R"("kind": "reduce")", R"("kind": "top", "n": 1000, "by": "item")",
          R"("kind": "sort")"}) {
      for (const int procs : {1, 2, 8}) {
        CAPTURE(gathers);
        CAPTURE(procs);
        const std::string stages =
            R"("a": {"kind": "range", "to": 1000},
               "m": {"kind": "map", "from": "a", "fields": {"item": "${{ item }}"}},
               "g": {"from": "m", )" +
            gathers + R"(},
               "c": {"kind": "write", "from": "g", "needs": "a", "path": "/dev/null"})";
        CHECK(test::run_job(job_of(stages), procs).state == RunState::kSucceeded);
      }
    }
  }
}

}  // namespace gorun::jobs::deadlock_report_test
