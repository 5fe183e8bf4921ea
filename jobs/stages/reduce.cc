// The kind "reduce": groups items by a key and aggregates each group.
//
// Each worker combines what it sees in a table of its own. When that table is over its budget, and
// at the end, it goes to all shards at once; a shard merges the groups whose keys' hashes it owns,
// so no two touch the same group and nothing is locked. Every aggregate gives the same result in
// whatever order parts are merged, and the shards' groups come out merged by key: the output is the
// same bytes at any number of workers.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/format/quote.h"
#include "jobs/mapreduce/group_table.h"
#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

// For the tables of all workers together, until they are handed over.
constexpr std::size_t kCombinerBytes = std::size_t{64} << 20;
// A table is worth having if it holds some tens of thousands of keys.
constexpr std::size_t kLeastCombinerBytes = std::size_t{4} << 20;

// One table, shared by all shards; the last one drops it.
struct TableParcel final : Parcel {
  explicit TableParcel(std::shared_ptr<const GroupTable> shared) : table(std::move(shared)) {}
  std::shared_ptr<const GroupTable> table;
};

struct ReduceOptions {
  std::optional<std::string> by;     // nothing: the text
  std::optional<std::string> field;  // nothing: the text
  AggregateKind kind = AggregateKind::kCount;
};

class Combine final : public Operator {
 public:
  Combine(const ReduceOptions& options, std::size_t budget, Context& context)
      : options_(options), budget_(budget), context_(context), table_(make_table()) {}

  Flow process(Batch&& batch, Out& /*out*/) override {
    if (collect(batch) == Flow::kStop) return Flow::kStop;
    std::span<const std::string_view> keys = keys_;
    std::span<const std::string_view> texts = texts_;
    for (std::span<const Item* const> items = items_;;) {
      const std::size_t added = table_.add(keys, texts);
      if (added == keys.size()) break;
      Failure failure{FailureKind::kWork, quote_for_message(texts[added]) + " is not a number", {}};
      if (context_.fail_item(*items[added], std::move(failure)) == Flow::kStop) return Flow::kStop;
      keys = keys.subspan(added + 1);
      texts = texts.subspan(added + 1);
      items = items.subspan(added + 1);
    }
    return table_.memory_bytes() > budget_ ? hand_over() : Flow::kMore;
  }

  void finish(Out& /*out*/) override {
    if (table_.size() > 0) static_cast<void>(hand_over());
  }

 private:
  [[nodiscard]] GroupTable make_table() const {
    return GroupTable(std::span<const AggregateKind>(&options_.kind, 1));
  }

  // The keys of the items that have one and, unless they are only counted, the texts to aggregate.
  Flow collect(const Batch& batch) {
    keys_.clear();
    texts_.clear();
    items_.clear();
    const bool takes_texts = options_.kind != AggregateKind::kCount;
    for (const Item& item : batch.items()) {
      const auto key = value_of(item, options_.by);
      const auto text = takes_texts ? value_of(item, options_.field) : std::string_view();
      if (!key || !text) {
        const std::string& missing = key ? *options_.field : *options_.by;
        Failure failure{FailureKind::kWork, "the item has no field \"" + missing + "\"", {}};
        if (context_.fail_item(item, std::move(failure)) == Flow::kStop) return Flow::kStop;
        continue;
      }
      keys_.push_back(*key);
      if (!takes_texts) continue;
      texts_.push_back(*text);
      items_.push_back(&item);
    }
    return Flow::kMore;
  }

  // Of the text, where no field is named.
  static std::optional<std::string_view> value_of(const Item& item,
                                                  const std::optional<std::string>& field) {
    if (!field) return item.text;
    const Field* found = item.find(*field);
    if (found == nullptr) return std::nullopt;
    return found->value;
  }

  Flow hand_over() {
    const auto shared = std::make_shared<const GroupTable>(std::move(table_));
    table_ = make_table();
    for (std::size_t shard = 0; shard < context_.shard_count(); ++shard) {
      if (context_.hand_over(shard, std::make_unique<TableParcel>(shared)) == Flow::kStop) {
        return Flow::kStop;
      }
    }
    return Flow::kMore;
  }

