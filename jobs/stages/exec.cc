// The kind "exec": runs a command, once or for each item.
//
// A worker has one child at a time. Start, wait and reaping of a child whose output nobody reads
// while it runs are one marked blocking call on the thread that the worker has anyway: what a
// command prints as a "group" goes to files (exec/output_spool.h), its input comes from one. A
// child whose output streams has pipes (child_pump.h), which are always drained; before every wait
// what it has said so far is passed on. When the run is stopped the child's group is ended and the
// worker leaves without a failure of its own.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/child_pump.h"
#include "jobs/duration.h"
#include "jobs/exec/command_maker.h"
#include "jobs/exec/group_printer.h"
#include "jobs/exec/item_group.h"
#include "jobs/exec/line_printer.h"
#include "jobs/exec/output_spool.h"
#include "jobs/held_out.h"
#include "jobs/record_assembler.h"
#include "jobs/stages/rows.h"
#include "jobs/subprocess.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// Blocks for the lines of children: most say little.
constexpr std::size_t kOutputBlock = std::size_t{16} << 10;
// What "capture" holds in memory when the job file does not say.
constexpr std::uint64_t kCaptureMost = std::uint64_t{64} << 20;

// What is kept of the output of a command that failed, for the summary at the end of the run.
constexpr int kTailLines = 10;
constexpr std::uint64_t kTailBytes = 2048;
// Commands' worth of items that wait for a worker: each may be long.
constexpr std::int64_t kWaitingGroups = 16;

enum class Stdout { kInherit, kItems, kCapture, kDiscard };
enum class Output { kGroup, kLine, kRaw };

Stdout stdout_mode(const std::string& name) {
  if (name == "items") return Stdout::kItems;
  if (name == "capture") return Stdout::kCapture;
  return name == "discard" ? Stdout::kDiscard : Stdout::kInherit;
}

Output output_mode(const std::string& name, bool has_item) {
  if (name == "auto") return has_item ? Output::kGroup : Output::kRaw;
  if (name == "line") return Output::kLine;
  return name == "raw" ? Output::kRaw : Output::kGroup;
}

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

// What the workers of one stage share.
struct Shared {
  const StageSpec& spec;
  std::uint64_t workers = 0;              // made so far, before any runs
  std::atomic<std::uint64_t> started{0};  // commands; relaxed: only the numbers matter
};

// Runs commands one after the other, for one worker.
class CommandRunner {
 public:
  CommandRunner(Shared& shared, Context& context)
      : shared_(shared),
        options_(shared.spec.options),
        context_(context),
        has_item_(!shared.spec.inputs.empty()),
        stdout_(stdout_mode(options_.text("stdout"))),
        output_(output_mode(options_.text("output"), has_item_)),
        feeds_item_(options_.text("stdin") == "item"),
        maker_(options_, context, ++shared.workers),
        printer_(context.cancel_fd(), most_shown()) {}

  // `batch` keeps `items`; none when the command runs once.
  Flow run(std::span<const Item> items, const Batch& batch, Out& out) {
    items_ = items;
    printed_too_much_.clear();
    const Item first = items.empty() ? Item{} : items.front();
    const std::uint64_t number = shared_.started.fetch_add(1, std::memory_order_relaxed) + 1;
    if (auto wrong = maker_.make(items, number, &command_)) {
      return fail({.kind = FailureKind::kWork, .what = std::move(*wrong), .item = {}});
    }
    set_streams();
    return has_pipes() ? run_streaming(first, batch, out) : run_to_end(first);
  }

