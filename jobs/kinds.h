// jobs/kinds.h - the one table of stage kinds.
//
// One row a kind, one row an option. Parser, validator, `gorun stages` and the documentation
// read these rows and nothing else, so a kind cannot be accepted without being described. The
// code that does a kind's work hangs on its name in jobs/stage_kinds.cc: this table links
// without the engine, and a test holds the two together.
//
// Everything here is constant, in static storage, and safe to read from any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/diagnostic.h"
#include "jobs/stage_options.h"

namespace gorun::jobs {

/// What an option may hold, and the C++ type of its value in StageOptions.
enum class OptionType {
  kFlag,            // bool            true or false
  kInteger,         // int64_t         min <= n <= max
  kSize,            // int64_t         bytes: 4096, "64KiB", "10MB"
  kText,            // string
  kScript,          // string          as kText; for people who would paste the item into it
  kByte,            // string          exactly one byte
  kRegex,           // string          RE2 syntax, known to compile
  kChoice,          // string          one of `choices`
  kTexts,           // vector<string>  "a" or ["a", "b"], at least one
  kChoices,         // vector<string>  of `choices`, at least one, none twice
  kIntegers,        // vector<int64_t> 0 or [0, 1], each min <= n <= max
  kTemplate,        // Template
  kArgv,            // vector<Template> at least one; placeholders such as {} are known
  kNamedTemplates,  // NamedTemplates  {"name": "text"}
  kItems,           // vector<LiteralItem>  ["a", {"path": "b", "size": 3}]
  kReplacements,    // vector<Replacement>  {"pattern", "with"} or an array of them
  kDuration,        // int64_t         nanoseconds: 5 (seconds), "250ms", "1m30s"
  kPredicate,       // Predicate       {"field": {">=": 5}}
  kPredicates,      // NamedPredicates {"port": predicate}
  kPointers,        // NamedTexts      {"field": "/json/pointer"}
  kFields,          // vector<string>  "a" or ["a", "b"] or [], none twice
  kPaths,       // vector<Template> paths and globs, "a" or ["a", "b/*.c"]; {} and such are known
  kName,        // string          a text that is not empty
  kPath,        // string          a text that is not empty and holds no NUL byte
  kPathOrFlag,  // string          "true", "false" or a path that is not empty
  kArtifacts,   // ArtifactOptions as kPaths, or an object of artifact_keys()
  kAggregates,  // AggregateOptions one of `choices`, or {"name": "count" or {"sum": "field"}}
  // Of keys that every stage has, and of those around the stages; the parser reads them into the
  // stage or the job itself.
  kKindName,
  kInputs,       // "stage.port", {"stage", "port", "buffer"}, or an array of them
  kNames,        // "a" or ["a", "b"]
  kWorkers,      // min <= n <= max, or "cpus"
  kProcs,        // min <= n <= max, or "auto"
  kCondition,    // true, false, or a text that says when
  kMatrix,       // {"key": ["value", ...]}
  kSwitch,       // true or false, and no expression
  kVariable,     // the name of an environment variable
  kScalar,       // a string, a number or a boolean
  kScalars,      // an array of them, at least one
  kFormat,       // the number 1
  kVars,         // {"name": scalar or an object of var_keys()}
  kEnvironment,  // {"NAME": scalar}
  kDefaults,     // an object of default_keys() and options of kinds
  kLimits,       // an object of limit_keys()
  kPools,        // {"name": min <= n <= max}
  kTargets,      // {"name": as kNames}
  kStages,       // {"name": stage}
  kNumber,       // min <= x <= max
  kCauses,       // what failures are called: "timeout", "exit 75", or an array of them
  kRetry,        // a number of attempts, or an object of retry_keys()
  kTolerate,     // a number of items, or an object of tolerate_keys()
  kReport,       // an object of report_keys()
  kAutoFlag,     // true, false or "auto"
};

/// How people call the type in a message: "a string", "an array of strings".
[[nodiscard]] std::string_view type_phrase(OptionType type);

struct OptionRow {
  std::string_view name = {};
  OptionType type = OptionType::kText;
  std::string_view default_text = {};  // as typed in JSON, a text without quotes; empty: none
  std::string_view help = {};          // one line
  bool required = false;
  std::span<const std::string_view> choices = {};  // of kChoice and kChoices
  std::int64_t min = 0;                            // of numbers and durations
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};

enum class Input {
  kNone,      // a source: "from" is an error
  kRequired,  // works on items
  kOptional,  // exec: once without "from", else for each item
};

/// What can become of single items of a kind.
enum class ItemFailures {
  kNone,      // the work on an item cannot fail, or it fails the stage
  kReported,  // one can fail while the others go on; a second attempt would end as the first
  kRetried,   // and a second attempt may succeed
};

/// Files, pipes and sockets that a stage of a kind has open at once, at most (jobs/open_files.h).
struct FileNeeds {
  std::int64_t for_stage = 0;
  std::int64_t per_p = 0;  // for each P, as long as there are workers for it
  std::int64_t per_worker = 0;
  std::size_t items_in_hand = 0;  // and one for each item that the worker has in hand
};

/// The port that "from": "stage" reads.
inline constexpr std::string_view kDefaultPort = "out";

/// A stage as its kind's rules see it.
struct StageUse {
  const StageOptions& options;
  bool has_input = false;  // "from" is given
  ByteRange where;         // the stage's name: to blame when no option is
  // Of keys that every stage may have.
  bool retries = false;              // an item may have several attempts
  std::optional<ByteRange> in_pool;  // "pool" is given: its value
  std::optional<ByteRange> ordered;  // "order": "input" is given: the key
};

struct StageKind {
  std::string_view name = {};
  std::string_view summary = {};  // one line
  Input input = Input::kRequired;
  std::span<const std::string_view> ports = {};  // empty: a sink
  std::span<const OptionRow> options = {};
  int default_workers = 1;  // 0: one for each P
  bool parallel = false;    // false: one goroutine, and "workers" may only be 1
  bool gathers = false;     // takes its whole input before it sends its first item
  bool keeps = false;       // remembers what it took, the more the longer its input
  bool is_slow = false;     // each item is an operation outside this process: a command, a request
  FileNeeds files = {};
  ItemFailures failures = ItemFailures::kNone;
  bool is_pipeline = false;       // stands for the stages of another job file (jobs/pipelines.h)
  std::string_view example = {};  // a stage as one would type it, for `gorun stages KIND`

