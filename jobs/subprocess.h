// jobs/subprocess.h - starting a child: fast, in a process group of its own, with nothing inherited
// but what is meant.
//
// The child is made by clone3(CLONE_VM | CLONE_PIDFD): it borrows our memory on a small stack of
// its own until it has called execve, so starting costs the same however large we are, and it tells
// why it could not by writing to that memory. Only this thread waits meanwhile (CLONE_VFORK), or
// nobody. CLONE_CLEAR_SIGHAND spares the child 124 system calls that would put handlers back one by
// one (16 us of 100); where clone3 is missing or filtered it makes them.
//
// What the child gets
//   Group    its own; a signal to -pid() reaches it and its children.
//   Streams  as the Command says; every other descriptor is closed, but for those that it names.
//   Signals  nothing blocked; every handler of ours is back at the default, and so is SIGPIPE,
//   which
//            we ignore. A signal that is ignored otherwise (nohup) stays so.
// Not chosen: posix_spawn, which costs nearly twice as much and cannot say which step failed; and
//   PR_SET_PDEATHSIG, which fires when the starting thread ends, and our threads come and go.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/exec/child_guard.h"
#include "jobs/expected.h"
#include "jobs/file_descriptor.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// The environment of children, ready for execve; made once and used for many.
/// Immutable; safe to use from any thread.
class EnvironmentBlock {
 public:
  /// This process's environment with `additions`, of which a later one wins. A name holds neither
  /// "=" nor NUL.
  /// threads  reads environ: not while another thread changes it.
  explicit EnvironmentBlock(std::span<const std::pair<std::string, std::string>> additions = {});
  EnvironmentBlock(const EnvironmentBlock&) = delete;
  EnvironmentBlock& operator=(const EnvironmentBlock&) = delete;

  /// The value of a variable; nullptr if it is not set.
  [[nodiscard]] const char* get(std::string_view name) const;
  /// "NAME=value" texts and a nullptr.
  [[nodiscard]] char* const* envp() const { return pointers_.data(); }

 private:
  // One behind the other, for execve reads them all: apart they lie in cold cache lines.
  std::string texts_;            // each with a NUL behind it
  std::vector<char*> pointers_;  // into texts_
};

enum class StreamMode : std::uint8_t {
  kNull,     // /dev/null
  kInherit,  // ours
  kPipe,     // a pipe whose other end is in the Child
  kFile,     // an open file of ours, above 2: Command::files
};

/// What to run.
struct Command {
  std::vector<std::string> argv;  // at least one; without a slash, argv[0] is looked up in PATH
  std::string file;               // the program, if it has been looked up before; empty: not yet
  std::shared_ptr<const EnvironmentBlock> environment;  // nullptr: this process's
  std::string cwd;                                      // empty: ours
  StreamMode stdin_mode = StreamMode::kNull;
  StreamMode stdout_mode = StreamMode::kPipe;
  StreamMode stderr_mode = StreamMode::kPipe;
  bool merge_stderr = false;  // stderr goes where stdout goes, in the order of the writes
  std::array<int, 3> files = {-1, -1, -1};  // of streams with kFile: not owned
  std::vector<int> inherited = {};          // descriptors above 2 that the child has as well
  int nice = 0;                             // added to our niceness: 0 to 19
};

/// A child that has been started and not yet waited for. A plain bundle of what is needed to feed,
/// watch and end it; ChildPump (jobs/child_pump.h) does that, and must, lest a zombie be left.
struct Child {
  pid_t pid = -1;             // also the process group
  FileDescriptor pidfd;       // readable when the child has ended
  FileDescriptor stdin_pipe;  // our ends: non-blocking, close-on-exec; open if asked for
  FileDescriptor stdout_pipe;
  FileDescriptor stderr_pipe;
  ChildGuard::Place* guarded = nullptr;  // let go before it is waited for, given back then
};

/// Starts a child and returns when it runs its program, or could not.
///
/// errors   call and errno: "run" with ENOENT (no such program), EACCES (not executable), E2BIG,
///          ENOMEM, ...; "find the interpreter of" when the program is a script whose "#!" names
///          nothing; "enter directory" for cwd; "open a pipe for" (EMFILE); "start" when the
///          process limit is reached (EAGAIN); "pass a NUL byte in an argument of" (EINVAL). A file
///          that execve does not know (ENOEXEC) is run by /bin/sh, as shells do; one that somebody
///          writes (ETXTBSY) is tried again for half a second. Nothing is left behind by a failure.
/// threads  any. Blocks its thread, and no other, for some tens of microseconds.
[[nodiscard]] Expected<Child, SystemError> start_child(const Command& command);

struct LaunchParts;

/// What a child borrows on its way to its program. One for each child that is on its way; used
/// again and again it stays in the caches.
class LaunchRoom {
 public:
  LaunchRoom();
  ~LaunchRoom();

  /// Of a child that has ended: true if it never came to run its program.
  [[nodiscard]] bool has_failed() const;

 private:
  friend Expected<Child, SystemError> start_child(const Command& command, LaunchRoom& room);
  std::unique_ptr<LaunchParts> parts_;
};

/// As above, but returns while the child may still be on its way: who waits for its end anyway
/// sleeps once and not twice. The end of a child that could not run its program is exit 127, and
/// room.has_failed(): the other start_child() then says why, or knows what to do.
///
/// command, room  stay in place, and nobody uses them for another start, until the child has ended.
[[nodiscard]] Expected<Child, SystemError> start_child(const Command& command, LaunchRoom& room);

/// The file that execve is to be given for `program`: itself if it holds a slash, else the first
/// executable file of that name in the directories of `path` (a PATH; nullptr: the system's).
/// errors  "run" with EACCES if there are only files that may not be executed, else ENOENT.
[[nodiscard]] Expected<std::string, SystemError> find_program(const std::string& program,
                                                              const char* path);

}  // namespace gorun::jobs
