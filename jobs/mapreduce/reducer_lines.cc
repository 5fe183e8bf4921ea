#include "jobs/mapreduce/reducer_lines.h"

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "jobs/format/quote.h"

namespace gorun::jobs {
namespace {

class LineMaker final : public Operator {
 public:
  LineMaker(const StageOptions& options, Context& context) : context_(context) {
    if (options.has("by")) by_ = options.texts("by");
    if (options.has("field")) field_ = options.text("field");
  }

  Flow process(Batch&& batch, Out& out) override {
    for (const Item& item : batch.items()) {
      auto wrong = make_line(item);
      const Flow flow =
          wrong ? context_.fail_item(item, {FailureKind::kWork, std::move(*wrong), {}}) : emit(out);
      if (flow == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

 private:
  // Returns what is wrong with the item.
  std::optional<std::string> make_line(const Item& item) {
    line_.clear();
    if (by_.empty()) {
      if (auto wrong = append_key(item.text)) return wrong;
    }
    for (const std::string& name : by_) {
      const Field* const field = item.find(name);
      if (field == nullptr) return missing(name);
      if (auto wrong = append_key(field->value)) return wrong;
    }
    key_size_ = line_.size() - 1;
    std::string_view value = item.text;
    if (field_) {
      const Field* const field = item.find(*field_);
      if (field == nullptr) return missing(*field_);
      value = field->value;
    }
    if (value.find('\n') != std::string_view::npos) {
      return "the value holds a line feed, which ends a line of a reducer's input";
    }
    line_ += value;
    return std::nullopt;
  }

  std::optional<std::string> append_key(std::string_view value) {
    if (value.find_first_of("\t\n") != std::string_view::npos) {
      return "the key " + quote_for_message(value) +
             " holds a tab or a line feed, which end it in a reducer's input";
    }
    line_.append(value) += '\t';
    return std::nullopt;
  }

  static std::string missing(const std::string& field) {
    return "the item has no field \"" + field + "\"";
  }

  Flow emit(Out& out) {
    Batch& batch = out.batch();
    const std::string_view text = batch.copy(line_);
    const std::span<Field> fields = batch.allocate_fields(1);
    fields.front() = {"key", text.substr(0, key_size_)};
    return out.emit({.text = text, .fields = fields.data(), .field_count = 1});
  }

  Context& context_;
  std::vector<std::string> by_;  // empty: the text
  std::optional<std::string> field_;
  std::string line_;  // of the item at hand
  std::size_t key_size_ = 0;
};

class LineMakerStage final : public Stage {
 public:
  explicit LineMakerStage(const StageOptions& options) : options_(options) {}
  [[nodiscard]] StageTraits traits() const override { return {.fuses = true, .scales = true}; }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<LineMaker>(options_, context);
  }

 private:
  const StageOptions& options_;
};

}  // namespace

std::unique_ptr<Stage> make_reducer_lines(const StageSpec& spec) {
  return std::make_unique<LineMakerStage>(spec.options);
}

}  // namespace gorun::jobs
