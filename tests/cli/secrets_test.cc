// tests/cli/secrets_test.cc - a canary: nothing that gorun says by itself holds a secret's value.

#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::secrets_test {

namespace {

// With what quoting, cutting and JSON would change.
// Its parts are words that no path, time or message of ours holds by chance.
const std::string kCanary = "can\"xyzzy'\\-sesame-with a tail that is longer than a message shows";

// The canary reaches every place that a var can reach, and most of them are wrong or fail.
const char* const kJob = R"({"gorun": 1,
 "vars": {"token": {"env": "TOKEN", "secret": true, "required": true}},
 "env": {"TOKEN": "${{ vars.token }}"},
 "stages": {
  "items": {"kind": "items", "items": ["${{ vars.token }}", "x"]},
  "files": {"kind": "read", "from": "items"},
  "out":   {"kind": "write", "from": "files", "path": "/no/such/${{ vars.token }}"},
  "argv":  {"kind": "exec", "argv": ["sh", "-c", "exit 3", "${{ vars.token }}"]},
  "shell": {"kind": "exec", "shell": "exit 4 # ${{ vars.token }}"},
  "gone":  {"kind": "exec", "argv": ["/no/such/${{ vars.token }}"]},
  "cwd":   {"kind": "exec", "argv": ["true"], "cwd": "/no/${{ vars.token }}"},
  "each":  {"kind": "exec", "from": "items", "argv": ["false", "{}"], "stdout": "discard"},
  "named": {"kind": "exec", "matrix": {"k": ["${{ vars.token }}"]}, "argv": ["false"]}
 }})";

const char* const kWrongJob = R"({"gorun": 1,
 "vars": {"token": {"env": "TOKEN", "secret": true, "required": true, "enum": ["hush"]},
          "two": {"default": "hush-hush", "secret": true, "nope": 1},
          "three": {"env": "TOKEN", "secret": true}},
 "stages": {
  "a": {"kind": "walk", "type": "${{ vars.three }}", "max_depth": "${{ vars.three }}",
        "min_size": "${{ vars.three }}", "hidden": "${{ vars.three }}", "if": "vars.three"},
  "b": {"kind": "filter", "from": "${{ vars.three }}", "match": "(${{ vars.three }}"},
  "c": {"kind": "exec", "needs": "${{ vars.three }}", "pool": "${{ vars.three }}", "argv": ["x"]},
  "d": {"kind": "exec", "argv": ["ls", "${{ files('[${{ vars.three }}') }}"]}
 }})";

void check_silent(const CommandResult& result) {
  for (const std::string part : {"xyzzy", "sesame", "hush"}) {
    CAPTURE(part);
    CHECK(result.err.find(part) == std::string::npos);
    CHECK(result.out.find(part) == std::string::npos);
  }
}

}  // namespace

TEST_SUITE_BEGIN("cli/secrets");

TEST_CASE("no command shows a secret, wherever its value comes from and goes to") {
  const ScratchDir scratch;
  scratch.write("job.json", kJob);
  scratch.write("token", kCanary + "\n");
  const std::vector<std::vector<std::string>> ways = {
      {"--set", "token=" + kCanary}, {"--set-file", "token=token"}, {}};
  const std::vector<std::vector<std::string>> commands = {
      {"check"},   {"run", "-vv", "--log-level", "debug", "--progress", "plain"},
      {"explain"}, {"run", "--dry-run"},
      {"graph"},   {"graph", "--format", "mermaid"}};
  for (const std::vector<std::string>& way : ways) {
    for (std::vector<std::string> words : commands) {
      CAPTURE(words.front());
      const bool runs = words.size() > 2 && words[1] == "-vv";
      // One stage after the other, so that each gets to fail.
      const std::vector<std::string> targets =
          runs ? std::vector<std::string>{"out", "argv", "shell", "gone", "cwd", "each", "named"}
               : std::vector<std::string>{""};
      for (const std::string& target : targets) {
        std::vector<std::string> all = words;
        all.push_back("job.json");
        if (!target.empty()) all.push_back(target);
        all.insert(all.end(), way.begin(), way.end());
        const CommandResult result =
            run_gorun(all, {.directory = scratch.path(), .env = {{"TOKEN", kCanary}}});
        CAPTURE(result.err);
        CHECK(result.status == (runs ? (target == "out" ? 74 : 1) : 0));
        // An item that is no secret may be the one that fails; a script is not shown at all.
        if (runs && target != "shell" && target != "each") {
          CHECK(result.err.find("***") != std::string::npos);
        }
        check_silent(result);
      }
    }
  }
}

