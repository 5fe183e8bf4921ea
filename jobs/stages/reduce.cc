// The kind "reduce": groups items by a key and aggregates each group, or feeds them to a command
// (mapreduce/reducers.h). What follows is of aggregates.
//
// Each worker combines what it sees in a table of its own. When that table is over its budget, and
// at the end, it goes to all shards at once; a shard merges the groups whose keys' hashes it owns,
// so no two touch the same group and nothing is locked. Every aggregate gives the same result in
// whatever order parts are merged, and the shards' groups come out merged by key: the output is the
// same bytes at any number of workers, and whatever was spilled on the way. Where no reader sees
// their order (a "top" behind it), all shards put theirs out at once.
//
// Memory (kept_bytes()): half of it is for the shards' tables, half for those of the workers and
// those that are on their way between the two (mapreduce/combine.h).
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/format/quote.h"
#include "jobs/mapreduce/combine.h"
#include "jobs/mapreduce/group_feed.h"
#include "jobs/mapreduce/group_key.h"
#include "jobs/mapreduce/least_key.h"
#include "jobs/mapreduce/merge_tables.h"
#include "jobs/mapreduce/merged_group.h"
#include "jobs/mapreduce/reduce_options.h"
#include "jobs/mapreduce/reducer_lines.h"
#include "jobs/mapreduce/reducers.h"
#include "jobs/mapreduce/shard_groups.h"
#include "jobs/memory_shares.h"
#include "jobs/record_limit.h"
#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

// Where nobody says. Each worker has a table: with one memory for however many, all of them would
// be small where there are many cores, combine little, and leave most of the work to be done twice.
constexpr std::size_t kReduceMemory = std::size_t{256} << 20;
constexpr std::size_t kReduceMemoryOfShard = std::size_t{128} << 20;

class ReduceStage final : public Stage {
 public:
  explicit ReduceStage(const StageSpec& spec)
      : options_(read_options(spec.options)),
        memory_bytes_(kept_bytes(spec)),
        max_record_(record_limit(spec.options)),
        directory_(spec.options.text("spill")) {
    const bool is_named = !spec.options.aggregates("agg").front().name.empty();
    // One field is called "key", until results have names of their own.
    if (options_.by_text || (options_.by.size() == 1 && !is_named)) {
      names_.emplace_back("key");
    } else {
      names_ = options_.by;
    }
    for (const AggregateOption& one : spec.options.aggregates("agg")) {
      names_.push_back(is_named ? one.name : std::string(kUnnamedResult));
    }
  }

