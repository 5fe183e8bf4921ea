// The kind "take": the first n items, and then the stages before it end.
#include <algorithm>
#include <cstdint>

#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

class Take final : public Operator {
 public:
  explicit Take(std::uint64_t count) : left_(count) {}

  Flow process(Batch&& batch, Out& out) override {
    if (batch.size() > left_) batch.truncate(static_cast<std::size_t>(left_));
    left_ -= batch.size();
    const Flow flow = out.send(std::move(batch));
    return left_ == 0 ? Flow::kStop : flow;
  }

 private:
  std::uint64_t left_;
};

class TakeStage final : public Stage {
 public:
  explicit TakeStage(const StageSpec& spec)
      : count_(static_cast<std::uint64_t>(spec.options.integer("n"))) {}
  [[nodiscard]] StageTraits traits() const override { return {.fuses = true}; }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& /*context*/) override {
    return std::make_unique<Take>(count_);
  }

 private:
  const std::uint64_t count_;
};

}  // namespace

StageRow make_take(const StageSpec& spec) { return row_of(std::make_unique<TakeStage>(spec)); }

}  // namespace gorun::jobs
