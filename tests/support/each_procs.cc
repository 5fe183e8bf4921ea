// tests/support/each_procs.cc - RunResult in words.

#include "tests/support/each_procs.h"

namespace gorun::tests {

namespace {

const char* to_string(runtime::RunResult::Outcome outcome) {
  switch (outcome) {
    case runtime::RunResult::Outcome::kFinished:
      return "finished";
    case runtime::RunResult::Outcome::kLeaked:
      return "leaked";
    case runtime::RunResult::Outcome::kDeadlocked:
      return "deadlocked";
  }
  return "unknown outcome";
}

}  // namespace

std::string describe(const runtime::RunResult& result) {
  std::string text = to_string(result.outcome);
  for (const runtime::GoroutineInfo& g : result.stuck) {
    text += "\n  goroutine " + std::to_string(g.id) + " \"" + g.label + "\" " +
            runtime::to_string(g.reason) + " spawned at " + g.spawned.file_name() + ":" +
            std::to_string(g.spawned.line());
  }
  return text;
}

}  // namespace gorun::tests
