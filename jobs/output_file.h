// jobs/output_file.h - where a stage's result is written: a file, whole or not at all, or a stream.
//
// An atomic file is written under a name of its own beside the target and renamed over it when it
// is complete and on the disk, so that nobody ever reads half of it; dropped without commit(), it
// leaves no trace. The kernel applies the umask to a new file, and a file that is replaced hands on
// its mode. A target that is a symbolic link stays one. What is no regular file (a FIFO, /dev/null)
// is written in place.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/file_descriptor.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// threads  one at a time, on a goroutine. Blocks in marked sections.
class OutputFile {
 public:
  enum class Mode : std::uint8_t { kAtomic, kInPlace };

  /// path       the target; "-" is standard output.
  /// cancel_fd  readable once the run is stopped: ends an open or a write that waits for a reader.
  OutputFile(std::string path, Mode mode, int cancel_fd);
  /// One of this process's own streams: STDOUT_FILENO or STDERR_FILENO.
  OutputFile(int standard_fd, int cancel_fd);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

  /// Nothing: all is well. EPIPE when the reader of a pipe has gone, ECANCELED when the run was
  /// stopped.
  [[nodiscard]] std::optional<SystemError> open();
  [[nodiscard]] std::optional<SystemError> write(std::string_view bytes);
  /// Makes what was written the contents of the target.
  [[nodiscard]] std::optional<SystemError> commit();

  /// True if a reader may be waiting for each byte: a pipe, a terminal.
  [[nodiscard]] bool is_stream() const { return is_stream_; }

 private:
  [[nodiscard]] SystemError error(std::string_view call, int number) const;
  [[nodiscard]] std::optional<SystemError> open_fifo();
  [[nodiscard]] std::optional<SystemError> open_beside(const std::string& target, unsigned mode);
  [[nodiscard]] std::optional<SystemError> sync_and_rename();
  [[nodiscard]] bool can_write(int timeout_ms, bool* stopped) const;
  [[nodiscard]] int write_ready(std::string_view* bytes);
  [[nodiscard]] ssize_t write_some(std::string_view bytes);

  const std::string path_;
  const Mode mode_;
  const int cancel_fd_;
  const int standard_fd_;  // of path "-"
  std::string target_;     // path_ without links
  std::string temporary_;  // not empty: to be renamed or removed
  FileDescriptor opened_;  // unless it is standard output
  int fd_ = -1;
  bool is_stream_ = false;
  bool waits_always_ = false;  // a write to it that is told not to wait is refused
};

/// True if nobody can read any more what is written to the pipe or socket `fd`.
/// threads  any; does not block.
[[nodiscard]] bool has_lost_reader(int fd);

}  // namespace gorun::jobs
