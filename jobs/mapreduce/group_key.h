// jobs/mapreduce/group_key.h - the values that items are grouped by, as one key.
//
// One value is its own key. Several are put in a row so that keys compare, byte by byte, as their
// values do one after the other: each but the last ends with the bytes 0 and 1, and a 0 inside one
// is written as 0 and 255. "a" then comes before "a\0" and before "ab", whatever follows.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gorun::jobs {

/// Appends a value that is not the last.
void append_key_part(std::string_view value, std::string* key);
/// Appends the last one.
void append_last_key_part(std::string_view value, std::string* key);

/// The values of a key of `count` values, at least 1. Views into `key` where nothing was escaped,
/// else into `unescaped`, which they outlive not.
[[nodiscard]] std::vector<std::string_view> key_parts(std::string_view key, std::size_t count,
                                                      std::string* unescaped);

}  // namespace gorun::jobs
