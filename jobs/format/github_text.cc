#include "jobs/format/github_text.h"

namespace gorun::jobs {

std::string escape_for_github(std::string_view text, std::string_view forbidden) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (forbidden.find(c) == std::string_view::npos) {
      out += c;
      continue;
    }
    out += '%';
    out += kHex[static_cast<unsigned char>(c) >> 4U];
    out += kHex[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

std::string github_group(std::string_view title) {
  return "::group::" + escape_for_github(title, kGithubMessage) + "\n";
}

}  // namespace gorun::jobs
