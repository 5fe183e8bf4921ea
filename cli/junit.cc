#include "cli/junit.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string_view>

#include "cli/markup.h"

namespace gorun::cli {
namespace {

using jobs::StageState;

std::string seconds(std::chrono::nanoseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", std::chrono::duration<double>(time).count());
  return text;
}

bool is_error(const jobs::StageOutcome& stage) {
  return std::ranges::any_of(stage.failures, [](const jobs::Failure& failure) {
    return failure.kind == jobs::FailureKind::kInternal;
  });
}

std::string failure_element(const Markup& markup, const jobs::StageOutcome& stage) {
  const std::string_view element = is_error(stage) ? "error" : "failure";
  std::string text;
  for (const jobs::Failure& failure : stage.failures) {
    text += failure.what;
    if (!failure.item.empty()) text += " (item \"" + failure.item + "\")";
    text += "\n" + failure.tail;
    if (!failure.tail.empty() && !failure.tail.ends_with('\n')) text += "\n";
  }
  if (stage.failure_count > stage.failures.size()) {
    text += std::to_string(stage.failure_count - stage.failures.size()) + " more\n";
  }
  const std::string first = stage.failures.empty() ? std::string() : stage.failures.front().what;
  return std::string("      <")
      .append(element)
      .append(markup.attribute("message", first))
      .append(markup.attribute("type", element))
      .append(">")
      .append(markup.text(text))
      .append("</")
      .append(element)
      .append(">\n");
}

std::string test_case(const Markup& markup, const std::string& suite,
                      const jobs::StageOutcome& stage) {
  std::string out = "    <testcase" + markup.attribute("name", stage.name) +
                    markup.attribute("classname", suite) +
                    markup.attribute("time", seconds(stage.ended - stage.started));
  switch (stage.state) {
    case StageState::kSucceeded:
      if (stage.is_up_to_date()) break;
      return out + "/>\n";
    case StageState::kFailed:
      return out + ">\n" + failure_element(markup, stage) + "    </testcase>\n";
    default:
      break;
  }
  return out + ">\n      <skipped" + markup.attribute("message", jobs::state_word(stage)) +
         "/>\n    </testcase>\n";
}

}  // namespace

std::string junit_text(const jobs::Graph& graph, const jobs::Outcome& outcome) {
  const std::string suite = graph.name.empty() ? "gorun" : graph.name;
  int failures = 0;
  int errors = 0;
  int skipped = 0;
  for (const jobs::StageOutcome& stage : outcome.stages) {
    if (stage.state == StageState::kFailed) ++(is_error(stage) ? errors : failures);
    const bool has_run = stage.state == StageState::kFailed ||
                         (stage.state == StageState::kSucceeded && !stage.is_up_to_date());
    if (!has_run) ++skipped;
  }
  const Markup markup(graph.secrets);
  const std::string counts = markup.attribute("name", suite) +
                             markup.attribute("tests", std::to_string(outcome.stages.size())) +
                             markup.attribute("failures", std::to_string(failures)) +
                             markup.attribute("errors", std::to_string(errors));
  const std::string time = markup.attribute("time", seconds(outcome.elapsed));
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += "<testsuites" + counts + time + ">\n";
  out +=
      "  <testsuite" + counts + markup.attribute("skipped", std::to_string(skipped)) + time + ">\n";
  for (const jobs::StageOutcome& stage : outcome.stages) out += test_case(markup, suite, stage);
  out += "  </testsuite>\n</testsuites>\n";
  return out;
}

}  // namespace gorun::cli
