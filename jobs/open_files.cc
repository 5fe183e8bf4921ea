#include "jobs/open_files.h"

#include <dirent.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "jobs/kinds.h"
#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

// Open before a run: the standard streams, the runtime, the command's signals, the guard of its
// children, and what the process has inherited.
constexpr std::int64_t kOpenBefore = 14;
// What the engine itself opens: epoll and what breaks its wait, the interrupt, the stop and the
// drain of the run, a file of sysmon's, the report at the end.
constexpr std::int64_t kOfEngine = 16;

// False: whatever its workers do, nothing is open because of them.
bool holds_files(const StageSpec& stage) {
  return stage.kind->files.per_worker > 0 || stage.kind->files.items_in_hand > 0;
}

// What a stage would have without a cap.
WorkerCap wishes_of(const StageSpec& stage, int procs) {
  const bool is_alone = stage.inputs.empty() && stage.kind->input == Input::kOptional;
  if (!holds_files(stage)) return {};
  const int workers = is_alone ? 1 : stage.workers == kOnePerP ? procs : stage.workers;
  return {.workers = std::max(workers, 1), .batch_items = stage.kind->files.items_in_hand};
}

std::int64_t files_of(const StageSpec& stage, const WorkerCap& cap, int procs) {
  const FileNeeds& needs = stage.kind->files;
  const std::int64_t more = stage.kind->more_files ? stage.kind->more_files(stage.options) : 0;
  const std::int64_t own = needs.for_stage + needs.per_p * std::min(cap.workers, procs) + more;
  return own + cap.workers * (needs.per_worker + static_cast<std::int64_t>(cap.batch_items));
}

// Beside the stages': where not everything stops at once, each stage has a stop of its own.
std::int64_t files_of_engine(const Graph& graph) {
  return kOfEngine +
         (graph.fail == FailPolicy::kFast ? 0 : static_cast<std::int64_t>(graph.stages.size()));
}

std::int64_t files_of_all(const Graph& graph, const std::vector<WorkerCap>& caps, int procs) {
  std::int64_t all = files_of_engine(graph);
  for (std::size_t s = 0; s < caps.size(); ++s) all += files_of(graph.stages[s], caps[s], procs);
  return all;
}

WorkerCap least_of(const StageSpec& stage) {
  if (!holds_files(stage)) return {};
  return {.workers = 1, .batch_items = std::min<std::size_t>(stage.kind->files.items_in_hand, 1)};
}

template <class CapOf>
std::vector<WorkerCap> caps_of(const Graph& graph, CapOf cap_of) {
  std::vector<WorkerCap> caps;
  caps.reserve(graph.stages.size());
  for (const StageSpec& stage : graph.stages) caps.push_back(cap_of(stage));
  return caps;
}

// The stages that need most, with one worker each, and how many the others need.
std::string list_of_needs(const Graph& graph) {
  constexpr std::size_t kMostNamed = 4;
  std::vector<std::pair<std::int64_t, std::size_t>> needs;
  for (std::size_t s = 0; s < graph.stages.size(); ++s) {
    const std::int64_t files = files_of(graph.stages[s], least_of(graph.stages[s]), 1);
    if (files > 0) needs.emplace_back(-files, s);
  }
  std::sort(needs.begin(), needs.end());
  std::string list;
  std::int64_t rest = 0;
  for (std::size_t i = 0; i < needs.size(); ++i) {
    if (i >= kMostNamed) {
      rest -= needs[i].first;
      continue;
    }
    list += ", " + std::to_string(-needs[i].first) + " for " +
            quote(graph.stages[needs[i].second].name);
  }
  if (rest > 0) list += ", " + std::to_string(rest) + " for the others";
  return list;
}

std::int64_t open_now() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), ::closedir);
  if (directory == nullptr) return kOpenBefore;
  std::int64_t count = 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this stream
  while (const dirent* entry = ::readdir(directory.get())) count += entry->d_name[0] != '.';
  return count - 1;  // of the directory itself
}

// relaxed: written before a run begins, read by what it starts.
constinit std::atomic<std::uint64_t> first_soft_limit{0};

}  // namespace

