#include "jobs/exec/command_runner.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <tuple>
#include <utility>
#include <vector>

#include "jobs/duration.h"
#include "jobs/exec/last_lines.h"
#include "jobs/exec/start_failure.h"
#include "jobs/held_out.h"
#include "jobs/output_file.h"
#include "jobs/run_options.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// A file of memory that holds `text`, at its beginning.
Expected<FileDescriptor, SystemError> input_file(std::string_view text) {
  constexpr std::string_view kCall = "make a file for the input of a command";
  FileDescriptor file(::memfd_create("gorun-input", MFD_CLOEXEC));
  if (file.is_open() && file.get() <= 2) {
    file = FileDescriptor(::fcntl(file.get(), F_DUPFD_CLOEXEC, 3));
  }
  if (!file.is_open()) return SystemError{kCall, errno, {}};
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t wrote = ::write(file.get(), rest.data(), rest.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return SystemError{kCall, errno, {}};
    rest.remove_prefix(static_cast<std::size_t>(wrote));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

}  // namespace

Flow fail_to_write(const SystemError& error, ExecShared& shared, Context& context) {
  if (error.error_number == ECANCELED) return Flow::kStop;
  if (error.error_number != EPIPE) {
    return context.fail({FailureKind::kOutput, error.message(), {}});
  }
  shared.reader_has_gone.store(true, std::memory_order_relaxed);
  return Flow::kMore;
}

CommandRunner::Stdin CommandRunner::stdin_mode(const std::string& name) {
  if (name == "items") return Stdin::kItems;
  return name == "item" ? Stdin::kItem : Stdin::kNone;
}

CommandRunner::Stdout CommandRunner::stdout_mode(const std::string& name) {
  if (name == "items") return Stdout::kItems;
  if (name == "bytes") return Stdout::kBytes;
  if (name == "capture") return Stdout::kCapture;
  return name == "discard" ? Stdout::kDiscard : Stdout::kInherit;
}

CommandRunner::Output CommandRunner::output_mode(const std::string& name, bool has_item) {
  if (name == "auto") return has_item ? Output::kGroup : Output::kRaw;
  if (name == "line") return Output::kLine;
  return name == "raw" ? Output::kRaw : Output::kGroup;
}

CommandRunner::CommandRunner(ExecShared& shared, Context& context)
    : shared_(shared),
      options_(shared.spec.options),
      context_(context),
      has_item_(!shared.spec.inputs.empty()),
      stdin_(stdin_mode(options_.text("stdin"))),
      stdout_(stdout_mode(options_.text("stdout"))),
      output_(output_mode(options_.text("output"), has_item_)),
      ok_codes_(options_.integers("ok_codes")),
      record_limit_(record_limit(options_)),
      lasting_pump_options_(lasting_pump_options()),
      maker_(options_, context.graph().env, context.run_options().jobserver, ++shared.workers),
      files_(shared.spec, context),
      printer_(context.cancel_fd(), most_shown()) {}

// ---- the command -----------------------------------------------------------------------------

std::optional<std::string> CommandRunner::make_command() {
  printed_too_much_.clear();
  streamed_lines_.clear();
  has_hung_up_ = false;
  const std::uint64_t number = shared_.started.fetch_add(1, std::memory_order_relaxed) + 1;
  auto wrong = maker_.make(items_, number, context_.run_status(), &command_);
  if (!wrong) set_streams();
  return wrong;
}

Failure CommandRunner::failure_with(const std::string& what) const {
  return {.kind = FailureKind::kWork, .what = maker_.shown(command_) + ": " + what, .item = {}};
}

// What a command that has come to its end leaves to do.
// failure  its own.  returns  it, or what failed here.
std::optional<Failure> CommandRunner::settle(std::optional<Failure> failure,
                                             const ChildResult& result) {
  if (was_cut_off(result)) return failure;
  const CommandEnd end = failure ? CommandEnd::kFailed : CommandEnd::kSucceeded;
  if (const auto wrong = files_.after(command_, items_, end)) return failure_with(*wrong);
  return failure;
}

std::uint64_t CommandRunner::most_shown() const {
  if (options_.has("max_output")) return static_cast<std::uint64_t>(options_.integer("max_output"));
  return std::numeric_limits<std::uint64_t>::max();
}

void CommandRunner::set_streams() {
  const StreamMode shown = output_ == Output::kRaw    ? StreamMode::kInherit
                           : output_ == Output::kLine ? StreamMode::kPipe
                                                      : StreamMode::kFile;
  command_.stdin_mode = stdin_ == Stdin::kItem    ? StreamMode::kFile
                        : stdin_ == Stdin::kItems ? StreamMode::kPipe
                                                  : StreamMode::kNull;
  // What an attempt says may be said again by the next one: until it has succeeded that waits in a
  // file, however much it is.
  const StreamMode sent =
      sends_as_it_comes() && context_.may_retry() ? StreamMode::kFile : StreamMode::kPipe;
  command_.stdout_mode = stdout_ == Stdout::kInherit   ? shown
                         : stdout_ == Stdout::kDiscard ? StreamMode::kNull
                                                       : sent;
  command_.stderr_mode = shown;
}

bool CommandRunner::has_pipes() const {
  return command_.stdout_mode == StreamMode::kPipe || command_.stderr_mode == StreamMode::kPipe;
}

PumpOptions CommandRunner::lasting_pump_options() const {
  const auto milliseconds = [this](std::string_view option) {
    return std::chrono::ceil<std::chrono::milliseconds>(
        std::chrono::nanoseconds(options_.integer(option)));
  };
  PumpOptions options;
  if (const auto limit = context_.timeout()) {
    options.timeout = std::chrono::ceil<std::chrono::milliseconds>(*limit);
  }
  options.kill_after = milliseconds("kill_after");
  options.pipe_grace = milliseconds("grace");
  if (options_.has("heartbeat")) options.heartbeat = milliseconds("heartbeat");
  return options;
}

PumpOptions CommandRunner::pump_options() {
  PumpOptions options = lasting_pump_options_;
  options.stop_fd = context_.cancel_fd();
  options.other_stop_fd = unreadable_fd_;
  options.awaits_group = output_ == Output::kGroup || command_.stdout_mode == StreamMode::kFile;
  const auto heard = [this](StreamMode mode, int stream) {
    return mode == StreamMode::kFile ? command_.files[static_cast<std::size_t>(stream)] : -1;
  };
  options.heard_files = {heard(command_.stdout_mode, STDOUT_FILENO),
                         heard(command_.stderr_mode, STDERR_FILENO)};
  if (output_ == Output::kGroup && options_.has("max_output")) {
    options.tend = [this] { tend_spools(); };
  }
  return options;
}

// What a command says is more than is shown of it. Its last lines are, wherever it fails.
void CommandRunner::tend_spools() {
  KeptParts kept = kept_parts(most_shown());
  kept.last = std::max<std::uint64_t>(kept.last, kTailBytes);
  if (stdout_ == Stdout::kInherit) out_spool_.drop_middle(kept);
  err_spool_.drop_middle(kept);
}

// In a marked blocking section. With a room it returns sooner, and what fails may show at the end.
std::optional<SystemError> CommandRunner::start(const Item& item, std::optional<ChildPump>* pump,
                                                LaunchRoom* room) {
  if (stdin_ == Stdin::kItem) {
    Expected<FileDescriptor, SystemError> input = input_file(item.text);
    if (!input) return input.error();
    input_ = std::move(*input);
    command_.files[STDIN_FILENO] = input_.get();
  }
  for (const auto& [mode, spool, stream] :
       {std::tuple(command_.stdout_mode, &out_spool_, STDOUT_FILENO),
        std::tuple(command_.stderr_mode, &err_spool_, STDERR_FILENO)}) {
    if (mode != StreamMode::kFile) continue;
    Expected<int, SystemError> file = spool->open();
    if (!file) return file.error();
    command_.files[static_cast<std::size_t>(stream)] = *file;
  }
  Expected<Child, SystemError> child =
      room == nullptr ? start_child(command_) : start_child(command_, *room);
  if (!child && child.error().error_number == ENOENT && !command_.file.empty()) {
    command_.file.clear();  // it was there before: perhaps it has moved
    child = start_child(command_);
  }
  if (!child) return child.error();
  feed_pipe_ = std::move(child->stdin_pipe);
  pump->emplace(std::move(*child), pump_options());
  return std::nullopt;
}

// ---- one command for one item, or for some ---------------------------------------------------

Flow CommandRunner::run(std::span<const Item> items, const Batch& batch, Out& out) {
  if (is_left_undone()) return Flow::kStop;
  items_ = items;
  const Item first = items.empty() ? Item{} : items.front();
  if (auto wrong = make_command()) {
    return fail({.kind = FailureKind::kWork, .what = std::move(*wrong), .item = {}});
  }
  const CommandFiles::Before before = files_.before(command_, items_);
  if (before.problem) return fail(failure_with(*before.problem));
  if (before.is_up_to_date) return Flow::kMore;
  return has_pipes() || sends_as_it_comes() ? run_streaming(first, batch, out)
                                            : run_to_end(first, out);
}

bool CommandRunner::has_never_run(const ChildResult& result) const {
  return result.ended_by == EndedBy::kItself && result.signal == 0 && room_.has_failed();
}

// Start, wait and reaping in one go.
Flow CommandRunner::run_to_end(const Item& item, Out& out) {
  std::optional<ChildPump> pump;
  std::uint64_t out_bytes = 0;
  std::uint64_t err_bytes = 0;
  ChildOutput seen;
  const auto error = runtime::blocking(runtime::Blocking::kLong, [&] {
    auto failed = start(item, &pump, &room_);
    if (failed) return failed;
    seen = pump->next();
    if (seen.is_end() && has_never_run(pump->result())) {
      failed = start(item, &pump);
      if (failed) return failed;
      seen = pump->next();
    }
    out_bytes = out_spool_.size();
    err_bytes = err_spool_.size();
    return failed;
  });
  input_.close();
  if (error) return fail(start_failure(*error));
  if (!seen.is_end()) {
    tell_trouble(*pump, seen);
    seen = next(*pump);
    runtime::blocking(runtime::Blocking::kBrief, [&] {
      out_bytes = out_spool_.size();
      err_bytes = err_spool_.size();
    });
  }
  return show_and_judge(pump->result(), out_bytes, err_bytes, out);
}

Flow CommandRunner::run_streaming(const Item& item, const Batch& batch, Out& out) {
  std::optional<ChildPump> pump;
  const auto not_started =
      runtime::blocking(runtime::Blocking::kBrief, [&] { return start(item, &pump); });
  input_.close();
  if (not_started) return fail(start_failure(*not_started));
  std::optional<HeldOut> held;  // what was captured waits for the exit status
  if (stdout_ == Stdout::kCapture) held.emplace();
  if (emit(*pump, item, batch, held ? *held : out) == Flow::kStop) return break_off(*pump);
  std::uint64_t err_bytes = 0;
  if (command_.stderr_mode == StreamMode::kFile) {
    err_bytes = runtime::blocking(runtime::Blocking::kBrief, [&] { return err_spool_.size(); });
  }
  if (command_.stdout_mode == StreamMode::kFile) look_for_long_record();
  auto failure = settle(judge(pump->result()), pump->result());
  if (failure) failure->tail = last_lines_said(0, err_bytes);
  if (command_.stdout_mode == StreamMode::kFile) {
    const bool is_wanted = !failure && !was_cut_off(pump->result());
    const Flow flow = is_wanted ? emit_spooled(item, batch, out) : Flow::kMore;
    out_spool_.abandon();
    if (flow == Flow::kStop) return Flow::kStop;
  }
  const auto error = show(pump->result(), 0, err_bytes, ends_the_run(failure) ? nullptr : &out);
  if (failure && fail_unless_stopped(*failure) == Flow::kStop) return Flow::kStop;
  if (error && fail_to_write(*error) == Flow::kStop) return Flow::kStop;
  if (was_cut_off(pump->result())) return leave(pump->result());
  return held && !failure ? held->release(out) : Flow::kMore;
}

// Every item of a command that failed has failed.
Flow CommandRunner::fail(const Failure& failure) {
  if (items_.empty()) return context_.fail_item(Item{}, failure);
  for (const Item& item : items_) {
    if (context_.fail_item(item, failure) == Flow::kStop) return Flow::kStop;
  }
  return Flow::kMore;
}

Flow CommandRunner::fail_unless_stopped(const Failure& failure) {
  return context_.is_cancelled() ? Flow::kStop : fail(failure);
}

// Nobody wants more of what it says; it may have something to clean up.
Flow CommandRunner::break_off(ChildPump& pump) {
  shared_.has_made_enough.store(true, std::memory_order_relaxed);
  runtime::blocking(runtime::Blocking::kLong, [&pump] { pump.end(); });
  return Flow::kStop;
}

// There is another command to run, and nobody left to whom it would be shown.
bool CommandRunner::is_left_undone() {
  if (!shared_.reader_has_gone.load(std::memory_order_relaxed)) return false;
  context_.leave_undone();
  return true;
}

// True if the command is neither done nor has failed: it was stopped, or SIGPIPE has ended it (or a
// command of the script that it is), because nobody reads any more what it says.
bool CommandRunner::was_cut_off(const ChildResult& result) const {
  if (result.ended_by == EndedBy::kStop) return true;
  return (result.signal == SIGPIPE || result.exit_code == 128 + SIGPIPE) && is_unheard();
}

// What it has of our own streams, nobody but the kernel knows of.
bool CommandRunner::is_unheard() const {
  const auto has_lost_ours = [](StreamMode mode, int stream) {
    return mode == StreamMode::kInherit && has_lost_reader(stream);
  };
  return has_hung_up_ || has_lost_ours(command_.stdout_mode, STDOUT_FILENO) ||
         has_lost_ours(command_.stderr_mode, STDERR_FILENO);
}

Flow CommandRunner::leave(const ChildResult& result) {
  if (result.ended_by == EndedBy::kStop) return Flow::kStop;
  shared_.reader_has_gone.store(true, std::memory_order_relaxed);
  context_.leave_undone();
  return Flow::kStop;
}

// The same of a command that still runs.
Flow CommandRunner::hang_up(const SystemError& error, ChildPump& pump, ChildStream stream) {
  has_hung_up_ = true;
  pump.hang_up(stream);
  return fail_to_write(error);
}

// ---- how it ends -----------------------------------------------------------------------------

Flow CommandRunner::show_and_judge(const ChildResult& result, std::uint64_t out_bytes,
                                   std::uint64_t err_bytes, Out& out) {
  context_.count_bytes(out_bytes + err_bytes);
  auto failure = settle(judge(result), result);
  if (failure) failure->tail = last_lines_said(out_bytes, err_bytes);
  const auto error = show(result, out_bytes, err_bytes, ends_the_run(failure) ? nullptr : &out);
  if (failure && fail_unless_stopped(*failure) == Flow::kStop) return Flow::kStop;
  if (error && fail_to_write(*error) == Flow::kStop) return Flow::kStop;
  return was_cut_off(result) ? leave(result) : Flow::kMore;
}

// Then nothing that waits for its turn is shown any more.
bool CommandRunner::ends_the_run(const std::optional<Failure>& failure) const {
  const FailurePolicy& policy = shared_.spec.failure;
  return failure && !context_.may_retry() && context_.graph().fail == FailPolicy::kFast &&
         policy.on_error == OnError::kFail && !policy.tolerate.is_given();
}

// Nothing: it did well, or was stopped.
std::optional<Failure> CommandRunner::judge(const ChildResult& result) const {
  if (was_cut_off(result)) return std::nullopt;
  const auto failed = [this](const std::string& how, FailureCause cause, int code = 0) {
    return Failure{.kind = FailureKind::kWork,
                   .what = maker_.shown(command_) + ": " + how,
                   .item = {},
                   .cause = cause,
                   .code = code};
  };
  if (result.ended_by == EndedBy::kTimeout) {
    return failed("timed out after " + duration_text(*context_.timeout()), FailureCause::kTimeout);
  }
  if (result.ended_by == EndedBy::kSilence) {
    const std::chrono::nanoseconds silence(options_.integer("heartbeat"));
    return failed(
        "ended, because it had said nothing for " + duration_text(silence) + " (\"heartbeat\")",
        FailureCause::kTimeout);
  }
  if (result.ended_by != EndedBy::kReader) {
    if (result.signal != 0) return failed(result.message(), FailureCause::kSignal, result.signal);
    if (std::ranges::find(ok_codes_, result.exit_code) == ok_codes_.end()) {
      return failed(result.message(), FailureCause::kExit, result.exit_code);
    }
  }
  if (printed_too_much_.empty()) return std::nullopt;
  return Failure{.kind = FailureKind::kWork, .what = printed_too_much_, .item = {}};
}

}  // namespace gorun::jobs
