// The kind "filter": keeps the items in which an RE2 expression matches and whose fields are as a
// predicate wants them; or the others.
#include <optional>
#include <string>

#include "jobs/stages/rows.h"
#include "jobs/text/text_match.h"

namespace gorun::jobs {
namespace {

class Filter final : public Operator {
 public:
  explicit Filter(const StageOptions& options) : keeps_(!options.flag("invert")) {
    if (options.has("match")) match_.emplace(options.text("match"));
    if (options.has("where")) where_.emplace(options.predicate("where"));
    if (options.has("field")) field_ = options.text("field");
  }

  Flow process(Batch&& batch, Out& out) override {
    std::size_t kept = 0;
    const std::span<Item> items = batch.items();
    for (const Item& item : items) {
      if (is_such(item) == keeps_) items[kept++] = item;
    }
    batch.truncate(kept);
    return out.send(std::move(batch));
  }

 private:
  [[nodiscard]] bool is_such(const Item& item) {
    if (where_ && !where_->matches(item)) return false;
    if (!match_) return true;
    std::string_view subject = item.text;
    if (field_) {
      const Field* field = item.find(*field_);
      if (field == nullptr) return false;
      subject = field->value;
    }
    return match_->matches(subject);
  }

  std::optional<TextMatch> match_;
  std::optional<PredicateMatch> where_;
  const bool keeps_;
  std::optional<std::string> field_;
};

class FilterStage final : public Stage {
 public:
  explicit FilterStage(const StageSpec& spec) : spec_(spec) {}
  [[nodiscard]] StageTraits traits() const override {
    return {.workers = spec_.workers, .fuses = true, .scales = true};
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& /*context*/) override {
    return std::make_unique<Filter>(spec_.options);
  }

 private:
  const StageSpec& spec_;
};

}  // namespace

StageRow make_filter(const StageSpec& spec) { return row_of(std::make_unique<FilterStage>(spec)); }

}  // namespace gorun::jobs
