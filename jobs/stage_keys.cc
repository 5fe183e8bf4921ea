// jobs/stage_keys.cc - the keys that stages of all kinds have: rows of jobs/kinds.h.
#include <array>

#include "jobs/graph.h"
#include "jobs/kinds.h"

namespace gorun::jobs {
namespace {

constexpr std::array<std::string_view, 3> kWhen = {"success", "always", "failure"};

constexpr std::array<std::string_view, 3> kOnError = {"fail", "continue", "route"};
constexpr std::array<std::string_view, 2> kItemOrders = {"any", "input"};

constexpr std::array<OptionRow, 16> kCommonKeys = {{
    {.name = "kind",
     .type = OptionType::kKindName,
     .help = "what the stage does",
     .required = true},
    {.name = "from",
     .type = OptionType::kInputs,
     .help = "whose items it takes: \"stage\", \"stage.port\", {\"stage\", \"port\", \"buffer\", "
             "\"bytes\"}, or an array of them"},
    {.name = "needs",
     .type = OptionType::kNames,
     .help = "stages that must have completed before this one starts"},
    {.name = "when",
     .type = OptionType::kChoice,
     .default_text = "success",
     .help = "run when what it needs has succeeded, when some of it failed, or always",
     .choices = kWhen},
    {.name = "if",
     .type = OptionType::kCondition,
     .help = "leave the stage out unless this is true: \"vars.os == 'linux' && !vars.quick\""},
    {.name = "matrix",
     .type = OptionType::kMatrix,
     .help = "one stage for each combination of values, ${{ matrix.KEY }}: {\"KEY\": [1, 2]}"},
    {.name = "workers",
     .type = OptionType::kWorkers,
     .help = "its goroutines: a number, or \"cpus\"; with one, items keep their order",
     .min = 1,
     .max = kMaxWorkers},
    {.name = "buffer",
     .type = OptionType::kInteger,
     .default_text = "4096",
     .help = "items that may wait in front of it before the stages that feed it pause",
     .min = 1,
     .max = kMaxBuffer},
    {.name = "pool",
     .type = OptionType::kName,
     .help = "work only while the pool of this name has room; see \"pools\" of the job"},
    {.name = "weight",
     .type = OptionType::kInteger,
     .default_text = "1",
     .help = "places that each worker takes in its pool",
     .min = 1,
     .max = kMaxPool},
    {.name = "order",
     .type = OptionType::kChoice,
     .default_text = "any",
     .help = "input: items leave in the order in which they came, although several are worked on",
     .choices = kItemOrders},
    {.name = "window",
     .type = OptionType::kInteger,
     .default_text = "4096",
     .help = "with \"order\": \"input\": items that may be in it until the first of them leaves",
     .min = 1,
     .max = kMaxBuffer},
    {.name = "timeout",
     .type = OptionType::kDuration,
     .help = "the longest that an attempt at an item may take in exec and http, or a reducer; "
             "else, the stage",
     .min = 1},
    {.name = "retry",
     .type = OptionType::kRetry,
     .help = "further attempts at items that fail: 3, or {\"max\", \"on\", \"base\", \"cap\", "
             "\"factor\", \"jitter\"}",
     .min = 1,
     .max = kMaxAttempts},
    {.name = "tolerate",
     .type = OptionType::kTolerate,
     .help = "so many items may fail before the stage does: 5, or {\"count\", \"percent\"}",
     .max = kMaxTolerated},
    {.name = "on_error",
     .type = OptionType::kChoice,
     .default_text = "fail",
     .help = "a failed item fails the stage, is left out, or leaves by the port \"errors\"",
     .choices = kOnError},
}};

}  // namespace

std::span<const OptionRow> common_stage_keys() { return kCommonKeys; }

}  // namespace gorun::jobs
