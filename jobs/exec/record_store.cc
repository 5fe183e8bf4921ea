#include "jobs/exec/record_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "jobs/file_descriptor.h"
#include "jobs/format/quote.h"

namespace gorun::jobs {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kKeyLetters = 32;  // 128 bits: no two keys meet by chance
constexpr std::size_t kFolderLetters = 2;

// Absolute and without links, as far as it is there; the path itself, if that cannot be said.
fs::path without_links(const fs::path& path) {
  std::error_code error;
  // Absolute first: of a relative path that is not there yet nothing would become absolute.
  const fs::path absolute = fs::absolute(path, error);
  const fs::path real = fs::weakly_canonical(error ? path : absolute, error);
  return error ? path : real;
}

std::string seen_from(const std::string& base, const fs::path& path) {
  return without_links(path).lexically_relative(without_links(base)).string();
}

// The errno of what failed; 0: the bytes are there.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno != EINTR) return errno;
    if (wrote > 0) bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return 0;
}

// The same for a file that replaces what is at `path`. Only its owner may read it.
int replace_file(const std::string& path, std::string_view bytes) {
  std::string temporary = path + ".XXXXXX";
  const FileDescriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file.is_open()) return errno;
  int failed = write_all(file.get(), bytes);
  if (failed == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) failed = errno;
  if (failed != 0) ::unlink(temporary.c_str());
  return failed;
}

// Nothing: there is no such file, and that is no error.
std::optional<std::string> read_file(const std::string& path, int* failed) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) {
    *failed = errno == ENOENT || errno == ENOTDIR ? 0 : errno;
    return std::nullopt;
  }
  std::string text;
  char piece[16384];
  for (;;) {
    const ssize_t got = ::read(file.get(), piece, sizeof piece);
    if (got == 0) return text;
    if (got > 0) text.append(piece, static_cast<std::size_t>(got));
    if (got < 0 && errno != EINTR) {
      *failed = errno;
      return std::nullopt;
    }
  }
}

}  // namespace

RecordStore::RecordStore(const Graph& graph, CachePlace place) : place_(std::move(place)) {
  std::error_code error;
  const fs::path current = fs::current_path(error);
  seen_from_here_ =
      seen_from(place_.directory, graph.file) + '\0' + seen_from(place_.directory, current);
}

std::string RecordStore::key(const std::string& stage, const std::string& items) const {
  const std::string all = seen_from_here_ + '\0' + stage + '\0' + items;
  return digest_text(all).substr(0, kKeyLetters);
}

// A folder for each of 256, so that none holds too many names.
std::string RecordStore::folder_of(const std::string& key) const {
  return place_.directory + "/" + key.substr(0, kFolderLetters);
}

std::string RecordStore::path_of(const std::string& key) const {
  return folder_of(key) + "/" + key.substr(kFolderLetters);
}

std::optional<SystemError> RecordStore::make_directories(const std::string& key) const {
  if (auto error = make_directory(place_)) return error;
  const std::string path = folder_of(key);
  if (::mkdir(path.c_str(), 0777) == 0 || errno == EEXIST) return std::nullopt;
  return SystemError{"make directory", errno, path};
}

RecordStore::Found RecordStore::get(const std::string& key) const {
  const std::string path = path_of(key);
  int failed = 0;
  const std::optional<std::string> text = read_file(path, &failed);
  if (failed != 0) {
    return {.warning = SystemError{"read", failed, path}.message()};
  }
  if (!text) return {};
  Found found{.record = parse_success_record(*text)};
  if (!found.record) {
    found.warning = "the record " + quote_for_message(path) + " is damaged, and as good as none";
  }
  return found;
}

std::optional<SystemError> RecordStore::put(const std::string& key, const SuccessRecord& record) {
  const std::string path = path_of(key);
  const std::string text = to_text(record);
  int failed = replace_file(path, text);
  if (failed == ENOENT || failed == ENOTDIR) {
    if (auto error = make_directories(key)) return error;
    failed = replace_file(path, text);
  }
  if (failed == 0) return std::nullopt;
  return SystemError{"write", failed, path};
}

std::optional<SystemError> RecordStore::remove(const std::string& key) {
  const std::string path = path_of(key);
  if (::unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  return SystemError{"remove", errno, path};
}

}  // namespace gorun::jobs
