// tests/cli/options_test.cc - the command line as a value, and what a wrong one is told.

#include "cli/options.h"

#include <doctest/doctest.h>

#include <string>
#include <variant>
#include <vector>

namespace gorun::test::options_test {

using namespace gorun::cli;

namespace {

auto parse(const std::vector<const char*>& words) {
  std::vector<const char*> argv = {"gorun"};
  argv.insert(argv.end(), words.begin(), words.end());
  return parse_options(static_cast<int>(argv.size()), argv.data());
}

// Throws, and so fails the test, if the command line is refused.
Options accept(const std::vector<const char*>& words) { return std::get<Options>(parse(words)); }

std::string refuse(const std::vector<const char*>& words) {
  return render(std::get<UsageError>(parse(words)));
}

std::string answer(const std::vector<const char*>& words) {
  return std::get<Answer>(parse(words)).text;
}

}  // namespace

TEST_SUITE_BEGIN("cli/options");

TEST_CASE("a file alone is run") {
  const Options options = accept({"job.json"});
  CHECK(options.command == cli::Command::kRun);
  CHECK_FALSE(options.named_command);
  CHECK(options.argument == "job.json");
  CHECK(options.procs == 0);
  CHECK(options.verbosity == Verbosity::kNormal);
  CHECK(options.progress == ProgressMode::kAuto);
  CHECK(options.color == ColorMode::kAuto);
  CHECK(options.log_level == LogLevel::kWarn);
}

TEST_CASE("flags may stand before and behind the command and the file") {
  for (const auto& words :
       std::vector<std::vector<const char*>>{{"-j", "3", "run", "a.json"},
                                             {"run", "-j", "3", "a.json"},
                                             {"run", "a.json", "-j", "3"},
                                             {"run", "a.json", "-j3"},
                                             {"--jobs=3", "run", "a.json"},
                                             {"run", "--jobs", "3", "a.json"}}) {
    const Options options = accept(words);
    CHECK(options.command == cli::Command::kRun);
    CHECK(options.argument == "a.json");
    CHECK(options.procs == 3);
  }
}

TEST_CASE("a file that is called like a command needs a slash or two dashes") {
  CHECK(accept({"./run"}).argument == "./run");
  CHECK(accept({"--", "run"}).argument == "run");
  CHECK(accept({"run", "check"}).argument == "check");
  CHECK(accept({"run", "--", "-x"}).argument == "-x");
}

TEST_CASE("a dash is standard input") {
  CHECK(accept({"-"}).argument == "-");
  CHECK(accept({"check", "-"}).argument == "-");
}

TEST_CASE("settings keep their order and everything behind the first equals sign") {
  const Options options = accept({"--set", "a=1", "--set=b=x=y", "job.json", "--set", "a="});
  REQUIRE(options.settings.size() == 3);
  CHECK(options.settings[0].name == "a");
  CHECK(options.settings[0].value == "1");
  CHECK(options.settings[1].name == "b");
  CHECK(options.settings[1].value == "x=y");
  CHECK(options.settings[2].name == "a");
  CHECK(options.settings[2].value.empty());
}

TEST_CASE("a setting may hold brackets, commas, blanks and bytes that are not UTF-8") {
  const Options options = accept({"--set", "list=[a,b]", "--set", "n=caf\xe9 x", "job.json"});
  CHECK(options.settings[0].value == "[a,b]");
  CHECK(options.settings[1].value == "caf\xe9 x");
  CHECK(accept({"[a,b].json"}).argument == "[a,b].json");
}

TEST_CASE("what follows the job file are targets, wherever flags stand") {
  CHECK(accept({"a.json"}).targets.empty());
  CHECK(accept({"a.json", "lint", "test"}).targets == std::vector<std::string>{"lint", "test"});
  CHECK(accept({"a.json", "lint", "-j", "2", "test"}).targets ==
        std::vector<std::string>{"lint", "test"});
  CHECK(accept({"explain", "a.json", "lint"}).targets == std::vector<std::string>{"lint"});
  CHECK(accept({"-n", "a.json", "lint"}).dry_run);
}

TEST_CASE("a setting from a file keeps its path") {
  const Options options = accept({"--set-file", "key=a=b.pem", "a.json"});
  REQUIRE(options.set_files.size() == 1);
  CHECK(options.set_files[0].name == "key");
  CHECK(options.set_files[0].path == "a=b.pem");
}

TEST_CASE("of a flag that is repeated the last use counts") {
  CHECK(accept({"-j", "1", "-j", "2", "job.json"}).procs == 2);
  CHECK(accept({"--color", "never", "--color", "always", "job.json"}).color == ColorMode::kAlways);
}

TEST_CASE("words for modes and levels") {
  CHECK(accept({"--progress", "bar", "x.json"}).progress == ProgressMode::kBar);
  CHECK(accept({"--progress", "plain", "x.json"}).progress == ProgressMode::kPlain);
  CHECK(accept({"--progress", "none", "x.json"}).progress == ProgressMode::kNone);
  CHECK(accept({"--log-level", "debug", "x.json"}).log_level == LogLevel::kDebug);
  CHECK(accept({"-q", "x.json"}).verbosity == Verbosity::kQuiet);
  CHECK(accept({"-v", "x.json"}).verbosity == Verbosity::kVerbose);
  CHECK(accept({"-vv", "x.json"}).log_level == LogLevel::kInfo);
}

TEST_CASE("help and version are answers, whatever else is typed") {
  CHECK(answer({"--version"}).starts_with("gorun "));
  CHECK(answer({"--help"}) == answer({"help"}));
  CHECK(answer({"-h"}) == answer({"help"}));
  CHECK(answer({"run", "--help"}) == answer({"help", "run"}));
  CHECK(answer({"stages", "walk", "--help"}) == answer({"help", "stages"}));
  CHECK(answer({"--no-such-thing", "--help"}) == answer({"help"}));
}

TEST_CASE("what is wrong is said with a way out") {
  struct Case {
    std::vector<const char*> words;
    const char* text;
  };
  const std::vector<Case> cases = {
      {{},
       "gorun: error: a job file is missing\n"
       "  hint: type gorun FILE; \"gorun help\" shows what a job file looks like\n"},
      {{""},
       "gorun: error: a job file is missing\n"
       "  hint: type gorun FILE; \"gorun help\" shows what a job file looks like\n"},
      {{"--jbos", "4", "a.json"},
       "gorun: error: unknown option \"--jbos\"\n  hint: did you mean \"--jobs\"?\n"},
      {{"--zzz", "a.json"},
       "gorun: error: unknown option \"--zzz\"\n"
       "  hint: \"gorun help run\" lists the options\n"},
      {{"-z", "a.json"},
       "gorun: error: unknown option \"-z\"\n  hint: \"gorun help run\" lists the options\n"},
      {{"chekc", "a.json"},
       "gorun: error: unknown command \"chekc\"\n  hint: did you mean \"check\"?\n"},
      {{"check", "a.json", "b.json"},
       "gorun: error: unexpected argument \"b.json\"\n  hint: gorun check takes one job file\n"},
      {{"schema", "a.json"},
       "gorun: error: unexpected argument \"a.json\"\n  hint: gorun schema takes no arguments\n"},
      {{"a.json", "lint", "--frmat", "dot"},
       "gorun: error: unknown option \"--frmat\"\n  hint: \"gorun help run\" lists the options\n"},
      {{"graph", "--format", "sgv", "a.json"},
       "gorun: error: option \"--format\" cannot be \"sgv\"\n  hint: did you mean \"svg\"?\n"},
      {{"stages", "walk", "read"},
       "gorun: error: unexpected argument \"read\"\n  hint: gorun stages takes one word\n"},
      {{"check", "-j", "4", "a.json"},
       "gorun: error: option \"-j\" has no meaning for \"gorun check\"\n"
       "  hint: \"gorun help check\" lists the options that it knows\n"},
      {{"a.json", "-j"}, "gorun: error: option \"--jobs\" needs a value\n  hint: type --jobs N\n"},
      {{"--quiet=yes", "a.json"}, "gorun: error: option \"--quiet\" takes no value\n"},
      {{"-j", "0", "a.json"},
       "gorun: error: option \"--jobs\" cannot be \"0\"\n"
       "  hint: it is a whole number from 1 to 1024\n"},
      {{"-j", "-1", "a.json"},
       "gorun: error: option \"--jobs\" cannot be \"-1\"\n"
       "  hint: it is a whole number from 1 to 1024\n"},
      {{"-j", "2x", "a.json"},
       "gorun: error: option \"--jobs\" cannot be \"2x\"\n"
       "  hint: it is a whole number from 1 to 1024\n"},
      {{"-j", "99999999999999999999", "a.json"},
       "gorun: error: option \"--jobs\" cannot be \"99999999999999999999\"\n"
       "  hint: it is a whole number from 1 to 1024\n"},
      {{"--set", "novalue", "a.json"},
       "gorun: error: option \"--set\" needs a name, \"=\" and a value\n"
       "  hint: type --set NAME=VALUE\n"},
      {{"--set", "=x", "a.json"},
       "gorun: error: option \"--set\" needs a name, \"=\" and a value\n"
       "  hint: type --set NAME=VALUE\n"},
      {{"--set-file", "novalue", "a.json"},
       "gorun: error: option \"--set-file\" needs a name, \"=\" and a value\n"
       "  hint: type --set-file NAME=PATH\n"},
      {{"--progress", "bra", "a.json"},
       "gorun: error: option \"--progress\" cannot be \"bra\"\n  hint: did you mean \"bar\"?\n"},
      {{"--color", "purple", "a.json"},
       "gorun: error: option \"--color\" cannot be \"purple\"\n"
       "  hint: it is one of auto, always, never\n"},
      {{"-q", "-v", "a.json"},
       "gorun: error: options \"--quiet\" and \"--verbose\" exclude each other\n"},
      {{"help", "stgaes"},
       "gorun: error: there is no command \"stgaes\"\n  hint: did you mean \"stages\"?\n"},
  };
  for (const Case& wrong : cases) {
    CAPTURE(std::string(wrong.text));
    CHECK(refuse(wrong.words) == wrong.text);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::options_test
