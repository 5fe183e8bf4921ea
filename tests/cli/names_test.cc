// tests/cli/names_test.cc - names of any bytes go through a job unharmed, and never become code.

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::names_test {

namespace {

// Names that break programs which quote by guessing.
const std::vector<std::string>& hostile_names() {
  static const std::vector<std::string> kNames = {"plain",
                                                  "two words",
                                                  " blank at both ends ",
                                                  "-n",
                                                  "--help",
                                                  "new\nline",
                                                  "tab\there",
                                                  "back\\slash",
                                                  "quote\"here",
                                                  "it's",
                                                  "$(touch ran)",
                                                  "`touch ran`",
                                                  "; touch ran",
                                                  "*",
                                                  "{}",
                                                  "${{ item }}",
                                                  "caf\xe9",
                                                  "\xff\xfe",
                                                  "na\xc3\xafve",
                                                  "\x1b[31mred"};
  return kNames;
}

// The files of these names, each holding its own name.
void make_files(const ScratchDir& scratch) {
  for (const std::string& name : hostile_names()) scratch.write("files/" + name, name);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find(separator, begin)) != std::string::npos; begin = end + 1) {
    parts.push_back(text.substr(begin, end - begin));
  }
  CHECK(begin == text.size());  // the last one is ended as well
  std::ranges::sort(parts);
  return parts;
}

std::vector<std::string> expected_paths() {
  std::vector<std::string> paths;
  for (const std::string& name : hostile_names()) paths.push_back("files/" + name);
  std::ranges::sort(paths);
  return paths;
}

std::string job_with(const std::string& stages) {
  return "{\"gorun\": 1, \"stages\": {\n  \"files\": {\"kind\": \"walk\", \"root\": \"files\"},\n" +
         stages + "}}\n";
}

std::string run_in(const ScratchDir& scratch, const std::string& stages) {
  const CommandResult result =
      run_gorun({"-q", "-"}, {.input = job_with(stages), .directory = scratch.path()});
  CHECK(result.err.empty());
  CHECK(result.status == 0);
  CHECK(run_command({"test", "-e", scratch / "ran"}).status == 1);
  return result.out;
}

}  // namespace

TEST_SUITE_BEGIN("cli/names");

TEST_CASE("an argument of argv is the name, whole") {
  const ScratchDir scratch;
  make_files(scratch);
  const std::string out =
      run_in(scratch,
             "  \"show\": {\"kind\": \"exec\", \"from\": \"files\", \"workers\": 1,\n"
             "           \"argv\": [\"printf\", \"%s\\\\0\", \"{}\"]}\n");
  CHECK(split(out, '\0') == expected_paths());
}

TEST_CASE("a script gets the name as its first argument") {
  const ScratchDir scratch;
  make_files(scratch);
  const std::string out =
      run_in(scratch,
             "  \"show\": {\"kind\": \"exec\", \"from\": \"files\", \"workers\": 1,\n"
             "           \"shell\": \"printf '%s\\\\0' \\\"$1\\\"\"}\n");
  CHECK(split(out, '\0') == expected_paths());
}

TEST_CASE("a script gets several names as its arguments, each whole") {
  const ScratchDir scratch;
  make_files(scratch);
  const std::string out =
      run_in(scratch,
             "  \"show\": {\"kind\": \"exec\", \"from\": \"files\", \"workers\": 1, \"batch\": 7,\n"
             "           \"shell\": \"[ $# -le 7 ] || exit 1; for name; do printf '%s\\\\0' "
             "\\\"$name\\\"; "
             "done\"}\n");
  CHECK(split(out, '\0') == expected_paths());
}

TEST_CASE("captured output of commands is written byte for byte") {
  const ScratchDir scratch;
  make_files(scratch);
  const std::string out =
      run_in(scratch,
             "  \"cat\": {\"kind\": \"exec\", \"from\": \"files\", \"stdout\": \"capture\",\n"
             "          \"shell\": \"cat -- \\\"$1\\\"; printf '\\\\0'\"},\n"
             "  \"out\": {\"kind\": \"write\", \"from\": \"cat\"}\n");
  std::vector<std::string> names = hostile_names();
  std::ranges::sort(names);
  std::vector<std::string> shown;
  // Each item ends in NUL and write adds a line feed.
  std::size_t begin = 0;
  for (std::size_t end; (end = out.find(std::string("\0\n", 2), begin)) != std::string::npos;
       begin = end + 2) {
    shown.push_back(out.substr(begin, end - begin));
  }
  std::ranges::sort(shown);
  CHECK(shown == names);
}

TEST_CASE("the text of an item is written as it is") {
  const ScratchDir scratch;
  make_files(scratch);
  std::string expected;
  for (const std::string& path : expected_paths()) expected += path + "\n";
  std::string out = run_in(scratch, "  \"out\": {\"kind\": \"write\", \"from\": \"files\"}\n");
  CHECK(split(out, '\n') == split(expected, '\n'));
}

TEST_CASE("sha256sum accepts a manifest of hostile names") {
  const ScratchDir scratch;
  make_files(scratch);
  const std::string manifest = run_in(scratch,
                                      "  \"hash\": {\"kind\": \"hash\", \"from\": \"files\"},\n"
                                      "  \"out\": {\"kind\": \"write\", \"from\": \"hash\", "
                                      "\"format\": \"sha256sum\"}\n");
  const CommandResult verdict = run_command({"sha256sum", "--check", "--strict", "--quiet"},
                                            {.input = manifest, .directory = scratch.path()});
  CHECK(verdict.status == 0);
  CHECK(verdict.err.empty());
  CHECK(std::ranges::count(manifest, '\n') == static_cast<std::ptrdiff_t>(hostile_names().size()));
}

TEST_SUITE_END();

}  // namespace gorun::test::names_test
