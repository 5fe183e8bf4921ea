// tests/cli/reducers_test.cc - runs with reducers that are interrupted.

#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "tests/support/command.h"
#include "tests/support/fifo.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::cli_reducers_test {

TEST_SUITE_BEGIN("cli/reducers");

TEST_CASE("a reducer is not begun when what it would read was cut off") {
  const ScratchDir scratch;
  const Fifo in(scratch / "in");
  const Fifo seen(scratch / "seen");
  Command gorun(gorun_argv({"-q", scratch.write("job.json", R"({"gorun": 1, "stages": {
    "i": {"kind": "lines", "path": "in"},
    "s": {"kind": "exec", "from": "i", "shell": "echo $1 > seen"},
    "r": {"kind": "reduce", "from": "i", "argv": ["tee", "begun"], "shards": 2},
    "w": {"kind": "write", "from": "r"}}})")}),
                {.directory = scratch.path()});
  in.write("a\n");
  CHECK(seen.read(2) == "a\n");
  gorun.signal(SIGINT);
  const CommandResult result = gorun.finish();
  CHECK(result.status == 130);
  CHECK(result.out.empty());
  CHECK_FALSE(std::filesystem::exists(scratch / "begun"));
}

TEST_CASE(
    "one that has begun comes to its end at the first interrupt, and is ended at the second") {
  for (const bool is_second : {false, true}) {
    CAPTURE(is_second);
    const ScratchDir scratch;
    const Fifo seen(scratch / "seen");
    const Fifo go_on(scratch / "go");
    Command gorun(gorun_argv({scratch.write("job.json", R"({"gorun": 1, "stages": {
      "i": {"kind": "items", "items": ["b", "a"]},
      "r": {"kind": "reduce", "from": "i", "argv": ["sh", "-c",
            "cat; echo x > seen; read y < go; echo $y"]},
      "w": {"kind": "write", "from": "r"}}})")}),
                  {.directory = scratch.path()});
    CHECK(seen.read(2) == "x\n");
    gorun.signal(SIGINT);
    CHECK(gorun.wait_for_err("control-C again ends the commands\n"));
    if (is_second) {
      gorun.signal(SIGINT);
    } else {
      go_on.write("done\n");
    }
    const CommandResult result = gorun.finish();
    // All was read before the first interrupt, so that nothing is left out.
    CHECK(result.status == (is_second ? 130 : 0));
    if (!is_second) CHECK(result.out == "a\ta\nb\tb\ndone\n");
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::cli_reducers_test
