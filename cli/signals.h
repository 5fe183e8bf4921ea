// cli/signals.h - SIGINT, SIGTERM, SIGHUP and SIGTSTP as calls on an ordinary thread.
//
// The signals are blocked in every thread and taken from a signalfd by one thread of this object,
// so that what a signal does is plain code and not a handler's few allowed calls. Not chosen: a
// goroutine that waits for them. It would count as one that can still be woken, and no deadlock
// would ever be found.
//
// A signal that was ignored when gorun began (nohup, a shell's "&") stays ignored. A child must
// start with these signals unblocked; whoever spawns it resets the mask.
#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

namespace gorun::cli {

class SignalWatch {
 public:
  /// Called on the watching thread.
  struct Actions {
    /// For each of SIGINT, SIGTERM and SIGHUP; `nth` counts from 1 over all of them.
    std::function<void(int signal, int nth)> end;
    /// For SIGTSTP: is to stop this process, which does not happen by itself.
    std::function<void()> suspend;
  };

  /// Made by main's thread before any other thread exists, so that all inherit the mask.
  /// errors  std::system_error if the process has no descriptor or thread left.
  explicit SignalWatch(Actions actions);

  /// Ends the thread. A signal that arrives from here on ends the process, as it does by default.
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  /// The first signal that came, or 0. threads: any.
  [[nodiscard]] int first_signal() const { return first_signal_.load(std::memory_order_acquire); }

 private:
  void watch();

  Actions actions_;
  sigset_t watched_{};
  sigset_t mask_before_{};
  int signal_fd_ = -1;
  int stop_fd_ = -1;
  std::atomic<int> first_signal_{0};  // release by the watcher, acquire by first_signal()
  std::thread thread_;
};

/// What the rest of gorun relies on, whatever it was started with: a write to a closed pipe is an
/// error (EPIPE) and not a silent end of the process (SIGPIPE), and a child that has ended waits
/// until it is waited for (SIGCHLD: where it is ignored, the kernel forgets how the child ended).
void set_dispositions();

}  // namespace gorun::cli
