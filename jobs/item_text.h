// jobs/item_text.h - the text that a template makes of an item, put straight into the item's batch.
//
// Most templates are literals, the item and its fields: their text has a length that is known
// before a byte is written, so it is written once, where it stays. A template that is the item or
// one field alone makes nothing at all: its text is a view of what is there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/batch.h"
#include "jobs/item.h"
#include "jobs/stage.h"
#include "jobs/template.h"

namespace gorun::jobs {

/// threads  one at a time.
class ItemText {
 public:
  /// Both outlive this.
  ItemText(const Template& text, const Context& context);

  /// Makes the text of `item`, which `batch` holds, and sets `text` to it; `batch` holds that, too.
  /// returns the name of a field that the item lacks; nothing: the text is made.
  [[nodiscard]] std::optional<std::string_view> make(const Item& item, Batch* batch,
                                                     std::string_view* text);

 private:
  const Template& template_;
  const Context& context_;
  bool is_plain_;                        // literals, the item, fields
  std::vector<std::string_view> views_;  // by part, of the item at hand
  std::string scratch_;
};

}  // namespace gorun::jobs
