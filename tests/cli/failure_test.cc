// tests/cli/failure_test.cc - what people see of failures: attempts, limits, the list at the end,
// and the exit status.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "tests/support/command.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::failure_test {

namespace {

// stderr without the time, which differs: "... in 12 ms".
std::string without_times(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    const std::size_t time = line.rfind(" in ");
    const bool has_time = line.ends_with(" ms") || line.ends_with(" s");
    if (has_time && time != std::string::npos) line.resize(time);
    out += line + "\n";
    at = end + 1;
  }
  return out;
}

struct Run {
  const ScratchDir dir;
  CommandResult result;
  explicit Run(const std::string& stages, const std::string& top = "",
               std::vector<std::string> flags = {}) {
    flags.emplace_back("--progress=none");  // of a slow run it would be part of what is compared
    flags.push_back(
        dir.write("job.json", R"({"gorun": 1, )" + top + R"("stages": {)" + stages + "}}"));
    result = run_gorun(flags);
  }
};

}  // namespace

TEST_SUITE_BEGIN("cli/failure");

TEST_CASE("a command that fails at first is run again, and what it said before is not sent") {
  const ScratchDir dir;
  const Run run(R"("a": {"kind": "exec", "stdout": "items", "retry": {"max": 3, "base": "1ms"},
      "shell": "n=$(cat )" +
                dir.path() + R"(/n 2>/dev/null); echo half; echo x$n > )" + dir.path() +
                R"(/n; [ \"$n\" = xx ] || exit 75; echo whole"},
      "w": {"kind": "write", "from": "a"})");
  CHECK(run.result.out == "half\nwhole\n");
  CHECK(run.result.status == 0);
}

TEST_CASE("what an attempt says waits for its success outside of memory, however much it is") {
  constexpr std::size_t kBytes = 20'000'000;
  for (const std::string way : {"items", "bytes"}) {
    for (const std::string output : {"group", "line"}) {
      CAPTURE(way);
      CAPTURE(output);
      const ScratchDir dir;
      const std::string format = way == "items" ? "text" : way;
      const CommandResult result =
          run_gorun({"-q", "-"}, {.input = R"({"gorun": 1, "stages": {
        "a": {"kind": "exec", "stdout": ")" +
                                           way + R"(", "output": ")" + output +
                                           R"(", "retry": {"max": 3, "base": "1ms"},
              "shell": "echo err >&2; yes x | head -c 20000000; [ -e again ] || { : > again; exit 1; }"},
        "w": {"kind": "write", "from": "a", "path": "out", "format": ")" +
                                           format + R"("}}})",
                                  .directory = dir.path()});
      CHECK(result.status == 0);
      const std::string out = read_whole_file(dir / "out");
      CHECK(out.size() == kBytes);
      CHECK(static_cast<std::size_t>(std::ranges::count(out, 'x')) == kBytes / 2);
      CHECK(out.ends_with("x\n"));
      const std::string prefix = output == "line" ? "[a] " : "";
      CHECK(result.err.starts_with(prefix + "err\n"));
      CHECK(result.err.ends_with(prefix + "err\n"));
      if (kScale == 1) CHECK(result.peak_kib() < 64 * 1024);
    }
  }
}

TEST_CASE("the last of the attempts is named, and only failures that are meant are tried again") {
  const Run run(R"("a": {"kind": "items", "items": ["1", "2"]},
      "b": {"kind": "exec", "from": "a", "argv": ["sh", "-c", "exit $1", "sh", "{}"],
            "on_error": "continue", "retry": {"max": 2, "on": "exit 2", "base": "1ms"}})");
  CHECK(run.result.status == 0);
  CHECK(run.result.err.find("warning: stage \"b\": 2 failed items left out, the first: ") !=
        std::string::npos);
}

TEST_CASE("a command that takes longer than its timeout fails") {
  const Run run(R"("a": {"kind": "exec", "argv": ["sleep", "100"], "timeout": "50ms"})");
  CHECK(run.result.status == 1);
  CHECK(without_times(run.result.err) ==
        "gorun: error: stage \"a\" failed: sleep 100: timed out after 50 ms\n"
        "gorun: failed: stage \"a\",\n");
}

TEST_CASE("failed items leave by their port") {
  const Run run(R"("a": {"kind": "items", "items": ["1", "0", "3"]},
      "b": {"kind": "exec", "from": "a", "argv": ["sh", "-c", "exit $1", "sh", "{}"],
            "stdout": "discard", "on_error": "route", "workers": 1},
      "failed": {"kind": "write", "from": "b.errors", "format": "jsonl"})");
  CHECK(run.result.status == 0);
  CHECK(run.result.out ==
        R"({"item":"1","error":"sh -c 'exit $1' sh 1: exit 1","attempts":1,"stage":"b"})"
        "\n"
        R"({"item":"3","error":"sh -c 'exit $1' sh 3: exit 3","attempts":1,"stage":"b"})"
        "\n");
}

