#include "jobs/stage_options.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "jobs/kinds.h"

namespace gorun::jobs::stage_options_test {

TEST_SUITE("jobs/stage_options") {
  TEST_CASE("an option has its default until it is set") {
    StageOptions options = default_options(*find_kind("walk"));
    CHECK(options.has("hidden"));
    CHECK_FALSE(options.is_given("hidden"));
    CHECK(options.flag("hidden"));
    CHECK_FALSE(options.has("max_depth"));
    options.set("max_depth", std::int64_t{3}, {10, 11});
    CHECK(options.is_given("max_depth"));
    CHECK(options.integer("max_depth") == 3);
    CHECK(options.where("max_depth") == ByteRange{10, 11});
  }

  TEST_CASE("a stage that asks for what the table does not have is told so") {
    const StageOptions options = default_options(*find_kind("walk"));
    CHECK_THROWS_WITH_AS(static_cast<void>(options.flag("hiden")),
                         "kind \"walk\" has no option \"hiden\"", std::logic_error);
    CHECK_THROWS_WITH_AS(static_cast<void>(options.integer("hidden")),
                         "option \"hidden\" of kind \"walk\" is unset or of another type",
                         std::logic_error);
    CHECK_THROWS_AS(static_cast<void>(options.integer("max_depth")), std::logic_error);
    CHECK_THROWS_AS(static_cast<void>(StageOptions().has("x")), std::logic_error);
  }
}

}  // namespace gorun::jobs::stage_options_test
