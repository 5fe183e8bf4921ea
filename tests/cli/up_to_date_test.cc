// tests/cli/up_to_date_test.cc - commands that name their files run when they have to, and tell
// why.

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::up_to_date_test {

namespace {

namespace fs = std::filesystem;

// A job of one stage, "cat", whose command adds a line to the file "log" whenever it runs.
class Project {
 public:
  explicit Project(std::string stage = R"("shell": "cat a b > out; echo ran >> log",
      "inputs": ["a", "b"], "outputs": "out")")
      : stage_(std::move(stage)) {
    dir_.write("a", "a\n");
    dir_.write("b", "b\n");
    write_job();
  }

  void write_job(const std::string& more = "", const std::string& top = "") {
    dir_.write("job.json", R"({"gorun": 1, )" + top + R"("stages": {"cat": {"kind": "exec", )" +
                               stage_ + more + "}}}");
  }
  void set_stage(std::string stage) {
    stage_ = std::move(stage);
    write_job();
  }

  [[nodiscard]] const ScratchDir& dir() const { return dir_; }
  [[nodiscard]] CommandResult run(std::vector<std::string> words = {}) const {
    words.emplace_back("job.json");
    return run_gorun(words, {.directory = dir_.path()});
  }
  /// What explain says of the command.
  [[nodiscard]] std::string explain() const {
    const CommandResult result = run_gorun({"explain", "job.json"}, {.directory = dir_.path()});
    CHECK(result.status == 0);
    const std::size_t at = result.out.find("  starts at once\n");
    return at == std::string::npos ? result.out : result.out.substr(at + 17);
  }
  /// How often the command has run.
  [[nodiscard]] std::ptrdiff_t runs() const {
    if (!fs::exists(dir_ / "log")) return 0;
    const std::string log = read_whole_file(dir_ / "log");
    return std::count(log.begin(), log.end(), '\n');
  }
  /// Runs the job: the command has to run, for this reason, and not once more after that.
  void check_runs(const std::string& reason) const {
    CAPTURE(reason);
    CHECK(explain() == "  would run: " + reason + "\n");
    const std::ptrdiff_t before = runs();
    const CommandResult result = run({"-v"});
    CAPTURE(result.err);
    CHECK(result.status == 0);
    CHECK(result.err.find("gorun: stage \"cat\" runs: " + reason + "\n") != std::string::npos);
    CHECK(runs() == before + 1);
    check_up_to_date();
  }
  void check_up_to_date() const {
    CHECK(explain() == "  is up to date\n");
    const std::ptrdiff_t before = runs();
    const CommandResult result = run({"-v"});
    CAPTURE(result.err);
    CHECK(result.status == 0);
    CHECK(result.err.find("gorun: stage \"cat\" is up to date\n") != std::string::npos);
    CHECK(result.err.find("gorun: ok: 1 stage, 1 stage up to date in ") != std::string::npos);
    CHECK(runs() == before);
  }

 private:
  const ScratchDir dir_;
  std::string stage_;
};

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> names_below(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    names.push_back(entry.path().lexically_relative(directory));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string record_in(const std::string& directory) {
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) return entry.path();
  }
  return "";
}

}  // namespace

TEST_SUITE_BEGIN("cli/up_to_date");

TEST_CASE("a command runs again when something that it depends on is different, and says what") {
  Project project;
  project.check_runs("no earlier success is known");
  project.dir().write("a", "other\n");
  project.check_runs("input \"a\" changed");
  project.dir().write("a", "as it was before, and again\n");
  project.dir().write("b", "too");
  CHECK(project.explain() ==
        "  would run: input \"a\" changed\n"
        "             input \"b\" changed\n");
  CHECK(mentions(project.run({"-v"}).err,
                 "gorun: stage \"cat\" runs: input \"a\" changed (and 1 more)\n"));
  project.check_up_to_date();
  fs::remove(project.dir() / "out");
  project.check_runs("output \"out\" is missing");
  project.dir().write("out", "of somebody else\n");
  project.check_runs("output \"out\" changed");
  project.write_job(R"(, "env": {"CC": "gcc"})");
  project.check_runs("env \"CC\" is set");
  project.write_job(R"(, "env": {"CC": "clang"})");
  project.check_runs("env \"CC\" changed");
  project.write_job("", R"("env": {"CC": "clang"}, )");
  project.check_up_to_date();  // the same variable, from another place
  project.write_job();
  project.check_runs("env \"CC\" is no longer set");
  project.set_stage(
      R"("shell": "cat b a > out; echo ran >> log", "inputs": ["a", "b"], "outputs": "out")");
  project.check_runs("the command changed");
}