std::int64_t most_files(const Graph& graph, int procs) {
  return files_of_all(
      graph, caps_of(graph, [procs](const StageSpec& stage) { return wishes_of(stage, procs); }),
      procs);
}

std::int64_t least_files(const Graph& graph, int procs) {
  return files_of_all(graph, caps_of(graph, least_of), procs);
}

void check_open_files(const Graph& graph, Diagnostics* errors) {
  if (!graph.limits.open_files) return;
  const std::int64_t least = kOpenBefore + least_files(graph, 1);
  if (least <= *graph.limits.open_files) return;
  errors->push_back({.where = graph.limits.open_files_where,
                     .what = "\"open_files\" of " + std::to_string(*graph.limits.open_files) +
                             " is too few for one worker of each stage",
                     .hint = "at least " + std::to_string(least) + ": " +
                             std::to_string(kOpenBefore + files_of_engine(graph)) +
                             " for gorun itself" + list_of_needs(graph)});
}

std::optional<std::vector<WorkerCap>> cap_workers(const Graph& graph, int procs,
                                                  std::int64_t files) {
  std::vector<WorkerCap> caps =
      caps_of(graph, [procs](const StageSpec& stage) { return wishes_of(stage, procs); });
  if (files_of_all(graph, caps, procs) <= files) return caps;
  std::vector<WorkerCap> least = caps_of(graph, least_of);
  std::int64_t spare = files - files_of_all(graph, least, procs);
  if (spare < 0) return std::nullopt;
  // Whoever has least gets a worker more, then an item more, for as long as there is something to
  // give: rounds, so that a stage with a thousand workers does not starve one with two.
  for (bool has_given = true; has_given;) {
    has_given = false;
    for (std::size_t s = 0; s < least.size(); ++s) {
      for (const bool gives_worker : {true, false}) {
        WorkerCap more = least[s];
        if (gives_worker) {
          if (more.workers == 0 || more.workers == caps[s].workers) continue;
          ++more.workers;
        } else {
          if (more.batch_items == caps[s].batch_items) continue;
          ++more.batch_items;
        }
        const StageSpec& stage = graph.stages[s];
        const std::int64_t cost = files_of(stage, more, procs) - files_of(stage, least[s], procs);
        if (cost > spare) continue;
        spare -= cost;
        least[s] = more;
        has_given = true;
      }
    }
  }
  return least;
}

std::vector<WorkerCap> make_room_for_files(const Graph& graph, int procs) {
  const std::int64_t before = open_now();
  std::int64_t wanted = before + most_files(graph, procs);
  if (graph.limits.open_files) wanted = std::min(wanted, *graph.limits.open_files);
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    throw std::system_error(errno, std::generic_category(), "getrlimit");
  }
  const rlim_t enough = std::min(static_cast<rlim_t>(wanted), limit.rlim_max);
  if (limit.rlim_cur < enough) {
    const rlim_t was = limit.rlim_cur;
    limit.rlim_cur = enough;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      limit.rlim_cur = was;  // with fewer workers, then
    } else if (first_soft_limit.load(std::memory_order_relaxed) == 0) {
      first_soft_limit.store(was, std::memory_order_relaxed);
    }
  }
  const std::int64_t most =
      static_cast<std::int64_t>(std::min(static_cast<rlim_t>(wanted), limit.rlim_cur));
  if (before + most_files(graph, procs) <= most) return {};
  if (auto caps = cap_workers(graph, procs, most - before)) return *std::move(caps);
  throw std::system_error(
      EMFILE, std::generic_category(),
      "one worker of each stage needs " + std::to_string(before + least_files(graph, procs)) +
          " open files, and this process may have " + std::to_string(most) + " (ulimit -n)");
}

std::string_view way_out_of_open_files(int error_number) {
  switch (error_number) {
    case EMFILE:
      return "; the limit of open files of this process is reached (ulimit -n): a higher one, a "
             "lower "
             "\"open_files\" in \"limits\", or fewer \"workers\" may help";
    case ENFILE:
      return "; the limit of open files of this machine is reached (fs.file-max): fewer "
             "\"workers\" "
             "may help";
    default:
      return "";
  }
}

std::uint64_t soft_limit_for_children() { return first_soft_limit.load(std::memory_order_relaxed); }

}  // namespace gorun::jobs
