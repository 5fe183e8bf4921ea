// runtime/arch/stack.cc - arenas of address space, cut into guarded stacks.

#include "runtime/arch/stack.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>

#include "runtime/fatal.h"

namespace gorun::runtime::arch {
namespace {

// LeakSanitizer reads arenas whole, used or not, and all of /proc/self/maps for each of them.
constexpr std::size_t kStacksPerArena = kAddressSanitizer ? 64 : 256;
// Each mprotect guard splits a mapping in two; vm.max_map_count is 65,530 by default.
constexpr std::size_t kMprotectGuards = 10'000;
// Of Linux 6.13 and 6.15, absent from older headers: MADV_GUARD_INSTALL, and PIDFD_SELF, the
// calling process for process_madvise().
constexpr int kMadvGuardInstall = 102;
constexpr int kPidfdSelf = -10001;
// Guards made at once. One by one they cost 0.9 us each, 64 at a time 0.5 us (runtime_limits); but
// each of them needs an eighth of a page of page tables, used or not, so a program with few
// goroutines begins with a few.
constexpr std::size_t kFewGuards = 8;
constexpr std::size_t kManyGuards = 64;
// Distinct cache lines for the first frames of neighbouring stacks, within one page.
constexpr std::size_t kColours = 16;
constexpr std::size_t kCacheLine = 64;

// Room at the top for the header; a multiple of the cache line.
constexpr std::size_t kHeaderRoom = (sizeof(Stack) + kCacheLine - 1) & ~(kCacheLine - 1);

// Guards the `count` stacks from `low` on. returns how many it could.
std::size_t install_guards(std::byte* low, std::size_t count) {
  // LeakSanitizer reads whole stacks; only an mprotected page is one it knows to pass over.
  if (kAddressSanitizer) return 0;
  iovec pages[kManyGuards];
  for (std::size_t i = 0; i < count; ++i) pages[i] = {low + i * kStackStride, kPageSize};
  const long done = syscall(SYS_process_madvise, kPidfdSelf, pages, count, kMadvGuardInstall, 0);
  std::size_t guarded = done < 0 ? 0 : static_cast<std::size_t>(done) / kPageSize;
  while (guarded < count && madvise(pages[guarded].iov_base, kPageSize, kMadvGuardInstall) == 0) {
    ++guarded;
  }
  return guarded;
}

}  // namespace

StackPool::StackPool() : next_guards_(kFewGuards) {}

StackPool& StackPool::instance() {
  // Never destroyed: stacks outlive every Runtime.
  alignas(StackPool) static std::byte storage[sizeof(StackPool)];
  static StackPool* const pool = new (storage) StackPool;
  return *pool;
}

StackPool::Unused StackPool::reserve(std::size_t wanted) {
  if (unused_.count == 0) {
    constexpr std::size_t kBytes = kStacksPerArena * kStackStride;
    void* mapped = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
      fatal("stack: cannot reserve %zu KiB of address space for goroutine stacks: %s",
            kBytes / 1024, strerrordesc_np(errno));
    }
    auto* low = static_cast<std::byte*>(mapped);
    // A huge page under a stack would make one touched byte cost 2 MiB.
    madvise(low, kBytes, MADV_NOHUGEPAGE);
    register_leak_root(low, kBytes);
    unused_ = {low, kStacksPerArena};
    guarded_ = 0;
  }
  const Unused run{unused_.low, std::min(wanted, unused_.count)};
  if (guarded_ < run.count) guard(run.count - guarded_);
  guarded_ -= run.count;
  unused_.low += run.count * kStackStride;
  unused_.count -= run.count;
  return run;
}

// Guards at least `wanted` more of the unused stacks.
void StackPool::guard(std::size_t wanted) {
  std::byte* const low = unused_.low + guarded_ * kStackStride;
  const std::size_t count = std::min(std::max(wanted, next_guards_), unused_.count - guarded_);
  next_guards_ = std::min(2 * next_guards_, kManyGuards);
  for (std::size_t i = install_guards(low, count); i < count; ++i) {
    if (mprotected_ == kMprotectGuards) break;
    ++mprotected_;
    // Best effort beyond this: without a mapping to spare the stack runs unguarded.
    (void)mprotect(low + i * kStackStride, kPageSize, PROT_NONE);
  }
  guarded_ += count;
}

Stack* StackPool::prepare(Unused unused) {
  Stack* chain = nullptr;
  for (std::size_t i = unused.count; i-- > 0;) {
    std::byte* low = unused.low + i * kStackStride;
    std::byte* header = low + kStackStride - kHeaderRoom;
    const std::size_t number = reinterpret_cast<std::uintptr_t>(low) / kStackStride;
    auto* stack = new (header) Stack;
    stack->low = low;
    // The multiplier is odd and mixes neighbours; any would do.
    stack->entry_top = header - (number * 7 % kColours) * kCacheLine;
    stack->next = chain;
    stack->sanitizer.init(low + kPageSize, kStackSize - kHeaderRoom);
    chain = stack;
  }
  return chain;
}

Stack* StackPool::take(std::size_t wanted) {
  Unused fresh;
  {
    const std::lock_guard lock(mutex_);
    if (free_ != nullptr) {
      Stack* first = free_;
      Stack* last = first;
      for (std::size_t n = 1; n < wanted && last->next != nullptr; ++n) last = last->next;
      free_ = last->next;
      last->next = nullptr;
      return first;
    }
    fresh = reserve(wanted);
  }
  return prepare(fresh);
}

void StackPool::give(Stack* first, Stack* last) {
  const std::lock_guard lock(mutex_);
  last->next = free_;
  free_ = first;
}

}  // namespace gorun::runtime::arch
