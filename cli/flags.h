// cli/flags.h - the tables of commands and flags that the parser and the help texts both read.
//
// A flag is in these rows or nowhere: it cannot be accepted without being described, nor described
// without working. The code that gives a flag its meaning is in cli/options.cc.
#pragma once

#include <span>
#include <string_view>

namespace gorun::cli {

enum class Command : unsigned {
  kRun,
  kMap,
  kCheck,
  kGraph,
  kExplain,
  kStages,
  kSchema,
  kHash,
  kCount,
  kHelp,
};

struct CommandRow {
  Command command;
  std::string_view name;
  std::string_view argument;  // what follows it: "FILE", "[KIND]"
  std::string_view summary;   // one line

  [[nodiscard]] bool takes_job_file() const { return argument.starts_with("FILE"); }
  [[nodiscard]] bool takes_targets() const { return argument == "FILE [TARGET...]"; }
};

/// In the order in which people should meet them.
[[nodiscard]] std::span<const CommandRow> commands();
[[nodiscard]] const CommandRow& row_of(Command command);

struct FlagRow {
  std::string_view short_name;  // "-j"; empty: none
  std::string_view long_name;   // "--jobs"
  std::string_view value;       // what follows it: "N"; empty: nothing
  std::string_view help;        // one line
  unsigned commands;            // the commands that know it, a bit each: 1U << Command
  bool is_hidden = false;       // works, but no help text shows it: for tests

  [[nodiscard]] bool belongs_to(Command command) const {
    return (commands >> static_cast<unsigned>(command) & 1U) != 0;
  }
};

[[nodiscard]] std::span<const FlagRow> flags();

}  // namespace gorun::cli
