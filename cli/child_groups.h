// cli/child_groups.h - signals to all commands at once; the last resort against those that do not
// want to end.
#pragma once

namespace gorun::cli {

/// What became of a signal to children.
struct Reach {
  int sent = 0;     // children that got it
  int refused = 0;  // that belong to another user (EPERM)
};

/// Sends `signal` to every child of this process and to the process group that it leads, but for
/// the guard (jobs/exec/child_guard.h).
///
/// Found in /proc and not in a list of the engine: it is for the moment when the user has lost
/// patience with the engine. A child that has ended but was not reaped still holds its number, so
/// no stranger is hit. threads: any; not async-signal-safe.
Reach signal_child_groups(int signal);

struct LeftChildren {
  int killed = 0;   // that were still alive
  int refused = 0;  // that go on, for they belong to another user
};

/// Kills and reaps every child that is left, and what they leave in turn, when no command is
/// awaited any more: in a process that inherits orphans, all that commands have left behind.
LeftChildren end_left_children();

}  // namespace gorun::cli
