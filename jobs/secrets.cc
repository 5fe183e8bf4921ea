#include "jobs/secrets.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "jobs/format/json_text.h"
#include "jobs/format/quote.h"
#include "jobs/url_password.h"
#include "jobs/utf8.h"

namespace gorun::jobs {
namespace {

constexpr std::string_view kMask = "***";

// So much of the beginning of a secret gives it away. Shorter ones are looked for as a whole.
constexpr std::size_t kTellingBytes = 16;
// And so much of it where a message was cut.
constexpr std::size_t kTellingCut = 3;
// A line of a secret with fewer bytes is likely to be a word that stands elsewhere, too.
constexpr std::size_t kTellingLine = 8;

// What stands between the quotes.
std::string unquoted(const std::string& quoted) {
  return quoted.size() < 2 ? quoted : quoted.substr(1, quoted.size() - 2);
}

// As a terminal is shown it: bytes that would drive it, or are not UTF-8, become "?".
std::string shown(std::string_view value) {
  std::string out;
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t length = utf8_length(value, at);
    const auto byte = static_cast<unsigned char>(value[at]);
    if (length == 0 || byte < 0x20 || byte == 0x7f) {
      out += '?';
    } else {
      out += value.substr(at, length);
    }
    at += std::max<std::size_t>(length, 1);
  }
  return out;
}

}  // namespace

void Secrets::add_form(std::string form) {
  if (form.empty() || std::ranges::find(forms_, form) != forms_.end()) return;
  forms_.push_back(std::move(form));
}

void Secrets::add(std::string_view value) {
  if (value.empty()) return;
  add_form(std::string(value));
  add_form(unquoted(quote_for_message(value)));
  std::string word = quote_for_shell(value);
  if (word.starts_with("$'")) word.erase(0, 1);
  add_form(word.starts_with('\'') ? unquoted(word) : word);
  add_form(shown(value));
  std::string json;
  append_json_string(value, &json);
  add_form(unquoted(json));
  if (value.find('\n') == std::string_view::npos) return;
  while (!value.empty()) {
    const std::string_view line = value.substr(0, value.find('\n'));
    if (line.size() >= kTellingLine) add_form(std::string(line));
    value.remove_prefix(std::min(line.size() + 1, value.size()));
  }
}

// Where a secret begins that was cut at `dots`, too early for kTellingBytes; else `dots`.
std::size_t Secrets::cut_secret(std::string_view text, std::size_t dots) const {
  std::size_t longest = 0;
  for (const std::string& form : forms_) {
    const std::size_t most = std::min({kTellingBytes, form.size(), dots});
    for (std::size_t length = most; length >= kTellingCut && length > longest; --length) {
      if (text.substr(dots - length, length) != std::string_view(form).substr(0, length)) continue;
      longest = length;
    }
  }
  return dots - longest;
}

std::string Secrets::masked(std::string text) const {
  text = mask_url_passwords(std::move(text));
  std::vector<std::pair<std::size_t, std::size_t>> found;  // [begin, end)
  for (const std::string& form : forms_) {
    const std::string_view needle = std::string_view(form).substr(0, kTellingBytes);
    for (std::size_t at = text.find(needle); at != std::string::npos;) {
      const auto [differs, unused] = std::mismatch(text.begin() + static_cast<std::ptrdiff_t>(at),
                                                   text.end(), form.begin(), form.end());
      const auto end = static_cast<std::size_t>(differs - text.begin());
      found.emplace_back(at, end);
      at = text.find(needle, end);
    }
  }
  for (std::size_t dots = text.find("..."); dots != std::string::npos;
       dots = text.find("...", dots + 1)) {
    if (const std::size_t begin = cut_secret(text, dots); begin < dots) {
      found.emplace_back(begin, dots);
    }
  }
  if (found.empty()) return text;
  std::ranges::sort(found);
  std::string out;
  std::size_t done = 0;
  for (const auto& [begin, end] : found) {
    if (begin >= done) out.append(text, done, begin - done).append(kMask);
    done = std::max(done, end);
  }
  return out.append(text, done);
}

}  // namespace gorun::jobs
