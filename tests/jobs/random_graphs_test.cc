// tests/jobs/random_graphs_test.cc - random job files (graph_generator.h), run by the engine and by
// a sequential interpreter of the same graph (graph_interpreter.h): every output has the same
// lines, and in the same order where the job promises one. GORUN_FUZZ_SEED and GORUN_FUZZ_COUNT
// choose others.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "jobs/executor.h"
#include "jobs/load.h"
#include "tests/jobs/graph_generator.h"
#include "tests/jobs/graph_interpreter.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::random_graphs_test {

namespace {

using namespace gorun::jobs;
using gorun::jobs::random_graphs::Generator;
using gorun::jobs::random_graphs::Interpreter;
using gorun::test::read_whole_file;
using gorun::test::ScratchDir;

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  std::istringstream text(read_whole_file(path));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> in_order(std::vector<std::string> lines) {
  std::ranges::sort(lines);
  return lines;
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_SUITE_BEGIN("jobs/random_graphs");

TEST_CASE("random graphs give what a sequential interpreter gives, at 1, 2 and 8 Ps") {
  const std::uint64_t first = number_from("GORUN_FUZZ_SEED", 20'000);
  const std::uint64_t count = number_from("GORUN_FUZZ_COUNT", gorun::test::scaled(60, 25));
  MESSAGE("seeds " << first << " to " << first + count - 1);
  std::size_t compared = 0;
  std::size_t in_their_order = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const ScratchDir dir;
    dir.write("file", "content");
    dir.write("lines", "b7 a\n\n1 22\na\nb7 a\n" + std::string(3000, 'x') + "\nlast 1");
    for (const char* name : {"data/a", "data/b1", "data/c2"})
      dir.write(name, std::string(name) + " 1");
    Generator generator(seed, dir.path());
    const std::string text = generator.job();
    CAPTURE(seed);
    CAPTURE(text);
    const Source source("job.json", text);
    const Result<Graph> graph = load_job(source);
    REQUIRE_MESSAGE(graph.ok(), (graph.ok() ? "" : render(source, graph.errors())));
    const auto expected = Interpreter(graph.value()).run();
    if (!expected) continue;
    ++compared;
    for (const int procs : {1, 2, 8}) {
      CAPTURE(procs);
      const Outcome outcome =
          execute(graph.value(), RunOptions{.procs = procs, .jitter = procs == 1 ? 0 : seed + 1});
      CHECK((outcome.state == RunState::kSucceeded || outcome.state == RunState::kFailed));
      for (const auto& [path, lines] : *expected) {
        CAPTURE(path);
        if (generator.ordered_sinks().contains(path)) {
          CHECK(lines_of(path) == lines);
          ++in_their_order;
        } else {
          CHECK(in_order(lines_of(path)) == in_order(lines));
        }
      }
    }
  }
  CHECK(compared > count / 2);
  CHECK(in_their_order > count);
}

TEST_SUITE_END();

}  // namespace gorun::test::random_graphs_test
