// cli/cmd_hash.h - `gorun hash PATH...` and `gorun hash --check FILE...`.
//
// Digests go to standard output in the order of the names; what could not be hashed is told on
// standard error, and the rest is done all the same, as sha256sum does.
#pragma once

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/terminal.h"

namespace gorun::cli {

/// returns  kOk; kFailed if a file could not be hashed or does not match; kOutput.
[[nodiscard]] ExitCode cmd_hash(const Options& options, Screen& screen);

}  // namespace gorun::cli
