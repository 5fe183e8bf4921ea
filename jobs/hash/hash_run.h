// jobs/hash/hash_run.h - hashing a stream of names on all cores, results in the order of the names.
//
//   HashSource -> [workers] -> HashSink
//
// Names come and go in tasks. A goroutine asks the source for tasks, ahead of what is delivered by
// a fixed number of them: that bounds the memory, whatever the tree. A worker that meets large
// files while others are idle gives part of its task away. The sink gets the tasks in the order in
// which the source made them, on the caller's goroutine.
//
// A file that cannot be hashed is a result like any other: nothing stops but by the sink's will.
// Not chosen: a job graph of walk, hash and write, where the first failure ends the run, and
//   nothing between the stages keeps the order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jobs/hash/digest.h"
#include "jobs/hash/hash_files.h"

namespace gorun::jobs {

struct HashTask {
  std::vector<std::string> names;
  std::vector<Algorithm> algorithms;               // for all of them
  std::vector<std::string> expected;               // of a check: hex, one a name; else empty
  std::vector<std::string> errors;                 // found by the source, before these names
  std::vector<std::optional<HashResult>> results;  // one a name
};

class HashSource {
 public:
  virtual ~HashSource() = default;
  /// Fills in all but `results`, at most kHashNamesAtOnce names; false: there is no more. Runs in a
  /// blocking section.
  virtual bool next(HashTask* task) = 0;
};

class HashSink {
 public:
  virtual ~HashSink() = default;
  /// False: enough; the run ends as soon as it can.
  virtual bool take(HashTask&& task) = 0;
};

struct HashRunOptions {
  Sha256Path path = Sha256Path::kAuto;
};

/// threads  on a goroutine, which parks; returns when all goroutines of the run have ended.
void run_hash(HashSource& source, HashSink& sink, const HashRunOptions& options);

}  // namespace gorun::jobs
