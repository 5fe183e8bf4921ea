#include "jobs/mapreduce/reducers.h"

#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/exec/command_runner.h"
#include "jobs/goroutines.h"
#include "jobs/interrupt.h"
#include "jobs/kinds.h"
#include "jobs/mapreduce/reducer_lines.h"
#include "jobs/mapreduce/turn_out.h"
#include "jobs/memory_shares.h"
#include "jobs/sort/sorted_runs.h"
#include "runtime/runtime.h"

namespace gorun::jobs {
namespace {

constexpr std::int64_t kReducerMemory = std::int64_t{256} << 20;
// What a shard can sort in at all.
constexpr std::size_t kLeastShardMemory = std::size_t{4} << 10;

struct LinesParcel final : Parcel {
  explicit LinesParcel(Batch&& dealt) : lines(std::move(dealt)) {}
  Batch lines;
};

class Dealer final : public Operator {
 public:
  explicit Dealer(Context& context) : context_(context), hands_(context.shard_count()) {}

  Flow process(Batch&& batch, Out& /*out*/) override {
    if (hands_.size() == 1) return deal(0, std::move(batch));
    for (const Item& line : batch.items()) hands_[shard_of(key_of_line(line))].push_back(line);
    for (std::size_t shard = 0; shard < hands_.size(); ++shard) {
      if (hands_[shard].empty()) continue;
      if (deal(shard, batch.pick(hands_[shard])) == Flow::kStop) return Flow::kStop;
      hands_[shard].clear();
    }
    return Flow::kMore;
  }

 private:
  [[nodiscard]] std::size_t shard_of(std::string_view key) const {
    return XXH3_64bits(key.data(), key.size()) % hands_.size();
  }
  Flow deal(std::size_t shard, Batch&& lines) {
    return context_.hand_over(shard, std::make_unique<LinesParcel>(std::move(lines)));
  }

  Context& context_;
  std::vector<std::vector<Item>> hands_;  // by shard, of the batch at hand
};

// The lines of one shard.
class ShardLines {
 public:
  /// context  of whoever deals the lines; outlives it.
  ShardLines(std::size_t memory_bytes, const std::string& directory, const Context& context)
      : runs_(SortOrder(SortOrder::Compare::kBytes, SortOrder::Direction::kAscending),
              SortedRuns::limits_for(memory_bytes), directory,
              [&context] { return context.is_cancelled(); }) {}

  void add(const Batch& lines) {
    for (const Item& line : lines.items()) {
      if (failure_) return;
      failure_ = runs_.add({.text = line.text}, key_of_line(line));  // which is a part of it
    }
  }
  [[nodiscard]] const std::optional<SystemError>& failure() const { return failure_; }

  // As Feeding::PutAll; why it cannot is told by failure() and unreadable_fd().
  bool put_all(ItemFeed& feed) {
    Batch batch;
    std::size_t bytes = 0;
    bool takes_more = true;
    failure_ = runs_.for_each([&](RecordRef record) {
      push_record(record, batch);
      bytes += size_of_record(record);
      if (bytes < kBatchBytes) return Flow::kMore;
      bytes = 0;
      takes_more = feed.put(std::exchange(batch, {}));
      return takes_more ? Flow::kMore : Flow::kStop;
    });
    return !failure_ && takes_more && feed.put(std::move(batch));
  }
  void give_up() { unreadable_.raise(); }
  [[nodiscard]] int unreadable_fd() const { return unreadable_.fd(); }

 private:
  SortedRuns runs_;
  std::optional<SystemError> failure_;
  Interrupt unreadable_;
};

class SortLines final : public Merger {
 public:
  explicit SortLines(ShardLines& lines) : lines_(lines) {}
  void take(ParcelPtr parcel) override { lines_.add(static_cast<LinesParcel&>(*parcel).lines); }

