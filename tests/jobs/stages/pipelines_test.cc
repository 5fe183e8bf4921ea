// Whole jobs, from the text of a job file to what they leave on the disk, compared with other tools
// or with a few lines of sequential C++.
#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <random>
#include <string>

#include "jobs/kinds.h"
#include "jobs/stage_kinds.h"
#include "tests/jobs/run_job.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::stages_pipelines_test {

namespace {

using namespace gorun::jobs;
using gorun::test::failures_of;
using gorun::test::read_whole_file;
using gorun::test::run_job;
using gorun::test::run_shell;
using gorun::test::ScratchDir;

constexpr int kProcs[] = {1, 2, 8};

std::string job(const std::string& stages) { return R"({"gorun": 1, "stages": {)" + stages + "}}"; }

// Text of Zipf-like words with all kinds of space between, also none at the end.
std::string random_text(unsigned seed, std::size_t words) {
  std::mt19937 random(seed);
  std::string text;
  for (std::size_t i = 0; i < words; ++i) {
    const auto range = 1 + random() % 2000;
    text += "w" + std::to_string(random() % range);
    if (random() % 50 == 0) text += "-with-a-longer-tail-than-sixteen-bytes";
    text += " \n\t  \n"[random() % 6];
  }
  text += "last";
  return text;
}

}  // namespace

TEST_SUITE_BEGIN("jobs/stages");

TEST_CASE("every kind in the table has code") {
  for (const StageKind& kind : stage_kinds()) {
    CAPTURE(kind.name);
    CHECK(has_code(kind.name));
  }
}

TEST_CASE("a word count is the same bytes at any number of Ps, and those of a sequential count") {
  const ScratchDir dir;
  std::map<std::string, long> expected;
  for (unsigned file = 0; file < 5; ++file) {
    const std::string text = random_text(file, 20'000);
    dir.write("in/" + std::to_string(file), text);
    std::string word;
    for (const char c : text + " ") {
      if (c != ' ' && c != '\n' && c != '\t') {
        word += c;
      } else if (!word.empty()) {
        ++expected[word];
        word.clear();
      }
    }
  }
  std::string counts;
  for (const auto& [word, count] : expected) counts += word + "\t" + std::to_string(count) + "\n";
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const Outcome outcome =
        run_job(job(R"("files": {"kind": "walk", "root": ")" + dir / "in" + R"("},
               "text": {"kind": "read", "from": "files", "chunk": 4096},
               "words": {"kind": "split", "from": "text", "by": "words"},
               "counts": {"kind": "reduce", "from": "words"},
               "out": {"kind": "write", "from": "counts", "format": "tsv", "path": ")" +
                    dir / "counts" + R"("})"),
                procs);
    CHECK(failures_of(outcome) == "");
    CHECK(outcome.state == RunState::kSucceeded);
    CHECK(read_whole_file(dir / "counts") == counts);
  }
}

TEST_CASE("a large file is read by several workers and every line arrives once") {
  const ScratchDir dir;
  std::string text;
  std::mt19937 random(7);
  const std::size_t size = std::size_t{gorun::test::kScale == 1 ? 20 : 9} << 20U;  // several parts
  while (text.size() < size) {
    text += std::string(random() % 300, 'a' + static_cast<char>(random() % 26)) + "\n";
  }
  text += "no line end";
  dir.write("big", text);
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const Outcome outcome =
        run_job(job(R"("file": {"kind": "items", "items": [")" + dir / "big" + R"("]},
               "text": {"kind": "read", "from": "file"},
               "lines": {"kind": "split", "from": "text", "by": "lines"},
               "out": {"kind": "write", "from": "lines", "path": ")" +
                    dir / "out" + R"("})"),
                procs);
    CHECK(failures_of(outcome) == "");
    CHECK(run_shell("cd '" + dir.path() + "' && sort big > a && sort out | cmp - a").exit_status ==
          0);
  }
}

TEST_CASE("a manifest satisfies sha256sum, and walk with sort is in byte order") {
  const ScratchDir dir;
  for (std::size_t i = 0; i < 300; ++i) {
    dir.write("tree/d" + std::to_string(i % 7) + "/f" + std::to_string(i),
              std::string(i * 37, 'x'));
  }
  dir.write("tree/with\nline feed", "1");
  dir.write("tree/back\\slash", "2");
  dir.write("tree/\xff not UTF-8", "3");
  dir.write("tree/d1-x", "sorts before d1/");
  dir.write("tree/large", std::string(5U << 20, 'L'));
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const Outcome outcome =
        run_job(job(R"("files": {"kind": "walk", "root": ")" + dir / "tree" + R"("},
               "digests": {"kind": "hash", "from": "files"},
               "out": {"kind": "write", "from": "digests", "format": "sha256sum", "path": ")" +
                    dir / "sums" + R"("},
               "sorted": {"kind": "walk", "root": ")" +
                    dir / "tree" + R"(", "sort": true},
               "paths": {"kind": "write", "from": "sorted", "path": ")" +
                    dir / "paths" + R"("})"),
                procs);
    CHECK(failures_of(outcome) == "");
    const std::string in_dir = "cd '" + dir.path() + "' && ";
    CHECK(run_shell(in_dir + "sha256sum --quiet -c sums").exit_status == 0);
    CHECK(run_shell(in_dir + "wc -l < sums").out == "305\n");
    CHECK(run_shell(in_dir +
                    "find $PWD/tree -type f -print0 | sort -z | tr '\\0' '\\n' | cmp - paths")
              .exit_status == 0);
  }
}

