// The kind "exec": runs a command, once or for each item, or feeds one many items.
//
// A worker has one child at a time (exec/command_runner.h). This file says how items come to it:
// one by one, in groups (exec/item_group.h), or all of them by its standard input.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "jobs/exec/command_runner.h"
#include "jobs/exec/item_feed.h"
#include "jobs/exec/item_group.h"
#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

// Commands' worth of items that wait for a worker: each may be long.
constexpr std::int64_t kWaitingGroups = 16;

class ExecOnce final : public Producer {
 public:
  ExecOnce(ExecShared& shared, Context& context) : runner_(shared, context) {}
  void run(Out& out) override { static_cast<void>(runner_.run({}, Batch{}, out)); }

 private:
  CommandRunner runner_;
};

class ExecEach final : public Operator {
 public:
  ExecEach(ExecShared& shared, Context& context) : runner_(shared, context) {}
  Flow process(Batch&& batch, Out& out) override {
    for (const Item& item : batch.items()) {
      if (runner_.run({&item, 1}, batch, out) == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

 private:
  CommandRunner runner_;
};

// Several items to a command.
class ExecGroups final : public Operator {
 public:
  ExecGroups(ExecShared& shared, Context& context) : context_(context), runner_(shared, context) {}
  Flow process(Batch&& batch, Out& out) override {
    // An item that comes back has a command to itself.
    if (context_.attempt() > 1) return runner_.run(batch.items(), batch, out);
    for (const Item& group : batch.items()) {
      if (runner_.run(items_of(group), batch, out) == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

 private:
  Context& context_;
  CommandRunner runner_;
};

// All items to one command's standard input, whose batches it takes by itself.
class ExecFed final : public Operator {
 public:
  ExecFed(ExecShared& shared, Context& context)
      : shared_(shared), context_(context), runner_(shared, context) {}
  Flow process(Batch&& batch, Out& out) override {
    has_begun_ = true;
    return runner_.run_fed(std::move(batch), out);
  }
  void finish(Out& out) override {
    // As in a pipe of a shell, no item is an input, too; but not if it was cut off, or ended
    // because another worker's command has made enough.
    if (has_begun_ || context_.input_state() == InputState::kCutShort) return;
    if (shared_.has_made_enough.load(std::memory_order_relaxed)) return;
    static_cast<void>(runner_.run_fed(std::nullopt, out));
  }

 private:
  ExecShared& shared_;
  Context& context_;
  CommandRunner runner_;
  bool has_begun_ = false;
};

bool is_fed(const StageSpec& spec) { return spec.options.text("stdin") == "items"; }

class ExecStage final : public Stage {
 public:
  explicit ExecStage(const StageSpec& spec) : shared_{.spec = spec} {}
  [[nodiscard]] bool is_source() const override { return shared_.spec.inputs.empty(); }
  [[nodiscard]] StageTraits traits() const override {
    if (is_fed(shared_.spec)) {
      return {.workers = shared_.spec.workers, .begins_operations = true, .takes_by_itself = true};
    }
    return {.workers = is_source() ? 1 : shared_.spec.workers,
            .batch_items = 1,
            .inner_buffer = kWaitingGroups,
            .begins_operations = true,
            .runs_commands = true,
            .shares_jobs = shared_.spec.options.flag("jobserver")};
  }
  [[nodiscard]] std::unique_ptr<Producer> make_producer(Context& context) override {
    return std::make_unique<ExecOnce>(shared_, context);
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    if (is_fed(shared_.spec)) return std::make_unique<ExecFed>(shared_, context);
    if (shared_.spec.options.integer("batch") > 1) {
      return std::make_unique<ExecGroups>(shared_, context);
    }
    return std::make_unique<ExecEach>(shared_, context);
  }

 private:
  ExecShared shared_;
};

}  // namespace

StageRow make_exec(const StageSpec& spec) {
  if (is_fed(spec)) {
    return row_of(make_delimiter_check(spec.options.text("stdin_delimiter").front()),
                  std::make_unique<ExecStage>(spec));
  }
  const auto items = static_cast<std::size_t>(spec.options.integer("batch"));
  if (items <= 1) return row_of(std::make_unique<ExecStage>(spec));
  return row_of(make_gathering_stage(items, spec.options), std::make_unique<ExecStage>(spec));
}

}  // namespace gorun::jobs
