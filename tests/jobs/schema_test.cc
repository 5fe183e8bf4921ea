// tests/jobs/schema_test.cc - the schema refuses the job files that check refuses, but for what no
// schema can know (tests/support/beyond_schema.py); the good ones are in tests/cli/schema_check.py.
#include "jobs/schema.h"

#include <doctest/doctest.h>

#include <span>
#include <string>

#include "tests/jobs/rejected_job.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::jobs::schema_test {

using namespace gorun::test;

TEST_SUITE("jobs/schema") {
  TEST_CASE("every job file that a test shows to be refused is wrong for the schema, too") {
    if (run_shell("python3 -c 'import jsonschema' 2>&1").exit_status != 0) {
      MESSAGE("skipped: python3-jsonschema is not installed");
      return;
    }
    const ScratchDir scratch;
    scratch.write("schema", job_schema());
    std::size_t count = 0;
    for (const std::span<const RejectedJob> jobs :
         {failure_keys_test::rejected(), json_syntax_error_test::rejected(),
          option_errors_test::rejected(), parse_errors_test::rejected(),
          validate_errors_test::rejected(), vars_errors_test::rejected()}) {
      for (const RejectedJob& job : jobs) {
        const std::string name = std::to_string(count++);
        scratch.write(name + ".json", std::string(job.text));
        scratch.write(name + ".errors", rendered_errors(job));
      }
    }
    const ShellResult result =
        run_shell("python3 -W ignore " GORUN_SOURCE_DIR "/tests/support/beyond_schema.py '" +
                  scratch.path() + "' 2>&1");
    CAPTURE(result.out);
    CHECK(result.exit_status == 0);
    CHECK(result.out.find(" of " + std::to_string(count) + " ") != std::string::npos);
    CHECK(result.out.ends_with(", 0 disagreements\n"));
  }
}

}  // namespace gorun::jobs::schema_test
