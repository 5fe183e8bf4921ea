// cli/markup.h - texts of a run as XML and HTML hold them: secrets masked, the rest escaped.
//
// Masked first: an escaped secret would be another text, which nobody looks for. What XML cannot
// hold (control characters, bytes that are no UTF-8) is "?".
#pragma once

#include <string>
#include <string_view>

#include "jobs/secrets.h"

namespace gorun::cli {

class Markup {
 public:
  /// `secrets` outlives this.
  explicit Markup(const jobs::Secrets& secrets) : secrets_(secrets) {}

  /// `bytes` as the text of an element or the value of an attribute.
  [[nodiscard]] std::string text(std::string_view bytes) const;

  /// ` name="value"`.
  [[nodiscard]] std::string attribute(std::string_view name, std::string_view value) const;

 private:
  const jobs::Secrets& secrets_;
};

}  // namespace gorun::cli
