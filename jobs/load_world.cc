#include "jobs/load_world.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "jobs/walk/expand_glob.h"

namespace gorun::jobs {
namespace {

// The words of strerror(3) with a small first letter, and without its buffer.
std::string words_of(int error) {
  std::string words = std::generic_category().message(error);
  if (words.size() > 1 && words[1] >= 'a' && words[1] <= 'z') {
    words[0] = static_cast<char>(words[0] | 0x20);
  }
  return words;
}

// Reads to the end; 0, or the errno of what failed.
int read_all(int fd, std::string* text) {
  constexpr std::size_t kPiece = std::size_t{64} << 10;
  while (text->size() <= kMaxJobFileBytes) {
    const std::size_t size = text->size();
    text->resize(size + kPiece);
    const ssize_t got = ::read(fd, text->data() + size, kPiece);
    const int error = errno;
    text->resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return 0;
    if (got < 0 && error != EINTR) return error;
  }
  return EFBIG;
}

// The fd, or -1 and the errno.
struct Opened {
  int fd = -1;
  int error = 0;
};

Opened open_to_read(const std::string& path) {
  if (path == "-") return {.fd = STDIN_FILENO};
  if (path.find('\0') != std::string::npos) return {.error = ENOENT};  // no name holds one
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return {.error = errno};
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    ::close(fd);
    return {.error = EISDIR};
  }
  return {.fd = fd};
}

std::string reason_of(int error) {
  switch (error) {
    case ENOENT:
      return "there is no such file";
    case EISDIR:
      return "this is a directory, not a job file";
    case EACCES:
      return "the file may not be read: permission denied";
    case EFBIG:
      return "the file is larger than " + std::to_string(kMaxJobFileBytes >> 20U) + " MiB";
    default:
      return "the file cannot be read: " + words_of(error);
  }
}

class ProcessWorld final : public LoadWorld {
 public:
  [[nodiscard]] Expected<std::string, Refusal> read(const std::string& path) const override {
    return read_job_text(path == "-" ? "./-" : path);  // standard input is the main file's
  }
  [[nodiscard]] std::string identity(const std::string& path) const override {
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(path, error);
    return error ? path : real.string();
  }
  [[nodiscard]] std::optional<std::string> environment(const std::string& name) const override {
    // Nothing in gorun changes the environment. NOLINTNEXTLINE(concurrency-mt-unsafe)
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  }
  [[nodiscard]] Expected<std::vector<std::string>, Refusal> files(
      const std::string& pattern) const override {
    Expected<GlobMatches, GlobError> matches = expand_glob(pattern, GlobTargets::kFiles);
    if (!matches.ok()) return Refusal{matches.error().what};
    if (!matches->errors.empty()) return Refusal{matches->errors.front().message()};
    return std::move(matches->paths);
  }
};

}  // namespace

Expected<std::string, Refusal> LoadWorld::read(const std::string& /*path*/) const {
  return Refusal{"no other file can be read here"};
}

std::string LoadWorld::identity(const std::string& path) const { return path; }

std::optional<std::string> LoadWorld::environment(const std::string& /*name*/) const {
  return std::nullopt;
}

Expected<std::vector<std::string>, Refusal> LoadWorld::files(const std::string& /*pattern*/) const {
  return Refusal{"no directory can be read here"};
}

const LoadWorld& process_world() {
  static const ProcessWorld world;
  return world;
}

Expected<std::string, Refusal> read_job_text(const std::string& path) {
  const Opened opened = open_to_read(path);
  if (opened.error != 0) return Refusal{reason_of(opened.error)};
  std::string text;
  const int error = read_all(opened.fd, &text);
  if (opened.fd != STDIN_FILENO) ::close(opened.fd);
  if (error != 0) return Refusal{reason_of(error)};
  return text;
}

}  // namespace gorun::jobs
