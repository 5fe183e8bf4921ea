// cli/standard_output.h - results of the commands that make them by themselves: help, stages,
// check.
//
// (A job's data is written by its stages and does not pass here.)
#pragma once

#include <string_view>

#include "cli/exit_code.h"

namespace gorun::cli {

/// Writes all of `text` to standard output.
///
/// returns  kOk, also when the reader has gone (`gorun help | head -1`): it has what it wanted; or
///          kOutput, after a message on standard error.
[[nodiscard]] ExitCode print(std::string_view text);

/// Writes all of `text` to standard output. returns  0 or an errno value, EPIPE among them.
[[nodiscard]] int write_to_stdout(std::string_view text);

/// Says on standard error that standard output could not be written. returns  kOutput.
ExitCode report_stdout_failure(int error_number);

/// Opens what is closed among the descriptors 0, 1 and 2 the wrong way round, so that no file of a
/// job becomes standard output by accident while a use of the closed one still fails.
void reserve_standard_descriptors();

}  // namespace gorun::cli
