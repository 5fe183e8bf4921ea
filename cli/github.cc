#include "cli/github.h"

#include <cstdlib>
#include <string_view>

#include "cli/printable.h"
#include "jobs/format/github_text.h"

namespace gorun::cli {
namespace {

std::string annotation(const std::string& stage, const jobs::Failure& failure) {
  std::string text = failure.what;
  if (!failure.item.empty()) text += " (item \"" + printable(failure.item) + "\")";
  if (!failure.tail.empty()) text += "\n" + failure.tail;
  while (text.ends_with('\n')) text.pop_back();
  return "::error title=" + jobs::escape_for_github("stage " + stage, jobs::kGithubProperty) +
         "::" + jobs::escape_for_github(text, jobs::kGithubMessage) + "\n";
}

}  // namespace

bool is_for_github(GithubMode mode) {
  if (mode != GithubMode::kAuto) return mode == GithubMode::kOn;
  // Nothing in gorun changes the environment. NOLINTNEXTLINE(concurrency-mt-unsafe)
  const char* actions = std::getenv("GITHUB_ACTIONS");
  return actions != nullptr && std::string_view(actions) == "true";
}

// Masked before anything is escaped: an escaped secret would be another text.
std::string annotations(const jobs::Secrets& secrets, const jobs::Outcome& outcome) {
  std::string out;
  for (const jobs::StageOutcome& stage : outcome.stages) {
    const std::string name = secrets.masked(stage.name);
    for (const jobs::Failure& failure : stage.failures) out += annotation(name, failure);
  }
  return out;
}

std::string up_to_date_notice(const jobs::Secrets& secrets, const jobs::Outcome& outcome) {
  std::string names;
  for (const jobs::StageOutcome& stage : outcome.stages) {
    if (!stage.is_up_to_date()) continue;
    names += (names.empty() ? "" : ", ") + printable(secrets.masked(stage.name));
  }
  if (names.empty()) return "";
  return "::notice title=up to date::" + jobs::escape_for_github(names, jobs::kGithubMessage) +
         "\n";
}

std::string folded(const std::string& title, const std::string& text) {
  if (text.empty()) return "";
  return jobs::github_group(title) + text + std::string(jobs::kGithubEndGroup);
}

}  // namespace gorun::cli
