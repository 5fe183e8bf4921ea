// tests/cli/streams_test.cc - results on standard output, all else on standard error.

#include <doctest/doctest.h>

#include <string>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::streams_test {

namespace {

constexpr const char* kEndlessYes =
    "{\"gorun\": 1, \"stages\": {\n"
    "  \"yes\": {\"kind\": \"exec\", \"argv\": [\"yes\"], \"stdout\": \"items\"},\n"
    "  \"out\": {\"kind\": \"write\", \"from\": \"yes\"}}}\n";

constexpr const char* kHello =
    "{\"gorun\": 1, \"stages\": {\n"
    "  \"say\": {\"kind\": \"items\", \"items\": [\"hello\", \"world\"]},\n"
    "  \"out\": {\"kind\": \"write\", \"from\": \"say\"}}}\n";

}  // namespace

TEST_SUITE_BEGIN("cli/streams");

TEST_CASE("answers go to standard output") {
  for (const char* word : {"--version", "help", "--help", "stages"}) {
    CAPTURE(std::string(word));
    const CommandResult result = run_gorun({word});
    CHECK(result.status == 0);
    CHECK_FALSE(result.out.empty());
    CHECK(result.err.empty());
  }
  const CommandResult check = run_gorun({"check", "-"}, {.input = kHello});
  CHECK(check.out == "gorun: (standard input): ok, 2 stages\n");
  CHECK(check.err.empty());
  CHECK(check.status == 0);
}

TEST_CASE("data goes to standard output and the closing line does not") {
  const CommandResult result = run_gorun({"-"}, {.input = kHello});
  CHECK(result.out == "hello\nworld\n");
  // On a slow machine a line on the progress may stand before it.
  CHECK(result.err.find("gorun: ok: 2 stages, 2 items in ") != std::string::npos);
  CHECK(result.status == 0);
}

TEST_CASE("quiet says nothing when all is well") {
  const CommandResult result = run_gorun({"run", "-q", "-"}, {.input = kHello});
  CHECK(result.out == "hello\nworld\n");
  CHECK(result.err.empty());
  CHECK(result.status == 0);
  CHECK(run_gorun({"check", "-q", "-"}, {.input = kHello}).out.empty());
}

TEST_CASE("verbose adds a table of the stages") {
  const CommandResult result = run_gorun({"-v", "--progress=none", "-"}, {.input = kHello});
  CHECK(result.err.find("  stage state     items in items out") == 0);
  CHECK(result.err.find("\n  out   succeeded        2 ") != std::string::npos);
}

TEST_CASE("the log tells what starts and ends") {
  const CommandResult result = run_gorun({"--log-level", "info", "-"}, {.input = kHello});
  CHECK(result.err.find(" info: run started: 2 stages\n") != std::string::npos);
  CHECK(result.err.find(" info: stage \"out\" succeeded after ") != std::string::npos);
}

TEST_CASE("colours only if asked for, as this is no terminal") {
  const auto wrong = [](const char* when) {
    return run_gorun({"--color", when, "-"}, {.input = "[]", .env = {{"TERM", "xterm"}}}).err;
  };
  CHECK(wrong("auto").find('\x1b') == std::string::npos);
  CHECK(wrong("never").find('\x1b') == std::string::npos);
  CHECK(wrong("always").find("\x1b[31merror:\x1b[0m") != std::string::npos);
}

TEST_CASE("a reader that leaves ends the job quietly") {
  const ScratchDir scratch;
  const std::string job = scratch.write("yes.json", kEndlessYes);
  const CommandResult result = run_command(
      {"bash", "-c", "\"$0\" -q \"$1\" | head -n 1; echo \"${PIPESTATUS[0]}\"", GORUN_BINARY, job});
  CHECK(result.out == "y\n0\n");
  CHECK(result.err.empty());
}

TEST_CASE("a reader that leaves an answer ends it quietly") {
  const CommandResult result =
      run_command({"bash", "-c", "\"$0\" help | true; echo \"${PIPESTATUS[0]}\"", GORUN_BINARY});
  CHECK(result.out == "0\n");
  CHECK(result.err.empty());
}

TEST_CASE("an output that cannot be written exits with 74") {
  const CommandResult answer = run_gorun({"help"}, {.stdout_path = "/dev/full"});
  CHECK(answer.status == 74);
  CHECK(answer.err == "gorun: error: cannot write to standard output: No space left on device\n");

  const CommandResult data = run_gorun({"-q", "-"}, {.input = kHello, .stdout_path = "/dev/full"});
  CHECK(data.status == 74);
  CHECK(data.err.find("gorun: error: stage \"out\" failed: ") == 0);
  CHECK(data.err.find("No space left on device") != std::string::npos);

  const CommandResult closed = run_gorun({"-"}, {.input = kHello, .closes_stdout = true});
  CHECK(closed.status == 74);
}

TEST_SUITE_END();

}  // namespace gorun::test::streams_test
