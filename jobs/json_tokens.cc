#include "jobs/json_tokens.h"

#include <algorithm>

namespace gorun::jobs {
namespace {

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_json_digit(text[at])) ++at;
  return at;
}

}  // namespace

std::size_t skip_json_blanks(std::string_view text, std::size_t at) {
  while (true) {
    at = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("//")) {
      at = std::min(text.find('\n', at), text.size());
    } else if (rest.starts_with("/*")) {
      const std::size_t end = text.find("*/", at + 2);
      if (end == std::string_view::npos) return at;
      at = end + 2;
    } else {
      return at;
    }
  }
}

std::size_t json_string_end(std::string_view text, std::size_t begin) {
  std::size_t at = begin + 1;
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return std::min(at + 1, text.size());
}

std::size_t json_number_end(std::string_view text, std::size_t begin) {
  std::size_t at = begin;
  const auto next_is = [&](std::string_view any) {
    return at < text.size() && any.find(text[at]) != std::string_view::npos;
  };
  if (next_is("-")) ++at;
  const std::size_t whole = next_is("0") ? at + 1 : skip_digits(text, at);
  if (whole == at) return begin;
  at = whole;
  if (next_is(".")) {
    const std::size_t fraction = skip_digits(text, at + 1);
    if (fraction == at + 1) return at;
    at = fraction;
  }
  if (next_is("eE")) {
    const std::size_t before = at;
    ++at;
    if (next_is("+-")) ++at;
    const std::size_t exponent = skip_digits(text, at);
    if (exponent == at) return before;
    at = exponent;
  }
  return at;
}

}  // namespace gorun::jobs
