// tests/cli/exec_fed_test.cc - one command that is fed many items by its standard input.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/fifo.h"
#include "tests/support/lines.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::exec_fed_test {

using gorun::test::lines_of;
using gorun::test::scaled;

namespace {

// The items go to `exec`, which has "stdin": "items"; its own go to standard output.
std::string job(const std::string& source, const std::string& exec, const std::string& more = "") {
  return R"({"gorun": 1, "stages": {
    "i": {)" +
         source + R"(},
    "e": {"kind": "exec", "from": "i", "stdin": "items", )" +
         exec + R"(}, )" + more + R"(
    "w": {"kind": "write", "from": "e"}}})";
}
CommandResult run(const std::string& text, std::vector<std::string> arguments = {"-q", "-"}) {
  return run_gorun(std::move(arguments), {.input = text});
}
std::string items(const std::string& list) { return R"("kind": "items", "items": [)" + list + "]"; }

}  // namespace

TEST_SUITE_BEGIN("cli/exec_fed");

TEST_CASE("one command is fed all items, and its answers are items in its order") {
  const int count = scaled(200'000, 2'000);
  const CommandResult result =
      run(job(R"("kind": "range", "to": )" + std::to_string(count),
              R"("stdout": "items", "shell": "echo begin; cat; echo end")"));
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  std::string expected = "begin\n";
  for (int i = 1; i <= count; ++i) expected += std::to_string(i) + "\n";
  CHECK((result.out == expected + "end\n"));
}

TEST_CASE("an answer goes on while the command still waits for the next item") {
  const ScratchDir scratch;
  const Fifo in(scratch / "in");
  const Fifo seen(scratch / "seen");
  Command gorun(gorun_argv({"-q", scratch.write("job.json", R"({"gorun": 1, "stages": {
    "i": {"kind": "lines", "path": "in"},
    "e": {"kind": "exec", "from": "i", "stdin": "items", "stdout": "items",
          "shell": "while read x; do echo \"<$x>\"; done"},
    "s": {"kind": "exec", "from": "e", "shell": "echo $1 > seen"}}})")}),
                {.directory = scratch.path()});
  for (const char* item : {"a", "b", "c"}) {
    in.write(std::string(item) + "\n");
    CHECK(seen.read(4) == "<" + std::string(item) + ">\n");
  }
  // The source is cut off, and the command reads the end of its input.
  gorun.signal(SIGINT);
  CHECK(gorun.finish().status == 130);
}

TEST_CASE("neither a command that talks before it reads nor one that answers at the end blocks") {
  // More than all pipes and channels hold, both ways.
  const int count = scaled(300'000, 30'000);
  const std::string numbers = R"("kind": "range", "to": )" + std::to_string(count);
  for (const char* script : {"seq 1000000 1300000; cat", "sort -n; seq 1000000 1300000"}) {
    CAPTURE(std::string(script));
    const CommandResult result =
        run(job(numbers, R"("stdout": "items", "shell": ")" + std::string(script) + "\""));
    CHECK(result.status == 0);
    CHECK(std::ranges::count(result.out, '\n') == count + 300'001);
  }
}

TEST_CASE("\"workers\" is the number of commands, each with a part of the items, or none") {
  const CommandResult result =
      run(job(items(R"("1", "2", "3", "4", "5", "6")"),
              R"("workers": 3, "stdout": "items", "shell": "echo begin; cat")"));
  CHECK(result.status == 0);
  std::vector<std::string> lines = lines_of(result.out);
  std::ranges::sort(lines);
  CHECK(lines == std::vector<std::string>{"1", "2", "3", "4", "5", "6", "begin", "begin", "begin"});
  const CommandResult none = run(R"({"gorun": 1, "stages": {
    "i": {"kind": "items", "items": ["x"]},
    "n": {"kind": "filter", "from": "i", "match": "y"},
    "e": {"kind": "exec", "from": "n", "stdin": "items", "stdout": "items", "argv": ["wc", "-l"]},
    "w": {"kind": "write", "from": "e"}}})");
  CHECK(none.out == "0\n");
}