  /// Rules between options ("one of argv and shell"), run when each option is right by itself.
  /// nullptr: none.
  void (*check)(const StageUse& use, Diagnostics* errors) = nullptr;

  /// True if that option, or key of every stage, means something beside the options that are given;
  /// where it does not, the job's default for it is not taken. nullptr: each does.
  bool (*heeds)(const StageOptions& options, std::string_view key) = nullptr;

  /// Files that a stage with these options has open beside `files`. nullptr: none.
  std::int64_t (*more_files)(const StageOptions& options) = nullptr;

  /// True if a stage with these options has one worker, unless it says "workers". nullptr: never.
  bool (*wants_one_worker)(const StageOptions& options) = nullptr;

  /// True if a stage with these options sends no item, so that nobody has to read it and nobody
  /// may: exec that inherits or discards its stdout. nullptr: only a kind without ports.
  bool (*sends_nothing)(const StageOptions& options) = nullptr;
  /// The option, of type kPredicates, whose names are further ports, all of which have to be read;
  /// empty: none. Such a kind sends nothing by its default port if sends_nothing() is true.
  std::string_view ports_option = {};
  std::string_view how_to_send = {};          // a hint, where sends_nothing is not nullptr
  std::string_view how_to_send_nothing = {};  // and one for the other way round

  /// True if that key of common_stage_keys() means something for this kind.
  [[nodiscard]] bool takes(std::string_view common_key) const;
  [[nodiscard]] bool is_source() const { return input == Input::kNone; }
  [[nodiscard]] bool is_sink() const { return ports.empty(); }
  [[nodiscard]] bool has_port(std::string_view port) const;
  /// The ports that the stage has beside those.
  [[nodiscard]] std::vector<std::string_view> more_ports(const StageOptions& given) const;
  /// nullptr if the kind has no such option.
  [[nodiscard]] const OptionRow* option(std::string_view option_name) const;
};

/// Every kind, in the order in which people should meet them: sources, operators, sinks.
[[nodiscard]] std::span<const StageKind> stage_kinds();

/// nullptr if there is none.
[[nodiscard]] const StageKind* find_kind(std::string_view name);

/// The keys that every stage has.
[[nodiscard]] std::span<const OptionRow> common_stage_keys();

/// The options of `kind` with every default filled in; for the parser and for tests.
[[nodiscard]] StageOptions default_options(const StageKind& kind);

}  // namespace gorun::jobs
