#include "jobs/exec/group_printer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "jobs/format/github_text.h"
#include "runtime/blocking.h"
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
  if (group.out.size() + group.err.size() == 0) return std::nullopt;
  const std::lock_guard<runtime::Mutex> hold(turn());
  if (!group.title.empty()) return print_folded(group);
  if (auto error = print(group.out, stdout_)) return error;
  return print(group.err, stderr_);
}

std::optional<SystemError> GroupPrinter::print_folded(const Group& group) {
  const bool folds_both = is_one_stream();
  if (!folds_both) {
    if (auto error = print(group.out, stdout_)) return error;
    if (group.err.size() == 0) return std::nullopt;
  }
  if (auto error = write(github_group(group.title), stderr_)) return error;
  if (folds_both) {
    if (auto error = print(group.out, stdout_)) return error;
  }
  if (auto error = print(group.err, stderr_)) return error;
  // On a line of its own, although a command may end in the middle of one.
  return write((last_byte_ == '\n' ? "" : "\n") + std::string(kGithubEndGroup), stderr_);
}

std::uint64_t GroupPrinter::shown_bytes(const Group& group) const {
  return std::min(group.out.size(), max_output_) + std::min(group.err.size(), max_output_);
}

Expected<GroupPrinter::Group, SystemError> GroupPrinter::held(const Group& group) const {
  Group texts{.out = {}, .err = {}, .title = group.title};
  const auto keep = [this](const Said& said, std::string* text) {
    return show(said, [text](std::string_view piece) {
      text->append(piece);
      return Flow::kMore;
    });
  };
  if (auto error = keep(group.out, &texts.out.text)) return *std::move(error);
  if (auto error = keep(group.err, &texts.err.text)) return *std::move(error);
  return texts;
}

Expected<GroupPrinter::Group, SystemError> GroupPrinter::moved(const Group& group,
                                                               OutputSpool* to) const {
  constexpr std::string_view kCall = "keep the output of a command";
  Group waiting{.out = {}, .err = {}, .title = group.title};
  const auto opened = runtime::blocking(runtime::Blocking::kBrief, [to] { return to->open(); });
  if (!opened) return opened.error();
  const auto move = [&](const Said& said, Said* there) -> std::optional<SystemError> {
    const auto size = [to] {
      return runtime::blocking(runtime::Blocking::kBrief, [to] { return to->size(); });
    };
    int failed = 0;
    there->spool = to;
    there->begin = size();
    auto unread = show(said, [&](std::string_view piece) {
      failed = runtime::blocking(runtime::Blocking::kBrief, [&] { return to->append(piece); });
      return failed == 0 ? Flow::kMore : Flow::kStop;
    });
    there->bytes = size() - there->begin;
    if (failed != 0) return SystemError{kCall, failed, {}};
    return unread;
  };
  if (auto error = move(group.out, &waiting.out)) return *std::move(error);
  if (auto error = move(group.err, &waiting.err)) return *std::move(error);
  return waiting;
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

std::optional<SystemError> GroupPrinter::print(const Said& said, OutputFile& to) {
  std::optional<SystemError> unwritten;
  auto unread = show(said, [&](std::string_view piece) {
    unwritten = write(piece, to);
    return unwritten ? Flow::kStop : Flow::kMore;
  });
  return unread ? std::move(unread) : std::move(unwritten);
}

// All of it, or how it began and how it ended.
std::optional<SystemError> GroupPrinter::show(const Said& said, const Take& take) const {
  if (said.spool == nullptr) {
    static_cast<void>(take(said.text));
    return std::nullopt;
  }
  const std::uint64_t end = said.begin + said.bytes;
  if (said.bytes <= max_output_) return read_pieces(*said.spool, said.begin, end, take);
  const KeptParts kept = kept_parts(max_output_);
  char last_byte = '\n';
  Flow flow = Flow::kMore;
  auto error =
      read_pieces(*said.spool, said.begin, said.begin + kept.first, [&](std::string_view piece) {
        last_byte = piece.back();
        flow = take(piece);
        return flow;
      });
  if (error || flow == Flow::kStop) return error;
  const std::string left_out =
      "[gorun: " + std::to_string(said.bytes - max_output_) + " bytes left out]\n";
  if (take((last_byte == '\n' ? "" : "\n") + left_out) == Flow::kStop) return std::nullopt;
  return read_pieces(*said.spool, end - kept.last, end, take);
}

}  // namespace gorun::jobs
