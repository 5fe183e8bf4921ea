// tests/jobs/mapreduce/number_test.cc - numbers read and written, and sums in any order.

#include "jobs/mapreduce/number.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace gorun::test::number_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/mapreduce/number");

namespace {

std::string reread(std::string_view text) {
  const auto number = parse_number(text);
  if (!number) return "none";
  std::string out;
  append_number(*number, &out);
  return out;
}

std::string text_of(const ExactSum& sum) {
  std::string out;
  sum.append_to(&out);
  return out;
}

ExactSum sum_of(const std::vector<Number>& numbers) {
  ExactSum sum;
  for (const Number& number : numbers) sum.add(number);
  return sum;
}

}  // namespace

TEST_CASE("what is a number") {
  CHECK(reread("0") == "0");
  CHECK(reread("-7") == "-7");
  CHECK(reread("+7") == "7");
  CHECK(reread("  12\r\n") == "12");
  CHECK(reread("007") == "7");
  CHECK(reread("9223372036854775807") == "9223372036854775807");
  CHECK(reread("9223372036854775808") == "9223372036854775808");
  CHECK(parse_number("9223372036854775808")->index() == 1);
  CHECK(reread("0.1") == "0.1");
  CHECK(reread("1e3") == "1000");
  CHECK(reread(".5") == "0.5");
  CHECK(reread("-0.0") == "0");
  CHECK(parse_number("1.0")->index() == 1);
  for (const char* text :
       {"", " ", "x", "1x", "1 2", "nan", "inf", "1e999", "0x10", "+-1", "--1", "1,000", "\xff"}) {
    CAPTURE(text);
    CHECK(reread(text) == "none");
  }
}

TEST_CASE("comparison is exact between integers and doubles") {
  CHECK(is_less(std::int64_t{1}, 1.5));
  CHECK(!is_less(1.5, std::int64_t{1}));
  CHECK(!is_less(std::int64_t{2}, 2.0));
  CHECK(!is_less(2.0, std::int64_t{2}));
  CHECK(is_less(9007199254740992.0, std::int64_t{9007199254740993}));  // one double for both
}

TEST_CASE("integers never overflow a sum") {
  const auto max = std::numeric_limits<std::int64_t>::max();
  const auto min = std::numeric_limits<std::int64_t>::min();
  CHECK(text_of(sum_of({max, max, max})) == "27670116110564327421");
  CHECK(text_of(sum_of({min, min})) == "-18446744073709551616");
  CHECK(text_of(sum_of({max, min})) == "-1");
  CHECK(text_of(ExactSum()) == "0");
  CHECK(sum_of({max, max}).value() == 18446744073709551614.0);
  CHECK(std::get<std::int64_t>(sum_of({max, min}).number()) == -1);
}

TEST_CASE("sums of doubles are rounded once, as Python's math.fsum does") {
  CHECK(text_of(sum_of({0.1, 0.2, 0.3})) == "0.6");  // left to right it would be 0.6000000000000001
  CHECK(text_of(sum_of(std::vector<Number>(10, 0.1))) == "1");
  CHECK(text_of(sum_of({1e100, 1.0, -1e100})) == "1");
  CHECK(text_of(sum_of({1e16, 1.0, 1e-16})) == "10000000000000002");
  CHECK(text_of(sum_of({std::int64_t{9007199254740993}, 0.0})) == "9007199254740992");
  CHECK(text_of(sum_of({std::int64_t{9007199254740993}, 0.5})) == "9007199254740994");
  CHECK(text_of(sum_of({0.5, std::int64_t{-1}})) == "-0.5");
  CHECK(text_of(sum_of({1.5, -1.5})) == "0");
  CHECK(sum_of({0.1, 0.2, 0.3}).mean(3) == 0.6 / 3);
}

// Left to right some of these overflow on their way, and others in another order.
TEST_CASE("a sum near the largest double is that of its numbers, whatever their order") {
  constexpr double kMax = std::numeric_limits<double>::max();
  const struct {
    std::vector<Number> numbers;
    std::string sum;
  } rows[] = {
      {{1e308, 1e308, -1e308}, "1e+308"},
      {{kMax, kMax, -kMax, -kMax}, "0"},
      {{kMax, kMax, -kMax, -kMax, 5e-324}, "5e-324"},
      {{kMax, kMax, kMax, -kMax, -kMax, 1.0}, "1.7976931348623157e+308"},
      {{kMax, kMax, -kMax, -kMax, 0.1, 0.2, 0.3}, "0.6"},
      {{0x1p1000, 0x1p947, 0x1p-1000}, "1.0715086071862676e+301"},  // not a tie: up
      {{0x1p1000, 0x1p947, -0x1p-1000}, "1.0715086071862673e+301"},
      {{0x1p1000, 0x1p947}, "1.0715086071862673e+301"},  // to even
      {{1e308, 1e308, std::int64_t{1}}, "inf"},
      {{-kMax, 0x1p969, -0x1p970, 1.0}, "-1.7976931348623157e+308"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.sum);
    std::vector<Number> numbers = row.numbers;
    std::sort(numbers.begin(), numbers.end());
    do {
      CHECK(text_of(sum_of(numbers)) == row.sum);
      for (std::size_t split = 1; split < numbers.size(); ++split) {
        const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(split);
        ExactSum both = sum_of({numbers.begin(), middle});
        both.add(sum_of({middle, numbers.end()}));
        CHECK(text_of(both) == row.sum);
      }
    } while (std::next_permutation(numbers.begin(), numbers.end()));
  }
  CHECK(sum_of({1e308, 1e308}).mean(2) == 1e308);
}

