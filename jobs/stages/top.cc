// The kind "top": the n first items of an order.
//
// Each worker keeps the n first of what it sees, in a heap whose root is the worst; one shard
// merges the heaps. The order is total (the field, then the text, then the other fields), so the
// result is the same at any number of workers.
//
// Numbers come before texts whatever the direction; they are compared as long double, which holds
// every 64-bit integer.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "jobs/byte_size.h"
#include "jobs/memory_shares.h"
#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

struct OwnedField {
  std::string name;
  std::string value;
  FieldType type = FieldType::kText;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the operator's 0 for a pointer
  friend auto operator<=>(const OwnedField&, const OwnedField&) = default;
};

// An item that owns its bytes, with the key of its place in the order.
struct Candidate {
  bool is_text = false;  // the key is no number
  long double number = 0;
  std::string key;
  std::string text;
  std::vector<OwnedField> fields;
};

std::int64_t bytes_of(const Candidate& candidate) {
  std::size_t bytes = sizeof candidate + candidate.key.size() + candidate.text.size();
  for (const OwnedField& field : candidate.fields) {
    bytes += sizeof field + field.name.size() + field.value.size();
  }
  return static_cast<std::int64_t>(bytes);
}

// What all workers of a stage hold, and may.
struct Kept {
  std::optional<std::int64_t> most;  // nothing: any number of bytes
  std::atomic<std::int64_t> bytes{0};
};

// The order of keys, made without copying an item.
struct Key {
  bool is_text = false;
  long double number = 0;
  std::string_view text;
};

Key key_of(std::string_view value) {
  Key key{.text = value};
  const char* end = value.data() + value.size();
  // Counts and sizes, in a tenth of the time; a long double holds each of them.
  std::int64_t whole = 0;
  const auto integer = std::from_chars(value.data(), end, whole);
  if (integer.ec == std::errc() && integer.ptr == end) {
    key.number = static_cast<long double>(whole);
    return key;
  }
  const auto parsed = std::from_chars(value.data(), end, key.number);
  key.is_text = parsed.ec != std::errc() || parsed.ptr != end || key.number != key.number;
  if (key.is_text) key.number = 0;
  return key;
}

class Order {
 public:
  explicit Order(bool is_descending) : is_descending_(is_descending) {}

  /// True if `a` comes before `b`.
  [[nodiscard]] bool operator()(const Candidate& a, const Candidate& b) const {
    const int keys = compare({a.is_text, a.number, a.key}, {b.is_text, b.number, b.key});
    if (keys != 0) return keys < 0;
    return std::tie(a.text, a.fields) < std::tie(b.text, b.fields);
  }
  /// True if an item with this key and text may come before `b`; fields are not looked at.
  [[nodiscard]] bool may_precede(const Key& key, std::string_view text, const Candidate& b) const {
    const int keys = compare(key, {b.is_text, b.number, b.key});
    return keys != 0 ? keys < 0 : text <= b.text;
  }

 private:
  [[nodiscard]] int compare(const Key& a, const Key& b) const {
    if (a.is_text != b.is_text) return a.is_text ? 1 : -1;
    int order = 0;
    if (a.is_text) {
      order = a.text.compare(b.text);
    } else if (a.number != b.number) {
      order = a.number < b.number ? -1 : 1;
    }
    return is_descending_ ? -order : order;
  }

  const bool is_descending_;
};

// The n first of what was offered.
class Best {
 public:
  Best(std::size_t count, Order order) : count_(count), order_(order) {}

  /// False before the item is copied if it has no chance.
  [[nodiscard]] bool is_wanted(const Key& key, std::string_view text) const {
    return heap_.size() < count_ || order_.may_precede(key, text, heap_.front());
  }
  /// returns by how many bytes there are more.
  std::int64_t add(Candidate candidate) {
    std::int64_t more = bytes_of(candidate);
    heap_.push_back(std::move(candidate));
    std::ranges::push_heap(heap_, order_);
    if (heap_.size() <= count_) return more;
    std::ranges::pop_heap(heap_, order_);
    more -= bytes_of(heap_.back());
    heap_.pop_back();
    return more;
  }
  [[nodiscard]] std::size_t size() const { return heap_.size(); }
  [[nodiscard]] std::vector<Candidate> take() { return std::exchange(heap_, {}); }
  [[nodiscard]] std::vector<Candidate> take_sorted() {
    std::ranges::sort_heap(heap_, order_);
    return take();
  }

