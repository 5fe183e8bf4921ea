// The kind "filter": keeps the items in which an RE2 expression matches and whose fields are as a
// predicate wants them; or the others.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/stages/rows.h"
#include "jobs/text/cutter.h"
#include "jobs/text/matching_lines.h"
#include "jobs/text/text_match.h"

namespace gorun::jobs {
namespace {

class Filter final : public Operator {
 public:
  explicit Filter(const StageOptions& options) : keeps_(!options.flag("invert")) {
    if (options.has("match")) match_.emplace(options.text("match"));
    if (options.has("where")) where_.emplace(options.predicate("where"));
    if (options.has("field")) field_ = options.text("field");
    if (takes_records() && keeps_) lines_ = LinePattern::compile(options.text("match"));
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

  [[nodiscard]] bool takes_records() const override { return match_ && !where_ && !field_; }

  Flow process_records(const Records& records, Out& out) override {
    kept_.clear();
    for (const std::string_view text : records.texts) {
      if (match_->matches(text) == keeps_) kept_.push_back(text);
    }
    return pass_on({records.batch, records.parent, kept_}, out);
  }

  [[nodiscard]] bool takes_lines() const override { return lines_.has_value(); }

  [[nodiscard]] bool only_counts(TextForm form, const Out& out) const override {
    if (form != TextForm::kLines || !lines_ || !lines_->bears_changes()) return false;
    return out.takes_number() || (out.takes_records() && out.only_counts(TextForm::kRecords));
  }

  Flow process_lines(const Batch& batch, const Item& text, Out& out,
                     std::uint64_t* lines) override {
    MatchingLines matching(*lines_, text.text);
    if (out.takes_number()) {
      const std::uint64_t kept = matching.count();
      *lines = matching.lines();
      return out.send_number(batch, text, kept);
    }
    kept_.resize(kRecordBatch);
    while (const std::size_t count = matching.next(kept_)) {
      const Records kept{batch, text, std::span(kept_).first(count)};
      if (pass_on(kept, out) == Flow::kStop) return Flow::kStop;
    }
    *lines = matching.lines();
    return Flow::kMore;
  }

 private:
  static Flow pass_on(const Records& kept, Out& out) {
    if (kept.texts.empty()) return Flow::kMore;
    return out.takes_records() ? out.send_records(kept) : out.emit_records(kept);
  }

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
  std::optional<LinePattern> lines_;    // nothing: lines are cut first
  std::vector<std::string_view> kept_;  // of the records at hand
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
