// jobs/child_pump.h - a running child until its end: its input fed, its output drained, its exit
// awaited, and its end enforced if need be.
//
// next() blocks until there is output or the child has ended for good, and returns it; between two
// calls nothing is read, so a caller that is slow holds the child back (64 KiB wait in each pipe)
// and memory stays bounded. A caller on a goroutine makes each call inside a blocking section and
// passes the bytes on outside of it.
//
// Ends
//   E1  The child exits and its pipes are at their end: the usual one.
//   E2  The child exits, but a process that it started keeps a pipe open: after pipe_grace the
//       pipe is closed once all is read that lies in it by then, and the result says so. What that
//       process writes later gives it SIGPIPE.
//   E3  A stop descriptor becomes readable, or the timeout passes: SIGTERM (and SIGCONT, for a
//       stopped process takes no other) to the group, after kill_after SIGKILL to the group. Both
//       times run while somebody is in next(): a child that is held back cannot help it.
//   E4  The child exits, no pipe tells whether others still write to the files that it had, and
//       awaits_group is set: pipe_grace is given to the rest of its group, and to those that have
//       left it and keep one of heard_files, and the result says if somebody is left then.
//   E5  Nothing is heard of the child for as long as `heartbeat`: as at a timeout.
//   E6  The child is another user's by the time that it is to be killed, as sudo is: next() says
//       so, once, and it is waited for until a stop. Whoever is stopped waits for it no longer: it
//       is left to itself, and reaped with the orphans.
//   E7  Its reader condemns it for what it has said: as at a timeout. What it still says can be
//   read. The child is waited for last, so that its group's number cannot be given to another in
//   between.
//
// A child that closes its stdin early gets no more of it; that is no error, as for `yes | head`.
// A child that is stopped (by itself, by SIGTTIN because it reads from the terminal, by a user)
// would be waited for in silence: the kernel tells of a stop nowhere that poll(2) looks, so next()
// looks once a second, and says so once, if it is stopped two times in a row. SIGPIPE must be
// ignored in this process.
#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/expected.h"
#include "jobs/run_clock.h"
#include "jobs/subprocess.h"
#include "jobs/system_error.h"
#include "jobs/text/byte_buffer.h"

namespace gorun::jobs {

struct PumpOptions {
  std::string_view input = {};  // for the child's stdin; outlives the pump; then the pipe is closed
  int stop_fd = -1;             // readable: end the child (E3); not owned; -1: none
  int other_stop_fd = -1;       // likewise
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;  // of the time in next()
  std::chrono::milliseconds kill_after{5000};
  std::chrono::milliseconds pipe_grace{1000};
  bool awaits_group =
      false;  // its output goes to files: a group that lives on may still write (E4)
  std::optional<std::chrono::milliseconds> heartbeat = std::nullopt;
  /// Descriptors of files that the child writes to (E4, E5), not owned; -1: none.
  std::array<int, 2> heard_files = {-1, -1};
  /// Called by next() several times a second while the child runs, for whoever tends these files.
  std::function<void()> tend = {};
};

enum class EndedBy : std::uint8_t {
  kItself,
  kStop,  // a stop descriptor
  kTimeout,
  kSilence,  // of the heartbeat
  kReader,   // condemn()
};

/// The exit_code of a child of which nobody knows how it ended: it was gone when it was waited for.
inline constexpr int kUnknownExit = -1;

/// How a child ended. Times are of the child and of those of its children that it waited for.
struct ChildResult {
  int exit_code = 0;  // meaningful if signal is 0; kUnknownExit is no success
  int signal = 0;     // that killed it; 0: it exited
  EndedBy ended_by = EndedBy::kItself;
  bool was_killed = false;      // SIGTERM was not enough
  bool pipe_left_open = false;  // E2; of E4, that somebody lives on; E6, the child itself
  std::chrono::microseconds user{0};
  std::chrono::microseconds system{0};
  std::int64_t max_rss_bytes = 0;

  /// "exit 3", "killed by SIGSEGV (Segmentation fault)", ...
  [[nodiscard]] std::string message() const;
};

enum class ChildStream : std::uint8_t { kStdout, kStderr };

/// What next() returns: some output; that the child has been stopped, or may not be killed; or,
/// with none of these, the end.
struct ChildOutput {
  ChildStream stream = ChildStream::kStdout;
  std::string_view bytes = {};
  int stopped_by = 0;            // a signal
  bool is_out_of_reach = false;  // E6