TEST_CASE("no report shows a secret") {
  const ScratchDir scratch;
  scratch.write("job.json", kJob);
  const std::vector<std::string> reports = {"j.xml", "t.json", "s.json", "p.html"};
  for (const std::string target : {"out", "argv", "gone", "cwd", "each", "named"}) {
    CAPTURE(target);
    const CommandResult result =
        run_gorun({"job.json", target, "--junit", reports[0], "--trace", reports[1], "--summary",
                   reports[2], "--report", reports[3], "--github", "on"},
                  {.directory = scratch.path(), .env = {{"TOKEN", kCanary}}});
    CAPTURE(result.err);
    CHECK(result.err.find("::error title=") != std::string::npos);
    check_silent(result);
    for (const std::string& report : reports) {
      CAPTURE(report);
      const std::string text = read_whole_file(scratch / report);
      CHECK(text.find("xyzzy") == std::string::npos);
      CHECK(text.find("sesame") == std::string::npos);
      // The name of a stage is in all of them.
      if (target == "named") CHECK(text.find("named[***]") != std::string::npos);
    }
  }
}

TEST_CASE("no report shows the password of a URL, whoever has written it") {
  const ScratchDir scratch;
  scratch.write("job.json", R"({"gorun": 1, "fail": "keep-going", "stages": {
    "urls": {"kind": "items", "items": ["http://me:sesame@127.0.0.1:none/", "http://me:ses/ame@h/"]},
    "get":  {"kind": "http", "from": "urls"},
    "out":  {"kind": "write", "from": "get"},
    "each": {"kind": "exec", "from": "urls", "argv": ["false", "{}"]},
    "once": {"kind": "exec", "argv": ["sh", "-c", "exit 3", "https://me:sesame@host/a"]},
    "gone": {"kind": "exec", "argv": ["/no/such/x://me:sesame@host"]}}})");
  const std::vector<std::string> reports = {"j.xml", "t.json", "s.json", "p.html"};
  for (const char* const verbosity : {"-q", "-v", "-vv"}) {
    const CommandResult result =
        run_gorun({verbosity, "job.json", "--junit", reports[0], "--trace", reports[1], "--summary",
                   reports[2], "--report", reports[3], "--github", "on"},
                  {.directory = scratch.path()});
    CAPTURE(result.err);
    CHECK(result.status == 1);
    CHECK(result.err.find("***@host") != std::string::npos);
    check_silent(result);
    CHECK(result.err.find("ses/") == std::string::npos);
    for (const std::string& report : reports) {
      CAPTURE(report);
      const std::string text = read_whole_file(scratch / report);
      CHECK(text.find("sesame") == std::string::npos);
      CHECK(text.find("ses/ame") == std::string::npos);
    }
  }
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", "--dry-run"}, {"explain"}, {"graph"}, {"check"}}) {
    std::vector<std::string> all = words;
    all.emplace_back("job.json");
    check_silent(run_gorun(all, {.directory = scratch.path()}));
  }
}

TEST_CASE("no mistake shows a secret") {
  const ScratchDir scratch;
  scratch.write("job.json", kWrongJob);
  for (const std::string command : {"check", "run", "explain", "graph"}) {
    const CommandResult result = run_gorun(
        {command, "job.json"}, {.directory = scratch.path(), .env = {{"TOKEN", kCanary}}});
    CAPTURE(result.err);
    CHECK(result.status == 3);
    CHECK(result.err.find("***") != std::string::npos);
    check_silent(result);
  }
  const CommandResult unknown =
      run_gorun({"check", "job.json", "--set", "tokn=" + kCanary}, {.directory = scratch.path()});
  CHECK(unknown.err.find("no var \"tokn\"") != std::string::npos);
  check_silent(unknown);
  const CommandResult nameless = run_gorun({"check", "job.json", "--set", kCanary});
  CHECK(nameless.status == 2);
  check_silent(nameless);
}

