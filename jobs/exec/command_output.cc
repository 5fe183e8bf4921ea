// Of CommandRunner: what a command says, while it runs and when it has ended.

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "jobs/exec/command_runner.h"
#include "jobs/exec/group_errand.h"
#include "jobs/exec/last_lines.h"
#include "jobs/exec/line_printer.h"
#include "jobs/record_assembler.h"
#include "jobs/run_options.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// Blocks for the lines of children: most say little.
constexpr std::size_t kOutputBlock = std::size_t{16} << 10;
// What "capture" holds in memory when the job file does not say.
constexpr std::uint64_t kCaptureMost = std::uint64_t{64} << 20;
// A group that waits for its turn in memory has no more bytes.
constexpr std::uint64_t kHeldGroup = std::uint64_t{64} << 10;

}  // namespace

ChildOutput CommandRunner::next(ChildPump& pump) {
  for (;;) {
    const ChildOutput output =
        runtime::blocking(runtime::Blocking::kLong, [&pump] { return pump.next(); });
    if (!output.bytes.empty() || output.is_end()) return output;
    tell_trouble(pump, output);
  }
}

std::string CommandRunner::masked(std::string_view text) const {
  return context_.graph().secrets.masked(std::string(text));
}

// Masked before it is cut: the end of a secret is not known as one.
std::string CommandRunner::prefix_of(const Item& item) const {
  return line_prefix(masked(shared_.spec.name), masked(item.text));
}

// Something about the command at hand, among what commands say.
std::optional<SystemError> CommandRunner::say(const std::string& what) {
  return printer_.print_to_stderr("[gorun: " + masked(maker_.shown(command_)) + " " + what + "]\n");
}

// Where nobody reads it, there is nobody to tell.
void CommandRunner::tell_trouble(const ChildPump& pump, const ChildOutput& seen) {
  if (seen.is_out_of_reach) {
    static_cast<void>(say("may not be killed, for it is another user's, and is waited for"));
    return;
  }
  const int signal = seen.stopped_by;
  const char* name = sigabbrev_np(signal);
  const std::string pid = std::to_string(pump.pid());
  static_cast<void>(
      say("has been stopped by " +
          (name == nullptr ? "signal " + std::to_string(signal) : "SIG" + std::string(name)) +
          " and is waited for; kill -CONT " + pid + " lets it go on"));
}

Flow CommandRunner::emit(ChildPump& pump, const Item& item, const Batch& batch, Out& out) {
  return stdout_ == Stdout::kCapture ? emit_all(pump, item, batch, out)
                                     : emit_lines(pump, item, batch, out);
}

// Lines, or pieces, become items, or lines are shown with a prefix.
Flow CommandRunner::emit_lines(ChildPump& pump, const Item& item, const Batch& batch, Out& out) {
  RecordAssembler lines(options_.text("stdout_delimiter").front(), kOutputBlock);
  lines.refuse_longer_than(record_limit_.bytes);
  lines.give_fields_of(item, batch);
  const std::string prefix = prefix_of(item);
  LinePrinter out_lines(printer_, ChildStream::kStdout, prefix);
  LinePrinter err_lines(printer_, ChildStream::kStderr, prefix);
  for (;;) {
    if (out.flush() == Flow::kStop) return Flow::kStop;
    const ChildOutput output = next(pump);
    if (output.is_end()) break;
    context_.count_bytes(output.bytes.size());
    if (output.stream == ChildStream::kStdout && stdout_ == Stdout::kItems) {
      if (lines.append(output.bytes, out) == Flow::kStop) return Flow::kStop;
      if (!lines.refused_at() || !printed_too_much_.empty()) continue;
      // Drained until it ends.
      refuse_record(*lines.refused_at());
      pump.condemn();
      continue;
    }
    if (output.stream == ChildStream::kStdout && stdout_ == Stdout::kBytes) {
      if (lines.pass_on(output.bytes, out) == Flow::kStop) return Flow::kStop;
      continue;
    }
    LinePrinter& printer = output.stream == ChildStream::kStdout ? out_lines : err_lines;
    const auto error = printer.take(output.bytes);
    if (error && hang_up(*error, pump, output.stream) == Flow::kStop) return Flow::kStop;
  }
  for (LinePrinter* printer : {&out_lines, &err_lines}) {
    const auto error = printer->finish();
    if (error && fail_to_write(*error) == Flow::kStop) return Flow::kStop;
  }
  streamed_lines_ = err_lines.last_lines();
  if (streamed_lines_.empty()) streamed_lines_ = out_lines.last_lines();
  return lines.finish(out);
}

void CommandRunner::refuse_record(std::uint64_t at) {
  printed_too_much_ = maker_.shown(command_) + ": printed an item of more than " +
                      std::to_string(record_limit_.bytes) + " bytes, at byte " +
                      std::to_string(at) + " of its output (" + record_limit_.way_out() + ")";
}

// Of an attempt none of whose items are to go on if one of them is too long.
void CommandRunner::look_for_long_record() {
  const std::uint64_t bytes =
      runtime::blocking(runtime::Blocking::kBrief, [this] { return out_spool_.size(); });
  if (stdout_ != Stdout::kItems || bytes <= record_limit_.bytes) return;
  const char delimiter = options_.text("stdout_delimiter").front();
  std::uint64_t begin = 0;  // of the record under way
  std::uint64_t at = 0;     // of the piece
  // What cannot be read is told when it is to go on.
  static_cast<void>(read_pieces(out_spool_, 0, bytes, [&](std::string_view piece) {
    for (std::size_t from = 0; from <= piece.size();) {
      const std::size_t end = std::min(piece.find(delimiter, from), piece.size());
      if (at + end - begin > record_limit_.bytes) {
        refuse_record(begin);
        return Flow::kStop;
      }
      if (end < piece.size()) begin = at + end + 1;
      from = end + 1;
    }
    at += piece.size();
    return Flow::kMore;
  }));
}

