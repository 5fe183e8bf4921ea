// jobs/exec/command_maker.h - from the options of an exec stage and the items at hand to a Command.
//
// An item's text reaches a command as one argument, whatever it holds; a shell script gets the
// items as "$1", "$2", ... and is never edited. Of several items in one command, every argument
// that refers to an item is repeated for each of them, in their order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "jobs/exec/jobserver.h"
#include "jobs/graph.h"
#include "jobs/item.h"
#include "jobs/stage_options.h"
#include "jobs/subprocess.h"

namespace gorun::jobs {

/// threads  one at a time: one for each worker.
class CommandMaker {
 public:
  /// All outlive this.
  /// environment  what the job adds to that of every command.  jobserver  nullptr: there is none.
  /// slot         what {%} stands for.
  CommandMaker(const StageOptions& options, const Environment& environment,
               const Jobserver* jobserver, std::uint64_t slot);

  /// Fills argv, file, cwd, environment, inherited and nice; the command's other members are left
  /// alone.
  /// number      what {#} stands for.
  /// run_status  what ${{ run.status }} does.
  /// returns     nothing, or what is wrong with the items.
  [[nodiscard]] std::optional<std::string> make(std::span<const Item> items, std::uint64_t number,
                                                std::string_view run_status, Command* command);

  /// The command for a message, not too long.
  [[nodiscard]] std::string shown(const Command& command) const;

 private:
  [[nodiscard]] std::optional<std::string> make_argv(std::span<const Item> items,
                                                     std::uint64_t number,
                                                     std::string_view run_status, Command* command);
  [[nodiscard]] std::optional<std::string> make_environment(const ItemView& view);
  void look_up(Command* command);

  const StageOptions& options_;
  // Looked up by name once; null: none.
  const std::string* const shell_;
  const std::vector<Template>* const argv_;
  const Template* const cwd_;
  const int nice_;
  const Environment& additions_;
  const Jobserver* const jobserver_;
  const std::uint64_t slot_;
  bool environment_varies_ = false;
  std::shared_ptr<const EnvironmentBlock> environment_;
  std::string program_;  // argv[0] of the last command, and where it was found
  std::string file_;
};

}  // namespace gorun::jobs