TEST_CASE("a file that was written and holds what it held is no reason") {
  Project project;
  project.check_runs("no earlier success is known");
  project.dir().write("a", "a\n");
  fs::last_write_time(project.dir() / "b", fs::file_time_type::clock::now());
  fs::remove(project.dir() / "out");
  project.dir().write("out", "a\nb\n");
  project.check_up_to_date();
}

TEST_CASE("a change of a moment ago that leaves the size is seen") {
  Project project;
  for (int i = 0; i < 10; ++i) {
    project.dir().write("a", std::to_string(i) + "\n");
    CHECK(project.run({"-q"}).status == 0);
    CHECK(read_whole_file(project.dir() / "out") == std::to_string(i) + "\nb\n");
  }
  CHECK(project.runs() == 10);
}

TEST_CASE("patterns and directories: what is new and what is gone") {
  Project project(R"("shell": "cat *.h > out; echo ran >> log", "inputs": ["*.h", "d"],
      "outputs": ["out", "made"])");
  fs::create_directory(project.dir() / "made");
  fs::create_directory(project.dir() / "d");
  project.dir().write("x.h", "");
  project.check_runs("no earlier success is known");
  project.dir().write("y.h", "");
  project.check_runs("input \"y.h\" is new");
  project.dir().write("d/e/f", "");
  project.check_runs("input \"d/e/f\" is new");
  fs::remove(project.dir() / "x.h");
  project.check_runs("input \"x.h\" is gone");
}

TEST_CASE("paths are those of the directory that the command runs in") {
  Project project(R"("shell": "cp a out; echo ran >> ../log", "cwd": "sub", "inputs": "a",
      "outputs": "out")");
  project.dir().write("sub/a", "sub\n");
  project.check_runs("no earlier success is known");
  project.dir().write("a", "not this one");
  project.check_up_to_date();
  project.dir().write("sub/a", "this one");
  project.check_runs("input \"a\" changed");
}

TEST_CASE("a run that failed, or was killed, leaves no success behind") {
  Project project(R"--("inputs": ["a", "b"], "outputs": "out", "shell":
      "echo ran >> log; cp a out; [ ! -e stop ] || { echo started >&2; sleep 1000; }; exit $(cat b)")--");
  project.dir().write("b", "0");
  project.check_runs("no earlier success is known");
  project.dir().write("b", "7");
  CHECK(project.run({"-q"}).status == 1);
  project.dir().write("b", "0");  // all is as it was when it succeeded
  project.check_runs("no earlier success is known");
  for (const int signal : {SIGKILL, SIGTERM}) {
    project.dir().write("stop", "");
    Command killed(gorun_argv({"-B", "job.json"}), {.directory = project.dir().path()});
    REQUIRE(killed.wait_for_err("started"));
    killed.signal(signal);
    if (signal != SIGKILL) {
      REQUIRE(killed.wait_for_err("nothing more begins"));
      killed.signal(signal);
    }
    killed.finish();
    fs::remove(project.dir() / "stop");
    project.check_runs("no earlier success is known");
  }
}

TEST_CASE("an input that changes while the command runs is no state that it has seen") {
  Project project(R"("shell": "cp a out; echo ran >> log; [ -e calm ] || echo new > a",
      "inputs": "a", "outputs": "out")");
  const CommandResult result = project.run();
  CHECK(result.status == 0);
  CHECK(mentions(result.err,
                 "gorun: warning: stage \"cat\": input \"a\" changed while the command ran; the "
                 "next run does not know that it has succeeded\n"));
  project.dir().write("calm", "");
  project.check_runs("no earlier success is known");
  CHECK(read_whole_file(project.dir() / "out") == "new\n");
}

