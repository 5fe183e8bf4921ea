// runtime/stack_class.h - how deep a goroutine may go.
//
// Address space is reserved, memory is not: a page of a stack costs something once it is touched.
// So the default suits nearly everything, a million parked goroutines included. Less saves address
// space, of which a process has 128 TiB; more is for deep recursion and for libraries with large
// frames.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gorun::runtime {

enum class StackClass : std::uint8_t {
  kDefault,  // what Options::stack says, kMedium unless set
  kSmall,    // 64 KiB
  kMedium,   // 256 KiB
  kLarge,    // 1 MiB
  kHuge,     // 8 MiB, as threads have
};

}  // namespace gorun::runtime
