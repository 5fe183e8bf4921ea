// jobs/item_format.h - items as text: the formats that a result can be written in.
//
//   text       the item's text and a line feed
//   bytes      the item's text as it is, with nothing between one and the next
//   jsonl      an object of the fields; of an item without fields {"text": ...}
//   csv        a header line with the names of the first item's fields, then a row an item
//   tsv        the same rows without a header, as cut(1) and awk(1) like them
//   sha256sum  the fields digest and path, as sha256sum -c reads them
//   bsd        the fields algorithm, digest and path, tagged: SHA256 (path) = digest
//   hashdeep   the field size, one for each algorithm (or digest and algorithm) and path
//   check      "path: result" of the field result, as sha256sum -c prints it
//
// The columns of csv and tsv are the fields of the first item, in their order; an item without
// fields is a row of its text. A later item may lack a field (the column is empty) but not have
// another: that would be dropped without a word.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/item.h"

namespace gorun::jobs {

/// threads  one at a time.
class ItemFormat {
 public:
  virtual ~ItemFormat() = default;

  /// Appends the item to `out`. Returns what is wrong with it, in which case nothing was appended.
  [[nodiscard]] virtual std::optional<std::string> append(const Item& item, std::string* out) = 0;
};

/// name  one of the formats above, as the table of kinds has it. std::logic_error otherwise.
[[nodiscard]] std::unique_ptr<ItemFormat> make_item_format(std::string_view name);

}  // namespace gorun::jobs