TEST_CASE("a missing input, and an output that was not made, are failures") {
  Project project(R"("shell": "echo ran >> log", "inputs": ["a", "src/mian.c"], "outputs": "out")");
  CHECK(project.explain() == "  cannot run: input \"src/mian.c\" is not there\n");
  CommandResult result = project.run();
  CHECK(result.status == 1);
  CHECK(mentions(result.err,
                 "stage \"cat\" failed: the shell script: input \"src/mian.c\" is not there"));
  CHECK(project.runs() == 0);
  project.set_stage(R"("shell": "echo ran >> log", "inputs": "a", "outputs": ["*.o", "app"])");
  for (int i = 1; i <= 2; ++i) {
    result = project.run();
    CHECK(result.status == 1);
    CHECK(mentions(result.err,
                   "stage \"cat\" failed: the shell script: its output \"app\" is not there"));
    CHECK(project.runs() == i);
  }
}

TEST_CASE("-B runs what is up to date, and \"cache\": false always runs") {
  Project project;
  project.check_runs("no earlier success is known");
  const CommandResult result = project.run({"-B", "-v"});
  CHECK(mentions(result.err, "gorun: stage \"cat\" runs: every command is to run\n"));
  CHECK(project.runs() == 2);
  project.check_up_to_date();
  project.write_job(R"(, "cache": false)");
  CHECK(project.explain().empty());
  CHECK(project.run({"-q"}).status == 0);
  CHECK(project.run({"-q"}).status == 0);
  CHECK(project.runs() == 4);
}

TEST_CASE("a path says where records lie; one that cannot be written is a warning") {
  Project project;
  project.write_job(R"(, "cache": "known")");
  project.check_runs("no earlier success is known");
  CHECK_FALSE(fs::exists(project.dir() / ".gorun"));
  CHECK(fs::is_directory(project.dir() / "known"));
  project.write_job(R"(, "cache": "a/b")");
  const CommandResult result = project.run();
  CHECK(result.status == 0);
  CHECK(mentions(result.err, "gorun: warning: stage \"cat\": cannot make directory \"a/b\": "));
  CHECK(project.runs() == 2);
}

TEST_CASE("records lie beside the job file, wherever it is run from") {
  const Project project;
  const CommandResult result =
      run_gorun({"-q", "../job.json"}, {.directory = project.dir().make_dir("elsewhere")});
  CHECK(result.status == 1);  // no "a" here: the paths are those of the current directory
  CHECK(run_gorun({"-q", project.dir() / "job.json"}, {.directory = project.dir().path()}).status ==
        0);
  project.check_up_to_date();  // the same job, called by another name
  CHECK(fs::is_directory(project.dir() / ".gorun/cache"));
  CHECK_FALSE(fs::exists(project.dir() / "elsewhere/.gorun"));
}

TEST_CASE("a damaged record is told of, and as good as none") {
  const Project project;
  project.check_runs("no earlier success is known");
  const std::string record = record_in(project.dir() / ".gorun/cache");
  const auto size = fs::file_size(record);
  for (const auto length : {size - 1, size / 2, std::uintmax_t{0}}) {
    CAPTURE(length);
    fs::resize_file(record, length);
    const std::string shown = record.substr(project.dir().path().size() + 1);
    const std::string damage = "the record \"" + shown + "\" is damaged, and as good as none";
    CHECK(project.explain() ==
          "  warning: " + damage + "\n  would run: no earlier success is known\n");
    const std::ptrdiff_t before = project.runs();
    CHECK(mentions(project.run().err, "gorun: warning: stage \"cat\": " + damage + "\n"));
    CHECK(project.runs() == before + 1);
    project.check_up_to_date();
  }
}

