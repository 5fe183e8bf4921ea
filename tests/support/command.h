// tests/support/command.h - a program as a black box: start it, feed it, signal it, see how it
// ends.
//
// Both of its output streams are read to the end by whoever waits, so that it never blocks on a
// full pipe. A command that is still running when its object goes is killed, with its process
// group.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gorun::test {

/// How a command ended.
struct CommandResult {
  int status = -1;  // exit status, or 128 + n for signal n, as a shell has it
  bool was_signalled = false;
  std::string out;
  std::string err;
  rusage usage{};     // of the command and the children that it waited for
  double wall_s = 0;  // from start() to its end

  [[nodiscard]] double cpu_s() const;
  [[nodiscard]] long peak_kib() const { return usage.ru_maxrss; }
};

struct CommandOptions {
  std::string input = {};                                     // its standard input
  std::string directory = {};                                 // empty: the test's own
  std::vector<std::pair<std::string, std::string>> env = {};  // added to the test's environment
  bool closes_stdout = false;                                 // starts with descriptor 1 closed
  std::string stdout_path = {};                               // a file instead of a pipe
  unsigned user = 0;                                          // not 0: becomes this user first
  // Not 0: starting a command fails with this errno, and starting a thread does not. Where the
  // kernel has no filters (can_refuse_starts()), it exits with 127.
  int start_error = 0;
};

/// True if CommandOptions::start_error works here.
[[nodiscard]] bool can_refuse_starts();

/// A running command. argv[0] is looked up in PATH.
class Command {
 public:
  explicit Command(const std::vector<std::string>& argv, CommandOptions options = {});
  ~Command();
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;

  /// Reads until the standard error read so far contains `text`; false if the command closed it
  /// before.
  [[nodiscard]] bool wait_for_err(std::string_view text);

  /// Closes the pipe that its standard output goes to.
  void close_out();

  /// Reads both outputs to their ends and reaps the command.
  CommandResult finish();

 private:
  bool pump();  // reads or writes what is ready; false when both outputs have ended

  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::string input_;
  CommandResult result_;
  double started_s_ = 0;
};

/// Waits until the process `pid`, which need not be a child, has ended (it may still be a zombie
/// that somebody else has to reap). False if it still runs after half a minute.
[[nodiscard]] bool wait_until_ended(pid_t pid);

/// start and finish.
CommandResult run_command(const std::vector<std::string>& argv, CommandOptions options = {});

/// The built gorun with these arguments.
CommandResult run_gorun(std::vector<std::string> arguments, CommandOptions options = {});

/// argv of the built gorun.
std::vector<std::string> gorun_argv(std::vector<std::string> arguments);

}  // namespace gorun::test
