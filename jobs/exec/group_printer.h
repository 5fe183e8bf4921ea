// jobs/exec/group_printer.h - the outputs of commands on our own streams, one whole group after the
// other.
//
// All commands of all stages take turns: what one has said to standard output and to standard error
// is never torn by what another has said. Nobody waits for anything but our streams while it is his
// turn, so what is printed is whole before.
//
// A group may be folded for GitHub, by a line before it and one behind it. Those go to standard
// error, for standard output is data: what was said there is folded, too, where both are one
// stream (2>&1), and stands in front of the fold where they are not.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/exec/output_spool.h"
#include "jobs/expected.h"
#include "jobs/out.h"
#include "jobs/output_file.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// threads  one at a time, on a goroutine; other printers may print at the same time.
class GroupPrinter {
 public:
  /// cancel_fd   readable once the run is stopped: ends a print that waits for a reader.
  /// max_output  the most bytes of each stream that are shown of one command: of more, kept_parts()
  ///             and a line between them that says how much there was.
  GroupPrinter(int cancel_fd, std::uint64_t max_output);

  /// What a command has said to one of its streams: so many bytes of a file, or a text.
  struct Said {
    const OutputSpool* spool = nullptr;  // outlives the group; nullptr: there is none
    std::uint64_t bytes = 0;             // of the spool
    std::string text = {};
    std::uint64_t begin = 0;  // in the spool

    [[nodiscard]] std::uint64_t size() const { return spool == nullptr ? text.size() : bytes; }
  };
  struct Group {
    Said out;
    Said err;
    std::string title = {};  // what it is folded under in logs of GitHub; empty: it is not folded
  };
  /// Nothing: all is well. EPIPE when the reader of standard output has gone, ECANCELED when the
  /// run was stopped.
  [[nodiscard]] std::optional<SystemError> print(const Group& group);

  /// Bytes of the group that print() shows, but for what it says itself.
  [[nodiscard]] std::uint64_t shown_bytes(const Group& group) const;
  /// What is shown of the group as texts, which needs no file.
  [[nodiscard]] Expected<Group, SystemError> held(const Group& group) const;
  /// The same at the end of a file that others wait in.
  [[nodiscard]] Expected<Group, SystemError> moved(const Group& group, OutputSpool* to) const;

  /// Whole lines, or a message of gorun's own.
  [[nodiscard]] std::optional<SystemError> print_to_stdout(std::string_view text);
  [[nodiscard]] std::optional<SystemError> print_to_stderr(std::string_view text);

 private:
  [[nodiscard]] std::optional<SystemError> write(std::string_view text, OutputFile& to);
  using Take = std::function<Flow(std::string_view piece)>;
  [[nodiscard]] std::optional<SystemError> show(const Said& said, const Take& take) const;
  [[nodiscard]] std::optional<SystemError> print(const Said& said, OutputFile& to);
  [[nodiscard]] std::optional<SystemError> print_folded(const Group& group);

  const std::uint64_t max_output_;
  OutputFile stdout_;
  OutputFile stderr_;
  char last_byte_ = '\n';  // that was written
};

}  // namespace gorun::jobs
