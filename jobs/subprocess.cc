#include "jobs/subprocess.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>
#include <unordered_map>

#include "jobs/exec/orphans.h"
#include "jobs/exec/start_gate.h"
#include "jobs/launch.h"
#include "jobs/open_files.h"

namespace gorun::jobs {

namespace {

using Launch = LaunchParts::Launch;
using Step = LaunchParts::Step;
using Handlers = LaunchParts::Handlers;

constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

struct Pipe {
  FileDescriptor ours;
  FileDescriptor childs;
};

// A pipe whose ends are above 2: were a stream of ours closed, the kernel would give us its number,
// and the child's streams would overwrite each other.
Expected<Pipe, SystemError> open_pipe(bool child_reads, const std::string& program) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    const int number = errno;
    return SystemError{"open a pipe for", number, program};
  }
  std::array<FileDescriptor, 2> owned = {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  for (FileDescriptor& end : owned) {
    if (end.get() > 2) continue;
    const int moved = ::fcntl(end.get(), F_DUPFD_CLOEXEC, 3);
    if (moved < 0) {
      const int number = errno;
      return SystemError{"open a pipe for", number, program};
    }
    end = FileDescriptor(moved);
  }
  Pipe pipe{std::move(owned[child_reads ? 1 : 0]), std::move(owned[child_reads ? 0 : 1])};
  // On our end only: the child's is another open file, and programs expect a blocking one.
  if (::fcntl(pipe.ours.get(), F_SETFL, O_NONBLOCK) != 0) {
    const int number = errno;
    return SystemError{"open a pipe for", number, program};
  }
  return pipe;
}

// Blocks the signals while parent and child share memory: a handler that ran in the child would
// work on the parent's data. Not SIGCHLD, for which there is no handler: where the thread that has
// started a child blocks it, the kernel does not drop it, but wakes whoever might take it.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigdelset(&all, SIGCHLD);
    ::pthread_sigmask(SIG_SETMASK, &all, &saved_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &saved_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t saved_;
};

struct Started {
  ChildGuard::Place* place = nullptr;
  pid_t pid = -1;
  int pidfd = -1;
  int error_number = 0;  // of clone
};

// clone(2) by its other name in the C library: ThreadSanitizer takes hold of the usual one, treats
// the child as a fork and gives up over the memory that it shares with us.
extern "C" int clone_unwatched(int (*main)(void*), void* stack_top, int flags, void* argument,
                               ...) __asm__("__clone");

// The bare call: the C library has no function for it. The child leaves by exit_group and never
// returns into this frame, of which it has only the registers.
long clone3_call(clone_args* args, Launch* launch) {
#if defined(__x86_64__)
  long result = SYS_clone3;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %[launch], %%rdi\n\t"
      "call *%[entry]\n\t"
      "ud2\n"
      "1:"
      : "+a"(result)
      : "D"(args), "S"(sizeof *args), [launch] "b"(launch), [entry] "d"(&run_launch)
      : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long number asm("x8") = SYS_clone3;
  register long result asm("x0") = reinterpret_cast<long>(args);
  register long size asm("x1") = sizeof *args;
  register Launch* shared asm("x2") = launch;
  register int (*entry)(void*) asm("x3") = &run_launch;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x0, x2\n\t"
      "blr x3\n\t"
      "brk #0\n"
      "1:"
      : "+r"(result)
      : "r"(number), "r"(size), "r"(shared), "r"(entry)
      : "memory");
  return result;
#else
  static_cast<void>(args);
  static_cast<void>(launch);
  return -ENOSYS;
#endif
}

// Whether the thread that starts a child waits until it has called execve.
enum class Until : std::uint8_t { kExec, kStarted };

// False once clone3 has proved missing: Linux before 5.5, or a filter that does not know it.
// relaxed: whoever has not heard of it finds out for itself.
constinit std::atomic<bool> has_clone3{true};

