// tests/cli/start_failure_test.cc - a kernel that starts no more processes: each command that it
// refuses is a failure like others, with a way out, and nothing hangs or is left.
//
// The kernel's own limits count what else runs (threads of gorun, other processes of a user), so a
// filter of system calls stands for them here: it refuses every start of a command, and no thread.
// tests/jobs/child_test.cc meets the true limit of processes.

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::start_failure_test {

namespace {

const std::string kTooMany =
    "cannot start \"true\": Resource temporarily unavailable; the limit of processes is reached "
    "(ulimit -u, or pids.max of a container): fewer \"workers\" may help";
const std::string kNoMemory =
    "cannot start \"true\": Cannot allocate memory; memory is short: fewer \"workers\", or "
    "--memfree, may help";
const std::string kNoFile =
    "cannot start \"true\": Too many open files; the limit of open files of this process is "
    "reached "
    "(ulimit -n): a higher one, a lower \"open_files\" in \"limits\", or fewer \"workers\" may "
    "help";

CommandResult refused(int error, const std::string& stages, std::vector<std::string> flags = {}) {
  const ScratchDir dir;
  dir.write("job.json", R"({"gorun": 1, "stages": {)" + stages + "}}");
  flags.emplace_back("job.json");
  return run_gorun(flags, {.directory = dir.path(), .start_error = error});
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

}  // namespace

TEST_SUITE_BEGIN("cli/start_failure");

TEST_CASE("a command that cannot be started says why, and what to do") {
  if (!can_refuse_starts()) {
    MESSAGE("skipped: this kernel has no filters of system calls");
    return;
  }
  for (const std::string mode : {"group", "line", "raw"}) {
    CAPTURE(mode);
    const std::string stage =
        R"("a": {"kind": "exec", "argv": ["true"], "output": ")" + mode + "\"}";
    const CommandResult no_process = refused(EAGAIN, stage);
    CHECK(no_process.status == 1);
    CHECK(count(no_process.err, "error: stage \"a\" failed: " + kTooMany + "\n") == 1);
    const CommandResult no_file = refused(EMFILE, stage);
    CHECK(no_file.status == 1);
    CHECK(count(no_file.err, "error: stage \"a\" failed: " + kNoFile + "\n") == 1);
    const CommandResult no_memory = refused(ENOMEM, stage);
    CHECK(no_memory.status == 1);
    CHECK(count(no_memory.err, "error: stage \"a\" failed: " + kNoMemory + "\n") == 1);
  }
}

TEST_CASE("items whose command cannot be started follow the policy of their stage") {
  if (!can_refuse_starts()) {
    MESSAGE("skipped: this kernel has no filters of system calls");
    return;
  }
  const std::string items = R"("i": {"kind": "items", "items": ["1", "2", "3"]}, )";
  const std::string each = R"("s": {"kind": "exec", "from": "i", "argv": ["true"], "workers": 2)";
  for (const char* procs : {"1", "2", "8"}) {
    CAPTURE(procs);
    CommandResult result = refused(EAGAIN, items + each + "}", {"-j", procs});
    CHECK(result.status == 1);
    CHECK(count(result.err, kTooMany) >= 1);
    result = refused(EAGAIN, items + each + "}", {"-k", "-q", "-j", procs});
    CHECK(result.status == 1);
    CHECK(count(result.err, kTooMany) == 6);  // each as it happens, and in the list at the end
    result = refused(ENOMEM, items + each + R"(, "on_error": "continue"})", {"-q", "-j", procs});
    CHECK(result.status == 0);
    CHECK(count(result.err, kNoMemory) == 4);
    result = refused(EAGAIN, items + each + R"(, "on_error": "route"},
        "w": {"kind": "write", "from": "s.errors"})",
                     {"-q", "-j", procs});
    CHECK(result.status == 0);
    CHECK(count(result.out, "\n") == 3);
    result =
        refused(EAGAIN, items + each + R"(, "retry": {"max": 2, "on": "io 11", "base": "1ms"}})",
                {"-k", "-q", "-j", procs});
    CHECK(result.status == 1);
    CHECK(count(result.err, kTooMany + " (attempt 2 of 2)") == 6);
    result = refused(
        EAGAIN, items + R"("s": {"kind": "exec", "from": "i", "stdin": "items", "argv": ["true"]})",
        {"-q", "-j", procs});
    CHECK(result.status == 1);
    CHECK(count(result.err, kTooMany) == 1);
  }
}

TEST_CASE("a great many refused starts leave no descriptor and no process") {
  if (!can_refuse_starts()) {
    MESSAGE("skipped: this kernel has no filters of system calls");
    return;
  }
  // Ten times as many items as descriptors: one left by each would end in "Too many open files".
  const CommandResult result =
      run_command({"sh", "-c", "ulimit -n 300; exec \"$@\"", "sh", GORUN_BINARY, "-q", "-"},
                  {.input = R"({"gorun": 1, "stages": {"i": {"kind": "range", "to": 3000},
      "s": {"kind": "exec", "from": "i", "argv": ["true"], "stdin": "item", "on_error": "continue"}}})",
                   .start_error = EAGAIN});
  CHECK(result.status == 0);
  CHECK(result.err.find("Too many open files") == std::string::npos);
  CHECK(result.err.find("3,000 failed items left out") != std::string::npos);
  CHECK(result.err.find("killed") == std::string::npos);
}

TEST_SUITE_END();

}  // namespace gorun::test::start_failure_test
