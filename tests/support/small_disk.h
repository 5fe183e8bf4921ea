// tests/support/small_disk.h - a file system of a test's own, small and soon full.
#pragma once

#include <sys/mount.h>

#include <string>

#include "tests/support/scratch_dir.h"

namespace gorun::test {

/// 64 KiB of tmpfs below a scratch directory; none where this process may not mount one.
class SmallDisk {
 public:
  explicit SmallDisk(const ScratchDir& scratch) : path_(scratch.make_dir("disk")) {
    is_mounted_ = ::mount("none", path_.c_str(), "tmpfs", 0, "size=64k") == 0;
  }
  ~SmallDisk() {
    if (is_mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  [[nodiscard]] bool is_mounted() const { return is_mounted_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// False: it cannot be.
  [[nodiscard]] bool make_read_only() const {
    return ::mount(nullptr, path_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  }

 private:
  std::string path_;
  bool is_mounted_ = false;
};

}  // namespace gorun::test
