// tests/jobs/records/csv_cutter_test.cc - records of CSV, against what RFC 4180 says, against texts
// written by its rules, and where files may be cut between them.

#include "jobs/records/csv_cutter.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/records/record_borders.h"
#include "tests/jobs/records/cut_all.h"

namespace gorun::test::csv_cutter_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/records/csv_cutter");

namespace {

using Row = std::vector<std::string>;

struct Cut {
  std::vector<Row> rows;
  std::vector<std::string> wrong;  // "offset: what [record]"
  friend bool operator==(const Cut&, const Cut&) = default;
};

Cut cut(std::string_view text, std::size_t columns, char separator = ',') {
  RecordTable table;
  std::vector<std::string> names;
  for (std::size_t c = 0; c < columns; ++c) names.push_back(std::to_string(c));
  table.set_names(names);
  CsvCutter cutter(separator);
  cutter.begin(text);
  Cut all;
  cut_all(
      cutter, table, text,
      [&](const Rows& rows, std::size_t i) {
        Row& row = all.rows.emplace_back();
        for (const Column& column : rows.columns) row.emplace_back(column.values[i]);
      },
      [&](const auto& wrong) {
        all.wrong.push_back(std::to_string(wrong.offset) + ": " + wrong.what + " [" +
                            std::string(wrong.text) + "]");
      });
  return all;
}

std::string random_field(std::mt19937& random) {
  constexpr std::string_view kBytes("ab\",\n\r; \t\0\xff", 11);
  std::string field;
  for (auto n = random() % 6; n > 0; --n) field += kBytes[random() % kBytes.size()];
  // Some reach over the 64 bytes that are looked at together.
  if (random() % 10 == 0) field.append(random() % 200, 'x');
  return field;
}

// Quotes what must be quoted, and now and then what need not be.
std::string written(const std::vector<Row>& rows, char separator, std::mt19937& random) {
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c > 0) text += separator;
      const bool is_hard = row[c].find_first_of("\"\n\r") != std::string::npos ||
                           row[c].find(separator) != std::string::npos ||
                           (row.size() == 1 && row[c].empty());
      if (!is_hard && random() % 4 != 0) {
        text += row[c];
        continue;
      }
      text += '"';
      for (const char byte : row[c])
        text += byte == '"' ? std::string("\"\"") : std::string(1, byte);
      text += '"';
    }
    text += random() % 2 == 0 ? "\n" : "\r\n";
  }
  return text;
}

// All borders that a scan in pieces of `piece` bytes tells.
std::vector<std::size_t> borders_of(std::string_view text, std::size_t piece) {
  CsvBorders borders(',');
  std::vector<std::size_t> all;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const std::size_t border = borders.last_border(text.substr(at, piece));
    if (border > 0) all.push_back(at + border);
  }
  return all;
}

}  // namespace

TEST_CASE("a byte order mark is one only where the text begins") {
  const std::string_view text = "\xef\xbb\xbf\"a\nb\",c\n";
  CHECK(CsvBorders(',').last_border(text) == text.size());
  CHECK(CsvBorders(',').last_border(text.substr(0, 6)) == 0);  // the quote is open
  CHECK(CsvBorders(',', false).last_border(text.substr(0, 6)) == 6);
}

TEST_CASE("fields are what RFC 4180 says") {
  CHECK(cut("a,b\nc,d\n", 2).rows == std::vector<Row>{{"a", "b"}, {"c", "d"}});
  CHECK(cut("a,b\r\nc,d", 2).rows == std::vector<Row>{{"a", "b"}, {"c", "d"}});
  CHECK(cut("\"a,\"\"b\"\"\r\n\",\"\"\n", 2).rows == std::vector<Row>{{"a,\"b\"\r\n", ""}});
  CHECK(cut(",\n,", 2).rows == std::vector<Row>{{"", ""}, {"", ""}});
  CHECK(cut(" a , b \n", 2).rows == std::vector<Row>{{" a ", " b "}});
  CHECK(cut("a\tb,c\n", 2, '\t').rows == std::vector<Row>{{"a", "b,c"}});
  CHECK(cut("\"\"\n\n\r\nx\n", 1).rows ==
        std::vector<Row>{{""}, {"x"}});  // no record in a blank line
  CHECK(cut("a\rb\n", 1).rows == std::vector<Row>{{"a\rb"}});
  CHECK(cut(std::string_view("\0,\xff\n", 4), 2).rows ==
        std::vector<Row>{{std::string(1, '\0'), "\xff"}});
  CHECK(cut("", 1) == Cut{});
}

