// tests/cli/plan_test.cc - graph, explain and --dry-run: what they say, and that they do nothing.

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::plan_test {

namespace {

const char* const kJob = R"({"gorun": 1, "name": "a \"job\"", "pools": {"link": 2},
 "vars": {"lint": false},
 "targets": {"default": ["pack", "report", "lint"]},
 "stages": {
  "report":  {"kind": "exec", "needs": "pack", "when": "always", "argv": ["echo", "${{ run.status }}"]},
  "sources": {"kind": "walk", "root": "src", "include": ["*.c", "*.h"], "hidden": false},
  "sizes":   {"kind": "exec", "from": {"stage": "sources", "buffer": 10}, "argv": ["wc", "-c", "{}", "{/.} x"],
              "stdout": "items", "pool": "link", "workers": 3},
  "list":    {"kind": "write", "from": "sizes", "path": "list.txt"},
  "pack":    {"kind": "exec", "needs": "list", "shell": "touch ran\ntouch ran2"},
  "lint":    {"kind": "exec", "if": "vars.lint", "argv": ["touch", "ran"]},
  "other":   {"kind": "exec", "argv": ["touch", "ran"]}
 }})";

CommandResult gorun_in(const ScratchDir& scratch, const std::vector<std::string>& words) {
  return run_gorun(words, {.directory = scratch.path()});
}

}  // namespace

TEST_SUITE_BEGIN("cli/plan");

TEST_CASE("explain tells what would run, when, and what is left out and why") {
  const ScratchDir scratch;
  scratch.write("job.json", kJob);
  const CommandResult result = gorun_in(scratch, {"explain", "job.json"});
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  CHECK(result.out == R"(5 of 7 stages would run

sources
  walk: root "src", include "*.c" and "*.h", hidden false
  starts at once

sizes
  exec: wc -c {} '{/.} x'
  takes the items of "sources" as they come, with 3 workers
  starts at once
  works while pool "link" has room: 1 of 2 places for each worker

list
  write: path "list.txt"
  takes the items of "sizes" as they come, with 1 worker
  starts at once

pack
  exec: sh -c 'touch ran' ...
  starts when "list" has succeeded

report
  exec: echo ${{ run.status }}
  starts when "pack" has ended, in whatever way

left out
  lint: its "if" is false
  other: no target asks for it
)");
}

TEST_CASE("explain names the ports by which items come") {
  const CommandResult result = run_gorun({"explain", "-"}, {.input = R"({"gorun": 1, "stages": {
  "n": {"kind": "range", "to": 9},
  "r": {"kind": "route", "from": "n", "to": {"few": {"item": {"<": 3}}}, "on_error": "route"},
  "w": {"kind": "write", "from": ["r", "r.few", "r.errors"]}}})"});
  CHECK(result.status == 0);
  CHECK(result.out.find("  takes the items of \"n\" as they come, with 1 worker\n") !=
        std::string::npos);
  CHECK(result.out.find("  takes the items of \"r\", \"r.few\" and \"r.errors\" as they come, ") !=
        std::string::npos);
}

TEST_CASE("a dry run is a line for each stage, in an order in which they could start") {
  const ScratchDir scratch;
  scratch.write("job.json", kJob);
  CHECK(gorun_in(scratch, {"-n", "job.json", "pack", "--set", "lint=true"}).out ==
        "sources: walk: root \"src\", include \"*.c\" and \"*.h\", hidden false\n"
        "sizes: exec: wc -c {} '{/.} x'\n"
        "list: write: path \"list.txt\"\n"
        "pack: exec: sh -c 'touch ran' ...\n");
}

TEST_CASE("the graph for Graphviz and for Mermaid") {
  const ScratchDir scratch;
  scratch.write("job.json", kJob);
  CHECK(gorun_in(scratch, {"graph", "job.json"}).out == R"(digraph "a \"job\"" {
  rankdir=LR;
  node [shape=box];
  "report" [label="report\nexec"];
  "sources" [label="sources\nwalk"];
  "sizes" [label="sizes\nexec"];
  "list" [label="list\nwrite"];
  "pack" [label="pack\nexec"];
  "sources" -> "sizes" [label="buffer 10"];
  "sizes" -> "list";
  "pack" -> "report" [style=dashed, label="always"];
  "list" -> "pack" [style=dashed];
}
)");
  CHECK(gorun_in(scratch, {"graph", "--format", "mermaid", "job.json"}).out == R"(flowchart LR
  s0["report<br/>exec"]
  s1["sources<br/>walk"]
  s2["sizes<br/>exec"]
  s3["list<br/>write"]
  s4["pack<br/>exec"]
  s1 -->|"buffer 10"| s2
  s2 --> s3
  s4 -.->|"always"| s0
  s3 -.-> s4
)");
}

TEST_CASE("SVG is made by the dot that is found, and asked for when there is none") {
  const ScratchDir scratch;
  scratch.write("job.json", kJob);
  const std::string dot = scratch.write("bin/dot", "#!/bin/sh\necho \"$1\"; exec cat\n");
  REQUIRE(::chmod(dot.c_str(), 0755) == 0);
  const CommandResult drawn = run_gorun(
      {"graph", "--format", "svg", "job.json"},
      {.directory = scratch.path(), .env = {{"PATH", scratch / "bin" + ":/usr/bin:/bin"}}});
  CHECK(drawn.status == 0);
  CHECK(drawn.out == "-Tsvg\n" + gorun_in(scratch, {"graph", "job.json"}).out);
  scratch.write("bin/dot", "#!/bin/sh\nexit 7\n");
  const CommandResult broken = run_gorun(
      {"graph", "--format", "svg", "job.json"},
      {.directory = scratch.path(), .env = {{"PATH", scratch / "bin" + ":/usr/bin:/bin"}}});
  CHECK(broken.status == 1);
  CHECK(broken.err == "gorun: error: dot -Tsvg: exit 7\n");
  const CommandResult none = run_gorun({"graph", "--format", "svg", "job.json"},
                                       {.directory = scratch.path(), .env = {{"PATH", "/none"}}});
  CHECK(none.status == 1);
  CHECK(none.err ==
        "gorun: error: cannot run \"dot\": No such file or directory\n"
        "  hint: install Graphviz, or type --format dot\n");
}

