// tests/cli/count_test.cc - `gorun count`, compared with tr, sort, uniq, grep and wc.

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::count_test {

namespace {

CommandResult count(std::vector<std::string> arguments, CommandOptions options = {}) {
  // A slow run would tell its progress among what is compared.
  arguments.insert(arguments.begin(), {"count", "--progress=none"});
  return run_gorun(std::move(arguments), std::move(options));
}

// What a shell says in `directory`, in the C locale.
std::string shell(const ScratchDir& dir, const std::string& script) {
  const CommandResult result = run_command({"bash", "-c", "set -euo pipefail; " + script},
                                           {.directory = dir.path(), .env = {{"LC_ALL", "C"}}});
  CHECK(result.status == 0);
  return result.out;
}

// Words, some again and again, with a line of several at a time; the first file is empty, and the
// last one lacks its last line end.
void write_files(const ScratchDir& dir) {
  std::mt19937 random(1);
  for (int file = 0; file < 4; ++file) {
    std::string text;
    for (int i = 0; i < 3000 * file; ++i) {
      text += "word" + std::to_string(random() % (1 + random() % 300));
      text += " \n \v\n"[random() % 5];
    }
    if (file > 0) text += file == 3 ? "last" : "\n";
    dir.write("in/" + std::to_string(file) + ".txt", text);
  }
}

// `uniq -c` in the order and the form of gorun.
constexpr const char* kRank =
    " | sort | uniq -c | sort -k1,1nr -k2 | sed -E 's/^ *([0-9]+) (.*)$/\\2\\t\\1/'";

}  // namespace

TEST_SUITE_BEGIN("cli/count");

TEST_CASE("words are those of tr, sort and uniq, the most frequent first") {
  const ScratchDir dir;
  write_files(dir);
  const std::string all =
      shell(dir, std::string("cat in/* | tr -s '[:space:]' '\\n' | sed '/^$/d'") + kRank);
  for (const char* cores : {"1", "2", "8"}) {
    CAPTURE(cores);
    const CommandResult result = count({"-j", cores, "in"}, {.directory = dir.path()});
    CHECK(result.status == 0);
    CHECK(result.out == all);
    CHECK(result.err.empty());
  }
  CHECK(count({"--top", "7", "in/1.txt", "in/2.txt", "in/3.txt"}, {.directory = dir.path()}).out ==
        shell(dir, "head -n 7 <<'E'\n" + all + "E\n"));
  CHECK(count({"--total", "in"}, {.directory = dir.path()}).out == shell(dir, "cat in/* | wc -w"));
}

TEST_CASE("lines, and matches of an expression") {
  const ScratchDir dir;
  write_files(dir);
  CHECK(count({"--by", "lines", "in"}, {.directory = dir.path()}).out ==
        shell(dir, std::string("(cat in/*; echo)") + kRank));
  CHECK(count({"--by", "regex", "--pattern", "word([12])", "in"}, {.directory = dir.path()}).out ==
        shell(dir, std::string("cat in/* | grep -o 'word[12]' | sed 's/word//'") + kRank));
  CHECK(count({"--by", "lines", "--total", "in"}, {.directory = dir.path()}).out ==
        shell(dir, "(cat in/*; echo) | wc -l"));
}

TEST_CASE("lines in which something matches are counted for each file, as grep -c does") {
  const ScratchDir dir;
  write_files(dir);
  dir.write("in/4.txt", "a.b(\na.b\nxaxbx(\n\n1.b( a.b(");
  for (const char* expression : {"word1", "d12\\b", "^word2", "[13]$", "ord.*ord", "9", "", "x*"}) {
    if (std::string(expression).empty()) continue;
    CAPTURE(expression);
    CHECK(count({"-e", expression, "in"}, {.directory = dir.path()}).out ==
          shell(dir, std::string("grep -cE -e '") + expression +
                         "' in/* | tr ':' '\\t' | { grep -v '\\s0$' || true; }"));
  }
  CHECK(count({"-F", "-e", "a.b(", "in"}, {.directory = dir.path()}).out == "in/4.txt\t2\n");
  CHECK(count({"-e", "word1", "--total", "in"}, {.directory = dir.path()}).out ==
        shell(dir,
              "cat in/[0-2].txt | grep -c word1 > a; grep -c word1 in/3.txt > b;"
              "echo $(($(cat a) + $(cat b)))"));
  CHECK(count({"-e", "word1", "--top", "1", "in"}, {.directory = dir.path()}).out ==
        shell(dir, "grep -c word1 in/3.txt | sed 's/^/in\\/3.txt\\t/'"));
}

TEST_CASE("standard input, by itself and beside files; formats") {
  const ScratchDir dir;
  dir.write("a", "x y\n");
  CHECK(count({"-"}, {.input = "b a b\n"}).out == "b\t2\na\t1\n");
  CHECK(count({"-", "a"}, {.input = "x\n", .directory = dir.path()}).out == "x\t2\ny\t1\n");
  CHECK(count({"-e", "x", "-", "a"}, {.input = "x\nx\n", .directory = dir.path()}).out ==
        "-\t2\na\t1\n");
  CHECK(count({"--json", "a"}, {.directory = dir.path()}).out ==
        "{\"key\":\"x\",\"value\":1}\n{\"key\":\"y\",\"value\":1}\n");
  CHECK(count({"--format", "csv", "a"}, {.directory = dir.path()}).out == "key,value\nx,1\ny,1\n");
}

TEST_CASE(
    "a file that is not there, and a line that is too long, are told of; the rest is counted") {
  const ScratchDir dir;
  dir.write("a", "x\n");
  dir.write("long", "y\n" + std::string(1 << 20, 'z'));
  const CommandResult missing = count({"a", "none"}, {.directory = dir.path()});
  CHECK(missing.status == 1);
  CHECK(missing.out == "x\t1\n");
  CHECK(missing.err ==
        "gorun: stage \"files\": cannot stat \"none\": No such file or directory (item "
        "\"none\")\n");
  const CommandResult longer =
      count({"--max-record", "64KiB", "a", "long"}, {.directory = dir.path()});
  CHECK(longer.status == 1);
  CHECK(longer.out == "x\t1\ny\t1\n");
  CHECK(
      longer.err ==
      "gorun: stage \"text\": \"long\" has a record of more than 65536 bytes (at byte 2; a larger "
      "\"max_record\" lets it through) (item \"long\")\n");
}

TEST_CASE("--print shows a job file that does the same") {
  const ScratchDir dir;
  write_files(dir);
  const CommandResult printed = count({"--print", "--top", "3", "-e", "a\"b", "in", "x${{ y }}"});
  CHECK(printed.out == R"({
  "gorun": 1,
  "stages": {
    "files": {"kind": "walk", "root": ["in", "x$${{ y }}"], "on_error": "continue"},
    "text": {"kind": "read", "from": "files", "on_error": "continue"},
    "lines": {"kind": "split", "from": "text", "by": "lines"},
    "hits": {"kind": "filter", "from": "lines", "match": "a\"b"},
    "counts": {"kind": "reduce", "from": "hits", "by": "path"},
    "top": {"kind": "top", "from": "counts", "n": 3},
    "out": {"kind": "write", "from": "top", "format": "tsv"}
  }
}
)");
  const std::string job = count({"--print", "in"}).out;
  CHECK(run_gorun({"-q", "-"}, {.input = job, .directory = dir.path()}).out ==
        count({"in"}, {.directory = dir.path()}).out);
}