 private:
  // Every item of a command that failed has failed.
  Flow fail(const Failure& failure) {
    if (items_.empty()) return context_.fail_item(Item{}, failure);
    for (const Item& item : items_) {
      if (context_.fail_item(item, failure) == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

  Flow fail_to_write(const SystemError& error) {
    if (error.error_number == EPIPE || error.error_number == ECANCELED) return Flow::kStop;
    return context_.fail({FailureKind::kOutput, error.message(), {}});
  }

  std::uint64_t most_shown() const {
    if (options_.has("max_output"))
      return static_cast<std::uint64_t>(options_.integer("max_output"));
    return std::numeric_limits<std::uint64_t>::max();
  }

  void set_streams() {
    const StreamMode shown = output_ == Output::kRaw    ? StreamMode::kInherit
                             : output_ == Output::kLine ? StreamMode::kPipe
                                                        : StreamMode::kFile;
    command_.stdin_mode = feeds_item_ ? StreamMode::kFile : StreamMode::kNull;
    command_.stdout_mode = stdout_ == Stdout::kInherit   ? shown
                           : stdout_ == Stdout::kDiscard ? StreamMode::kNull
                                                         : StreamMode::kPipe;
    command_.stderr_mode = shown;
  }

  bool has_pipes() const {
    return command_.stdout_mode == StreamMode::kPipe || command_.stderr_mode == StreamMode::kPipe;
  }

  std::chrono::milliseconds milliseconds(std::string_view option) const {
    return std::chrono::ceil<std::chrono::milliseconds>(
        std::chrono::nanoseconds(options_.integer(option)));
  }

  PumpOptions pump_options() const {
    std::optional<std::chrono::milliseconds> timeout;
    if (const auto limit = context_.timeout()) {
      timeout = std::chrono::ceil<std::chrono::milliseconds>(*limit);
    }
    return {.stop_fd = context_.cancel_fd(),
            .timeout = timeout,
            .kill_after = milliseconds("kill_after"),
            .pipe_grace = milliseconds("grace"),
            .awaits_group = output_ == Output::kGroup};
  }

  // In a marked blocking section.
  std::optional<SystemError> start(const Item& item, std::optional<ChildPump>* pump) {
    if (feeds_item_) {
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
    Expected<Child, SystemError> child = start_child(command_);
    if (!child && child.error().error_number == ENOENT && !command_.file.empty()) {
      command_.file.clear();  // it was there before: perhaps it has moved
      child = start_child(command_);
    }
    if (!child) return child.error();
    pump->emplace(std::move(*child), pump_options());
    return std::nullopt;
  }

  // Start, wait and reaping in one go.
  Flow run_to_end(const Item& item) {
    std::optional<ChildPump> pump;
    std::uint64_t out_bytes = 0;
    std::uint64_t err_bytes = 0;
    const auto error = runtime::blocking(runtime::Blocking::kLong, [&] {
      auto failed = start(item, &pump);
      if (failed) return failed;
      while (!pump->next().is_end()) {
      }
      out_bytes = out_spool_.size();
      err_bytes = err_spool_.size();
      return failed;
    });
    input_.close();
    if (error) return fail(failure_of(*error));
    return show_and_judge(pump->result(), out_bytes, err_bytes);
  }

  Flow run_streaming(const Item& item, const Batch& batch, Out& out) {
    std::optional<ChildPump> pump;
    const auto not_started =
        runtime::blocking(runtime::Blocking::kBrief, [&] { return start(item, &pump); });
    input_.close();
    if (not_started) return fail(failure_of(*not_started));
    // What an attempt says may be said again by the next one. What was captured waits for the exit
    // status in any case.
    std::optional<HeldOut> held;
    if (context_.may_retry() || stdout_ == Stdout::kCapture) held.emplace();
    Out& to = held ? *held : out;
    const Flow flow = stdout_ == Stdout::kCapture ? emit_all(*pump, item, batch, to)
                                                  : emit_lines(*pump, item, batch, to);
    // Returning before the child has ended makes the pump's destructor end it.
    if (flow == Flow::kStop) return Flow::kStop;
    std::uint64_t err_bytes = 0;
    if (command_.stderr_mode == StreamMode::kFile) {
      err_bytes = runtime::blocking(runtime::Blocking::kBrief, [&] { return err_spool_.size(); });
    }
    auto failure = judge(pump->result());
    if (failure) failure->tail = last_lines(0, err_bytes);
    if (auto error = show(0, err_bytes)) return fail_to_write(*error);
    if (failure) return fail_unless_stopped(*failure);
    if (pump->result().ended_by == EndedBy::kStop) return Flow::kStop;
    return held ? held->release(out) : Flow::kMore;
  }

  static ChildOutput next(ChildPump& pump) {
    return runtime::blocking(runtime::Blocking::kLong, [&pump] { return pump.next(); });
  }

  // Lines become items, or are shown with a prefix.
  Flow emit_lines(ChildPump& pump, const Item& item, const Batch& batch, Out& out) {
    RecordAssembler lines('\n', kOutputBlock);
    lines.give_fields_of(item, batch);
    const std::string prefix = line_prefix(shared_.spec.name, item.text);
    LinePrinter out_lines(printer_, ChildStream::kStdout, prefix);
    LinePrinter err_lines(printer_, ChildStream::kStderr, prefix);
    for (;;) {
      if (out.flush() == Flow::kStop) return Flow::kStop;
      const ChildOutput output = next(pump);
      if (output.is_end()) break;
      context_.count_bytes(output.bytes.size());
      if (output.stream == ChildStream::kStdout && stdout_ == Stdout::kItems) {
        if (lines.append(output.bytes, out) == Flow::kStop) return Flow::kStop;
        continue;
      }
      LinePrinter& printer = output.stream == ChildStream::kStdout ? out_lines : err_lines;
      if (auto error = printer.take(output.bytes)) return fail_to_write(*error);
    }
    for (LinePrinter* printer : {&out_lines, &err_lines}) {
      if (auto error = printer->finish()) return fail_to_write(*error);
    }
    return lines.finish(out);
  }

  Flow emit_all(ChildPump& pump, const Item& item, const Batch& batch, Out& out) {
    const std::uint64_t most = options_.has("max_output") ? most_shown() : kCaptureMost;
    LinePrinter err_lines(printer_, ChildStream::kStderr,
                          line_prefix(shared_.spec.name, item.text));
    std::string all;
    std::uint64_t bytes = 0;
    for (;;) {
      const ChildOutput output = next(pump);
      if (output.is_end()) break;
      context_.count_bytes(output.bytes.size());
      if (output.stream == ChildStream::kStderr) {
        if (auto error = err_lines.take(output.bytes)) return fail_to_write(*error);
        continue;
      }
      // Drained all the same, so that the child comes to its end.
      bytes += output.bytes.size();
      if (bytes <= most) all += output.bytes;
    }
    if (auto error = err_lines.finish()) return fail_to_write(*error);
    if (pump.result().ended_by == EndedBy::kStop) return Flow::kStop;
    if (bytes > most) {
      printed_too_much_ = maker_.shown(command_) + ": printed " + std::to_string(bytes) +
                          " bytes, and \"max_output\" is " + std::to_string(most);
      return Flow::kMore;
    }
    // As for "$(...)" in a shell the line end that closes the output is not part of the value.
    if (all.ends_with('\n')) all.pop_back();
    out.batch().keep_all(batch);
    Item captured = item;
    captured.text = out.batch().copy(all);
    return out.emit(captured);
  }

  Flow fail_unless_stopped(const Failure& failure) {
    return context_.is_cancelled() ? Flow::kStop : fail(failure);
  }

  Flow show_and_judge(const ChildResult& result, std::uint64_t out_bytes, std::uint64_t err_bytes) {
    context_.count_bytes(out_bytes + err_bytes);
    auto failure = judge(result);
    if (failure) failure->tail = last_lines(out_bytes, err_bytes);
    if (auto error = show(out_bytes, err_bytes)) return fail_to_write(*error);
    if (result.pipe_left_open && result.ended_by == EndedBy::kItself) {
      // A process that goes on keeps the files; what it says from here on is nobody's.
      out_spool_.abandon();
      err_spool_.abandon();
      const std::string what = "[gorun: " + maker_.shown(command_) +
                               " has left a process behind that keeps its output open]\n";
      if (auto error = printer_.print_to_stderr(what)) return fail_to_write(*error);
    }
    if (failure) return fail_unless_stopped(*failure);
    return result.ended_by == EndedBy::kStop ? Flow::kStop : Flow::kMore;
  }

  // The end of what a group has said to standard error, or, if nothing, to standard output.
  [[nodiscard]] std::string last_lines(std::uint64_t out_bytes, std::uint64_t err_bytes) const {
    const OutputSpool& spool = err_bytes > 0 ? err_spool_ : out_spool_;
    const std::uint64_t bytes = err_bytes > 0 ? err_bytes : out_bytes;
    if (bytes == 0) return "";
    std::string text(std::min(bytes, kTailBytes), '\0');
    const std::int64_t got = runtime::blocking(runtime::Blocking::kBrief, [&] {
      return spool.read(bytes - text.size(), text.data(), text.size());
    });
    text.resize(static_cast<std::size_t>(std::max<std::int64_t>(got, 0)));
    std::size_t begin = text.size();
    for (int lines = 0; begin > 0; --begin) {
      if (text[begin - 1] == '\n' && begin < text.size() && ++lines == kTailLines) break;
    }
    return text.substr(begin);
  }

  std::optional<SystemError> show(std::uint64_t out_bytes, std::uint64_t err_bytes) {
    auto error = printer_.print({out_spool_, err_spool_, out_bytes, err_bytes});
    if (out_bytes > 0) out_spool_.clear();
    if (err_bytes > 0) err_spool_.clear();
    return error;
  }

  // Nothing: it did well, or was stopped.
  [[nodiscard]] std::optional<Failure> judge(const ChildResult& result) const {
    if (result.ended_by == EndedBy::kStop) return std::nullopt;
    const std::string shown = maker_.shown(command_);
    if (result.ended_by == EndedBy::kTimeout) {
      return Failure{.kind = FailureKind::kWork,
                     .what = shown + ": timed out after " + duration_text(*context_.timeout()),
                     .item = {},
                     .cause = FailureCause::kTimeout};
    }
    const std::vector<std::int64_t>& ok_codes = options_.integers("ok_codes");
    const bool ended_well =
        result.signal == 0 && std::ranges::find(ok_codes, result.exit_code) != ok_codes.end();
    if (ended_well && printed_too_much_.empty()) return std::nullopt;
    if (ended_well) {
      return Failure{.kind = FailureKind::kWork, .what = printed_too_much_, .item = {}};
    }
    const bool was_killed = result.signal != 0;
    return Failure{.kind = FailureKind::kWork,
                   .what = shown + ": " + result.message(),
                   .item = {},
                   .cause = was_killed ? FailureCause::kSignal : FailureCause::kExit,
                   .code = was_killed ? result.signal : result.exit_code};
  }

  Shared& shared_;
  const StageOptions& options_;
  Context& context_;
  const bool has_item_;
  const Stdout stdout_;
  const Output output_;
  const bool feeds_item_;
  CommandMaker maker_;
  Command command_;
  std::span<const Item> items_;   // of the command at hand
  std::string printed_too_much_;  // what "capture" has to say of it; empty: nothing
  FileDescriptor input_;
  OutputSpool out_spool_;
  OutputSpool err_spool_;
  GroupPrinter printer_;
};

class ExecOnce final : public Producer {
 public:
  ExecOnce(Shared& shared, Context& context) : runner_(shared, context) {}
  void run(Out& out) override { static_cast<void>(runner_.run({}, Batch{}, out)); }

 private:
  CommandRunner runner_;
};

class ExecEach final : public Operator {
 public:
  ExecEach(Shared& shared, Context& context) : runner_(shared, context) {}
  Flow process(Batch&& batch, Out& out) override {
    for (const Item& item : batch.items()) {
      if (runner_.run({&item, 1}, batch, out) == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

 private:
  CommandRunner runner_;
};

// Several items to a command (exec/item_group.h).
class ExecGroups final : public Operator {
 public:
  ExecGroups(Shared& shared, Context& context) : context_(context), runner_(shared, context) {}
  Flow process(Batch&& batch, Out& out) override {
    // An item that comes back has a command to itself.
    if (context_.attempt() > 1) return runner_.run(batch.items(), batch, out);
    for (const Item& group : batch.items()) {
      if (runner_.run(items_of(group), batch, out) == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

 private:
  Context& context_;
  CommandRunner runner_;
};

class ExecStage final : public Stage {
 public:
  explicit ExecStage(const StageSpec& spec) : shared_{.spec = spec} {}
  [[nodiscard]] bool is_source() const override { return shared_.spec.inputs.empty(); }
  [[nodiscard]] StageTraits traits() const override {
    return {.workers = is_source() ? 1 : shared_.spec.workers,
            .batch_items = 1,
            .inner_buffer = kWaitingGroups,
            .begins_operations = true};
  }
  [[nodiscard]] std::unique_ptr<Producer> make_producer(Context& context) override {
    return std::make_unique<ExecOnce>(shared_, context);
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    if (shared_.spec.options.integer("batch") > 1) {
      return std::make_unique<ExecGroups>(shared_, context);
    }
    return std::make_unique<ExecEach>(shared_, context);
  }

 private:
  Shared shared_;
};

}  // namespace

StageRow make_exec(const StageSpec& spec) {
  const auto items = static_cast<std::size_t>(spec.options.integer("batch"));
  if (items <= 1) return row_of(std::make_unique<ExecStage>(spec));
  // An argument is its bytes, a NUL and a pointer.
  const std::size_t times = arguments_of_item(spec.options, true);
  const auto weigh = [times](const Item& item) {
    return times * (item.text.size() + 1 + sizeof(char*));
  };
  return row_of(make_gathering_stage(items, argument_room(), weigh),
                std::make_unique<ExecStage>(spec));
}

}  // namespace gorun::jobs
