// tests/cli/exec_output_test.cc - what becomes of the output of commands: group, line, raw, limits.

#include <doctest/doctest.h>
#include <fcntl.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/exec/output_spool.h"
#include "tests/support/command.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::exec_output_test {

namespace {

// `exec` of each of the items "1" to "`items`".
CommandResult run_each(int items, const std::string& exec) {
  std::string list;
  for (int i = 1; i <= items; ++i) list += (i == 1 ? "\"" : ", \"") + std::to_string(i) + "\"";
  return run_gorun({"-q", "-"}, {.input = R"({"gorun": 1, "stages": {
    "i": {"kind": "items", "items": [)" + list +
                                          R"(]},
    "e": {"kind": "exec", "from": "i", )" +
                                          exec + "}}}"});
}

// A job that it reads when the reader of its standard output has gone.
CommandResult run_unheard(const ScratchDir& scratch, const std::string& stages,
                          const std::vector<std::string>& arguments = {"-q", "-"}) {
  Command gorun(gorun_argv(arguments), {.input = R"({"gorun": 1, "stages": {)" + stages + "}}",
                                        .directory = scratch.path()});
  gorun.close_out();
  return gorun.finish();
}

// What needs the stage "e", and is seen to run.
constexpr const char* kNext = R"(, "n": {"kind": "exec", "needs": "e", "shell": ": > next"})";

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_SUITE_BEGIN("cli/exec_output");

TEST_CASE("group: what one command says is never torn by what another says") {
  const CommandResult result = run_each(
      40,
      R"("workers": 8, "shell": "for i in 1 2 3 4 5 6 7 8; do echo $1 out; echo $1 err >&2; done")");
  CHECK(result.status == 0);
  for (const std::string& text : {result.out, result.err}) {
    const std::vector<std::string> lines = lines_of(text);
    REQUIRE(lines.size() == 320);
    for (std::size_t i = 0; i < lines.size(); ++i) CHECK(lines[i] == lines[i - i % 8]);
  }
}

TEST_CASE("group: bytes arrive as they are, with or without a line end") {
  const CommandResult result = run_each(1, R"("shell": "printf 'a\\0\\377\\nb'; printf c >&2")");
  CHECK(result.out == std::string("a\0\xff\nb", 5));
  CHECK(result.err == "c");
}

TEST_CASE("group: a command that says a lot neither waits nor makes gorun grow") {
  const CommandResult result = run_each(
      1, R"("max_output": 10, "shell": "head -c 200000000 /dev/zero | tr '\\0' x; echo e >&2")");
  CHECK(result.status == 0);
  CHECK(result.out == "xxxxx\n[gorun: 199999990 bytes left out]\nxxxxx");
  CHECK(result.err == "e\n");
  // Under a sanitizer what was freed stays for a while; and the kernel counts what the process was
  // before its exec, a copy of this one, which has grown where all cases share it.
  if (gorun::test::kScale == 1) CHECK(result.peak_kib() < 64 * 1024);
}

TEST_CASE("group: of a command that never stops talking the disk holds what is shown") {
  jobs::OutputSpool spool;
  const auto file = spool.open();
  REQUIRE(file.ok());
  if (::fallocate(*file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) != 0) {
    MESSAGE("skipped: this file system gives no part of a file back");
    return;
  }
  // It goes on until its own file is small: of 30 MB, which are 58,594 blocks.
  const CommandResult result = run_each(1, R"("max_output": "64KiB", "shell":
    "yes xxxxxxx | head -c 30000000; )"
                                           R"(until test $(stat -L -c %b /proc/$$/fd/1) -lt 1000; )"
                                           R"(do sleep 0.01; done; echo end")");
  CHECK(result.status == 0);
  std::string lines;
  for (int i = 0; i < 4096; ++i) lines += "xxxxxxx\n";
  CHECK((result.out == lines + "[gorun: 29934468 bytes left out]\n" + lines.substr(4) + "end\n"));
}

TEST_CASE("group: the last lines of a command that failed are told, however little is shown") {
  const CommandResult result =
      run_gorun({"--progress=none", "-"}, {.input = R"({"gorun": 1, "stages": {
    "i": {"kind": "items", "items": ["1"]},
    "e": {"kind": "exec", "from": "i", "max_output": 10,
          "shell": "yes | head -c 5000000 >&2; echo the reason >&2; exit 3"}}})"});
  CHECK(result.status == 1);
  CHECK(result.err.find("y\ny\ny\n[gorun: 5000001 bytes left out]\nason\n") != std::string::npos);
  CHECK(result.err.find("  | the reason\n") != std::string::npos);
}

TEST_CASE("group: all of a large output is shown") {
  const CommandResult result = run_each(2, R"("shell": "head -c 3000000 /dev/zero")");
  CHECK(result.out == std::string(6'000'000, '\0'));
}

TEST_CASE("group: with \"order\": \"input\" groups come in the order of the items") {
  // Of four neighbours each goes on when the one behind it does. Small groups wait in memory, large
  // ones in their files.
  for (const int bytes : {3, 100'000}) {
    for (const std::string more : {"", R"("pool": "p", )", R"("retry": 2, )"}) {
      CAPTURE(bytes);
      CAPTURE(more);
      const ScratchDir scratch;
      const std::string said = "$(head -c " + std::to_string(bytes) + " /dev/zero | tr '\\\\0' $1)";
      const CommandResult result =
          run_gorun({"-q", "-"}, {.input = R"({"gorun": 1, "pools": {"p": 4}, "stages": {
            "i": {"kind": "range", "to": 8},
            "e": {"kind": "exec", "from": "i", "order": "input", "workers": 4, )" +
                                           more + R"("shell":
              "test $(($1 % 4)) = 0 || until test -e $(($1 + 1)); do sleep 0.01; done; : > $1; )" +
                                           "echo " + said + "; echo e" + said + R"( >&2"}}})",
                                  .directory = scratch.path()});
      CHECK(result.status == 0);
      std::string out;
      std::string err;
      for (char item = '1'; item <= '8'; ++item) {
        const std::string text(static_cast<std::size_t>(bytes), item);
        out += text + "\n";
        err += "e" + text + "\n";
      }
      CHECK((result.out == out));
      CHECK((result.err == err));
    }
  }
}

