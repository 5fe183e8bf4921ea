#include "jobs/quote.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

namespace gorun::jobs::quote_test {

TEST_SUITE("jobs/quote") {
  TEST_CASE("a quoted text shows what it holds and stays one line") {
    CHECK(quote("") == R"("")");
    CHECK(quote("a b") == R"("a b")");
    CHECK(quote("a\"b\\c") == R"("a\"b\\c")");
    CHECK(quote(std::string_view("a\n\0\x1b\x7f", 5)) == R"("a\n\x00\x1b\x7f")");
    CHECK(quote("\xe6\x97\xa5") == "\"\xe6\x97\xa5\"");
  }

  TEST_CASE("a long text is cut between characters") {
    CHECK(quote(std::string(60, 'x')) == "\"" + std::string(60, 'x') + "\"");
    CHECK(quote(std::string(61, 'x')) == "\"" + std::string(60, 'x') + "...\"");
    CHECK(quote(std::string(59, 'x') + "\xe6\x97\xa5") == "\"" + std::string(59, 'x') + "...\"");
  }

  TEST_CASE("a list reads like a sentence") {
    const std::array<std::string_view, 3> names = {"a", "b", "c"};
    CHECK(quote_list(std::span(names).first(0)).empty());
    CHECK(quote_list(std::span(names).first(1)) == R"("a")");
    CHECK(quote_list(std::span(names).first(2)) == R"("a" and "b")");
    CHECK(quote_list(names, "or") == R"("a", "b" or "c")");
  }
}

}  // namespace gorun::jobs::quote_test
