// tests/bench/exec/measure.cc - measure RESULT PROGRAM [ARG...]: runs it and writes its wall
// seconds, CPU seconds and peak KiB, those of its children included, to the file RESULT.
//
// A process counts what the one that forked it held as its own peak; this one holds little.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const auto before = std::chrono::steady_clock::now();
  const pid_t pid = vfork();
  if (pid == 0) {
    execvp(argv[2], argv + 2);
    _exit(127);
  }
  int status = 0;
  rusage usage = {};
  if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) return 1;
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - before;
  std::FILE* result = std::fopen(argv[1], "w");
  if (result == nullptr) return 1;
  std::fprintf(result, "%.9f %.6f %ld\n", wall.count(),
               seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss);
  if (std::fclose(result) != 0) return 1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
