#include "jobs/exec/command_maker.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "jobs/format/quote.h"

namespace gorun::jobs {
namespace {

// Bytes of a command line that a failure quotes.
constexpr std::size_t kShownCommand = 200;

class CommandItem final : public ItemView {
 public:
  CommandItem(const Item& item, std::string_view run_status, std::uint64_t number,
              std::uint64_t slot)
      : item_(item, run_status), number_(number), slot_(slot) {}
  [[nodiscard]] std::string_view text() const override { return item_.text(); }
  [[nodiscard]] bool append_field(std::string_view name, std::string* out) const override {
    return item_.append_field(name, out);
  }
  [[nodiscard]] std::string_view run_status() const override { return item_.run_status(); }
  [[nodiscard]] std::uint64_t number() const override { return number_; }
  [[nodiscard]] std::uint64_t slot() const override { return slot_; }

 private:
  const TemplateItem item_;
  const std::uint64_t number_;
  const std::uint64_t slot_;
};

std::optional<std::string> append(const Template& text, const ItemView& view, std::string* to) {
  const auto missing = text.append_to(to, view);
  if (!missing) return std::nullopt;
  return "the item has no field \"" + std::string(*missing) + "\"";
}

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

}  // namespace

CommandMaker::CommandMaker(const StageOptions& options, const Environment& environment,
                           const Jobserver* jobserver, std::uint64_t slot)
    : options_(options),
      shell_(options.has("shell") ? &options.text("shell") : nullptr),
      argv_(options.has("argv") ? &options.text_templates("argv") : nullptr),
      cwd_(options.has("cwd") ? &options.text_template("cwd") : nullptr),
      nice_(static_cast<int>(options.integer("nice"))),
      additions_(environment),
      jobserver_(jobserver),
      slot_(slot) {
  if (options_.has("env")) {
    environment_varies_ =
        std::ranges::any_of(options_.named_templates("env"),
                            [](const auto& entry) { return !entry.second.is_constant(); });
  }
}

std::optional<std::string> CommandMaker::make(std::span<const Item> items, std::uint64_t number,
                                              std::string_view run_status, Command* command) {
  if (auto wrong = make_argv(items, number, run_status, command)) return wrong;
  const Item none;
  const CommandItem view(items.empty() ? none : items.front(), run_status, number, slot_);
  command->cwd.clear();
  if (cwd_ != nullptr) {
    if (auto wrong = append(*cwd_, view, &command->cwd)) return wrong;
  }
  if (auto wrong = make_environment(view)) return wrong;
  command->environment = environment_;
  command->nice = nice_;
  if (jobserver_ != nullptr && options_.flag("jobserver")) {
    command->inherited.assign(jobserver_->inherited().begin(), jobserver_->inherited().end());
  }
  if (std::ranges::any_of(command->argv, has_nul)) {
    return "an argument of a command cannot hold a NUL byte";
  }
  look_up(command);
  return std::nullopt;
}

std::optional<std::string> CommandMaker::make_argv(std::span<const Item> items,
                                                   std::uint64_t number,
                                                   std::string_view run_status, Command* command) {
  command->argv.clear();
  if (shell_ != nullptr) {
    command->argv = {"/bin/sh", "-c", *shell_, "sh"};
    for (const Item& item : items) command->argv.emplace_back(item.text);
    return std::nullopt;
  }
  const Item none;
  for (const Template& argument : *argv_) {
    const bool repeats = argument.uses_item();
    for (std::size_t i = 0; i < (repeats ? items.size() : 1); ++i) {
      const CommandItem view(items.empty() ? none : items[i], run_status, number, slot_);
      if (auto wrong = append(argument, view, &command->argv.emplace_back())) return wrong;
    }
  }
  return std::nullopt;
}

// The environment is made once, unless it depends on the command.
std::optional<std::string> CommandMaker::make_environment(const ItemView& view) {
  if (environment_ != nullptr && !environment_varies_) return std::nullopt;
  std::vector<std::pair<std::string, std::string>> additions;
  if (jobserver_ != nullptr) {
    using Style = Jobserver::Style;
    const Style style = options_.text("jobserver_style") == "fifo" ? Style::kFifo : Style::kPipe;
    if (options_.flag("jobserver")) {
      additions.emplace_back("MAKEFLAGS", jobserver_->makeflags(style));
    } else if (jobserver_->makeflags_without()) {
      additions.emplace_back("MAKEFLAGS", *jobserver_->makeflags_without());
    }
  }
  for (const auto& given : additions_) additions.push_back(given);
  if (options_.has("env")) {
    for (const auto& [name, value] : options_.named_templates("env")) {
      if (auto wrong = append(value, view, &additions.emplace_back(name, "").second)) return wrong;
    }
  }
  environment_ = std::make_shared<const EnvironmentBlock>(additions);
  return std::nullopt;
}

// A look through PATH costs more than anything else that gorun does for a command. What was found
// once is looked up again when it is not there any more (start_child() says so).
void CommandMaker::look_up(Command* command) {
  command->file.clear();
  if (!environment_varies_ && command->cwd.empty() && program_ == command->argv.front()) {
    command->file = file_;
    return;
  }
  program_ = command->argv.front();
  auto found = find_program(program_, environment_->get("PATH"));
  // What is wrong with it is told by the start. A relative place depends on the directory.
  file_ = found && found->starts_with('/') ? std::move(*found) : std::string();
  command->file = environment_varies_ || !command->cwd.empty() ? std::string() : file_;
}

std::string CommandMaker::shown(const Command& command) const {
  if (shell_ != nullptr) return "the shell script";
  std::string shown = quote_for_shell(command.argv);
  if (shown.size() > kShownCommand) shown = shown.substr(0, kShownCommand) + "...";
  return shown;
}

}  // namespace gorun::jobs
