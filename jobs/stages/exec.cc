// The kind "exec": runs a command, once or for each item.
//
// A worker has one child at a time and waits for it in a marked blocking call. Before every wait
// what the child has said so far is passed on, so that its lines stream while it runs. Whatever
// mode stdout has, pipes are always drained (jobs/child_pump.h); when the run is stopped the
// child's group is ended and the worker leaves without a failure of its own.
//
// An item's text reaches a command as one argument, whatever it holds; a shell script gets it as
// "$1" and is never edited.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/child_pump.h"
#include "jobs/duration.h"
#include "jobs/format/quote.h"
#include "jobs/held_out.h"
#include "jobs/record_assembler.h"
#include "jobs/stages/rows.h"
#include "jobs/subprocess.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// Blocks for the lines of children: most say little.
constexpr std::size_t kOutputBlock = std::size_t{16} << 10;
// Bytes of a command line that a failure quotes.
constexpr std::size_t kShownCommand = 200;

enum class Stdout { kInherit, kItems, kCapture, kDiscard };

Stdout stdout_mode(const std::string& name) {
  if (name == "items") return Stdout::kItems;
  if (name == "capture") return Stdout::kCapture;
  return name == "discard" ? Stdout::kDiscard : Stdout::kInherit;
}

// Runs commands one after the other, for one worker.
class CommandRunner {
 public:
  CommandRunner(const StageSpec& spec, Context& context)
      : options_(spec.options),
        context_(context),
        has_item_(!spec.inputs.empty()),
        stdout_(stdout_mode(options_.text("stdout"))),
        feeds_item_(options_.text("stdin") == "item") {
    if (options_.has("env")) env_ = &options_.named_templates("env");
  }

  // `batch` keeps `item`; both are of no content when the command runs once.
  Flow run(const Item& item, const Batch& batch, Out& out) {
    Command command;
    if (prepare(item, &command) == Flow::kStop) return Flow::kStop;
    auto child = runtime::blocking(runtime::Blocking::kBrief, [&] { return start_child(command); });
    if (!child.ok()) return context_.fail_item(item, failure_of(child.error()));
    ChildPump pump(std::move(*child), {.input = feeds_item_ ? item.text : std::string_view(),
                                       .stop_fd = context_.cancel_fd(),
                                       .timeout = timeout()});
    // What an attempt says may be said again by the next one.
    std::optional<HeldOut> held;
    if (context_.may_retry()) held.emplace();
    if (pass_on_output(pump, item, batch, held ? *held : out) == Flow::kStop) return Flow::kStop;
    if (std::optional<Failure> failure = judge(pump.result(), command)) {
      return context_.is_cancelled() ? Flow::kStop : context_.fail_item(item, std::move(*failure));
    }
    if (pump.result().ended_by == EndedBy::kStop) return Flow::kStop;
    return held ? held->release(out) : Flow::kMore;
  }

 private:
  Flow fail(std::string what, const Item& item) {
    return context_.fail_item(item, {FailureKind::kWork, std::move(what), {}});
  }

  [[nodiscard]] std::optional<std::chrono::milliseconds> timeout() const {
    const auto timeout = context_.timeout();
    if (!timeout) return std::nullopt;
    return std::chrono::ceil<std::chrono::milliseconds>(*timeout);
  }

  Flow pass_on_output(ChildPump& pump, const Item& item, const Batch& batch, Out& out) {
    switch (stdout_) {
      case Stdout::kItems:
        return emit_lines(pump, item, batch, out);
      case Stdout::kCapture:
        return emit_all(pump, item, batch, out);
      case Stdout::kInherit:
      case Stdout::kDiscard:
        break;
    }
    return drain(pump);
  }

  Flow prepare(const Item& item, Command* command) {
    const TemplateItem view(item, context_.run_status());
    const auto append = [&](const Template& text, std::string* to) {
      const auto missing = text.append_to(to, view);
      if (!missing) return Flow::kMore;
      return fail("the item has no field \"" + std::string(*missing) + "\"", item);
    };
    if (options_.has("shell")) {
      command->argv = {"/bin/sh", "-c", options_.text("shell"), "sh"};
      if (has_item_) command->argv.emplace_back(item.text);
    } else {
      for (const Template& argument : options_.text_templates("argv")) {
        if (append(argument, &command->argv.emplace_back()) == Flow::kStop) return Flow::kStop;
      }
    }
    if (options_.has("cwd") &&
        append(options_.text_template("cwd"), &command->cwd) == Flow::kStop) {
      return Flow::kStop;
    }
    if (prepare_environment(append) == Flow::kStop) return Flow::kStop;
    command->environment = environment_;
    const auto has_nul = [](const std::string& text) {
      return text.find('\0') != std::string::npos;
    };
    if (std::ranges::any_of(command->argv, has_nul)) {
      return fail("an argument of a command cannot hold a NUL byte", item);
    }
    command->stdin_mode = feeds_item_ ? StreamMode::kPipe : StreamMode::kNull;
    command->stdout_mode = stdout_ == Stdout::kInherit   ? StreamMode::kInherit
                           : stdout_ == Stdout::kDiscard ? StreamMode::kNull
                                                         : StreamMode::kPipe;
    command->stderr_mode = StreamMode::kInherit;
    return Flow::kMore;
  }

