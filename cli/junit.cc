#include "cli/junit.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string_view>

#include "jobs/utf8.h"

namespace gorun::cli {
namespace {

using jobs::StageState;

// Text for an attribute or an element.
std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = jobs::utf8_length(text, at);
    const char c = text[at];
    const std::string_view character = text.substr(at, std::max<std::size_t>(length, 1));
    at += character.size();
    const bool is_control = static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t';
    // U+FFFE and U+FFFF are no characters of XML.
    if (length == 0 || is_control || character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf") {
      out += '?';
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\n' || c == '\t') {
      // In an attribute a reader would turn them into spaces.
      out += c == '\n' ? "&#10;" : "&#9;";
    } else {
      out += character;
    }
  }
  return out;
}

std::string seconds(std::chrono::nanoseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", std::chrono::duration<double>(time).count());
  return text;
}

std::string attribute(std::string_view name, std::string_view value) {
  return std::string(" ").append(name).append("=\"").append(escaped(value)).append("\"");
}

bool is_error(const jobs::StageOutcome& stage) {
  return std::ranges::any_of(stage.failures, [](const jobs::Failure& failure) {
    return failure.kind == jobs::FailureKind::kInternal;
  });
}

std::string failure_element(const jobs::StageOutcome& stage) {
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
      .append(attribute("message", first))
      .append(attribute("type", element))
      .append(">")
      .append(escaped(text))
      .append("</")
      .append(element)
      .append(">\n");
}

std::string test_case(const std::string& suite, const jobs::StageOutcome& stage) {
  std::string out = "    <testcase" + attribute("name", stage.name) +
                    attribute("classname", suite) +
                    attribute("time", seconds(stage.ended - stage.started));
  switch (stage.state) {
    case StageState::kSucceeded:
      return out + "/>\n";
    case StageState::kFailed:
      return out + ">\n" + failure_element(stage) + "    </testcase>\n";
    default:
      return out + ">\n      <skipped" + attribute("message", jobs::to_string(stage.state)) +
             "/>\n    </testcase>\n";
  }
}

}  // namespace

std::string junit_text(const jobs::Graph& graph, const jobs::Outcome& outcome) {
  const std::string suite = graph.name.empty() ? "gorun" : graph.name;
  int failures = 0;
  int errors = 0;
  int skipped = 0;
  for (const jobs::StageOutcome& stage : outcome.stages) {
    if (stage.state == StageState::kFailed) ++(is_error(stage) ? errors : failures);
    if (stage.state != StageState::kFailed && stage.state != StageState::kSucceeded) ++skipped;
  }
  const std::string counts =
      attribute("name", suite) + attribute("tests", std::to_string(outcome.stages.size())) +
      attribute("failures", std::to_string(failures)) + attribute("errors", std::to_string(errors));
  const std::string time = attribute("time", seconds(outcome.elapsed));
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += "<testsuites" + counts + time + ">\n";
  out += "  <testsuite" + counts + attribute("skipped", std::to_string(skipped)) + time + ">\n";
  for (const jobs::StageOutcome& stage : outcome.stages) out += test_case(suite, stage);
  out += "  </testsuite>\n</testsuites>\n";
  return graph.secrets.masked(std::move(out));
}

}  // namespace gorun::cli
