// runtime/poll/poll_mode.h - the two directions of a descriptor.
#pragma once

#include <cstdint>

#include "runtime/wait_reason.h"

namespace gorun::runtime {

enum class PollMode : std::uint8_t { kRead = 0, kWrite = 1 };

[[nodiscard]] constexpr WaitReason reason_for(PollMode mode) {
  return mode == PollMode::kRead ? WaitReason::kIoRead : WaitReason::kIoWrite;
}

}  // namespace gorun::runtime
