// jobs/exec/child_guard.h - no command survives gorun, not even when gorun is killed by SIGKILL.
//
// A small process, forked before anything else runs, sleeps on a pipe whose other end only gorun
// holds. When gorun is gone, however, the pipe is at its end, and the guard kills every process
// group in a table that both share. The kernel itself writes a child's number into the table before
// the child runs (CLONE_PARENT_SETTID), so there is no moment in which a child is not in it. Before
// the child is waited for, its number is negated: it may become a stranger's then, which the guard
// leaves alone, and is still known as a child of ours (exec/orphans.h) until that is done.
//
// What holds: every process in the group of a command is killed. One that has left it (setsid, a
// daemon) is not, in the case of SIGKILL; in every other case gorun's command finds it as a child
// that it has inherited. More than kPlaces commands at a time: those beyond are not guarded.
// Not chosen: PR_SET_PDEATHSIG. It fires when the thread ends that started the child, and ours come
//   and go; it is lost by exec of a set-user-ID program; and it reaches the child alone, not what
//   the child has started.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>

#include "jobs/file_descriptor.h"

namespace gorun::jobs {

class ChildGuard {
 public:
  using Place = std::atomic<pid_t>;
  static constexpr std::size_t kPlaces = 4096;
  static constexpr const char* kName = "gorun-guard";  // as /proc has it

  /// Forks the guard, a child of this process called kName. While it lives, start_child() enters
  /// children into the table. One at a time in a process.
  /// threads  none but the caller's may exist.
  /// errors   std::system_error if the process has no memory or descriptor left.
  ChildGuard();
  /// Sends the guard away and waits for it. No command may be left.
  ~ChildGuard();
  ChildGuard(const ChildGuard&) = delete;
  ChildGuard& operator=(const ChildGuard&) = delete;

  /// A place in the table of the guard that there is, for a child to be; nullptr: none.
  /// threads  any.
  [[nodiscard]] static Place* take_place();
  /// The child is about to be waited for: from here on its number may become another's.
  static void let_go(Place* place);
  /// The child has been waited for, or was never started.
  static void give_back(Place* place);

  /// True if the child `pid` is in the table, or the guard; also if it may be a child without a
  /// place, or there is no table. One that is just being started may not be in it yet.
  /// threads  any.
  [[nodiscard]] static bool may_list(pid_t pid);

  /// The file of the kernel in which the numbers of the main thread's children stand, for pread();
  /// -1: there is no such file, or no guard.
  /// threads  any; not owned.
  [[nodiscard]] static int children_of_main();

 private:
  pid_t guard_ = -1;
  FileDescriptor alive_;     // the end of the pipe that goes with us
  FileDescriptor children_;  // children_of_main()
};

}  // namespace gorun::jobs
