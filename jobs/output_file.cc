#include "jobs/output_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

constexpr unsigned kPermissions = 07777;

// Links are followed to where the bytes are to be; a path that leads nowhere yet is its own target.
std::string without_links(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  return real == nullptr ? path : std::string(real.get());
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// A name that no other writer of this process takes. Another process may have had our number: one
// that was killed and left its file behind, or one in a container of its own.
std::string name_beside(const std::string& target) {
  static std::atomic<unsigned> next{0};
  const std::size_t slash = target.rfind('/');
  const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
  const std::string suffix = ".gorun-" + std::to_string(::getpid()) + "-" +
                             std::to_string(next.fetch_add(1, std::memory_order_relaxed));
  // The longest names leave no room for a suffix.
  const std::string name = target.substr(begin, NAME_MAX - 1 - suffix.size());
  return target.substr(0, begin) + "." + name + suffix;
}

}  // namespace

OutputFile::OutputFile(std::string path, Mode mode, int cancel_fd)
    : path_(std::move(path)), mode_(mode), cancel_fd_(cancel_fd), standard_fd_(STDOUT_FILENO) {}

OutputFile::OutputFile(int standard_fd, int cancel_fd)
    : path_("-"), mode_(Mode::kInPlace), cancel_fd_(cancel_fd), standard_fd_(standard_fd) {}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

SystemError OutputFile::error(std::string_view call, int number) const {
  if (path_ != "-") return {call, number, path_};
  return {call, number, standard_fd_ == STDERR_FILENO ? "standard error" : "standard output"};
}

std::optional<SystemError> OutputFile::open() {
  if (path_ == "-") {
    fd_ = standard_fd_;
  } else {
    auto failed =
        runtime::blocking(runtime::Blocking::kLong, [this]() -> std::optional<SystemError> {
          struct stat status = {};
          target_ = without_links(path_);
          const bool exists = ::stat(target_.c_str(), &status) == 0;
          if (mode_ == Mode::kAtomic && (!exists || S_ISREG(status.st_mode))) {
            return open_beside(target_, exists ? status.st_mode & kPermissions : 0);
          }
          if (exists && S_ISFIFO(status.st_mode)) return open_fifo();
          opened_ = FileDescriptor(
              ::open(target_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
          if (opened_.get() < 0) return error("open", errno);
          return std::nullopt;
        });
    if (failed) return failed;
    fd_ = opened_.get();
  }
  struct stat status = {};
  if (::fstat(fd_, &status) < 0) return error("write", errno);
  is_stream_ = !S_ISREG(status.st_mode);
  return std::nullopt;
}

// Waits for a reader. open(2) would, and hear no stop; nothing tells of a reader but asking again.
std::optional<SystemError> OutputFile::open_fifo() {
  constexpr int kPauseMs = 10;
  for (;;) {
    opened_ = FileDescriptor(::open(target_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (opened_.is_open()) return std::nullopt;
    if (errno != ENXIO) return error("open", errno);
    pollfd stop{cancel_fd_, POLLIN, 0};
    if (::poll(&stop, 1, kPauseMs) > 0) return error("open", ECANCELED);
  }
}

std::optional<SystemError> OutputFile::open_beside(const std::string& target, unsigned mode) {
  std::string name;
  do {
    name = name_beside(target);
    opened_ = FileDescriptor(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  } while (opened_.get() < 0 && errno == EEXIST);
  if (opened_.get() < 0) return error("open", errno);
  temporary_ = std::move(name);
  if (mode != 0 && ::fchmod(opened_.get(), mode) < 0) return error("change the mode of", errno);
  return std::nullopt;
}

// True if a write would not wait for a reader; sets `stopped` if the run was.
bool OutputFile::can_write(int timeout_ms, bool* stopped) const {
  pollfd fds[2] = {{fd_, POLLOUT, 0}, {cancel_fd_, POLLIN, 0}};
  if (::poll(fds, 2, timeout_ms) <= 0) return false;
  *stopped = fds[1].revents != 0;
  return fds[0].revents != 0;
}

// Writes what can be written now and drops it from the front. Returns an errno value; 0 for none,
// also when the reader of a stream is slow and bytes are left.
int OutputFile::write_ready(std::string_view* bytes) {
  while (!bytes->empty()) {
    ssize_t written = -1;
    if (is_stream_) {
      bool stopped = false;
      const bool is_ready = can_write(0, &stopped);
      if (stopped) return ECANCELED;
      if (!is_ready) return 0;
      written = write_some(*bytes);
    } else {
      written = ::write(fd_, bytes->data(), bytes->size());
    }
    if (written >= 0) {
      bytes->remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      return errno;
    }
  }
  return 0;
}

// As write(2), to a stream that is writable, and does not wait for its reader, so that a stop is
// heard.
ssize_t OutputFile::write_some(std::string_view bytes) {
  if (!waits_always_) {
    const iovec all{const_cast<char*>(bytes.data()), bytes.size()};
    constexpr off_t kWhereItIs = -1;
    const ssize_t written = ::pwritev2(fd_, &all, 1, kWhereItIs, RWF_NOWAIT);
    if (written > 0 || (written < 0 && errno == EPIPE)) return written;
    // A terminal, an old kernel. Whatever else went wrong write(2) says, too.
    waits_always_ = errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL;
  }
  // A pipe that is writable takes this much without blocking.
  return ::write(fd_, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
}

std::optional<SystemError> OutputFile::write(std::string_view bytes) {
  for (;;) {
    const int failed =
        runtime::blocking(runtime::Blocking::kBrief, [&] { return write_ready(&bytes); });
    if (failed != 0) return error("write", failed);
    if (bytes.empty()) return std::nullopt;
    // The reader is slow: its time is somebody else's meanwhile.
    bool stopped = false;
    runtime::blocking(runtime::Blocking::kLong, [&] { return can_write(-1, &stopped); });
    if (stopped) return error("write", ECANCELED);
  }
}

std::optional<SystemError> OutputFile::commit() {
  if (opened_.get() < 0) return std::nullopt;
  return runtime::blocking(runtime::Blocking::kLong, [this] { return sync_and_rename(); });
}

std::optional<SystemError> OutputFile::sync_and_rename() {
  if (!temporary_.empty() && ::fsync(opened_.get()) < 0) return error("write", errno);
  // close(2) is where NFS tells of a full disk.
  if (::close(opened_.release()) < 0 && errno != EINTR) return error("write", errno);
  fd_ = -1;
  if (temporary_.empty()) return std::nullopt;
  if (::rename(temporary_.c_str(), target_.c_str()) < 0) return error("replace", errno);
  temporary_.clear();
  // Makes the new name last through a power cut. A directory that cannot be synced holds the file
  // all the same.
  const FileDescriptor directory(
      ::open(directory_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0 && ::fsync(directory.get()) < 0 && errno != EINVAL) {
    return error("write", errno);
  }
  return std::nullopt;
}

bool has_lost_reader(int fd) {
  pollfd look = {fd, 0, 0};  // what is wrong is told unasked
  return ::poll(&look, 1, 0) > 0 && (look.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace gorun::jobs
