// jobs/exec/orphans.h - what commands have left behind is known, and reaped when it has ended.
//
// A process that inherits orphans (PR_SET_CHILD_SUBREAPER) is the parent of what outlives a
// command. An orphan that has ended holds its process number until it is waited for: were that
// left to the end of the run, a hundred thousand commands that each leave one would use up all the
// numbers that there are. Those that live are ended with the run (cli/child_groups.h).
//
// An orphan is a child that is not in the table of the guard (child_guard.h). That lists what was
// started here from before it runs until it has been waited for. A child is held by a pidfd and
// has ended before the table is looked at, so no number can be another's in between. More commands
// at a time than the table has room for: from then on nothing is reaped before the end.
//
// A process that has left the group of its command (setsid, a daemon) is known by that list alone.
// To look at it is one call, of 0.8 us, as long as there is no orphan; each costs 6 us more.
// Not chosen: waitid(P_ALL). It would take the ends of commands from those who wait for them, and a
//   look with WNOWAIT sees the same one again and again. A lease on the file that a command writes
//   to, which is refused while others have it open: it does not see who shares one opening, and
//   to open the file for each command costs 4 us.
#pragma once

#include <span>

namespace gorun::jobs {

/// Reaps the orphans that have ended. Only while a ChildGuard lives: else nothing happens.
/// threads  any.
void reap_orphans();

/// The same, once a second at most, or for every hundredth call; no system call for the others.
/// threads  any.
void reap_orphans_at_times();

/// True if an orphan has one of these files for its standard output or error: one that was left by
/// a command which has been waited for is seen. Only while a ChildGuard lives: else false.
/// files  descriptors; a negative one is none.
/// threads  any.
[[nodiscard]] bool has_orphan_that_writes_to(std::span<const int> files);

}  // namespace gorun::jobs
