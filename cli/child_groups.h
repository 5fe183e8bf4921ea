// cli/child_groups.h - signals to all commands at once; the last resort against those that do not
// want to end.
#pragma once

namespace gorun::cli {

/// Sends `signal` to every child of this process and to the process group that it leads, but for
/// the guard (jobs/exec/child_guard.h).
///
/// Found in /proc and not in a list of the engine: it is for the moment when the user has lost
/// patience with the engine. A child that has ended but was not reaped still holds its number, so
/// no stranger is hit. threads: any; not async-signal-safe.
void signal_child_groups(int signal);

/// Kills and reaps every child that is left, and what they leave in turn, when no command is
/// awaited any more: in a process that inherits orphans, all that commands have left behind.
/// returns how many were still alive.
int end_left_children();

}  // namespace gorun::cli
