// jobs/open_files.h - how many files a run holds open, and what it does with few.
//
// A process may have so many descriptors (RLIMIT_NOFILE), and a job may ask for fewer
// ("limits.open_files"). What a stage needs stands in the table of kinds: so many for the stage,
// for each worker, for each item that a worker has in hand. The run raises the soft limit to what
// all of its workers need; if that is more than the hard limit or the job allow, it works with
// fewer workers (and hash with fewer files at a time), at least one a stage. So a low limit makes a
// run slower and never fail; one that is too low for a worker of each stage is refused.
//
// Not chosen: a semaphore around each open and close. A stage holds files while it waits for room
//   in a channel (lines, read, a command's output), and the stage that would make room may be the
//   one that waits for a permit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "jobs/diagnostic.h"
#include "jobs/graph.h"

namespace gorun::jobs {

/// Goroutines and items in hand that one stage may have.
struct WorkerCap {
  int workers = 0;              // at most so many; 0: as many as the stage asks for
  std::size_t batch_items = 0;  // likewise
};

/// Refuses an "open_files" that is too small for one worker of each stage.
void check_open_files(const Graph& graph, Diagnostics* errors);

/// What each stage may have, so that all of them together hold no more than `files` open at once;
/// as many as they ask for if that is few enough. Nothing: not even a worker for each would fit.
[[nodiscard]] std::optional<std::vector<WorkerCap>> cap_workers(const Graph& graph, int procs,
                                                                std::int64_t files);

/// Files that `graph` holds open at once at most, without a cap or with one worker a stage.
[[nodiscard]] std::int64_t most_files(const Graph& graph, int procs);
[[nodiscard]] std::int64_t least_files(const Graph& graph, int procs);

/// Makes room for a run of `graph`: raises the soft limit of this process as far as needed and
/// returns the caps of its stages; none if they may have what they ask for.
/// errors   std::system_error with EMFILE if the hard limit is too small for one worker a stage.
/// threads  not while another thread of this process opens files or starts children.
[[nodiscard]] std::vector<WorkerCap> make_room_for_files(const Graph& graph, int procs);

/// What to say behind the message of EMFILE or ENFILE, "; ...": which limit is reached, and the way
/// out. Empty for any other errno.
[[nodiscard]] std::string_view way_out_of_open_files(int error_number);

/// The soft limit that this process was started with, if make_room_for_files() has raised it:
/// children get that one, because programs that use select(2) rely on a low one. Safe from any
/// thread, and in a child that shares our memory. 0: it is as it was.
[[nodiscard]] std::uint64_t soft_limit_for_children();

}  // namespace gorun::jobs
