// cli/version_line.h - what `gorun --version` prints.
#pragma once

#include <string>

namespace gorun::cli {

/// One line without its newline, such as `gorun 0.1.0`.
[[nodiscard]] std::string version_line();

}  // namespace gorun::cli
