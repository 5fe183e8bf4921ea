// tests/support/scale.h - how much smaller a test's counts are in a sanitized build.
//
// A sanitizer makes every memory access slower and every goroutine heavier: ASan maps a shadow page
// or two beside each stack and keeps freed memory in quarantine, TSan keeps a shadow state of
// hundreds of KiB per goroutine and has room for some 8,000 of them. The behaviours under test do
// not depend on the counts, so counts shrink and assertions stay.
#pragma once

#include <algorithm>

namespace gorun::test {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kUnderTsan = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool kUnderTsan = true;
#else
inline constexpr bool kUnderTsan = false;
#endif
#else
inline constexpr bool kUnderTsan = false;
#endif

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kUnderAsan = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool kUnderAsan = true;
#else
inline constexpr bool kUnderAsan = false;
#endif
#else
inline constexpr bool kUnderAsan = false;
#endif

/// The divisor of the counts; 1 in a plain build.
inline constexpr int kScale = kUnderTsan ? 20 : kUnderAsan ? 10 : 1;

/// `n` operations in a plain build, fewer under a sanitizer, but never below `least`.
constexpr int scaled(int n, int least = 1) { return std::max(n / kScale, std::min(n, least)); }

/// `n` goroutines alive at once: at most what TSan's table of goroutines holds.
constexpr int scaled_goroutines(int n) {
  return kUnderTsan ? std::min(n, 1'000) : scaled(n, 1'000);
}

}  // namespace gorun::test
