// tests/support/command.cc - a program as a black box.

#include "tests/support/command.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <system_error>

namespace gorun::test {
namespace {

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

struct Pipe {
  int read_end = -1;
  int write_end = -1;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  return {ends[0], ends[1]};
}

void close_end(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

// From here on clone(2) fails with `number` where it asks for a pidfd, as only starting a command
// does; clone3, whose flags a filter cannot see, is missing, so that the C library's threads come
// by clone as well. The architecture is not looked at: the program is our own.
bool refuse_starts(int number) {
  const auto fail_with = [](int error) {
    return static_cast<unsigned>(SECCOMP_RET_ERRNO) | static_cast<unsigned>(error);
  };
  constexpr auto kNumber = offsetof(seccomp_data, nr);
  constexpr auto kFlags = offsetof(seccomp_data, args);  // the low half: both machines are little
  std::array<sock_filter, 8> program = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumber),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 4, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 2),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kFlags),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_PIDFD, 2, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, fail_with(ENOSYS)),
      BPF_STMT(BPF_RET | BPF_K, fail_with(number)),
  }};
  sock_fprog filter = {.len = static_cast<unsigned short>(program.size()),
                       .filter = program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// In the child, between fork and exec. The test process has a single thread, so that anything goes.
[[noreturn]] void become(const std::vector<std::string>& argv, const CommandOptions& options,
                         int in, int out, int err) {
  setpgid(0, 0);
  // A shell starts what it runs in the background with these ignored, and that is inherited.
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP, SIGTERM}) std::signal(signal, SIG_DFL);
  dup2(in, STDIN_FILENO);
  if (!options.stdout_path.empty()) {
    out = open(options.stdout_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  }
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  if (options.closes_stdout) close(STDOUT_FILENO);
  unsetenv("MAKEFLAGS");  // of a make that runs the tests: gorun would heed it
  for (const auto& [name, value] : options.env) setenv(name.c_str(), value.c_str(), 1);
  if (options.user != 0 &&
      (setgroups(0, nullptr) != 0 || setgid(options.user) != 0 || setuid(options.user) != 0)) {
    _exit(127);
  }
  if (!options.directory.empty() && chdir(options.directory.c_str()) != 0) _exit(127);
  if (options.start_error != 0 && !refuse_starts(options.start_error)) _exit(127);
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  _exit(127);
}

// Appends what `fd` has to `text`; closes it at its end.
void read_some(int& fd, std::string& text) {
  std::array<char, 65536> buffer;
  const ssize_t n = read(fd, buffer.data(), buffer.size());
  if (n > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  } else if (n == 0 || errno != EINTR) {
    close_end(fd);
  }
}

}  // namespace

double CommandResult::cpu_s() const { return seconds(usage.ru_utime) + seconds(usage.ru_stime); }

Command::Command(const std::vector<std::string>& argv, CommandOptions options)
    : input_(std::move(options.input)), started_s_(now_s()) {
  // Writing to a command that has ended is no reason to die.
  std::signal(SIGPIPE, SIG_IGN);
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  pid_ = fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    std::signal(SIGPIPE, SIG_DFL);
    become(argv, options, in.read_end, out.write_end, err.write_end);
  }
  setpgid(pid_, pid_);  // in both, so that it holds whoever runs first
  close_end(in.read_end);
  close_end(out.write_end);
  close_end(err.write_end);
  in_ = in.write_end;
  out_ = out.read_end;
  err_ = err.read_end;
  fcntl(in_, F_SETFL, O_NONBLOCK);
}

Command::~Command() {
  if (pid_ > 0) {
    kill(-pid_, SIGKILL);
    finish();
  }
  close_end(in_);
  close_end(out_);
  close_end(err_);
}

void Command::signal(int number) const { kill(pid_, number); }

bool Command::pump() {
  if (input_.empty()) close_end(in_);
  std::array<pollfd, 3> ready = {{{in_, POLLOUT, 0}, {out_, POLLIN, 0}, {err_, POLLIN, 0}}};
  if (out_ < 0 && err_ < 0) return false;
  if (poll(ready.data(), ready.size(), -1) < 0) return true;  // EINTR
  if (ready[0].revents != 0) {
    const ssize_t n = write(in_, input_.data(), input_.size());
    if (n > 0) input_.erase(0, static_cast<std::size_t>(n));
    if (n < 0 && errno != EAGAIN && errno != EINTR) close_end(in_);
  }
  if (ready[1].revents != 0) read_some(out_, result_.out);
  if (ready[2].revents != 0) read_some(err_, result_.err);
  return true;
}

bool Command::wait_for_err(std::string_view text) {
  while (result_.err.find(text) == std::string::npos) {
    if (err_ < 0 || !pump()) return false;
  }
  return true;
}

void Command::close_out() { close_end(out_); }

CommandResult Command::finish() {
  while (pump()) {
  }
  int status = 0;
  while (wait4(pid_, &status, 0, &result_.usage) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  result_.wall_s = now_s() - started_s_;
  result_.was_signalled = WIFSIGNALED(status);
  result_.status = result_.was_signalled ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result_;
}

bool wait_until_ended(pid_t pid) {
  constexpr int kPatience_ms = 30'000;
  int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return errno == ESRCH;
  pollfd ended{fd, POLLIN, 0};
  const bool is_gone = poll(&ended, 1, kPatience_ms) == 1;
  close_end(fd);
  return is_gone;
}

bool can_refuse_starts() { return run_command({"true"}, {.start_error = ENOMEM}).status == 0; }

CommandResult run_command(const std::vector<std::string>& argv, CommandOptions options) {
  return Command(argv, std::move(options)).finish();
}

std::vector<std::string> gorun_argv(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), GORUN_BINARY);
  return arguments;
}

CommandResult run_gorun(std::vector<std::string> arguments, CommandOptions options) {
  return run_command(gorun_argv(std::move(arguments)), std::move(options));
}

}  // namespace gorun::test