TEST_CASE("group: workers that wait for their turn hold no place that others need") {
  const CommandResult result = run_gorun({"-q", "-"}, {.input = R"({"gorun": 1, "pools": {"p": 1},
    "stages": {"i": {"kind": "range", "to": 40},
      "e": {"kind": "exec", "from": "i", "order": "input", "workers": 4, "pool": "p", "shell":
        "head -c 70000 /dev/zero; echo $1 >&2"}}})"});
  CHECK(result.status == 0);
  CHECK(result.out.size() == 40 * 70'000);
  std::string numbers;
  for (int i = 1; i <= 40; ++i) numbers += std::to_string(i) + "\n";
  CHECK(result.err == numbers);
}

TEST_CASE("group: an item that gets another attempt keeps its turn for all that is said of it") {
  const ScratchDir scratch;
  const CommandResult result =
      run_gorun({"-q", "-"}, {.input = R"({"gorun": 1, "stages": {"i": {"kind": "range", "to": 9},
      "e": {"kind": "exec", "from": "i", "order": "input", "workers": 2,
            "retry": {"max": 2, "base": "1ms"}, "shell":
        "echo $1; test $1 != 1 || test -e tried || { : > tried; exit 1; }; head -c 70000 /dev/zero"}}})",
                              .directory = scratch.path()});
  CHECK(result.status == 0);
  std::string expected = "1\n";
  for (int i = 1; i <= 9; ++i) expected += std::to_string(i) + "\n" + std::string(70'000, '\0');
  CHECK((result.out == expected));
}

TEST_CASE("group: a failure that stops the run is shown, whoever's turn it is") {
  const CommandResult result = run_gorun({"-q", "-"}, {.input = R"({"gorun": 1, "stages": {
      "i": {"kind": "range", "to": 2},
      "e": {"kind": "exec", "from": "i", "order": "input", "workers": 2, "shell":
        "test $1 = 2 || exec sleep 1000; echo why >&2; exit 3"}}})"});
  CHECK(result.status == 1);
  CHECK(result.err.starts_with(
      "why\ngorun: error: stage \"e\" failed: the shell script: exit 3 (item \"2\")\n"));
}

TEST_CASE("line: every line has a prefix, at once") {
  const CommandResult result =
      run_each(2, R"("workers": 1, "output": "line", "shell": "printf \"a\\nb$1\"; echo e$1 >&2")");
  CHECK(result.out == "[e 1] a\n[e 1] b1\n[e 2] a\n[e 2] b2\n");
  CHECK(result.err == "[e 1] e1\n[e 2] e2\n");
}

TEST_CASE("line: a command that runs once has the stage for a prefix") {
  const CommandResult result = run_gorun(
      {"-q", "-"},
      {.input =
           R"({"gorun": 1, "stages": {"say": {"kind": "exec", "argv": ["echo", "x"], "output": "line"}}})"});
  CHECK(result.out == "[say] x\n");
}