TEST_CASE("explain leaves nothing behind") {
  const Project project;
  const std::vector<std::string> before = names_below(project.dir().path());
  CHECK(mentions(project.explain(), "would run"));
  CHECK(names_below(project.dir().path()) == before);
}

TEST_CASE("explain knows what comes before") {
  const ScratchDir dir;
  dir.write("a", "");
  dir.write("job.json", R"({"gorun": 1, "stages": {
    "make":  {"kind": "exec", "argv": ["cp", "a", "b"], "inputs": "a", "outputs": "b"},
    "use":   {"kind": "exec", "argv": ["cp", "b", "c"], "inputs": "b", "outputs": "c", "needs": "make"},
    "items": {"kind": "items", "items": ["1"]},
    "each":  {"kind": "exec", "from": "items", "argv": ["touch", "{}"], "outputs": "{}"}}})");
  const auto explain = [&dir] {
    return run_gorun({"explain", "job.json"}, {.directory = dir.path()}).out;
  };
  CHECK(mentions(explain(),
                 "  starts when \"make\" has succeeded\n"
                 "  cannot run yet: input \"b\" is not there\n"));
  REQUIRE(run_gorun({"-q", "job.json"}, {.directory = dir.path()}).status == 0);
  CHECK(explain().starts_with("2 of 4 stages would run, 2 up to date\n"));
  dir.write("a", "new");
  CHECK(mentions(explain(), "  is up to date, if what runs before leaves its files as they are\n"));
  CHECK(mentions(explain(), "  leaves out each item for which its files are up to date\n"));
}

TEST_CASE("of items those are done whose files are different; the rest is counted") {
  const ScratchDir dir;
  dir.write("job.json", R"({"gorun": 1, "stages": {
    "names": {"kind": "items", "items": ["x", "y", "z*"]},
    "copy": {"kind": "exec", "from": "names", "inputs": "{}.in", "outputs": "out/{}",
             "argv": ["cp", "{}.in", "out/{}"]}}})");
  dir.make_dir("out");
  for (const char* name : {"x", "y", "z*", "zz"}) dir.write(std::string(name) + ".in", "1");
  const auto run = [&dir](std::vector<std::string> words) {
    words.emplace_back("job.json");
    return run_gorun(words, {.directory = dir.path()});
  };
  CHECK(run({"-q"}).status == 0);
  dir.write("y.in", "2");
  dir.write("zz.in", "2");  // which "z*" is not
  const CommandResult one = run({"-v", "--summary", "s.json"});
  CHECK(mentions(one.err, "gorun: stage \"copy\", item \"x\" is up to date\n"));
  CHECK(mentions(one.err, "gorun: stage \"copy\", item \"z*\" is up to date\n"));
  CHECK(mentions(one.err, "gorun: stage \"copy\", item \"y\" runs: input \"y.in\" changed\n"));
  CHECK(mentions(one.err, "gorun: ok: 2 stages, 3 items, 2 items up to date in "));
  CHECK(mentions(read_whole_file(dir / "s.json"),
                 R"("name": "copy", "kind": "exec", "state": "succeeded")"));
  CHECK(mentions(read_whole_file(dir / "s.json"), R"("up_to_date": 2)"));
  CHECK(read_whole_file(dir / "out/y") == "2");
  const CommandResult none = run({"--summary", "s.json", "--junit", "j.xml", "--github", "on"});
  CHECK(mentions(none.err, "3 items, 1 stage up to date in "));
  CHECK(mentions(none.err, "::notice title=up to date::copy\n"));
  CHECK(mentions(read_whole_file(dir / "s.json"), R"("state": "up to date")"));
  CHECK(mentions(read_whole_file(dir / "j.xml"), R"(<skipped message="up to date"/>)"));
  CHECK(mentions(read_whole_file(dir / "j.xml"), R"(skipped="1")"));
}

