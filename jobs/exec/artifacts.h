// jobs/exec/artifacts.h - copies of what a command has made, kept when it has ended.
//
// A file keeps its path below the directory that the command runs in, and its mode and mtime. A
// copy is written beside its place and renamed over it; where the file system can share the bytes
// it does (FICLONE, copy_file_range), and one that is there already, with the same size and mtime,
// is left alone. Files of an earlier run that are artifacts no more are left, too: what else lies
// in the directory is not gorun's.
//
// A path that is no pattern has to be there, or the command has failed, as with the artifacts of CI
// servers; a pattern may match nothing. After a command that has failed, what is not there is
// passed over: it has failed already. Nothing is taken from outside of the directory, neither by
// ".." nor by a link.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "jobs/graph.h"
#include "jobs/item.h"

namespace gorun::jobs {

enum class CommandEnd : bool { kFailed, kSucceeded };

/// Of the commands of one stage.
/// threads  one at a time, on a goroutine or outside of any; marks what blocks.
class Artifacts {
 public:
  /// spec  has the option "artifacts"; outlives this.
  Artifacts(const StageSpec& spec, const Graph& graph);

  /// Keeps what a command for `items` has left in `directory` (empty: ours).
  /// returns  why not all of it is kept; nothing: it is, or was not to be.
  [[nodiscard]] std::optional<std::string> keep(std::span<const Item> items,
                                                const std::string& directory,
                                                std::string_view run_status, CommandEnd end) const;

  /// Where they go.
  [[nodiscard]] const std::string& to() const { return to_; }

 private:
  const ArtifactOptions& options_;
  const std::string to_;
};

}  // namespace gorun::jobs
