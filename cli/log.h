// cli/log.h - what gorun does, for whoever looks for a reason: off unless asked for.
//
// Results go to stdout, errors and the closing report straight to the Screen; the log is the third
// kind of text: "stage started", "12 steals". It goes to the Screen as well, so that a log line
// never tears the progress display. Only this file's .cc knows spdlog.
#pragma once

#include <memory>
#include <string_view>

#include "cli/terminal.h"

namespace gorun::cli {

enum class LogLevel { kOff, kWarn, kInfo, kDebug };

/// The log of the process. Messages are printable() already or come from gorun itself.
class Log {
 public:
  /// screen  outlives the Log.
  Log(Screen& screen, LogLevel level);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// threads: any, but not between fork and exec.
  void warn(std::string_view message) const;
  void info(std::string_view message) const;
  void debug(std::string_view message) const;

  /// True if debug() shows anything: for messages that cost something to make.
  [[nodiscard]] bool shows_debug() const;

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

}  // namespace gorun::cli
