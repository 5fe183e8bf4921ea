#include "cli/hash_output.h"

#include <cerrno>

#include "cli/standard_output.h"
#include "runtime/blocking.h"

namespace gorun::cli {
namespace {

constexpr std::size_t kWriteBytes = std::size_t{64} << 10;

}  // namespace

void HashOutput::say(std::string_view name, std::string_view verdict) {
  if (name.find_first_of("\\\n\r") != std::string_view::npos) text_ += '\\';
  for (const char c : name) {
    if (c == '\\' || c == '\n' || c == '\r') {
      text_ += {'\\', c == '\n' ? 'n' : c == '\r' ? 'r' : '\\'};
    } else {
      text_ += c;
    }
  }
  text_.append(": ").append(verdict) += '\n';
}

bool HashOutput::flush_if_full() { return text_.size() < kWriteBytes || flush(); }

bool HashOutput::flush() {
  if (is_closed_) return false;
  int error = 0;
  runtime::blocking([&] { error = write_to_stdout(text_); });
  text_.clear();
  if (error == 0) return true;
  is_closed_ = true;
  if (error != EPIPE) status_ = report_stdout_failure(error);
  return false;
}

}  // namespace gorun::cli
