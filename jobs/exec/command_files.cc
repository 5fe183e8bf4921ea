#include "jobs/exec/command_files.h"

#include <utility>
#include <vector>

#include "jobs/run_options.h"

namespace gorun::jobs {
namespace {

// The first reason, for those who need no more than one.
std::string first_of(const std::vector<std::string>& reasons) {
  if (reasons.empty()) return "";
  if (reasons.size() == 1) return reasons.front();
  return reasons.front() + " (and " + std::to_string(reasons.size() - 1) + " more)";
}

}  // namespace

CommandFiles::CommandFiles(const StageSpec& spec, Context& context) : context_(context) {
  if (is_checked(spec.options)) {
    up_to_date_.emplace(
        spec, context.graph(),
        context.run_options().paranoid ? UpToDate::Trust::kNothing : UpToDate::Trust::kStamps);
  }
  if (spec.options.has("artifacts")) artifacts_.emplace(spec, context.graph());
}

void CommandFiles::warn(std::string what) {
  if (!what.empty()) context_.warn(std::move(what));
}

std::optional<std::string> CommandFiles::keep(const Command& command, std::span<const Item> items,
                                              CommandEnd end) {
  if (!artifacts_) return std::nullopt;
  return artifacts_->keep(items, command.cwd, context_.run_status(), end);
}

CommandFiles::Before CommandFiles::before(const Command& command, std::span<const Item> items) {
  if (!up_to_date_) return {};
  UpToDate::Judgement judgement = up_to_date_->judge(command, items, context_.run_status());
  warn(std::move(judgement.warning));
  if (judgement.problem) return {.problem = std::move(judgement.problem)};
  if (judgement.reasons.empty() && context_.run_options().always_run) {
    judgement.reasons.emplace_back("every command is to run");
  }
  context_.judged(items, first_of(judgement.reasons));
  if (judgement.reasons.empty()) {
    return {.is_up_to_date = true, .problem = keep(command, items, CommandEnd::kSucceeded)};
  }
  warn(up_to_date_->before());
  return {};
}

std::optional<std::string> CommandFiles::after(const Command& command, std::span<const Item> items,
                                               CommandEnd end) {
  std::optional<std::string> wrong;
  if (up_to_date_ && end == CommandEnd::kSucceeded) {
    UpToDate::Kept kept = up_to_date_->after_success();
    warn(std::move(kept.warning));
    wrong = std::move(kept.problem);
    if (wrong) end = CommandEnd::kFailed;
  }
  std::optional<std::string> not_kept = keep(command, items, end);
  if (end == CommandEnd::kSucceeded) return not_kept;
  warn(std::move(not_kept).value_or(""));  // it has failed already
  return wrong;
}

}  // namespace gorun::jobs
