// jobs/exec/up_to_date.h - whether a command has to run, or what it would make is there already.
//
// A command that names its files ("inputs", "outputs") is up to date if nothing that it depends on
// is different from its last success: its arguments, the directory, its standard input, the
// variables that the job file adds to its environment, and what its inputs and outputs hold. What
// it was then is its success record (exec/success_record.h).
//
// Files are compared by what they hold; one whose stamp is as it was is not read again. What a
// command reads without saying so is not looked at, as in make: PATH, the compiler, other files.
//
// Invariants
//   I1  A record speaks of what the inputs held before the command started. One that changed while
//       it ran leaves no record: nobody knows which state the command has seen.
//   I2  From before() on until after_success() there is no record.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/exec/path_set.h"
#include "jobs/exec/record_store.h"
#include "jobs/exec/success_record.h"
#include "jobs/graph.h"
#include "jobs/item.h"
#include "jobs/subprocess.h"

namespace gorun::jobs {

/// True if commands with these options are checked: they name files, and "cache" is not false.
[[nodiscard]] bool is_checked(const StageOptions& options);

/// The commands of one stage, one after the other.
/// threads  one at a time, on a goroutine or outside of any; reads files and marks what may block.
class UpToDate {
 public:
  enum class Trust : std::uint8_t {
    kStamps,   // a file with the stamp that it had is as it was
    kNothing,  // all files are read
  };

  /// Both outlive this; the options are ones that is_checked() is true of.
  UpToDate(const StageSpec& spec, const Graph& graph, Trust trust = Trust::kStamps);

  struct Judgement {
    std::vector<std::string> reasons;    // to run it; empty: it is up to date
    std::optional<std::string> problem;  // it cannot be run: an input that is not there
    std::string warning;                 // empty: nothing to say
  };
  /// Judges a command; without side effects.
  /// command     with its environment.
  /// run_status  as in ItemView.
  [[nodiscard]] Judgement judge(const Command& command, std::span<const Item> items,
                                std::string_view run_status);

  /// The command that was judged last is about to start. returns a warning, or nothing.
  [[nodiscard]] std::string before();

  struct Kept {
    std::optional<std::string> problem = {};  // an output that the command has not made
    std::string warning = {};                 // why no record was left; empty: there is one
  };
  /// It has succeeded.
  [[nodiscard]] Kept after_success();

 private:
  using Files = std::vector<FileRecord>;
  using Paths = std::vector<std::string>;

  [[nodiscard]] std::optional<std::string> find(std::string_view option, const Paths& patterns,
                                                PathSet* set) const;
  [[nodiscard]] std::optional<std::string> look_at(const Paths& names, const Files& known,
                                                   Files* files);
  [[nodiscard]] std::optional<std::string> patterns_of(std::string_view option,
                                                       std::span<const Item> items,
                                                       std::string_view run_status,
                                                       Paths* patterns) const;
  void describe(const Command& command, std::span<const Item> items);
  [[nodiscard]] std::optional<std::string> first_changed_input() const;

  const StageSpec& spec_;
  const Graph& graph_;
  const Trust trust_;
  RecordStore store_;
  std::vector<char> buffer_;  // for contents, when some are read
  // Of the command that was judged last.
  std::string key_;
  std::string directory_;
  SuccessRecord now_;
  Paths input_names_;  // as now_.inputs, not masked
  Paths output_patterns_;
};

/// What can be said of a stage's command before it runs.
struct Forecast {
  enum class What : std::uint8_t {
    kUnchecked,  // it always runs
    kForItems,   // it takes items, and each is checked when it comes
    kUpToDate,
    kRuns,    // for `reasons`
    kBroken,  // `reasons` is the one why it cannot
  };
  What what = What::kUnchecked;
  std::vector<std::string> reasons = {};
  std::string warning = {};
};

/// Without side effects. spec  of `graph`, of the kind exec.
[[nodiscard]] Forecast forecast(const Graph& graph, const StageSpec& spec);

}  // namespace gorun::jobs
