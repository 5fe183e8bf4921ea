// jobs/exec/record_store.h - the success records of commands, a file each, in a directory.
//
// A record is written beside its place and renamed over it, so that nobody reads half of one, and
// two goruns that work on the same job at once leave the record of either. It is removed before
// its command starts again: whatever happens to that run, no record is left that it did not earn.
// A record is not synced. What a power cut makes of it is known by its digest and as good as
// nothing: the command runs once more.
// Not chosen: one file for all, appended to under a lock. Every reader would have to read what
// every
//   command ever did, somebody would have to shorten it, and one torn line would cost what comes
//   behind it. A database: one more library, for names that need no more than a directory.
#pragma once

#include <optional>
#include <string>

#include "jobs/exec/success_record.h"
#include "jobs/graph.h"
#include "jobs/state_directory.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// threads  any, at the same time; blocks in file operations. On a goroutine, in a marked section.
class RecordStore {
 public:
  /// The directory is not made before put().
  RecordStore(const Graph& graph, CachePlace place);

  /// What a record is called: the same whenever the same job is run from the same place, and also
  /// when all of it was moved.
  /// stage  its name.  items  what the command is for, in a form that tells all items apart.
  [[nodiscard]] std::string key(const std::string& stage, const std::string& items) const;

  struct Found {
    std::optional<SuccessRecord> record = {};
    std::string warning = {};  // one is there, and cannot be used; empty: nothing to say
  };
  [[nodiscard]] Found get(const std::string& key) const;

  [[nodiscard]] std::optional<SystemError> put(const std::string& key, const SuccessRecord& record);
  /// No record is fine as well.
  [[nodiscard]] std::optional<SystemError> remove(const std::string& key);

 private:
  [[nodiscard]] std::string folder_of(const std::string& key) const;
  [[nodiscard]] std::string path_of(const std::string& key) const;
  [[nodiscard]] std::optional<SystemError> make_directories(const std::string& key) const;

  CachePlace place_;
  std::string seen_from_here_;  // the job file and the current directory, seen from the store
};

}  // namespace gorun::jobs
