// jobs/exec/command_runner.h - runs commands one after the other, for one worker of an exec stage.
//
// Start, wait and reaping of a child whose output nobody reads while it runs are one marked
// blocking call on the thread that the worker has anyway: what a command prints as a "group" goes
// to files (exec/output_spool.h), its input comes from one. A child whose output streams has pipes
// (child_pump.h), which are always drained; before every wait what it has said so far is passed on.
// Items of an attempt that may be followed by another one come from a file when it has succeeded.
// When whoever reads what commands say has gone (`gorun job.json | head`), the next command is not
// begun, and one that says more gets SIGPIPE, as one in a pipe of a shell; what is left undone for
// that shows in the outcome of the run. What was done, and what has failed, stays so.
// When the run is stopped the child's group is ended and the worker leaves without a failure of its
// own.
//
// A command that is fed many items ("stdin": "items") has two goroutines: a second one takes the
// items and writes them (exec/item_feed.h), while the worker's own drains what the command says.
// Neither waits for the other, so a command may answer as late, as early and as much as it likes.
// A reducer is fed lines that belong together: where one fails, no other can go on in its place.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "jobs/batch.h"
#include "jobs/child_pump.h"
#include "jobs/exec/command_files.h"
#include "jobs/exec/command_maker.h"
#include "jobs/exec/feeding.h"
#include "jobs/exec/group_printer.h"
#include "jobs/exec/item_feed.h"
#include "jobs/exec/output_spool.h"
#include "jobs/graph.h"
#include "jobs/out.h"
#include "jobs/record_limit.h"
#include "jobs/stage.h"
#include "jobs/subprocess.h"

namespace gorun::jobs {

/// What the workers of one exec stage share.
struct ExecShared {
  const StageSpec& spec;
  std::uint64_t workers = 0;              // made so far, before any runs
  std::atomic<std::uint64_t> started{0};  // commands; relaxed: only the numbers matter
  // Whoever read what commands say has gone; relaxed: a command that begins all the same finds it
  // out by itself.
  std::atomic<bool> reader_has_gone{false};
  // Whoever takes the items that commands make wants no more; relaxed: it is set before the inbox
  // closes for that.
  std::atomic<bool> has_made_enough{false};
};

/// What follows when something that a command has said cannot be written. A reader that has gone
/// takes nothing back from what is done; the next command finds that out.
/// threads  any goroutine.
Flow fail_to_write(const SystemError& error, ExecShared& shared, Context& context);

/// threads  the goroutine of one worker.
class CommandRunner {
 public:
  /// Both outlive it.
  CommandRunner(ExecShared& shared, Context& context);

  /// Runs the command for these items, which `batch` keeps; for none, when it runs once.
  Flow run(std::span<const Item> items, const Batch& batch, Out& out);

  /// Runs a command that is fed `first` (nothing: an empty input) and all items that the context
  /// gives beyond; another one, if it failed and that was let go.
  Flow run_fed(std::optional<Batch> first, Out& out);

  /// Runs a command that is fed lines, all of which it has to read; else the stage has failed.
  ///
  /// unreadable_fd  readable: `put_all` has failed, and said so. Then the command is ended: it must
  ///                not take what there was for all.
  Flow run_reducer(Feeding::PutAll put_all, int unreadable_fd, Out& out);

 private:
  enum class Stdout : std::uint8_t { kInherit, kItems, kBytes, kCapture, kDiscard };
  enum class Output : std::uint8_t { kGroup, kLine, kRaw };
  enum class Stdin : std::uint8_t { kNone, kItem, kItems };

  [[nodiscard]] static Stdin stdin_mode(const std::string& name);
  [[nodiscard]] static Stdout stdout_mode(const std::string& name);
  [[nodiscard]] static Output output_mode(const std::string& name, bool has_item);
  [[nodiscard]] std::uint64_t most_shown() const;
  [[nodiscard]] PumpOptions lasting_pump_options() const;
  [[nodiscard]] PumpOptions pump_options();
  void tend_spools();
  [[nodiscard]] bool has_pipes() const;
  [[nodiscard]] bool sends_as_it_comes() const {
    return stdout_ == Stdout::kItems || stdout_ == Stdout::kBytes;
  }

