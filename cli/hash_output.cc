#include "cli/hash_output.h"

#include <cerrno>

#include "cli/standard_output.h"
#include "runtime/blocking.h"

namespace gorun::cli {
namespace {

constexpr std::size_t kWriteBytes = std::size_t{64} << 10;

}  // namespace

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
