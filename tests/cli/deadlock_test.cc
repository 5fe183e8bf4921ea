// tests/cli/deadlock_test.cc - the command at a standstill, and what check says before it.

#include <doctest/doctest.h>

#include <string>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::deadlock_test {

namespace {

// In "c", NEEDS stands where a "needs" may be put.
std::string job_with(const std::string& needs) {
  return "{\n"
         "  \"gorun\": 1,\n"
         "  \"stages\": {\n"
         "    \"a\": {\"kind\": \"range\", \"to\": 1000},\n"
         "    \"r\": {\"kind\": \"route\", \"from\": \"a\", \"to\": {\"low\": {\"item\": {\"<\": "
         "900}}},"
         " \"buffer\": 1},\n"
         "    \"b\": {\"kind\": \"write\", \"from\": \"r\", \"path\": \"b\", \"buffer\": 1},\n"
         "    \"c\": {\"kind\": \"write\", \"from\": \"r.low\", \"path\": \"c\", \"buffer\": 2" +
         needs +
         "}\n"
         "  }\n"
         "}\n";
}

}  // namespace

TEST_SUITE_BEGIN("cli/deadlock");

TEST_CASE("a standstill ends the command with status 5 and says who waits for whom") {
  const ScratchDir scratch;
  scratch.write("job.json", job_with(""));
  for (const char* procs : {"1", "2", "8"}) {
    CAPTURE(procs);
    const CommandResult result =
        run_command({GORUN_DEADLOCK, "job.json", "c", "b"},
                    {.directory = scratch.path(), .env = {{"GORUN_PROCS", procs}}});
    CHECK(result.status == 5);
    CHECK(result.out.empty());
    CHECK(
        result.err ==
        "gorun: error: deadlock: every goroutine waits for another one\n"
        "  stage \"r\" finds no room in front of \"c\", where it sends by the port \"low\": 2 of 2 "
        "batches\n"
        "  stage \"b\" has no items: it reads from \"r\"\n"
        "  stage \"c\" has not started: it needs \"b\"\n");
  }
}

TEST_CASE("check refuses that job") {
  const ScratchDir scratch;
  scratch.write("job.json", job_with(", \"needs\": \"b\""));
  const CommandResult result = run_gorun({"check", "job.json"}, {.directory = scratch.path()});
  CHECK(result.status == 3);
  CHECK(
      result.err ==
      "job.json:7:80: error: stage \"c\" needs \"b\", which cannot complete before it starts\n"
      "  7 |     \"c\": {\"kind\": \"write\", \"from\": \"r.low\", \"path\": \"c\", \"buffer\": 2, "
      "\"needs\": \"b\"}\n"
      "    |                                                                                ^~~\n"
      "  hint: channels are bounded, so each of these waits for the one before it: c, r, b, c\n"
      "gorun: 1 error; nothing was run\n");
}

TEST_SUITE_END();

}  // namespace gorun::test::deadlock_test