TEST_CASE("what is said between the lines of commands shows no secret") {
  const ScratchDir scratch;
  scratch.write("job.json", R"({"gorun": 1,
 "vars": {"token": {"env": "TOKEN", "secret": true, "required": true}},
 "stages": {
  "items": {"kind": "items", "items": ["${{ vars.token }}"]},
  "lines": {"kind": "exec", "matrix": {"k": ["${{ vars.token }}"]}, "from": "items",
            "output": "line", "shell": "echo out; echo err >&2"},
  "left":  {"kind": "exec", "output": "group", "grace": "10ms",
            "argv": ["sh", "-c", "sleep 1000 &", "${{ vars.token }}"]},
  "stops": {"kind": "exec", "output": "group",
            "argv": ["sh", "-c", "echo $$ > pid; kill -STOP $$", "${{ vars.token }}"]}}})");
  const auto run = [&scratch](const std::string& target) {
    return Command(gorun_argv({"-q", "job.json", target}),
                   {.directory = scratch.path(), .env = {{"TOKEN", kCanary}}});
  };
  Command lines = run("lines");
  const CommandResult prefixed = lines.finish();
  CHECK(prefixed.out == "[lines[***] ***] out\n");
  CHECK(prefixed.err == "[lines[***] ***] err\n");
  Command leaves = run("left");
  const CommandResult left = leaves.finish();
  CAPTURE(left.err);
  CHECK(left.err.find("'***' has left a process behind") != std::string::npos);
  check_silent(left);
  Command stops = run("stops");
  REQUIRE(stops.wait_for_err(" lets it go on]\n"));
  CHECK(kill(std::stoi(read_whole_file(scratch / "pid")), SIGCONT) == 0);
  const CommandResult stopped = stops.finish();
  CAPTURE(stopped.err);
  CHECK(stopped.err.find("'***' has been stopped by SIGSTOP") != std::string::npos);
  check_silent(stopped);
}

TEST_CASE("data is data: a command that prints its secret prints it") {
  const CommandResult result = run_gorun(
      {"-q", "-", "--set", "t=" + kCanary},
      {.input = R"({"gorun": 1, "vars": {"t": {"secret": true, "required": true}}, "stages": {
 "a": {"kind": "exec", "argv": ["printenv", "T"], "env": {"T": "${{ vars.t }}"}}}})"});
  CHECK(result.out == kCanary + "\n");
}

TEST_CASE("--set-file takes a file but for its last line end, and says when it cannot") {
  const ScratchDir scratch;
  scratch.write("lines", "a\nb\r\n");
  const std::string job = R"({"gorun": 1, "vars": {"v": ""}, "stages": {
 "a": {"kind": "exec", "argv": ["printf", "[%s]", "${{ vars.v }}"]}}})";
  scratch.write("job.json", job);
  CHECK(run_gorun({"-q", "job.json", "--set-file", "v=lines"}, {.directory = scratch.path()}).out ==
        "[a\nb]");
  CHECK(run_gorun({"-q", "job.json", "--set-file", "v=-"},
                  {.input = "in", .directory = scratch.path()})
            .out == "[in]");
  const CommandResult missing =
      run_gorun({"job.json", "--set-file", "v=no"}, {.directory = scratch.path()});
  CHECK(missing.err == "gorun: error: --set-file: cannot read \"no\": there is no such file\n");
  CHECK(missing.status == 2);
  const CommandResult twice = run_gorun({"-", "--set-file", "v=-"}, {.input = job});
  CHECK(twice.err ==
        "gorun: error: --set-file: cannot read \"-\": standard input is the job file already\n");
  CHECK(twice.status == 2);
}

TEST_SUITE_END();

}  // namespace gorun::test::secrets_test
