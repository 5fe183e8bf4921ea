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

// Of an arena, without the guards. The first of a class is small, as address space may be limited;
// each is twice the one before, up to the most: while the kernel maps one, no other thread may do
// the same, or fault in a page of its neighbour. LeakSanitizer reads arenas whole, used or not, and
// all of /proc/self/maps for each of them.
constexpr std::size_t kLeastArena = std::size_t{64} << 20U;
constexpr std::size_t kMostArena = kAddressSanitizer ? kLeastArena : std::size_t{1} << 30U;
// Of a used stack of the larger classes, what stays resident in the shared pool: most goroutines
// never need more.
constexpr std::size_t kKeptBytes = 64 * 1024;
// Each mprotect guard splits a mapping in two; vm.max_map_count is 65,530 by default.
constexpr std::size_t kMprotectGuards = 10'000;
// Of Linux 6.13 and 6.15, absent from older headers: MADV_GUARD_INSTALL, and PIDFD_SELF, the
// calling process for process_madvise().
constexpr int kMadvGuardInstall = 102;
constexpr int kPidfdSelf = -10001;
// Guards made by one call. One by one they cost 0.9 us each, 64 at a time 0.5 us (runtime_limits).
constexpr std::size_t kMostGuards = 64;
// Distinct cache lines for the first frames of neighbouring stacks, within one page.
constexpr std::size_t kColours = 16;
constexpr std::size_t kCacheLine = 64;

// Room at the top for the header; a multiple of the cache line.
constexpr std::size_t kHeaderRoom = (sizeof(Stack) + kCacheLine - 1) & ~(kCacheLine - 1);

void give_pages_back(const Stack& stack) {
  // Fails only on memory that is not mapped so, which this is.
  (void)madvise(stack.bottom(), stack_bytes(stack.size_class) - kKeptBytes, MADV_DONTNEED);
}

// Guards the `count` stacks, at most kMostGuards, from `low` on, `stride` bytes apart. returns how
// many it could.
std::size_t install_guards(std::byte* low, std::size_t count, std::size_t stride) {
  // LeakSanitizer reads whole stacks; only an mprotected page is one it knows to pass over.
  if (kAddressSanitizer) return 0;
  iovec pages[kMostGuards];
  for (std::size_t i = 0; i < count; ++i) pages[i] = {low + i * stride, kPageSize};
  const long done = syscall(SYS_process_madvise, kPidfdSelf, pages, count, kMadvGuardInstall, 0);
  std::size_t guarded = done < 0 ? 0 : static_cast<std::size_t>(done) / kPageSize;
  while (guarded < count && madvise(pages[guarded].iov_base, kPageSize, kMadvGuardInstall) == 0) {
    ++guarded;
  }
  return guarded;
}

// The first of `unused`, at most `wanted`, which it takes out.
UnusedStacks split(StackClass size_class, UnusedStacks& unused, std::size_t wanted) {
  const UnusedStacks first{unused.low, std::min(wanted, unused.count)};
  unused.low += first.count * stack_stride(size_class);
  unused.count -= first.count;
  return first;
}

}  // namespace

StackPool& StackPool::instance() {
  // Never destroyed: stacks outlive every Runtime.
  alignas(StackPool) static std::byte storage[sizeof(StackPool)];
  static StackPool* const pool = new (storage) StackPool;
  return *pool;
}

UnusedStacks StackPool::map_arena(StackClass size_class, std::size_t arena_bytes) {
  const std::size_t count = arena_bytes / stack_bytes(size_class);
  const std::size_t bytes = count * stack_stride(size_class);
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    if (arena_bytes > kLeastArena) return map_arena(size_class, kLeastArena);
    fatal("stack: cannot reserve %zu KiB of address space for goroutine stacks: %s", bytes / 1024,
          strerrordesc_np(errno));
  }
  auto* low = static_cast<std::byte*>(mapped);
  // A huge page under a stack would make one touched byte cost 2 MiB.
  madvise(low, bytes, MADV_NOHUGEPAGE);
  register_leak_root(low, bytes);
  return {low, count};
}

