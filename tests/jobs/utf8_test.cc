#include "jobs/utf8.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace gorun::jobs::utf8_test {

TEST_SUITE("jobs/utf8") {
  TEST_CASE("only the sequences of RFC 3629 are well-formed") {
    struct Row {
      std::string_view bytes;
      std::size_t length;
    };
    const Row rows[] = {
        {"a", 1},
        {"\x7f", 1},
        {"\x80", 0},
        {"\xbf", 0},
        {"\xc0\x80", 0},  // overlong
        {"\xc1\xbf", 0},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xc2", 0},  // cut off
        {"\xc2\x41", 0},
        {"\xe0\x9f\xbf", 0},  // overlong
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xed\xa0\x80", 0},  // a surrogate
        {"\xef\xbf\xbf", 3},
        {"\xe6\x97", 0},
        {"\xf0\x8f\xbf\xbf", 0},  // overlong
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xf4\x90\x80\x80", 0},  // beyond U+10FFFF
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
    };
    for (const Row& row : rows) {
      CAPTURE(std::string(row.bytes));
      CHECK(utf8_length(row.bytes, 0) == row.length);
    }
  }

  TEST_CASE("the first bad byte is found wherever it stands") {
    CHECK(find_invalid_utf8("") == std::string_view::npos);
    CHECK(find_invalid_utf8("caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac") == std::string_view::npos);
    for (std::size_t at = 0; at < 40; ++at) {
      std::string text(40, 'x');
      text[at] = '\xff';
      CAPTURE(at);
      CHECK(find_invalid_utf8(text) == at);
    }
    CHECK(find_invalid_utf8("12345678\xc3") == 8);
  }
}

}  // namespace gorun::jobs::utf8_test
