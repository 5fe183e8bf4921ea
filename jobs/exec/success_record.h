// jobs/exec/success_record.h - what a command was, and what its files held, when it succeeded.
//
// A plain value with a text form. Each part is kept by itself, so that two records can be told
// apart by the part that differs. Texts and contents are kept as BLAKE3 digests: what a command,
// its environment and its input say may be secret, and is in no record; and nobody can make another
// file with the same digest.
//
// The text is fields that end in NUL bytes, which no path and no name holds, between a line that
// names the format and the digest of all before it: a text that was cut, or changed by a bit, is
// known for what it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/file_stamp.h"

namespace gorun::jobs {

struct FileRecord {
  std::string name;  // as people are shown it: a secret in it is masked
  FileStamp stamp;
  std::string digest;  // of its contents, in hexadecimal digits

  friend bool operator==(const FileRecord&, const FileRecord&) = default;
};

struct SuccessRecord {
  struct Variable {
    std::string name;
    std::string digest;
    friend bool operator==(const Variable&, const Variable&) = default;
  };
  std::string command;                // digest of the arguments
  std::string directory;              // likewise, of where it ran
  std::string input;                  // of what it was given on its standard input
  std::vector<Variable> environment;  // what the job file adds, by name
  std::vector<FileRecord> inputs;     // by name
  std::vector<FileRecord> outputs;    // by name

  friend bool operator==(const SuccessRecord&, const SuccessRecord&) = default;
};

/// The digest of a text, as records have it.
[[nodiscard]] std::string digest_text(std::string_view text);

[[nodiscard]] std::string to_text(const SuccessRecord& record);
/// Nothing if `text` is not what to_text() made.
[[nodiscard]] std::optional<SuccessRecord> parse_success_record(std::string_view text);

/// In which way things are not as they were: "the command changed", "input "a.c" changed", a phrase
/// each, in this order: command, directory, standard input, environment, inputs, outputs. Empty:
/// all is as it was.
[[nodiscard]] std::vector<std::string> differences(const SuccessRecord& before,
                                                   const SuccessRecord& now);

}  // namespace gorun::jobs
