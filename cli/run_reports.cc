#include "cli/run_reports.h"

#include <sstream>
#include <utility>

#include "cli/github.h"
#include "cli/html_page.h"
#include "cli/junit.h"
#include "cli/summary.h"
#include "jobs/output_file.h"
#include "runtime/trace.h"

namespace gorun::cli {
namespace {

namespace trace = runtime::trace;

bool wants_github(const ReportOptions& flags, const jobs::Reports& keys) {
  if (flags.github) return is_for_github(*flags.github);
  if (keys.github) return *keys.github;
  return is_for_github(GithubMode::kAuto);
}

}  // namespace

RunReports::Target RunReports::target(const std::string& flag, std::string_view flag_name,
                                      const std::string& key, std::string_view key_name) {
  return flag.empty() ? Target{key, key_name} : Target{flag, flag_name};
}

RunReports::RunReports(const ReportOptions& flags, const jobs::Graph& graph)
    : graph_(graph),
      junit_(target(flags.junit, "--junit", graph.report.junit, "\"report\": \"junit\"")),
      trace_(target(flags.trace, "--trace", graph.report.trace, "\"report\": \"trace\"")),
      summary_(target(flags.summary, "--summary", graph.report.summary, "\"report\": \"summary\"")),
      html_(target(flags.html, "--report", graph.report.html, "\"report\": \"html\"")),
      is_for_github_(wants_github(flags, graph.report)) {}

RunReports::~RunReports() {
  if (is_tracing_) static_cast<void>(end_trace());
}

void RunReports::begin() {
  if (trace_.path.empty()) return;
  trace::start();
  is_tracing_ = true;
}

// The names in it are those of stages, and a matrix may put a secret into one.
std::string RunReports::end_trace() {
  is_tracing_ = false;
  std::ostringstream text;
  trace::stop(text);
  return graph_.secrets.masked(std::move(text).str());
}

bool RunReports::save(const Target& target, std::string_view text, Screen& screen) {
  jobs::OutputFile file(target.path, jobs::OutputFile::Mode::kAtomic, -1);
  auto error = file.open();
  if (!error) error = file.write(text);
  if (!error) error = file.commit();
  if (!error) return true;
  screen.message("gorun: error: " + std::string(target.asked_by) + ": " + error->message() + "\n");
  return false;
}

bool RunReports::write(const jobs::Outcome& outcome, Screen& screen) {
  bool is_written = true;
  const auto put = [&](const Target& target, auto make) {
    if (target.path.empty()) return;
    is_written = save(target, make(), screen) && is_written;
  };
  put(junit_, [&] { return junit_text(graph_, outcome); });
  put(trace_, [&] { return end_trace(); });
  put(summary_, [&] { return summary_text(graph_, outcome); });
  put(html_, [&] { return html_page(graph_, outcome); });
  return is_written;
}

}  // namespace gorun::cli
