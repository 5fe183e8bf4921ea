#include "jobs/hash/path_source.h"

#include "jobs/hash/hash_worker.h"

namespace gorun::jobs {
namespace {

// Every type, so that a path that is given is never passed over without a word.
WalkOptions every_type() {
  WalkOptions options;
  options.type = std::nullopt;
  return options;
}

}  // namespace

PathSource::PathSource(std::vector<std::string> paths, std::vector<Algorithm> algorithms,
                       WalkOrder order)
    : algorithms_(std::move(algorithms)),
      walker_(every_type()),
      walk_(walker_, std::move(paths), order) {}

bool PathSource::next(HashTask* task) {
  task->algorithms = algorithms_;
  while (task->names.size() < kHashNamesAtOnce) {
    std::optional<Found> found = walk_.next();
    for (const SystemError& error : walk_.take_errors()) task->errors.push_back(error.message());
    if (!found) break;
    const bool is_wanted =
        found->type == FileType::kFile || (found->is_root && found->type != FileType::kDirectory);
    if (is_wanted) task->names.push_back(std::move(found->path));
  }
  return !task->names.empty() || !task->errors.empty();
}

}  // namespace gorun::jobs