TEST_CASE("items may hold line ends where a NUL byte ends them, and fail where they would be two") {
  const std::string list = items(R"("a b", "c\nd", "e")");
  const CommandResult result =
      run(job(list, R"("stdin_delimiter": "\u0000", "stdout": "items", "stdout_delimiter": ";",
                       "argv": ["xargs", "-0", "-n1", "printf", "<%s>;"])"));
  CHECK(result.status == 0);
  CHECK(result.out == "<a b>\n<c\nd>\n<e>\n");
  const CommandResult two = run(job(list, R"("stdout": "items", "argv": ["cat"])"));
  CHECK(two.status == 1);
  CHECK(two.err ==
        "gorun: error: stage \"e\" failed: the item holds the byte that ends an item on the input "
        "of the command; \"stdin_delimiter\" chooses another one (item \"c\\nd\")\n");
}

TEST_CASE("what a command prints as a group, captures or discards is treated as ever") {
  const std::string list = items(R"("1", "2")");
  CHECK(
      run(R"({"gorun": 1, "stages": {"i": {)" + list +
          R"(}, "e": {"kind": "exec", "from": "i", "stdin": "items", "shell": "cat; echo e >&2"}}})")
          .out == "1\n2\n");
  CHECK(
      run(job(list, R"("stdout": "capture", "argv": ["cat"])",
              R"("m": {"kind": "map", "from": "e", "text": "[${{ item }}]"}, "v": {"kind": "write", "from": "m"},)"))
          .out.find("[1\n2]\n") != std::string::npos);
}

TEST_CASE("a command that ends well before it has read all is a failure, and says which item") {
  const std::string list = items(R"("one", "two", "three", "four")");
  const std::string script = R"("stdout": "items", "shell": "read a; read b; echo $a $b")";
  const CommandResult result = run(job(list, script));
  CHECK(result.status == 1);
  CHECK(result.err ==
        "gorun: error: stage \"e\" failed: the shell script: exit 0 before it had read the item "
        "(item \"three\")\n");
  const CommandResult let_go = run(job(list, script + R"(, "on_error": "continue")"));
  CHECK(let_go.status == 0);
  CHECK(let_go.out == "one two\n");
  CHECK(let_go.err.find("(item \"four\")\n") != std::string::npos);
}

TEST_CASE("a command that closes its input and goes on is waited for") {
  const CommandResult result = run(job(
      items(R"("1", "2", "3")"),
      R"("stdout": "items", "on_error": "continue", "shell": "read a; exec 0<&-; echo $a; sleep 0.05; echo end")"));
  CHECK(result.status == 0);
  CHECK(result.out == "1\nend\n");
  CHECK(result.err.find("before it had read the item (item \"2\")\n") != std::string::npos);
  CHECK(result.err.find("before it had read the item (item \"3\")\n") != std::string::npos);
}

TEST_CASE("a command that fails or dies says how far it came") {
  const std::string list = items(R"("one", "two", "three", "four")");
  const CommandResult fails =
      run(job(list, R"("stdout": "items", "shell": "read a; read b; echo $a; exit 7")"));
  CHECK(fails.status == 1);
  CHECK(
      fails.err ==
      "gorun: error: stage \"e\" failed: the shell script: exit 7 after it had read 2 items, with "
      "2 more unread (item \"two\")\n");
  const CommandResult dies = run(job(list, R"("stdout": "items", "shell": "read a; kill -9 $$")"));
  CHECK(
      dies.err ==
      "gorun: error: stage \"e\" failed: the shell script: killed by SIGKILL (Killed) after it had "
      "read 1 item, with 3 more unread (item \"one\")\n");
  // It may end before an item has come to it.
  const CommandResult reads_none = run(job(list, R"("stdout": "items", "argv": ["false"])"));
  CHECK(reads_none.status == 1);
  CHECK(reads_none.err.starts_with(
      "gorun: error: stage \"e\" failed: false: exit 1 after it had read 0 items"));
}

TEST_CASE("a command whose answer is too long is ended, and says how far it came") {
  const CommandResult result = run(job(items(R"("one", "two")"),
                                       R"("stdout": "items", "max_record": 1000,
                 "shell": "read a; echo $a; exec tr '\\0' x < /dev/zero")"));
  CHECK(result.status == 1);
  CHECK(
      result.err ==
      "gorun: error: stage \"e\" failed: the shell script: printed an item of more than 1000 "
      "bytes, at byte 4 of its output (a larger \"max_record\" lets it through) after it had read "
      "1 item, with 1 more unread (item \"one\")\n");
}

TEST_CASE("a failure that is let go costs one item, and another command gets those behind it") {
  const CommandResult result =
      run(job(R"("kind": "range", "to": 10)",
              R"("stdout": "items", "on_error": "route",
         "shell": "while read a; do case $a in 3|7) exit $a;; esac; echo $a; done")",
              R"("f": {"kind": "map", "from": "e.errors", "text": "failed ${{ item }}"},
         "fw": {"kind": "write", "from": "f"},)"));
  CHECK(result.status == 0);
  std::vector<std::string> lines = lines_of(result.out);
  std::ranges::sort(lines);
  CHECK(lines ==
        std::vector<std::string>{"1", "10", "2", "4", "5", "6", "8", "9", "failed 3", "failed 7"});
  CHECK(result.err.find("exit 3 after it had read 3 items, with 7 more unread") !=
        std::string::npos);
}

TEST_CASE("a command that cannot be started fails the stage") {
  const CommandResult result =
      run(job(items(R"("1", "2")"), R"("stdout": "items", "argv": ["/no/such/program"])"));
  CHECK(result.status == 1);
  CHECK(result.err ==
        "gorun: error: stage \"e\" failed: cannot run \"/no/such/program\": No such file or "
        "directory\n");
}

TEST_CASE("a reader that has enough ends the command, whatever it is doing") {
  const CommandResult result = run(R"({"gorun": 1, "stages": {
    "i": {"kind": "range", "to": 100000000},
    "e": {"kind": "exec", "from": "i", "stdin": "items", "stdout": "items", "argv": ["cat"]},
    "t": {"kind": "take", "from": "e", "n": 3},
    "w": {"kind": "write", "from": "t"}}})");
  CHECK(result.status == 0);
  CHECK(result.out == "1\n2\n3\n");
}