UnusedStacks StackPool::reserve(SizeClass& its, StackClass size_class, std::size_t wanted) {
  if (its.rest.count == 0) {
    its.arena_bytes = std::clamp(2 * its.arena_bytes, kLeastArena, kMostArena);
    its.rest = map_arena(size_class, its.arena_bytes);
  }
  return split(size_class, its.rest, wanted);
}

void StackPool::guard(StackClass size_class, UnusedStacks unused) {
  const std::size_t stride = stack_stride(size_class);
  for (std::size_t at = 0; at < unused.count; at += kMostGuards) {
    std::byte* const low = unused.low + at * stride;
    const std::size_t count = std::min(unused.count - at, kMostGuards);
    for (std::size_t i = install_guards(low, count, stride); i < count; ++i) {
      if (mprotected_.fetch_add(1, std::memory_order_relaxed) >= kMprotectGuards) return;
      // Best effort beyond this: without a mapping to spare the stack runs unguarded.
      (void)mprotect(low + i * stride, kPageSize, PROT_NONE);
    }
  }
}

Stack* StackPool::prepare(StackClass size_class, UnusedStacks& unused, std::size_t wanted) {
  const UnusedStacks run = split(size_class, unused, wanted);
  const std::size_t stride = stack_stride(size_class);
  Stack* chain = nullptr;
  for (std::size_t i = run.count; i-- > 0;) {
    std::byte* low = run.low + i * stride;
    std::byte* header = low + stride - kHeaderRoom;
    const std::size_t number = reinterpret_cast<std::uintptr_t>(low) / stride;
    auto* stack = new (header) Stack;
    stack->low = low;
    stack->size_class = size_class;
    // The multiplier is odd and mixes neighbours; any would do.
    stack->entry_top = header - (number * 7 % kColours) * kCacheLine;
    stack->next = chain;
    stack->sanitizer.init(low + kPageSize, stack_bytes(size_class) - kHeaderRoom);
    chain = stack;
  }
  return chain;
}

Stack* StackPool::take(StackClass size_class, std::size_t wanted) {
  const std::lock_guard lock(mutex_);
  Stack*& free = classes_[class_index(size_class)].free;
  if (free == nullptr) return nullptr;
  Stack* first = free;
  Stack* last = first;
  for (std::size_t n = 1; n < wanted && last->next != nullptr; ++n) last = last->next;
  free = last->next;
  last->next = nullptr;
  return first;
}

UnusedStacks StackPool::take_unused(StackClass size_class, std::size_t wanted) {
  UnusedStacks unguarded;
  {
    const std::lock_guard lock(mutex_);
    SizeClass& its = classes_[class_index(size_class)];
    if (!its.spare.empty()) {
      UnusedStacks& last = its.spare.back();
      const UnusedStacks run = split(size_class, last, wanted);
      if (last.count == 0) its.spare.pop_back();
      return run;
    }
    unguarded = reserve(its, size_class, wanted);
  }
  guard(size_class, unguarded);
  return unguarded;
}

void StackPool::give_unused(StackClass size_class, UnusedStacks unused) {
  if (unused.count == 0) return;
  const std::lock_guard lock(mutex_);
  classes_[class_index(size_class)].spare.push_back(unused);
}

void StackPool::give(Stack* first, Stack* last) {
  if (first->size_class > StackClass::kMedium) {
    for (const Stack* stack = first; stack != nullptr; stack = stack->next) {
      give_pages_back(*stack);
      if (stack == last) break;
    }
  }
  const std::lock_guard lock(mutex_);
  Stack*& free = classes_[class_index(first->size_class)].free;
  last->next = free;
  free = first;
}

}  // namespace gorun::runtime::arch
