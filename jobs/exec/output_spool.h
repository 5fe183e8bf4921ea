// jobs/exec/output_spool.h - the file that commands of one worker write their output to, one after
// the other, so that it can be shown whole when each has ended.
//
// A child that writes to a file never waits for us, and we never for it: only its end is awaited,
// and what it says costs no memory of ours, however much it is. The file has no name, lies in
// TMPDIR (or /tmp, or where neither can be written to in memory), is made when the first command
// starts and serves again when it has been emptied.
// Of an output that is not shown as a whole the middle is taken out of the file while the child
// still writes: a hole, so that no byte moves and the size tells how much there was.
// Not chosen: two pipes a child, drained into memory. Their making, watching and draining costs
// 50 us of a command's 90, and a talkative child grows us or has to wait.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "jobs/expected.h"
#include "jobs/file_descriptor.h"
#include "jobs/out.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// What is kept of an output of more than so many bytes: how it began, and how it ended.
struct KeptParts {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};
[[nodiscard]] constexpr KeptParts kept_parts(std::uint64_t most_bytes) {
  return {.first = most_bytes / 2, .last = most_bytes - most_bytes / 2};
}

/// threads  one at a time, in a marked blocking section.
class OutputSpool {
 public:
  /// The descriptor to hand to a child, above 2; the file behind it is empty.
  /// errors   "make a file for the output of a command" (ENOSPC, EMFILE, ...).
  [[nodiscard]] Expected<int, SystemError> open();

  /// Bytes that the child has written.
  [[nodiscard]] std::uint64_t size() const;

  /// Up to `size` bytes at `offset`; 0 at the end, or minus an errno.
  [[nodiscard]] std::int64_t read(std::uint64_t offset, char* to, std::size_t size) const;

  /// Gives back the disk that all but these parts take, as far as the file system can; what lay
  /// there reads as zeros then, and size() stays. The child may be writing.
  void drop_middle(const KeptParts& kept);

  /// Writes at the end of the file, which open() has made: what is to wait there. While one
  /// appends, others may read() and drop(). errors   an errno; 0: all is there.
  [[nodiscard]] int append(std::string_view text);
  /// Gives back what bytes [begin, end) take of the disk, as far as the file system can.
  void drop(std::uint64_t begin, std::uint64_t end) const;

  /// Empties the file for the next command.
  void clear();

  /// Leaves the file to a process that still writes to it; the next command gets another one.
  void abandon() {
    file_.close();
    dropped_ = 0;
  }

 private:
  FileDescriptor file_;
  std::uint64_t dropped_ = 0;  // behind the first part, to here, nothing is left
};

/// Hands out bytes [begin, end) piece by piece, as far as there are any, until `take` says kStop.
/// errors   "read the output of a command".
/// threads  a goroutine: each reading is a marked blocking section of its own.
[[nodiscard]] std::optional<SystemError> read_pieces(
    const OutputSpool& spool, std::uint64_t begin, std::uint64_t end,
    const std::function<Flow(std::string_view piece)>& take);

}  // namespace gorun::jobs
