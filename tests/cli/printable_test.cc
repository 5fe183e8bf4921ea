// tests/cli/printable_test.cc - foreign bytes on a terminal.

#include "cli/printable.h"

#include <doctest/doctest.h>

#include <string>

namespace gorun::test::printable_test {

using gorun::cli::display_width;
using gorun::cli::fit;
using gorun::cli::pad;
using gorun::cli::printable;

TEST_SUITE_BEGIN("cli/printable");

TEST_CASE("nothing that drives a terminal gets through") {
  CHECK(printable("a\x1b[31mb") == "a?[31mb");
  CHECK(printable(std::string("a\0b\nc\td\x7f", 8)) == "a?b?c?d?");
  CHECK(printable("\xc2\x9b"
                  "31m") == "?31m");  // CSI as a C1 control
}

TEST_CASE("UTF-8 stays, and each byte that is none becomes a question mark") {
  CHECK(printable("na\xc3\xafve") == "na\xc3\xafve");
  CHECK(printable("caf\xe9") == "caf?");           // Latin-1
  CHECK(printable("\xc0\xaf") == "??");            // over-long
  CHECK(printable("\xed\xa0\x80") == "???");       // a surrogate
  CHECK(printable("\xf4\x90\x80\x80") == "????");  // beyond U+10FFFF
  CHECK(printable("\xe2\x82") == "??");            // cut short
  CHECK(printable("\xf0\x9f\x9a\x80") == "\xf0\x9f\x9a\x80");
}

TEST_CASE("wide letters take two columns and combining marks none") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("\xe6\x97\xa5\xe6\x9c\xac") == 4);  // two CJK letters
  CHECK(display_width("e\xcc\x81") == 1);                 // e and a combining acute
  CHECK(display_width("\xf0\x9f\x98\x80") == 2);
}

TEST_CASE("a text that is too long is cut and says so") {
  CHECK(fit("abcdef", 6) == "abcdef");
  CHECK(fit("abcdefg", 6) == "abcd..");
  CHECK(fit("abc", 2) == "ab");
  CHECK(fit("abc", 0) == "");
  // A wide letter is not cut in half.
  CHECK(fit("a\xe6\x97\xa5\xe6\x9c\xac", 4) == "a..");
}

TEST_CASE("padding counts columns and not bytes") {
  CHECK(pad("ab", 4) == "ab  ");
  CHECK(pad("\xc3\xa4", 3) == "\xc3\xa4  ");
  CHECK(pad("abcdef", 4) == "ab..");
}

TEST_SUITE_END();

}  // namespace gorun::test::printable_test