TEST_CASE("a sum is what it was when its bytes are read") {
  constexpr double kMax = std::numeric_limits<double>::max();
  for (const std::vector<Number>& numbers : {std::vector<Number>{},
                                             {std::int64_t{7}},
                                             {0.0},
                                             {0.1, std::int64_t{-3}},
                                             {kMax, kMax, 0x1p-1000, std::int64_t{1}}}) {
    const ExactSum sum = sum_of(numbers);
    std::string bytes;
    sum.append_bytes_to(&bytes);
    ExactSum read = ExactSum::read(bytes);
    CHECK(text_of(read) == text_of(sum));
    CHECK(read.number().index() == sum.number().index());
    read.add(-kMax);
    ExactSum more = sum;
    more.add(-kMax);
    CHECK(text_of(read) == text_of(more));
  }
}

TEST_CASE("a sum does not depend on order or on how it was split") {
  std::mt19937_64 random(42);
  std::vector<Number> numbers;
  for (int i = 0; i < 1000; ++i) {
    const double scale = static_cast<double>(random() % 1000) - 500;
    if (i % 5 == 0) {
      numbers.emplace_back(static_cast<std::int64_t>(random()));
    } else {
      numbers.emplace_back(
          std::ldexp(static_cast<double>(random()) - 9e18, static_cast<int>(scale)));
    }
  }
  const std::string expected = text_of(sum_of(numbers));
  for (int round = 0; round < 20; ++round) {
    std::shuffle(numbers.begin(), numbers.end(), random);
    ExactSum left;
    ExactSum right;
    for (std::size_t i = 0; i < numbers.size(); ++i) (random() % 2 ? left : right).add(numbers[i]);
    ExactSum both = left;
    both.add(right);
    CHECK(text_of(both) == expected);
  }
}

TEST_CASE("integers read together are those read one by one") {
  static const std::vector<std::string_view> kOdd = {"",
                                                     "-",
                                                     "--1",
                                                     "+1",
                                                     " 1",
                                                     "1 ",
                                                     "1.0",
                                                     "1e3",
                                                     "0x1",
                                                     "12/4",
                                                     "1:2",
                                                     "\xb1",
                                                     "123a5678",
                                                     "12345678/",
                                                     "1234567:9",
                                                     std::string_view("1\0", 2),
                                                     "1234567890123456789",
                                                     "-1234567890123456789"};
  for (const std::string_view odd : kOdd) {
    CAPTURE(odd);
    std::int64_t values[2];
    const std::string_view texts[] = {"1", odd};
    CHECK(!parse_integers(texts, values));
  }
  std::mt19937_64 random(9);
  // Each in memory that ends with it, for a sanitizer, and in a row with others.
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> texts(1 + random() % 20);
    std::vector<std::string_view> views;
    for (std::string& text : texts) {
      text = random() % 3 == 0 ? "-" : "";
      for (auto n = 1 + random() % 18; n > 0; --n) text += static_cast<char>('0' + random() % 10);
      text.shrink_to_fit();
      views.emplace_back(text);
    }
    std::vector<std::int64_t> values(texts.size());
    REQUIRE(parse_integers(views, values.data()));
    for (std::size_t i = 0; i < texts.size(); ++i) {
      CAPTURE(texts[i]);
      CHECK(Number(values[i]) == parse_number(texts[i]));
    }
  }
}

TEST_CASE(
    "columns of short integers are read as integers, wherever they lie, but for one that is none") {
  std::mt19937_64 random(10);
  for (int round = 0; round < 300; ++round) {
    // Over some pages, one behind the other.
    std::string bytes;
    std::vector<std::size_t> begins;
    std::vector<std::int64_t> expected;
    while (bytes.size() < 10000) {
      begins.push_back(bytes.size());
      expected.push_back(static_cast<std::int64_t>(random() % 100'000'000 >> random() % 27));
      bytes += std::to_string(expected.back());
    }
    begins.push_back(bytes.size());
    const std::size_t odd = random() % expected.size();
    const char wrong = " -/:a\xff\0"[random() % 7];
    std::vector<std::string_view> views;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      views.push_back(std::string_view(bytes).substr(begins[i], begins[i + 1] - begins[i]));
    }
    std::vector<std::int64_t> values(views.size());
    REQUIRE(parse_integers(views, values.data()));
    REQUIRE(values == expected);
    const std::size_t at = random() % views[odd].size();
    bytes[begins[odd] + at] = wrong;
    // Unless it is a sign.
    const bool is_negative = wrong == '-' && at == 0 && views[odd].size() > 1;
    CHECK(parse_integers(views, values.data()) == is_negative);
    if (!is_negative) continue;
    CHECK(Number(values[odd]) == parse_number(views[odd]));
    values[odd] = expected[odd];
    CHECK(values == expected);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::number_test
