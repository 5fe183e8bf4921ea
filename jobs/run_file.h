// jobs/run_file.h - a file without a name for what does not fit the memory, in runs.
//
// A run is a stretch of bytes that was appended piece by piece and is read back from its beginning,
// once, while other runs of the same file are. What the bytes mean is their owner's affair
// (sort/sorted_runs.h, mapreduce/stored_group.h). The file is unlinked before its first byte is
// written, so that nothing is left of it whatever becomes of the process.
//
// Not chosen: O_TMPFILE, which not every file system has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "jobs/file_descriptor.h"
#include "jobs/system_error.h"
#include "jobs/text/byte_buffer.h"

namespace gorun::jobs {

/// Bytes of a RunFile, [begin, end).
struct FileRun {
  std::uint64_t begin;
  std::uint64_t end;
};

/// threads  one at a time, on a goroutine. Blocks in marked sections.
class RunFile {
 public:
  /// directory  where the file is made, by open().
  explicit RunFile(std::string directory) : directory_(std::move(directory)) {}

  /// Makes the file unless that has been done.
  [[nodiscard]] std::optional<SystemError> open();

  /// Writes `bytes` behind all that is there. returns an errno value, 0 for none.
  [[nodiscard]] int append(std::string_view bytes);

  /// Reads `size` bytes from `at` on. returns an errno value, 0 for none; EIO if the file ends.
  [[nodiscard]] int read(std::uint64_t at, char* to, std::size_t size) const;

  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// What an errno value of these means to a user: it names the directory.
  [[nodiscard]] SystemError error(std::string_view call, int number) const {
    return {call, number, directory_};
  }

 private:
  const std::string directory_;
  FileDescriptor file_;
  std::uint64_t size_ = 0;
};

/// Reads a run from its beginning to its end through a buffer. The RunFile must outlive it.
class RunReader {
 public:
  /// buffer_bytes  read at a time; more, if need() asks for more.
  RunReader(const RunFile& file, FileRun run, std::size_t buffer_bytes)
      : file_(&file), rest_(run), buffer_bytes_(buffer_bytes) {}

  /// Whether all bytes have been passed.
  [[nodiscard]] bool is_at_end() const { return at_ == end_ && rest_.begin == rest_.end; }

  /// Sees to it that the next `size` bytes lie at here(). returns an errno value, 0 for none; EIO
  /// if the run has fewer.
  [[nodiscard]] int need(std::size_t size);

  /// The bytes that come next. Valid until need().
  [[nodiscard]] const char* here() const { return buffer_.data() + at_; }
  /// As many of them as lie there without a need().
  [[nodiscard]] std::string_view available() const { return {here(), end_ - at_}; }

  /// Goes on by `size` bytes, which need() has brought.
  void pass(std::size_t size) { at_ += size; }

 private:
  const RunFile* file_;
  FileRun rest_;  // not read yet
  std::size_t buffer_bytes_;
  ByteBuffer buffer_;    // no larger than what was needed: there is one for each run
  std::size_t at_ = 0;   // in the buffer
  std::size_t end_ = 0;  // of what has been read into it
};

}  // namespace gorun::jobs
