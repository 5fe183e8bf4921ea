// tests/cli/check_test.cc - warnings: they are shown, and fail nothing but `check --strict`.

#include <doctest/doctest.h>

#include <string>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::check_test {

namespace {

const char* const kJob =
    "{\"gorun\": 1, \"stages\": {\n"
    "  \"n\": {\"kind\": \"range\", \"to\": 3},\n"
    "  \"list\": {\"kind\": \"write\", \"from\": \"n\"},\n"
    "  \"say\": {\"kind\": \"exec\", \"from\": \"n\", \"argv\": [\"echo\", \"{}\"]}}}\n";

const char* const kWarning =
    "job.json:4:35: warning: stage \"say\" holds \"list\" back: a command for each item takes "
    "long, "
    "and \"n\" sends on when all that read from it have room\n"
    "  4 |   \"say\": {\"kind\": \"exec\", \"from\": \"n\", \"argv\": [\"echo\", \"{}\"]}}}\n"
    "    |                                   ^~~\n"
    "  hint: a stage of kind \"sort\" in front of \"say\" takes everything at once, on the disk if "
    "need be\n"
    "gorun: 1 warning\n";

}  // namespace

TEST_SUITE_BEGIN("cli/check");

TEST_CASE("a warning is shown and does not fail; with --strict it does") {
  const ScratchDir scratch;
  scratch.write("job.json", kJob);
  const CommandOptions here{.directory = scratch.path()};
  const CommandResult checked = run_gorun({"check", "job.json"}, here);
  CHECK(checked.status == 0);
  CHECK(checked.out == "gorun: job.json: ok, 3 stages\n");
  CHECK(checked.err == kWarning);

  const CommandResult strict = run_gorun({"check", "--strict", "job.json"}, here);
  CHECK(strict.status == 3);
  CHECK(strict.out.empty());
  CHECK(strict.err == kWarning);

  const CommandResult quiet = run_gorun({"check", "-q", "job.json"}, here);
  CHECK(quiet.status == 0);
  CHECK(quiet.out + quiet.err == "");

  const CommandResult coloured = run_gorun({"check", "--color", "always", "job.json"}, here);
  CHECK(coloured.err.find(": \x1b[33mwarning:\x1b[0m stage") != std::string::npos);
}

TEST_CASE("a key that has no effect in a pipeline is shown by check and by the run") {
  const ScratchDir scratch;
  scratch.write(
      "job.json",
      "{\"gorun\": 1, \"stages\": {\"p\": {\"kind\": \"pipeline\", \"file\": \"p.json\"}}}\n");
  scratch.write("p.json",
                "{\"gorun\": 1, \"fail\": \"drain\",\n"
                " \"stages\": {\"a\": {\"kind\": \"exec\", \"argv\": [\"true\"]}}}\n");
  const std::string warning =
      "p.json:1:14: warning: \"fail\" has no effect in the pipeline \"p\": the run goes by what "
      "\"job.json\" says\n"
      "  1 | {\"gorun\": 1, \"fail\": \"drain\",\n"
      "    |              ^~~~~~\n"
      "  hint: a file that includes this one may have it, for runs of its own\n"
      "gorun: 1 warning\n";
  const CommandOptions here{.directory = scratch.path()};
  const CommandResult checked = run_gorun({"check", "job.json"}, here);
  CHECK(checked.status == 0);
  CHECK(checked.err == warning);
  CHECK(run_gorun({"check", "--strict", "job.json"}, here).status == 3);

  const CommandResult run = run_gorun({"--progress=none", "job.json"}, here);
  CHECK(run.status == 0);
  CHECK(run.err.starts_with(warning + "gorun: ok: 1 stage in "));
  CHECK(run_gorun({"-q", "job.json"}, here).err.empty());
}

TEST_CASE("a run says nothing of a reader that holds others back") {
  const ScratchDir scratch;
  scratch.write("job.json", kJob);
  const CommandResult run = run_gorun({"-q", "job.json"}, {.directory = scratch.path()});
  CHECK(run.status == 0);
  CHECK(run.err.empty());
}

TEST_SUITE_END();

}  // namespace gorun::test::check_test
