// runtime/arch/stack.h - pooled, guarded goroutine stacks.
//
// Address space is reserved in arenas (NORESERVE, no huge pages) and cut into stacks of kStackSize
// and a guard page each; a page costs memory only once it is touched. The guard lies lowest:
// MADV_GUARD_INSTALL where the kernel has it (it adds no mapping), else mprotect for the first
// kMprotectGuards stacks (each costs two mappings of vm.max_map_count).
//
// The Stack header lies at the top of the stack it describes, in the page that the first frames
// touch anyway: a parked goroutine costs one page and its G. The initial stack pointer is coloured,
// because page-aligned stacks would all fall into the same few cache sets.
//
// Stacks lie an odd number of pages apart. At a power of two the used pages of all stacks would
// share a few sets of the TLB: a ring of 1,000 goroutines takes 51 ns a hop then, instead of 26.
//
// Arenas live as long as the process: the stack of a goroutine that was parked for good is never
// reused, and what it points to stays reachable.
#pragma once

#include <cstddef>
#include <mutex>

#include "runtime/arch/sanitizer.h"

namespace gorun::runtime::arch {

// Frames are several times larger under the sanitizers.
inline constexpr std::size_t kStackSize =
    (kAddressSanitizer || kThreadSanitizer) ? 1024 * 1024 : 256 * 1024;
inline constexpr std::size_t kPageSize = 4096;
inline constexpr std::size_t kStackStride = kStackSize + kPageSize;
static_assert(kStackStride / kPageSize % 2 == 1);

/// One stack. The header sits at its high end; `low` is the guard page's first byte.
struct Stack {
  std::byte* low = nullptr;
  std::byte* entry_top = nullptr;  // coloured top, 64-byte aligned
  Stack* next = nullptr;           // link in a pool
  SanitizerStack sanitizer;

  [[nodiscard]] bool guards(const void* address) const {
    const auto* at = static_cast<const std::byte*>(address);
    return at >= low && at < low + kPageSize;
  }
};

/// The process-wide pool behind the Ps' caches. threads: all members, any.
class StackPool {
 public:
  static StackPool& instance();

  /// A chain of one to `wanted` stacks; aborts with a message when the address space or
  /// the memory limit is exhausted.
  Stack* take(std::size_t wanted);
  /// Gives back the chain from `first` to `last`.
  void give(Stack* first, Stack* last);

 private:
  // A run of stacks that were never used: their pages, header included, are untouched.
  struct Unused {
    std::byte* low = nullptr;
    std::size_t count = 0;
  };

  StackPool();

  Unused reserve(std::size_t wanted);  // holds mutex_
  void guard(std::size_t wanted);      // holds mutex_
  Stack* prepare(Unused unused);       // without mutex_: it faults a page in for each stack

  std::mutex mutex_;
  Stack* free_ = nullptr;       // guarded by mutex_; stacks that ran before
  Unused unused_;               // guarded by mutex_; the rest of the newest arena
  std::size_t guarded_ = 0;     // guarded by mutex_; of unused_, the first so many have guards
  std::size_t next_guards_;     // guarded by mutex_; how many to guard at once
  std::size_t mprotected_ = 0;  // guarded by mutex_; guards made by mprotect
};

}  // namespace gorun::runtime::arch
