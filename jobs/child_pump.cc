#include "jobs/child_pump.h"

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "jobs/exec/orphans.h"

namespace gorun::jobs {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// What a pipe holds: one read empties it.
constexpr std::size_t kReadBytes = std::size_t{64} * 1024;

// How often a look is taken at whether the child is stopped.
constexpr std::chrono::seconds kLookForStop{1};
// How often files are tended: what a child can write meanwhile is what they take at most beside
// what is kept of them.
constexpr milliseconds kTendEvery{50};
// Files are looked at so often within the time of a heartbeat, which ends that much late at most.
constexpr int kLooksABeat = 4;

// Places in events_.
enum Slot : std::size_t { kOut, kErr, kIn, kExit, kStopFd, kOtherStopFd };

microseconds to_microseconds(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + microseconds(time.tv_usec);
}

}  // namespace

std::string ChildResult::message() const {
  std::string text;
  if (ended_by == EndedBy::kTimeout) text = "timed out: ";
  if (ended_by == EndedBy::kSilence) text = "silent for too long: ";
  if (ended_by == EndedBy::kStop) text = "stopped: ";
  if (ended_by == EndedBy::kReader) text = "ended for what it said: ";
  if (signal == 0 && exit_code == kUnknownExit) return text + "nobody knows how it ended";
  if (signal == 0) return text + "exit " + std::to_string(exit_code);
  const char* abbreviation = sigabbrev_np(signal);
  const char* description = sigdescr_np(signal);
  if (abbreviation == nullptr || description == nullptr) {
    return text + "killed by signal " + std::to_string(signal);
  }
  return text + "killed by SIG" + abbreviation + " (" + description + ")";
}

ChildPump::ChildPump(Child child, const PumpOptions& options)
    : child_(std::move(child)), options_(options), stop_fd_(options.stop_fd) {
  if (options_.timeout) timeout_at_ = Clock::now() + *options_.timeout;
  if (options_.input.empty()) child_.stdin_pipe.close();
  const Clock::time_point now = Clock::now();
  look_at_ = now + kLookForStop;
  if (options_.tend) tend_at_ = now + kTendEvery;
  heard_at_ = now;
  left_at_ = now;
  if (options_.heartbeat) {
    heard_bytes_ = heard_bytes();
    listen_at_ = now + *options_.heartbeat / kLooksABeat;
  }
}

std::uint64_t ChildPump::heard_bytes() const {
  std::uint64_t bytes = 0;
  for (const int file : options_.heard_files) {
    struct stat seen = {};
    if (file >= 0 && ::fstat(file, &seen) == 0) bytes += static_cast<std::uint64_t>(seen.st_size);
  }
  return bytes;
}

// By sizes and not by times: a clock that is set would end a healthy child.
void ChildPump::listen(Clock::time_point now) {
  const std::uint64_t bytes = heard_bytes();
  if (bytes != heard_bytes_) heard_at_ = now;
  heard_bytes_ = bytes;
  listen_at_ = std::min(now + *options_.heartbeat / kLooksABeat, heard_at_ + *options_.heartbeat);
  if (now >= heard_at_ + *options_.heartbeat) begin_termination(EndedBy::kSilence);
}

