// jobs/input_stream.h - reading a descriptor to its end, with a stop that also wakes a wait.
//
// A pipe or a terminal may stay silent for ever: before a read that would block the caller learns
// of it (to pass on what it has), and the wait ends when the run is stopped. The wait for somebody
// who opens a FIFO to write is no other, if it was opened with open_input(): open(2) would wait,
// too, and hears nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "jobs/file_descriptor.h"

namespace gorun::jobs {

/// Reads a descriptor that it does not own.
/// threads  one at a time, on a goroutine. Blocks in marked sections.
class InputStream {
 public:
  /// cancel_fd  readable once the run is stopped.
  InputStream(int fd, int cancel_fd);

  /// True if read() would return without waiting for somebody. Regular files are always ready.
  [[nodiscard]] bool is_ready() const;

  struct Got {
    std::size_t bytes = 0;  // 0 with error_number 0: the end, or stopped
    int error_number = 0;   // of read(2)
    bool is_stopped = false;
  };
  /// Reads up to `size` bytes, at least one unless at the end.
  Got read(char* into, std::size_t size);

 private:
  const int fd_;
  const int cancel_fd_;
  bool may_wait_;
};

/// Opens `path` to be read by an InputStream; waits for nobody at the other end.
/// error    becomes the errno of open(2), if there is no descriptor.
/// threads  as those of open(2): in a blocking section.
[[nodiscard]] FileDescriptor open_input(const std::string& path, int* error);

}  // namespace gorun::jobs
