// jobs/format/github_text.h - workflow commands: lines that GitHub Actions reads in a log.
//
// Source: GitHub Docs, "Workflow commands for GitHub Actions".
#pragma once

#include <string>
#include <string_view>

namespace gorun::jobs {

/// `text` with every byte of `forbidden` as "%" and two hexadecimal digits: what would end the
/// command, or in a property the property.
[[nodiscard]] std::string escape_for_github(std::string_view text, std::string_view forbidden);

/// What must not stand in a message, and in a property of a command.
inline constexpr std::string_view kGithubMessage = "%\r\n";
inline constexpr std::string_view kGithubProperty = "%\r\n:,";

/// The line that begins a group, which is folded until somebody clicks on `title`, and the one that
/// ends it. Groups do not nest.
[[nodiscard]] std::string github_group(std::string_view title);
inline constexpr std::string_view kGithubEndGroup = "::endgroup::\n";

}  // namespace gorun::jobs
