// jobs/exec/start_gate.h - no command is on its way while all of them are being stopped.
//
// Between clone and execve a child borrows our memory, and the thread that started it waits for it
// in a way that no signal ends (CLONE_VFORK). Were the child stopped there, that thread could not
// be: neither could this process, and the shell that is to have its terminal back would wait for
// ever. So whoever stops the commands holds starts meanwhile.
#pragma once

namespace gorun::jobs {

/// While it lives, a child may be between clone and execve. Made, it waits while starts are held.
/// threads  any.
class StartUnderWay {
 public:
  StartUnderWay();
  ~StartUnderWay();
  StartUnderWay(const StartUnderWay&) = delete;
  StartUnderWay& operator=(const StartUnderWay&) = delete;
};

/// While it lives, no start is under way. Made, it waits for those that are. One at a time.
/// threads  any that has no start under way.
class StartsHeld {
 public:
  StartsHeld();
  ~StartsHeld();
  StartsHeld(const StartsHeld&) = delete;
  StartsHeld& operator=(const StartsHeld&) = delete;
};

}  // namespace gorun::jobs
