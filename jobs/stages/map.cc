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

#include "jobs/item_text.h"
#include "jobs/records/json_document.h"
#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

class Map final : public Operator {
 public:
  Map(const StageOptions& options, Context& context) : context_(context) {
    if (options.has("text")) text_.emplace(options.text_template("text"), context);
    if (options.has("fields")) {
      for (const auto& [name, value] : options.named_templates("fields")) {
        fields_.push_back({name, ItemText(value, context)});
      }
    }
    if (options.has("json")) pointers_ = &options.named_texts("json");
    if (options.has("replace")) {
      for (const Replacement& replacement : options.replacements("replace")) {
        replacements_.push_back(
            {std::make_unique<RE2>(replacement.pattern, RE2::Quiet), replacement.with});
      }
    }
    // Now, where it lies among what is this worker's: of two that fill theirs with the first item,
    // both may lie in one cache line.
    made_.reserve(fields_.size() + (pointers_ != nullptr ? pointers_->size() : 0));
  }

  Flow process(Batch&& batch, Out& out) override {
    std::size_t kept = 0;
    for (Item& item : batch.items()) {
      const Item before = item;
      auto wrong = map(batch, &item);
      if (!wrong) {
        batch.items()[kept++] = item;
        continue;
      }
      if (context_.fail_item(before, {FailureKind::kWork, std::move(*wrong), {}}) == Flow::kStop) {
        return Flow::kStop;
      }
    }
    batch.truncate(kept);
    return out.send(std::move(batch));
  }

 private:
  struct Replace {
    std::unique_ptr<RE2> pattern;
    std::string with;
  };

  struct NamedText {
    std::string_view name;
    ItemText text;
  };

  // Why an item cannot be mapped; nothing: it is.
  using Wrong = std::optional<std::string>;

  Wrong map(Batch& batch, Item* item) {
    const Item before = *item;
    made_.clear();
    if (pointers_ != nullptr) {
      if (Wrong wrong = take_json(batch, before.text)) return wrong;
    }
    for (auto& [name, value] : fields_) {
      std::string_view text;
      if (const auto missing = value.make(before, &batch, &text)) return lacks(*missing);
      made_.push_back({name, text});
    }
    if (!made_.empty()) batch.set_fields(item, made_);
    if (text_) {
      if (const auto missing = text_->make(before, &batch, &item->text)) return lacks(*missing);
    }
    if (!replacements_.empty()) {
      scratch_.assign(item->text);
      for (const Replace& replace : replacements_) {
        RE2::GlobalReplace(&scratch_, *replace.pattern, replace.with);
      }
      item->text = batch.copy(scratch_);
    }
    return std::nullopt;
  }

  static std::string lacks(std::string_view field) {
    return "the item has no field \"" + std::string(field) + "\"";
  }

  // Appends what the pointers find to made_.
  Wrong take_json(Batch& batch, std::string_view text) {
    if (const auto wrong = document_.parse(text)) return "the text is not JSON: " + *wrong;
    for (const auto& [name, pointer] : *pointers_) {
      const auto found = document_.find(pointer);
      if (found) made_.push_back({name, batch.copy(found->text), found->type});
    }
    return std::nullopt;
  }

  Context& context_;
  std::optional<ItemText> text_;
  std::vector<NamedText> fields_;
  const NamedTexts* pointers_ = nullptr;
  JsonDocument document_;
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
