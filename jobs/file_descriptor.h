// jobs/file_descriptor.h - a descriptor that closes itself.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace gorun::jobs {

/// Owns at most one descriptor. Move-only. Closing keeps errno; what close(2) could report matters
/// only to who writes, and he closes by himself.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}  // a negative one is none
  ~FileDescriptor() { close(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = other.release();
    }
    return *this;
  }

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int get() const { return fd_; }  // negative: none
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void close() {
    if (fd_ < 0) return;
    const int saved = errno;
    ::close(release());
    errno = saved;
  }

 private:
  int fd_ = -1;
};

}  // namespace gorun::jobs
