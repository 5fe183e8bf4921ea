#include "cli/hash_check.h"

#include <cerrno>
#include <fstream>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cli/hash_output.h"
#include "cli/quantity.h"
#include "jobs/format/checksum_reader.h"
#include "jobs/format/quote.h"
#include "jobs/hash/hash_run.h"
#include "jobs/hash/hash_worker.h"
#include "jobs/system_error.h"

namespace gorun::cli {
namespace {

struct CheckCounts {
  std::size_t wrong_lines = 0;
  std::size_t entries = 0;
  std::size_t matched = 0;
  std::size_t differ = 0;
  std::size_t unreadable = 0;
};

// The entries of one checksum file.
class ChecksumSource final : public jobs::SerialHashSource {
 public:
  ChecksumSource(std::istream& input, std::optional<jobs::Algorithm> untagged)
      : input_(input), reader_(untagged) {}

  // Good when the run has ended.
  [[nodiscard]] std::size_t entries() const { return entries_; }
  [[nodiscard]] std::size_t wrong_lines() const { return wrong_lines_; }

 private:
  bool fill(jobs::HashTask* task) override {
    while (task->names.size() < jobs::kHashNamesAtOnce) {
      if (!pending_ && !read_entry()) break;
      // A task has one list of algorithms.
      if (task->names.empty()) task->algorithms = pending_->algorithms;
      if (task->algorithms != pending_->algorithms) break;
      task->names.push_back(std::move(pending_->path));
      task->expected.push_back(std::move(pending_->hex));
      pending_.reset();
    }
    return !task->names.empty();
  }

  bool read_entry() {
    jobs::ChecksumEntry entry;
    while (std::getline(input_, line_)) {
      switch (reader_.read(line_, &entry)) {
        case jobs::ChecksumLine::kEntry:
          ++entries_;
          pending_ = std::move(entry);
          return true;
        case jobs::ChecksumLine::kWrong:
          ++wrong_lines_;
          break;
        case jobs::ChecksumLine::kNothing:
          break;
      }
    }
    return false;
  }

  std::istream& input_;
  jobs::ChecksumReader reader_;
  std::string line_;
  std::optional<jobs::ChecksumEntry> pending_;
  std::size_t entries_ = 0;
  std::size_t wrong_lines_ = 0;
};

class CheckSink final : public jobs::HashSink {
 public:
  CheckSink(const Options& options, Screen& screen, HashOutput& output, CheckCounts& counts)
      : options_(options), screen_(screen), output_(output), counts_(counts) {}

  bool take(jobs::HashTask&& task) override {
    for (std::size_t i = 0; i < task.names.size(); ++i) {
      if (task.results[i]) judge(task.names[i], task.expected[i], *task.results[i]);
    }
    return output_.flush_if_full();
  }

 private:
  void judge(const std::string& name, std::string_view expected, const jobs::HashResult& result) {
    if (!result.ok()) {
      if (options_.hash.ignore_missing && result.error().system.error_number == ENOENT) return;
      screen_.message("gorun: " + result.error().message() + "\n");
      ++counts_.unreadable;
      output_.say(name, "FAILED open or read");
      return;
    }
    std::string hex;
    for (const jobs::Digest& digest : result->digests) hex += digest.hex();
    if (hex == expected) {
      ++counts_.matched;
      if (options_.verbosity != Verbosity::kQuiet) output_.say(name, "OK");
    } else {
      ++counts_.differ;
      output_.say(name, "FAILED");
    }
  }

  const Options& options_;
  Screen& screen_;
  HashOutput& output_;
  CheckCounts& counts_;
};

void warn(Screen& screen, std::size_t count, std::string_view one, std::string_view many) {
  if (count == 0) return;
  const std::string text(count == 1 ? one : many);
  screen.message("gorun: WARNING: " + std::to_string(count) + " " + text + "\n");
}

// What is wrong with one checksum file altogether; true: nothing.
bool conclude(const Options& options, Screen& screen, const std::string& file,
              const CheckCounts& counts) {
  if (counts.entries == 0) {
    screen.message("gorun: " + jobs::quote_for_message(file) + ": no checksum lines found\n");
    return false;
  }
  warn(screen, counts.wrong_lines, "line is improperly formatted",
       "lines are improperly formatted");
  warn(screen, counts.unreadable, "listed file could not be read",
       "listed files could not be read");
  warn(screen, counts.differ, "computed checksum did NOT match",
       "computed checksums did NOT match");
  const bool none = options.hash.ignore_missing && counts.matched + counts.differ == 0;
  if (none) screen.message("gorun: " + jobs::quote_for_message(file) + ": no file was verified\n");
  return !none && counts.unreadable == 0 && counts.differ == 0 &&
         (counts.wrong_lines == 0 || !options.hash.strict);
}

}  // namespace

ExitCode check_hashes(const Options& options, Screen& screen, const jobs::HashRunOptions& run) {
  std::optional<jobs::Algorithm> untagged;
  if (!options.hash.algorithms.empty()) untagged.emplace(options.hash.algorithms.front());
  HashOutput output;
  bool is_good = true;
  for (const std::string& file : options.hash.paths) {
    std::ifstream input(file == "-" ? "/dev/stdin" : file, std::ios::binary);
    if (!input) {
      const int number = errno;
      screen.message("gorun: " + jobs::SystemError{"open", number, file}.message() + "\n");
      is_good = false;
      continue;
    }
    CheckCounts counts;
    ChecksumSource source(input, untagged);
    CheckSink sink(options, screen, output, counts);
    jobs::run_hash(source, sink, run);
    counts.entries = source.entries();
    counts.wrong_lines = source.wrong_lines();
    if (!output.flush()) break;
    if (input.bad()) {
      screen.message("gorun: " + jobs::SystemError{"read", EIO, file}.message() + "\n");
      is_good = false;
    }
    is_good = conclude(options, screen, file, counts) && is_good;
  }
  if (output.status() != ExitCode::kOk) return output.status();
  return is_good ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace gorun::cli