// What an attempt has said that has succeeded.
Flow CommandRunner::emit_spooled(const Item& item, const Batch& batch, Out& out) {
  RecordAssembler lines(options_.text("stdout_delimiter").front(), kOutputBlock);
  lines.give_fields_of(item, batch);
  const std::uint64_t bytes =
      runtime::blocking(runtime::Blocking::kBrief, [this] { return out_spool_.size(); });
  context_.count_bytes(bytes);
  Flow flow = Flow::kMore;
  const auto error = read_pieces(out_spool_, 0, bytes, [&](std::string_view piece) {
    flow = stdout_ == Stdout::kItems ? lines.append(piece, out) : lines.pass_on(piece, out);
    return flow;
  });
  if (error) return context_.fail(failure_of(*error));
  if (flow == Flow::kStop) return flow;
  return lines.finish(out);
}

Flow CommandRunner::emit_all(ChildPump& pump, const Item& item, const Batch& batch, Out& out) {
  const std::uint64_t most = options_.has("max_output") ? most_shown() : kCaptureMost;
  LinePrinter err_lines(printer_, ChildStream::kStderr, prefix_of(item));
  std::string all;
  std::uint64_t bytes = 0;
  for (;;) {
    const ChildOutput output = next(pump);
    if (output.is_end()) break;
    context_.count_bytes(output.bytes.size());
    if (output.stream == ChildStream::kStderr) {
      const auto error = err_lines.take(output.bytes);
      if (error && hang_up(*error, pump, output.stream) == Flow::kStop) return Flow::kStop;
      continue;
    }
    // Drained all the same, so that the child comes to its end.
    bytes += output.bytes.size();
    if (bytes <= most) all += output.bytes;
  }
  const auto error = err_lines.finish();
  if (error && fail_to_write(*error) == Flow::kStop) return Flow::kStop;
  streamed_lines_ = err_lines.last_lines();
  if (was_cut_off(pump.result())) return Flow::kMore;
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

// The end of what a command has said to standard error, or, if nothing, to standard output.
std::string CommandRunner::last_lines_said(std::uint64_t out_bytes, std::uint64_t err_bytes) const {
  const OutputSpool& spool = err_bytes > 0 ? err_spool_ : out_spool_;
  const std::uint64_t bytes = err_bytes > 0 ? err_bytes : out_bytes;
  if (bytes == 0) return streamed_lines_;
  std::string text(std::min<std::uint64_t>(bytes, kTailBytes), '\0');
  const std::int64_t got = runtime::blocking(runtime::Blocking::kBrief, [&] {
    return spool.read(bytes - text.size(), text.data(), text.size());
  });
  text.resize(static_cast<std::size_t>(std::max<std::int64_t>(got, 0)));
  return std::string(last_lines(text));
}

// What a command that has ended has said, and that it has left somebody behind.
// in_turn  where its item has a turn, if that is to be waited for.
std::optional<SystemError> CommandRunner::show(const ChildResult& result, std::uint64_t out_bytes,
                                               std::uint64_t err_bytes, Out* in_turn) {
  GroupPrinter::Group group = {.out = {.spool = &out_spool_, .bytes = out_bytes},
                               .err = {.spool = &err_spool_, .bytes = err_bytes}};
  if (context_.run_options().folds_output && output_ == Output::kGroup) {
    group.title = shared_.spec.name;
    if (!items_.empty()) group.title.append(" ").append(items_.front().text);
    group.title = masked(group.title);
  }
  const bool has_turn = in_turn != nullptr && shared_.spec.keeps_order && context_.workers() > 1;
  auto error = has_turn && out_bytes + err_bytes > 0 ? print_in_turn(group, *in_turn)
                                                     : printer_.print(group);
  if (out_bytes > 0) out_spool_.clear();
  if (err_bytes > 0) err_spool_.clear();
  if (auto untold = tell_left_behind(result); !error) error = std::move(untold);
  return error;
}

// What is too large to be kept in memory waits in its file, and the worker with it: unless that
// might be the one to make another attempt at the item whose turn it is. Then it waits in a file
// with others.
std::optional<SystemError> CommandRunner::print_in_turn(const GroupPrinter::Group& group,
                                                        Out& out) {
  const bool is_large = printer_.shown_bytes(group) > kHeldGroup;
  if (is_large && shared_.spec.failure.retry.max == 1) {
    if (out.await_turn() == Flow::kStop) return SystemError{"write", ECANCELED, {}};
    return printer_.print(group);
  }
  if (is_large && !waiting_) waiting_ = std::make_shared<OutputSpool>();
  auto held = is_large ? printer_.moved(group, waiting_.get()) : printer_.held(group);
  if (!held) return held.error();
  const std::size_t bytes = is_large ? 0 : held->out.size() + held->err.size();
  auto errand =
      make_group_errand(std::move(held).value(), is_large ? waiting_ : nullptr, shared_, context_);
  // kStop: the run is stopped, or has failed for what could not be written before.
  const Flow flow = out.run_in_turn(std::move(errand), bytes);
  return flow == Flow::kStop ? std::optional(SystemError{"write", ECANCELED, {}}) : std::nullopt;
}

std::optional<SystemError> CommandRunner::tell_left_behind(const ChildResult& result) {
  if (!result.pipe_left_open) return std::nullopt;
  // A process that goes on keeps the files; what it says from here on is nobody's.
  out_spool_.abandon();
  err_spool_.abandon();
  // Of a command that was ended the group is killed.
  if (result.ended_by != EndedBy::kItself) return std::nullopt;
  return say("has left a process behind that keeps its output open");
}

}  // namespace gorun::jobs