Started start_by_clone3(LaunchParts* parts, ChildGuard::Place* place, Until until) {
  Started started;
  Launch* const launch = &parts->launch;
  clone_args args = {};
  args.flags = CLONE_VM | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  if (until == Until::kExec) args.flags |= CLONE_VFORK;
  static_assert(sizeof(ChildGuard::Place) == sizeof(pid_t));
  if (place != nullptr) {
    args.flags |= CLONE_PARENT_SETTID;
    args.parent_tid = reinterpret_cast<std::uintptr_t>(place);
  }
  args.pidfd = reinterpret_cast<std::uintptr_t>(&started.pidfd);
  args.exit_signal = SIGCHLD;
  args.stack = reinterpret_cast<std::uintptr_t>(parts->stack.data());
  args.stack_size = LaunchParts::kStackBytes;
  launch->handlers = Handlers::kCleared;
  const long pid = clone3_call(&args, launch);
  if (pid >= 0) {
    started.pid = static_cast<pid_t>(pid);
    // The child does the same, and one of the two is first: whoever signals the group finds it.
    if (until == Until::kStarted) static_cast<void>(::setpgid(started.pid, started.pid));
  } else {
    started.error_number = static_cast<int>(-pid);
  }
  return started;
}

// The older call has no room for the number's place beside the pidfd: the kernel writes the number
// on the child's side, before anything of the child runs.
Started start_by_clone(LaunchParts* parts, ChildGuard::Place* place) {
  Started started;
  parts->launch.handlers = Handlers::kOurs;
  // The stack grows down, and the ABI wants its top aligned to 16 bytes.
  constexpr int kFlags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
  const int flags = kFlags | (place != nullptr ? CLONE_CHILD_SETTID : 0);
  void* const no_tls = nullptr;
  started.pid = clone_unwatched(run_launch, parts->stack.data() + LaunchParts::kStackBytes, flags,
                                &parts->launch, &started.pidfd, no_tls, place);
  if (started.pid < 0) started.error_number = errno;
  return started;
}

Started clone_from_here(LaunchParts* parts, ChildGuard::Place* place, Until until) {
  const StartUnderWay under_way;
  const SignalsBlocked blocked;
  if (has_clone3.load(std::memory_order_relaxed)) {
    const Started started = start_by_clone3(parts, place, until);
    // EINVAL: a kernel that does not know CLONE_CLEAR_SIGHAND. EPERM: a filter.
    const int number = started.error_number;
    if (number != ENOSYS && number != EINVAL && number != EPERM) return started;
    has_clone3.store(false, std::memory_order_relaxed);
  }
  return start_by_clone(parts, place);
}

Started clone_child(LaunchParts* parts, Until until) {
  parts->launch.failed_step = Step::kNone;
  ChildGuard::Place* place = ChildGuard::take_place();
  Started started = clone_from_here(parts, place, until);
  if (started.error_number == EAGAIN) {
    reap_orphans();  // they may hold the numbers of processes that are wanting
    started = clone_from_here(parts, place, until);
  }
  if (started.pid < 0) ChildGuard::give_back(std::exchange(place, nullptr));
  started.place = place;
  return started;
}

SystemError launch_error(const Launch& launch, const Command& command) {
  const int number = launch.error_number;
  switch (launch.failed_step) {
    case Step::kCwd:
      return {"enter directory", number, command.cwd};
    case Step::kExec:
      // The file itself is there: find_program() or a look at it says so.
      if (number == ENOENT && command.cwd.empty() && ::access(launch.file, F_OK) == 0) {
        return {"find the interpreter of", number, command.argv.front()};
      }
      return {"run", number, command.argv.front()};
    case Step::kNone:
    case Step::kStream:
      break;
  }
  return {"connect the streams of", number, command.argv.front()};
}

// A program that was just written may still be open for writing in a child that another thread
// starts, until that has called execve: some microseconds, unless it has lost its core.
constexpr std::chrono::milliseconds kFirstBusyPause{1};
constexpr std::chrono::milliseconds kMostBusyPause{512};  // half a second in all

