// runtime/wait_reason.h - why a goroutine is parked; shown by reports.
#pragma once

#include <cstdint>

namespace gorun::runtime {

enum class WaitReason : std::uint8_t {
  kNone,
  kChanSend,
  kChanRecv,
  kSelect,
  kNilChan,
  kMutex,
  kWaitGroup,
  kSleep,
  kRwMutexRead,
  kRwMutexWrite,
  kCond,
  kSemaphore,
  kIoRead,
  kIoWrite,
  kFileSlot,
  kOutside,  // does not count among what may yet wake a goroutine: Fd::wait_readable_aside()
};

/// "chan send", "sleep", ...: the words that reports use.
[[nodiscard]] constexpr const char* to_string(WaitReason reason) {
  switch (reason) {
    case WaitReason::kNone:
      return "none";
    case WaitReason::kChanSend:
      return "chan send";
    case WaitReason::kChanRecv:
      return "chan receive";
    case WaitReason::kSelect:
      return "select";
    case WaitReason::kNilChan:
      return "nil chan";
    case WaitReason::kMutex:
      return "mutex";
    case WaitReason::kWaitGroup:
      return "wait group";
    case WaitReason::kSleep:
      return "sleep";
    case WaitReason::kRwMutexRead:
      return "rw mutex read";
    case WaitReason::kRwMutexWrite:
      return "rw mutex write";
    case WaitReason::kCond:
      return "cond";
    case WaitReason::kSemaphore:
      return "semaphore";
    case WaitReason::kIoRead:
      return "io read";
    case WaitReason::kIoWrite:
      return "io write";
    case WaitReason::kFileSlot:
      return "file io";
    case WaitReason::kOutside:
      return "outside event";
  }
  return "unknown";
}

}  // namespace gorun::runtime
