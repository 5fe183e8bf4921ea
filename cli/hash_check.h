// cli/hash_check.h - `gorun hash --check`: digests that were written, against files as they are.
//
// The words on standard output and the exit status are those of sha256sum -c: "NAME: OK", "NAME:
// FAILED", "NAME: FAILED open or read", and what was wrong altogether as warnings at the end.
#pragma once

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "jobs/hash/hash_run.h"

namespace gorun::cli {

/// On a goroutine.
[[nodiscard]] ExitCode check_hashes(const Options& options, Screen& screen,
                                    const jobs::HashRunOptions& run);

}  // namespace gorun::cli
