// jobs/interrupt.h - asking a run to stop, from a signal handler or from any thread.
//
// A latch over an eventfd: once raised it stays so, and its descriptor stays readable. The run
// watches the descriptor, because nothing but a write is allowed in a signal handler.
#pragma once

#include <atomic>

namespace gorun::jobs {

/// Made before the signal handler that raises it is installed, and outlives it and every run.
class Interrupt {
 public:
  /// errors  std::system_error if the process has no descriptor left.
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// Asks for the stop; again does nothing more. async-signal-safe; keeps errno.
  void raise() noexcept;

  /// At once true for who comes after the raise() by whatever way; costs a load.
  [[nodiscard]] bool is_raised() const { return raised_.load(std::memory_order_acquire); }

  /// Readable for ever once raised; for poll(2).
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
  std::atomic<bool> raised_{false};  // release in raise(), acquire in is_raised()
};

}  // namespace gorun::jobs