  [[nodiscard]] std::optional<std::string> make_command();
  [[nodiscard]] Failure failure_with(const std::string& what) const;
  [[nodiscard]] std::optional<Failure> settle(std::optional<Failure> failure,
                                              const ChildResult& result);
  void set_streams();
  Flow fail(const Failure& failure);
  Flow fail_unless_stopped(const Failure& failure);
  Flow break_off(ChildPump& pump);
  [[nodiscard]] bool is_left_undone();
  [[nodiscard]] bool was_cut_off(const ChildResult& result) const;
  [[nodiscard]] bool is_unheard() const;
  Flow leave(const ChildResult& result);
  Flow fail_to_write(const SystemError& error) {
    return jobs::fail_to_write(error, shared_, context_);
  }
  Flow hang_up(const SystemError& error, ChildPump& pump, ChildStream stream);

  [[nodiscard]] bool has_never_run(const ChildResult& result) const;
  [[nodiscard]] std::optional<SystemError> start(const Item& item, std::optional<ChildPump>* pump,
                                                 LaunchRoom* room = nullptr);
  Flow run_to_end(const Item& item, Out& out);
  Flow run_streaming(const Item& item, const Batch& batch, Out& out);
  Flow start_fed(std::optional<ChildPump>* pump, std::optional<ItemFeed>* feed);
  Flow run_one_fed(std::optional<Batch>* next, Out& out);
  Flow end_fed(const ChildResult& result, std::optional<Failure>* failure);
  Flow report_fed(const ChildResult& result, const ItemFeed::End& end, std::optional<Batch>* next);
  Flow blame_last(Failure failure, const ItemFeed::End& end, std::optional<Batch>* next);
  Flow refuse(std::span<const Item> items, const ChildResult& result);
  Flow refuse_the_rest(std::optional<Batch>* next, const ChildResult& result);

  [[nodiscard]] ChildOutput next(ChildPump& pump);
  [[nodiscard]] std::string masked(std::string_view text) const;
  [[nodiscard]] std::string prefix_of(const Item& item) const;
  [[nodiscard]] std::optional<SystemError> say(const std::string& what);
  void tell_trouble(const ChildPump& pump, const ChildOutput& seen);
  Flow emit(ChildPump& pump, const Item& item, const Batch& batch, Out& out);
  Flow emit_lines(ChildPump& pump, const Item& item, const Batch& batch, Out& out);
  void refuse_record(std::uint64_t at);
  void look_for_long_record();
  Flow emit_spooled(const Item& item, const Batch& batch, Out& out);
  Flow emit_all(ChildPump& pump, const Item& item, const Batch& batch, Out& out);

  Flow show_and_judge(const ChildResult& result, std::uint64_t out_bytes, std::uint64_t err_bytes,
                      Out& out);
  [[nodiscard]] std::string last_lines_said(std::uint64_t out_bytes, std::uint64_t err_bytes) const;
  [[nodiscard]] bool ends_the_run(const std::optional<Failure>& failure) const;
  [[nodiscard]] std::optional<SystemError> show(const ChildResult& result, std::uint64_t out_bytes,
                                                std::uint64_t err_bytes, Out* in_turn);
  [[nodiscard]] std::optional<SystemError> print_in_turn(const GroupPrinter::Group& group,
                                                         Out& out);
  [[nodiscard]] std::optional<SystemError> tell_left_behind(const ChildResult& result);
  [[nodiscard]] std::optional<Failure> judge(const ChildResult& result) const;

  ExecShared& shared_;
  const StageOptions& options_;
  Context& context_;
  const bool has_item_;
  const Stdin stdin_;
  const Stdout stdout_;
  const Output output_;
  const std::vector<std::int64_t>& ok_codes_;
  const RecordLimit record_limit_;          // of an item that it prints
  const PumpOptions lasting_pump_options_;  // what is the same for all commands
  CommandMaker maker_;
  CommandFiles files_;
  Command command_;
  std::span<const Item> items_;   // of the command at hand
  std::string printed_too_much_;  // why what it has printed is its failure; empty: it is none
  std::string streamed_lines_;    // the last ones of those that were shown while it ran
  bool has_hung_up_ = false;      // it shows nobody what it says
  int unreadable_fd_ = -1;        // of a reducer
  LaunchRoom room_;               // of a command that is run to its end
  FileDescriptor input_;
  FileDescriptor
      feed_pipe_;  // our end of the input of a command that is fed, until its feed has it
  OutputSpool out_spool_;
  OutputSpool err_spool_;
  std::shared_ptr<OutputSpool> waiting_;  // large groups whose turn has not come; nullptr: none yet
  GroupPrinter printer_;
};

}  // namespace gorun::jobs