TEST_CASE("mistakes on the command line") {
  const auto error_of = [](std::vector<std::string> arguments) {
    const CommandResult result = count(std::move(arguments));
    CHECK(result.status == 2);
    CHECK(result.out.empty());
    return result.err;
  };
  CHECK(error_of({}) ==
        "gorun: error: a path is missing\n  hint: \"gorun help count\" has examples\n");
  CHECK(error_of({"--by", "word", "a"}) ==
        "gorun: error: option \"--by\" cannot be \"word\"\n  hint: did you mean \"words\"?\n");
  CHECK(error_of({"--by", "regex", "a"}) == "gorun: error: \"--by regex\" needs \"--pattern\"\n");
  CHECK(error_of({"--pattern", "x", "a"}) ==
        "gorun: error: option \"--pattern\" needs \"--by regex\"\n");
  CHECK(error_of({"-e", "x", "--by", "words", "a"}) ==
        "gorun: error: options \"--match\" and \"--by\" exclude each other\n"
        "  hint: --match counts lines; --by regex --pattern REGEX counts what matches\n");
  CHECK(error_of({"-e", "", "a"}) ==
        "gorun: error: option \"--match\" is empty, and would match every line\n"
        "  hint: --by lines --total counts them all\n");
  CHECK(error_of({"-F", "a"}) == "gorun: error: option \"--fixed\" needs \"--match\"\n");
  CHECK(error_of({"--top", "0", "a"}) ==
        "gorun: error: option \"--top\" cannot be \"0\"\n"
        "  hint: it is a whole number from 1 to 1000000000\n");
  CHECK(error_of({"--total", "--top", "1", "a"}) ==
        "gorun: error: options \"--total\" and \"--top\" exclude each other\n");
  CHECK(error_of({"--json", "--format", "csv", "a"}) ==
        "gorun: error: options \"--json\" and \"--format\" exclude each other\n");
  CHECK(error_of({"--max-record", "much", "a"}) ==
        "gorun: error: option \"--max-record\" cannot be \"much\"\n"
        "  hint: it is a size such as 4096 or 64KiB\n");
  CHECK(error_of({"\xff"}) ==
        "gorun: error: a path or an expression is not UTF-8, which a job file has to be\n"
        "  hint: name the directory above, or use standard input\n");
  CHECK(error_of({"-e", "a(", "x"})
            .starts_with(
                "gorun count:7:58: error: \"match\" is not a regular expression: missing ): a(\n"));
}

TEST_SUITE_END();

}  // namespace gorun::test::count_test
