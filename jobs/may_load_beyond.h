// jobs/may_load_beyond.h - whether a word may be loaded of which only some bytes are ours.
//
// A load that stays within a page that has one byte of ours cannot fault, and what is not ours is
// masked away: so a few bytes are had without a branch on how many they are. A sanitizer objects.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gorun::jobs {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMayLoadBeyond = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kMayLoadBeyond = false;
#else
inline constexpr bool kMayLoadBeyond = true;
#endif
#else
inline constexpr bool kMayLoadBeyond = true;
#endif

/// True if `bytes` bytes from `at` on can be loaded, given that the first one can.
[[nodiscard]] inline bool may_load_beyond(const char* at, std::size_t bytes) {
  constexpr std::size_t kPageBytes = 4096;  // the smallest of any platform
  return kMayLoadBeyond && reinterpret_cast<std::uintptr_t>(at) % kPageBytes <= kPageBytes - bytes;
}

}  // namespace gorun::jobs
