// cli/version_line.cc - the command's name and version.

#include "cli/version_line.h"

#include "jobs/version.h"

namespace gorun::cli {

std::string version_line() { return "gorun " + std::string(jobs::kVersion); }

}  // namespace gorun::cli
