#include "jobs/exec/artifacts.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>

#include "jobs/exec/path_set.h"
#include "jobs/file_descriptor.h"
#include "jobs/quote.h"
#include "jobs/state_directory.h"
#include "jobs/system_error.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

using Error = std::optional<SystemError>;

constexpr std::size_t kCopyBytes = std::size_t{128} << 10;
constexpr mode_t kAccessBits = 0777;  // a copy is nobody's set-user-ID program

// A name of one directory, whatever the stage is called. Slashes are those of pipelines and of the
// values of a matrix; "%" keeps two stages apart.
std::string directory_name(const std::string& stage) {
  std::string out;
  for (const char c : stage) out += c == '/' ? "%2F" : c == '%' ? "%25" : std::string(1, c);
  return out;
}

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  return real == nullptr ? std::string() : std::string(real.get());
}

bool is_below(const std::string& path, const std::string& directory) {
  return directory == "/" || path.starts_with(directory + "/");
}

// The bytes, in the cheapest way that both file systems know.
int copy_bytes(int from, int to) {
  if (::ioctl(to, FICLONE, from) == 0) return 0;
  for (;;) {
    const ssize_t copied = ::copy_file_range(from, nullptr, to, nullptr, kCopyBytes * 64, 0);
    if (copied > 0) continue;
    if (copied == 0) break;  // the end; or, of files that the kernel makes up, not yet
    if (errno == EINTR) continue;
    if (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS) break;
    return errno;
  }
  const auto buffer = std::make_unique<std::array<char, kCopyBytes>>();
  for (;;) {
    const ssize_t got = ::read(from, buffer->data(), buffer->size());
    if (got == 0) return 0;
    if (got < 0 && errno != EINTR) return errno;
    for (ssize_t done = 0; done < got;) {
      const ssize_t wrote =
          ::write(to, buffer->data() + done, static_cast<std::size_t>(got - done));
      if (wrote < 0 && errno != EINTR) return errno;
      if (wrote > 0) done += wrote;
    }
  }
}

bool is_same(const struct stat& one, const struct stat& other) {
  return S_ISREG(other.st_mode) && one.st_size == other.st_size &&
         one.st_mtim.tv_sec == other.st_mtim.tv_sec && one.st_mtim.tv_nsec == other.st_mtim.tv_nsec;
}

Error copy_file(const std::string& from, const std::string& to) {
  const FileDescriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat seen = {};
  if (!source.is_open() || ::fstat(source.get(), &seen) != 0) {
    return SystemError{"open", errno, from};
  }
  if (!S_ISREG(seen.st_mode)) return SystemError{"copy what is no regular file", EINVAL, from};
  struct stat there = {};
  if (::lstat(to.c_str(), &there) == 0 && is_same(seen, there)) return std::nullopt;
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(to).parent_path(), error);
  if (error) return SystemError{"make the directory of", error.value(), to};
  std::string temporary = to + ".XXXXXX";
  const FileDescriptor copy(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!copy.is_open()) return SystemError{"write", errno, to};
  int failed = copy_bytes(source.get(), copy.get());
  if (failed == 0 && ::fchmod(copy.get(), seen.st_mode & kAccessBits) != 0) failed = errno;
  const std::array<timespec, 2> times = {seen.st_atim, seen.st_mtim};
  if (failed == 0 && ::futimens(copy.get(), times.data()) != 0) failed = errno;
  if (failed == 0 && ::rename(temporary.c_str(), to.c_str()) != 0) failed = errno;
  if (failed == 0) return std::nullopt;
  ::unlink(temporary.c_str());
  return SystemError{"write", failed, to};
}

std::string target_directory(const StageSpec& spec, const Graph& graph) {
  const std::string& given = spec.options.artifacts("artifacts").to;
  if (!given.empty()) return given;
  return state_directory(graph) + "/artifacts/" + directory_name(graph.secrets.masked(spec.name));
}

bool is_wanted(ArtifactOptions::When when, CommandEnd end) {
  if (when == ArtifactOptions::When::kAlways) return true;
  return (when == ArtifactOptions::When::kSuccess) == (end == CommandEnd::kSucceeded);
}

std::optional<std::string> copy_all(const PathSet& set, const std::string& directory,
                                    const std::string& to) {
  const std::string base = real_path(directory.empty() ? "." : directory);
  for (const std::string& name : set.files) {
    const std::string path = path_in(directory, name);
    if (!is_below(real_path(path), base)) {
      return "artifact " + quote(name) + " lies outside of the directory that the command runs in";
    }
    std::string target = to;  // of an absolute name, too, which path_in() would leave where it is
    target.append("/").append(name);
    if (auto error = copy_file(path, target)) {
      return "artifact " + quote(name) + ": " + error->message();
    }
  }
  return std::nullopt;
}

}  // namespace

Artifacts::Artifacts(const StageSpec& spec, const Graph& graph)
    : options_(spec.options.artifacts("artifacts")), to_(target_directory(spec, graph)) {}

std::optional<std::string> Artifacts::keep(std::span<const Item> items,
                                           const std::string& directory,
                                           std::string_view run_status, CommandEnd end) const {
  if (!is_wanted(options_.when, end)) return std::nullopt;
  const auto patterns = patterns_for(options_.paths, items, run_status);
  if (!patterns) return "\"artifacts\": " + patterns.error();
  for (const std::string& pattern : *patterns) {
    if (auto wrong = what_is_wrong_with(pattern, PathBounds::kInside)) {
      return "\"artifacts\": " + *wrong;
    }
  }
  return runtime::blocking(runtime::Blocking::kLong, [&]() -> std::optional<std::string> {
    const auto set = find_paths(*patterns, directory);
    if (!set) return "\"artifacts\": " + set.error();
    if (end == CommandEnd::kSucceeded && !set->missing.empty()) {
      return "artifact " + quote(set->missing.front()) + " is not there";
    }
    return copy_all(*set, directory, to_);
  });
}

}  // namespace gorun::jobs
