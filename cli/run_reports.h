// cli/run_reports.h - what is written about a run: JUnit XML, a trace, a summary, a page.
//
// Each is asked for by a flag or by "report" of the job file; the flag wins. All are written when
// the run has ended, however it has, whole or not at all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"
#include "cli/terminal.h"
#include "jobs/graph.h"
#include "jobs/outcome.h"

namespace gorun::cli {

class RunReports {
 public:
  /// `graph` outlives this.
  RunReports(const ReportOptions& flags, const jobs::Graph& graph);
  /// Drops a trace that was begun and not written.
  ~RunReports();
  RunReports(const RunReports&) = delete;
  RunReports& operator=(const RunReports&) = delete;

  /// Right before the run: a trace begins here.
  void begin();

  /// Right after it. returns false after a message for each that could not be written.
  [[nodiscard]] bool write(const jobs::Outcome& outcome, Screen& screen);

  /// Failures are shown as GitHub reads them.
  [[nodiscard]] bool is_for_github() const { return is_for_github_; }

 private:
  // Where one of them goes, and what the user called it.
  struct Target {
    std::string path;  // empty: nowhere
    std::string_view asked_by;
  };
  static Target target(const std::string& flag, std::string_view flag_name, const std::string& key,
                       std::string_view key_name);
  [[nodiscard]] static bool save(const Target& target, std::string_view text, Screen& screen);
  [[nodiscard]] std::string end_trace();

  const jobs::Graph& graph_;
  const Target junit_;
  const Target trace_;
  const Target summary_;
  const Target html_;
  const bool is_for_github_;
  bool is_tracing_ = false;
};

}  // namespace gorun::cli
