// The kind "merge": the items of several stages as one stream.
//
// All edges into a stage end in one inbox, and whoever waits for room there is served in the order
// in which he came: so each stage that has items gets its turn. What a turn is worth is the size of
// a batch; small ones make it fair, large ones fast.
#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

// Items of a turn: small beside what people look at, large beside the cost of passing it on.
constexpr std::size_t kTurn = 128;

class Merge final : public Operator {
  Flow process(Batch&& batch, Out& out) override { return out.send(std::move(batch)); }
};

class MergeStage final : public Stage {
 public:
  explicit MergeStage(const StageSpec& spec) : is_fair_(spec.options.text("policy") == "fair") {}
  [[nodiscard]] StageTraits traits() const override {
    return {.batch_items = is_fair_ ? kTurn : kBatchItems};
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& /*context*/) override {
    return std::make_unique<Merge>();
  }

 private:
  const bool is_fair_;
};

}  // namespace

StageRow make_merge(const StageSpec& spec) { return row_of(std::make_unique<MergeStage>(spec)); }

}  // namespace gorun::jobs
