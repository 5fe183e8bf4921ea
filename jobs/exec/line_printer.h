// jobs/exec/line_printer.h - what a command says, line by line while it runs, each line with a
// prefix that tells who says it.
//
// A line is written whole or not at all yet; the last one gets its line end if it lacks it. A line
// of more than 64 KiB is cut into lines of that length, so that memory is bounded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "jobs/child_pump.h"
#include "jobs/exec/group_printer.h"
#include "jobs/exec/last_lines.h"
#include "jobs/item.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// "[stage] " or "[stage item] "; what could move a cursor is written as an escape.
[[nodiscard]] std::string line_prefix(std::string_view stage, std::string_view item);

/// The lines of one stream of one command. threads  one at a time, on a goroutine.
class LinePrinter {
 public:
  LinePrinter(GroupPrinter& printer, ChildStream stream, std::string prefix)
      : printer_(printer), stream_(stream), prefix_(std::move(prefix)) {}

  /// As GroupPrinter::print().
  [[nodiscard]] std::optional<SystemError> take(std::string_view bytes);
  [[nodiscard]] std::optional<SystemError> finish();

  /// Of what it has taken; whether or not it could be shown.
  [[nodiscard]] std::string_view last_lines() const { return tail_.last_lines(); }

 private:
  [[nodiscard]] std::optional<SystemError> print(const std::string& text);

  GroupPrinter& printer_;
  const ChildStream stream_;
  const std::string prefix_;
  std::string line_;  // begun and not ended
  OutputTail tail_;
};

}  // namespace gorun::jobs