TEST_CASE("what a command is fed, and several items in one command, count") {
  const ScratchDir dir;
  const auto run = [&dir](const std::string& items, const std::string& stage) {
    dir.write("job.json", R"({"gorun": 1, "stages": {"i": {"kind": "items", "items": [)" + items +
                              R"(]}, "s": {"kind": "exec", "from": "i", )" + stage + "}}}");
    return run_gorun({"job.json"}, {.directory = dir.path()}).err;
  };
  const std::string fed = R"("stdin": "item", "shell": "cat > out", "outputs": "out")";
  CHECK_FALSE(mentions(run(R"("a")", fed), "up to date"));
  CHECK(mentions(run(R"("a")", fed), "1 stage up to date"));
  CHECK_FALSE(mentions(run(R"("b")", fed), "up to date"));
  CHECK(read_whole_file(dir / "out") == "b");
  const std::string several = R"("batch": 2, "argv": ["touch", "{}"], "outputs": "{}")";
  CHECK_FALSE(mentions(run(R"("1", "2", "3")", several), "up to date"));
  CHECK(mentions(run(R"("1", "2", "3")", several), "1 stage up to date"));
  fs::remove(dir / "2");
  CHECK(mentions(run(R"("1", "2", "3")", several), "1 item up to date"));
  CHECK(fs::exists(dir / "2"));
}

TEST_CASE("several goruns at once leave a record that holds") {
  const Project project(R"("shell": "cat a b > out.$$; mv out.$$ out", "inputs": ["a", "b"],
      "outputs": "out")");
  std::vector<std::unique_ptr<Command>> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(std::make_unique<Command>(gorun_argv({"-q", "job.json"}),
                                            CommandOptions{.directory = project.dir().path()}));
  }
  for (const auto& one : all) CHECK(one->finish().status == 0);
  project.check_up_to_date();
}

TEST_CASE("no record holds a secret") {
  const ScratchDir dir;
  const std::string canary = "canary-that-nobody-may-read";
  dir.write("job.json", R"({"gorun": 1, "vars": {"t": {"secret": true, "required": true}},
   "env": {"T": "${{ vars.t }}"}, "stages": {
    "a": {"kind": "exec", "matrix": {"m": ["${{ vars.t }}"]}, "argv": ["sh", "-c", "cat $0 > $1", "${{ vars.t }}.in", "${{ vars.t }}.out"],
          "inputs": "${{ vars.t }}.in", "outputs": "${{ vars.t }}.out", "artifacts": "*.out"}}})");
  dir.write(canary + ".in", canary);
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"job.json", "--set", "t=" + canary});
    return run_gorun(words, {.directory = dir.path()});
  };
  CHECK(run({"-q"}).status == 0);
  const CommandResult again = run({"-v"});
  CHECK(mentions(again.err, "1 stage up to date"));
  CHECK_FALSE(mentions(again.err, "nobody-may"));
  dir.write(canary + ".in", "else");
  const CommandResult why = run({"explain"});
  CHECK(mentions(why.out, "would run: input \"***.in"));
  CHECK_FALSE(mentions(why.out, "nobody-may"));
  std::size_t records = 0;
  for (const std::string& name : names_below(dir / ".gorun/cache")) {
    CHECK_FALSE(mentions(name, "nobody-may"));
    if (fs::is_directory(dir / ".gorun/cache/" + name)) continue;
    ++records;
    CHECK_FALSE(mentions(read_whole_file(dir / ".gorun/cache/" + name), "nobody-may"));
  }
  CHECK(records == 1);
  // The copy of a file is data, but its directory has the name of the stage.
  CHECK(fs::exists(dir / ".gorun/artifacts/a[***]/" + canary + ".out"));
}

TEST_CASE("a failed attempt is no success, and the one that succeeds is") {
  Project project(
      R"("shell": "echo ran >> log; [ $(wc -l < log) -ge 3 ] && cp a out", "inputs": "a",
      "outputs": "out", "retry": {"max": 3, "base": "1ms"})");
  CHECK(project.run({"-q"}).status == 0);
  CHECK(project.runs() == 3);
  project.check_up_to_date();
}

TEST_SUITE_END();

}  // namespace gorun::test::up_to_date_test
