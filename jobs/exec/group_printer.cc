#include "jobs/exec/group_printer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <utility>

#include "jobs/format/github_text.h"
#include "runtime/sync.h"

namespace gorun::jobs {
namespace {

// The turn on this process's standard streams, which are as global as it is. A goroutine that waits
// for it parks.
runtime::Mutex& turn() {
  static runtime::Mutex mutex;
  return mutex;
}

// True if standard output and standard error go to the same place.
bool is_one_stream() {
  struct stat out = {};
  struct stat err = {};
  return ::fstat(STDOUT_FILENO, &out) == 0 && ::fstat(STDERR_FILENO, &err) == 0 &&
         out.st_dev == err.st_dev && out.st_ino == err.st_ino;
}

}  // namespace

GroupPrinter::GroupPrinter(int cancel_fd, std::uint64_t max_output)
    : max_output_(max_output),
      stdout_(STDOUT_FILENO, cancel_fd),
      stderr_(STDERR_FILENO, cancel_fd) {}

std::optional<SystemError> GroupPrinter::print(const Group& group) {
  if (group.out_bytes + group.err_bytes == 0) return std::nullopt;
  const std::lock_guard<runtime::Mutex> hold(turn());
  if (!group.title.empty()) return print_folded(group);
  if (auto error = print(group.out, group.out_bytes, stdout_)) return error;
  return print(group.err, group.err_bytes, stderr_);
}

std::optional<SystemError> GroupPrinter::print_folded(const Group& group) {
  const bool folds_both = is_one_stream();
  if (!folds_both) {
    if (auto error = print(group.out, group.out_bytes, stdout_)) return error;
    if (group.err_bytes == 0) return std::nullopt;
  }
  if (auto error = write(github_group(group.title), stderr_)) return error;
  if (folds_both) {
    if (auto error = print(group.out, group.out_bytes, stdout_)) return error;
  }
  if (auto error = print(group.err, group.err_bytes, stderr_)) return error;
  // On a line of its own, although a command may end in the middle of one.
  return write((last_byte_ == '\n' ? "" : "\n") + std::string(kGithubEndGroup), stderr_);
}

std::optional<SystemError> GroupPrinter::print_to_stdout(std::string_view text) {
  const std::lock_guard<runtime::Mutex> hold(turn());
  return write(text, stdout_);
}

std::optional<SystemError> GroupPrinter::print_to_stderr(std::string_view text) {
  const std::lock_guard<runtime::Mutex> hold(turn());
  return write(text, stderr_);
}

std::optional<SystemError> GroupPrinter::write(std::string_view text, OutputFile& to) {
  if (!to.is_open()) {
    if (auto error = to.open()) return error;
  }
  if (!text.empty()) last_byte_ = text.back();
  return to.write(text);
}

std::optional<SystemError> GroupPrinter::print(const OutputSpool& spool, std::uint64_t bytes,
                                               OutputFile& to) {
  if (bytes <= max_output_) return print(spool, 0, bytes, to);
  const KeptParts kept = kept_parts(max_output_);
  if (auto error = print(spool, 0, kept.first, to)) return error;
  const std::string left_out =
      "[gorun: " + std::to_string(bytes - max_output_) + " bytes left out]\n";
  if (auto error = write((last_byte_ == '\n' ? "" : "\n") + left_out, to)) return error;
  return print(spool, bytes - kept.last, bytes, to);
}

std::optional<SystemError> GroupPrinter::print(const OutputSpool& spool, std::uint64_t begin,
                                               std::uint64_t end, OutputFile& to) {
  std::optional<SystemError> unwritten;
  auto unread = read_pieces(spool, begin, end, [&](std::string_view piece) {
    unwritten = write(piece, to);
    return unwritten ? Flow::kStop : Flow::kMore;
  });
  return unread ? std::move(unread) : std::move(unwritten);
}

}  // namespace gorun::jobs
