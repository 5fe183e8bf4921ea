// jobs/launch.h - a child on its way from clone to its program, in our memory.
//
// It does what is the same for every program: a group of its own, the streams, the directory, what
// it inherits, its signals; then execve. It borrows our memory meanwhile, on a small stack of its
// own, and the thread that made it may go on (jobs/subprocess.h).
//
// Invariants
//   I1  Until execve, or its end, it calls no function of the C library: one could lock, allocate
//   or
//       set errno, which is the parent's. It makes bare system calls, and no sanitizer watches it.
//   I2  It writes to nothing of ours but its stack and LaunchParts::launch.
#pragma once

#include <sys/resource.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace gorun::jobs {

/// In place of a descriptor that becomes a stream of the child.
inline constexpr int kStreamNull = -1;  // /dev/null, which it opens
inline constexpr int kStreamInherit = -2;
inline constexpr int kStreamLikeStdout = -3;

/// What parent and child share until the child runs its program, and what keeps that in place.
struct LaunchParts {
  enum class Step : std::uint8_t { kNone, kStream, kCwd, kExec };

  // Who has put the child's handlers back at their defaults.
  enum class Handlers : std::uint8_t { kCleared, kOurs };

  struct Launch {
    const char* file = nullptr;
    char* const* argv = nullptr;
    char* const* envp = nullptr;
    const char* cwd = nullptr;        // nullptr: ours
    std::array<int, 3> stream_fds{};  // for 0, 1, 2: our descriptor, or one of kStream...
    Handlers handlers = {};
    rlim_t soft_files = 0;           // the limit of open files that it is to have; 0: ours
    const int* inherited = nullptr;  // up to a negative one
    int nice = 0;
    Step failed_step = Step::kNone;
    int error_number = 0;
  };

  // The child's frames are a handful of small ones; execve itself runs on the kernel's stack.
  static constexpr std::size_t kStackBytes = std::size_t{16} * 1024;

  Launch launch;
  std::string file;
  std::vector<char*> argv;
  std::vector<int> inherited;
  alignas(16) std::array<char, kStackBytes> stack;
};

/// What the child runs. argument  the LaunchParts::Launch; if the program could not be run,
/// failed_step and error_number tell why by the time that the child has ended. Does not return.
int run_launch(void* argument);

}  // namespace gorun::jobs
