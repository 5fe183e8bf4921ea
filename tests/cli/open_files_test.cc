// tests/cli/open_files_test.cc - jobs with many workers and files in processes that may have hardly
// any open: slower, and never "too many open files".

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/http_server.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::open_files_test {

namespace {

constexpr int kFiles = 300;

std::string job(const std::string& stages, const std::string& more = "") {
  return R"({"gorun": 1, )" + more + R"("stages": {)" + stages + "}}";
}

// What check says that the job needs at least.
std::string least_files(const ScratchDir& scratch, const std::string& stages) {
  scratch.write("least.json", job(stages, R"("limits": {"open_files": 1}, )"));
  const CommandResult result = run_gorun({"check", "least.json"}, {.directory = scratch.path()});
  const std::string mark = "hint: at least ";
  const std::size_t at = result.err.find(mark);
  REQUIRE_MESSAGE(at != std::string::npos, result.err);
  return result.err.substr(at + mark.size(),
                           result.err.find(':', at + mark.size()) - at - mark.size());
}

// Runs the job with no more descriptors than that, hard and soft.
CommandResult run_with(const std::string& files, const ScratchDir& scratch,
                       const std::string& stages) {
  scratch.write("job.json", job(stages));
  std::string shell = "ulimit -n " + files + "; exec";
  for (const std::string& word : gorun_argv({"-q", "-j", "8", "job.json"}))
    shell += " '" + word + "'";
  return run_command({"sh", "-c", shell}, {.directory = scratch.path()});
}

std::size_t line_count(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

void make_files(const ScratchDir& scratch) {
  for (int i = 0; i < kFiles; ++i) {
    scratch.write("data/d" + std::to_string(i % 20) + "/f" + std::to_string(i),
                  "file " + std::to_string(i) + "\n");
  }
  scratch.write("data/large", std::string(std::size_t{6} << 20, 'x') + "\n");
}

}  // namespace

TEST_SUITE_BEGIN("cli/open_files");

TEST_CASE("files are found, hashed, read and sorted with as few as check says") {
  const ScratchDir scratch;
  make_files(scratch);
  const std::string stages =
      R"("f": {"kind": "walk", "root": "data", "workers": 50},
         "h": {"kind": "hash", "from": "f", "workers": 50, "algorithm": ["sha256", "blake3"]},
         "sums": {"kind": "write", "from": "h", "format": "jsonl", "path": "sums"},
         "r": {"kind": "read", "from": "f", "workers": 50}, "l": {"kind": "split", "from": "r"},
         "s": {"kind": "sort", "from": "l", "memory": "8KiB"}, "d": {"kind": "dedupe", "from": "s", "memory": "8KiB"},
         "out": {"kind": "write", "from": "d"})";
  const CommandResult result = run_with(least_files(scratch, stages), scratch, stages);
  CHECK(result.err == "");
  CHECK(result.status == 0);
  CHECK(line_count(result.out) == kFiles + 1);
  CHECK(line_count(read_whole_file(scratch / "sums")) == kFiles + 1);
}

TEST_CASE("commands by the dozen, with input and output, that feed each other") {
  const ScratchDir scratch;
  scratch.write("in", "a\nb\n");
  const int count = gorun::test::scaled(200, 20);
  const std::string stages = R"("n": {"kind": "range", "to": )" + std::to_string(count) +
                             R"(}, "l": {"kind": "lines", "path": "in"},
         "a": {"kind": "exec", "from": ["n", "l"], "workers": 64, "stdin": "item", "argv": ["cat"], "stdout": "capture", "buffer": 1},
         "b": {"kind": "exec", "from": "a", "workers": 64, "argv": ["echo", "{}"], "stdout": "items", "output": "line", "buffer": 1},
         "c": {"kind": "exec", "from": "b", "workers": 64, "argv": ["echo", "{}"], "output": "group", "buffer": 1})";
  const CommandResult result = run_with(least_files(scratch, stages), scratch, stages);
  CHECK(result.err == "");
  CHECK(result.status == 0);
  CHECK(line_count(result.out) == static_cast<std::size_t>(count) + 2);
}