TEST_CASE("keep-going runs what does not depend on a failure, and lists all failures at the end") {
  // "c" goes on when the failure of "a" has been told, and "d" when that of "c" has.
  const ScratchDir dir;
  const auto make_gate = [&dir](const char* name) {
    REQUIRE(mkfifo((dir / name).c_str(), 0600) == 0);
    const int gate = open((dir / name).c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(gate >= 0);
    return gate;
  };
  const int gate_c = make_gate("c");
  const int gate_d = make_gate("d");
  dir.write("job.json", R"({"gorun": 1, "stages": {"a": {"kind": "exec", "argv": ["false"]},
      "b": {"kind": "exec", "argv": ["echo", "b"], "needs": "a"},
      "c": {"kind": "exec", "argv": ["sh", "-c", "read x < c; exit 3"]},
      "d": {"kind": "exec", "argv": ["sh", "-c", "read x < d; echo d"]}}})");
  Command gorun(gorun_argv({"-k", "--progress=none", "job.json"}), {.directory = dir.path()});
  REQUIRE(gorun.wait_for_err("stage \"a\" failed"));
  CHECK(write(gate_c, "\n", 1) == 1);
  REQUIRE(gorun.wait_for_err("stage \"c\" failed"));
  CHECK(write(gate_d, "\n", 1) == 1);
  const CommandResult result = gorun.finish();
  CHECK(result.status == 1);
  CHECK(result.out == "d\n");
  CHECK(without_times(result.err) ==
        "gorun: error: stage \"a\" failed: false: exit 1\n"
        "gorun: error: stage \"c\" failed: sh -c 'read x < c; exit 3': exit 3\n"
        "gorun: error: stage \"a\" failed: false: exit 1\n"
        "gorun: error: stage \"c\" failed: sh -c 'read x < c; exit 3': exit 3\n"
        "gorun: failed: stages \"a\", \"c\"; 1 succeeded, 1 skipped,\n");
  close(gate_c);
  close(gate_d);
}

TEST_CASE("the last lines of a command that failed are shown again, but for \"raw\"") {
  const auto says = [](const std::string& output, const std::string& script) {
    return run_gorun({"-q", "-"}, {.input = R"({"gorun": 1, "stages": {"e": {"kind": "exec",
        "output": ")" + output + R"(", "shell": ")" +
                                            script + "\"}}}"})
        .err;
  };
  const std::string failed = "gorun: error: stage \"e\" failed: the shell script: exit 3\n";
  const std::string lines =
      "gorun: last lines of stage \"e\":\n  | 3\n  | 4\n  | 5\n  | 6\n  | 7\n  | 8\n  | 9\n  | 10\n"
      "  | 11\n  | 12\n";
  for (const char* output : {"group", "line"}) {
    CAPTURE(output);
    CHECK(says(output, "seq 12 >&2; echo out; exit 3").ends_with(failed + lines));
    CHECK(says(output, "seq 12; exit 3") == failed + lines);
    CHECK(says(output, "printf '\\\\033[2Jx'; exit 3") ==
          failed + "gorun: last lines of stage \"e\":\n  | ?[2Jx\n");
    CHECK(says(output, "exit 3") == failed);
  }
  CHECK(says("raw", "seq 12; exit 3") == failed);
}

TEST_CASE("a file is not written of what was cut short, and is of what lacks failed items") {
  const std::string stages = R"("i": {"kind": "items", "items": ["1", "0", "0", "0"]},
      "e": {"kind": "exec", "from": "i", "argv": ["sh", "-c", "echo $1; exit $1", "sh", "{}"],
            "stdout": "items", "workers": 1},
      "o": {"kind": "write", "from": "e", "path": ")";
  for (const char* fail : {"fast", "drain", "keep-going"}) {
    CAPTURE(fail);
    const ScratchDir dir;
    const Run run(stages + dir.path() + "/out\"}", R"("fail": ")" + std::string(fail) + R"(", )");
    CHECK(run.result.status == 1);
    const bool is_there = run_command({"test", "-e", dir.path() + "/out"}).status == 0;
    CHECK(is_there == (std::string(fail) == "keep-going"));
  }
}

TEST_CASE("a run whose time is up ends with 124") {
  bool has_begun = false;
  // On a loaded machine the first of these may be up before "a" begins.
  for (const char* time : {"100ms", "5s", "50s"}) {
    CAPTURE(time);
    const Run run(
        R"("a": {"kind": "exec", "output": "raw", "shell": "echo begun; exec sleep 1000"},
        "b": {"kind": "exec", "argv": ["echo"], "needs": "a"})",
        "", {"--timeout", time});
    CHECK(run.result.status == 124);
    has_begun = run.result.out == "begun\n";
    if (!has_begun) continue;
    CHECK(without_times(run.result.err) == "gorun: timed out: 1 cancelled, 1 skipped,\n");
    break;
  }
  CHECK(has_begun);
}

TEST_CASE("a time that is none is refused") {
  const CommandResult result = run_gorun({"--timeout", "soon", "x.json"});
  CHECK(result.status == 2);
  CHECK(result.err ==
        "gorun: error: option \"--timeout\" cannot be \"soon\"\n"
        "  hint: it is a time such as 90 (seconds), 5m or 1h30m\n");
}

TEST_SUITE_END();

}  // namespace gorun::test::failure_test
