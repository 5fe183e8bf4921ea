#include "jobs/exec/output_spool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>

#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

constexpr std::string_view kOpenSpool = "make a file for the output of a command";

// Of one reading.
constexpr std::size_t kSpoolPiece = std::size_t{64} << 10;
// Less is not worth a hole.
constexpr std::uint64_t kLeastHole = std::uint64_t{256} << 10;

FileDescriptor open_nameless() {
  // Nothing in gorun changes the environment. NOLINTNEXTLINE(concurrency-mt-unsafe)
  const char* directory = std::getenv("TMPDIR");
  constexpr int kFlags = O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC;
  if (directory != nullptr && *directory != '\0') {
    const int fd = ::open(directory, kFlags, 0600);
    if (fd >= 0) return FileDescriptor(fd);
  }
  const int fd = ::open("/tmp", kFlags, 0600);
  if (fd >= 0 || errno == EMFILE || errno == ENFILE) return FileDescriptor(fd);
  // A file system without such files, or none that may be written to.
  const int in_memory = ::memfd_create("gorun-output", MFD_CLOEXEC);
  if (in_memory >= 0) ::fcntl(in_memory, F_SETFL, O_APPEND);
  return FileDescriptor(in_memory);
}

}  // namespace

Expected<int, SystemError> OutputSpool::open() {
  if (file_.is_open()) return file_.get();
  file_ = open_nameless();
  if (!file_.is_open()) return SystemError{kOpenSpool, errno, {}};
  if (file_.get() <= 2) {
    // The child's streams are put there.
    const int moved = ::fcntl(file_.get(), F_DUPFD_CLOEXEC, 3);
    if (moved < 0) return SystemError{kOpenSpool, errno, {}};
    file_ = FileDescriptor(moved);
  }
  return file_.get();
}

std::uint64_t OutputSpool::size() const {
  struct stat seen = {};
  if (!file_.is_open() || ::fstat(file_.get(), &seen) != 0) return 0;
  return static_cast<std::uint64_t>(seen.st_size);
}

std::int64_t OutputSpool::read(std::uint64_t offset, char* to, std::size_t size) const {
  for (;;) {
    const ssize_t got = ::pread(file_.get(), to, size, static_cast<off_t>(offset));
    if (got >= 0) return got;
    if (errno != EINTR) return -errno;
  }
}

// The file only grows, so what is no part of its end will not be one later.
void OutputSpool::drop_middle(const KeptParts& kept) {
  const std::uint64_t bytes = size();
  const std::uint64_t begin = std::max(kept.first, dropped_);
  if (bytes < kept.last || bytes - kept.last < begin || bytes - kept.last - begin < kLeastHole) {
    return;
  }
  dropped_ = bytes - kept.last;
  drop(begin, dropped_);
}

int OutputSpool::append(std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(file_.get(), text.data(), text.size());
    if (wrote < 0 && errno != EINTR) return errno;
    if (wrote > 0) text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return 0;
}

void OutputSpool::drop(std::uint64_t begin, std::uint64_t end) const {
  static_cast<void>(::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                static_cast<off_t>(begin), static_cast<off_t>(end - begin)));
}

void OutputSpool::clear() {
  dropped_ = 0;
  // O_APPEND: the next child writes at the end, wherever the offset is. A file that cannot be
  // emptied is left behind.
  if (file_.is_open() && ::ftruncate(file_.get(), 0) != 0) abandon();
}

std::optional<SystemError> read_pieces(const OutputSpool& spool, std::uint64_t begin,
                                       std::uint64_t end,
                                       const std::function<Flow(std::string_view piece)>& take) {
  std::string buffer;
  for (std::uint64_t at = begin; at < end;) {
    buffer.resize(std::min<std::uint64_t>(kSpoolPiece, end - at));
    const std::int64_t got = runtime::blocking(
        runtime::Blocking::kBrief, [&] { return spool.read(at, buffer.data(), buffer.size()); });
    if (got < 0) return SystemError{"read the output of a command", static_cast<int>(-got), {}};
    if (got == 0) break;  // somebody else has emptied it
    at += static_cast<std::uint64_t>(got);
    const std::string_view piece(buffer.data(), static_cast<std::size_t>(got));
    if (take(piece) == Flow::kStop) break;
  }
  return std::nullopt;
}

}  // namespace gorun::jobs
