// tests/support/any_keys.h - keys that try a table: short and long, equal ones among them.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <vector>

namespace gorun::test {

/// Keys of every length up to 40 and some long ones, any bytes; `again` out of 3, on average, are
/// one that was there before.
inline std::vector<std::string> any_keys(std::size_t count, unsigned again, std::mt19937& random) {
  std::vector<std::string> keys;
  keys.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (!keys.empty() && random() % 3 < again) {
      keys.push_back(keys[random() % keys.size()]);
      continue;
    }
    std::string key(random() % 40 + (random() % 50 == 0 ? 5000 : 0), '\0');
    // Few different bytes, so that keys share beginnings and ends.
    for (char& c : key) c = "\0a\xff"[random() % 3];
    keys.push_back(key);
  }
  return keys;
}

}  // namespace gorun::test
