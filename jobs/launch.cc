#include "jobs/launch.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

namespace gorun::jobs {
namespace {

using Launch = LaunchParts::Launch;
using Step = LaunchParts::Step;
using Handlers = LaunchParts::Handlers;

// The kernel's sigset_t and sigaction: the C library's are larger and its functions not for use
// in a child that shares our memory.
constexpr int kSignals = 64;
constexpr std::size_t kKernelSigsetBytes = kSignals / 8;
struct KernelSigaction {
  void* handler;
  unsigned long flags;
  void* restorer;
  std::uint64_t mask;
};

// In the child: no C library call that locks, allocates or is watched by a sanitizer, and no errno,
// which is the parent's, for the parent may go on meanwhile: hence bare system calls, which say
// -errno.

#define GORUN_IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

template <class... Arguments>
GORUN_IN_CHILD inline __attribute__((always_inline)) long bare_syscall(long number,
                                                                       Arguments... arguments) {
  static_assert(sizeof...(arguments) <= 5);
  const std::array<long, 5> a = {(long)(arguments)...};  // NOLINT: pointers and numbers alike
#if defined(__x86_64__)
  register long fourth asm("r10") = a[3];
  register long fifth asm("r8") = a[4];
  asm volatile("syscall"
               : "+a"(number)
               : "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(fourth), "r"(fifth)
               : "rcx", "r11", "memory");
  return number;
#elif defined(__aarch64__)
  register long eighth asm("x8") = number;
  register long result asm("x0") = a[0];
  register long second asm("x1") = a[1];
  register long third asm("x2") = a[2];
  register long fourth asm("x3") = a[3];
  register long fifth asm("x4") = a[4];
  asm volatile("svc #0"
               : "+r"(result)
               : "r"(eighth), "r"(second), "r"(third), "r"(fourth), "r"(fifth)
               : "memory");
  return result;
#else
  const long result = ::syscall(number, a[0], a[1], a[2], a[3], a[4]);
  return result < 0 ? -errno : result;
#endif
}

// What the following return: 0, or -errno of what failed.

GORUN_IN_CHILD long connect_stream(int target, int fd) {
  if (fd == kStreamInherit) return 0;
  long made = 0;
  if (fd == kStreamLikeStdout) {
    made = bare_syscall(SYS_dup3, 1, target, 0);
  } else if (fd == kStreamNull) {
    const long null = bare_syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
    if (null < 0 || null == target) return null < 0 ? null : 0;
    made = bare_syscall(SYS_dup3, null, target, 0);
    bare_syscall(SYS_close, null);
  } else {
    made = bare_syscall(SYS_dup3, fd, target, 0);  // above 2, so never `target`
  }
  return made < 0 ? made : 0;
}

// Our handlers are no code of the child's, and SIGPIPE is ignored for our sake, not for its.
GORUN_IN_CHILD void reset_handlers() {
  KernelSigaction action;
  for (int signal = 1; signal <= kSignals; ++signal) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    if (bare_syscall(SYS_rt_sigaction, signal, nullptr, &action, kKernelSigsetBytes) != 0) continue;
    const bool is_default = action.handler == nullptr;
    const bool is_ignored = action.handler == reinterpret_cast<void*>(1);
    if (is_default || (is_ignored && signal != SIGPIPE)) continue;
    action = {};
    bare_syscall(SYS_rt_sigaction, signal, &action, nullptr, kKernelSigsetBytes);
  }
}

GORUN_IN_CHILD void reset_signals(Handlers handlers) {
  if (handlers == Handlers::kOurs) {
    reset_handlers();
  } else {  // what is ignored stays ignored
    const KernelSigaction action = {};
    bare_syscall(SYS_rt_sigaction, SIGPIPE, &action, nullptr, kKernelSigsetBytes);
  }
  const std::uint64_t none = 0;
  bare_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, kKernelSigsetBytes);
}

// What was sent to our group before the child had left it, as a terminal does, is meant for us: let
// in, it would end or stop the child before its program runs.
GORUN_IN_CHILD void drop_our_signals() {
  std::uint64_t ours = 0;
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGTSTP}) {
    ours |= std::uint64_t{1} << (signal - 1);
  }
  const timespec no_wait = {};
  while (bare_syscall(SYS_rt_sigtimedwait, &ours, nullptr, &no_wait, kKernelSigsetBytes) > 0) {
  }
}

// Ours was raised; programs that use select(2) rely on a low one. A failure leaves ours.
GORUN_IN_CHILD void restore_soft_limit(rlim_t soft) {
  rlimit64 limit;
  if (bare_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &limit) != 0) return;
  limit.rlim_cur = soft;
  bare_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, nullptr);
}

GORUN_IN_CHILD void run_steps(Launch* launch) {
  const auto fail = [launch](Step step, long result)
      __attribute__((always_inline, no_sanitize("address", "thread", "undefined"))) {
    launch->error_number = static_cast<int>(-result);
    launch->failed_step = step;
  };
  bare_syscall(SYS_setpgid, 0, 0);  // cannot fail for a child that has not called execve
  drop_our_signals();
  for (int target = 0; target < 3; ++target) {
    const long made = connect_stream(target, launch->stream_fds[static_cast<std::size_t>(target)]);
    if (made < 0) return fail(Step::kStream, made);
  }
  if (launch->cwd != nullptr) {
    if (const long entered = bare_syscall(SYS_chdir, launch->cwd); entered < 0) {
      return fail(Step::kCwd, entered);
    }
  }
  // Ours are close-on-exec already; this is for those that a library opened without.
  bare_syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  for (const int* fd = launch->inherited; *fd >= 0; ++fd) {
    if (const long kept = bare_syscall(SYS_fcntl, *fd, F_SETFD, 0); kept < 0) {
      return fail(Step::kStream, kept);
    }
  }
  if (launch->nice > 0) {
    // The call returns 20 less the niceness. To be nicer is never refused.
    const long before = 20 - bare_syscall(SYS_getpriority, PRIO_PROCESS, 0);
    bare_syscall(SYS_setpriority, PRIO_PROCESS, 0, before + launch->nice);
  }
  reset_signals(launch->handlers);
  if (launch->soft_files != 0) restore_soft_limit(launch->soft_files);
  fail(Step::kExec, bare_syscall(SYS_execve, launch->file, launch->argv, launch->envp));
}

}  // namespace

GORUN_IN_CHILD int run_launch(void* argument) {
  run_steps(static_cast<Launch*>(argument));
  bare_syscall(SYS_exit_group, 127);
  return 127;
}

#undef GORUN_IN_CHILD

}  // namespace gorun::jobs