 private:
  ShardLines& lines_;
};

// The exec that a reducer is.
StageSpec command_of(const StageSpec& reduce) {
  StageSpec command = reduce;
  command.kind = find_kind("exec");
  command.options = default_options(*command.kind);
  command.options.copy_from(reduce.options);
  command.options.set("stdin", std::string("items"));
  command.options.set("stdout", std::string("items"));
  return command;
}

class ReducersStage final : public Stage {
 public:
  explicit ReducersStage(const StageSpec& spec)
      : command_(command_of(spec)),
        shard_count_(static_cast<std::size_t>(spec.options.integer("shards"))),
        directory_(spec.options.text("spill")) {
    const auto memory = static_cast<std::size_t>(kept_bytes(spec).value_or(kReducerMemory));
    // Some of it for what is printed before its turn, where there are turns.
    kept_output_ = shard_count_ == 1 ? 0 : memory / 8 / shard_count_;
    shard_memory_ = std::max(memory / shard_count_ - kept_output_, kLeastShardMemory);
  }

  // Does not share a goroutine with what comes before it: that may be a source, which is cut off
  // where a command is let come to its end.
  [[nodiscard]] StageTraits traits() const override {
    return {.begins_operations = true, .shards = static_cast<int>(shard_count_)};
  }
  // Comes before the mergers.
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    dealer_context_ = &context;
    return std::make_unique<Dealer>(context);
  }
  [[nodiscard]] std::unique_ptr<Merger> make_merger(const ShardPlace& /*place*/) override {
    shards_.push_back(std::make_unique<ShardLines>(shard_memory_, directory_, *dealer_context_));
    return std::make_unique<SortLines>(*shards_.back());
  }

  void conclude(Context& context, Out& out) override {
    if (context.input_state() == InputState::kCutShort) return;
    if (context.is_draining()) return context.leave_undone();
    for (const auto& shard : shards_) {
      if (shard->failure()) return fail(*shard->failure(), context);
    }
    run_commands(context, out);
    shards_.clear();
  }

 private:
  void run_commands(Context& context, Out& out) {
    ExecShared shared{.spec = command_};
    std::vector<std::unique_ptr<CommandRunner>> runners;
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      runners.push_back(std::make_unique<CommandRunner>(shared, context));
    }
    if (shards_.size() == 1) return run_command(0, *runners.front(), context, out);
    std::vector<TurnOut::Turn> turns(shards_.size() + 1);  // one before the first
    for (TurnOut::Turn& turn : turns) turn = TurnOut::Turn(0);
    turns.front().close();
    on_goroutines(shards_.size(), [&](std::size_t shard) {
      runtime::set_label(command_.name);
      TurnOut turn(out, turns[shard], turns[shard + 1], kept_output_);
      run_command(shard, *runners[shard], context, turn);
      static_cast<void>(turn.finish());
    });
  }

  // Of what has been stopped nothing is said.
  static void fail(const SystemError& error, Context& context) {
    if (error.error_number == ECANCELED) return;
    static_cast<void>(context.fail(failure_of(error)));
  }

  void run_command(std::size_t shard, CommandRunner& runner, Context& context, Out& out) {
    ShardLines& lines = *shards_[shard];
    const auto put_all = [&lines, &context](ItemFeed& feed) {
      const bool all = lines.put_all(feed);
      if (!lines.failure()) return all;
      fail(*lines.failure(), context);
      lines.give_up();
      return false;
    };
    static_cast<void>(runner.run_reducer(put_all, lines.unreadable_fd(), out));
  }

  const StageSpec command_;
  const std::size_t shard_count_;
  const std::string directory_;
  std::size_t shard_memory_ = 0;
  std::size_t kept_output_ = 0;  // bytes, of a shard
  const Context* dealer_context_ = nullptr;
  std::vector<std::unique_ptr<ShardLines>> shards_;  // each its merger's, then its command's
};

}  // namespace

std::unique_ptr<Stage> make_reducers(const StageSpec& spec) {
  return std::make_unique<ReducersStage>(spec);
}

}  // namespace gorun::jobs
