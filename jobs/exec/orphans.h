// jobs/exec/orphans.h - what commands have left behind is reaped when it has ended.
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
// Not chosen: waitid(P_ALL). It would take the ends of commands from those who wait for them, and a
//   look with WNOWAIT sees the same one again and again.
#pragma once

namespace gorun::jobs {

/// Reaps the orphans that have ended. Only while a ChildGuard lives: else nothing happens.
/// threads  any.
void reap_orphans();

/// The same, once a second at most, or for every hundredth call; no system call for the others.
/// threads  any.
void reap_orphans_at_times();

}  // namespace gorun::jobs
