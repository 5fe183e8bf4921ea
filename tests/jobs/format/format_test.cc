// tests/jobs/format/format_test.cc - what is written is what other tools read.

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "jobs/format/checksum_line.h"
#include "jobs/format/json_text.h"
#include "jobs/format/quote.h"
#include "jobs/format/separated.h"
#include "jobs/hash/digest.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::format_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::run_shell;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/format");

namespace {

// Names that break careless programs. No "/" and no NUL.
const std::vector<std::string>& awkward_names() {
  static const std::vector<std::string> names = {"plain",
                                                 " space ",
                                                 "a\nb",
                                                 "a\rb",
                                                 "a\\b",
                                                 "\\",
                                                 "a\\nb",
                                                 "'single'",
                                                 "\"double\"",
                                                 "-dash",
                                                 "*",
                                                 "$HOME`x`",
                                                 "~",
                                                 "\xff\xfe",
                                                 "\xc3\xa9",
                                                 "\xc3",
                                                 "a\tb",
                                                 "a,b",
                                                 "\x01\x1b[31m",
                                                 "#x",
                                                 "=x",
                                                 "\xed\xa0\x80",
                                                 "\xf4\x8f\xbf\xbf",
                                                 "\xf4\x8f\xbe\x80",
                                                 "\xc2\x80",
                                                 std::string(255, 'n'),
                                                 "\n",
                                                 "a b'c\"d\\e\xff"
                                                 "0"};
  return names;
}

std::string json_string(std::string_view bytes) {
  std::string out;
  append_json_string(bytes, &out);
  return out;
}

std::string csv(const std::vector<std::string_view>& fields) {
  std::string out;
  append_csv_row(fields, &out);
  return out;
}

std::string tsv(const std::vector<std::string_view>& fields) {
  std::string out;
  append_tsv_row(fields, &out);
  return out;
}

}  // namespace

TEST_CASE("sha256sum writes the same lines and accepts ours") {
  const ScratchDir scratch;
  std::string ours;
  std::string tagged;
  std::string names;
  for (const std::string& name : awkward_names()) {
    scratch.write(name, name + "!");
    const std::string hex = digest_of(Algorithm::kSha256, name + "!").hex();
    append_checksum_line(hex, name, &ours);
    append_tagged_checksum_line("SHA256", hex, name, &tagged);
    names += name + '\0';
  }
  const ScratchDir aside;
  const std::string list = aside.write("names", names);
  const std::string at = "cd " + scratch.path() + " && ";
  CHECK(run_shell(at + "xargs -0 sha256sum -- < " + list).out == ours);
  CHECK(run_shell(at + "xargs -0 sha256sum --tag -- < " + list).out == tagged);
  const std::string manifest = aside.write("manifest", ours);
  CHECK(run_shell(at + "sha256sum --check --strict --quiet " + manifest).exit_status == 0);
  const std::string tagged_manifest = aside.write("tagged", tagged);
  CHECK(run_shell(at + "sha256sum --check --strict --quiet " + tagged_manifest).exit_status == 0);
}

TEST_CASE("a shell reads back the words that were quoted for it") {
  std::vector<std::string> words = {"printf", "%s|"};
  std::string expected;
  for (const std::string& name : awkward_names()) {
    words.push_back(name);
    expected += name + "|";
  }
  words.emplace_back();
  expected += "|";
  const ScratchDir scratch;
  const std::string script = scratch.write("script", quote_for_shell(words) + "\n");
  CHECK(run_shell("bash " + script).out == expected);
}

TEST_CASE("quoting for the shell stays readable") {
  CHECK(quote_for_shell("a/b-c.d_e=f") == "a/b-c.d_e=f");
  CHECK(quote_for_shell("") == "''");
  CHECK(quote_for_shell("it's") == "'it'\\''s'");
  CHECK(quote_for_shell("\xc3\xa9") == "'\xc3\xa9'");
  CHECK(quote_for_shell("a\n'\xff"
                        "1") == "$'a\\n\\'\\3771'");
}

TEST_CASE("messages never move the terminal") {
  CHECK(quote_for_message("a \"b\" \\") == "\"a \\\"b\\\" \\\\\"");
  CHECK(quote_for_message("\x1b[31m\n\t\r\x7f") == "\"\\x1b[31m\\n\\t\\r\\x7f\"");
  CHECK(quote_for_message("\xc3\xa9\xff\xc2\x9b") == "\"\xc3\xa9\\xff\\xc2\\x9b\"");
}

TEST_CASE("JSON strings are read back by a JSON reader, byte for byte") {
  const auto round_trip = [](const std::string& bytes) {
    const auto text = nlohmann::json::parse(json_string(bytes)).get<std::string>();
    const auto back = bytes_of_json_text(text);
    REQUIRE(back.has_value());
    return *back;
  };
  for (const std::string& name : awkward_names()) CHECK(round_trip(name) == name);
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(round_trip(all) == all);
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(random() % 12, '\0');
    // Bytes that make, and break, sequences of every length.
    for (char& c : bytes) c = "a\x80\xbf\xc3\xe0\xed\xf0\xf4\x8f\xbe\xff\0"[random() % 12];
    REQUIRE(round_trip(bytes) == bytes);
  }
}

TEST_CASE("JSON strings as documented") {
  CHECK(json_string("a\"\\\n\x01\x7f\xc3\xa9") == "\"a\\\"\\\\\\n\\u0001\\u007f\xc3\xa9\"");
  CHECK(json_string("a\xff") == "\"a\\udbff\\udfff\"");
  CHECK(json_string("\xf4\x8f\xbe\x80") ==
        "\"\\udbff\\udff4\\udbff\\udf8f\\udbff\\udfbe\\udbff\\udf80\"");
  CHECK(!bytes_of_json_text("\xff"));
}

TEST_CASE("lines of JSON") {
  std::string out;
  JsonLine line(&out);
  line.add_text("path", "a\nb");
  line.add_number("size", "12");
  line.end();
  JsonLine(&out).end();
  CHECK(out == "{\"path\":\"a\\nb\",\"size\":12}\n{}\n");
}

TEST_CASE("CSV as RFC 4180 has it") {
  CHECK(csv({"a", "b c", ""}) == "a,b c,\n");
  CHECK(csv({"a,b", "c\"d", "e\nf", "g\rh"}) == "\"a,b\",\"c\"\"d\",\"e\nf\",\"g\rh\"\n");
  CHECK(csv({""}) == "\"\"\n");
  CHECK(csv({"", ""}) == ",\n");
  CHECK(csv({"\xff"}) == "\xff\n");
}

TEST_CASE("TSV keeps rows on a line") {
  CHECK(tsv({"a", "b c", ""}) == "a\tb c\t\n");
  CHECK(tsv({"a\tb", "c\nd\\e\r"}) == "a\\tb\tc\\nd\\\\e\\r\n");
}

TEST_SUITE_END();

}  // namespace gorun::test::format_test
