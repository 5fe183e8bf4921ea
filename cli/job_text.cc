#include "cli/job_text.h"

#include "jobs/format/json_text.h"

namespace gorun::cli {

std::string without_expressions(std::string_view word) {
  std::string out;
  for (std::size_t at = 0;;) {
    const std::size_t open = word.find("${{", at);
    out += word.substr(at, open - at);
    if (open == std::string_view::npos) return out;
    out += "$${{";
    at = open + 3;
  }
}

void add_string(std::string_view key, std::string_view value, std::string* out) {
  out->append(", \"").append(key).append("\": ");
  jobs::append_json_string(value, out);
}

}  // namespace gorun::cli
