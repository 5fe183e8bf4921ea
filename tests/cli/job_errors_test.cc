// tests/cli/job_errors_test.cc - what a wrong job file is told, word for word, and its exit status.

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::job_errors_test {

namespace {

struct Wrong {
  const char* what;
  std::string text;  // of job.json
  std::string err;
};

const std::vector<Wrong>& wrong_job_files() {
  static const std::vector<Wrong> kWrong = {
      {"wrong JSON",
       "{\n"
       "  \"gorun\": 1,\n"
       "  \"stages\": {\"a\": {\"kind\": \"walk\",}\n"
       "}\n",
       "job.json:3:34: error: a comma with nothing after it\n"
       "  3 |   \"stages\": {\"a\": {\"kind\": \"walk\",}\n"
       "    |                                  ^\n"
       "  hint: remove the \",\"\n"
       "gorun: 1 error; nothing was run\n"},
      {"unknown kind",
       "{\n"
       "  \"gorun\": 1,\n"
       "  \"stages\": {\n"
       "    \"files\": {\"kind\": \"wlak\"},\n"
       "    \"out\": {\"kind\": \"write\", \"from\": \"files\"}\n"
       "  }\n"
       "}\n",
       "job.json:4:23: error: unknown kind \"wlak\"\n"
       "  4 |     \"files\": {\"kind\": \"wlak\"},\n"
       "    |                       ^~~~~~\n"
       "  hint: did you mean \"walk\"?\n"
       "gorun: 1 error; nothing was run\n"},
      {"unknown key",
       "{\n"
       "  \"gorun\": 1,\n"
       "  \"stages\": {\n"
       "    \"files\": {\"kind\": \"walk\", \"rot\": \"src\"},\n"
       "    \"out\": {\"kind\": \"write\", \"from\": \"files\"}\n"
       "  }\n"
       "}\n",
       "job.json:4:31: error: unknown key \"rot\"\n"
       "  4 |     \"files\": {\"kind\": \"walk\", \"rot\": \"src\"},\n"
       "    |                               ^~~~~\n"
       "  hint: did you mean \"root\"?\n"
       "gorun: 1 error; nothing was run\n"},
      {"unknown stage",
       "{\n"
       "  \"gorun\": 1,\n"
       "  \"stages\": {\n"
       "    \"files\": {\"kind\": \"walk\"},\n"
       "    \"out\": {\"kind\": \"write\", \"from\": \"flies\"}\n"
       "  }\n"
       "}\n",
       "job.json:5:38: error: stage \"out\" reads from unknown stage \"flies\"\n"
       "  5 |     \"out\": {\"kind\": \"write\", \"from\": \"flies\"}\n"
       "    |                                      ^~~~~~~\n"
       "  hint: did you mean \"files\"? (declared at 4:5)\n"
       "gorun: 1 error; nothing was run\n"},
      {"cycle",
       "{\n"
       "  \"gorun\": 1,\n"
       "  \"stages\": {\n"
       "    \"a\": {\"kind\": \"map\", \"from\": \"b\", \"text\": \"x\"},\n"
       "    \"b\": {\"kind\": \"map\", \"from\": \"a\", \"text\": \"y\"},\n"
       "    \"out\": {\"kind\": \"write\", \"from\": \"b\"}\n"
       "  }\n"
       "}\n",
       "job.json:4:34: error: stages wait for each other: a -> b -> a\n"
       "  4 |     \"a\": {\"kind\": \"map\", \"from\": \"b\", \"text\": \"x\"},\n"
       "    |                                  ^~~\n"
       "  hint: \"b\" reads from \"a\" at 5:34, \"a\" reads from \"b\" at 4:34\n"
       "gorun: 1 error; nothing was run\n"},
      {"wrong type",
       "{\n"
       "  \"gorun\": 1,\n"
       "  \"stages\": {\n"
       "    \"files\": {\"kind\": \"walk\", \"max_depth\": \"three\"},\n"
       "    \"out\": {\"kind\": \"write\", \"from\": \"files\"}\n"
       "  }\n"
       "}\n",
       "job.json:4:44: error: \"max_depth\": expected an integer, got a string\n"
       "  4 |     \"files\": {\"kind\": \"walk\", \"max_depth\": \"three\"},\n"
       "    |                                            ^~~~~~~\n"
       "gorun: 1 error; nothing was run\n"},
      {"not UTF-8",
       "{\n"
       "  \"gorun\": 1,\n"
       "  \"name\": \"caf\xe9\",\n"
       "  \"stages\": {}\n"
       "}\n",
       "job.json:3:15: error: the file is not UTF-8: byte 0xe9\n"
       "  3 |   \"name\": \"caf?\",\n"
       "    |               ^\n"
       "gorun: 1 error; nothing was run\n"},
      {"empty", "",
       "job.json: error: the file is empty\n"
       "  hint: a job file is an object: { ... }\n"
       "gorun: 1 error; nothing was run\n"},
      {"another version",
       "{\"gorun\": 2, \"stages\": {\"x\": {\"kind\": \"exec\", \"argv\": [\"true\"]}}}\n",
       "job.json:1:11: error: format version 2 is not supported\n"
       "  1 | {\"gorun\": 2, \"stages\": {\"x\": {\"kind\": \"exec\", \"argv\": [\"true\"]}}}\n"
       "    |           ^\n"
       "  hint: this gorun reads version 1\n"
       "gorun: 1 error; nothing was run\n"},
      {"several mistakes at once",
       "{\n"
       "  \"gorun\": 1,\n"
       "  \"stages\": {\n"
       "    \"files\": {\"kind\": \"wlak\", \"from\": 3},\n"
       "    \"files\": {\"kind\": \"walk\"},\n"
       "    \"out\": {\"kind\": \"write\", \"from\": \"files\", \"fromat\": \"tsv\"}\n"
       "  }\n"
       "}\n",
       "job.json:4:23: error: unknown kind \"wlak\"\n"
       "  4 |     \"files\": {\"kind\": \"wlak\", \"from\": 3},\n"
       "    |                       ^~~~~~\n"
       "  hint: did you mean \"walk\"?\n"
       "job.json:4:39: error: \"from\": expected a string, an object or an array of them, "
       "got a number\n"
       "  4 |     \"files\": {\"kind\": \"wlak\", \"from\": 3},\n"
       "    |                                       ^\n"
       "job.json:5:5: error: duplicate key \"files\"\n"
       "  5 |     \"files\": {\"kind\": \"walk\"},\n"
       "    |     ^~~~~~~\n"
       "  hint: it is first given at 4:5\n"
       "job.json:6:47: error: unknown key \"fromat\"\n"
       "  6 |     \"out\": {\"kind\": \"write\", \"from\": \"files\", \"fromat\": \"tsv\"}\n"
       "    |                                               ^~~~~~~~\n"
       "  hint: did you mean \"format\"?\n"
       "gorun: 4 errors; nothing was run\n"},
  };
  return kWrong;
}

void check_refused(const CommandResult& result, int status, const std::string& err) {
  CHECK(result.out.empty());
  CHECK(result.err == err);
  CHECK(result.status == status);
}

}  // namespace

TEST_SUITE_BEGIN("cli/job_errors");

TEST_CASE("run and check tell the same about a wrong job file") {
  for (const Wrong& wrong : wrong_job_files()) {
    CAPTURE(std::string(wrong.what));
    const ScratchDir scratch;
    scratch.write("job.json", wrong.text);
    check_refused(run_gorun({"job.json"}, {.directory = scratch.path()}), 3, wrong.err);
    check_refused(run_gorun({"run", "job.json"}, {.directory = scratch.path()}), 3, wrong.err);
    check_refused(run_gorun({"check", "job.json"}, {.directory = scratch.path()}), 3, wrong.err);
  }
}

TEST_CASE("a job file on standard input is told by that name") {
  check_refused(run_gorun({"-"}, {.input = "[1, 2]\n"}), 3,
                "(standard input):1:1: error: a job file is an object, not an array\n"
                "  1 | [1, 2]\n"
                "    | ^~~~~~\n"
                "gorun: 1 error; nothing was run\n");
}

TEST_CASE("a file that is missing, a directory, or fails to be read") {
  const ScratchDir scratch;
  check_refused(run_gorun({"no.json"}, {.directory = scratch.path()}), 3,
                "no.json: error: there is no such file\ngorun: 1 error; nothing was run\n");
  check_refused(run_gorun({"."}, {.directory = scratch.path()}), 3,
                ".: error: this is a directory, not a job file\n"
                "gorun: 1 error; nothing was run\n");
  // Reading the first page of one's own memory fails for everybody, root included.
  check_refused(run_gorun({"/proc/self/mem"}), 3,
                "/proc/self/mem: error: the file cannot be read: input/output error\n"
                "gorun: 1 error; nothing was run\n");
}

TEST_CASE("a file that may not be read") {
  constexpr unsigned kNobody = 65534;
  const ScratchDir scratch;
  const std::string job = scratch.write("job.json", "{}");
  std::filesystem::permissions(scratch.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(job, std::filesystem::perms::none);
  CommandOptions options{.directory = scratch.path()};
  if (geteuid() == 0) {
    options.user = kNobody;
    if (run_gorun({"--version"}, options).status != 0) {
      MESSAGE("skipped: running as root, and nobody may not run the built gorun");
      return;
    }
  }
  check_refused(run_gorun({"job.json"}, options), 3,
                "job.json: error: the file may not be read: permission denied\n"
                "gorun: 1 error; nothing was run\n");
}

TEST_CASE("a setting that does not fit the job file is a wrong command line") {
  const ScratchDir scratch;
  scratch.write(
      "job.json",
      "{\"gorun\": 1, \"vars\": {\"root\": \".\", \"n\": {\"required\": true}},\n"
      " \"stages\": {\"x\": {\"kind\": \"exec\", \"argv\": [\"echo\", \"${{ vars.n }}\"]}}}\n");
  const CommandOptions options{.directory = scratch.path()};
  check_refused(run_gorun({"--set", "rot=x", "--set", "n=1", "job.json"}, options), 2,
                "gorun: error: --set: the job file has no var \"rot\"\n"
                "  hint: did you mean \"root\"?\n"
                "gorun: 1 error; nothing was run\n");
  check_refused(run_gorun({"job.json"}, options), 2,
                "gorun: error: var \"n\" has to be set\n"
                "  hint: --set n=VALUE\n"
                "gorun: 1 error; nothing was run\n");
}

TEST_CASE("a word that is neither a command nor a file") {
  const ScratchDir scratch;
  check_refused(run_gorun({"chekc"}, {.directory = scratch.path()}), 2,
                "gorun: error: \"chekc\" is neither a command nor a file\n"
                "  hint: did you mean \"check\"?\n");
  // A file of that name is a job file, however it is called.
  scratch.write("chekc", "[]");
  CHECK(run_gorun({"chekc"}, {.directory = scratch.path()}).status == 3);
}

TEST_CASE("a wrong command line exits with 2") {
  check_refused(run_gorun({"--jbos", "2", "x.json"}), 2,
                "gorun: error: unknown option \"--jbos\"\n  hint: did you mean \"--jobs\"?\n");
  check_refused(run_gorun({"stages", "wlak"}), 2,
                "gorun: error: there is no kind \"wlak\"\n  hint: did you mean \"walk\"?\n");
}

TEST_CASE("nothing runs if anything is wrong") {
  const ScratchDir scratch;
  scratch.write("job.json",
                "{\"gorun\": 1, \"stages\": {\n"
                "  \"a\": {\"kind\": \"exec\", \"argv\": [\"touch\", \"ran\"]},\n"
                "  \"b\": {\"kind\": \"exec\", \"argv\": []}}}\n");
  CHECK(run_gorun({"job.json"}, {.directory = scratch.path()}).status == 3);
  CHECK_FALSE(std::filesystem::exists(scratch / "ran"));
}

TEST_SUITE_END();

}  // namespace gorun::test::job_errors_test
