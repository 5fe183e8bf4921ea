// tests/cli/build_test.cc - gorun builds a part of gorun, as ninja does from the same commands.
//
// What is compared are the objects, byte by byte; the time that it takes both is compared by
// `make bench-exec`, for a loaded machine says nothing about it.

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::build_test {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kUnits = 4;

struct Unit {
  std::string name;
  std::string directory;  // where it is compiled
  std::string before;     // of the command, the path of the object
  std::string after;

  [[nodiscard]] std::string command(const std::string& to) const {
    return before + to + "/" + name + ".o" + after;
  }
};

// The smallest of the runtime's sources, compiled as this very build compiles them.
std::vector<Unit> units() {
  struct Found {
    std::uintmax_t bytes;
    Unit unit;
  };
  std::vector<Found> found;
  for (const json& entry : json::parse(read_whole_file(GORUN_COMPILE_COMMANDS))) {
    const fs::path file = entry.at("file").get<std::string>();
    const std::string command = entry.at("command");
    const std::size_t option = command.find(" -o ");
    if (file.extension() != ".cc" || option == std::string::npos ||
        file.string().find("/runtime/") == std::string::npos) {
      continue;
    }
    const std::size_t path = option + 4;
    found.push_back({fs::file_size(file),
                     {.name = file.stem(),
                      .directory = entry.at("directory"),
                      .before = command.substr(0, path),
                      .after = command.substr(command.find(' ', path))}});
  }
  std::ranges::sort(found, {}, &Found::bytes);
  std::vector<Unit> smallest;
  for (std::size_t i = 0; i < std::min(kUnits, found.size()); ++i) {
    smallest.push_back(std::move(found[i].unit));
  }
  return smallest;
}

// A stage for each of them.
std::string stages_job(const std::vector<Unit>& units, const std::string& to) {
  json stages;
  for (const Unit& unit : units) {
    stages[unit.name] = {{"kind", "exec"}, {"shell", unit.command(to)}, {"cwd", unit.directory}};
  }
  return json{{"gorun", 1}, {"stages", stages}}.dump(2);
}

// One stage, to which the commands are items.
std::string items_job(const std::vector<Unit>& units, const std::string& to) {
  std::vector<std::string> commands;
  for (const Unit& unit : units) commands.push_back(unit.command(to));
  return json{{"gorun", 1},
              {"stages",
               {{"commands", {{"kind", "items"}, {"items", commands}}},
                {"compile",
                 {{"kind", "exec"},
                  {"from", "commands"},
                  {"argv", {"/bin/sh", "-c", "{}"}},
                  {"cwd", units.front().directory}}}}}}
      .dump(2);
}

std::string ninja_file(const std::vector<Unit>& units, const std::string& to) {
  const auto escaped = [](std::string_view text) {
    std::string out;
    for (const char c : text) out += c == '$' ? "$$" : std::string(1, c);
    return out;
  };
  std::string file = "builddir = " + to + "\nrule compile\n  command = cd $dir && $line\n";
  for (const Unit& unit : units) {
    file += "build " + to + "/" + unit.name + ".o: compile\n  dir = " + escaped(unit.directory) +
            "\n  line = " + escaped(unit.command(to)) + "\n";
  }
  return file;
}

}  // namespace

TEST_SUITE_BEGIN("cli/build");

TEST_CASE("a C++ tree is built as ninja builds it") {
  if (kScale != 1) {
    MESSAGE("skipped: the compiler is not what a sanitizer watches");
    return;
  }
  const std::vector<Unit> all = units();
  REQUIRE(all.size() == kUnits);
  ScratchDir dir;
  const auto into = [&dir](const char* name) {
    fs::create_directory(dir / name);
    return dir / name;
  };
  const std::string by_ninja = into("by_ninja");
  const std::string by_stages = into("by_stages");
  const std::string by_items = into("by_items");
  dir.write("build.ninja", ninja_file(all, by_ninja));
  dir.write("stages.json", stages_job(all, by_stages));
  dir.write("items.json", items_job(all, by_items));

  const CommandResult ninja = run_command({"ninja", "-f", dir / "build.ninja"});
  INFO(ninja.out);
  REQUIRE(ninja.status == 0);
  for (const char* job : {"stages.json", "items.json"}) {
    CAPTURE(job);
    const CommandResult gorun = run_gorun({dir / job});
    INFO(gorun.err);
    REQUIRE(gorun.status == 0);
  }
  for (const Unit& unit : all) {
    CAPTURE(unit.name);
    const std::string object = "/" + unit.name + ".o";
    const std::string expected = read_whole_file(by_ninja + object);
    CHECK(
        expected.starts_with("\x7f"
                             "ELF"));
    CHECK((read_whole_file(by_stages + object) == expected));  // not shown: it is long
    CHECK((read_whole_file(by_items + object) == expected));
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::build_test
