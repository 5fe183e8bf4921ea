// jobs/hash/audit.h - a tree against the digests that it is known to have had.
//
// Of each file that is there and each that was known it says one thing:
//
//   matched  known by this path, with this digest
//   changed  known by this path, with another digest
//   moved    not known by this path, but its digest was known by another, where it is no more:
//            nothing is there, or something else
//   added    neither its path nor a digest left over was known
//   missing  known, and neither there nor moved
//
// The first two are told at once. The others need the whole tree, so conclude() has them; files of
// equal digest are paired in the order of their paths. A known path accounts for one moved file:
// where a file was copied, one copy is moved and the others are added.
//
// Of what lies below a directory that could not be looked into nothing is said.
//
// Paths are compared without "." components and doubled slashes: "./a" and "a" are the same file.
// Memory is that of the known paths and digests, and of the files that are not known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace gorun::jobs {

enum class AuditVerdict : std::uint8_t { kMatched, kChanged, kMoved, kAdded, kMissing };

/// "matched", "changed", ...
[[nodiscard]] std::string_view audit_verdict_name(AuditVerdict verdict);

struct AuditFinding {
  AuditVerdict verdict = AuditVerdict::kMatched;
  std::string path;  // as it was given to see(), or to expect() if it is missing
  std::string from;  // of a moved file: where it was, as it was given to expect()
};

/// threads  one at a time.
class Audit {
 public:
  /// A digest that was known, as text: of whatever algorithms, but the same ones for all. False:
  /// the path is known already, with another digest.
  [[nodiscard]] bool expect(std::string_view path, std::string_view digest);

  /// A file that is there; comes after all expect(). Nothing: conclude() will tell.
  [[nodiscard]] std::optional<AuditFinding> see(std::string_view path, std::string_view digest);
  /// A file that is there and cannot be read: it is not missing, nor is it anything else.
  void see_unreadable(std::string_view path);
  /// A path of which nobody knows what is there, or below it: what was known there is not missing,
  /// and has not moved.
  void see_closed(std::string_view path);

  /// Moved and added files, then missing ones, each by path. Ends the audit.
  [[nodiscard]] std::vector<AuditFinding> conclude();

 private:
  struct Known {
    std::string path;  // as given
    std::string digest;
    enum class State : std::uint8_t { kUnseen, kMatched, kChanged, kUnreadable } state;
  };
  struct Stranger {
    std::string path;
    std::string digest;
  };

  [[nodiscard]] Known* find(std::string_view path);
  [[nodiscard]] bool is_closed(std::string_view path) const;

  std::unordered_map<std::string, Known> known_;  // by the path that is compared
  std::unordered_set<std::string> closed_;        // paths that are compared
  std::vector<Stranger> strangers_;
};

/// The path that is compared: "a/b" for "./a//b", "." for "./".
[[nodiscard]] std::string comparable_path(std::string_view path);

}  // namespace gorun::jobs