  // The environment is made once, unless it depends on the item.
  template <class Append>
  Flow prepare_environment(const Append& append) {
    if (environment_ != nullptr && !environment_uses_item_) return Flow::kMore;
    std::vector<std::pair<std::string, std::string>> additions = context_.environment();
    if (env_ != nullptr) {
      for (const auto& [name, value] : *env_) {
        environment_uses_item_ = environment_uses_item_ || value.uses_item();
        if (append(value, &additions.emplace_back(name, "").second) == Flow::kStop) {
          return Flow::kStop;
        }
      }
    }
    environment_ = std::make_shared<const EnvironmentBlock>(additions);
    return Flow::kMore;
  }

  static ChildOutput next(ChildPump& pump) {
    return runtime::blocking(runtime::Blocking::kLong, [&pump] { return pump.next(); });
  }

  Flow drain(ChildPump& pump) {
    while (!next(pump).is_end()) {
    }
    return Flow::kMore;
  }

  // Returning before the child has ended makes the pump's destructor end it.
  Flow emit_lines(ChildPump& pump, const Item& item, const Batch& batch, Out& out) {
    RecordAssembler lines('\n', kOutputBlock);
    lines.give_fields_of(item, batch);
    for (;;) {
      if (out.flush() == Flow::kStop) return Flow::kStop;
      const ChildOutput output = next(pump);
      if (output.is_end()) break;
      context_.count_bytes(output.bytes.size());
      if (lines.append(output.bytes, out) == Flow::kStop) return Flow::kStop;
    }
    return lines.finish(out);
  }

  Flow emit_all(ChildPump& pump, const Item& item, const Batch& batch, Out& out) {
    std::string all;
    for (;;) {
      const ChildOutput output = next(pump);
      if (output.is_end()) break;
      context_.count_bytes(output.bytes.size());
      all += output.bytes;
    }
    // As for "$(...)" in a shell the line end that closes the output is not part of the value.
    if (all.ends_with('\n')) all.pop_back();
    if (pump.result().ended_by == EndedBy::kStop) return Flow::kStop;
    out.batch().keep_all(batch);
    Item captured = item;
    captured.text = out.batch().copy(all);
    return out.emit(captured);
  }

  [[nodiscard]] std::optional<Failure> judge(const ChildResult& result,
                                             const Command& command) const {
    if (result.ended_by == EndedBy::kStop) return std::nullopt;
    std::string shown = options_.has("shell") ? "the shell script" : quote_for_shell(command.argv);
    if (shown.size() > kShownCommand) shown = shown.substr(0, kShownCommand) + "...";
    if (result.ended_by == EndedBy::kTimeout) {
      return Failure{.kind = FailureKind::kWork,
                     .what = shown + ": timed out after " + duration_text(*context_.timeout()),
                     .item = {},
                     .cause = FailureCause::kTimeout};
    }
    const std::vector<std::int64_t>& ok_codes = options_.integers("ok_codes");
    if (result.signal == 0 && std::ranges::find(ok_codes, result.exit_code) != ok_codes.end()) {
      return std::nullopt;
    }
    const bool was_killed = result.signal != 0;
    return Failure{.kind = FailureKind::kWork,
                   .what = shown + ": " + result.message(),
                   .item = {},
                   .cause = was_killed ? FailureCause::kSignal : FailureCause::kExit,
                   .code = was_killed ? result.signal : result.exit_code};
  }

  const StageOptions& options_;
  Context& context_;
  const bool has_item_;
  const Stdout stdout_;
  const bool feeds_item_;
  const NamedTemplates* env_ = nullptr;
  std::shared_ptr<const EnvironmentBlock> environment_;
  bool environment_uses_item_ = false;
};

class ExecOnce final : public Producer {
 public:
  ExecOnce(const StageSpec& spec, Context& context) : runner_(spec, context) {}
  void run(Out& out) override { static_cast<void>(runner_.run(Item{}, Batch{}, out)); }

 private:
  CommandRunner runner_;
};

class ExecEach final : public Operator {
 public:
  ExecEach(const StageSpec& spec, Context& context) : runner_(spec, context) {}
  Flow process(Batch&& batch, Out& out) override {
    for (const Item& item : batch.items()) {
      if (runner_.run(item, batch, out) == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

 private:
  CommandRunner runner_;
};

class ExecStage final : public Stage {
 public:
  explicit ExecStage(const StageSpec& spec) : spec_(spec) {}
  [[nodiscard]] bool is_source() const override { return spec_.inputs.empty(); }
  [[nodiscard]] StageTraits traits() const override {
    return {
        .workers = is_source() ? 1 : spec_.workers, .batch_items = 1, .begins_operations = true};
  }
  [[nodiscard]] std::unique_ptr<Producer> make_producer(Context& context) override {
    return std::make_unique<ExecOnce>(spec_, context);
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<ExecEach>(spec_, context);
  }

 private:
  const StageSpec& spec_;
};

}  // namespace

StageRow make_exec(const StageSpec& spec) { return row_of(std::make_unique<ExecStage>(spec)); }

}  // namespace gorun::jobs
