// jobs/large_memory.h - arrays that are looked at here and there, in huge pages where there are
// any.
//
// A random look into some hundred MiB of small pages misses the TLB, which costs as much as the
// look itself; and each small page costs a fault when it is first used.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

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

/// Moves pages to the beginning of another array, which is at least as large and of which nothing
/// has been used: the kernel writes down other addresses, and nothing is copied.
/// returns  false: they are malloc's, or the kernel refuses, and all is as it was.
template <class T>
[[nodiscard]] bool move_pages(LargeArray<T>* from, T* to) {
  const std::size_t bytes = from->get_deleter().mapped;
  if (bytes == 0) return false;
  void* const moved =
      ::mremap(from->get(), bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, static_cast<void*>(to));
  if (moved == MAP_FAILED) return false;
  static_cast<void>(from->release());  // has gone
  return true;
}

/// Makes an array of `size` elements one of `count`, which are more; the new ones are zero.
/// errors  std::bad_alloc
template <class T>
void grow_zeroed_array(LargeArray<T>* array, std::size_t size, std::size_t count) {
  LargeArray<T> grown = make_zeroed_array<T>(count);
  if (!move_pages(array, grown.get()) && size > 0) {
    std::memcpy(static_cast<void*>(grown.get()), array->get(), size * sizeof(T));
  }
  *array = std::move(grown);
}

/// Gives back what lies behind the first `count` elements.
template <class T>
void shrink_array(LargeArray<T>* array, std::size_t count) {
  const std::size_t bytes = count * sizeof(T);
  const std::size_t mapped = array->get_deleter().mapped;
  if (mapped == 0) {
    if (void* const smaller = std::realloc(array->get(), std::max(bytes, std::size_t{1}))) {
      static_cast<void>(array->release());
      array->reset(static_cast<T*>(smaller));
    }
    return;
  }
  const std::size_t kept =
      std::max(bytes + kHugePageBytes - 1, kHugePageBytes) / kHugePageBytes * kHugePageBytes;
  if (kept >= mapped) return;
  ::munmap(reinterpret_cast<char*>(array->get()) + kept, mapped - kept);
  array->get_deleter().mapped = kept;
}

}  // namespace gorun::jobs