// The signal by which the child has been stopped since the look before; 0: it is not, or that has
// been told.
int ChildPump::look_for_stop() {
  look_at_ = Clock::now() + kLookForStop;
  reap_orphans_at_times();  // a command that runs for hours may leave many
  siginfo_t found{};
  // WNOWAIT: a look changes nothing. A stop that has been taken back is not found.
  const bool is_stopped =
      ::waitid(P_PID, static_cast<id_t>(child_.pid), &found, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
      found.si_pid != 0;
  const int signal = is_stopped ? found.si_status : 0;
  const bool has_lasted = signal != 0 && stop_seen_ == signal;
  stop_seen_ = signal;
  if (signal == 0) is_stop_told_ = false;
  if (!has_lasted || is_stop_told_) return 0;
  is_stop_told_ = true;
  return signal;
}

ChildPump::~ChildPump() {
  if (reaped_) return;
  signal_group(SIGKILL);
  if (!exited_ && is_anothers()) {
    give_up();
  } else {
    reap();
  }
}

// The group exists as long as its first member has not been waited for, so the number is ours.
void ChildPump::signal_group(int signal) const { static_cast<void>(::kill(-child_.pid, signal)); }

bool ChildPump::is_anothers() const { return ::kill(child_.pid, 0) != 0 && errno == EPERM; }

// From here on it is an orphan like any other (exec/orphans.h).
void ChildPump::give_up() {
  ChildGuard::give_back(child_.guarded);
  child_ = {};
  reaped_ = true;
  is_out_of_reach_ = false;
  result_.exit_code = kUnknownExit;
  result_.pipe_left_open = true;
}

void ChildPump::begin_termination(EndedBy reason) {
  if (is_out_of_reach_) return give_up();
  timeout_at_.reset();
  listen_at_.reset();
  look_at_.reset();
  options_.stop_fd = options_.other_stop_fd = -1;  // they stay readable: poll would not sleep
  if (exited_) {
    // Only those are left that keep its pipes open.
    signal_group(SIGKILL);
    close_pipes_at_ = Clock::now();
  }
  if (stage_ != Stage::kRunning || exited_) return;
  stage_ = Stage::kTerminating;
  result_.ended_by = reason;
  child_.stdin_pipe.close();
  kill_at_ = Clock::now() + options_.kill_after;
  signal_group(SIGTERM);
  signal_group(SIGCONT);
}

// What was busy with the output may have waited for its readers, and the child for it.
void ChildPump::give_back_time_away() {
  const Clock::time_point now = Clock::now();
  for (auto* deadline : {&timeout_at_, &kill_at_}) {
    if (*deadline) **deadline += now - left_at_;
  }
  heard_at_ = now;  // nobody listened
  left_at_ = now;
}

// This thread may have lost its core since it looked. What is news now was not known when it asked
// for the time.
void ChildPump::look_again() {
  std::array<pollfd, 3> look = {{{child_.stdout_pipe.get(), POLLIN, 0},
                                 {child_.stderr_pipe.get(), POLLIN, 0},
                                 {exited_ ? -1 : child_.pidfd.get(), POLLIN, 0}}};
  if (::poll(look.data(), look.size(), 0) <= 0) return;
  if (look[0].revents != 0 || look[1].revents != 0) heard_at_ = Clock::now();
  if (look[2].revents != 0) note_exit();
}

// What has happened by now wins over a deadline that has passed.
void ChildPump::check_clock() {
  const Clock::time_point now = Clock::now();
  if (const auto first = next_deadline(); !first || now < *first) return;
  look_again();
  if (timeout_at_ && now >= *timeout_at_) begin_termination(EndedBy::kTimeout);
  if (listen_at_ && now >= *listen_at_) listen(now);
  if (kill_at_ && now >= *kill_at_) {
    kill_at_.reset();
    stage_ = Stage::kKilling;
    signal_group(SIGKILL);
    is_out_of_reach_ = is_anothers();
    result_.was_killed = !is_out_of_reach_;
    if (is_out_of_reach_ && result_.ended_by == EndedBy::kStop) return give_up();
    if (is_out_of_reach_) options_.stop_fd = stop_fd_;
  }
  if (close_pipes_at_ && now >= *close_pipes_at_) {
    close_pipes_at_.reset();
    leave(child_.stdout_pipe, &out_rest_);
    leave(child_.stderr_pipe, &err_rest_);
  }
}

// The grace is over. What lies in the pipe was written in time, and the caller may have been slow
// to take it: only what comes from now on is lost.
void ChildPump::leave(FileDescriptor& pipe, std::optional<std::size_t>* rest) {
  if (!pipe.is_open()) return;
  pollfd look = {pipe.get(), POLLIN, 0};
  if (::poll(&look, 1, 0) > 0 && (look.revents & POLLHUP) != 0) return;  // nobody keeps it open
  result_.pipe_left_open = true;
  int bytes = 0;
  if (::ioctl(pipe.get(), FIONREAD, &bytes) == 0 && bytes > 0) {
    *rest = static_cast<std::size_t>(bytes);
  } else {
    pipe.close();
  }
}

std::optional<ChildPump::Clock::time_point> ChildPump::next_deadline() const {
  std::optional<Clock::time_point> first;
  for (const auto& deadline :
       {timeout_at_, kill_at_, close_pipes_at_, listen_at_, look_at_, tend_at_}) {
    if (deadline && (!first || *deadline < *first)) first = deadline;
  }
  return first;
}

void ChildPump::wait_for_events() {
  // poll passes over negative descriptors.
  events_[kOut] = {child_.stdout_pipe.get(), POLLIN, 0};
  events_[kErr] = {child_.stderr_pipe.get(), POLLIN, 0};
  events_[kIn] = {child_.stdin_pipe.get(), POLLOUT, 0};
  events_[kExit] = {exited_ ? -1 : child_.pidfd.get(), POLLIN, 0};
  events_[kStopFd] = {options_.stop_fd, POLLIN, 0};
  events_[kOtherStopFd] = {options_.other_stop_fd, POLLIN, 0};
  timespec wait = {};
  const auto deadline = next_deadline();
  if (deadline) {
    const nanoseconds left = std::max(nanoseconds(0), nanoseconds(*deadline - Clock::now()));
    wait.tv_sec = static_cast<time_t>(left.count() / 1'000'000'000);
    wait.tv_nsec = static_cast<long>(left.count() % 1'000'000'000);
  }
  if (::ppoll(events_.data(), events_.size(), deadline ? &wait : nullptr, nullptr) < 0) {
    // Interrupted, or out of memory for a moment: nothing is known, so nothing is done.
    for (pollfd& event : events_) event.revents = 0;
  }
}

void ChildPump::feed() {
  while (!options_.input.empty()) {
    const ssize_t wrote =
        ::write(child_.stdin_pipe.get(), options_.input.data(), options_.input.size());
    if (wrote < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return;
      break;  // EPIPE: the child wants no more
    }
    options_.input.remove_prefix(static_cast<std::size_t>(wrote));
  }
  child_.stdin_pipe.close();
}

// One reading. A pipe at its end is closed, and one whose rest is read; no bytes also when there
// are none yet.
std::string_view ChildPump::read_from(FileDescriptor& pipe, std::optional<std::size_t>& rest) {
  buffer_.reserve(kReadBytes);
  const std::size_t most = std::min(rest.value_or(buffer_.capacity()), buffer_.capacity());
  while (true) {
    const ssize_t got = ::read(pipe.get(), buffer_.data(), most);
    if (got > 0) {
      const auto count = static_cast<std::size_t>(got);
      if (rest && (*rest -= count) == 0) pipe.close();
      return {buffer_.data(), count};
    }
    if (got < 0 && errno == EINTR) continue;
    if (got == 0 || errno != EAGAIN) pipe.close();
    return {};
  }
}

bool ChildPump::is_over() const {
  return exited_ && !child_.stdout_pipe.is_open() && !child_.stderr_pipe.is_open();
}

void ChildPump::reap() {
  int status = 0;
  rusage usage = {};
  // A destructor comes here before the end: what it has killed needs no guard either.
  ChildGuard::let_go(child_.guarded);
  pid_t waited = -1;
  do {
    waited = ::wait4(child_.pid, &status, 0, &usage);
  } while (waited < 0 && errno == EINTR);
  ChildGuard::give_back(child_.guarded);
  reaped_ = true;
  const pid_t group = child_.pid;
  child_ = {};
  result_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  result_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  // ECHILD: the process ignores SIGCHLD, or somebody else has waited for it.
  if (waited < 0) result_.exit_code = kUnknownExit;
  result_.user = to_microseconds(usage.ru_utime);
  result_.system = to_microseconds(usage.ru_stime);
  result_.max_rss_bytes = std::int64_t{usage.ru_maxrss} * 1024;
  if (options_.awaits_group && has_left_anybody(group)) await_those_left(group);
}

// Signal 0 hits nobody, so it does no harm should the number be somebody else's by then. The group
// first: whom those leave that end in it is an orphan by then.
bool ChildPump::has_left_anybody(pid_t group) const {
  return ::kill(-group, 0) == 0 || has_orphan_that_writes_to(options_.heard_files);
}

void ChildPump::await_those_left(pid_t group) {
  const Clock::time_point end = Clock::now() + options_.pipe_grace;
  milliseconds pause{1};
  for (;;) {
    // Where this process inherits orphans (PR_SET_CHILD_SUBREAPER), it has to reap them.
    siginfo_t ended{};
    do {
      ended.si_pid = 0;
    } while (::waitid(P_PGID, static_cast<id_t>(group), &ended, WEXITED | WNOHANG) == 0 &&
             ended.si_pid != 0);
    if (!has_left_anybody(group)) return;
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    pollfd stop = {options_.stop_fd, POLLIN, 0};
    if (left.count() <= 0 ||
        ::poll(&stop, 1, static_cast<int>(std::min(left, pause).count())) > 0) {
      result_.pipe_left_open = true;
      return;
    }
    pause = std::min(2 * pause, milliseconds(50));
  }
}

void ChildPump::note_exit() {
  exited_ = true;
  is_out_of_reach_ = false;
  child_.stdin_pipe.close();
  kill_at_.reset();
  timeout_at_.reset();
  listen_at_.reset();
  look_at_.reset();
  tend_at_.reset();
  // A child that was told to end leaves nobody behind.
  if (stage_ != Stage::kRunning) signal_group(SIGKILL);
  close_pipes_at_ = Clock::now() + options_.pipe_grace;
}

ChildOutput ChildPump::next() {
  give_back_time_away();
  const ChildOutput output = await_output();
  left_at_ = Clock::now();
  return output;
}

void ChildPump::hang_up(ChildStream stream) {
  (stream == ChildStream::kStdout ? child_.stdout_pipe : child_.stderr_pipe).close();
}

void ChildPump::condemn() {
  if (reaped_ || exited_ || stage_ != Stage::kRunning) return;
  give_back_time_away();
  begin_termination(EndedBy::kReader);
}

void ChildPump::end() {
  if (reaped_) return;
  give_back_time_away();
  begin_termination(EndedBy::kStop);
  while (!next().is_end()) {
  }
}

ChildOutput ChildPump::await_output() {
  while (!reaped_) {
    if (is_over()) {
      reap();
      break;
    }
    wait_for_events();
    if (events_[kExit].revents != 0) note_exit();
    if (events_[kStopFd].revents != 0 || events_[kOtherStopFd].revents != 0) {
      begin_termination(EndedBy::kStop);
    }
    if (events_[kOut].revents != 0 || events_[kErr].revents != 0) heard_at_ = Clock::now();
    const bool was_within_reach = !is_out_of_reach_;
    check_clock();
    if (is_out_of_reach_ && was_within_reach) {
      ChildOutput refused;
      refused.is_out_of_reach = true;
      return refused;
    }
    if (tend_at_ && Clock::now() >= *tend_at_) {
      options_.tend();
      tend_at_ = Clock::now() + kTendEvery;
    }
    if (look_at_ && Clock::now() >= *look_at_) {
      if (const int signal = look_for_stop(); signal != 0) {
        ChildOutput stopped;
        stopped.stopped_by = signal;
        return stopped;
      }
    }
    if (events_[kIn].revents != 0 && child_.stdin_pipe.is_open()) feed();
    for (int turn = 0; turn < 2; ++turn) {
      const bool is_out = last_read_ == ChildStream::kStderr;
      last_read_ = is_out ? ChildStream::kStdout : ChildStream::kStderr;
      FileDescriptor& pipe = is_out ? child_.stdout_pipe : child_.stderr_pipe;
      if (events_[is_out ? kOut : kErr].revents == 0 || !pipe.is_open()) continue;
      const std::string_view bytes = read_from(pipe, is_out ? out_rest_ : err_rest_);
      if (!bytes.empty()) return {last_read_, bytes};
    }
  }
  return {};
}

Expected<FinishedChild, SystemError> run_child(const Command& command, const PumpOptions& options,
                                               std::size_t max_output) {
  Expected<Child, SystemError> child = start_child(command);
  if (!child) return child.error();
  ChildPump pump(std::move(*child), options);
  FinishedChild finished;
  while (true) {
    const ChildOutput output = pump.next();
    if (output.is_end()) break;
    const bool is_out = output.stream == ChildStream::kStdout;
    std::string& kept = is_out ? finished.out : finished.err;
    (is_out ? finished.out_bytes : finished.err_bytes) += output.bytes.size();
    kept += output.bytes.substr(0, max_output - kept.size());
  }
  finished.result = pump.result();
  return finished;
}

}  // namespace gorun::jobs
