#include "jobs/hash/file_reading.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <utility>

#include "jobs/file_descriptor.h"
#include "jobs/format/quote.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// A file that is read in one go needs no advice; the call would cost as much as it saves.
constexpr off_t kSequentialAdviceBytes = off_t{1} << 20;

// Of file systems that keep no fractions of seconds: FAT has the longest.
constexpr std::chrono::seconds kCoarsestTick{2};

HashFileError system_failure(std::string_view call, int number, const std::string& name) {
  return {HashFileError::Reason::kSystem, {call, number, name}, {}};
}

// What a call returned, and its errno, which is good only before the goroutine moves on.
struct Called {
  ssize_t result = 0;
  int error = 0;
};

template <class Call>
Called in_blocking_section(Call call) {
  return runtime::blocking(runtime::Blocking::kBrief, [&] {
    const ssize_t result = call();
    return Called{result, result < 0 ? errno : 0};
  });
}

// Opens what the kernel's caches know without asking a disk; whatever this says but a descriptor
// (EAGAIN; ENOSYS before Linux 5.12; EPERM under a filter) is said again by the call that waits.
Called open_file(int dirfd, const char* path, DiskPlace* place) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  open_how how = {};
  how.flags = kFlags;
  how.resolve = RESOLVE_CACHED;
  const long fd = ::syscall(SYS_openat2, dirfd, path, &how, sizeof how);
  if (fd >= 0) return {fd, 0};
  if (place != nullptr) place->take();
  // Non-blocking, for opening a FIFO without a writer would wait for one.
  return in_blocking_section([&] { return ::openat(dirfd, path, kFlags); });
}

HashFileError failure(HashFileError::Reason reason, const std::string& name, std::string detail) {
  return {reason, {{}, 0, name}, std::move(detail)};
}

std::string_view type_phrase(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode)) return "a character device";
  if (S_ISBLK(mode)) return "a block device";
  return "not a regular file";
}

bool same_instant(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

// True if a write from here on could leave the times as `seen` has them: the change it shows lies
// in the present tick of the clock that stamps files, or (never by that clock) after it.
bool may_hide_a_write(const struct stat& seen) {
  timespec now = {};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (seen.st_ctim.tv_sec != now.tv_sec) return seen.st_ctim.tv_sec == now.tv_sec + 1;
  return seen.st_ctim.tv_nsec >= now.tv_nsec;
}

// Waits until a write would show. `seen` is what fstat said and says again after each wait.
// ETXTBSY stands for a file that does not come to rest.
Called settle(int fd, struct stat* seen) {
  if (!may_hide_a_write(*seen)) return {};
  return in_blocking_section([&] {
    constexpr timespec kStep = {0, 1'000'000};
    for (auto waited = std::chrono::milliseconds{0}; may_hide_a_write(*seen);) {
      if (waited >= kSettleLimit) {
        errno = ETXTBSY;
        return -1;
      }
      ::nanosleep(&kStep, nullptr);  // cut short by a signal, it counts as a step all the same
      waited += std::chrono::milliseconds{1};
      if (::fstat(fd, seen) != 0) return -1;
    }
    return 0;
  });
}

// 0: it cannot be said.
unsigned long file_system_of(int fd) {
  struct statfs fs = {};
  return ::fstatfs(fd, &fs) == 0 ? static_cast<unsigned long>(fs.f_type) : 0;
}

// Their files are made up while they are read; st_size is 0 or one page.
bool sizes_are_fictions(unsigned long file_system) {
  switch (file_system) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case DEBUGFS_MAGIC:
    case TRACEFS_MAGIC:
    case SECURITYFS_MAGIC:
    case BPF_FS_MAGIC:
      return true;
    default:
      return false;
  }
}

// Inodes and times are what the maker of the image gave them. In the next image, mounted at the
// same place, they may be the same, and are if it was made to be reproducible.
bool is_image(unsigned long file_system) {
  constexpr unsigned long kRomfs = 0x7275;
  switch (file_system) {
    case SQUASHFS_MAGIC:
    case EROFS_SUPER_MAGIC_V1:
    case ISOFS_SUPER_MAGIC:
    case UDF_SUPER_MAGIC:
    case CRAMFS_MAGIC:
    case kRomfs:
      return true;
    default:
      return false;
  }
}

// What differs between the two looks and the bytes read; empty: nothing.
std::string describe_change(int fd, const struct stat& before, const struct stat& after,
                            std::uint64_t bytes_read) {
  const auto size = static_cast<std::uint64_t>(after.st_size);
  if (before.st_size != after.st_size) {
    return "size " + std::to_string(before.st_size) + " became " + std::to_string(size);
  }
  if (!same_instant(before.st_mtim, after.st_mtim)) return "its modification time moved";
  if (!same_instant(before.st_ctim, after.st_ctim)) return "its change time moved";
  if (bytes_read != size && !sizes_are_fictions(file_system_of(fd))) {
    return "read " + std::to_string(bytes_read) + " of " + std::to_string(size) + " bytes";
  }
  return {};
}

}  // namespace

