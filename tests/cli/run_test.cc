// tests/cli/run_test.cc - running jobs: exit statuses, settings, cores, failures.

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::run_test {

namespace {

CommandResult run_job(const std::string& stages, std::vector<std::string> flags = {},
                      const std::string& directory = "") {
  flags.emplace_back("-");
  return run_gorun(
      flags, {.input = "{\"gorun\": 1, \"stages\": {\n" + stages + "}}\n", .directory = directory});
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE_BEGIN("cli/run");

TEST_CASE("a command that fails is named with its status, and gorun exits with 1") {
  const CommandResult result = run_job(
      "  \"build\": {\"kind\": \"exec\", \"shell\": \"exit 7\"},\n"
      "  \"test\": {\"kind\": \"exec\", \"needs\": [\"build\"], \"argv\": [\"true\"]}\n");
  CHECK(result.status == 1);
  CHECK(result.out.empty());
  CHECK(contains(result.err, "gorun: error: stage \"build\" failed: the shell script: exit 7\n"));
  CHECK(contains(result.err, "\ngorun: failed: stage \"build\"; 1 skipped, in "));
}

TEST_CASE("a program that does not exist") {
  const CommandResult result =
      run_job("  \"x\": {\"kind\": \"exec\", \"argv\": [\"no-such-program-anywhere\"]}\n");
  CHECK(result.status == 1);
  CHECK(contains(result.err,
                 "gorun: error: stage \"x\" failed: cannot run \"no-such-program-anywhere\": "
                 "No such file or directory\n"));
}

TEST_CASE("libcurl is missed by stages that fetch, and by no others") {
  const ScratchDir dir;
  dir.write("libcurl.so.4", "not a library");
  const auto run = [&](const std::string& stages) {
    return run_gorun({"--progress=none", "-"},
                     {.input = "{\"gorun\": 1, \"stages\": {\n" + stages + "}}\n",
                      .env = {{"LD_LIBRARY_PATH", dir.path()}}});
  };
  const std::string urls =
      "\"urls\": {\"kind\": \"items\", \"items\": [{\"u\": \"http://localhost:9/\"}]}";
  const std::string out = "\"out\": {\"kind\": \"write\", \"from\": \"";
  const CommandResult fetches = run(
      urls + ", \"pages\": {\"kind\": \"http\", \"from\": \"urls\", \"url\": \"${{ item.u }}\"}, " +
      out + "pages\"}");
  CHECK(fetches.status == 1);
  CHECK(std::ranges::count(fetches.err, '\n') == 2);
  CHECK(contains(fetches.err, "cannot load \"libcurl.so.4\": "));
  const CommandResult fetches_nothing = run(urls + ", " + out + "urls\"}");
  CHECK(fetches_nothing.status == 0);
  CHECK(fetches_nothing.out == "http://localhost:9/\n");
}

TEST_CASE("a root that does not exist") {
  const CommandResult result = run_job(
      "  \"files\": {\"kind\": \"walk\", \"root\": \"/no/such/directory\"},\n"
      "  \"out\": {\"kind\": \"write\", \"from\": \"files\"}\n");
  CHECK(result.status == 1);
  CHECK(contains(result.err,
                 "gorun: error: stage \"files\" failed: cannot stat \"/no/such/directory\": "
                 "No such file or directory\n"));
}

TEST_CASE("an output file that cannot be made exits with 74") {
  const CommandResult result = run_job(
      "  \"one\": {\"kind\": \"items\", \"items\": [\"x\"]},\n"
      "  \"out\": {\"kind\": \"write\", \"from\": \"one\", \"path\": \"/no/such/out\"}\n");
  CHECK(result.status == 74);
  CHECK(contains(result.err,
                 "gorun: error: stage \"out\" failed: cannot open \"/no/such/out\": "
                 "No such file or directory\n"));
}

TEST_CASE("a failure leaves no output under its final name") {
  const ScratchDir scratch;
  const CommandResult result = run_job(
      "  \"n\": {\"kind\": \"items\", \"items\": [\"1\", \"2\"]},\n"
      "  \"x\": {\"kind\": \"exec\", \"from\": \"n\", \"stdout\": \"items\", \"workers\": 1,\n"
      "         \"shell\": \"echo $1; test $1 = 1\"},\n"
      "  \"out\": {\"kind\": \"write\", \"from\": \"x\", \"path\": \"out.txt\"}\n",
      {}, scratch.path());
  CHECK(result.status == 1);
  CHECK(std::filesystem::is_empty(scratch.path()));
}

TEST_CASE("what a process of the same number has left behind is in nobody's way") {
  const ScratchDir dir;
  dir.write("job.json", R"({"gorun": 1, "stages": {"a": {"kind": "items", "items": ["new"]},
      "o": {"kind": "write", "from": "a", "path": "out"}}})");
  // The shell becomes gorun.
  const CommandResult result =
      run_command({"bash", "-c",
                   "for i in 0 1 2 3; do echo left > .out.gorun-$$-$i; done; echo $$ > pid; "
                   "exec \"$0\" --progress=none -q job.json",
                   GORUN_BINARY},
                  {.directory = dir.path()});
  CHECK(result.err.empty());
  CHECK(result.status == 0);
  CHECK(read_whole_file(dir / "out") == "new\n");
  const CommandResult left = run_command(
      {"bash", "-c", "cat .out.gorun-$(cat pid)-[0123]; ls -A | wc -l"}, {.directory = dir.path()});
  CHECK(left.out == "left\nleft\nleft\nleft\n7\n");
}

TEST_CASE("needs orders the commands, and env reaches them") {
  const ScratchDir scratch;
  const std::string job =
      "{\"gorun\": 1, \"vars\": {\"word\": \"default\"}, \"env\": {\"WORD\": \"${{ vars.word "
      "}}\"},\n"
      " \"stages\": {\n"
      "  \"c\": {\"kind\": \"exec\", \"needs\": [\"b\"], \"shell\": \"echo c >> log\"},\n"
      "  \"b\": {\"kind\": \"exec\", \"needs\": [\"a\"], \"shell\": \"echo b >> log\"},\n"
      "  \"a\": {\"kind\": \"exec\", \"shell\": \"echo $WORD > log\"}}}\n";
  CHECK(run_gorun({"-"}, {.input = job, .directory = scratch.path()}).status == 0);
  CHECK(read_whole_file(scratch / "log") == "default\nb\nc\n");
  CHECK(
      run_gorun({"--set", "word=given", "-"}, {.input = job, .directory = scratch.path()}).status ==
      0);
  CHECK(read_whole_file(scratch / "log") == "given\nb\nc\n");
}

TEST_CASE("any number of cores gives the same result") {
  const std::string stages =
      "  \"files\": {\"kind\": \"walk\", \"root\": \"examples\"},\n"
      "  \"text\": {\"kind\": \"read\", \"from\": \"files\"},\n"
      "  \"words\": {\"kind\": \"split\", \"from\": \"text\", \"by\": \"words\"},\n"
      "  \"counts\": {\"kind\": \"reduce\", \"from\": \"words\"},\n"
      "  \"top\": {\"kind\": \"top\", \"from\": \"counts\", \"n\": 1000},\n"
      "  \"out\": {\"kind\": \"write\", \"from\": \"top\", \"format\": \"tsv\"}\n";
  const CommandResult one = run_job(stages, {"-j", "1"}, GORUN_SOURCE_DIR);
  CHECK(one.status == 0);
  CHECK_FALSE(one.out.empty());
  for (const char* procs : {"2", "8", "64"}) {
    CAPTURE(std::string(procs));
    const CommandResult many = run_job(stages, {"-j", procs}, GORUN_SOURCE_DIR);
    CHECK(many.status == 0);
    CHECK(many.out == one.out);
  }
}

TEST_CASE("take lets so many items through, whatever runs beside the stages before it") {
  const std::string stages =
      "  \"files\": {\"kind\": \"walk\", \"root\": \"examples\"},\n"
      "  \"text\": {\"kind\": \"read\", \"from\": \"files\", \"chunk\": \"4KiB\"},\n"
      "  \"lines\": {\"kind\": \"split\", \"from\": \"text\"},\n"
      "  \"some\": {\"kind\": \"filter\", \"from\": \"lines\", \"match\": \".\"},\n"
      "  \"ten\": {\"kind\": \"take\", \"from\": \"some\", \"n\": 10},\n"
      "  \"out\": {\"kind\": \"write\", \"from\": \"ten\"}\n";
  for (const char* procs : {"1", "2", "8"}) {
    CAPTURE(std::string(procs));
    const CommandResult result = run_job(stages, {"-q", "-j", procs}, GORUN_SOURCE_DIR);
    CHECK(result.status == 0);
    CHECK(std::ranges::count(result.out, '\n') == 10);
  }
}

// The mask of a line "SigIgn:\t..." of /proc/PID/status, without SIGPIPE, without those that the
// tests start every command with, and without the two signals that the C library keeps for itself
// and changes as it pleases.
std::uint64_t ignored_signals(std::istream& status) {
  constexpr int kOthers[] = {SIGPIPE, SIGINT, SIGQUIT, SIGHUP, SIGTERM, 32, 33};
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("SigIgn:\t")) continue;
    std::uint64_t mask = std::stoull(line.substr(8), nullptr, 16);
    for (const int signal : kOthers) mask &= ~(std::uint64_t{1} << (signal - 1));
    return mask;
  }
  FAIL("no SigIgn in the status of a process");
  return 0;
}

