#include "cli/github.h"

#include <cstdlib>
#include <string_view>

#include "cli/printable.h"

namespace gorun::cli {
namespace {

// Of a workflow command: what would end it, or in a property the property.
std::string escaped(std::string_view text, std::string_view forbidden) {
  std::string out;
  for (const char c : text) {
    if (forbidden.find(c) == std::string_view::npos) {
      out += c;
      continue;
    }
    constexpr std::string_view kHex = "0123456789ABCDEF";
    out += '%';
    out += kHex[static_cast<unsigned char>(c) >> 4U];
    out += kHex[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

std::string annotation(const std::string& stage, const jobs::Failure& failure) {
  std::string text = failure.what;
  if (!failure.item.empty()) text += " (item \"" + printable(failure.item) + "\")";
  if (!failure.tail.empty()) text += "\n" + failure.tail;
  while (text.ends_with('\n')) text.pop_back();
  return "::error title=" + escaped("stage " + stage, "%\r\n:,") + "::" + escaped(text, "%\r\n") +
         "\n";
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

std::string folded(const std::string& title, const std::string& text) {
  if (text.empty()) return "";
  return "::group::" + escaped(title, "%\r\n") + "\n" + text + "::endgroup::\n";
}

}  // namespace gorun::cli
