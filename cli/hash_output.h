// cli/hash_output.h - what the hash command prints: text that is gathered and written in pieces.
#pragma once

#include <string>
#include <string_view>

#include "cli/exit_code.h"

namespace gorun::cli {

/// threads  one at a time, on a goroutine. Writes in marked blocking sections.
class HashOutput {
 public:
  /// The text to append to.
  [[nodiscard]] std::string& text() { return text_; }

  /// Appends "NAME: VERDICT". The name is escaped as in checksum files, with a backslash in front.
  void say(std::string_view name, std::string_view verdict);

  /// Writes when enough has gathered. False: nobody reads on, or it failed.
  [[nodiscard]] bool flush_if_full();
  /// Writes the rest.
  [[nodiscard]] bool flush();

  /// kOk, or kOutput after a failure that was reported. A reader that has gone is no failure.
  [[nodiscard]] ExitCode status() const { return status_; }

 private:
  std::string text_;
  ExitCode status_ = ExitCode::kOk;
  bool is_closed_ = false;
};

}  // namespace gorun::cli