TEST_CASE("a child starts with the signals and streams that a shell would give it") {
  // Blocked signals, and gorun's own ignoring of SIGPIPE, would be inherited by every command of a
  // job. What gorun's caller ignores (nohup) stays ignored, as in a shell.
  const CommandResult result = run_job(
      "  \"x\": {\"kind\": \"exec\", \"argv\": [\"grep\", \"^Sig[BI]\", \"/proc/self/status\"]}\n",
      {"-q"});
  CHECK(result.out.starts_with("SigBlk:\t0000000000000000\nSigIgn:\t"));
  std::istringstream of_child(result.out);
  std::ifstream of_this("/proc/self/status");
  CHECK(ignored_signals(of_child) == ignored_signals(of_this));

  const CommandResult descriptors =
      run_job("  \"x\": {\"kind\": \"exec\", \"shell\": \"ls /proc/$$/fd\"}\n", {"-q"});
  CHECK(descriptors.out == "0\n1\n2\n");
}

TEST_CASE("standard error of commands comes through") {
  const CommandResult result =
      run_job("  \"x\": {\"kind\": \"exec\", \"shell\": \"echo oops >&2\"}\n", {"-q"});
  CHECK(result.status == 0);
  CHECK(result.err == "oops\n");
}

TEST_CASE("what would run after a failure is skipped, and counted so") {
  const CommandResult result = run_job(
      "  \"a\": {\"kind\": \"exec\", \"argv\": [\"true\"]},\n"
      "  \"tell\": {\"kind\": \"exec\", \"argv\": [\"false\"], \"needs\": \"a\", "
      "\"when\": \"failure\"}\n",
      {"--progress=none"});
  CHECK(result.status == 0);
  CHECK(result.err.starts_with("gorun: ok: 1 succeeded, 1 skipped in "));
}

TEST_CASE("an empty input is a success") {
  const ScratchDir scratch;
  const CommandResult result = run_job(
      "  \"files\": {\"kind\": \"walk\", \"root\": \".\"},\n"
      "  \"out\": {\"kind\": \"write\", \"from\": \"files\"}\n",
      {"--progress=none"}, scratch.path());
  CHECK(result.status == 0);
  CHECK(result.out.empty());
  CHECK(result.err.starts_with("gorun: ok: 2 stages in "));
}

TEST_SUITE_END();

}  // namespace gorun::test::run_test
