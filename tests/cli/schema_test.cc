// tests/cli/schema_test.cc - `gorun schema` and `gorun check` have one opinion of the same files.

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "tests/support/command.h"
#include "tests/support/scale.h"

namespace gorun::test::schema_test {

TEST_SUITE_BEGIN("cli/schema");

TEST_CASE("the schema takes the keys and types that check takes") {
  const CommandResult library = run_command({"python3", "-c", "import jsonschema"});
  if (library.status != 0) {
    MESSAGE("skipped: python3-jsonschema is not installed");
    return;
  }
  const char* seed = std::getenv("GORUN_FUZZ_SEED");
  const CommandResult result = run_command(
      {"python3", "-W", "ignore", GORUN_SOURCE_DIR "/tests/cli/schema_check.py", GORUN_BINARY,
       seed == nullptr ? "4711" : seed, std::to_string(gorun::test::scaled(150, 15))});
  CAPTURE(result.out);
  CAPTURE(result.err);
  CHECK(result.status == 0);
  CHECK(result.out.ends_with(", 0 disagreements\n"));
}

TEST_CASE("the schema is one JSON object for draft 2020-12") {
  const std::string schema = run_gorun({"schema"}).out;
  CHECK(schema.starts_with("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\""));
  CHECK(schema.ends_with("}\n"));
}

TEST_SUITE_END();

}  // namespace gorun::test::schema_test
