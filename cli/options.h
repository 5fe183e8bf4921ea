// cli/options.h - the command line as one plain, checked value.
//
// The first word that is neither a flag nor a flag's value names the command; if it names none it
// is the job file of `run`. A job file that is called like a command is given as ./run, or after
// --. Flags may stand anywhere. Nothing here prints, exits or looks at a file.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/flags.h"
#include "cli/github.h"
#include "cli/log.h"
#include "jobs/hash/digest.h"
#include "jobs/hash/sha256_lanes.h"
#include "jobs/load.h"
#include "jobs/walk/ordered_walk.h"

namespace gorun::cli {

/// As a path: the stream, not a file of that name, which is ./-.
inline constexpr std::string_view kStandardInput = "-";

enum class ProgressMode { kAuto, kBar, kPlain, kNone };
enum class ColorMode { kAuto, kAlways, kNever };

/// What the closing report says: errors alone, one line more, a table of the stages.
enum class Verbosity { kQuiet, kNormal, kVerbose };

enum class HashFormat { kSha256sum, kBsd, kHashdeep, kJsonLines };

/// Of `gorun hash`.
struct HashOptions {
  std::vector<std::string> paths;           // at least one; of --check, checksum files
  std::vector<jobs::Algorithm> algorithms;  // empty: none was named
  HashFormat format = HashFormat::kSha256sum;
  jobs::WalkOrder order = jobs::WalkOrder::kSorted;
  jobs::Sha256Path sha256_path = jobs::Sha256Path::kAuto;
  std::optional<int> rotational_workers;  // see jobs/disk/turning_disks.h
  std::string cache;                      // a directory for jobs::DigestCache; empty: none
  std::string audit;  // a checksum file that is to be compared with `paths`; empty: none
  bool check = false;
  bool strict = false;
  bool ignore_missing = false;
};

/// Lines that wait for a command: enough for the commands never to wait for a line.
inline constexpr int kMapBuffer = 256;

/// Of `gorun map`.
struct MapOptions {
  std::vector<std::string> command;  // at least one word
  int workers = 0;                   // commands at a time; 0: as many as there are cores
  int items = 1;                     // lines for one command, at most
  bool null_separated = false;
  bool keep_order = false;
  std::string output;  // a value of "output"; empty: the default
  bool print = false;
};

/// Of `gorun count`.
struct CountOptions {
  std::vector<std::string> paths;  // at least one; "-": standard input
  std::string by = "words";        // a value of "by" of split
  std::string pattern;             // of "regex"
  std::string match;               // the lines that are counted; empty: `by` says what is
  std::string format = "tsv";      // a value of "format" of write
  std::string max_record;          // a size; empty: the default
  int top = 0;                     // 0: all
  bool is_fixed = false;           // `match` is a text
  bool total = false;
  bool print = false;
};

/// One `--set-file NAME=PATH`: the value of the var is what the file holds.
struct SetFile {
  std::string name;
  std::string path;
};

enum class GraphFormat { kDot, kMermaid, kSvg };

/// What is written about a run, and where; empty: "report" of the job file decides.
struct ReportOptions {
  std::string junit;
  std::string trace;
  std::string summary;
  std::string html;
  std::optional<GithubMode> github;
};

struct Options {
  Command command = Command::kRun;
  bool named_command = false;  // false: "gorun FILE"
  std::string argument;        // the job file ("-": standard input), the kind, the topic, or empty
  std::vector<std::string> targets;  // what follows the job file
  jobs::VarSettings settings;
  std::vector<SetFile> set_files;
  bool dry_run = false;
  int procs = 0;  // 0: the job file or the machine decides
  bool keep_going = false;
  bool paranoid = false;                            // trusts no cache; of hash, too
  bool always_run = false;                          // commands that are up to date, too
  bool strict = false;                              // of check: a warning is a mistake
  std::optional<std::chrono::nanoseconds> timeout;  // of the whole run
  std::optional<double> max_load;                   // as "limits" of the job; these win
  std::optional<std::int64_t> memfree;              // likewise
  std::optional<int> nice;                          // of commands that do not say
  bool jobserver = false;                           // of all commands
  Verbosity verbosity = Verbosity::kNormal;
  ProgressMode progress = ProgressMode::kAuto;
  ColorMode color = ColorMode::kAuto;
  LogLevel log_level = LogLevel::kWarn;
  ReportOptions report;
  HashOptions hash;
  MapOptions map;
  CountOptions count;
  GraphFormat graph_format = GraphFormat::kDot;
};

/// A text that was asked for by a flag and belongs on stdout: --help, --version.
struct Answer {
  std::string text;
};

/// A wrong command line; both are one line without a full stop, `hint` may be empty.
struct UsageError {
  std::string what;
  std::string hint;
};

inline constexpr int kMaxNice = 19;
inline constexpr int kMaxProcs = 1024;
inline constexpr int kMaxMapJobs = 100'000;
inline constexpr int kMaxRotationalWorkers = 1024;  // as in the table of kinds
inline constexpr int kMaxMapItems = 1'000'000;
inline constexpr int kMaxTop = 1'000'000'000;

/// argv as main() has it; argv[0] is skipped.
[[nodiscard]] std::variant<Options, Answer, UsageError> parse_options(int argc,
                                                                      const char* const* argv);

/// "gorun: error: ..." with its hint, for stderr.
[[nodiscard]] std::string render(const UsageError& error);

}  // namespace gorun::cli