  [[nodiscard]] StageTraits traits() const override {
    return {.workers = kOnePerP,
            .fuses = true,
            .scales = true,
            .ignores_order = true,
            .shards = kOnePerP,
            .concludes_by_shard = true};
  }

  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    // There are about as many workers as shards. Each fills a table, as many wait in front of a
    // shard, and that merges one more; those that are full take less than half of what they did.
    const std::size_t workers = context.shard_count();
    return make_combine(options_, memory_bytes(workers) / (3 * workers + 1), merged_, context);
  }

  [[nodiscard]] std::unique_ptr<Merger> make_merger(const ShardPlace& place) override {
    shards_.push_back(std::make_unique<Result>(options_.kinds, place,
                                               memory_bytes(place.shards) / 2 / place.shards,
                                               max_record_.bytes, directory_));
    return std::make_unique<MergeTables>(shards_.back()->groups, shards_.back()->failure, merged_,
                                         place);
  }

  void conclude(Context& context, Out& out) override {
    if (const auto failed = emit_by_key(out)) static_cast<void>(context.fail(failure_to(*failed)));
    shards_.clear();
  }

  void conclude_shard(std::size_t shard, Context& context, Out& out) override {
    std::unique_ptr<Result>& result = shards_[shard];
    const auto failed = emit_shard(*result, out);
    // What one shard lacks (room on the disk, say) the others lack, too: it is told once.
    if (failed && !has_failed_.exchange(true, std::memory_order_relaxed)) {
      static_cast<void>(context.fail(failure_to(*failed)));
    }
    result.reset();
  }

 private:
  [[nodiscard]] std::size_t memory_bytes(std::size_t shards) const {
    return memory_bytes_ ? static_cast<std::size_t>(*memory_bytes_)
                         : std::max(kReduceMemory, shards * kReduceMemoryOfShard);
  }

  // What a merger leaves for conclude().
  struct Result {
    Result(std::span<const AggregateKind> kinds, const ShardPlace& place, std::size_t memory_bytes,
           std::size_t most_of_list, const std::string& directory)
        : groups(kinds, place.shard, Shards(place.shards), memory_bytes, most_of_list, directory) {}
    ShardGroups groups;
    std::optional<SystemError> failure;
  };

  [[nodiscard]] Failure failure_to(const SystemError& error) const {
    Failure failure = failure_of(error);
    if (is_list_too_long(error)) {
      failure.what = "the list of " + shown_key(error.subject) + " has more than " +
                     std::to_string(max_record_.bytes) + " bytes (" + max_record_.way_out() + ")";
    }
    return failure;
  }
  [[nodiscard]] std::string shown_key(std::string_view key) const {
    if (options_.by_text || options_.by.size() == 1) return quote_for_message(key);
    if (options_.by.empty()) return "all items";
    std::string all;
    std::string unescaped;
    for (const std::string_view part : key_parts(key, options_.by.size(), &unescaped)) {
      all += (all.empty() ? "" : ", ") + quote_for_message(part);
    }
    return all;
  }

  // What putting out uses again from group to group.
  struct Scratch {
    std::string text;
    std::string unescaped;
    std::optional<SystemError> wrong = {};  // a list is too long
  };

  std::optional<SystemError> emit_shard(Result& shard, Out& out) const {
    if (shard.failure) return shard.failure;
    Scratch scratch;
    for (;;) {
      const auto more = shard.groups.next();
      if (!more.ok()) return more.error();
      if (!*more || emit(shard.groups, &scratch, out) == Flow::kStop) return scratch.wrong;
    }
  }

  // The groups of all shards, merged by key; no two hold the same.
  std::optional<SystemError> emit_by_key(Out& out) const {
    for (const auto& shard : shards_) {
      if (shard->failure) return shard->failure;
    }
    std::deque<GroupFeed> feeds;
    for (const auto& shard : shards_) feeds.emplace_back(shard->groups, options_.kinds.size());
    LeastKey least(feeds.size());
    for (std::size_t i = 0; i < feeds.size(); ++i) {
      const auto more = feeds[i].next();
      if (!more.ok()) return more.error();
      if (*more) least.set(i, feeds[i].key());
    }
    least.begin();
    Scratch scratch;
    while (!least.is_at_end()) {
      GroupFeed& groups = feeds[least.least()];
      if (emit(groups, &scratch, out) == Flow::kStop) return scratch.wrong;
      const auto more = groups.next();
      if (!more.ok()) return more.error();
      if (*more) {
        least.replace(groups.key());
      } else {
        least.end();
      }
    }
    return std::nullopt;
  }

  // The text is the key, of several values with tabs between; without a key, the results are.
  template <class Groups>
  Flow emit(const Groups& groups, Scratch* scratch, Out& out) const {
    std::string& text = scratch->text;
    Batch& batch = out.batch();
    Item item;
    const std::span<Field> fields = batch.allocate_fields(names_.size());
    std::size_t next = 0;
    const auto add = [&](std::string_view value, FieldType type) {
      // Word by word: from a temporary it is copied in larger pieces than it was made of, for which
      // a processor waits until all stores before, to memory not in the cache, are done.
      Field& field = fields[next];
      field.name = names_[next];
      field.value = value;
      field.type = type;
      ++next;
    };
    const bool is_one_group = names_.size() == options_.kinds.size();
    if (is_one_group) {
      item.text = {};
    } else if (options_.by.size() < 2) {
      item.text = batch.copy(groups.key());
      add(item.text, FieldType::kText);
    } else {
      text.clear();
      for (const std::string_view part :
           key_parts(groups.key(), options_.by.size(), &scratch->unescaped)) {
        if (next > 0) text += '\t';
        text += part;
        add(batch.copy(part), FieldType::kText);
      }
      item.text = batch.copy(text);
    }
    for (std::size_t a = 0; a < options_.kinds.size(); ++a) {
      text.clear();
      groups.append_result(a, &text);
      if (options_.kinds[a] == AggregateKind::kList && text.size() >= max_record_.bytes) {
        scratch->wrong = list_too_long(std::string(groups.key()));
        return Flow::kStop;
      }
      add(batch.copy(text),
          options_.kinds[a] == AggregateKind::kList ? FieldType::kText : FieldType::kNumber);
    }
    if (is_one_group) item.text = joined(fields, batch, &text);
    item.fields = fields.data();
    item.field_count = static_cast<std::uint32_t>(fields.size());
    return out.emit(item);
  }

  static std::string_view joined(std::span<const Field> fields, Batch& batch, std::string* text) {
    text->clear();
    for (const Field& field : fields) {
      if (!text->empty()) *text += '\t';
      *text += field.value;
    }
    return batch.copy(*text);
  }

  const ReduceOptions options_;
  const std::optional<std::int64_t> memory_bytes_;
  const RecordLimit max_record_;  // of a list, which is one item when it leaves
  const std::string directory_;
  std::vector<std::string> names_;  // of the fields that an item gets: keys, then results
  std::vector<std::unique_ptr<Result>> shards_;  // each its merger's, then who puts it out
  std::atomic<bool> has_failed_{false};          // relaxed: who is first
  MergedGroups merged_;                          // by all mergers, for all workers
};

}  // namespace

StageRow make_reduce(const StageSpec& spec) {
  if (spec.options.has("argv")) return row_of(make_reducer_lines(spec), make_reducers(spec));
  return row_of(std::make_unique<ReduceStage>(spec));
}

}  // namespace gorun::jobs
