// The kind "map": gives items a new text or fields.
//
// "text" is evaluated first, "replace" then works on the text, in the order written; "fields" see
// the item as it came in. An item that lacks a field a template asks for is a failure: a text with
// a hole in it would be a wrong result that nobody notices.
#include <re2/re2.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

class Map final : public Operator {
 public:
  Map(const StageOptions& options, Context& context) : context_(context) {
    if (options.has("text")) text_ = &options.text_template("text");
    if (options.has("fields")) fields_ = &options.named_templates("fields");
    if (options.has("replace")) {
      for (const Replacement& replacement : options.replacements("replace")) {
        replacements_.push_back(
            {std::make_unique<RE2>(replacement.pattern, RE2::Quiet), replacement.with});
      }
    }
  }

  Flow process(Batch&& batch, Out& out) override {
    std::size_t kept = 0;
    for (Item& item : batch.items()) {
      const Item before = item;
      const auto missing = map(batch, &item);
      if (!missing) {
        batch.items()[kept++] = item;
        continue;
      }
      Failure failure{FailureKind::kWork,
                      "the item has no field "
                      " + std::string(*missing) + "
                      "",
                      {}};
      if (context_.fail_item(before, std::move(failure)) == Flow::kStop) return Flow::kStop;
    }
    batch.truncate(kept);
    return out.send(std::move(batch));
  }

 private:
  struct Replace {
    std::unique_ptr<RE2> pattern;
    std::string with;
  };

  // The name of a field that a template asks for and the item has not.
  using Missing = std::optional<std::string_view>;

  Missing map(Batch& batch, Item* item) {
    const Item before = *item;
    if (fields_ != nullptr) {
      made_.clear();
      for (const auto& [name, value] : *fields_) {
        if (const Missing missing = evaluate(value, before)) return missing;
        made_.push_back({name, batch.copy(scratch_)});
      }
      batch.set_fields(item, made_);
    }
    if (text_ == nullptr && replacements_.empty()) return std::nullopt;
    if (text_ == nullptr) {
      scratch_.assign(before.text);
    } else if (const Missing missing = evaluate(*text_, before)) {
      return missing;
    }
    for (const Replace& replace : replacements_) {
      RE2::GlobalReplace(&scratch_, *replace.pattern, replace.with);
    }
    item->text = batch.copy(scratch_);
    return std::nullopt;
  }

  // Leaves the text in scratch_.
  Missing evaluate(const Template& text, const Item& item) {
    scratch_.clear();
    return text.append_to(&scratch_, TemplateItem(item, context_.run_status()));
  }

  Context& context_;
  const Template* text_ = nullptr;
  const NamedTemplates* fields_ = nullptr;
  std::vector<Replace> replacements_;
  std::vector<Field> made_;  // of the item at hand
  std::string scratch_;
};

class MapStage final : public Stage {
 public:
  explicit MapStage(const StageSpec& spec) : spec_(spec) {}
  [[nodiscard]] StageTraits traits() const override {
    return {.workers = spec_.workers, .fuses = true, .scales = true};
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<Map>(spec_.options, context);
  }

 private:
  const StageSpec& spec_;
};

}  // namespace

StageRow make_map(const StageSpec& spec) { return row_of(std::make_unique<MapStage>(spec)); }

}  // namespace gorun::jobs
