// tests/jobs/stages/sort_test.cc - what a sort keeps of the memory in which its items come.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jobs/stage.h"
#include "jobs/stage_kinds.h"
#include "tests/jobs/run_job.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::sort_test {

namespace {

using namespace gorun::jobs;
using gorun::test::failures_of;

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
constexpr std::size_t kBlocks = 128;

// Emits an item at the beginning of each of many large blocks, and counts how many of these are
// alive at most.
class LargeBlocks final : public Producer {
 public:
  LargeBlocks(std::size_t item_bytes, std::size_t* most_alive)
      : item_bytes_(item_bytes), most_alive_(*most_alive) {}
  void run(Out& out) override {
    std::vector<BlockRef> blocks;
    for (std::size_t i = 0; i < kBlocks; ++i) {
      blocks.push_back(Block::make(kBlockBytes));
      char* text = blocks.back()->data();
      text[0] = static_cast<char>('a' + i % 26);
      text[1] = static_cast<char>('a' + i / 26 % 26);
      std::fill(text + 2, text + item_bytes_, 'x');
      blocks.back()->set_used(item_bytes_);
      out.batch().keep(blocks.back());
      static_cast<void>(out.emit({.text = {text, item_bytes_}}));
      if (out.flush() == Flow::kStop) return;
      const auto alive = static_cast<std::size_t>(
          std::ranges::count_if(blocks, [](const BlockRef& block) { return !block->is_unique(); }));
      most_alive_ = std::max(most_alive_, alive);
    }
  }

 private:
  const std::size_t item_bytes_;
  std::size_t& most_alive_;
};

class LargeBlocksStage final : public Stage {
 public:
  LargeBlocksStage(std::size_t item_bytes, std::size_t* most_alive)
      : item_bytes_(item_bytes), most_alive_(most_alive) {}
  [[nodiscard]] StageTraits traits() const override { return {}; }
  [[nodiscard]] bool is_source() const override { return true; }
  [[nodiscard]] std::unique_ptr<Producer> make_producer(Context& /*context*/) override {
    return std::make_unique<LargeBlocks>(item_bytes_, most_alive_);
  }

 private:
  const std::size_t item_bytes_;
  std::size_t* const most_alive_;
};

// Emits numbers, padded, with keys of which there are few.
class KeyedNumbers final : public Producer {
 public:
  static constexpr std::size_t kCount = 60'000;
  static constexpr std::size_t kTextBytes = 1200;
  static std::string key(std::size_t number) { return std::to_string(number * 7919 % 1009); }

  void run(Out& out) override {
    for (std::size_t i = 0; i < kCount; ++i) {
      std::string text = std::to_string(i);
      text.resize(kTextBytes, ' ');
      const std::string its_key = key(i);
      const Field field{"key", its_key};
      const Item item{.text = text, .fields = &field, .field_count = 1};
      if (out.emit(out.batch().copy(item)) == Flow::kStop) return;
    }
  }
};

class KeyedNumbersStage final : public Stage {
 public:
  [[nodiscard]] StageTraits traits() const override { return {}; }
  [[nodiscard]] bool is_source() const override { return true; }
  [[nodiscard]] std::unique_ptr<Producer> make_producer(Context& /*context*/) override {
    return std::make_unique<KeyedNumbers>();
  }
};

}  // namespace

TEST_SUITE_BEGIN("jobs/stages/sort");

TEST_CASE("blocks of items that wait to be sorted take no more than a part of its memory") {
  for (const char* by : {"", R"("by": "missing", "tolerate": 1000, )"}) {
    for (const auto& given : std::vector<std::pair<int, std::size_t>>{
             {1, 2}, {2, 2}, {8, 2}, {1, 100'000}, {2, 100'000}, {8, 100'000}}) {
      const int procs = given.first;
      const std::size_t item_bytes = given.second;  // no binding: it is captured
      CAPTURE(by);
      CAPTURE(procs);
      CAPTURE(item_bytes);
      const Source source("job.json", std::string(R"({"gorun": 1, "stages": {
          "source": {"kind": "range", "to": 1},
          "sort": {"kind": "sort", )") + by +
                                          R"("memory": "64MiB",
              "from": {"stage": "source", "buffer": 1}},
          "out": {"kind": "write", "from": "sort", "path": "/dev/null"}}})");
      const Result<Graph> graph = load_job(source);
      REQUIRE_MESSAGE(graph.ok(), (graph.ok() ? "" : render(source, graph.errors())));
      std::size_t most_alive = 0;
      const Outcome outcome = execute(graph.value(), {.procs = procs}, [&](const StageSpec& spec) {
        if (spec.name != "source") return make_stages(spec);
        StageRow row;
        row.push_back(std::make_unique<LargeBlocksStage>(item_bytes, &most_alive));
        return row;
      });
      CHECK(outcome.state == RunState::kSucceeded);
      CHECK(failures_of(outcome).empty());
      // An eighth of the memory, and what is on its way.
      CHECK(most_alive <= (std::size_t{64} << 20) / 8 / kBlockBytes + 8);
    }
  }
}

TEST_CASE("items that several goroutines write down come in order, equal ones as they came") {
  for (const char* memory : {"64MiB", "1GiB"}) {  // of the first some goes to the disk
    for (const int procs : {1, 2, 8}) {
      CAPTURE(memory);
      CAPTURE(procs);
      const ScratchDir dir;
      const Source source("job.json", std::string(R"({"gorun": 1, "stages": {
          "source": {"kind": "range", "to": 1},
          "sort": {"kind": "sort", "by": "key", "from": "source", "memory": ")") +
                                          memory + R"("},
          "out": {"kind": "write", "from": "sort", "path": ")" +
                                          dir.path() + R"(/out"}}})");
      const Result<Graph> graph = load_job(source);
      REQUIRE_MESSAGE(graph.ok(), (graph.ok() ? "" : render(source, graph.errors())));
      const Outcome outcome = execute(graph.value(), {.procs = procs}, [](const StageSpec& spec) {
        if (spec.name != "source") return make_stages(spec);
        StageRow row;
        row.push_back(std::make_unique<KeyedNumbersStage>());
        return row;
      });
      CHECK(outcome.state == RunState::kSucceeded);
      std::ifstream out(dir.path() + "/out");
      std::size_t count = 0;
      std::size_t wrong = 0;
      std::size_t last = 0;
      for (std::string line; std::getline(out, line); ++count) {
        const std::size_t number = std::stoul(line);
        const auto place = [](std::size_t of) { return std::pair(KeyedNumbers::key(of), of); };
        wrong += static_cast<std::size_t>(count > 0 && place(last) >= place(number));
        wrong += static_cast<std::size_t>(line.size() != KeyedNumbers::kTextBytes);
        last = number;
      }
      CHECK(count == KeyedNumbers::kCount);
      CHECK(wrong == 0);
    }
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::sort_test
