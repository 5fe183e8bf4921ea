// cli/hash_audit.h - `gorun hash --audit FILE PATH...`: what has become of a tree since FILE was
// written.
//
// Lines on standard output: "NAME: OK", "NAME: changed", "NAME: moved from OTHER", "NAME: added",
// "NAME: missing", "NAME: FAILED open or read"; a summary on standard error. Exit status 0: all
// that is there was known, and all that was known is there.
#pragma once

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "jobs/hash/hash_run.h"

namespace gorun::cli {

/// On a goroutine.
[[nodiscard]] ExitCode audit_hashes(const Options& options, Screen& screen,
                                    const jobs::HashRunOptions& run);

}  // namespace gorun::cli
