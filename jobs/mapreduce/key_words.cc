#include "jobs/mapreduce/key_words.h"

// All of XXH3 inside: no call more than this one.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace gorun::jobs {

std::uint64_t hash_of_long_key(std::string_view key) { return XXH3_64bits(key.data(), key.size()); }

}  // namespace gorun::jobs
