// cli/github.h - a run's failures as GitHub Actions shows them: annotations, and a group that
// folds.
#pragma once

#include <string>

#include "jobs/outcome.h"
#include "jobs/secrets.h"

namespace gorun::cli {

enum class GithubMode { kAuto, kOn, kOff };

/// True if the output is for GitHub: kOn, or kAuto and the environment says so.
[[nodiscard]] bool is_for_github(GithubMode mode);

/// "::error title=...::...", a line for each failure that is kept.
/// Secrets are masked.
[[nodiscard]] std::string annotations(const jobs::Secrets& secrets, const jobs::Outcome& outcome);

/// "::notice title=...::...", a line that names the stages that were up to date; nothing of none.
/// Secrets are masked.
[[nodiscard]] std::string up_to_date_notice(const jobs::Secrets& secrets,
                                            const jobs::Outcome& outcome);

/// `text` as a group that is folded until somebody clicks on `title`; nothing of nothing.
[[nodiscard]] std::string folded(const std::string& title, const std::string& text);

}  // namespace gorun::cli
