#include "jobs/records/json_pointer.h"

#include <algorithm>
#include <cstddef>

namespace gorun::jobs {

std::string_view take_json_token(std::string_view* pointer) {
  const std::size_t length = std::min(pointer->find('/', 1), pointer->size());
  const std::string_view token = pointer->substr(0, length);
  pointer->remove_prefix(length);
  return token;
}

std::string json_key(std::string_view token) {
  std::string key;
  for (std::size_t i = 1; i < token.size(); ++i) {
    const bool is_escape = token[i] == '~' && i + 1 < token.size();
    key += is_escape ? (token[++i] == '1' ? '/' : '~') : token[i];
  }
  return key;
}

}  // namespace gorun::jobs
