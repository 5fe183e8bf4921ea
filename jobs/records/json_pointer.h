// jobs/records/json_pointer.h - the tokens of a JSON pointer (RFC 6901): "/a~1b/0" has "a~1b" and
// "0".
#pragma once

#include <string>
#include <string_view>

namespace gorun::jobs {

/// Takes the first token, with its slash, off a pointer that is well-formed and not empty.
[[nodiscard]] std::string_view take_json_token(std::string_view* pointer);

/// The key that such a token names: "~1" stands for "/", "~0" for "~".
[[nodiscard]] std::string json_key(std::string_view token);

}  // namespace gorun::jobs