TEST_CASE("line: a line without an end is cut, and none of it is lost") {
  const CommandResult result =
      run_each(1, R"("output": "line", "shell": "head -c 200000 /dev/zero | tr '\\0' x")");
  const std::vector<std::string> lines = lines_of(result.out);
  REQUIRE(lines.size() == 4);
  std::size_t bytes = 0;
  for (const std::string& line : lines) {
    CHECK(line.starts_with("[e 1] x"));
    bytes += static_cast<std::size_t>(std::ranges::count(line, 'x'));
  }
  CHECK(bytes == 200'000);
}

TEST_CASE("raw: streams are our own") {
  const CommandResult result = run_each(1, R"("output": "raw", "shell": "echo x; echo y >&2")");
  CHECK(result.out == "x\n");
  CHECK(result.err == "y\n");
}

TEST_CASE("capture: more than \"max_output\" fails the item, and the command is drained") {
  const CommandResult result = run_gorun({"-q", "-"}, {.input = R"({"gorun": 1, "stages": {
    "e": {"kind": "exec", "stdout": "capture", "max_output": 1000, "shell": "head -c 5000000 /dev/zero"},
    "w": {"kind": "write", "from": "e"}}})"});
  CHECK(result.status == 1);
  CHECK(result.err ==
        "gorun: error: stage \"e\" failed: the shell script: printed 5000000 bytes, and "
        "\"max_output\" is 1000\n");
}

TEST_CASE("items: one that is too long fails its command, which is ended and not gathered") {
  const std::string job = R"({"gorun": 1, "stages": {
    "i": {"kind": "items", "items": ["1"]},
    "e": {"kind": "exec", "from": "i", "stdout": "items", "on_error": "continue", )";
  const std::string writer = R"(}, "w": {"kind": "write", "from": "e"}}})";
  const CommandResult result =
      run_gorun({"-q", "-"}, {.input = job + R"("max_record": "1MiB", "shell":
                  "echo first; echo oops >&2; exec tr '\\0' x < /dev/zero")" +
                                       writer});
  CHECK(result.status == 0);
  CHECK(result.out == "first\n");
  CHECK(result.err.starts_with(
      "oops\ngorun: stage \"e\": the shell script: printed an item of more than 1048576 bytes, at "
      "byte 6 of its output (a larger \"max_record\" lets it through) (item \"1\")\n"));
  // As of a group.
  if (gorun::test::kScale == 1) CHECK(result.peak_kib() < 64 * 1024);
  // It counts without its end, and whether it has one or not.
  const auto of_bytes = [&](int bytes, const std::string& end) {
    return run_gorun(
               {"-q", "-"}, {.input = job + R"("max_record": 100, "stdout_delimiter": ";", "shell":
                       "head -c )" + std::to_string(bytes) +
                                      R"( /dev/zero | tr '\\0' x; printf ')" + end + R"('")" +
                                      writer})
        .out;
  };
  for (const std::string end : {"", ";", ";y;"}) {
    CAPTURE(end);
    CHECK(of_bytes(100, end) == std::string(100, 'x') + (end == ";y;" ? "\ny\n" : "\n"));
    CHECK(of_bytes(101, end).empty());
  }
}

TEST_CASE("items: of an attempt with one that is too long none goes on, and another follows") {
  const ScratchDir scratch;
  scratch.write("tries", "");
  const CommandResult result = run_gorun({"-q", "-"}, {.input = R"({"gorun": 1, "stages": {
    "e": {"kind": "exec", "stdout": "items", "max_record": 100, "retry": {"max": 2, "base": "1ms"},
          "shell":
      "n=$(wc -l < tries); echo >> tries; echo a$n; test $n = 1 || head -c 300 /dev/zero"},
    "w": {"kind": "write", "from": "e"}}})",
                                                       .directory = scratch.path()});
  CHECK(result.status == 0);
  CHECK(result.out == "a1\n");
}

TEST_CASE("a command that says a lot on both streams neither waits nor makes gorun grow") {
  // Lines of 99 letters and their end, on either.
  const long lines = scaled(1'000'000, 20'000);
  const std::string each = std::to_string(100 * lines);
  const std::string script = "l=" + std::string(99, 'x') + "; yes $l | head -c " + each +
                             " & yes $l | head -c " + each + " >&2; wait";
  struct Way {
    std::string options;
    std::string reader;
    long shown;  // bytes of a line, by stream; the prefix "[e] " is four of them
    long shown_err;
  };
  const std::string writer = R"(, "w": {"kind": "write", "from": "e", "format": )";
  for (const Way& way :
       {Way{R"("output": "group")", "", 100, 100}, Way{R"("output": "line")", "", 104, 104},
        Way{R"("stdout": "discard", "output": "line")", "", 0, 104},
        Way{R"("stdout": "items", "output": "line")", writer + R"("text"})", 100, 104},
        Way{R"("stdout": "bytes", "output": "group")", writer + R"("bytes"})", 100, 100}}) {
    CAPTURE(way.options);
    const ScratchDir scratch;
    scratch.write("job.json", R"({"gorun": 1, "stages": {"e": {"kind": "exec", )" + way.options +
                                  R"(, "shell": ")" + script + "\"}" + way.reader + "}}");
    // What counts is a shell's, so that nothing of it is kept here.
    const CommandResult result = run_command(
        {"sh", "-c", "{ \"$0\" -q job.json 2>&1 >&3 | wc -c >&2; } 3>&1 | wc -c", GORUN_BINARY},
        {.directory = scratch.path()});
    CHECK(std::atol(result.out.c_str()) == lines * way.shown);
    CHECK(std::atol(result.err.c_str()) == lines * way.shown_err);
    if (kScale == 1) CHECK(result.peak_kib() < 64 * 1024);
  }
}

