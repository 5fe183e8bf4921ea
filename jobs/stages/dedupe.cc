// The kind "dedupe": of items that are alike, the first.
//
// Items leave as they come; what was seen is kept, exactly, in a KeyIndex: 60 bytes or so for each
// different key. When that is full (jobs/memory_shares.h), its keys go to the disk as marks, and an
// item leaves only at the end, because one like it may lie there:
//
//   items -> filter (what was seen lately) -> sorted by key, after the marks
//         -> the first of each key, unless that is a mark -> sorted by arrival -> out
//
// So the order of the items is the same, and memory is bounded. Not chosen: partitions by the hash
// of the key, each small enough to be done in memory; they would have to be put back in order as
// well, and a partition may still be too large.
#include <array>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jobs/mapreduce/key_index.h"
#include "jobs/memory_shares.h"
#include "jobs/sort/sorted_runs.h"
#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

// Where nobody says. From then on nothing leaves before the end, which who reads along will notice.
constexpr std::int64_t kDedupeMemory = std::int64_t{1} << 30;

SortOrder bytes_ascending() {
  return SortOrder(SortOrder::Compare::kBytes, SortOrder::Direction::kAscending);
}

// The keys that were let through in memory, and the items that came when it was full.
class SpilledItems {
 public:
  SpilledItems(std::size_t memory, const std::string& directory,
               const std::function<bool()>& is_stopped)
      : by_key_(bytes_ascending(), SortedRuns::limits_for(memory), directory, is_stopped),
        by_arrival_(bytes_ascending(), SortedRuns::limits_for(memory), directory, is_stopped) {}

  /// Before the first item.
  [[nodiscard]] std::optional<SystemError> mark(std::string_view key) {
    return by_key_.add(Item{.text = key}, key);
  }

  [[nodiscard]] std::optional<SystemError> add(const Item& item, std::string_view key) {
    ++arrivals_;
    std::array<char, sizeof arrivals_> number;
    for (std::size_t i = 0; i < number.size(); ++i) {
      number[i] = static_cast<char>(arrivals_ >> (8 * (number.size() - 1 - i)) & 0xffU);
    }
    fields_.assign(item.all_fields().begin(), item.all_fields().end());
    fields_.push_back({kArrival, {number.data(), number.size()}});
    Item numbered{.text = item.text};
    numbered.fields = fields_.data();
    numbered.field_count = static_cast<std::uint32_t>(fields_.size());
    return by_key_.add(numbered, key);
  }

  /// Sends the first of each key that has no mark, in the order in which they came.
  [[nodiscard]] std::optional<SystemError> send(Out& out) {
    std::string last;
    bool is_first = true;
    std::optional<SystemError> failed;
    auto wrong = by_key_.for_each([&](RecordRef record) {
      const std::string_view key = key_of_record(record);
      if (!is_first && key == last) return Flow::kMore;
      is_first = false;
      last = key;
      const Item item = item_of_record(record, &fields_);
      if (fields_.empty() || fields_.back().name != kArrival) return Flow::kMore;
      failed = by_arrival_.add(item, fields_.back().value);
      return failed ? Flow::kStop : Flow::kMore;
    });
    if (!wrong) wrong = std::move(failed);
    if (wrong) return wrong;
    return by_arrival_.for_each([&](RecordRef record) { return emit_record(record, out, 1); });
  }

 private:
  // The name of a field that items have on the disk. No job file can name it: a mark has no fields.
  static constexpr std::string_view kArrival = std::string_view("\0", 1);

  SortedRuns by_key_;
  SortedRuns by_arrival_;
  std::uint64_t arrivals_ = 0;
  std::vector<Field> fields_;  // of the item at hand
};

class Dedupe final : public Operator {
 public:
  Dedupe(const StageSpec& spec, Context& context)
      : context_(context),
        memory_(static_cast<std::size_t>(kept_bytes(spec).value_or(kDedupeMemory))),
        directory_(spec.options.text("spill")) {
    if (spec.options.has("by")) by_ = spec.options.text("by");
  }

