#include "jobs/subprocess.h"

#include <fcntl.h>
#include <linux/close_range.h>
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
#include "jobs/open_files.h"

namespace gorun::jobs {

// What parent and child share until the child runs its program, and what keeps that in place.
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

namespace {

using Launch = LaunchParts::Launch;
using Step = LaunchParts::Step;
using Handlers = LaunchParts::Handlers;

constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

// The kernel's sigset_t and sigaction: the C library's are larger and its functions not for use
// in a child that shares our memory.
constexpr int kSignals = 64;
constexpr std::size_t kKernelSigsetBytes = kSignals / 8;
struct KernelSigaction {
  void* handler;
  unsigned long flags;
  void* restorer;
  std::uint64_t mask;
};

constexpr int kStreamNull = -1;
constexpr int kStreamInherit = -2;
constexpr int kStreamLikeStdout = -3;

// In the child: no C library call that locks, allocates or is watched by a sanitizer, and no errno,
// which is the parent's, for the parent may go on meanwhile: hence bare system calls, which say
// -errno.

#define GORUN_IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

template <class... Arguments>
GORUN_IN_CHILD inline __attribute__((always_inline)) long bare_syscall(long number,
                                                                       Arguments... arguments) {
  static_assert(sizeof...(arguments) <= 5);
  const std::array<long, 5> a = {(long)(arguments)...};  // NOLINT: pointers and numbers alike
#if defined(__x86_64__)
  register long fourth asm("r10") = a[3];
  register long fifth asm("r8") = a[4];
  asm volatile("syscall"
               : "+a"(number)
               : "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(fourth), "r"(fifth)
               : "rcx", "r11", "memory");
  return number;
#elif defined(__aarch64__)
  register long eighth asm("x8") = number;
  register long result asm("x0") = a[0];
  register long second asm("x1") = a[1];
  register long third asm("x2") = a[2];
  register long fourth asm("x3") = a[3];
  register long fifth asm("x4") = a[4];
  asm volatile("svc #0"
               : "+r"(result)
               : "r"(eighth), "r"(second), "r"(third), "r"(fourth), "r"(fifth)
               : "memory");
  return result;
#else
  const long result = ::syscall(number, a[0], a[1], a[2], a[3], a[4]);
  return result < 0 ? -errno : result;
#endif
}

// What the following return: 0, or -errno of what failed.

GORUN_IN_CHILD long connect_stream(int target, int fd) {
  if (fd == kStreamInherit) return 0;
  long made = 0;
  if (fd == kStreamLikeStdout) {
    made = bare_syscall(SYS_dup3, 1, target, 0);
  } else if (fd == kStreamNull) {
    const long null = bare_syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
    if (null < 0 || null == target) return null < 0 ? null : 0;
    made = bare_syscall(SYS_dup3, null, target, 0);
    bare_syscall(SYS_close, null);
  } else {
    made = bare_syscall(SYS_dup3, fd, target, 0);  // above 2, so never `target`
  }
  return made < 0 ? made : 0;
}

// Our handlers are no code of the child's, and SIGPIPE is ignored for our sake, not for its.
GORUN_IN_CHILD void reset_handlers() {
  KernelSigaction action;
  for (int signal = 1; signal <= kSignals; ++signal) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    if (bare_syscall(SYS_rt_sigaction, signal, nullptr, &action, kKernelSigsetBytes) != 0) continue;
    const bool is_default = action.handler == nullptr;
    const bool is_ignored = action.handler == reinterpret_cast<void*>(1);
    if (is_default || (is_ignored && signal != SIGPIPE)) continue;
    action = {};
    bare_syscall(SYS_rt_sigaction, signal, &action, nullptr, kKernelSigsetBytes);
  }
}

GORUN_IN_CHILD void reset_signals(Handlers handlers) {
  if (handlers == Handlers::kOurs) {
    reset_handlers();
  } else {  // what is ignored stays ignored
    const KernelSigaction action = {};
    bare_syscall(SYS_rt_sigaction, SIGPIPE, &action, nullptr, kKernelSigsetBytes);
  }
  const std::uint64_t none = 0;
  bare_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, kKernelSigsetBytes);
}

// What was sent to our group before the child had left it, as a terminal does, is meant for us: let
// in, it would end or stop the child before its program runs.
GORUN_IN_CHILD void drop_our_signals() {
  std::uint64_t ours = 0;
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGTSTP}) {
    ours |= std::uint64_t{1} << (signal - 1);
  }
  const timespec no_wait = {};
  while (bare_syscall(SYS_rt_sigtimedwait, &ours, nullptr, &no_wait, kKernelSigsetBytes) > 0) {
  }
}

// Ours was raised; programs that use select(2) rely on a low one. A failure leaves ours.
GORUN_IN_CHILD void restore_soft_limit(rlim_t soft) {
  rlimit64 limit;
  if (bare_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &limit) != 0) return;
  limit.rlim_cur = soft;
  bare_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, nullptr);
}

GORUN_IN_CHILD void run_steps(Launch* launch) {
  const auto fail = [launch](Step step, long result)
      __attribute__((always_inline, no_sanitize("address", "thread", "undefined"))) {
    launch->error_number = static_cast<int>(-result);
    launch->failed_step = step;
  };
  bare_syscall(SYS_setpgid, 0, 0);  // cannot fail for a child that has not called execve
  drop_our_signals();
  for (int target = 0; target < 3; ++target) {
    const long made = connect_stream(target, launch->stream_fds[static_cast<std::size_t>(target)]);
    if (made < 0) return fail(Step::kStream, made);
  }
  if (launch->cwd != nullptr) {
    if (const long entered = bare_syscall(SYS_chdir, launch->cwd); entered < 0) {
      return fail(Step::kCwd, entered);
    }
  }
  // Ours are close-on-exec already; this is for those that a library opened without.
  bare_syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  for (const int* fd = launch->inherited; *fd >= 0; ++fd) {
    if (const long kept = bare_syscall(SYS_fcntl, *fd, F_SETFD, 0); kept < 0) {
      return fail(Step::kStream, kept);
    }
  }
  if (launch->nice > 0) {
    // The call returns 20 less the niceness. To be nicer is never refused.
    const long before = 20 - bare_syscall(SYS_getpriority, PRIO_PROCESS, 0);
    bare_syscall(SYS_setpriority, PRIO_PROCESS, 0, before + launch->nice);
  }
  reset_signals(launch->handlers);
  if (launch->soft_files != 0) restore_soft_limit(launch->soft_files);
  fail(Step::kExec, bare_syscall(SYS_execve, launch->file, launch->argv, launch->envp));
}

GORUN_IN_CHILD int child_main(void* argument) {
  run_steps(static_cast<Launch*>(argument));
  bare_syscall(SYS_exit_group, 127);
  return 127;
}

#undef GORUN_IN_CHILD

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
      : "D"(args), "S"(sizeof *args), [launch] "b"(launch), [entry] "d"(&child_main)
      : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long number asm("x8") = SYS_clone3;
  register long result asm("x0") = reinterpret_cast<long>(args);
  register long size asm("x1") = sizeof *args;
  register Launch* shared asm("x2") = launch;
  register int (*entry)(void*) asm("x3") = &child_main;
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
  started.pid = clone_unwatched(child_main, parts->stack.data() + LaunchParts::kStackBytes, flags,
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