TEST_CASE("filter, map and top do what grep, sed and sort do") {
  const ScratchDir dir;
  std::string numbers;
  for (int i = 1; i <= 3000; ++i) numbers += std::to_string(i * 7919 % 3001) + "\n";
  dir.write("numbers", numbers);
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const Outcome outcome =
        run_job(job(R"("in": {"kind": "lines", "path": ")" + dir / "numbers" + R"("},
               "odd": {"kind": "filter", "from": "in", "match": "[13579]$"},
               "map": {"kind": "map", "from": "odd", "text": "<${{ item }}>",
                       "replace": {"pattern": "1", "with": "one"},
                       "fields": {"value": "${{ item }}"}},
               "top": {"kind": "top", "from": "map", "n": 5},
               "out": {"kind": "write", "from": "top", "path": ")" +
                    dir / "out" + R"("})"),
                procs);
    CHECK(failures_of(outcome) == "");
    CHECK(read_whole_file(dir / "out") == "<2999>\n<2997>\n<2995>\n<2993>\n<299one>\n");
  }
}

TEST_CASE("take ends an endless command, and no process is left") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const ScratchDir dir;
    const Outcome outcome =
        run_job(job(R"("yes": {"kind": "exec", "shell": "echo $$ > ')" + dir / "pid" +
                    R"('; exec yes", "stdout": "items"},
               "take": {"kind": "take", "from": "yes", "n": 3},
               "out": {"kind": "write", "from": "take", "path": ")" +
                    dir / "out" + R"("})"),
                procs);
    CHECK(failures_of(outcome) == "");
    CHECK(outcome.state == RunState::kSucceeded);
    CHECK(read_whole_file(dir / "out") == "y\ny\ny\n");
    CHECK(run_shell("kill -0 $(cat '" + dir / "pid" + "') 2>/dev/null").exit_status != 0);
  }
}

TEST_CASE("a command gets its item as one argument, whatever it holds") {
  const ScratchDir dir;
  const std::string odd = "two  words\n$(touch x) 'q' \"d\" \xff -n";
  dir.write("list", odd + '\0' + "-e" + '\0');
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const Outcome outcome = run_job(
        job(R"("in": {"kind": "lines", "path": ")" + dir / "list" + R"(", "delimiter": "\u0000"},
               "argv": {"kind": "exec", "from": "in", "argv": ["printf", "%s|", "{}"],
                        "stdout": "capture", "workers": 1},
               "shell": {"kind": "exec", "from": "in", "shell": "printf '%s|' \"$1\"",
                         "stdout": "capture", "workers": 1},
               "a": {"kind": "write", "from": "argv", "path": ")" +
            dir / "a" + R"("},
               "b": {"kind": "write", "from": "shell", "path": ")" +
            dir / "b" + R"("})"),
        procs);
    CHECK(failures_of(outcome) == "");
    CHECK(read_whole_file(dir / "a") == odd + "|\n-e|\n");
    CHECK(read_whole_file(dir / "b") == odd + "|\n-e|\n");
  }
}

TEST_CASE("a child that is fed and writes 1 MiB on both pipes neither blocks nor loses a byte") {
  const ScratchDir dir;
  const std::string mebibyte((1U << 20) - 1, 'z');
  dir.write("in", mebibyte + "\n");
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const Outcome outcome = run_job(job(R"("in": {"kind": "lines", "path": ")" + dir / "in" + R"("},
               "cat": {"kind": "exec", "from": "in", "stdin": "item", "stdout": "items",
                       "argv": ["sh", "-c", "tee /dev/stderr 2>')" +
                                        dir / "err" + R"('"]},
               "out": {"kind": "write", "from": "cat", "path": ")" +
                                        dir / "out" + R"("})"),
                                    procs);
    CHECK(failures_of(outcome) == "");
    CHECK((read_whole_file(dir / "out") == mebibyte + "\n"));
    CHECK((read_whole_file(dir / "err") == mebibyte));
  }
}

TEST_CASE("a failing command stops the run and is named, and its dependents do not run") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const ScratchDir dir;
    const Outcome outcome = run_job(job(R"("sleeper": {"kind": "exec", "argv": ["sleep", "1000"]},
               "bad": {"kind": "exec", "argv": ["sh", "-c", "exit 7"]},
               "after": {"kind": "exec", "argv": ["touch", ")" +
                                        dir / "ran" + R"("], "needs": "bad"})"),
                                    procs);
    CHECK(outcome.state == RunState::kFailed);
    CHECK(failures_of(outcome) == "bad: sh -c 'exit 7': exit 7\n");
    CHECK(outcome.stages[0].state == StageState::kCancelled);
    CHECK(outcome.stages[2].state == StageState::kSkipped);
    CHECK(::access((dir / "ran").c_str(), F_OK) != 0);
  }
}

