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
  WalkPiece piece;
  if (!walk_.next(kHashNamesAtOnce, &piece)) return false;
  task->number = piece.number;
  task->algorithms = algorithms_;
  for (const SystemError& error : piece.errors) task->errors.push_back(error.message());
  task->names.reserve(piece.found.size());
  for (Found& found : piece.found) {
    const bool is_wanted =
        found.type == FileType::kFile || (found.is_root && found.type != FileType::kDirectory);
    if (is_wanted) task->names.push_back(std::move(found.path));
  }
  return true;
}

}  // namespace gorun::jobs
