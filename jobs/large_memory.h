// jobs/large_memory.h - arrays that are looked at here and there, in huge pages where there are
// any.
//
// A random look into some hundred MiB of small pages misses the TLB, which costs as much as the
// look itself; and each small page costs a fault when it is first used.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

namespace gorun::jobs {

inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

struct FreeMemory {
  std::size_t mapped = 0;  // bytes; 0: it is malloc's
  void operator()(void* memory) const {
    if (mapped == 0) {
      std::free(memory);
    } else {
      ::munmap(memory, mapped);
    }
  }
};

template <class T>
using LargeArray = std::unique_ptr<T[], FreeMemory>;

/// `count` of what needs no constructor and no destructor, without values; what is large begins at
/// the border of a huge page and goes back to the kernel at its end.
/// errors  std::bad_alloc
template <class T>
[[nodiscard]] LargeArray<T> make_large_array(std::size_t count) {
  static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= alignof(std::max_align_t));
  const std::size_t bytes = count * sizeof(T);
  if (bytes < kHugePageBytes) {
    void* const memory = std::malloc(bytes);
    if (memory == nullptr && bytes > 0) throw std::bad_alloc();
    return LargeArray<T>(static_cast<T*>(memory));
  }
  // Not aligned_alloc: what is freed then lies between others, of no use and not given back.
  const std::size_t size = (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  void* const found = ::mmap(nullptr, size + kHugePageBytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (found == MAP_FAILED) throw std::bad_alloc();
  char* const begin = static_cast<char*>(found);
  const std::size_t misfit = reinterpret_cast<std::uintptr_t>(begin) % kHugePageBytes;
  const std::size_t before = (kHugePageBytes - misfit) % kHugePageBytes;
  if (before > 0) ::munmap(begin, before);
  if (before < kHugePageBytes) ::munmap(begin + before + size, kHugePageBytes - before);
  // Advice: where it is refused, small pages do as well.
  static_cast<void>(::madvise(begin + before, size, MADV_HUGEPAGE));
  return LargeArray<T>(reinterpret_cast<T*>(begin + before), FreeMemory{size});
}

/// The same, all bytes zero: what the kernel has just given need not be written to.
template <class T>
[[nodiscard]] LargeArray<T> make_zeroed_array(std::size_t count) {
  LargeArray<T> made = make_large_array<T>(count);
  if (made.get_deleter().mapped == 0) {
    std::memset(static_cast<void*>(made.get()), 0, count * sizeof(T));
  }
  return made;
}

}  // namespace gorun::jobs