TEST_CASE("no reader: a command that failed has failed, and one that is done is done") {
  for (const std::string output : {"group", "line"}) {
    for (const int status : {0, 3}) {
      CAPTURE(output);
      CAPTURE(status);
      const ScratchDir scratch;
      const CommandResult result = run_unheard(
          scratch, R"("e": {"kind": "exec", "output": ")" + output +
                       R"(", "shell": "echo x; exit )" + std::to_string(status) + "\"}" + kNext);
      CAPTURE(result.err);
      CHECK(result.status == (status == 0 ? 0 : 1));
      CHECK(result.err.starts_with(
          status == 0 ? "" : "gorun: error: stage \"e\" failed: the shell script: exit 3\n"));
      CHECK(result.err.empty() == (status == 0));
      CHECK(std::filesystem::exists(scratch / "next") == (status == 0));
    }
  }
}

TEST_CASE("no reader: what is left undone shows, and nothing builds on it") {
  for (const std::string output : {"group", "line"}) {
    CAPTURE(output);
    const std::string stages = R"("i": {"kind": "items", "items": ["1", "2", "3"]},
        "e": {"kind": "exec", "from": "i", "workers": 1, "output": ")" +
                               output + R"(", "shell": "echo $1 >> done; echo $1"})" + kNext;
    const ScratchDir scratch;
    const CommandResult result = run_unheard(scratch, stages);
    CHECK(result.status == 74);
    CHECK(result.err.empty());
    CHECK(read_whole_file(scratch / "done") == "1\n");
    CHECK_FALSE(std::filesystem::exists(scratch / "next"));
    const CommandResult told = run_unheard(scratch, stages, {"--progress=none", "-"});
    CHECK(
        told.err.starts_with("gorun: unfinished: the reader of its output has gone; "
                             "1 succeeded, 1 cancelled, 1 skipped, in "));
  }
}

TEST_CASE("no reader: a command that never stops talking ends as in a pipe of a shell") {
  for (const std::string output : {"line", "raw"}) {
    CAPTURE(output);
    const ScratchDir scratch;
    const CommandResult result =
        run_unheard(scratch, R"("e": {"kind": "exec", "output": ")" + output +
                                 R"(", "argv": ["yes"]})" + kNext);
    CHECK(result.status == 74);
    CHECK(result.err.empty());
    CHECK_FALSE(std::filesystem::exists(scratch / "next"));
  }
}

TEST_CASE("raw: a command that SIGPIPE ends has failed where there is a reader") {
  const CommandResult result = run_each(1, R"("output": "raw", "shell": "kill -PIPE $$")");
  CHECK(result.status == 1);
  CHECK(result.err.find("killed by SIGPIPE") != std::string::npos);
}

TEST_CASE("stdin: an item is the whole input of its command, however long") {
  const ScratchDir scratch;
  const std::string path = scratch.write("large", std::string(3'000'000, 'x'));
  const CommandResult result = run_gorun({"-q", "-"}, {.input = R"({"gorun": 1, "stages": {
    "f": {"kind": "items", "items": [")" + path + R"("]},
    "t": {"kind": "read", "from": "f", "chunk": "4MiB"},
    "e": {"kind": "exec", "from": "t", "stdin": "item", "argv": ["wc", "-c"]},
    "h": {"kind": "exec", "from": "t", "stdin": "item", "argv": ["head", "-c", "3"]}}})"});
  CHECK(result.status == 0);
  CHECK(result.out.find("3000000") != std::string::npos);
  CHECK(result.out.find("xxx") != std::string::npos);
}

TEST_CASE("an interrupted or failed run leaves no file behind") {
  const ScratchDir scratch;
  const CommandResult result = run_gorun({"map", "sh", "-c", "echo x; exit 1"},
                                         {.input = "1\n2\n", .env = {{"TMPDIR", scratch.path()}}});
  CHECK(result.status == 1);
  CHECK(std::filesystem::is_empty(scratch.path()));
}

TEST_SUITE_END();

}  // namespace gorun::test::exec_output_test