bool is_busy(const Launch& launch) {
  return launch.failed_step == Step::kExec && launch.error_number == ETXTBSY;
}

// Clones; with kExec, a child that could not run its program is gone when this returns.
Expected<Child, SystemError> launch_child(LaunchParts* parts, const Command& command, Until until) {
  const Started started = clone_child(parts, until);
  if (started.pid < 0) {
    return SystemError{"start", started.error_number, command.argv.front()};
  }
  Child child;
  child.pid = started.pid;
  child.pidfd = FileDescriptor(started.pidfd);
  child.guarded = started.place;
  if (until == Until::kStarted || parts->launch.failed_step == Step::kNone) return child;
  ChildGuard::let_go(started.place);
  const SystemError error = launch_error(parts->launch, command);
  while (::waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  ChildGuard::give_back(started.place);
  return error;
}

void point_to(std::span<const std::string> texts, std::vector<char*>* pointers) {
  pointers->clear();
  // execve takes char* and changes nothing.
  for (const std::string& text : texts) pointers->push_back(const_cast<char*>(text.c_str()));
  pointers->push_back(nullptr);
}

// One for all children; above 2. Negative: each has to open its own.
int shared_null() {
  static const int fd = [] {
    FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (null.is_open() && null.get() <= 2) {
      null = FileDescriptor(::fcntl(null.get(), F_DUPFD_CLOEXEC, 3));
    }
    return null.release();
  }();
  return fd;
}

int stream_fd(StreamMode mode, const FileDescriptor& pipe_end, int file) {
  if (mode == StreamMode::kPipe) return pipe_end.get();
  if (mode == StreamMode::kFile) return file;
  if (mode == StreamMode::kInherit) return kStreamInherit;
  const int null = shared_null();
  return null >= 0 ? null : kStreamNull;
}

// The value of a variable; nullptr if it is not set.
const char* find_variable(std::string_view name, char* const* envp) {
  for (; envp != nullptr && *envp != nullptr; ++envp) {
    const std::string_view entry = *envp;
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
      return *envp + name.size() + 1;
    }
  }
  return nullptr;
}

bool is_executable_file(const std::string& path, int* error_number) {
  struct stat seen = {};
  if (::stat(path.c_str(), &seen) != 0 || !S_ISREG(seen.st_mode)) return false;
  if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0) return true;
  *error_number = EACCES;
  return false;
}

}  // namespace

EnvironmentBlock::EnvironmentBlock(std::span<const std::pair<std::string, std::string>> additions) {
  std::unordered_map<std::string_view, const std::string*> added;
  for (const auto& [name, value] : additions) added[name] = &value;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!added.contains(text.substr(0, text.find('=')))) texts_.append(text).push_back('\0');
  }
  for (const auto& [name, value] : additions) {
    if (added[name] == &value) texts_.append(name).append("=").append(value).push_back('\0');
  }
  for (std::size_t at = 0; at < texts_.size(); at = texts_.find('\0', at) + 1) {
    pointers_.push_back(texts_.data() + at);
  }
  pointers_.push_back(nullptr);
}

const char* EnvironmentBlock::get(std::string_view name) const {
  return find_variable(name, envp());
}

Expected<std::string, SystemError> find_program(const std::string& program, const char* path) {
  if (program.find('/') != std::string_view::npos) return program;
  int number = ENOENT;
  std::string_view rest = path != nullptr ? std::string_view(path) : kDefaultPath;
  while (!program.empty()) {
    const std::string_view directory = rest.substr(0, rest.find(':'));
    // An empty entry is the current directory.
    std::string candidate = directory.empty() ? "./" : std::string(directory) + "/";
    candidate += program;
    if (is_executable_file(candidate, &number)) return candidate;
    if (directory.size() == rest.size()) break;
    rest.remove_prefix(directory.size() + 1);
  }
  return SystemError{"run", number, program};
}

