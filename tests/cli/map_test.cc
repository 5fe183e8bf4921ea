// tests/cli/map_test.cc - `gorun map`: a command for each line of standard input.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scale.h"

namespace gorun::test::map_test {

namespace {

CommandResult map(std::vector<std::string> arguments, std::string input) {
  arguments.insert(arguments.begin(), "map");
  return run_gorun(std::move(arguments), {.input = std::move(input)});
}

std::string numbers(int last) {
  std::string out;
  for (int i = 1; i <= last; ++i) out += std::to_string(i) + "\n";
  return out;
}

std::string sorted(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::ranges::sort(lines);
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("cli/map");

TEST_CASE("a command for each line, which is its last argument, and nothing else is said") {
  const CommandResult result = map({"echo", "<"}, "a b\nc\n");
  CHECK(result.status == 0);
  CHECK(sorted(result.out) == "< a b\n< c\n");
  CHECK(result.err.empty());
}

TEST_CASE("placeholders, and flags that belong to the command") {
  CHECK(map({"-j1", "--", "printf", "%s|", "{}", "{.}", "{/}", "{//}", "{/.}", "{%}", "{#}", "-n"},
            "dir/a.tar.gz\nb\n")
            .out == "dir/a.tar.gz|dir/a.tar|a.tar.gz|dir|a.tar|1|1|-n|b|b|b|.|b|1|2|-n|");
  CHECK(map({"-j", "1", "echo", "-n", "x{}y${{ item }}"}, "1\n2\n").out ==
        "x1y${{ item }}x2y${{ item }}");
}

TEST_CASE("lines reach a command unharmed, whatever they hold") {
  const std::string hostile = "$(x) `y` \"'\\ *;&|<>\t\n-n\n--\n \n\xff\xfe\x01\n";
  std::string nul_separated = hostile + "\n";
  std::ranges::replace(nul_separated, '\n', '\0');
  CHECK(map({"-j1", "-0", "--", "printf", "%s\n"}, nul_separated).out == hostile + "\n");
  CHECK(map({"-j1", "-0", "--", "printf", "<%s>", "{}"}, std::string("a\nb\0-e\0", 7)).out ==
        "<a\nb><-e>");
  CHECK(map({"-j1", "--", "sh", "-c", "printf '<%s>' \"$1\"", "sh", "{}"}, hostile).out ==
        "<$(x) `y` \"'\\ *;&|<>\t><-n><-->< ><\xff\xfe\x01>");
}

TEST_CASE("several lines for a command: exactly so many, fewer at the end, with any workers") {
  for (const char* workers : {"1", "2", "8"}) {
    CAPTURE(workers);
    CHECK(sorted(map({"-j", workers, "-n", "3", "echo"}, numbers(8)).out) == "1 2 3\n4 5 6\n7 8\n");
  }
  CHECK(map({"-j1", "-n", "2", "--", "echo", "a{}", "-", "{}.c"}, numbers(3)).out ==
        "a1 a2 - 1.c 2.c\na3 - 3.c\n");
}

TEST_CASE("lines that are too many for one command are shared among several") {
  // 400 lines of 10,000 bytes do not fit into the 2 MiB that Linux takes with the usual limits.
  std::string input;
  for (int i = 0; i < 400; ++i) input += std::string(10'000, 'x') + "\n";
  const CommandResult result =
      map({"-j1", "-n", "1000000", "--", "sh", "-c", "echo $#", "sh"}, input);
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  std::istringstream counts(result.out);
  int all = 0;
  int commands = 0;
  for (int count = 0; counts >> count; ++commands) all += count;
  CHECK(all == 400);
  CHECK(commands >= 2);
  CHECK(commands <= 4);
}

TEST_CASE("what stands around a line, and beside it, counts") {
  const auto all_of = [](const std::string& counts) {
    std::istringstream in(counts);
    int all = 0;
    for (int count = 0; in >> count;) all += count;
    return all;
  };
  // By themselves these lines would fit into one command, or nearly.
  CommandResult result = map({"-n", "1000000", "--", "sh", "-c", "echo $#", "sh",
                              "--an-option-that-is-longer-than-what-it-is-for={}"},
                             numbers(60'000));
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  CHECK(all_of(result.out) == 60'000);
  const std::string large(100'000, 'x');
  result =
      map({"-n", "1000000", "--", "sh", "-c", "echo $(($# - 3))", "sh", large, large, large, "{}"},
          numbers(200'000));
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  CHECK(all_of(result.out) == 200'000);
  result = run_gorun({"-q", "-"}, {.input = R"({"gorun": 1, "env": {"A": ")" + large +
                                            R"("}, "stages": {
      "r": {"kind": "range", "from_n": 1, "to": 200000},
      "e": {"kind": "exec", "from": "r", "batch": 1000000, "shell": "echo $#",
            "env": {"B": ")" + large + R"(", "C": ")" +
                                            large + R"("}}}})"});
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  CHECK(all_of(result.out) == 200'000);
}

TEST_CASE("a line that no command can take fails, and its neighbours do not") {
  CommandResult result =
      map({"-j1", "-n", "4", "echo"}, numbers(5) + std::string(200'000, 'x') + "\n6\n7\n8\n9\n");
  CHECK(result.status == 1);
  CHECK(result.out == "1 2 3 4\n5\n6 7 8 9\n");
  CHECK(result.err.starts_with(
      "gorun: stage \"map\": cannot run \"echo\": Argument list too long (item \"xxx"));
  CHECK(std::ranges::count(result.err, '\n') == 1);
  result = map({"-j1", "-n", "4", "echo"}, std::string("1\n2\na\0b\n3\n4\n", 12));
  CHECK(result.status == 1);
  CHECK(result.out == "1 2\n3 4\n");
  CHECK(result.err ==
        "gorun: stage \"map\": an argument of a command cannot hold a NUL byte (item \"a?b\")\n");
}

TEST_CASE("without a line no command is run") {
  const CommandResult result = map({"--", "echo", "x"}, "");
  CHECK(result.status == 0);
  CHECK(result.out.empty());
}

TEST_CASE("a command that fails is named with its line, and the others run all the same") {
  const CommandResult result = map({"-j1", "--", "sh", "-c", "echo $0 >&2; exit $0"}, "0\n3\n0\n");
  CHECK(result.status == 1);
  CHECK(result.err ==
        "0\n3\ngorun: stage \"map\": sh -c 'echo $0 >&2; exit $0' 3: exit 3 (item \"3\")\n0\n");
}

TEST_CASE("-k prints in the order of the lines, whatever ends first") {
  // Each of four neighbours ends before the one in front of it.
  for (const char* workers : {"1", "4"}) {
    CHECK(map({"-k", "-j", workers, "--", "sh", "-c", "sleep 0.0$((4 - $0 % 4)); echo $0; echo -"},
              numbers(8))
              .out == "1\n-\n2\n-\n3\n-\n4\n-\n5\n-\n6\n-\n7\n-\n8\n-\n");
  }
  CHECK(map({"-k", "-j4", "-n", "3", "echo"}, numbers(8)).out == "1 2 3\n4 5 6\n7 8\n");
}

TEST_CASE("-k prints what commands say to standard error in that order, too") {
  const CommandResult result =
      map({"-k", "-j", "4", "--", "sh", "-c",
           "sleep 0.0$((4 - $0 % 4)); echo o$0; echo e$0 >&2; exit $(($0 / 8))"},
          numbers(8));
  CHECK(result.status == 1);
  CHECK(result.out == "o1\no2\no3\no4\no5\no6\no7\no8\n");
  std::string said = result.err;
  const std::size_t failure = said.find("gorun: ");
  REQUIRE(failure != std::string::npos);
  said.erase(failure, said.find('\n', failure) + 1 - failure);
  CHECK(said == "e1\ne2\ne3\ne4\ne5\ne6\ne7\ne8\n");
}

TEST_CASE("-k prints every byte as it is, and none more") {
  for (const char* workers : {"1", "4"}) {
    CAPTURE(workers);
    CHECK(map({"-k", "-j", workers, "--", "printf", "%s", "{}"}, numbers(5)).out == "12345");
    CHECK(map({"-k", "-j", workers, "--", "printf", "%s\\0\\n\\n\\r\\377", "{}"}, "a\nb\n").out ==
          std::string("a\0\n\n\r\xff"
                      "b\0\n\n\r\xff",
                      12));
    const CommandResult large = map({"-k", "-j", workers, "--", "sh", "-c",
                                     "head -c 1000003 /dev/zero | tr '\\0' \"$1\"", "sh"},
                                    "x\ny\nz\n");
    CHECK((large.out == std::string(1'000'003, 'x') + std::string(1'000'003, 'y') +
                            std::string(1'000'003, 'z')));
    CHECK(map({"-k", "-j", workers, "--", "true"}, numbers(3)).out.empty());
  }
}

TEST_CASE("-k: commands whose turn has not come neither lose a byte nor make gorun grow") {
  constexpr std::size_t kEach = 20'000'000;
  const CommandResult result =
      map({"-k", "-j4", "--", "sh", "-c", "yes \"$1\" | head -c 20000000", "sh"}, "a\nb\nc\nd\n");
  CHECK(result.status == 0);
  REQUIRE(result.out.size() == 4 * kEach);
  for (std::size_t i = 0; i < result.out.size(); i += 1'000) {
    if (result.out[i] != "abcd"[i / kEach]) FAIL("another byte at " << i);
  }
  // As in exec_output_test.cc.
  if (kScale == 1) CHECK(result.peak_kib() < 96 * 1024);
}

TEST_CASE("--print shows a job file that does the same") {
  const CommandResult printed =
      map({"--print", "-j", "3", "-0", "-n", "2", "--", "echo", "a \"b\"", "{}", "${{ x }}"}, "");
  CHECK(printed.out == R"({
  "gorun": 1,
  "stages": {
    "lines": {"kind": "lines", "delimiter": "\u0000"},
    "map": {"kind": "exec", "from": {"stage": "lines", "buffer": 256}, "argv": ["echo", "a \"b\"", "{}", "$${{ x }}"], "workers": 3, "batch": 2, "on_error": "continue", "output": "group"}
  }
}
)");
  const std::string job = map({"--print", "-j1", "echo"}, "").out;
  const CommandResult checked = run_gorun({"check", "-q", "-"}, {.input = job});
  CHECK(checked.status == 0);
}

TEST_CASE("a wrong command line is told the way out") {
  CHECK(map({}, "").err ==
        "gorun: error: a command is missing\n  hint: type gorun map -- COMMAND {}\n");
  CHECK(map({"-n", "0", "echo"}, "").err ==
        "gorun: error: option \"--max-args\" cannot be \"0\"\n"
        "  hint: it is a whole number from 1 to 1000000\n");
  CHECK(map({"-j", "x", "echo"}, "").err ==
        "gorun: error: option \"--jobs\" cannot be \"x\"\n"
        "  hint: it is a whole number from 1 to 100000\n");
  CHECK(map({"--output", "both", "echo"}, "").err ==
        "gorun: error: option \"--output\" cannot be \"both\"\n"
        "  hint: it is one of group, line, raw\n");
  CHECK(map({"-k", "--output", "raw", "echo"}, "").err ==
        "gorun: error: options \"--keep-order\" and \"--output\" exclude each other\n"
        "  hint: with --keep-order every output waits for its turn\n");
  CHECK(map({"echo", "\xff"}, "").err ==
        "gorun: error: a word of the command is not UTF-8, which a job file has to be\n"
        "  hint: lines may hold any bytes: give it as one of them\n");
  const CommandResult result = map({"--dry-run", "echo"}, "");
  CHECK(result.status == 2);
  CHECK(result.err ==
        "gorun: error: option \"--dry-run\" has no meaning for \"gorun map\"\n"
        "  hint: \"gorun help map\" lists the options that it knows\n");
}

TEST_SUITE_END();

}  // namespace gorun::test::map_test
