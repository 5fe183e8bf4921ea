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
constexpr unsigned kHashOnly = bit(Command::kHash);
constexpr unsigned kEvery = kReadsJob | bit(Command::kStages) | bit(Command::kSchema) |
                            bit(Command::kHash) | bit(Command::kHelp);

constexpr std::array<CommandRow, 8> kCommands = {{
    {Command::kRun, "run", "FILE [TARGET...]", "run a job file; \"gorun FILE\" does the same"},
    {Command::kCheck, "check", "FILE", "report every mistake in a job file, and run nothing"},
    {Command::kGraph, "graph", "FILE [TARGET...]", "draw the graph of a job; nothing is run"},
    {Command::kExplain, "explain", "FILE [TARGET...]",
     "tell what would run, and why; nothing is run"},
    {Command::kStages, "stages", "[KIND]", "list the kinds of stages, or all about one of them"},
    {Command::kSchema, "schema", "", "print the JSON Schema of job files, for editors"},
    {Command::kHash, "hash", "PATH...",
     "print digests of files, and of all files below directories"},
    {Command::kHelp, "help", "[COMMAND]", "explain gorun, or one of its commands"},
}};

constexpr std::array<FlagRow, 21> kFlags = {{
    {"-j", "--jobs", "N", "use N cores (default: all that this process may use)",
     kRunOnly | kHashOnly},
    {"", "--set", "NAME=VALUE", "give a variable of the job file a value; may be repeated",
     kReadsJob},
    {"", "--set-file", "NAME=PATH", "as --set, with what a file holds, but for its last line end",
     kReadsJob},
    {"-n", "--dry-run", "", "tell what would be run, in order, and run nothing", kRunOnly},
    {"-k", "--keep-going", "", "let a failure stop only what depends on it; \"fail\" of the job",
     kRunOnly},
    {"", "--timeout", "TIME", "stop the run when it has taken so long: 90, 5m, 1h30m", kRunOnly},
    {"-q", "--quiet", "", "say nothing but errors; with --check, nothing of files that match",
     bit(Command::kRun) | bit(Command::kCheck) | kHashOnly},
    {"-a", "--algorithm", "NAMES",
     "sha256 (default), sha512, sha1, md5, blake3, xxh3-64, xxh3-128; several with commas",
     kHashOnly},
    {"", "--format", "FORM", "sha256sum (default), bsd, hashdeep, jsonl", kHashOnly},
    {"", "--order", "ORDER", "path (default): sorted; walk: as directories list their names",
     kHashOnly},
    {"-c", "--check", "", "read digests from the files, and check them", kHashOnly},
    {"", "--strict", "", "with --check: a line that makes no sense is a failure", kHashOnly},
    {"", "--ignore-missing", "", "with --check: say nothing of files that are not there",
     kHashOnly},
    {"-v", "--verbose", "", "show figures for each stage at the end; -vv logs what happens",
     kRunOnly},
    {"", "--progress", "WHEN", "auto, bar (redrawn in place), plain (a line now and then), none",
     kRunOnly},
    {"", "--format", "FORMAT", "dot, mermaid, or svg, for which Graphviz has to be there",
     bit(Command::kGraph)},
    {"", "--color", "WHEN", "auto, always, never; auto heeds NO_COLOR", kEvery},
    {"", "--log-level", "LEVEL", "off, warn, info, debug (default: warn)", kRunOnly},
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
