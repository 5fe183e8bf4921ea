// The kind "dedupe": of items that are alike, the first.
//
// Items leave as they come; what was seen is kept, exactly, in a KeyIndex: 60 bytes or so for each
// different key.
#include <optional>
#include <string>
#include <vector>

#include "jobs/mapreduce/key_index.h"
#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

class Dedupe final : public Operator {
 public:
  Dedupe(const StageOptions& options, Context& context) : context_(context) {
    if (options.has("by")) by_ = options.text("by");
  }

  Flow process(Batch&& batch, Out& out) override {
    const std::span<Item> items = batch.items();
    keys_.clear();
    std::size_t kept = 0;
    for (const Item& item : items) {
      const Field* field = by_ ? item.find(*by_) : nullptr;
      if (by_ && field == nullptr) {
        const Failure failure{FailureKind::kWork, "the item has no field \"" + *by_ + "\"", {}};
        if (context_.fail_item(item, failure) == Flow::kStop) return Flow::kStop;
        continue;
      }
      keys_.push_back(by_ ? field->value : item.text);
      items[kept++] = item;
    }
    batch.truncate(kept);
    ids_.resize(keys_.size());
    std::size_t next = seen_.size();  // the id of the next key that was not there
    seen_.add(keys_, ids_);
    kept = 0;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      if (ids_[i] != next) continue;
      ++next;
      items[kept++] = items[i];
    }
    batch.truncate(kept);
    return out.send(std::move(batch));
  }

 private:
  Context& context_;
  std::optional<std::string> by_;  // nothing: the text
  KeyIndex seen_;
  std::vector<std::string_view> keys_;  // of the batch at hand
  std::vector<KeyIndex::Id> ids_;       // of the batch at hand
};

class DedupeStage final : public Stage {
 public:
  explicit DedupeStage(const StageSpec& spec) : options_(spec.options) {}
  [[nodiscard]] StageTraits traits() const override { return {.fuses = true}; }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<Dedupe>(options_, context);
  }

 private:
  const StageOptions& options_;
};

}  // namespace

StageRow make_dedupe(const StageSpec& spec) { return row_of(std::make_unique<DedupeStage>(spec)); }

}  // namespace gorun::jobs
