#include "jobs/exec/jobserver.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace gorun::jobs {
namespace {

constexpr std::string_view kAuth = "--jobserver-auth=";
constexpr std::string_view kOldAuth = "--jobserver-fds=";  // before GNU make 4.2
constexpr std::string_view kFifo = "fifo:";
constexpr std::string_view kOpening = "open the jobserver";
constexpr std::string_view kMake = "make a jobserver";
// What GNU make itself writes.
constexpr char kToken = '+';
// All tokens fit into a pipe, so that writing one never waits.
constexpr int kMostJobs = 60'000;

std::vector<std::string_view> make_flags_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    words.push_back(text.substr(0, end));  // an empty one counts: the first holds single letters
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return words;
}

// Of several the last one counts. What follows "--" are variables.
std::string_view auth_of(std::string_view makeflags) {
  std::string_view auth;
  for (const std::string_view word : make_flags_of(makeflags)) {
    if (word == "--") break;
    for (const std::string_view key : {kAuth, kOldAuth}) {
      if (word.starts_with(key)) auth = word.substr(key.size());
    }
  }
  return auth;
}

// Without "-jN" a make that is no client runs one job at a time, as it should where others share
// the machine with it.
std::string without_jobserver(std::string_view makeflags) {
  std::string kept;
  bool is_first = true;
  bool is_variable = false;
  for (const std::string_view word : make_flags_of(makeflags)) {
    is_variable = is_variable || word == "--";
    const bool is_about_jobs =
        word.starts_with(kAuth) || word.starts_with(kOldAuth) || word.starts_with("-j");
    if (!is_variable && is_about_jobs) continue;
    if (!is_first) kept += ' ';
    kept += word;
    is_first = false;
  }
  return kept;
}

bool is_pipe(int fd) {
  struct stat seen = {};
  return ::fstat(fd, &seen) == 0 && S_ISFIFO(seen.st_mode);
}

