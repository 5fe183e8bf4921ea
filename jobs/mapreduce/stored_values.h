// jobs/mapreduce/stored_values.h - the state of an aggregate that keeps values, as bytes.
//
//   state   value...
//   value   length bytes      length is a std::size_t, in the machine's order
//
// Any of the values are a state, too, so a long one is written in parts.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace gorun::jobs {

inline void append_stored_value(std::string_view value, std::string* out) {
  const std::size_t length = value.size();
  out->append(reinterpret_cast<const char*>(&length), sizeof length);
  *out += value;
}

/// Takes one off the front of a state that is not empty.
inline std::string_view take_stored_value(std::string_view* state) {
  std::size_t length = 0;
  std::memcpy(&length, state->data(), sizeof length);
  const std::string_view value = state->substr(sizeof length, length);
  state->remove_prefix(sizeof length + length);
  return value;
}

}  // namespace gorun::jobs
