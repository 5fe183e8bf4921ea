// jobs/text/leased_file.h - lines of a cached file that stay where the kernel keeps them, for who
// keeps them for long and relies upon them.
//
// Who copies a file into his memory touches as much memory as it has bytes, in a virtual machine
// often memory that the host has to find first; the bytes were there already. Mapped, they cost
// their faults alone. But bytes that may change while they are looked at are good for counting only
// (mapped_range.h). A read lease (fcntl(2), F_SETLEASE) makes them good for everything: there is
// none while anybody has the file open for writing or has mapped it so, and while there is one,
// whoever opens it for writing, or cuts it off, waits in the kernel until it is given up. So
//   - a file that somebody may write to at the time, or that is another user's, is not mapped;
//   - when somebody wants to write, what is in use is copied to memory, which then takes the place
//     of the mapping: whoever looks at it sees the same bytes at the same addresses, before and
//     after. Then the lease is given up, and what follows is for others to read;
//   - the kernel takes a lease away from who does not give it up for long (45 s: the process was
//     stopped, say). To give it up fails then, and that is an error: somebody may have written.
// What the cache does not have is not mapped; what it has had and cannot be read again is an error,
// too (runtime/file_view.h).
//
// Not chosen: to compare times and sizes at the end. They say that somebody has written when
//   everything has been made of it, and nothing of who writes to a mapping.
//   F_SETSIG with a signal of our own, to hear at once of who waits: a look now and then is soon
//   enough, and needs no handler. The signal is one that is ignored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/block.h"
#include "jobs/file_descriptor.h"
#include "jobs/system_error.h"
#include "runtime/file_view.h"

namespace gorun::jobs {

/// threads  next() one at a time, on a goroutine; all else any.
class LeasedFile final : public OthersBytes, public std::enable_shared_from_this<LeasedFile> {
 public:
  /// Bytes of a block. All of them count as the process's memory while it is in use.
  static constexpr std::size_t kWindowBytes = std::size_t{256} << 10;

  /// Takes the descriptor if it does not return nullptr, which says: read it.
  [[nodiscard]] static std::shared_ptr<LeasedFile> open(FileDescriptor* fd, std::string path);
  ~LeasedFile() override;

  /// The next whole lines, as a block that owns its bytes; none: the rest is to be read, from
  /// offset() on.
  [[nodiscard]] BlockRef next();
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

  /// Nothing: all that was looked at so far was the file's, as it was when it was opened.
  [[nodiscard]] std::optional<SystemError> wrong() override;

 private:
  enum class State : unsigned char {
    kLeased,
    kGivenUp,  // blocks have memory of their own
    kLost,     // somebody may have written before that
  };

  LeasedFile(FileDescriptor fd, std::uint64_t size, std::string path)
      : fd_(std::move(fd)), size_(size), path_(std::move(path)) {}

  void watch();
  [[nodiscard]] State look();
  [[nodiscard]] State give_up();
  [[nodiscard]] bool map_from(std::uint64_t offset);
  void release(std::string_view bytes);

  FileDescriptor fd_;  // the lease is its
  const std::uint64_t size_;
  const std::string path_;
  std::uint64_t offset_ = 0;   // of the next block
  std::uint64_t view_at_ = 0;  // of views_.back()

  std::mutex mutex_;                                       // short, but while the lease is given up
  State state_ = State::kLeased;                           // guarded by mutex_
  std::vector<std::shared_ptr<runtime::FileView>> views_;  // guarded by mutex_
  std::map<const char*, std::size_t> in_use_;              // guarded by mutex_; bytes of blocks
};

}  // namespace gorun::jobs
