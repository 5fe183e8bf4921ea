// cli/flags.cc - the tables of commands and flags.

#include "cli/flags.h"

#include <algorithm>
#include <array>

namespace gorun::cli {
namespace {

constexpr unsigned bit(Command command) { return 1U << static_cast<unsigned>(command); }

constexpr unsigned kRunOnly = bit(Command::kRun);
constexpr unsigned kReadsJob =
    bit(Command::kRun) | bit(Command::kCheck) | bit(Command::kGraph) | bit(Command::kExplain);
constexpr unsigned kMapOnly = bit(Command::kMap);
constexpr unsigned kCountOnly = bit(Command::kCount);
constexpr unsigned kRuns = kRunOnly | kMapOnly | kCountOnly;
constexpr unsigned kHashOnly = bit(Command::kHash);
constexpr unsigned kEvery = kReadsJob | kMapOnly | kCountOnly | bit(Command::kStages) |
                            bit(Command::kSchema) | bit(Command::kHash) | bit(Command::kHelp);

constexpr std::array<CommandRow, 10> kCommands = {{
    {Command::kRun, "run", "FILE [TARGET...]", "run a job file; \"gorun FILE\" does the same"},
    {Command::kMap, "map", "[--] COMMAND [ARG...]",
     "run a command for each line of standard input, as xargs does"},
    {Command::kCheck, "check", "FILE", "report every mistake in a job file, and run nothing"},
    {Command::kGraph, "graph", "FILE [TARGET...]", "draw the graph of a job; nothing is run"},
    {Command::kExplain, "explain", "FILE [TARGET...]",
     "tell what would run, what is up to date, and why; nothing is run"},
    {Command::kStages, "stages", "[KIND]", "list the kinds of stages, or all about one of them"},
    {Command::kSchema, "schema", "", "print the JSON Schema of job files, for editors"},
    {Command::kHash, "hash", "PATH...",
     "print digests of files, and of all files below directories"},
    {Command::kCount, "count", "PATH...",
     "count words, lines or matches in files, and in all files below directories"},
    {Command::kHelp, "help", "[COMMAND]", "explain gorun, or one of its commands"},
}};

constexpr std::array<FlagRow, 52> kFlags = {{
    {"-j", "--jobs", "N", "use N cores (default: all that this process may use)",
     kRunOnly | kHashOnly | kCountOnly},
    {"-j", "--jobs", "N", "run N commands at a time (default: one for each core)", kMapOnly},
    {"-n", "--max-args", "N", "give a command N lines, fewer at the end (default: 1)", kMapOnly},
    {"-k", "--keep-order", "", "print what commands print in the order of the lines", kMapOnly},
    {"-0", "--null", "", "lines end in a NUL byte, as find -print0 writes them", kMapOnly},
    {"", "--output", "MODE",
     "group (default): whole, at a command's end; line: at once, with a prefix; raw", kMapOnly},
    {"", "--by", "WHAT", "count words (default), lines, or regex: what matches --pattern",
     kCountOnly},
    {"", "--pattern", "REGEX",
     "with --by regex: each match is counted, its first group if it has one", kCountOnly},
    {"-e", "--match", "REGEX", "count the lines of each file in which it matches", kCountOnly},
    {"-F", "--fixed", "", "with --match: it is a text, not a regular expression", kCountOnly},
    {"-n", "--top", "N", "print only the N largest counts", kCountOnly},
    {"", "--total", "", "print one number: all of them together", kCountOnly},
    {"", "--format", "FORM", "tsv (default), csv, jsonl", kCountOnly},
    {"", "--json", "", "short for --format jsonl", kCountOnly},
    {"", "--max-record", "SIZE", "refuse files with longer lines or words (default: 1GiB)",
     kCountOnly},
    {"", "--print", "", "print the job file that would be run, and run nothing",
     kMapOnly | kCountOnly},
    {"", "--set", "NAME=VALUE", "give a variable of the job file a value; may be repeated",
     kReadsJob},
    {"", "--set-file", "NAME=PATH", "as --set, with what a file holds, but for its last line end",
     kReadsJob},
    {"-n", "--dry-run", "", "tell what would be run, in order, and run nothing", kRunOnly},
    {"-k", "--keep-going", "", "let a failure stop only what depends on it; \"fail\" of the job",
     kRunOnly},
    {"-B", "--always-run", "", "run commands although they are up to date, as make -B does",
     kRunOnly},
    {"", "--paranoid", "", "read all inputs and files again, whatever caches say of them",
     kRunOnly},
    {"", "--paranoid", "", "read all files again, whatever the cache says of them", kHashOnly},
    {"", "--max-load", "N",
     "start no command while N processes run on the machine, but a first one", kRuns},
    {"", "--memfree", "SIZE", "start no command while less memory is available, but a first one",
     kRuns},
    {"", "--nice", "N", "add N, at most 19, to the niceness of the commands", kRuns},
    {"", "--jobserver", "", "commands and the makes that they run share one limit of jobs", kRuns},
    {"", "--timeout", "TIME", "stop the run when it has taken so long: 90, 5m, 1h30m", kRunOnly},
    {"-q", "--quiet", "", "say nothing but errors; with --check, nothing of files that match",
     kRuns | bit(Command::kCheck) | kHashOnly},
    {"-a", "--algorithm", "NAMES",
     "sha256 (default), sha512, sha1, md5, blake3, xxh3-64, xxh3-128; several with commas",
     kHashOnly},
    {"", "--format", "FORM", "sha256sum (default), bsd, hashdeep, jsonl", kHashOnly},
    {"", "--order", "ORDER", "path (default): sorted; walk: as directories list their names",
     kHashOnly},
    {"", "--rotational-workers", "N",
     "how many wait for one turning disk at a time, 0: any number (default: 1)", kHashOnly},
    {"", "--cache", "DIR",
     "remember digests there; next time only files are read that are not as they were", kHashOnly},
    {"-c", "--check", "", "read digests from the files, and check them", kHashOnly},
    {"", "--audit", "FILE",
     "compare the paths with the digests in FILE: changed, moved, missing, ...", kHashOnly},
    {"", "--strict", "", "with --check or --audit: a line that makes no sense is a failure",
     kHashOnly},
    {"", "--strict", "", "a warning is a mistake, too", bit(Command::kCheck)},
    {"", "--ignore-missing", "", "with --check or --audit: say nothing of files that are not there",
     kHashOnly},
    {"-v", "--verbose", "", "show figures for each stage at the end; -vv logs what happens", kRuns},
    {"", "--progress", "WHEN", "auto, bar (redrawn in place), plain (a line now and then), none",
     kRuns | kHashOnly},
    {"", "--format", "FORMAT", "dot, mermaid, or svg, for which Graphviz has to be there",
     bit(Command::kGraph)},
    {"", "--report", "PATH", "write a page (HTML) of the stages, failures and times of the run",
     kRuns},
    {"", "--summary", "PATH", "write states, counts, times and failures of the run as JSON", kRuns},
    {"", "--junit", "PATH", "write the outcome as JUnit XML, for CI servers", kRuns},
    {"", "--trace", "PATH", "write what ran when, for ui.perfetto.dev", kRuns},
    {"", "--github", "WHEN", "annotate failures for GitHub: auto (in its Actions), on, off", kRuns},
    {"", "--color", "WHEN", "auto, always, never; auto heeds NO_COLOR", kEvery},
    {"", "--log-level", "LEVEL", "off, warn, info, debug (default: warn)", kRuns},
    {"", "--sha256-path", "PATH", "auto, avx512, avx2, sha-ni, openssl", kHashOnly, true},
    {"-h", "--help", "", "explain the command", kEvery},
    {"", "--version", "", "print the version", kEvery},
}};

}  // namespace

std::span<const CommandRow> commands() { return kCommands; }

const CommandRow& row_of(Command command) {
  return *std::ranges::find(kCommands, command, &CommandRow::command);
}

std::span<const FlagRow> flags() { return kFlags; }

}  // namespace gorun::cli
