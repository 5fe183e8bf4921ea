// cli/child_groups.cc - the last resort against commands that do not want to end.

#include "cli/child_groups.h"

#include <dirent.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace gorun::cli {
namespace {

struct Family {
  pid_t parent = 0;
  pid_t group = 0;
};

// Of /proc/PID/stat: "PID (NAME) STATE PARENT GROUP ..."; the name may hold anything, so the fields
// are counted from the last parenthesis.
Family read_family(const char* pid_text) {
  std::ifstream file(std::string("/proc/") + pid_text + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  Family family;
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return family;  // it ended meanwhile
  std::sscanf(text.c_str() + name_end, ") %*c %d %d", &family.parent, &family.group);
  return family;
}

}  // namespace

void kill_child_groups() {
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  if (proc == nullptr) return;  // without /proc the engine's own SIGTERM and SIGKILL have to do
  // The stream is this call's own. NOLINTNEXTLINE(concurrency-mt-unsafe)
  while (const dirent* entry = readdir(proc.get())) {
    pid_t pid = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    const auto [stop, error] = std::from_chars(entry->d_name, end, pid);
    if (error != std::errc() || stop != end) continue;
    const Family family = read_family(entry->d_name);
    if (family.parent != getpid()) continue;
    // A child that ended between the look and the signal needs no signal: errors do not matter.
    static_cast<void>(kill(pid, SIGKILL));
    if (family.group == pid) static_cast<void>(kill(-pid, SIGKILL));
  }
}

}  // namespace gorun::cli
