// runtime/arch/sanitizer.h - tells AddressSanitizer and ThreadSanitizer of every stack switch.
//
// Both tools keep state per stack: ASan its bounds and fake frames, TSan a clock. Every switch in
// the runtime is bracketed by leave() on the old stack and arrived() on the new one, and nowhere
// else do the names of these tools appear. Without a sanitizer everything here is empty.
//
// TSan's switch keeps its default meaning, which orders what the old stack did before what the new
// one does: they are one thread, and the P's caches are handed over in just that way.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define GORUN_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GORUN_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define GORUN_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GORUN_TSAN 1
#endif
#endif

#ifdef GORUN_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#ifdef GORUN_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace gorun::runtime::arch {

#ifdef GORUN_TSAN
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif
#ifdef GORUN_ASAN
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif

/// What the sanitizers know of one stack: a goroutine's, or an M's own (g0).
class SanitizerStack {
 public:
  /// Describes the stack [low, low + size) of a goroutine, before its first switch.
  void init([[maybe_unused]] void* low, [[maybe_unused]] std::size_t size) {
#ifdef GORUN_ASAN
    low_ = low;
    size_ = size;
#endif
#ifdef GORUN_TSAN
    fiber_ = __tsan_create_fiber(0);
#endif
  }

  /// Describes the calling thread's own stack.
  void init_thread([[maybe_unused]] void* low, [[maybe_unused]] std::size_t size) {
#ifdef GORUN_ASAN
    low_ = low;
    size_ = size;
#endif
#ifdef GORUN_TSAN
    fiber_ = __tsan_get_current_fiber();
#endif
  }

  /// A stack that ended is about to serve another goroutine.
  void recycle() {
#ifdef GORUN_ASAN
    fake_ = nullptr;
#endif
#ifdef GORUN_TSAN
    // The goroutine that ended never returned from its entry: its fiber still counts those frames.
    __tsan_destroy_fiber(fiber_);
    fiber_ = __tsan_create_fiber(0);
#endif
  }

  /// Just before the switch from `from` to `to`.
  static void leave([[maybe_unused]] SanitizerStack& from, [[maybe_unused]] SanitizerStack& to) {
#ifdef GORUN_ASAN
    __sanitizer_start_switch_fiber(&from.fake_, to.low_, to.size_);
#endif
#ifdef GORUN_TSAN
    __tsan_switch_to_fiber(to.fiber_, 0);
#endif
  }

  /// The same, from a stack whose goroutine has ended.
  static void leave_for_good([[maybe_unused]] SanitizerStack& from,
                             [[maybe_unused]] SanitizerStack& to) {
#ifdef GORUN_ASAN
    // The frames that stand here never return, and would leave their red zones to the next
    // goroutine.
    constexpr std::size_t kOwnFrames = 1024;
    const char* here = static_cast<const char*>(__builtin_frame_address(0)) - kOwnFrames;
    const char* top = static_cast<const char*>(from.low_) + from.size_;
    __asan_unpoison_memory_region(here, static_cast<std::size_t>(top - here));
    __sanitizer_start_switch_fiber(nullptr, to.low_, to.size_);
#endif
#ifdef GORUN_TSAN
    __tsan_switch_to_fiber(to.fiber_, 0);
#endif
  }

  /// First thing on the stack that was switched to.
  void arrived() {
#ifdef GORUN_ASAN
    __sanitizer_finish_switch_fiber(fake_, nullptr, nullptr);
#endif
  }

 private:
#ifdef GORUN_ASAN
  void* fake_ = nullptr;
  const void* low_ = nullptr;
  std::size_t size_ = 0;
#endif
#ifdef GORUN_TSAN
  void* fiber_ = nullptr;
#endif
};

/// Memory that holds a goroutine's stack may hold the only pointer to a heap block. A guard page in
/// it must be a mapping of its own (mprotect), which LeakSanitizer passes over.
inline void register_leak_root([[maybe_unused]] const void* low,
                               [[maybe_unused]] std::size_t size) {
#ifdef GORUN_ASAN
  __lsan_register_root_region(low, size);
#endif
}

}  // namespace gorun::runtime::arch