namespace {

// What the child is to be, and our ends of its pipes.
Expected<std::array<Pipe, 3>, SystemError> prepare(const Command& command, LaunchParts* parts) {
  const std::string& program = command.argv.at(0);
  for (const std::string& argument : command.argv) {
    // execve would see only what stands before it.
    if (argument.find('\0') != std::string_view::npos) {
      return SystemError{"pass a NUL byte in an argument of", EINVAL, program};
    }
  }
  char* const* envp = command.environment ? command.environment->envp() : environ;
  if (command.file.empty()) {
    auto file = find_program(program, find_variable("PATH", envp));
    if (!file) return file.error();
    parts->file = std::move(file).value();
  } else {
    parts->file = command.file;
  }
  reap_orphans_at_times();

  const std::array<StreamMode, 3> modes = {command.stdin_mode, command.stdout_mode,
                                           command.stderr_mode};
  std::array<Pipe, 3> pipes;
  Launch& launch = parts->launch;
  launch = {};
  for (std::size_t i = 0; i < modes.size(); ++i) {
    const bool merged = i == 2 && command.merge_stderr;
    if (modes[i] == StreamMode::kPipe && !merged) {
      Expected<Pipe, SystemError> pipe = open_pipe(i == 0, program);
      if (!pipe) return pipe.error();
      pipes[i] = std::move(*pipe);
    }
    launch.stream_fds[i] =
        merged ? kStreamLikeStdout : stream_fd(modes[i], pipes[i].childs, command.files[i]);
  }
  point_to(command.argv, &parts->argv);
  launch.file = parts->file.c_str();
  launch.argv = parts->argv.data();
  launch.envp = envp;
  launch.soft_files = soft_limit_for_children();
  launch.cwd = command.cwd.empty() ? nullptr : command.cwd.c_str();
  parts->inherited = command.inherited;
  parts->inherited.push_back(-1);
  launch.inherited = parts->inherited.data();
  launch.nice = command.nice;
  return pipes;
}

void give_pipes(std::array<Pipe, 3>& pipes, Child* child) {
  child->stdin_pipe = std::move(pipes[0].ours);
  child->stdout_pipe = std::move(pipes[1].ours);
  child->stderr_pipe = std::move(pipes[2].ours);
}

}  // namespace

LaunchRoom::LaunchRoom() : parts_(std::make_unique_for_overwrite<LaunchParts>()) {}
LaunchRoom::~LaunchRoom() = default;

bool LaunchRoom::has_failed() const { return parts_->launch.failed_step != Step::kNone; }

Expected<Child, SystemError> start_child(const Command& command) {
  const auto room = std::make_unique_for_overwrite<LaunchParts>();
  LaunchParts& parts = *room;
  auto pipes = prepare(command, &parts);
  if (!pipes) return pipes.error();
  Launch& launch = parts.launch;
  Expected<Child, SystemError> child = launch_child(&parts, command, Until::kExec);
  for (auto pause = kFirstBusyPause; !child && is_busy(launch) && pause < kMostBusyPause;
       pause *= 2) {
    std::this_thread::sleep_for(pause);
    child = launch_child(&parts, command, Until::kExec);
  }
  std::vector<std::string> script;
  if (!child && launch.failed_step == Step::kExec && launch.error_number == ENOEXEC) {
    script = {"/bin/sh", parts.file};
    script.insert(script.end(), command.argv.begin() + 1, command.argv.end());
    point_to(script, &parts.argv);
    launch.file = "/bin/sh";
    launch.argv = parts.argv.data();
    child = launch_child(&parts, command, Until::kExec);
  }
  if (!child) return child.error();
  give_pipes(*pipes, &*child);
  return child;
}

Expected<Child, SystemError> start_child(const Command& command, LaunchRoom& room) {
  auto pipes = prepare(command, room.parts_.get());
  if (!pipes) return pipes.error();
  Expected<Child, SystemError> child = launch_child(room.parts_.get(), command, Until::kStarted);
  if (!child) return child.error();
  give_pipes(*pipes, &*child);
  return child;
}

}  // namespace gorun::jobs
