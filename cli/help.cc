// cli/help.cc - the texts of `gorun help`.

#include "cli/help.h"

#include <algorithm>
#include <string_view>

namespace gorun::cli {
namespace {

constexpr std::string_view kIntroduction =
    R"(gorun runs job files: stages wired by channels, on every core.

usage: gorun [OPTIONS] FILE
       gorun COMMAND [OPTIONS] ...

A job file is JSON. This one hashes every file below /usr/include:

  {
    "gorun": 1,
    "stages": {
      "files":   {"kind": "walk", "root": "/usr/include"},
      "digests": {"kind": "hash", "from": "files"},
      "out":     {"kind": "write", "from": "digests", "format": "sha256sum"}
    }
  }

Save it as hash.json; then
  gorun hash.json                       runs it
  gorun hash.json | sha256sum -c        has another tool check the result
  gorun check hash.json                 only looks for mistakes
  gorun stages                          lists what stages can do
  gorun stages walk                     tells all about one kind
)";

constexpr std::string_view kExitStatus = R"(
exit status:
  0 all went well             70 a bug in gorun
  1 a stage failed            74 an output could not be written
  2 wrong command line        124 the time of --timeout was up
  3 wrong job file            130, 143, 129 interrupted, terminated, hung up
  5 deadlock: stages wait for each other
)";

constexpr std::string_view kRunExamples = R"(
examples:
  gorun job.json                        run it on all cores
  gorun -j 2 job.json                   on two
  gorun --set root=/usr/share job.json  with another value for "${{ vars.root }}"
  gorun job.json test lint              only what these targets or stages take
  gorun -k --timeout 1h job.json        go on after failures, but not for ever
  gorun -B job.json build               run "build" although it is up to date
  gorun --dry-run job.json              tell what would be run, and run nothing
  generate | gorun -                    the job file comes from standard input
  gorun job.json > out.txt              results go to standard output, all else to stderr
  gorun ./run                           a job file that is called like a command

Interrupt (control-C) once and nothing more begins: sources stop, and the commands that run come to
their end; twice and the commands get SIGTERM, then SIGKILL; three times and gorun leaves at once.
SIGTERM and SIGHUP count as one interrupt each.
)";

constexpr std::string_view kMapExamples = R"(
In a word of the command {} stands for the line, {.} for it without its extension, {/} for its base
name, {//} for its directory, {/.} for its base name without its extension, {#} for the number of the
command, {%} for that of its slot. Without any of them the line is the last argument. It is one
argument, whatever it holds.

examples:
  ls *.png | gorun map -- convert {} {.}.jpg
  find . -name '*.c' -print0 | gorun map -0 -n 50 -- grep -l main
  seq 100 | gorun map -j 8 --output line -- ./fetch {}
  gorun map --print -- gzip -k          a job file to start from
)";

constexpr std::string_view kCheckExamples = R"(
examples:
  gorun check job.json                  "job.json: ok, 3 stages", or every mistake at once
  gorun check --set n=5 job.json        with a value for "${{ vars.n }}"
  gorun check -q job.json && echo fine  only the exit status: 0, or 3 if the file is wrong
)";

constexpr std::string_view kGraphExamples = R"(
examples:
  gorun graph job.json | dot -Tpng -o job.png
  gorun graph --format mermaid job.json for Markdown that draws Mermaid
  gorun graph --format svg job.json > job.svg
)";

constexpr std::string_view kExplainExamples = R"(
examples:
  gorun explain job.json                which stages would run, when, and what each would do
  gorun explain job.json test           what the target "test" takes
  gorun explain job.json build          is the command of the stage "build" up to date? why not?
)";

constexpr std::string_view kSchemaExamples = R"(
examples:
  gorun schema > gorun.schema.json      then name it in the settings of your editor
)";

constexpr std::string_view kStagesExamples = R"(
examples:
  gorun stages                          one line for each kind
  gorun stages exec                     its options, with types and defaults, and an example
)";

constexpr std::string_view kHashExamples = R"(
examples:
  gorun hash /etc > sums                SHA-256 of all files below /etc; sha256sum -c reads it
  gorun hash --check sums               are they still the same?
  gorun hash -q --check sums            the same, and only of those that are not
  gorun hash --audit sums /etc          and what was moved, added or removed
  gorun hash -a md5,sha256 --format hashdeep src
  gorun hash -a blake3 disk.img         one file, on all cores
  tar c /etc | gorun hash -             what comes from standard input
  gorun hash --cache ~/.cache/gorun /data > sums      again: reads what is new or changed

Links are followed where they are given and passed over below a directory, as are FIFOs, sockets
and devices. A file that changes while it is read gets no digest but a message.

With --cache a file is as it was while its path, size, times of modification and of change, and
inode are. What a bad disk does to it does not show in them: --paranoid reads all, and tells.
)";

constexpr std::string_view kCountExamples = R"(
examples:
  gorun count --top 20 src              the most frequent words: tr | sort | uniq -c | sort -rn
  gorun count --by lines access.log     each different line, the most frequent first
  gorun count --by regex --pattern '"status":([0-9]+)' log
  gorun count -e TODO src               lines with TODO, for each file: rg -c
  gorun count -F -e 'a.b(' --total src  lines with this text, all together
  gorun count --total book.txt          words: wc -w
  zcat log.gz | gorun count -           what comes from standard input
  gorun count --print src > job.json    a job file to start from

Words are what stands between white space. A row is a word and its count, the largest count first; of
equal ones, in byte order. Any bytes are counted as they are. Several cores work on one file.
)";

constexpr std::string_view kHelpExamples = R"(
examples:
  gorun help
  gorun help run
)";

std::string_view examples(Command command) {
  switch (command) {
    case Command::kRun:
      return kRunExamples;
    case Command::kMap:
      return kMapExamples;
    case Command::kCheck:
      return kCheckExamples;
    case Command::kGraph:
      return kGraphExamples;
    case Command::kExplain:
      return kExplainExamples;
    case Command::kSchema:
      return kSchemaExamples;
    case Command::kStages:
      return kStagesExamples;
    case Command::kHash:
      return kHashExamples;
    case Command::kCount:
      return kCountExamples;
    case Command::kHelp:
      return kHelpExamples;
  }
  return "";
}

// "  LEFT   RIGHT\n" with RIGHT in one column.
std::string row(std::string left, std::string_view right) {
  constexpr std::size_t kColumn = 26;
  left.resize(std::max(left.size() + 1, kColumn), ' ');
  return "  " + left + std::string(right) + "\n";
}

std::string flag_rows(Command command) {
  std::string out = "\noptions:\n";
  for (const FlagRow& flag : flags()) {
    if (!flag.belongs_to(command) || flag.is_hidden) continue;
    std::string left = flag.short_name.empty() ? "    " : std::string(flag.short_name) + ", ";
    left += flag.long_name;
    if (!flag.value.empty()) left.append(" ").append(flag.value);
    out += row(left, flag.help);
  }
  return out;
}

}  // namespace

std::string help_text() {
  std::string out(kIntroduction);
  out += "\ncommands:\n";
  for (const CommandRow& command : commands()) {
    out += row(std::string(command.name).append(" ").append(command.argument), command.summary);
  }
  return out + flag_rows(Command::kRun) + std::string(kExitStatus);
}

std::string help_text(Command command) {
  const CommandRow& about = row_of(command);
  std::string usage = "usage: gorun ";
  usage.append(about.name).append(" [OPTIONS] ").append(about.argument).append("\n\n");
  return usage.append(about.summary).append("\n") + flag_rows(command) +
         std::string(examples(command));
}

}  // namespace gorun::cli
