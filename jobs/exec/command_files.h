// jobs/exec/command_files.h - what is done about the files of a command before it starts and when
// it has ended: it is left out if it is up to date (exec/up_to_date.h), and what it made is kept
// (exec/artifacts.h).
#pragma once

#include <optional>
#include <span>
#include <string>

#include "jobs/exec/artifacts.h"
#include "jobs/exec/up_to_date.h"
#include "jobs/item.h"
#include "jobs/stage.h"
#include "jobs/subprocess.h"

namespace gorun::jobs {

/// threads  the goroutine of one worker.
class CommandFiles {
 public:
  /// Both outlive this.
  CommandFiles(const StageSpec& spec, Context& context);

  struct Before {
    bool is_up_to_date = false;               // it has not to run
    std::optional<std::string> problem = {};  // it cannot, or what it had made could not be kept
  };
  /// items  that the command is for; none, when it runs once.
  [[nodiscard]] Before before(const Command& command, std::span<const Item> items);

  /// returns  why a command that did well has failed after all; nothing: it has not.
  [[nodiscard]] std::optional<std::string> after(const Command& command,
                                                 std::span<const Item> items, CommandEnd end);

 private:
  void warn(std::string what);
  [[nodiscard]] std::optional<std::string> keep(const Command& command, std::span<const Item> items,
                                                CommandEnd end);

  Context& context_;
  std::optional<UpToDate> up_to_date_;  // nothing: the commands always run
  std::optional<Artifacts> artifacts_;  // nothing: they leave none
};

}  // namespace gorun::jobs
