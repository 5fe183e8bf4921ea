// cli/child_groups.h - the last resort against commands that do not want to end.
#pragma once

namespace gorun::cli {

/// Sends SIGKILL to every child of this process and to the process group that it leads.
///
/// Found in /proc and not in a list of the engine: it is for the moment when the user has lost
/// patience with the engine. A child that has ended but was not reaped still holds its number, so
/// no stranger is hit. threads: any; not async-signal-safe.
void kill_child_groups();

}  // namespace gorun::cli
