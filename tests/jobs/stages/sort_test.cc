// tests/jobs/stages/sort_test.cc - what a sort keeps of the memory in which its items come.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "jobs/stage.h"
#include "jobs/stage_kinds.h"
#include "tests/jobs/run_job.h"

namespace gorun::test::sort_test {

namespace {

using namespace gorun::jobs;
using gorun::test::failures_of;

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
constexpr std::size_t kBlocks = 64;

// Emits an item of two bytes in each of many large blocks, and counts how many of these are alive
// at most.
class LargeBlocks final : public Producer {
 public:
  explicit LargeBlocks(std::size_t* most_alive) : most_alive_(*most_alive) {}
  void run(Out& out) override {
    std::vector<BlockRef> blocks;
    for (std::size_t i = 0; i < kBlocks; ++i) {
      blocks.push_back(Block::make(kBlockBytes));
      char* text = blocks.back()->data();
      text[0] = static_cast<char>('a' + i % 26);
      text[1] = static_cast<char>('a' + i / 26);
      blocks.back()->set_used(2);
      out.batch().keep(blocks.back());
      static_cast<void>(out.emit({.text = {text, 2}}));
      if (out.flush() == Flow::kStop) return;
      const auto alive = static_cast<std::size_t>(
          std::ranges::count_if(blocks, [](const BlockRef& block) { return !block->is_unique(); }));
      most_alive_ = std::max(most_alive_, alive);
    }
  }

 private:
  std::size_t& most_alive_;
};

class LargeBlocksStage final : public Stage {
 public:
  explicit LargeBlocksStage(std::size_t* most_alive) : most_alive_(most_alive) {}
  [[nodiscard]] StageTraits traits() const override { return {}; }
  [[nodiscard]] bool is_source() const override { return true; }
  [[nodiscard]] std::unique_ptr<Producer> make_producer(Context& /*context*/) override {
    return std::make_unique<LargeBlocks>(most_alive_);
  }

 private:
  std::size_t* const most_alive_;
};

}  // namespace

TEST_SUITE_BEGIN("jobs/stages/sort");

TEST_CASE("blocks of items that wait to be sorted take no more than a part of its memory") {
  for (const char* by : {"", R"("by": "missing", "tolerate": 1000, )"}) {
    for (const int procs : {1, 2, 8}) {
      CAPTURE(by);
      CAPTURE(procs);
      const Source source("job.json", std::string(R"({"gorun": 1, "stages": {
          "source": {"kind": "range", "to": 1},
          "sort": {"kind": "sort", )") + by +
                                          R"("memory": "32MiB",
              "from": {"stage": "source", "buffer": 1}},
          "out": {"kind": "write", "from": "sort", "path": "/dev/null"}}})");
      const Result<Graph> graph = load_job(source);
      REQUIRE_MESSAGE(graph.ok(), (graph.ok() ? "" : render(source, graph.errors())));
      std::size_t most_alive = 0;
      const Outcome outcome =
          execute(graph.value(), {.procs = procs}, [&most_alive](const StageSpec& spec) {
            if (spec.name != "source") return make_stages(spec);
            StageRow row;
            row.push_back(std::make_unique<LargeBlocksStage>(&most_alive));
            return row;
          });
      CHECK(outcome.state == RunState::kSucceeded);
      CHECK(failures_of(outcome).empty());
      // An eighth of the memory, and what is on its way.
      CHECK(most_alive <= (std::size_t{32} << 20) / 8 / kBlockBytes + 8);
    }
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::sort_test