  const ReduceOptions& options_;
  const std::size_t budget_;
  Context& context_;
  GroupTable table_;
  std::vector<std::string_view> keys_;   // of the batch at hand
  std::vector<std::string_view> texts_;  // of the batch at hand
  std::vector<const Item*> items_;       // that texts_ belong to
};

// What a shard leaves for conclude().
struct ShardGroups {
  explicit ShardGroups(AggregateKind kind) : table(std::span<const AggregateKind>(&kind, 1)) {}
  GroupTable table;
  std::vector<GroupTable::Id> order;  // by key
  std::size_t next = 0;               // index into order

  [[nodiscard]] bool at_end() const { return next == order.size(); }
  [[nodiscard]] std::string_view key() const { return table.key(order[next]); }
};

class MergeTables final : public Merger {
 public:
  MergeTables(ShardGroups& groups, Shard shard) : groups_(groups), shard_(shard) {}
  void take(ParcelPtr parcel) override {
    groups_.table.merge(*static_cast<TableParcel&>(*parcel).table, shard_);
  }
  void finish() override {
    groups_.table.finish();
    groups_.order = groups_.table.sorted_ids();
  }

 private:
  ShardGroups& groups_;
  const Shard shard_;
};

class ReduceStage final : public Stage {
 public:
  explicit ReduceStage(const StageSpec& spec) {
    const StageOptions& options = spec.options;
    if (options.has("by")) options_.by = options.text("by");
    if (options.has("field")) options_.field = options.text("field");
    options_.kind = find_aggregate(options.text("agg")).value();
  }

  [[nodiscard]] StageTraits traits() const override {
    return {.workers = kOnePerP, .fuses = true, .scales = true, .shards = kOnePerP};
  }

  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    // There are about as many workers as shards.
    const std::size_t budget =
        std::max(kCombinerBytes / context.shard_count(), kLeastCombinerBytes);
    return std::make_unique<Combine>(options_, budget, context);
  }

  [[nodiscard]] std::unique_ptr<Merger> make_merger(std::size_t shard,
                                                    std::size_t shards) override {
    shards_.push_back(std::make_unique<ShardGroups>(options_.kind));
    return std::make_unique<MergeTables>(
        *shards_.back(),
        Shard{static_cast<std::uint32_t>(shard), static_cast<std::uint32_t>(shards)});
  }

  void conclude(Context& /*context*/, Out& out) override {
    const auto comes_later = [](const ShardGroups* a, const ShardGroups* b) {
      return a->key() > b->key();  // no two shards hold the same key
    };
    std::priority_queue<ShardGroups*, std::vector<ShardGroups*>, decltype(comes_later)> next(
        comes_later);
    for (const auto& groups : shards_) {
      if (!groups->at_end()) next.push(groups.get());
    }
    std::string value;
    while (!next.empty()) {
      ShardGroups* groups = next.top();
      next.pop();
      value.clear();
      groups->table.append_result(groups->order[groups->next], 0, &value);
      if (emit(groups->key(), value, out) == Flow::kStop) return;
      ++groups->next;
      if (!groups->at_end()) next.push(groups);
    }
    shards_.clear();
  }

 private:
  Flow emit(std::string_view key, std::string_view value, Out& out) const {
    const bool is_list = options_.kind == AggregateKind::kList;
    Batch& batch = out.batch();
    Item item{.text = batch.copy(key)};
    const std::array<Field, 2> fields = {
        {{"key", item.text},
         {"value", batch.copy(value), is_list ? FieldType::kText : FieldType::kNumber}}};
    batch.set_fields(&item, fields);
    return out.emit(item);
  }

  ReduceOptions options_;
  std::vector<std::unique_ptr<ShardGroups>> shards_;  // each its merger's, then conclude()'s
};

}  // namespace

StageRow make_reduce(const StageSpec& spec) { return row_of(std::make_unique<ReduceStage>(spec)); }

}  // namespace gorun::jobs