std::string HashFileError::message() const {
  switch (reason) {
    case Reason::kSystem:
      return system.message();
    case Reason::kNotRegular:
      return quote_for_message(system.subject) + " is " + detail;
    case Reason::kChanged:
      return quote_for_message(system.subject) + " changed while it was read: " + detail;
  }
  return detail;
}

Expected<FileReading, HashFileError> FileReading::open(int dirfd, std::string name,
                                                       std::size_t skip, DiskPlace* place) {
  const Called opened = open_file(dirfd, name.c_str() + skip, place);
  if (opened.result < 0) return system_failure("open", opened.error, name);
  return begin(FileDescriptor(static_cast<int>(opened.result)), std::move(name), place);
}

Expected<FileReading, HashFileError> FileReading::of(int fd, std::string name) {
  FileDescriptor own(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!own.is_open()) return system_failure("read", errno, name);
  return begin(std::move(own), std::move(name), nullptr);
}

Expected<FileReading, HashFileError> FileReading::begin(FileDescriptor file, std::string name,
                                                        DiskPlace* place) {
  struct stat before = {};
  if (::fstat(file.get(), &before) != 0) return system_failure("stat", errno, name);
  if (place != nullptr) place->note(before.st_dev);
  if (!S_ISREG(before.st_mode)) {
    return failure(HashFileError::Reason::kNotRegular, name,
                   std::string(type_phrase(before.st_mode)));
  }
  if (const Called settled = settle(file.get(), &before); settled.error == ETXTBSY) {
    return failure(HashFileError::Reason::kChanged, name, "it is being written");
  } else if (settled.error != 0) {
    return system_failure("stat", settled.error, name);
  }
  if (before.st_size >= kSequentialAdviceBytes) {
    // Advice that is refused changes nothing but the speed.
    static_cast<void>(::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL));
  }
  return FileReading(std::move(file), std::move(name), before, place);
}

ReadResult FileReading::read_piece(std::span<char> buffer, off_t offset) const {
  if (const auto cached = read_if_cached(file_.get(), buffer, offset)) return *cached;
  if (place_ != nullptr) place_->take(before_.st_dev);
  return waiting_read(file_.get(), buffer, offset);
}

Expected<std::size_t, HashFileError> FileReading::read(std::span<char> buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size() && !is_at_end_) {
    const ReadResult got = read_piece(buffer.subspan(filled), kAtPosition);
    if (got.error == EINTR) continue;
    if (got.bytes < 0) return system_failure("read", got.error, name_);
    filled += static_cast<std::size_t>(got.bytes);
    total_ += static_cast<std::uint64_t>(got.bytes);
    // A file that says 0 may be one of the kernel's: only its end tells. Else the look afterwards
    // finds what was appended, and the read that would return 0 is saved.
    is_at_end_ = got.bytes == 0 || (before_.st_size > 0 && total_ >= expected_size());
  }
  return filled;
}

Expected<std::size_t, HashFileError> FileReading::read_at(std::uint64_t offset,
                                                          std::span<char> buffer) const {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const ReadResult got = read_piece(buffer.subspan(filled), static_cast<off_t>(offset + filled));
    if (got.error == EINTR) continue;
    if (got.bytes < 0) return system_failure("read", got.error, name_);
    if (got.bytes == 0) break;
    filled += static_cast<std::size_t>(got.bytes);
  }
  return filled;
}

std::optional<HashFileError> FileReading::check(std::uint64_t bytes_read) const {
  struct stat after = {};
  if (::fstat(file_.get(), &after) != 0) return system_failure("stat", errno, name_);
  std::string change = describe_change(file_.get(), before_, after, bytes_read);
  if (change.empty()) return std::nullopt;
  return failure(HashFileError::Reason::kChanged, name_, std::move(change));
}

std::optional<FileStamp> FileReading::stamp_to_keep() const {
  if (before_.st_size == 0) return std::nullopt;
  const unsigned long file_system = file_system_of(file_.get());
  if (sizes_are_fictions(file_system) || is_image(file_system)) return std::nullopt;
  timespec now = {};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (before_.st_ctim.tv_nsec == 0 && before_.st_ctim.tv_sec + kCoarsestTick.count() > now.tv_sec) {
    return std::nullopt;
  }
  return stamp_of(before_);
}

}  // namespace gorun::jobs
