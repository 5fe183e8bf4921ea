#include "jobs/mapreduce/group_key.h"

namespace gorun::jobs {
namespace {

constexpr char kEscape = '\0';
constexpr char kEndOfPart = '\1';
constexpr char kZero = '\xff';

}  // namespace

void append_key_part(std::string_view value, std::string* key) {
  append_last_key_part(value, key);
  *key += {kEscape, kEndOfPart};
}

// The last one is escaped as well, so that one rule reads all of them.
void append_last_key_part(std::string_view value, std::string* key) {
  for (;;) {
    const std::size_t zero = value.find('\0');
    key->append(value.substr(0, zero));
    if (zero == std::string_view::npos) return;
    *key += {kEscape, kZero};
    value.remove_prefix(zero + 1);
  }
}

std::vector<std::string_view> key_parts(std::string_view key, std::size_t count,
                                        std::string* unescaped) {
  if (count == 1) return {key};
  unescaped->clear();
  unescaped->reserve(key.size());  // views into it are made as it grows
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key[i] != kEscape) {
      *unescaped += key[i];
    } else if (key[++i] == kZero) {
      *unescaped += '\0';
    } else {
      parts.emplace_back(unescaped->data() + begin, unescaped->size() - begin);
      begin = unescaped->size();
    }
  }
  parts.emplace_back(unescaped->data() + begin, unescaped->size() - begin);
  return parts;
}

}  // namespace gorun::jobs
