#include "jobs/url_password.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace gorun::jobs {
namespace {

constexpr std::string_view kBeforeUser = "://";
constexpr std::string_view kUrlMask = "***";
constexpr std::string_view kCut = "...";

bool ends_url(char c) {
  return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '\'' || c == '`' || c == '<' ||
         c == '>' || c == '\x7f';
}

bool is_port(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Bytes of what is to be masked at the beginning of `url`, what stands behind the slashes; 0:
// nothing.
std::size_t telling_bytes(std::string_view url) {
  const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  const std::size_t colon = authority.find(':');
  if (colon == std::string_view::npos) return 0;
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos) return colon < at ? at : 0;
  // "host:80", or "[::1]"; anything else is a user, and a password that holds what ends one.
  if (authority.starts_with('[') || is_port(authority.substr(colon + 1))) return 0;
  const std::size_t later = url.rfind('@');
  if (later != std::string_view::npos) return later;
  const std::size_t cut = url.find(kCut);
  return cut == std::string_view::npos ? 0 : cut;
}

}  // namespace

std::string mask_url_passwords(std::string text) {
  std::size_t begin = text.find(kBeforeUser);
  while (begin != std::string::npos) {
    begin += kBeforeUser.size();
    const std::string_view rest = std::string_view(text).substr(begin);
    const auto end = std::ranges::find_if(rest, ends_url);
    const std::string_view url = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    if (const std::size_t bytes = telling_bytes(url); bytes > 0) {
      text.replace(begin, bytes, kUrlMask);
    }
    begin = text.find(kBeforeUser, begin);
  }
  return text;
}

}  // namespace gorun::jobs