TEST_CASE("pages are fetched by hundreds and saved") {
  const HttpServer server;
  const ScratchDir scratch;
  scratch.make_dir("pages");
  const int count = gorun::test::scaled(300, 60);
  std::string items;
  for (int i = 1; i <= count; ++i) {
    items += items.empty() ? "" : ", ";
    items +=
        R"({"url": ")" + server.url("/bytes/1000") + R"(", "n": ")" + std::to_string(i) + "\"}";
  }
  const std::string stages = R"("u": {"kind": "items", "items": [)" + items + R"(]},
         "p": {"kind": "http", "from": "u", "workers": 200, "save": "pages/${{ item.n }}"},
         "out": {"kind": "write", "from": "p"})";
  const CommandResult result = run_with(least_files(scratch, stages), scratch, stages);
  CHECK(result.err == "");
  CHECK(result.status == 0);
  CHECK(line_count(result.out) == static_cast<std::size_t>(count));
}

TEST_CASE("a manifest is verified and audited") {
  const ScratchDir scratch;
  make_files(scratch);
  const std::string write_sums =
      R"("f": {"kind": "walk", "root": "data"}, "h": {"kind": "hash", "from": "f"},
         "w": {"kind": "write", "from": "h", "format": "sha256sum", "path": "sums"})";
  scratch.write("sums.json", job(write_sums));
  REQUIRE(run_gorun({"-q", "sums.json"}, {.directory = scratch.path()}).status == 0);
  scratch.write("data/new", "new\n");
  const std::string stages =
      R"("m": {"kind": "manifest", "path": "sums"},
         "v": {"kind": "verify", "from": "m", "audit_root": "data", "workers": 40},
         "out": {"kind": "write", "from": "v", "format": "check"})";
  const CommandResult result = run_with(least_files(scratch, stages), scratch, stages);
  CHECK(result.err == "");
  CHECK(result.status == 0);
  CHECK(line_count(result.out) == kFiles + 2);
  CHECK(result.out.find("data/new: ADDED") != std::string::npos);
}

TEST_CASE("one fewer than the least of the process is an error before anything is run") {
  const ScratchDir scratch;
  const std::string stages = R"("e": {"kind": "exec", "argv": ["touch", "ran"]})";
  const CommandResult result = run_with("20", scratch, stages);
  CHECK(result.status == 1);
  CHECK(
      result.err.starts_with("gorun: error: cannot run the job: one worker of each stage needs "));
  CHECK(result.err.ends_with(
      " open files, and this process may have 20 (ulimit -n): Too many open files\n"));
}

TEST_CASE("the soft limit is raised as far as needed, and commands keep the old one") {
  const ScratchDir scratch;
  const std::string stages =
      R"("n": {"kind": "range", "to": 1}, "e": {"kind": "exec", "from": "n", "workers": 100,
         "shell": "ulimit -Sn; grep 'open files' /proc/$PPID/limits | awk '{print $4}'", "stdout": "items", "output": "raw"},
         "out": {"kind": "write", "from": "e"})";
  scratch.write("job.json", job(stages));
  std::string shell = "ulimit -Sn 64; exec";
  for (const std::string& word : gorun_argv({"-q", "job.json"})) shell += " '" + word + "'";
  const CommandResult result = run_command({"bash", "-c", shell}, {.directory = scratch.path()});
  CHECK(result.err == "");
  std::istringstream lines(result.out);
  int of_child = 0;
  int of_gorun = 0;
  lines >> of_child >> of_gorun;
  CHECK(of_child == 64);
  CHECK(of_gorun >= 800);
  CHECK(of_gorun < 1000);
}

TEST_CASE("limits.open_files lowers what is asked for") {
  const ScratchDir scratch;
  const std::string stages =
      R"("n": {"kind": "range", "to": 1}, "e": {"kind": "exec", "from": "n", "workers": 100,
         "shell": "grep 'open files' /proc/$PPID/limits | awk '{print $4}'", "stdout": "items", "output": "raw"},
         "out": {"kind": "write", "from": "e"})";
  scratch.write("job.json", job(stages, R"("limits": {"open_files": 90}, )"));
  std::string shell = "ulimit -Sn 64; exec";
  for (const std::string& word : gorun_argv({"-q", "job.json"})) shell += " '" + word + "'";
  const CommandResult result = run_command({"bash", "-c", shell}, {.directory = scratch.path()});
  CHECK(result.err == "");
  CHECK(result.out == "90\n");
}

TEST_SUITE_END();

}  // namespace gorun::test::open_files_test