TEST_CASE("a record that is wrong is told, and the next one is not harmed") {
  const Cut ragged = cut("a,b\nc\nd,e,f\ng,h\n", 2);
  CHECK(ragged.rows == std::vector<Row>{{"a", "b"}, {"g", "h"}});
  CHECK(ragged.wrong ==
        std::vector<std::string>{"4: a record of 1 fields, and there are 2 columns [c]",
                                 "6: a record of 3 fields, and there are 2 columns [d,e,f]"});
  const Cut stray = cut("5\" disk,1\n\"a\"b,2\n\"c\" ,3\nd,4\n", 2);
  CHECK(stray.rows == std::vector<Row>{{"d", "4"}});
  CHECK(stray.wrong == std::vector<std::string>{
                           "1: a quote inside a field that does not begin with one [5\" disk,1]",
                           "13: text between a closing quote and the end of its field [\"a\"b,2]",
                           "20: text between a closing quote and the end of its field [\"c\" ,3]"});
  const Cut open = cut("a,1\nb,\"2\nc,3\n", 2);
  CHECK(open.rows == std::vector<Row>{{"a", "1"}});
  CHECK(open.wrong == std::vector<std::string>{"6: a quote that is never closed [b,\"2\nc,3\n]"});
}

TEST_CASE("what is written by the rules is read back") {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    const char separator = ",;\t"[random() % 3];
    const std::size_t columns = 1 + random() % 5;
    std::vector<Row> rows(random() % 40, Row(columns));
    for (Row& row : rows) {
      for (std::string& field : row) field = random_field(random);
    }
    const Cut read = cut(written(rows, separator, random), columns, separator);
    CHECK(read.rows == rows);
    CHECK(read.wrong.empty());
  }
}

TEST_CASE("borders lie behind records, however the text comes") {
  std::mt19937 random(11);
  for (int round = 0; round < 100; ++round) {
    std::vector<Row> rows(1 + random() % 12, Row(2));
    for (Row& row : rows) {
      for (std::string& field : row) field = random_field(random);
    }
    std::string text = written(rows, ',', random);
    // Mistakes do not move the borders behind them.
    if (round % 3 == 0) text.insert(0, "a\"b,\"c\"d\n\"x\n\"y\",1\n");
    if (round % 5 == 0) text.insert(0, "\xef\xbb\xbf\"\n\",\"\"\n");
    CAPTURE(text);
    const auto one_by_one = borders_of(text, 1);
    const Cut whole = cut(text.starts_with('\xef') ? text.substr(3) : text, 2);
    CHECK(one_by_one.size() == whole.rows.size() + whole.wrong.size());
    for (const std::size_t piece : {2U, 3U, 7U, 64U}) {
      for (const std::size_t border : borders_of(text, piece)) {
        CHECK(std::ranges::binary_search(one_by_one, border));
      }
    }
    // So the text can be cut at each of them.
    if (text.starts_with('\xef')) continue;
    for (const std::size_t border : one_by_one) {
      Cut parts = cut(text.substr(0, border), 2);
      const Cut rest = cut(text.substr(border), 2);
      parts.rows.insert(parts.rows.end(), rest.rows.begin(), rest.rows.end());
      CHECK(parts.rows == whole.rows);
      CHECK(parts.wrong.size() + rest.wrong.size() == whole.wrong.size());
    }
    CHECK(first_csv_record(text, ',') == one_by_one.front());
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::csv_cutter_test
