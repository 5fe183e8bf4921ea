#include "jobs/state_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "jobs/file_descriptor.h"

namespace gorun::jobs {

std::string state_directory(const Graph& graph) {
  const std::size_t slash = graph.file.rfind('/');
  const std::string beside = slash == std::string::npos ? "" : graph.file.substr(0, slash + 1);
  return beside + std::string(kStateDirectory);
}

CachePlace cache_place(const Graph& graph, const std::string& option) {
  if (option == "true") return {state_directory(graph) + "/cache", true};
  return {option};
}

std::optional<SystemError> make_directory(const CachePlace& place) {
  std::error_code error;
  std::filesystem::create_directories(place.directory, error);
  if (error) return SystemError{"make directory", error.value(), place.directory};
  if (place.is_default) {
    // Nobody wants it in a repository. If it cannot be said, that is no harm.
    const std::string path = place.directory.substr(0, place.directory.rfind('/')) + "/.gitignore";
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file.is_open()) static_cast<void>(::write(file.get(), "*\n", 2) == 2);
  }
  return std::nullopt;
}

}  // namespace gorun::jobs