TEST_CASE("an interrupt ends the children of a run") {
  // Raised by the observer, once the command's first line shows that it runs.
  struct Interrupter final : Observer {
    explicit Interrupter(Interrupt& to_raise) : interrupt(to_raise) {}
    void stage_finished(std::size_t stage, const StageOutcome&) override {
      if (stage == 1) interrupt.raise();
    }
    Interrupt& interrupt;
  };
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const ScratchDir dir;
    Interrupt interrupt;
    Interrupter observer(interrupt);
    const Outcome outcome =
        run_job(job(R"("child": {"kind": "exec", "stdout": "items",
                         "shell": "echo $$ > ')" +
                    dir / "pid" + R"('; echo started; sleep 1000; echo ended"},
               "first": {"kind": "take", "from": "child", "n": 1},
               "out": {"kind": "write", "from": "first", "path": ")" +
                    dir / "first" + R"("},
               "rest": {"kind": "write", "from": "child", "path": ")" +
                    dir / "rest" + R"("})"),
                RunOptions{.procs = procs, .observer = &observer, .interrupt = &interrupt});
    CHECK(outcome.state == RunState::kInterrupted);
    CHECK(failures_of(outcome) == "");
    CHECK(outcome.stages[0].state == StageState::kCancelled);
    CHECK(run_shell("kill -0 $(cat '" + dir / "pid" + "') 2>/dev/null").exit_status != 0);
    CHECK(::access((dir / "rest").c_str(), F_OK) != 0);  // nothing half-written under its name
  }
}

TEST_CASE("lines that come slowly down a pipe arrive one by one") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const ScratchDir dir;
    REQUIRE(run_shell("mkfifo '" + dir / "in" + "' '" + dir / "out" + "'").exit_status == 0);
    // The child writes a line only when the line before has come all the way back to it.
    const Outcome outcome = run_job(
        job(R"("peer": {"kind": "exec", "shell": "exec 3>')" + dir / "in" + "' 4<'" + dir / "out" +
            R"('; for i in 1 2 3 4 5; do echo $i >&3; read back <&4; [ \"$back\" = \"<$i>\" ] || exit 9; done"},
               "lines": {"kind": "lines", "path": ")" +
            dir / "in" + R"("},
               "map": {"kind": "map", "from": "lines", "text": "<${{ item }}>"},
               "out": {"kind": "write", "from": "map", "path": ")" +
            dir / "out" + R"("})"),
        procs);
    CHECK(failures_of(outcome) == "");
    CHECK(outcome.state == RunState::kSucceeded);
  }
}

TEST_CASE("what is missing or cannot be written fails the stage that needs it") {
  const ScratchDir dir;
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const std::string none = dir / "none";
    Outcome outcome = run_job(job(R"("in": {"kind": "lines", "path": ")" + none + R"("},
                                     "out": {"kind": "write", "from": "in", "path": ")" +
                                  dir / "out" + R"("})"),
                              procs);
    CHECK(failures_of(outcome) == "in: cannot open \"" + none + "\": No such file or directory\n");
    CHECK(::access((dir / "out").c_str(), F_OK) != 0);
    outcome = run_job(job(R"("in": {"kind": "items", "items": ["a"]},
                             "out": {"kind": "write", "from": "in", "path": ")" +
                          none + R"(/x"})"),
                      procs);
    CHECK(failures_of(outcome) ==
          "out: cannot open \"" + none + "/x\": No such file or directory\n");
    CHECK(outcome.has_failure(FailureKind::kOutput));
    outcome = run_job(job(R"("in": {"kind": "items", "items": ["1", "x"]},
                             "sum": {"kind": "reduce", "from": "in", "agg": "sum"},
                             "out": {"kind": "write", "from": "sum", "path": ")" +
                          dir / "out" + R"("})"),
                      procs);
    CHECK(failures_of(outcome) == "sum: \"x\" is not a number\n");
  }
}

TEST_CASE("a file that is replaced keeps its mode, and an empty input makes an empty file") {
  const ScratchDir dir;
  dir.write("out", "old");
  REQUIRE(::chmod((dir / "out").c_str(), 0640) == 0);
  dir.write("empty", "");
  const Outcome outcome =
      run_job(job(R"("in": {"kind": "lines", "path": ")" + dir / "empty" + R"("},
                     "out": {"kind": "write", "from": "in", "path": ")" +
                  dir / "out" + R"("})"),
              2);
  CHECK(outcome.state == RunState::kSucceeded);
  CHECK(read_whole_file(dir / "out") == "");
  struct stat status = {};
  REQUIRE(::stat((dir / "out").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
  CHECK(run_shell("ls -A '" + dir.path() + "'").out == "empty\nout\n");
}

TEST_SUITE_END();

}  // namespace gorun::test::stages_pipelines_test
