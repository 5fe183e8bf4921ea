#include "cli/hash_audit.h"

#include <array>
#include <cerrno>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/hash_output.h"
#include "jobs/format/checksum_reader.h"
#include "jobs/format/quote.h"
#include "jobs/hash/audit.h"
#include "jobs/hash/hash_run.h"
#include "jobs/hash/path_source.h"
#include "jobs/system_error.h"
#include "runtime/blocking.h"

namespace gorun::cli {
namespace {

std::string hex_of(const jobs::FileDigests& file) {
  std::string hex;
  for (const jobs::Digest& digest : file.digests) hex += digest.hex();
  return hex;
}

// What a checksum file says.
struct Known {
  jobs::Audit audit;
  std::vector<jobs::Algorithm> algorithms;  // of its first entry, and so of all
  std::size_t entries = 0;
  std::size_t wrong_lines = 0;
};

void read_known(std::istream& input, std::optional<jobs::Algorithm> untagged, Known* known) {
  jobs::ChecksumReader reader(untagged);
  jobs::ChecksumEntry entry;
  std::string line;
  while (std::getline(input, line)) {
    const jobs::ChecksumLine what = reader.read(line, &entry);
    if (what == jobs::ChecksumLine::kNothing) continue;
    if (what == jobs::ChecksumLine::kEntry && known->algorithms.empty()) {
      known->algorithms = entry.algorithms;
    }
    const bool is_good = what == jobs::ChecksumLine::kEntry &&
                         entry.algorithms == known->algorithms &&
                         known->audit.expect(entry.path, entry.hex);
    ++(is_good ? known->entries : known->wrong_lines);
  }
}

class AuditSink final : public jobs::HashSink {
 public:
  AuditSink(const Options& options, Screen& screen, HashOutput& output, jobs::Audit& audit)
      : options_(options), screen_(screen), output_(output), audit_(audit) {}

  bool take(jobs::HashTask&& task) override {
    for (const jobs::SystemError& error : task.errors) {
      complain(error.message());
      const bool is_nothing_there = error.error_number == ENOENT || error.error_number == ENOTDIR;
      if (!is_nothing_there) audit_.see_closed(error.subject);
    }
    for (std::size_t i = 0; i < task.names.size(); ++i) {
      const auto& result = task.results[i];
      if (!result) continue;
      if (!result->ok()) {
        complain(result->error().message());
        audit_.see_unreadable(task.names[i]);
        output_.say(task.names[i], "FAILED open or read");
      } else if (const auto finding = audit_.see(task.names[i], hex_of(**result))) {
        say(*finding);
      }
    }
    return output_.flush_if_full();
  }

  void say(const jobs::AuditFinding& finding) {
    const bool is_silent =
        (finding.verdict == jobs::AuditVerdict::kMatched &&
         options_.verbosity == Verbosity::kQuiet) ||
        (finding.verdict == jobs::AuditVerdict::kMissing && options_.hash.ignore_missing);
    ++counts_[static_cast<std::size_t>(finding.verdict)];
    if (is_silent) return;
    std::string verdict(finding.verdict == jobs::AuditVerdict::kMatched
                            ? "OK"
                            : jobs::audit_verdict_name(finding.verdict));
    if (!finding.from.empty()) verdict += " from " + jobs::quote_for_message(finding.from);
    output_.say(finding.path, verdict);
  }

  [[nodiscard]] std::size_t count(jobs::AuditVerdict verdict) const {
    return counts_[static_cast<std::size_t>(verdict)];
  }
  [[nodiscard]] bool has_failed() const { return has_failed_; }

 private:
  void complain(const std::string& what) {
    has_failed_ = true;
    screen_.message("gorun: " + what + "\n");
  }

  const Options& options_;
  Screen& screen_;
  HashOutput& output_;
  jobs::Audit& audit_;
  std::array<std::size_t, 5> counts_{};  // by verdict
  bool has_failed_ = false;
};

// The summary; true: nothing is wrong.
bool conclude(const Options& options, Screen& screen, const AuditSink& sink, const Known& known) {
  using jobs::AuditVerdict;
  if (known.wrong_lines > 0) {
    screen.message("gorun: WARNING: " + std::to_string(known.wrong_lines) +
                   (known.wrong_lines == 1 ? " line is" : " lines are") +
                   " improperly formatted\n");
  }
  std::string summary;
  for (const AuditVerdict verdict :
       {AuditVerdict::kMatched, AuditVerdict::kChanged, AuditVerdict::kMoved, AuditVerdict::kAdded,
        AuditVerdict::kMissing}) {
    summary.append(summary.empty() ? "" : ", ").append(std::to_string(sink.count(verdict)));
    summary.append(" ").append(jobs::audit_verdict_name(verdict));
  }
  if (options.verbosity != Verbosity::kQuiet) screen.message("gorun: " + summary + "\n");
  const std::size_t missing = options.hash.ignore_missing ? 0 : sink.count(AuditVerdict::kMissing);
  return !sink.has_failed() && (known.wrong_lines == 0 || !options.hash.strict) &&
         sink.count(AuditVerdict::kChanged) + sink.count(AuditVerdict::kMoved) +
                 sink.count(AuditVerdict::kAdded) + missing ==
             0;
}

}  // namespace

ExitCode audit_hashes(const Options& options, Screen& screen, const jobs::HashRunOptions& run) {
  const std::string& file = options.hash.audit;
  std::optional<jobs::Algorithm> untagged;
  if (!options.hash.algorithms.empty()) untagged.emplace(options.hash.algorithms.front());
  Known known;
  int error = 0;
  runtime::blocking([&] {
    std::ifstream input(file == "-" ? "/dev/stdin" : file, std::ios::binary);
    if (!input) {
      error = errno;
      return;
    }
    read_known(input, untagged, &known);
    if (input.bad()) error = EIO;
  });
  if (error != 0) {
    screen.message("gorun: " + jobs::SystemError{"read", error, file}.message() + "\n");
    return ExitCode::kFailed;
  }
  if (known.entries == 0) {
    screen.message("gorun: " + jobs::quote_for_message(file) + ": no checksum lines found\n");
    return ExitCode::kFailed;
  }
  HashOutput output;
  jobs::PathSource source(options.hash.paths, known.algorithms, options.hash.order, run.disks,
                          run.cache);
  AuditSink sink(options, screen, output, known.audit);
  jobs::run_hash(source, sink, run);
  for (const jobs::AuditFinding& finding : known.audit.conclude()) {
    sink.say(finding);
    if (!output.flush_if_full()) break;
  }
  static_cast<void>(output.flush());  // status() says what came of it
  const bool is_good = conclude(options, screen, sink, known);
  if (output.status() != ExitCode::kOk) return output.status();
  return is_good ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace gorun::cli