TEST_CASE("a reader that has enough does not let another worker begin with nothing") {
  const ScratchDir scratch;
  const Fifo gate(scratch / "gate");
  // The input ends when the command of the one worker that was given an item is asked to end.
  const CommandResult result = run_gorun({"-q", "-"}, {.input = R"({"gorun": 1, "stages": {
    "i": {"kind": "exec", "stdout": "items", "shell": "echo x; read go < gate"},
    "e": {"kind": "exec", "from": "i", "stdin": "items", "stdout": "items", "workers": 2,
          "kill_after": "60s", "shell":
      "echo begun >> log; trap 'echo > gate; exit' TERM; read x; while :; do echo $x; done"},
    "t": {"kind": "take", "from": "e", "n": 1},
    "w": {"kind": "write", "from": "t"}}})",
                                                       .directory = scratch.path()});
  CHECK(result.status == 0);
  CHECK(result.out == "x\n");
  CHECK(read_whole_file(scratch / "log") == "begun\n");
}

TEST_CASE("a command that is fed has a timeout for the whole of its life") {
  const CommandResult result =
      run(job(R"("kind": "range", "to": 100000000)",
              R"("stdout": "items", "timeout": "50ms", "kill_after": "50ms",
          "shell": "trap '' TERM; while :; do sleep 100; done")"));
  CHECK(result.status == 1);
  // On a loaded machine no item may have come to it by then.
  CHECK(
      result.err.starts_with("gorun: error: stage \"e\" failed: the shell script: timed out after "
                             "50 ms after it had read 0 items"));
}

TEST_SUITE_END();

}  // namespace gorun::test::exec_fed_test
