// cli/child_groups.cc - the last resort against commands that do not want to end.

#include "cli/child_groups.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "jobs/exec/child_guard.h"
#include "jobs/file_descriptor.h"

namespace gorun::cli {
namespace {

struct Family {
  std::string name;
  pid_t parent = 0;
  pid_t group = 0;
};

// Of /proc/PID/stat: "PID (NAME) STATE PARENT GROUP ..."; the name may hold anything, so the fields
// are counted from the last parenthesis.
Family read_family(const char* pid_text) {
  // Not an ifstream: its buffer throws when the process ends between open and read (ESRCH).
  const jobs::FileDescriptor file(
      ::open((std::string("/proc/") + pid_text + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 1024> line{};  // several times what the kernel writes
  const ssize_t size = ::read(file.get(), line.data(), line.size() - 1);
  const std::string text(line.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  Family family;
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return family;  // it ended meanwhile
  const std::size_t name_begin = text.find('(') + 1;
  family.name = text.substr(name_begin, name_end - name_begin);
  std::sscanf(text.c_str() + name_end, ") %*c %d %d", &family.parent, &family.group);
  return family;
}

}  // namespace

Reach signal_child_groups(int signal) {
  Reach reach;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  if (proc == nullptr) return reach;  // the engine's own SIGTERM and SIGKILL have to do
  // The stream is this call's own. NOLINTNEXTLINE(concurrency-mt-unsafe)
  while (const dirent* entry = readdir(proc.get())) {
    pid_t pid = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    const auto [stop, error] = std::from_chars(entry->d_name, end, pid);
    if (error != std::errc() || stop != end) continue;
    const Family family = read_family(entry->d_name);
    if (family.parent != getpid() || family.name == jobs::ChildGuard::kName) continue;
    // A child that ended between the look and the signal needs no signal: other errors do not
    // matter.
    if (kill(pid, signal) == 0) {
      ++reach.sent;
    } else if (errno == EPERM) {
      ++reach.refused;
    }
    if (family.group == pid) static_cast<void>(kill(-pid, signal));
  }
  return reach;
}

LeftChildren end_left_children() {
  LeftChildren left;
  bool has_killed = false;
  for (;;) {
    siginfo_t ended{};
    if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG) != 0) return left;  // ECHILD: nobody is left
    if (ended.si_pid == 0) {
      const Reach reach = signal_child_groups(SIGKILL);
      left.refused = reach.refused;
      if (reach.sent == 0) return left;  // to wait for the others could take for ever
      has_killed = true;
      if (waitid(P_ALL, 0, &ended, WEXITED) != 0) return left;
    }
    if (has_killed) ++left.killed;
  }
}

}  // namespace gorun::cli