  Flow process(Batch&& batch, Out& out) override {
    if (drop_keyless(&batch) == Flow::kStop) return Flow::kStop;
    drop_seen(&batch);
    if (spilled_) {
      if (const auto wrong = spill(batch)) return fail(*wrong);
      return Flow::kMore;
    }
    if (out.send(std::move(batch)) == Flow::kStop) return Flow::kStop;
    if (is_full()) {
      if (const auto wrong = begin_to_spill()) return fail(*wrong);
    }
    return Flow::kMore;
  }

  void finish(Out& out) override {
    if (!spilled_ || context_.is_cancelled()) return;
    seen_.clear();
    if (const auto wrong = spilled_->send(out)) static_cast<void>(fail(*wrong));
  }

 private:
  Flow fail(const SystemError& error) {
    return error.error_number == ECANCELED ? Flow::kStop : context_.fail(failure_of(error));
  }

  // The table doubles; in the end it and what sorts share the memory.
  [[nodiscard]] bool is_full() const { return seen_.memory_bytes() > memory_ / 8 * 3; }

  [[nodiscard]] std::string_view key_of(const Item& item) const {
    return by_ ? item.find(*by_)->value : item.text;
  }

  Flow drop_keyless(Batch* batch) {
    const std::span<Item> items = batch->items();
    keys_.clear();
    std::size_t kept = 0;
    for (const Item& item : items) {
      if (by_ && item.find(*by_) == nullptr) {
        const Failure failure{FailureKind::kWork, "the item has no field \"" + *by_ + "\"", {}};
        if (context_.fail_item(item, failure) == Flow::kStop) return Flow::kStop;
        continue;
      }
      keys_.push_back(key_of(item));
      items[kept++] = item;
    }
    batch->truncate(kept);
    return Flow::kMore;
  }

  void drop_seen(Batch* batch) {
    const std::span<Item> items = batch->items();
    ids_.resize(keys_.size());
    std::size_t next = seen_.size();  // the id of the next key that was not there
    seen_.add(keys_, ids_);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      if (ids_[i] != next) continue;
      ++next;
      items[kept++] = items[i];
    }
    batch->truncate(kept);
  }

  [[nodiscard]] std::optional<SystemError> begin_to_spill() {
    spilled_ = std::make_unique<SpilledItems>(memory_ / 4, directory_,
                                              [this] { return context_.is_cancelled(); });
    for (KeyIndex::Id id = 0; id < seen_.size(); ++id) {
      if (auto wrong = spilled_->mark(seen_.key(id))) return wrong;
    }
    seen_.clear();
    return std::nullopt;
  }

  [[nodiscard]] std::optional<SystemError> spill(const Batch& batch) {
    for (const Item& item : batch.items()) {
      if (auto wrong = spilled_->add(item, key_of(item))) return wrong;
    }
    // Those on the disk are known without it.
    if (is_full()) seen_.clear();
    return std::nullopt;
  }

  Context& context_;
  const std::size_t memory_;
  const std::string directory_;
  std::optional<std::string> by_;          // nothing: the text
  KeyIndex seen_;                          // all keys, or those that came lately
  std::unique_ptr<SpilledItems> spilled_;  // nullptr: all fits in memory so far
  std::vector<std::string_view> keys_;     // of the batch at hand
  std::vector<KeyIndex::Id> ids_;          // of the batch at hand
};

class DedupeStage final : public Stage {
 public:
  explicit DedupeStage(const StageSpec& spec) : spec_(spec) {}
  [[nodiscard]] StageTraits traits() const override { return {.fuses = true}; }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<Dedupe>(spec_, context);
  }

 private:
  const StageSpec& spec_;
};

}  // namespace

StageRow make_dedupe(const StageSpec& spec) { return row_of(std::make_unique<DedupeStage>(spec)); }

}  // namespace gorun::jobs
