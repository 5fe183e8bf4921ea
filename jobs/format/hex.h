// jobs/format/hex.h - hexadecimal digits: what is written, and what is understood.
#pragma once

#include <string_view>

namespace gorun::jobs {

inline constexpr std::string_view kHexDigits = "0123456789abcdef";
inline constexpr std::string_view kAnyHexDigits = "0123456789abcdefABCDEF";

}  // namespace gorun::jobs
