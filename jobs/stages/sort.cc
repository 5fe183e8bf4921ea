// The kind "sort": all items in the order of their texts or of a field.
//
// One worker takes all of its input, in runs on the disk if it is larger than "memory" allows
// (jobs/sort/sorted_runs.h), and then sends it. Equal keys keep the order in which they came.
//
// Items are copied to records some thousand at a time, on all cores. Until then the blocks in which
// they lie stay, which may be much more than the items are: part of the memory is for them.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "jobs/memory_shares.h"
#include "jobs/sort/gathered_batches.h"
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
// Of blocks in which items lie that are no records yet, an eighth of the memory or this: so many
// keep all cores busy.
constexpr std::size_t kMostKept = std::size_t{8} << 20;

class Sort final : public Operator {
 public:
  Sort(const StageSpec& spec, Context& context)
      : Sort(spec.options, kept_bytes(spec).value_or(kSortMemory), context) {}
  Sort(const StageOptions& options, std::int64_t memory, Context& context)
      : context_(context),
        most_kept_(std::min(static_cast<std::size_t>(memory) / 8, kMostKept)),
        runs_(order_of(options),
              SortedRuns::limits_for(static_cast<std::size_t>(memory) - most_kept_),
              options.text("spill"), [&context] { return context.is_cancelled(); }) {
    if (options.has("by")) by_ = options.text("by");
    if (options.has("n")) most_ = options.integer("n");
  }

  Flow process(Batch&& batch, Out& /*out*/) override {
    kept_bytes_ += kept_.keep_all(batch);
    for (const Item& item : batch.items()) {
      const Field* field = by_ ? item.find(*by_) : nullptr;
      if (by_ && field == nullptr) {
        const Failure failure{FailureKind::kWork, "the item has no field \"" + *by_ + "\"", {}};
        if (context_.fail_item(item, failure) == Flow::kStop) return Flow::kStop;
        continue;
      }
      const SortedRuns::Keyed keyed{item, by_ ? field->value : item.text, record_size(item)};
      gathered_bytes_ += keyed.size;
      gathered_.push_back(keyed);
    }
    const bool is_enough = gathered_bytes_ >= runs_.group_bytes() || kept_bytes_ >= most_kept_;
    return is_enough ? add_gathered() : Flow::kMore;
  }

  void finish(Out& out) override {
    if (add_gathered() == Flow::kStop || context_.is_cancelled()) return;
    if (const auto entries = runs_.sort_in_memory()) return send_all(*entries, out);
    std::int64_t sent = 0;
    const auto wrong = runs_.for_each([&](const char* record) {
      return sent++ == most_ ? Flow::kStop : emit_record(record, out);
    });
    if (wrong) static_cast<void>(fail(*wrong));
  }

 private:
  Flow fail(const SystemError& error) {
    return error.error_number == ECANCELED ? Flow::kStop : context_.fail(failure_of(error));
  }

  void send_all(std::span<const SortEntry> entries, Out& out) {
    if (std::cmp_less(most_, entries.size()))
      entries = entries.first(static_cast<std::size_t>(most_));
    GatheredBatches batches(entries, context_.procs());
    while (std::optional<GatheredBatches::Next> next = batches.next()) {
      if (context_.is_cancelled() || out.send(std::move(next->batch)) == Flow::kStop) return;
      for (const SortEntry& entry : next->left_out) {
        if (emit_record(entry.record, out) == Flow::kStop) return;
      }
    }
  }

  Flow add_gathered() {
    const auto wrong = runs_.add(gathered_);
    gathered_.clear();
    kept_.clear();
    gathered_bytes_ = kept_bytes_ = 0;
    return wrong ? fail(*wrong) : Flow::kMore;
  }

  Context& context_;
  std::optional<std::string> by_;  // nothing: the text
  std::int64_t most_ = std::numeric_limits<std::int64_t>::max();
  const std::size_t most_kept_;  // of kept_bytes_
  SortedRuns runs_;
  std::vector<SortedRuns::Keyed> gathered_;  // not added yet
  std::size_t gathered_bytes_ = 0;           // of their records
  Batch kept_;                               // the blocks that they lie in
  std::size_t kept_bytes_ = 0;               // of these
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
