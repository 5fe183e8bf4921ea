// jobs/load_world.h - what a job file may ask of the world while it is loaded.
//
// Files that it includes, variables of the environment, and file names that match a pattern: no
// more. Loading goes through this interface, so that it can be tested without any of them and a
// reader sees in one place what `gorun check` of a foreign job file can do.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "jobs/expected.h"

namespace gorun::jobs {

inline constexpr std::size_t kMaxJobFileBytes = std::size_t{256} << 20;

/// Why something could not be had, as part of a sentence.
struct Refusal {
  std::string why;
};

/// What a job file may ask for while it is loaded. Every member refuses by default.
class LoadWorld {
 public:
  virtual ~LoadWorld() = default;

  /// The text of a file.
  [[nodiscard]] virtual Expected<std::string, Refusal> read(const std::string& path) const;
  /// A name that is the same for every path that leads to one file.
  [[nodiscard]] virtual std::string identity(const std::string& path) const;
  /// A variable of gorun's own environment.
  [[nodiscard]] virtual std::optional<std::string> environment(const std::string& name) const;
  /// The files that match a pattern, in byte order.
  [[nodiscard]] virtual Expected<std::vector<std::string>, Refusal> files(
      const std::string& pattern) const;
};

/// The file system and the environment of this process. Blocks the calling thread.
[[nodiscard]] const LoadWorld& process_world();

/// The bytes of `path` ("-": standard input), up to kMaxJobFileBytes.
[[nodiscard]] Expected<std::string, Refusal> read_job_text(const std::string& path);

}  // namespace gorun::jobs