 private:
  std::size_t count_;
  Order order_;
  std::vector<Candidate> heap_;  // the root comes last in the order
};

struct BestParcel final : Parcel {
  std::vector<Candidate> candidates;
};

class TopOperator final : public Operator {
 public:
  TopOperator(const StageOptions& options, Best best, Kept& kept, Context& context)
      : by_(options.text("by")), best_(std::move(best)), kept_(kept), context_(context) {}

  Flow process(Batch&& batch, Out& /*out*/) override {
    for (const Item& item : batch.items()) {
      const Field* field = item.find(by_);
      if (field == nullptr) {
        Failure failure{FailureKind::kWork, "the item has no field \"" + by_ + "\"", {}};
        if (context_.fail_item(item, std::move(failure)) == Flow::kStop) return Flow::kStop;
        continue;
      }
      const Key key = key_of(field->value);
      if (best_.is_wanted(key, item.text) && add(own(item, key)) == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

  void finish(Out& /*out*/) override {
    auto parcel = std::make_unique<BestParcel>();
    parcel->candidates = best_.take();
    static_cast<void>(context_.hand_over(0, std::move(parcel)));
  }

 private:
  Flow add(Candidate candidate) {
    const std::int64_t more = best_.add(std::move(candidate));
    if (!kept_.most) return Flow::kMore;
    // Relaxed: a sum, by which nothing is ordered.
    const std::int64_t all = kept_.bytes.fetch_add(more, std::memory_order_relaxed) + more;
    if (all <= *kept_.most) return Flow::kMore;
    return context_.fail({FailureKind::kWork,
                          "its first " + std::to_string(best_.size()) +
                              " items take more than the " + byte_size_text(*kept_.most) +
                              R"( that "limits.memory" leaves it: raise that, or lower "n")",
                          {}});
  }

  static Candidate own(const Item& item, const Key& key) {
    Candidate candidate{key.is_text, key.number, std::string(key.text), std::string(item.text), {}};
    for (const Field& field : item.all_fields()) {
      candidate.fields.push_back({std::string(field.name), std::string(field.value), field.type});
    }
    return candidate;
  }

  const std::string& by_;
  Best best_;
  Kept& kept_;
  Context& context_;
};

class TopMerger final : public Merger {
 public:
  explicit TopMerger(Best& result) : result_(result) {}
  void take(ParcelPtr parcel) override {
    for (Candidate& candidate : static_cast<BestParcel&>(*parcel).candidates) {
      result_.add(std::move(candidate));
    }
  }

 private:
  Best& result_;
};

class TopStage final : public Stage {
 public:
  explicit TopStage(const StageSpec& spec)
      : options_(spec.options),
        result_(static_cast<std::size_t>(options_.integer("n")),
                Order(options_.text("order") == "desc")) {
    kept_.most = kept_bytes(spec);
  }

  [[nodiscard]] StageTraits traits() const override {
    return {.fuses = true, .scales = true, .ignores_order = true, .shards = 1};
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<TopOperator>(options_, result_, kept_,
                                         context);  // a copy of what is empty
  }
  [[nodiscard]] std::unique_ptr<Merger> make_merger(const ShardPlace& /*place*/) override {
    return std::make_unique<TopMerger>(result_);
  }
  void conclude(Context& /*context*/, Out& out) override {
    for (const Candidate& best : result_.take_sorted()) {
      Batch& batch = out.batch();
      Item item{.text = batch.copy(best.text)};
      const std::span<Field> fields = batch.allocate_fields(best.fields.size());
      for (std::size_t i = 0; i < fields.size(); ++i) {
        const OwnedField& field = best.fields[i];
        fields[i] = {batch.copy(field.name), batch.copy(field.value), field.type};
      }
      item.fields = fields.data();
      item.field_count = static_cast<std::uint32_t>(fields.size());
      if (out.emit(item) == Flow::kStop) return;
    }
  }

 private:
  const StageOptions& options_;
  Kept kept_;
  Best result_;  // the merger's, then conclude()'s
};

}  // namespace

StageRow make_top(const StageSpec& spec) { return row_of(std::make_unique<TopStage>(spec)); }

}  // namespace gorun::jobs
