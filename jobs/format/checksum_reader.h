// jobs/format/checksum_reader.h - reads the lines that jobs/format/checksum_line.h describes, and
// those that coreutils, b3sum, xxhsum, openssl dgst and hashdeep write.
//
// The form is told line by line; only hashdeep's has a header, which names its columns. A line of
// digest and name does not say which algorithm it is: its length does (64 digits are SHA-256, 32
// MD5), unless the reader is told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/hash/digest.h"

namespace gorun::jobs {

struct ChecksumEntry {
  std::string path;
  std::vector<Algorithm> algorithms;
  std::string hex;  // of all algorithms, one after the other, in lower case
};

enum class ChecksumLine : std::uint8_t {
  kEntry,
  kNothing,  // a comment, a header, an empty line
  kWrong,    // none of the forms
};

/// threads  one at a time.
class ChecksumReader {
 public:
  /// untagged  what a line of digest and name is; nothing: its length decides.
  explicit ChecksumReader(std::optional<Algorithm> untagged) : untagged_(untagged) {}

  /// `line` is without its LF. Fills in `entry` for kEntry.
  [[nodiscard]] ChecksumLine read(std::string_view line, ChecksumEntry* entry);

 private:
  // A column of hashdeep's; nothing: one that we do not compute.
  using Column = std::optional<Algorithm>;

  [[nodiscard]] bool read_header(std::string_view line);
  [[nodiscard]] bool read_columns(std::string_view line, ChecksumEntry* entry) const;
  [[nodiscard]] bool read_tagged(std::string_view line, bool escaped, ChecksumEntry* entry) const;
  [[nodiscard]] bool read_untagged(std::string_view line, bool escaped, ChecksumEntry* entry) const;

  const std::optional<Algorithm> untagged_;
  std::vector<Column> columns_;  // empty: no header so far
};

/// The name of an algorithm in tagged lines: "SHA256", "XXH128".
[[nodiscard]] std::string_view checksum_tag(Algorithm algorithm);

}  // namespace gorun::jobs
