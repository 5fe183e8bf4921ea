// jobs/secrets.h - values that nobody may read in what gorun says.
//
// A var with "secret": true gives its value to commands and to nothing else. Whatever gorun says by
// itself - mistakes, failures, logs, reports, plans - goes through masked().
//
// Messages quote and cut what they name, so a secret is looked for in each of the forms in which
// they show a text, a secret of several lines also line by line, and a long secret also by its
// beginning: a message that was cut may hold no more than that. The password in a URL is a secret,
// too, wherever it comes from (jobs/url_password.h).
// Not masked: data. What a command prints, or a stage writes, is the job's own doing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gorun::jobs {

/// A plain value. threads: const members from any.
class Secrets {
 public:
  /// From here on `value` is masked; an empty one is no secret.
  void add(std::string_view value);
  /// What `others` masks is masked here as well.
  void add(const Secrets& others) {
    for (const std::string& form : others.forms_) add_form(form);
  }

  [[nodiscard]] bool empty() const { return forms_.empty(); }

  /// `text` with "***" in place of every secret, and of the user and the password of every URL.
  [[nodiscard]] std::string masked(std::string text) const;

 private:
  void add_form(std::string form);
  [[nodiscard]] std::size_t cut_secret(std::string_view text, std::size_t dots) const;

  std::vector<std::string> forms_;  // none empty, none twice
};

}  // namespace gorun::jobs
