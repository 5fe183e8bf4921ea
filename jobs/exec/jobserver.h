// jobs/exec/jobserver.h - make's jobserver: one limit for the jobs of programs that start each
// other.
//
// N jobs are N - 1 bytes in a pipe and one slot that each process has anyway. Whoever wants to run
// a job beyond that reads a byte, and writes the same byte back when the job has ended. MAKEFLAGS
// tells where the pipe is: two inherited descriptors (--jobserver-auth=R,W) or a name
// (--jobserver-auth=fifo:PATH, which GNU make knows since 4.4 and ninja since 1.13).
//
// gorun is a client of the make that runs it, and a server to the makes that it runs; as a server
// it takes the tokens for its own commands from its own pipe, so that both are one case.
//
// Invariants (guarded by lock_)
//   I1  held_ are the bytes that were read and not written back; all are written back by the
//       destructor, or by give_all_back() in a process that leaves without one.
//   I2  A pipe that others share is read through an open file of our own (/proc/self/fd), so that
//       reading without waiting asks no one else to.
// Reference: GNU make manual, "POSIX Jobserver Interaction".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/expected.h"
#include "jobs/file_descriptor.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

class Jobserver {
 public:
  enum class Style : std::uint8_t { kPipe, kFifo };
  enum class Role : std::uint8_t { kClient, kServer };

  /// The jobserver that a MAKEFLAGS names.
  struct Found {
    std::unique_ptr<Jobserver> jobserver;  // nullptr: none, or it cannot be reached
    std::string warning;                   // why it cannot, for people; empty: nothing to say
  };
  [[nodiscard]] static Found find(const char* makeflags);

  /// A new one for `jobs` jobs at a time, at least 1.
  /// has_name   some command wants Style::kFifo: the pipe has a name in TMPDIR or /tmp.
  /// makeflags  those of this process, or nullptr.
  /// errors     "make a jobserver" (EMFILE, ...), with the place of a fifo.
  [[nodiscard]] static Expected<std::unique_ptr<Jobserver>, SystemError> make(
      int jobs, bool has_name, const char* makeflags);

  /// Gives everything back; no command of ours runs any more.
  ~Jobserver();
  Jobserver(const Jobserver&) = delete;
  Jobserver& operator=(const Jobserver&) = delete;

  /// The right to run one job.
  struct Token {
    bool is_own = true;  // the slot that this process has anyway
    char byte = 0;
  };
  enum class Taken : std::uint8_t { kToken, kNothing };
  /// Takes a token if there is one. threads: any.
  Taken try_take(Token* token);
  /// A token that is_own is for whoever asks next: the caller wakes them. With the last one a
  /// server puts back what was lost with commands that were killed. threads: any.
  void give_back(const Token& token);
  /// Gives back all that is out, removes the fifo, and has no more: before the process leaves at
  /// once. threads: any; not in a signal handler.
  void give_all_back();

  /// Readable when there may be a token in the pipe; non-blocking.
  [[nodiscard]] int wait_fd() const { return reader_.get(); }

  [[nodiscard]] Role role() const { return role_; }
  /// MAKEFLAGS of a command that is to take part, and the descriptors that it may have to inherit.
  /// A client hands on what it was handed, whatever the style.
  [[nodiscard]] const std::string& makeflags(Style style) const {
    return makeflags_[static_cast<std::size_t>(style)];
  }
  [[nodiscard]] std::span<const int> inherited() const { return inherited_; }
  /// MAKEFLAGS of one that is not, if they have to change: without a jobserver out of its reach.
  [[nodiscard]] const std::optional<std::string>& makeflags_without() const {
    return makeflags_without_;
  }

 private:
  Jobserver() = default;
  void write_token(char byte);
  void make_whole();
  [[nodiscard]] std::string open_inherited(std::string_view numbers);
  [[nodiscard]] std::string open_named(const std::string& path);
  [[nodiscard]] std::optional<SystemError> make_pipe();
  [[nodiscard]] std::optional<SystemError> make_fifo();

  Role role_ = Role::kClient;
  int jobs_ = 1;             // of a server
  FileDescriptor reader_;    // our own open file
  FileDescriptor writer_;    // of a client's fifo not open: reader_ writes as well
  FileDescriptor read_end_;  // of a server: what commands inherit beside writer_
  std::vector<int> inherited_;
  std::array<std::string, 2> makeflags_;  // by style
  std::optional<std::string> makeflags_without_;
  std::string fifo_;  // of a server with a name
  std::mutex lock_;
  bool is_own_free_ = true;
  bool is_over_ = false;
  std::vector<char> held_;
};

}  // namespace gorun::jobs
