// tests/bench/exec/floor.cc - the floor of running commands: floor N PROGRAM [ARG...]
//
// Two threads, each in a loop of vfork, execve and a blocking waitpid: nothing is cheaper with what
// Linux offers. It does nothing that a runner must do (no process group, no /dev/null for standard
// input, no look at how a child ended, no way to stop).
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

std::atomic<long> left;  // jobs; relaxed: only their number matters
std::atomic<bool> failed{false};

void run_jobs(char** argv) {
  while (left.fetch_sub(1, std::memory_order_relaxed) > 0) {
    const pid_t pid = vfork();
    if (pid == 0) {
      execve(argv[0], argv, environ);
      _exit(127);
    }
    int status = 1;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) failed.store(true);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: floor N PROGRAM [ARG...]\n", stderr);
    return 2;
  }
  left = std::strtol(argv[1], nullptr, 10);
  std::thread other([argv] { run_jobs(argv + 2); });
  run_jobs(argv + 2);
  other.join();
  return failed.load() ? 1 : 0;
}
