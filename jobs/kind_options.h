// jobs/kind_options.h - the options of every kind, as rows of kind_table.cc.
//
// An array a kind, in the order in which `gorun stages KIND` lists them; in front of it the words
// that its choices know. Only kind_table.cc includes this: everybody else asks a StageKind.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

#include "jobs/command_options.h"
#include "jobs/graph.h"
#include "jobs/kinds.h"

namespace gorun::jobs {

inline constexpr std::int64_t kKiB = 1024;
inline constexpr std::int64_t kGiB = kKiB * kKiB * kKiB;

// ---- sources ---------------------------------------------------------------------------------

inline constexpr std::array<std::string_view, 4> kFileTypes = {"file", "directory", "symlink",
                                                               "any"};
inline constexpr std::array<std::string_view, 2> kSymlinkPolicies = {"as-is", "follow"};

inline constexpr std::array<OptionRow, 10> kWalkOptions = {{
    {.name = "root",
     .type = OptionType::kTexts,
     .default_text = ".",
     .help = "where to start; each root is walked once"},
    {.name = "include",
     .type = OptionType::kTexts,
     .help = "keep only files that match one of these globs (gitignore syntax)"},
    {.name = "exclude",
     .type = OptionType::kTexts,
     .help = "leave out what matches one of these globs; a directory with all below it"},
    {.name = "type",
     .type = OptionType::kChoice,
     .default_text = "file",
     .help = "what to report",
     .choices = kFileTypes},
    {.name = "symlinks",
     .type = OptionType::kChoice,
     .default_text = "as-is",
     .help = "as-is: a link is a link; follow: a link is what it points to, loops are cut",
     .choices = kSymlinkPolicies},
    {.name = "hidden",
     .type = OptionType::kFlag,
     .default_text = "true",
     .help = "report and enter names that begin with a dot"},
    {.name = "max_depth",
     .type = OptionType::kInteger,
     .help = "levels below a root to enter; 0 is the root alone"},
    {.name = "min_size", .type = OptionType::kSize, .help = "leave out smaller files"},
    {.name = "max_size", .type = OptionType::kSize, .help = "leave out larger files"},
    {.name = "sort",
     .type = OptionType::kFlag,
     .default_text = "false",
     .help = "report in byte order of the paths; holds all paths in memory"},
}};

inline constexpr std::array<OptionRow, 2> kGlobOptions = {{
    {.name = "pattern",
     .type = OptionType::kTexts,
     .help = "globs such as src/**/*.c; matches come in byte order of the paths",
     .required = true},
    {.name = "exclude", .type = OptionType::kTexts, .help = "leave out what matches these globs"},
}};

inline constexpr std::array<OptionRow, 4> kLinesOptions = {{
    {.name = "path",
     .type = OptionType::kPath,
     .default_text = "-",
     .help = "the file to read, .gz, .zst and .xz decompressed; - is standard input"},
    {.name = "delimiter",
     .type = OptionType::kByte,
     .default_text = "\n",
     .help = "the byte that ends a record; \"\\u0000\" for find -print0"},
    {.name = "skip",
     .type = OptionType::kInteger,
     .default_text = "0",
     .help = "records to leave out at the beginning"},
    {.name = "max_record",
     .type = OptionType::kSize,
     .default_text = "1GiB",
     .help = "a longer record is a failure; a 128th of limits.memory, if that is given",
     .min = 1},
}};

inline constexpr std::array<OptionRow, 1> kItemsOptions = {{
    {.name = "items",
     .type = OptionType::kItems,
     .help = "texts, or objects of fields (the first field is also the text)",
     .required = true},
}};

inline constexpr std::array<OptionRow, 3> kRangeOptions = {{
    {.name = "from_n",
     .type = OptionType::kInteger,
     .default_text = "1",
     .help = "the first number",
     .min = std::numeric_limits<std::int64_t>::min()},
    {.name = "to",
     .type = OptionType::kInteger,
     .help = "the last number, or what the numbers do not pass",
     .required = true,
     .min = std::numeric_limits<std::int64_t>::min()},
    {.name = "step",
     .type = OptionType::kInteger,
     .default_text = "1",
     .help = "from one number to the next; below 0 they fall",
     .min = std::numeric_limits<std::int64_t>::min()},
}};

// ---- operators -------------------------------------------------------------------------------

inline constexpr std::array<std::string_view, 5> kCutWays = {"lines", "words", "csv", "jsonl",
                                                             "json"};

inline constexpr std::array<OptionRow, 4> kReadOptions = {{
    {.name = "chunk",
     .type = OptionType::kSize,
     .default_text = "256KiB",
     .help = "bytes of a chunk, cut between records; .gz, .zst and .xz are decompressed",
     .min = 4 * kKiB,
     .max = kGiB},
    {.name = "max_record",
     .type = OptionType::kSize,
     .default_text = "1GiB",
     .help = "a longer record is a failure of its file; a 128th of limits.memory, if that is given",
     .min = 1},
    {.name = "cut",
     .type = OptionType::kChoice,
     .default_text = "lines",
     .help =
         "where records end: lines, words, csv, jsonl (of a line each), json (of any, or an array)",
     .choices = kCutWays},
    {.name = "separator",
     .type = OptionType::kByte,
     .default_text = ",",
     .help = "with \"cut\": \"csv\", the byte between fields; that of the split if not given"},
}};

inline constexpr std::array<std::string_view, 5> kSplitWays = {"lines", "words", "regex", "csv",
                                                               "json"};

inline constexpr std::array<OptionRow, 6> kSplitOptions = {{
    {.name = "by",
     .type = OptionType::kChoice,
     .default_text = "lines",
     .help =
         "lines, words (between white space), regex (its matches), csv (by column), json (fields)",
     .choices = kSplitWays},
    {.name = "pattern",
     .type = OptionType::kRegex,
     .help = "with \"by\": \"regex\": each match is a record, its first group if it has one"},
    {.name = "fields",
     .type = OptionType::kPointers,
     .help =
         "with \"by\": \"json\": fields to take, {\"name\": \"/a/pointer\"}, where a document has "
         "them"},
    {.name = "header",
     .type = OptionType::kFlag,
     .default_text = "true",
     .help = "with \"by\": \"csv\": the first record names the columns"},
    {.name = "columns",
     .type = OptionType::kTexts,
     .help = "with \"by\": \"csv\" and \"header\": false: what the columns are called"},
    {.name = "separator",
     .type = OptionType::kByte,
     .default_text = ",",
     .help = "with \"by\": \"csv\": the byte between fields; \"\\t\" for TSV"},
}};

inline constexpr std::array<OptionRow, 4> kFilterOptions = {{
    {.name = "match",
     .type = OptionType::kRegex,
     .help = "keep items in which this RE2 expression matches somewhere"},
    {.name = "where",
     .type = OptionType::kPredicate,
     .help = "keep items whose fields are so: {\"status\": {\">=\": 500}}; \"item\" is the text"},
    {.name = "invert",
     .type = OptionType::kFlag,
     .default_text = "false",
     .help = "keep the others instead"},
    {.name = "field",
     .type = OptionType::kText,
     .help = "\"match\" looks at this field and not at the text; without it nothing matches"},
}};

inline constexpr std::array<OptionRow, 4> kMapOptions = {{
    {.name = "text", .type = OptionType::kTemplate, .help = "the new text of the item"},
    {.name = "replace",
     .type = OptionType::kReplacements,
     .help = "{\"pattern\", \"with\"} or an array of them; in \"with\", \\1 is the first group"},
    {.name = "fields",
     .type = OptionType::kNamedTemplates,
     .help = "fields to set, {\"name\": \"text\"}; the others stay"},
    {.name = "json",
     .type = OptionType::kPointers,
     .help =
         "fields to take from a text that is JSON, {\"name\": \"/a/pointer\"}, where it has them"},
}};

inline constexpr std::array<OptionRow, 2> kPipelineOptions = {{
    {.name = "file",
     .type = OptionType::kPath,
     .help = "the job file, beside this one",
     .required = true},
    {.name = "vars",
     .type = OptionType::kNamedTemplates,
     .help = "values for its vars, as --set would give them: {\"name\": \"text\"}"},
}};

inline constexpr std::array<std::string_view, 2> kStatuses = {"ok", "any"};

inline constexpr std::array<OptionRow, 11> kHttpOptions = {{
    {.name = "url",
     .type = OptionType::kTemplate,
     .help = "what to fetch, by http or https; without it, the text of the item"},
    {.name = "method", .type = OptionType::kText, .help = "GET, or POST where there is a body"},
    {.name = "headers",
     .type = OptionType::kNamedTemplates,
     .help = "headers to send, {\"Name\": \"text\"}"},
    {.name = "body", .type = OptionType::kTemplate, .help = "what to send"},
    {.name = "save",
     .type = OptionType::kTemplate,
     .help = "the file that the body becomes; without it, the text of the item that is sent"},
    {.name = "status",
     .type = OptionType::kChoice,
     .default_text = "ok",
     .help = "ok: a status of 400 or more is a failure; any: it is an answer like others",
     .choices = kStatuses},
    {.name = "per_host",
     .type = OptionType::kInteger,
     .help = "requests to one host at a time; as many as there are workers otherwise",
     .min = 1,
     .max = kMaxWorkers},
    {.name = "max_body",
     .type = OptionType::kSize,
     .help = "the most bytes of a body; without \"save\" 64MiB if not given"},
    {.name = "max_redirects",
     .type = OptionType::kInteger,
     .default_text = "30",
     .help = "redirects to follow; 0: a redirect is an answer like others",
     .max = 1000},
    {.name = "retry_after",
     .type = OptionType::kFlag,
     .default_text = "true",
     .help = "wait and ask again, 5 times, if a 429 or 503 says when, within 10 minutes"},
    {.name = "ca_file",
     .type = OptionType::kText,
     .help = "PEM file of the authorities to trust instead of the system's"},
}};

inline constexpr std::array<std::string_view, 7> kAlgorithms = {
    "sha256", "sha512", "sha1", "md5", "blake3", "xxh3-64", "xxh3-128"};

inline constexpr OptionRow kRotationalWorkers = {
    .name = "rotational_workers",
    .type = OptionType::kInteger,
    .help = "how many wait for one turning disk at a time, 0: any; else 1 if it tells its speed",
    .max = 1024};

inline constexpr std::array<OptionRow, 3> kHashOptions = {{
    {.name = "algorithm",
     .type = OptionType::kChoices,
     .default_text = "sha256",
     .help = "which digest; several, all from one reading, set a field of its name each",
     .choices = kAlgorithms},
    {.name = "cache",
     .type = OptionType::kPathOrFlag,
     .default_text = "false",
     .help = "true: read only files that are not as they were; a path: there, not in .gorun/cache"},
    kRotationalWorkers,
}};

inline constexpr std::array<std::string_view, 4> kManifestFormats = {"auto", "coreutils", "bsd",
                                                                     "hashdeep"};

inline constexpr std::array<OptionRow, 3> kManifestOptions = {{
    {.name = "path",
     .type = OptionType::kTexts,
     .default_text = "-",
     .help = "the checksum files; - is standard input"},
    {.name = "format",
     .type = OptionType::kChoice,
     .default_text = "auto",
     .help = "auto: told line by line; otherwise every line has to be of this form",
     .choices = kManifestFormats},
    {.name = "algorithm",
     .type = OptionType::kChoice,
     .help = "of lines that do not name it; without it, the length of the digest decides",
     .choices = kAlgorithms},
}};

inline constexpr std::array<std::string_view, 2> kMissingWays = {"report", "ignore"};

inline constexpr std::array<OptionRow, 3> kVerifyOptions = {{
    {.name = "audit_root",
     .type = OptionType::kTexts,
     .help = "directories whose other files are reported as ADDED, at the end"},
    {.name = "missing",
     .type = OptionType::kChoice,
     .default_text = "report",
     .help = "report: a file that is not there is MISSING; ignore: its item is left out",
     .choices = kMissingWays},
    kRotationalWorkers,
}};

inline constexpr std::array<std::string_view, 7> kAggregates = {"count", "sum",  "min",     "max",
                                                                "mean",  "list", "distinct"};

inline constexpr std::array<OptionRow, 16> kReduceOptions = {{
    {.name = "by",
     .type = OptionType::kFields,
     .help =
         "the field to group by, or an array of them; []: all are one group; without it, the text"},
    {.name = "agg",
     .type = OptionType::kAggregates,
     .default_text = "count",
     .help = "what to make of a group; several by name, {\"n\": \"count\", \"all\": {\"sum\": "
             "\"bytes\"}}",
     .choices = kAggregates},
    {.name = "field",
     .type = OptionType::kText,
     .help = "the field to aggregate, where \"agg\" names none, or to feed; without it, the text"},
    {.name = "memory",
     .type = OptionType::kSize,
     .help = "bytes, more go to the disk; else a part of limits.memory, or 256MiB (128MiB a core)",
     .min = 64 * kKiB},
    {.name = "spill",
     .type = OptionType::kPath,
     .default_text = "/tmp",
     .help = "the directory for these runs, in files that have no name"},
    {.name = "argv",
     .type = OptionType::kArgv,
     .help =
         "a reducer, fed lines \"key TAB value\" sorted by key; a line that it prints is an item"},
    {.name = "shards",
     .type = OptionType::kInteger,
     .default_text = "1",
     .help = "reducers at once, {%} is which; one gets all lines of a key, answers go by shard",
     .min = 1,
     .max = kMaxProcs},
    {.name = "max_record",
     .type = OptionType::kSize,
     .default_text = "1GiB",
     .help =
         "a longer list, or item that argv prints, is a failure; a 128th of limits.memory if given",
     .min = 1},
    kCommandCwd,
    kCommandEnv,
    kCommandOkCodes,
    kCommandOutput,
    {.name = "max_output",
     .type = OptionType::kSize,
     .help = "bytes that group keeps of a reducer, the first and the last (default: all)",
     .min = 0},
    kCommandKillAfter,
    kCommandGrace,
    kCommandNice,
}};

inline constexpr std::array<std::string_view, 2> kOrders = {"desc", "asc"};

inline constexpr std::array<OptionRow, 3> kTopOptions = {{
    {.name = "n",
     .type = OptionType::kInteger,
     .help = "how many items to keep",
     .required = true,
     .min = 1},
    {.name = "by",
     .type = OptionType::kText,
     .default_text = "value",
     .help = "the field to compare, as numbers where both are; ties go by text"},
    {.name = "order",
     .type = OptionType::kChoice,
     .default_text = "desc",
     .help = "desc: the largest first; asc: the smallest first",
     .choices = kOrders},
}};

inline constexpr std::array<OptionRow, 6> kSortOptions = {{
    {.name = "by", .type = OptionType::kText, .help = "the field to compare; without it, the text"},
    {.name = "numeric",
     .type = OptionType::kFlag,
     .default_text = "false",
     .help = "compare as numbers, what is none comes last; otherwise bytes are compared"},
    {.name = "order",
     .type = OptionType::kChoice,
     .default_text = "asc",
     .help = "asc: the smallest first; desc: the largest first; equal ones stay as they came",
     .choices = kOrders},
    {.name = "n", .type = OptionType::kInteger, .help = "send only the first n", .min = 1},
    {.name = "memory",
     .type = OptionType::kSize,
     .help =
         "bytes to sort in, more go to the disk; without it, a part of limits.memory, or 256MiB",
     .min = 4 * kKiB},
    {.name = "spill",
     .type = OptionType::kPath,
     .default_text = "/tmp",
     .help = "the directory for these runs, in files that have no name"},
}};

inline constexpr std::array<OptionRow, 3> kDedupeOptions = {{
    {.name = "by",
     .type = OptionType::kText,
     .help = "the field by which items are alike; without it, the text"},
    {.name = "memory",
     .type = OptionType::kSize,
     .help = "bytes to remember in, then the disk is used; else a part of limits.memory, or 1GiB",
     .min = 4 * kKiB},
    {.name = "spill",
     .type = OptionType::kPath,
     .default_text = "/tmp",
     .help = "the directory for that, in files that have no name"},
}};

inline constexpr std::array<OptionRow, 2> kBatchOptions = {{
    {.name = "n",
     .type = OptionType::kInteger,
     .help = "how many items become one; at the end perhaps fewer",
     .required = true,
     .min = 1},
    {.name = "separator",
     .type = OptionType::kText,
     .default_text = "\n",
     .help = "what stands between their texts"},
}};

inline constexpr std::array<std::string_view, 2> kMergePolicies = {"fair", "any"};

inline constexpr std::array<OptionRow, 1> kMergeOptions = {{
    {.name = "policy",
     .type = OptionType::kChoice,
     .default_text = "fair",
     .help = "fair: stages that have items take short turns; any: long ones, which is faster",
     .choices = kMergePolicies},
}};

inline constexpr std::array<std::string_view, 3> kOtherwise = {"out", "fail", "drop"};

inline constexpr std::array<OptionRow, 2> kRouteOptions = {{
    {.name = "to",
     .type = OptionType::kPredicates,
     .help = "ports and what they take, {\"big\": {\"size\": {\">=\": 1000}}}; the first that fits",
     .required = true},
    {.name = "otherwise",
     .type = OptionType::kChoice,
     .default_text = "out",
     .help = "an item that no port takes goes to the port \"out\", fails, or is left out",
     .choices = kOtherwise},
}};

inline constexpr std::array<OptionRow, 1> kTakeOptions = {{
    {.name = "n",
     .type = OptionType::kInteger,
     .help = "how many items to let through; then the stages before it end",
     .required = true,
     .min = 1},
}};

// ---- sinks -----------------------------------------------------------------------------------

inline constexpr std::array<std::string_view, 9> kFormats = {
    "text", "bytes", "jsonl", "csv", "tsv", "sha256sum", "bsd", "hashdeep", "check"};

inline constexpr std::array<OptionRow, 4> kWriteOptions = {{
    {.name = "path",
     .type = OptionType::kPath,
     .default_text = "-",
     .help = "the file to write; - is standard output"},
    {.name = "format",
     .type = OptionType::kChoice,
     .default_text = "text",
     .help =
         "text (a line each); bytes; fields (jsonl, csv, tsv); digests (sha256sum, ...); results",
     .choices = kFormats},
    {.name = "atomic",
     .type = OptionType::kFlag,
     .default_text = "true",
     .help = "write beside the file and rename when all is well, so that no half of it is seen"},
    {.name = "fail_if_any",
     .type = OptionType::kPredicate,
     .help =
         "fail, after all is written, if an item was such; {\"item\": {\"exists\": true}}: any"},
}};

}  // namespace gorun::jobs
