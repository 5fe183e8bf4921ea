#include "jobs/job_keys.h"

#include <algorithm>
#include <array>

#include "jobs/graph.h"

namespace gorun::jobs {
namespace {

constexpr std::array<std::string_view, 3> kFailPolicies = {"fast", "drain", "keep-going"};

constexpr std::int64_t kLeastMemory = std::int64_t{1} << 20;
constexpr std::int64_t kLeastBytes = 4096;

constexpr std::array<OptionRow, 13> kJobKeys = {{
    {.name = "gorun",
     .type = OptionType::kFormat,
     .help = "the version of the format",
     .required = true},
    {.name = "include",
     .type = OptionType::kNames,
     .help = "other job files, beside this one, whose keys count as well; this file's win"},
    {.name = "name", .type = OptionType::kText, .help = "what reports call the job"},
    {.name = "vars",
     .type = OptionType::kVars,
     .help = "values that --set NAME=VALUE overrides, for ${{ vars.NAME }}"},
    {.name = "env",
     .type = OptionType::kEnvironment,
     .help = "variables added to the environment of every command"},
    {.name = "dotenv",
     .type = OptionType::kNames,
     .help = "files of NAME=VALUE lines, beside this one, for the environment; \"env\" wins"},
    {.name = "defaults",
     .type = OptionType::kDefaults,
     .help = "keys for every stage whose kind has them and that does not give them itself"},
    {.name = "limits", .type = OptionType::kLimits, .help = "what the whole run may use"},
    {.name = "pools",
     .type = OptionType::kPools,
     .help = "named limits, {\"net\": 8}: so many workers of the stages in a pool are at work",
     .min = 1,
     .max = kMaxPool},
    {.name = "fail",
     .type = OptionType::kChoice,
     .default_text = "fast",
     .help = "fast: the first failure stops the run; drain: what is under way comes to its end; "
             "keep-going: only what depends on it stops",
     .choices = kFailPolicies},
    {.name = "targets",
     .type = OptionType::kTargets,
     .help =
         "named lists of stages for \"gorun FILE TARGET\"; \"default\" is run when none is named"},
    {.name = "report",
     .type = OptionType::kReport,
     .help = "what is written about a run when it has ended; the flags of the same names win"},
    {.name = "stages", .type = OptionType::kStages, .help = "the stages by name", .required = true},
}};

constexpr std::array<OptionRow, 5> kVarKeys = {{
    {.name = "default",
     .type = OptionType::kScalar,
     .help = "the value when nothing else gives one"},
    {.name = "env",
     .type = OptionType::kVariable,
     .help = "an environment variable that gives the value, unless --set does"},
    {.name = "required", .type = OptionType::kSwitch, .help = "a value has to be given"},
    {.name = "enum", .type = OptionType::kScalars, .help = "the values that are allowed"},
    {.name = "secret",
     .type = OptionType::kSwitch,
     .help = "never show the value in messages, logs and reports"},
}};

constexpr std::array<OptionRow, 5> kLimitKeys = {{
    {.name = "procs",
     .type = OptionType::kProcs,
     .default_text = "auto",
     .help = "cores to use",
     .min = 1,
     .max = kMaxProcs},
    {.name = "memory",
     .type = OptionType::kSize,
     .help = "bytes of what waits between stages and of what they keep, all together",
     .min = kLeastMemory},
    {.name = "open_files",
     .type = OptionType::kInteger,
     .help = "files, pipes and sockets that gorun has open at once; fewer make it slower",
     .min = 1,
     .max = kMaxOpenFiles},
    {.name = "max_load",
     .type = OptionType::kNumber,
     .help =
         "start no command while so many processes run on the machine, unless it is the only one",
     .min = 0,
     .max = kMaxLoad},
    {.name = "memfree",
     .type = OptionType::kSize,
     .help = "start no command while less memory is available, unless it is the only one",
     .min = 1},
}};

constexpr std::array<OptionRow, 5> kReportKeys = {{
    {.name = "junit",
     .type = OptionType::kPath,
     .help = "where to write the outcome as JUnit XML, for CI servers"},
    {.name = "trace",
     .type = OptionType::kPath,
     .help = "where to write what ran when, for ui.perfetto.dev"},
    {.name = "summary",
     .type = OptionType::kPath,
     .help = "where to write states, counts, times and failures of all stages as JSON"},
    {.name = "html",
     .type = OptionType::kPath,
     .help = "where to write a page with the stages, the failures and where the time went"},
    {.name = "github",
     .type = OptionType::kAutoFlag,
     .default_text = "auto",
     .help = "annotate failures for GitHub; auto: in its Actions"},
}};

constexpr std::array<OptionRow, 4> kEdgeKeys = {{
    {.name = "stage",
     .type = OptionType::kText,
     .help = "the stage to read from",
     .required = true},
    {.name = "port", .type = OptionType::kText, .help = "the port by which its items leave"},
    {.name = "buffer",
     .type = OptionType::kInteger,
     .help = "items that may wait on this edge",
     .min = 1,
     .max = kMaxBuffer},
    {.name = "bytes",
     .type = OptionType::kSize,
     .default_text = "16MiB",
     .help = "and the bytes of their texts and fields",
     .min = kLeastBytes},
}};

constexpr std::array<OptionRow, 2> kReplacementKeys = {{
    {.name = "pattern",
     .type = OptionType::kRegex,
     .help = "what to replace, in RE2 syntax",
     .required = true},
    {.name = "with",
     .type = OptionType::kText,
     .help = "by what; \\1 is a group",
     .required = true},
}};

constexpr std::array<std::string_view, 3> kArtifactTimes = {"success", "failure", "always"};

constexpr std::array<OptionRow, 3> kArtifactKeys = {{
    {.name = "paths",
     .type = OptionType::kPaths,
     .help = "what to keep: files, patterns, directories",
     .required = true},
    {.name = "when",
     .type = OptionType::kChoice,
     .default_text = "success",
     .help = "after a command that succeeded, after one that failed, or after each",
     .choices = kArtifactTimes},
    {.name = "to",
     .type = OptionType::kPath,
     .help = "the directory for them (default: .gorun/artifacts/STAGE beside the job file)"},
}};

constexpr std::array<std::string_view, 2> kJitters = {"full", "none"};

constexpr std::array<OptionRow, 6> kRetryKeys = {{
    {.name = "max",
     .type = OptionType::kInteger,
     .default_text = "3",
     .help = "attempts in all, the first included",
     .min = 1,
     .max = kMaxAttempts},
    {.name = "on",
     .type = OptionType::kCauses,
     .help = "only after these: timeout, exit, signal, status, network, io, and with a number "
             "\"exit 75\""},
    {.name = "base",
     .type = OptionType::kDuration,
     .default_text = "1s",
     .help = "the pause after the first attempt"},
    {.name = "cap",
     .type = OptionType::kDuration,
     .default_text = "30s",
     .help = "the longest pause"},
    {.name = "factor",
     .type = OptionType::kNumber,
     .default_text = "2",
     .help = "by which each pause is longer than the one before",
     .min = 1,
     .max = 1000},
    {.name = "jitter",
     .type = OptionType::kChoice,
     .default_text = "full",
     .help = "full: a pause is drawn from nothing to its length; none: it has that length",
     .choices = kJitters},
}};

constexpr std::array<OptionRow, 2> kTolerateKeys = {{
    {.name = "count",
     .type = OptionType::kInteger,
     .help = "items that may fail",
     .max = kMaxTolerated},
    {.name = "percent",
     .type = OptionType::kNumber,
     .help = "and how many of a hundred, when all have come in",
     .max = 100},
}};

// Not "order": for some kinds that is an option of their own, which means something else.
constexpr std::array<std::string_view, 8> kDefaultKeys = {
    "workers", "buffer", "pool", "weight", "timeout", "retry", "tolerate", "on_error"};

}  // namespace

std::span<const OptionRow> job_keys() { return kJobKeys; }
std::span<const OptionRow> var_keys() { return kVarKeys; }
std::span<const OptionRow> limit_keys() { return kLimitKeys; }
std::span<const OptionRow> report_keys() { return kReportKeys; }
std::span<const OptionRow> edge_keys() { return kEdgeKeys; }
std::span<const OptionRow> replacement_keys() { return kReplacementKeys; }
std::span<const OptionRow> artifact_keys() { return kArtifactKeys; }
std::span<const OptionRow> retry_keys() { return kRetryKeys; }
std::span<const OptionRow> tolerate_keys() { return kTolerateKeys; }

bool can_be_default(std::string_view common_key) {
  return std::ranges::find(kDefaultKeys, common_key) != kDefaultKeys.end();
}

const OptionRow* find_key(std::span<const OptionRow> rows, std::string_view name) {
  const auto row = std::ranges::find(rows, name, &OptionRow::name);
  return row == rows.end() ? nullptr : &*row;
}

std::vector<std::string_view> key_names(std::span<const OptionRow> rows) {
  std::vector<std::string_view> names;
  for (const OptionRow& row : rows) names.push_back(row.name);
  return names;
}

}  // namespace gorun::jobs
