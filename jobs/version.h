// jobs/version.h - the version of gorun, for the command and for its reports.
//
// Written once: CMakeLists.txt reads it from here.
#pragma once

#include <string_view>

namespace gorun::jobs {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace gorun::jobs