FileDescriptor reopen(int fd) {
  const std::string name = "/proc/self/fd/" + std::to_string(fd);
  return FileDescriptor(::open(name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}

// Above the standard streams, which a command has of its own.
FileDescriptor above_streams(FileDescriptor fd) {
  if (fd.get() > 2 || !fd.is_open()) return fd;
  return FileDescriptor(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
}

}  // namespace

// Nothing, or why it cannot be reached.
std::string Jobserver::open_inherited(std::string_view numbers) {
  int read = -1;
  int write = -1;
  const char* end = numbers.data() + numbers.size();
  const auto first = std::from_chars(numbers.data(), end, read);
  const bool has_two = first.ec == std::errc() && first.ptr != end && *first.ptr == ',' &&
                       std::from_chars(first.ptr + 1, end, write).ec == std::errc();
  if (!has_two || !is_pipe(read) || !is_pipe(write)) {
    return "make's jobserver is not handed on to gorun: \"+\" in front of the command in the "
           "makefile does that";
  }
  reader_ = reopen(read);
  writer_ = FileDescriptor(::fcntl(write, F_DUPFD_CLOEXEC, 3));
  if (!reader_.is_open() || !writer_.is_open()) {
    return SystemError{kOpening, errno, "MAKEFLAGS"}.message();
  }
  inherited_ = {read, write};
  return "";
}

std::string Jobserver::open_named(const std::string& path) {
  reader_ = FileDescriptor(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (reader_.is_open()) return "";
  return SystemError{kOpening, errno, path}.message();
}

Jobserver::Found Jobserver::find(const char* makeflags) {
  Found found;
  const std::string_view auth = makeflags == nullptr ? "" : auth_of(makeflags);
  if (auth.empty()) return found;
  std::unique_ptr<Jobserver> jobserver(new Jobserver);
  found.warning = auth.starts_with(kFifo)
                      ? jobserver->open_named(std::string(auth.substr(kFifo.size())))
                      : jobserver->open_inherited(auth);
  if (!found.warning.empty()) return found;
  jobserver->makeflags_ = {makeflags, makeflags};
  // A name reaches every command; descriptors reach only those that are handed them.
  if (!auth.starts_with(kFifo)) jobserver->makeflags_without_ = without_jobserver(makeflags);
  found.jobserver = std::move(jobserver);
  return found;
}

std::optional<SystemError> Jobserver::make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return SystemError{kMake, errno, {}};
  read_end_ = above_streams(FileDescriptor(ends[0]));
  writer_ = above_streams(FileDescriptor(ends[1]));
  if (!read_end_.is_open() || !writer_.is_open()) return SystemError{kMake, errno, {}};
  reader_ = reopen(read_end_.get());
  if (!reader_.is_open()) return SystemError{kMake, errno, "/proc/self/fd"};
  return std::nullopt;
}

std::optional<SystemError> Jobserver::make_fifo() {
  // Nothing in gorun changes the environment. NOLINTNEXTLINE(concurrency-mt-unsafe)
  const char* given = std::getenv("TMPDIR");
  const std::string parent = given == nullptr || *given == '\0' ? "/tmp" : given;
  std::string directory = parent + "/gorun-jobserver-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return SystemError{kMake, errno, parent};
  fifo_ = directory + "/tokens";  // from here on give_all_back() removes both
  if (::mkfifo(fifo_.c_str(), 0600) != 0) return SystemError{kMake, errno, fifo_};
  reader_ = FileDescriptor(::open(fifo_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!reader_.is_open()) return SystemError{kMake, errno, fifo_};
  // There is a reader and a writer, so that neither call waits.
  read_end_ = above_streams(FileDescriptor(::open(fifo_.c_str(), O_RDONLY | O_CLOEXEC)));
  writer_ = above_streams(FileDescriptor(::open(fifo_.c_str(), O_WRONLY | O_CLOEXEC)));
  if (read_end_.is_open() && writer_.is_open()) return std::nullopt;
  return SystemError{kMake, errno, fifo_};
}

Expected<std::unique_ptr<Jobserver>, SystemError> Jobserver::make(int jobs, bool has_name,
                                                                  const char* makeflags) {
  std::unique_ptr<Jobserver> made(new Jobserver);
  made->role_ = Role::kServer;
  made->jobs_ = std::min(jobs, kMostJobs);
  const auto error = has_name ? made->make_fifo() : made->make_pipe();
  if (error) return *error;
  made->inherited_ = {made->read_end_.get(), made->writer_.get()};
  const std::string before = without_jobserver(makeflags == nullptr ? "" : makeflags);
  if (makeflags != nullptr && before != makeflags) made->makeflags_without_ = before;
  // Flags come before the variables that follow "--".
  const std::size_t variables = before.find(" -- ");
  const auto with = [&](const std::string& auth) {
    return before.substr(0, variables) + " -j" + std::to_string(made->jobs_) + " " +
           std::string(kAuth) + auth +
           (variables == std::string::npos ? "" : before.substr(variables));
  };
  made->makeflags_ = {
      with(std::to_string(made->inherited_[0]) + "," + std::to_string(made->inherited_[1])),
      with(std::string(kFifo) + made->fifo_)};
  for (int i = 1; i < made->jobs_; ++i) made->write_token(kToken);
  return made;
}

Jobserver::~Jobserver() { give_all_back(); }

// A pipe that is full or has no reader has no use for the token.
void Jobserver::write_token(char byte) {
  const int fd = writer_.is_open() ? writer_.get() : reader_.get();
  while (::write(fd, &byte, 1) < 0 && errno == EINTR) {
  }
}

Jobserver::Taken Jobserver::try_take(Token* token) {
  const std::lock_guard<std::mutex> hold(lock_);
  if (is_over_) return Taken::kNothing;
  if (is_own_free_) {
    is_own_free_ = false;
    *token = {};
    return Taken::kToken;
  }
  char byte = 0;
  ssize_t got = 0;
  do {
    got = ::read(reader_.get(), &byte, 1);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return Taken::kNothing;
  held_.push_back(byte);
  *token = {.is_own = false, .byte = byte};
  return Taken::kToken;
}

void Jobserver::give_back(const Token& token) {
  const std::lock_guard<std::mutex> hold(lock_);
  if (is_over_) return;
  if (token.is_own) {
    is_own_free_ = true;
  } else {
    held_.erase(std::ranges::find(held_, token.byte));
    write_token(token.byte);
  }
  if (role_ == Role::kServer && is_own_free_ && held_.empty()) make_whole();
}

// With lock_ held, when no command of ours runs that could have taken a token. A process that one
// has left behind may bring one more later: that one is taken out the next time.
void Jobserver::make_whole() {
  int in_pipe = 0;
  if (::ioctl(reader_.get(), FIONREAD, &in_pipe) != 0) return;
  for (; in_pipe < jobs_ - 1; ++in_pipe) write_token(kToken);
  char byte = 0;
  for (; in_pipe > jobs_ - 1 && ::read(reader_.get(), &byte, 1) == 1; --in_pipe) {
  }
}

void Jobserver::give_all_back() {
  const std::lock_guard<std::mutex> hold(lock_);
  if (std::exchange(is_over_, true)) return;
  if (role_ == Role::kClient) {
    for (const char byte : held_) write_token(byte);
  }
  held_.clear();
  if (fifo_.empty()) return;
  ::unlink(fifo_.c_str());
  ::rmdir(fifo_.substr(0, fifo_.rfind('/')).c_str());
}

}  // namespace gorun::jobs