TEST_CASE("none of them has side effects") {
  const ScratchDir scratch;
  scratch.write("job.json", kJob);
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"graph", "job.json", "other", "pack"},
                                             {"explain", "job.json", "other", "pack"},
                                             {"--dry-run", "job.json", "other", "pack"},
                                             {"check", "job.json"}}) {
    CHECK(gorun_in(scratch, words).status == 0);
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(scratch.path())) {
      names.push_back(entry.path().filename());
    }
    CHECK(names == std::vector<std::string>{"job.json"});
  }
}

// Every file of the directory with its contents and its times.
std::string state_of(const std::string& directory) {
  return run_command({"sh", "-c",
                      "cd " + directory +
                          " && find . -printf '%p %y %m %s %T@ %C@\\n' | sort && find . -type f "
                          "-exec md5sum {} +"})
      .out;
}

TEST_CASE("they touch no file, also where outputs of an earlier run lie, and start nothing") {
  const ScratchDir scratch;
  scratch.write("job.json", kJob);
  scratch.write("list.txt", "of an earlier run\n");
  scratch.write("src/a.c", "int a;\n");
  // Whatever of these is run leaves a mark.
  for (const char* name : {"touch", "echo", "wc", "sh", "dot"}) {
    const std::string tool =
        scratch.write(std::string("bin/") + name, "#!/bin/sh\n: > " + scratch / "mark" + "\n");
    REQUIRE(::chmod(tool.c_str(), 0755) == 0);
  }
  const std::string before = state_of(scratch.path());
  const ScratchDir sanitizers;  // TSan has a file there for a moment when it begins
  const CommandOptions here{
      .directory = scratch.path(),
      .env = {{"PATH", scratch / "bin"},
              {"TMPDIR", gorun::test::kUnderTsan ? sanitizers.path() : scratch.path()},
              {"HOME", scratch.path()}}};
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"graph", "job.json"},
                                             {"graph", "--format", "mermaid", "job.json"},
                                             {"explain", "job.json"},
                                             {"--dry-run", "job.json"},
                                             {"--dry-run", "--junit", "junit.xml", "job.json"},
                                             {"check", "job.json"},
                                             {"check", "--strict", "-q", "job.json"}}) {
    CAPTURE(words.front());
    CHECK(run_gorun(words, here).status == 0);
    CHECK(state_of(scratch.path()) == before);
  }
}

TEST_CASE("they make no system call that would change something") {
  if (gorun::test::kUnderTsan) {
    MESSAGE("skipped: TSan makes such calls when it begins");
    return;
  }
  if (run_command({"strace", "-o", "/dev/null", "true"}).status != 0) {
    MESSAGE("skipped: strace is not there, or may not trace");
    return;
  }
  const ScratchDir scratch;
  scratch.write("job.json", kJob);
  const ScratchDir traces;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"graph", "job.json"},
                                             {"explain", "job.json"},
                                             {"--dry-run", "job.json"},
                                             {"check", "job.json"}}) {
    CAPTURE(words.front());
    std::vector<std::string> argv = {
        "strace",
        "-f",
        "-qq",
        "-o",
        traces / "trace",
        "-e",
        "trace=execve,fork,vfork,openat,open,creat,unlink,unlinkat,rename,renameat2,mkdir,mkdirat,"
        "socket,kill,truncate,chmod,utimensat"};
    for (const std::string& word : gorun_argv(words)) argv.push_back(word);
    // LeakSanitizer cannot work beside a tracer.
    CHECK(run_command(argv,
                      {.directory = scratch.path(), .env = {{"ASAN_OPTIONS", "detect_leaks=0"}}})
              .status == 0);
    const std::string trace = read_whole_file(traces / "trace");
    CHECK(trace.find("openat(") != std::string::npos);
    CHECK(trace.find("execve(") == trace.rfind("execve("));
    for (const char* change :
         {"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "fork(", "creat(", "unlink", "rename",
          "mkdir", "socket(", "kill(", "truncate(", "chmod(", "utimensat("}) {
      CAPTURE(change);
      CHECK(trace.find(change) == std::string::npos);
    }
  }
}

TEST_CASE("a target is run with what it takes; an unknown one is a wrong command line") {
  const ScratchDir scratch;
  scratch.write("job.json", kJob);
  CHECK(gorun_in(scratch, {"-q", "job.json", "other"}).status == 0);
  CHECK(std::filesystem::exists(scratch / "ran"));
  CHECK_FALSE(std::filesystem::exists(scratch / "list.txt"));
  const CommandResult wrong = gorun_in(scratch, {"job.json", "othr"});
  CHECK(wrong.status == 2);
  CHECK(wrong.err ==
        "gorun: error: there is no target and no stage \"othr\"\n"
        "  hint: did you mean \"other\"?\ngorun: 1 error; nothing was run\n");
}

TEST_SUITE_END();

}  // namespace gorun::test::plan_test
