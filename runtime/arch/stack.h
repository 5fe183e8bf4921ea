// runtime/arch/stack.h - pooled, guarded goroutine stacks.
//
// Address space is reserved in arenas (NORESERVE, no huge pages), each for one size class, and cut
// into stacks of that size and a guard page each; a page costs memory only once it is touched. The
// guard lies lowest: MADV_GUARD_INSTALL where the kernel has it (it adds no mapping), else mprotect
// for the first kMprotectGuards stacks (each costs two mappings of vm.max_map_count).
//
// The Stack header lies at the top of the stack it describes, in the page that the first frames
// touch anyway: a parked goroutine costs one page and its G. The initial stack pointer is coloured,
// because page-aligned stacks would all fall into the same few cache sets.
//
// Stacks lie an odd number of pages apart. At a power of two the used pages of all stacks would
// share a few sets of the TLB: a ring of 1,000 goroutines takes 51 ns a hop then, instead of 26.
//
// A stack that ran keeps its pages for the next goroutine. Those of the classes above kMedium,
// which were asked for to be used, give them back on their way to the shared pool, but for the
// topmost.
//
// Arenas live as long as the process: the stack of a goroutine that was parked for good is never
// reused, and what it points to stays reachable.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <vector>

#include "runtime/arch/sanitizer.h"
#include "runtime/stack_class.h"

namespace gorun::runtime::arch {

// Frames are several times larger under the sanitizers.
inline constexpr std::size_t kFrameFactor = kAddressSanitizer || kThreadSanitizer ? 4 : 1;
inline constexpr std::size_t kPageSize = 4096;
inline constexpr std::size_t kStackClasses = 4;

/// 0 to kStackClasses - 1; not of kDefault.
constexpr std::size_t class_index(StackClass size_class) {
  return static_cast<std::size_t>(size_class) - 1;
}
/// The class of that index.
constexpr StackClass class_at(std::size_t index) { return static_cast<StackClass>(index + 1); }
constexpr std::size_t stack_bytes(StackClass size_class) {
  constexpr std::size_t kKibibytes[kStackClasses] = {64, 256, 1024, 8192};
  return kKibibytes[class_index(size_class)] * 1024 * kFrameFactor;
}
constexpr std::size_t stack_stride(StackClass size_class) {
  return stack_bytes(size_class) + kPageSize;
}
static_assert(stack_stride(StackClass::kSmall) / kPageSize % 2 == 1);

/// One stack. The header sits at its high end; `low` is the guard page's first byte.
struct Stack {
  std::byte* low = nullptr;
  std::byte* entry_top = nullptr;  // coloured top, 64-byte aligned
  Stack* next = nullptr;           // link in a pool
  SanitizerStack sanitizer;
  StackClass size_class = StackClass::kMedium;

  [[nodiscard]] std::byte* bottom() const { return low + kPageSize; }
  [[nodiscard]] std::byte* top() const { return low + stack_stride(size_class); }
  [[nodiscard]] bool guards(const void* address) const {
    const auto* at = static_cast<const std::byte*>(address);
    return at >= low && at < low + kPageSize;
  }
};

/// Neighbouring stacks of one class that were never used: their pages, header included, are
/// untouched.
struct UnusedStacks {
  std::byte* low = nullptr;  // the first one's
  std::size_t count = 0;
};

/// The process-wide pool behind the Ps' caches. threads: all members, any.
class StackPool {
 public:
  static StackPool& instance();

  /// A chain of at most `wanted` stacks of one class that ran before; null if there are none.
  Stack* take(StackClass size_class, std::size_t wanted);
  /// Gives back the chain from `first` to `last`, all of one class.
  void give(Stack* first, Stack* last);

  /// At least one and at most `wanted` stacks that never ran, with guards; aborts with a message
  /// when the address space is exhausted.
  UnusedStacks take_unused(StackClass size_class, std::size_t wanted);
  void give_unused(StackClass size_class, UnusedStacks unused);

  /// Makes a chain of the first of them, at most `wanted`, which it takes out of `unused`. Faults
  /// in a page for each: some microseconds, for which the caller should hold no lock.
  static Stack* prepare(StackClass size_class, UnusedStacks& unused, std::size_t wanted);

 private:
  struct SizeClass {
    Stack* free = nullptr;            // stacks that ran before
    std::vector<UnusedStacks> spare;  // that were given back, with guards
    UnusedStacks rest;                // of the newest arena, without
    std::size_t arena_bytes = 0;      // what was asked for at the last time
  };

  static UnusedStacks map_arena(StackClass size_class, std::size_t arena_bytes);
  UnusedStacks reserve(SizeClass& its, StackClass size_class, std::size_t wanted);  // holds mutex_
  void guard(StackClass size_class, UnusedStacks unused);  // without mutex_: 0.5 us for each

  std::mutex mutex_;
  SizeClass classes_[kStackClasses];  // guarded by mutex_
  // Guards that mprotect was asked for, or would have been. Relaxed: a budget, and no more.
  std::atomic<std::size_t> mprotected_{0};
};

}  // namespace gorun::runtime::arch
