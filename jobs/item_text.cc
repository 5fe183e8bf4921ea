#include "jobs/item_text.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace gorun::jobs {

using What = TemplatePart::What;

ItemText::ItemText(const Template& text, const Context& context)
    : template_(text),
      context_(context),
      is_plain_(std::ranges::all_of(text.parts(),
                                    [](const TemplatePart& part) {
                                      return part.what == What::kLiteral ||
                                             part.what == What::kItem || part.what == What::kField;
                                    })),
      views_(text.parts().size()) {}

std::optional<std::string_view> ItemText::make(const Item& item, Batch* batch,
                                               std::string_view* text) {
  if (!is_plain_) {
    scratch_.clear();
    const auto missing = template_.append_to(&scratch_, TemplateItem(item, context_.run_status()));
    if (!missing) *text = batch->copy(scratch_);
    return missing;
  }
  std::size_t size = 0;
  for (std::size_t i = 0; i < views_.size(); ++i) {
    const TemplatePart& part = template_.parts()[i];
    if (part.what == What::kField) {
      const Field* field = item.find(part.text);
      if (field == nullptr) return part.text;
      views_[i] = field->value;
    } else {
      views_[i] = part.what == What::kItem ? item.text : std::string_view(part.text);
    }
    size += views_[i].size();
  }
  if (views_.size() == 1) {  // a literal lives as long as the run
    *text = views_.front();
    return std::nullopt;
  }
  char* at = batch->allocate(size);
  *text = {at, size};
  for (const std::string_view view : views_) {
    if (!view.empty()) std::memcpy(at, view.data(), view.size());
    at += view.size();
  }
  return std::nullopt;
}

}  // namespace gorun::jobs
