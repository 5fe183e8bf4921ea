// runtime/io.h - input and output on descriptors that parks the goroutine and not a thread.
//
//   auto [fd, status, error] = open_file("words.txt", O_RDONLY);
//   char line[4096];
//   while (IoResult got = fd.read(line, sizeof line)) use(line, got.count);
//
// An operation tries the system call first; if that would block, the goroutine parks until the
// netpoller has news, its deadline passes or another goroutine closes the handle. Regular files are
// always ready and yet slow: what is in the page cache is read on the spot, anything else in a
// marked blocking call (blocking.h), of which a bounded number run at a time.
//
// One goroutine may read, another write and a third close at the same time. Several readers (or
// writers) take turns, one whole operation each, so that two write_all() do not mix.
//
// Errors are values. A descriptor that is not a socket raises SIGPIPE when its reader is gone, as
// write(2) does: a program that wants EPIPE ignores that signal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "runtime/timer.h"

namespace gorun::runtime {

struct PollDesc;

enum class IoStatus : std::uint8_t {
  kOk,
  kEof,       // nothing was read, and nothing ever will be
  kTimedOut,  // the deadline passed
  kClosed,    // the handle is closed, perhaps by another goroutine meanwhile
  kError,     // the system call failed; see the errno
};

/// What an operation moved, and how it ended. True as a condition if it ended well.
struct [[nodiscard]] IoResult {
  std::size_t count = 0;  // bytes; of read_full() and write_all() also when they did not end well
  IoStatus status = IoStatus::kOk;
  int error = 0;  // errno, of kError

  explicit operator bool() const { return status == IoStatus::kOk; }
};

/// "connection refused", "timed out", ...: lower case where it is ours, strerror where it is not.
[[nodiscard]] std::string to_string(IoStatus status, int error);

/// No deadline: wait for ever.
inline constexpr Nanos kNoDeadline{std::numeric_limits<std::int64_t>::max()};

class Fd;

/// A handle, or why there is none.
struct [[nodiscard]] FdResult;

/// Owns one open descriptor, which it closes. Move-only; a default-constructed one is closed.
///
/// threads  operations: any goroutine, several at a time. Moving, destroying and release() need the
///          handle to themselves; operations in flight then end with kClosed.
class Fd {
 public:
  /// Whose is the open file behind the descriptor?
  enum class Ownership : std::uint8_t {
    kOwn,     // ours: put into non-blocking mode
    kShared,  // shared with other processes (a terminal, what stdin was redirected to), which would
              // see the mode change: left as it is. A reader that loses the race for input to one
              // of them waits in a marked blocking call, in which neither deadline nor close() wake
              // it.
  };

  Fd() = default;
  ~Fd();
  Fd(Fd&& other) noexcept;
  Fd& operator=(Fd&& other) noexcept;

  /// Takes over `fd`. errors: kError with the errno of fstat or fcntl; then `fd` is still open.
  static FdResult adopt(int fd, Ownership ownership = Ownership::kOwn);

  /// Reads what there is, at least one byte, at most `size`. kEof at the end. Of a file, at its
  /// offset.
  IoResult read(void* buffer, std::size_t size);
  /// Reads `size` bytes. An end or error after some of them: their count, with kEof or the error.
  IoResult read_full(void* buffer, std::size_t size);
  /// Writes at least one byte (of none: none).
  IoResult write(const void* buffer, std::size_t size);
  /// Writes all. After an error, `count` bytes are written.
  IoResult write_all(const void* buffer, std::size_t size);

  /// The same at an offset of a file; takes no turn. For regular files and disks.
  IoResult read_at(void* buffer, std::size_t size, std::int64_t offset);
  IoResult write_at(const void* buffer, std::size_t size, std::int64_t offset);

  /// Parks until the descriptor is readable or writable, or at its end, or in error. count is 0.
  IoResult wait_readable();
  IoResult wait_writable();

  /// wait_readable() for what may come from outside at any time or never, as a signal does: the run
  /// does not wait for it. Once everything else is parked for good or has ended, and it has not
  /// come, the run is over; the caller is dropped as it waits, and no report counts it.
  IoResult wait_readable_aside();

  /// The next connection of a listening socket. threads: many goroutines may wait.
  FdResult accept();

  /// From `deadline` (as now() counts) on, operations that would move bytes or wait fail with
  /// kTimedOut, those that wait already included. kNoDeadline lifts it. Regular files have none.
  void set_read_deadline(Nanos deadline);
  void set_write_deadline(Nanos deadline);
  void set_deadline(Nanos deadline);

  /// Closes the handle: operations that wait end with kClosed, later ones as well. close(2) runs
  /// when the last operation has left: then errors are lost, which else are returned. Twice:
  /// kClosed.
  IoResult close();

  /// Gives up the descriptor, open, in the mode that it is in. -1 if closed or an operation is on.
  int release();

  [[nodiscard]] bool is_open() const;
  /// The descriptor, for ioctl and its like; -1 if closed. Valid while nobody closes the handle.
  [[nodiscard]] int get() const;

 private:
  explicit Fd(PollDesc* pd) : pd_(pd) {}

  PollDesc* pd_ = nullptr;  // null: closed
};

struct [[nodiscard]] FdResult {
  Fd fd;
  IoStatus status = IoStatus::kOk;
  int error = 0;  // errno, of kError

  explicit operator bool() const { return status == IoStatus::kOk; }
};

/// Opens `path` as open(2) does, close-on-exec, in a marked blocking call: a FIFO waits there for
/// its other end, unless `flags` has O_NONBLOCK. `mode` for O_CREAT.
FdResult open_file(const std::string& path, int flags, unsigned mode = 0666);

}  // namespace gorun::runtime
