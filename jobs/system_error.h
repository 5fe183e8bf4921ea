// jobs/system_error.h - a failed system call as a value: which call, on what, and why.
#pragma once

#include <string>
#include <string_view>

namespace gorun::jobs {

/// The kernel's text for `error_number`, for example "No such file or directory".
/// threads  any.
[[nodiscard]] std::string errno_text(int error_number);

/// A system call that failed. Made where errno is still that of the call.
struct SystemError {
  std::string_view call;  // "open", "read", ...: static storage
  int error_number = 0;   // an errno value
  std::string subject;    // the path or command concerned, as bytes; may be empty

  /// `cannot open "name": No such file or directory`; the subject is quoted as messages are
  /// (jobs/format/quote.h).
  [[nodiscard]] std::string message() const;
};

}  // namespace gorun::jobs
