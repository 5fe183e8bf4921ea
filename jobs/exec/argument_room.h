// jobs/exec/argument_room.h - how many items one command can take.
//
// execve(2) takes so many bytes of arguments and environment together, each with its NUL and its
// pointer, and no single argument above 128 KiB. What a command has besides its items is taken off
// first; what an item takes is what every argument that refers to it becomes, with all that stands
// around the item there.
#pragma once

#include <cstddef>
#include <string>

#include "jobs/graph.h"
#include "jobs/item.h"
#include "jobs/stage_options.h"

namespace gorun::jobs {

/// threads  one at a time.
class ArgumentRoom {
 public:
  /// options      of an exec stage that takes items; they outlive this.
  /// environment  what the job adds to that of every command.
  ArgumentRoom(const StageOptions& options, const Environment& environment);

  /// Bytes for all items of one command.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  /// Bytes that an item takes of them; more than there are of one that no command can be run for,
  /// so that the others do not fail with it.
  [[nodiscard]] std::size_t taken_by(const Item& item);

 private:
  const StageOptions* options_;
  std::size_t bytes_ = 0;
  std::string argument_;  // of one template and item, by turns
};

}  // namespace gorun::jobs
