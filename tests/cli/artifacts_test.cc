// tests/cli/artifacts_test.cc - what commands leave is kept.

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::artifacts_test {

namespace {

namespace fs = std::filesystem;

struct Run {
  const ScratchDir dir;
  CommandResult result;

  CommandResult& run(const std::string& stage) {
    dir.write("job.json", R"({"gorun": 1, "stages": {"s": {"kind": "exec", )" + stage + "}}}");
    return result = run_gorun({"job.json"}, {.directory = dir.path()});
  }
  [[nodiscard]] std::vector<std::string> kept(
      const std::string& below = ".gorun/artifacts/s") const {
    std::vector<std::string> names;
    if (!fs::exists(dir / below)) return names;
    for (const auto& entry : fs::recursive_directory_iterator(dir / below)) {
      if (!entry.is_directory()) names.push_back(entry.path().lexically_relative(dir / below));
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  [[nodiscard]] bool says(const std::string& text) const {
    return result.err.find(text) != std::string::npos;
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_SUITE_BEGIN("cli/artifacts");

TEST_CASE("files, patterns and directories are kept with their paths, modes and times") {
  Run run;
  run.run(
      R"("shell": "mkdir -p site/css; echo 1 > site/index; echo 2 > site/css/a; echo 3 > x.log; echo 4 > app; chmod 750 app; touch -d @1000000000.5 app",
      "artifacts": ["site", "*.log", "*.none", "app"])");
  CHECK(run.result.status == 0);
  CHECK(run.kept() == Names{"app", "site/css/a", "site/index", "x.log"});
  CHECK(read_whole_file(run.dir / ".gorun/artifacts/s/site/css/a") == "2\n");
  struct stat kept = {};
  REQUIRE(::stat((run.dir / ".gorun/artifacts/s/app").c_str(), &kept) == 0);
  CHECK((kept.st_mode & 07777) == 0750);
  CHECK(kept.st_mtim.tv_sec == 1000000000);
  CHECK(kept.st_mtim.tv_nsec == 500000000);
}

TEST_CASE("a large file is copied whole, and a newer one takes its place") {
  Run run;
  const std::string make = R"("shell": "head -c 9000001 /dev/zero | tr '\\0' )";
  const std::string keep = R"( > big", "artifacts": "big")";
  CHECK(run.run(make + "x" + keep).status == 0);
  CHECK(read_whole_file(run.dir / ".gorun/artifacts/s/big") == std::string(9000001, 'x'));
  CHECK(run.run(make + "y" + keep).status == 0);
  CHECK(read_whole_file(run.dir / ".gorun/artifacts/s/big") == std::string(9000001, 'y'));
  CHECK(run.kept() == Names{"big"});
}

TEST_CASE("\"when\" says after which end, \"to\" says where") {
  for (const std::string when : {"success", "failure", "always"}) {
    for (const int status : {0, 3}) {
      CAPTURE(when);
      CAPTURE(status);
      Run run;
      run.run(R"("shell": "echo 1 > f; exit )" + std::to_string(status) +
              R"(", "artifacts": {"paths": "f", "when": ")" + when + R"(", "to": "kept/here"})");
      CHECK(run.result.status == (status == 0 ? 0 : 1));
      const bool is_kept = when == "always" || (when == "success") == (status == 0);
      CHECK(run.kept("kept/here") == (is_kept ? Names{"f"} : Names{}));
      CHECK_FALSE(fs::exists(run.dir / ".gorun"));
    }
  }
}

TEST_CASE("an artifact that is not there is a failure, unless the command has failed itself") {
  Run run;
  run.run(R"("argv": ["true"], "artifacts": ["app", "*.log"])");
  CHECK(run.result.status == 1);
  CHECK(run.says("error: stage \"s\" failed: true: artifact \"app\" is not there\n"));
  run.run(R"("argv": ["false"], "artifacts": {"paths": "app", "when": "always"})");
  CHECK(run.says("error: stage \"s\" failed: false: exit 1\n"));
  CHECK_FALSE(run.says("app"));
}

TEST_CASE("nothing is taken from outside of the directory") {
  Run run;
  run.run(R"("argv": ["true"], "artifacts": ["../x", "/etc/passwd", "a/../../b"])");
  CHECK(run.result.status == 3);
  CHECK(run.says("\"artifacts\": \"../x\" leads out of the directory that the command runs in\n"));
  CHECK(run.says("3 errors; nothing was run\n"));
  run.run(R"("shell": "mkdir d; ln -s /etc/passwd d/stolen", "artifacts": "d")");
  CHECK(run.result.status == 1);
  CHECK(run.says("artifact \"d/stolen\" lies outside of the directory that the command runs in"));
  CHECK(run.kept().empty());
  run.dir.write("job.json", R"({"gorun": 1, "stages": {"i": {"kind": "items", "items": ["../x"]},
    "s": {"kind": "exec", "from": "i", "argv": ["true"], "artifacts": "{}"}}})");
  run.result = run_gorun({"job.json"}, {.directory = run.dir.path()});
  CHECK(run.result.status == 1);
  CHECK(run.says("\"../x\" leads out of the directory that the command runs in"));
}

TEST_CASE("a stage's name is one directory, whatever is in it") {
  Run run;
  run.run(R"("matrix": {"k": ["../../../x", "a%2Fb"]}, "shell": "echo 1 > f", "artifacts": "f")");
  CHECK(run.result.status == 0);
  CHECK(run.kept(".gorun/artifacts") == Names{"s[..%2F..%2F..%2Fx]/f", "s[a%252Fb]/f"});
}

TEST_CASE("a command that is up to date has its artifacts, too") {
  Run run;
  const std::string stage = R"("shell": "echo 1 > f", "outputs": "f", "artifacts": "f")";
  run.run(stage);
  fs::remove_all(run.dir / ".gorun/artifacts");
  run.run(stage);
  CHECK(run.says("1 stage up to date"));
  CHECK(run.kept() == Names{"f"});
}

TEST_CASE("a place that cannot be written to fails the stage") {
  Run run;
  run.dir.write("file", "");
  run.run(R"("shell": "echo 1 > f", "artifacts": {"paths": "f", "to": "file/x"})");
  CHECK(run.result.status == 1);
  CHECK(run.says("artifact \"f\": cannot make the directory of \"file/x/f\": Not a directory"));
}

TEST_CASE("artifacts of a command that is fed, and of one whose lines become items") {
  const ScratchDir dir;
  dir.write("job.json", R"({"gorun": 1, "stages": {"i": {"kind": "items", "items": ["1", "2"]},
    "fed": {"kind": "exec", "from": "i", "stdin": "items", "shell": "cat > all", "artifacts": "all"},
    "say": {"kind": "exec", "stdout": "items", "shell": "echo said; echo 1 > f", "artifacts": ["f", "g"]},
    "w": {"kind": "write", "from": "say"}}})");
  const auto run = [&dir](const std::string& target) {
    return run_gorun({"job.json", target}, {.directory = dir.path()});
  };
  CHECK(run("fed").status == 0);
  CHECK(read_whole_file(dir / ".gorun/artifacts/fed/all") == "1\n2\n");
  const CommandResult result = run("w");
  CHECK(result.status == 1);
  CHECK(result.err.find("artifact \"g\" is not there") != std::string::npos);
}

TEST_SUITE_END();

}  // namespace gorun::test::artifacts_test