  /// The child has ended; result() tells how.
  [[nodiscard]] bool is_end() const { return bytes.empty() && stopped_by == 0 && !is_out_of_reach; }
};

/// threads  one at a time; any of them may call next() and end(). Destroying a pump whose child has
///          not ended kills its group with SIGKILL and waits for it.
class ChildPump {
 public:
  ChildPump(Child child, const PumpOptions& options);
  ~ChildPump();
  ChildPump(const ChildPump&) = delete;
  ChildPump& operator=(const ChildPump&) = delete;

  /// Blocks until there is something to say (ChildOutput). The bytes are good until the next call.
  /// After the end, says the end again.
  [[nodiscard]] ChildOutput next();

  /// Reads no more from that stream of the child: if it says more there, that gives it SIGPIPE, as
  /// if it wrote to our reader itself.
  void hang_up(ChildStream stream);

  /// Tells the child to end for what it has said (E7); next() goes on until it has. Nothing if it
  /// has ended, or been told to, before.
  void condemn();

  /// Ends the child as a stop descriptor does (E3), and throws away what it still says; returns
  /// when next() would say the end. What has ended by itself has.
  void end();

  /// How the child ended; only after next() said so.
  [[nodiscard]] const ChildResult& result() const { return result_; }

  /// The child's number, while it has not ended.
  [[nodiscard]] pid_t pid() const { return child_.pid; }

 private:
  using Clock = RunClock;
  enum class Stage : std::uint8_t { kRunning, kTerminating, kKilling };

  [[nodiscard]] std::optional<Clock::time_point> next_deadline() const;
  ChildOutput await_output();
  void give_back_time_away();
  void look_again();
  void listen(Clock::time_point now);
  [[nodiscard]] std::uint64_t heard_bytes() const;
  [[nodiscard]] int look_for_stop();
  void wait_for_events();
  void check_clock();
  void begin_termination(EndedBy reason);
  void signal_group(int signal) const;
  [[nodiscard]] bool is_anothers() const;
  void give_up();
  void feed();
  void note_exit();
  std::string_view read_from(FileDescriptor& pipe, std::optional<std::size_t>& rest);
  void leave(FileDescriptor& pipe, std::optional<std::size_t>* rest);
  [[nodiscard]] bool is_over() const;
  void reap();
  [[nodiscard]] bool has_left_anybody(pid_t group) const;
  void await_those_left(pid_t group);

  Child child_;
  PumpOptions options_;
  const int stop_fd_;  // of the options, whose own is watched
  ByteBuffer buffer_;
  std::array<struct pollfd, 6> events_{};
  Stage stage_ = Stage::kRunning;
  bool exited_ = false;                           // but not yet waited for
  bool reaped_ = false;                           // or given up
  bool is_out_of_reach_ = false;                  // E6
  ChildStream last_read_ = ChildStream::kStderr;  // so that neither stream starves the other
  std::optional<Clock::time_point> timeout_at_;
  std::optional<Clock::time_point> kill_at_;
  std::optional<Clock::time_point> close_pipes_at_;
  std::optional<std::size_t> out_rest_;  // bytes to read before the pipe is closed (E2)
  std::optional<std::size_t> err_rest_;
  Clock::time_point left_at_;                   // next() returned, or the pump was made
  Clock::time_point heard_at_;                  // the last time that something was
  std::uint64_t heard_bytes_ = 0;               // then in heard_files
  std::optional<Clock::time_point> listen_at_;  // look at them, and at heard_at_
  std::optional<Clock::time_point> look_at_;    // is it stopped?
  std::optional<Clock::time_point> tend_at_;    // what it writes to
  int stop_seen_ = 0;                           // by this signal, at the last look
  bool is_stop_told_ = false;
  ChildResult result_;
};

/// What a child wrote, up to a limit; the rest is read and counted, so that the child never blocks.
struct FinishedChild {
  ChildResult result;
  std::string out;
  std::string err;
  std::uint64_t out_bytes = 0;  // all that was written
  std::uint64_t err_bytes = 0;
};

/// Runs a command to its end, keeping at most `max_output` bytes of each stream.
/// errors   those of start_child().
/// threads  any; blocks until the end.
[[nodiscard]] Expected<FinishedChild, SystemError> run_child(const Command& command,
                                                             const PumpOptions& options,
                                                             std::size_t max_output);

}  // namespace gorun::jobs
