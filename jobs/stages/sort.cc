// The kind "sort": all items in the order of their texts or of a field.
//
// One worker takes all of its input, in runs on the disk if it is larger than "memory" allows
// (jobs/sort/sorted_runs.h), and then sends it. Equal keys keep the order in which they came.
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "jobs/memory_shares.h"
#include "jobs/sort/sorted_runs.h"
#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

SortOrder order_of(const StageOptions& options) {
  return SortOrder(
      options.flag("numeric") ? SortOrder::Compare::kNumbers : SortOrder::Compare::kBytes,
      options.text("order") == "desc" ? SortOrder::Direction::kDescending
                                      : SortOrder::Direction::kAscending);
}

// Where nobody says: enough for some million items.
constexpr std::int64_t kSortMemory = std::int64_t{256} << 20;

class Sort final : public Operator {
 public:
  Sort(const StageSpec& spec, Context& context)
      : Sort(spec.options, kept_bytes(spec).value_or(kSortMemory), context) {}
  Sort(const StageOptions& options, std::int64_t memory, Context& context)
      : context_(context),
        runs_(order_of(options), SortedRuns::limits_for(static_cast<std::size_t>(memory)),
              options.text("spill")) {
    if (options.has("by")) by_ = options.text("by");
    if (options.has("n")) most_ = options.integer("n");
  }

  Flow process(Batch&& batch, Out& /*out*/) override {
    for (const Item& item : batch.items()) {
      const Field* field = by_ ? item.find(*by_) : nullptr;
      if (by_ && field == nullptr) {
        const Failure failure{FailureKind::kWork, "the item has no field \"" + *by_ + "\"", {}};
        if (context_.fail_item(item, failure) == Flow::kStop) return Flow::kStop;
        continue;
      }
      if (const auto wrong = runs_.add(item, by_ ? field->value : item.text)) return fail(*wrong);
    }
    return Flow::kMore;
  }

  void finish(Out& out) override {
    std::int64_t sent = 0;
    const auto wrong = runs_.for_each([&](const char* record) {
      if (sent++ == most_ || context_.is_cancelled()) return Flow::kStop;
      return emit_record(record, out);
    });
    if (wrong) static_cast<void>(fail(*wrong));
  }

 private:
  Flow fail(const SystemError& error) { return context_.fail(failure_of(error)); }

  Context& context_;
  std::optional<std::string> by_;  // nothing: the text
  std::int64_t most_ = std::numeric_limits<std::int64_t>::max();
  SortedRuns runs_;
};

class SortStage final : public Stage {
 public:
  explicit SortStage(const StageSpec& spec) : spec_(spec) {}
  [[nodiscard]] StageTraits traits() const override { return {}; }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<Sort>(spec_, context);
  }

 private:
  const StageSpec& spec_;
};

}  // namespace

StageRow make_sort(const StageSpec& spec) { return row_of(std::make_unique<SortStage>(spec)); }

}  // namespace gorun::jobs
