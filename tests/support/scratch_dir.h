// tests/support/scratch_dir.h - a directory of a test's own, removed when the test ends.
#pragma once

#include <string>
#include <string_view>

namespace gorun::test {

/// A fresh, empty directory under TMPDIR (or /tmp). Every failure throws std::system_error: a
/// test that cannot set its scene must not pass.
class ScratchDir {
 public:
  ScratchDir();
  ~ScratchDir();  // removes it with all that is in it, also below unreadable directories
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// path() + "/" + name; the name may hold any bytes.
  [[nodiscard]] std::string operator/(std::string_view name) const;

  /// Creates or replaces a file with these bytes, makes the directories above it, and returns
  /// its path.
  std::string write(std::string_view name, std::string_view bytes) const;
  /// Makes a directory and those above it, and returns its path.
  std::string make_dir(std::string_view name) const;

 private:
  std::string path_;
};

/// The bytes of a file.
[[nodiscard]] std::string read_whole_file(const std::string& path);

}  // namespace gorun::test
