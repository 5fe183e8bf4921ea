// The kind "sort": all items in the order of their texts or of a field.
//
// One worker takes all of its input, in runs on the disk if it is larger than "memory" allows
// (jobs/sort/sorted_runs.h), and then sends it. Equal keys keep the order in which they came.
//
// Items are copied to records some thousand at a time, by goroutines that do so while more come
// (jobs/sort/record_writers.h). Until then the blocks in which they lie stay, which may be much
// more than the items are: part of the memory is for them.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "jobs/memory_shares.h"
#include "jobs/sort/gathered_batches.h"
#include "jobs/sort/record_writers.h"
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
// What a group of them keeps, at most or as soon as it has a batch.
constexpr std::size_t kKeptOfGroup = std::size_t{512} << 10;
// One who gives cannot keep more of them busy.
constexpr std::size_t kMostWriters = 8;

class Sort final : public Operator {
 public:
  Sort(const StageSpec& spec, Context& context)
      : Sort(spec.options, kept_bytes(spec).value_or(kSortMemory), context) {}
  Sort(const StageOptions& options, std::int64_t memory, Context& context)
      : context_(context),
        most_kept_(std::min(static_cast<std::size_t>(memory) / 8, kMostKept)),
        kept_of_group_(std::min(most_kept_ / 4, kKeptOfGroup)),
        runs_(order_of(options),
              SortedRuns::limits_for(static_cast<std::size_t>(memory) - most_kept_),
              options.text("spill"), [&context] { return context.is_cancelled(); }) {
    if (options.has("by")) by_ = options.text("by");
    if (options.has("n")) most_ = options.integer("n");
  }

  Flow process(Batch&& batch, Out& /*out*/) override {
    if (by_ && drop_keyless(batch) == Flow::kStop) return Flow::kStop;
    for (const Item& item : std::as_const(batch).items()) {
      const std::size_t size = record_size(item);
      if (size == 0) return fail(runs_.too_large());
      group_bytes_ += size;
    }
    group_items_ += batch.size();
    group_.kept_bytes += kept_.keep_all(batch);
    group_.batches.push_back(std::move(batch));
    const bool is_enough =
        group_bytes_ >= runs_.group_bytes() || group_.kept_bytes >= kept_of_group_;
    return is_enough ? give_group() : Flow::kMore;
  }

  void finish(Out& out) override {
    if (give_group() == Flow::kStop) return;
    writers_.reset();  // all is written
    if (context_.is_cancelled()) return;
    if (const auto entries = runs_.sort_in_memory()) return send_all(*entries, out);
    std::int64_t sent = 0;
    const auto wrong = runs_.for_each([&](const char* record) {
      return sent++ == most_ ? Flow::kStop : emit_record(record, out);
    });
    if (wrong) static_cast<void>(fail(*wrong));
  }

 private:
  Flow drop_keyless(Batch& batch) {
    std::size_t left = 0;
    for (const Item& item : batch.items()) {
      if (item.find(*by_) != nullptr) {
        batch.items()[left++] = item;
        continue;
      }
      const Failure failure{FailureKind::kWork, "the item has no field \"" + *by_ + "\"", {}};
      if (context_.fail_item(item, failure) == Flow::kStop) return Flow::kStop;
    }
    batch.truncate(left);
    return Flow::kMore;
  }
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

  void write(const RecordGroup& group) const {
    char* to = group.place.records;
    auto entry = group.place.entries.begin();
    for (const Batch& batch : group.batches) {
      for (const Item& item : batch.items()) {
        const std::string_view key = by_ ? item.find(*by_)->value : item.text;
        const std::size_t size = record_size(item);
        write_record(item, key, size, to);
        *entry++ = {runs_.prefix(key), to};
        to += size;
      }
    }
  }

  Flow give_group() {
    if (group_.batches.empty()) return Flow::kMore;
    if (!writers_) {
      writers_.emplace(std::min(static_cast<std::size_t>(context_.procs()), kMostWriters),
                       most_kept_ - kept_of_group_,
                       [this](const RecordGroup& group) { write(group); });
    }
    if (!runs_.can_reserve(group_items_)) writers_->wait();
    group_.place = runs_.reserve(group_bytes_, group_items_);
    writers_->give(std::exchange(group_, {}));
    kept_.clear();
    group_bytes_ = group_items_ = 0;
    if (!runs_.is_full()) return Flow::kMore;
    writers_->wait();
    const auto wrong = runs_.spill();
    return wrong ? fail(*wrong) : Flow::kMore;
  }

  Context& context_;
  std::optional<std::string> by_;  // nothing: the text
  std::int64_t most_ = std::numeric_limits<std::int64_t>::max();
  const std::size_t most_kept_;      // by the groups
  const std::size_t kept_of_group_;  // by group_, until it is given
  SortedRuns runs_;
  RecordGroup group_;            // not given yet
  std::size_t group_bytes_ = 0;  // of its records
  std::size_t group_items_ = 0;
  Batch kept_;  // the blocks that its items lie in
  std::optional<RecordWriters> writers_;
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
