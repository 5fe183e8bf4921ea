// tests/jobs/exec/argument_room_test.cc - how many items a command can take.

#include "jobs/exec/argument_room.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/kinds.h"

namespace gorun::test::argument_room_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

namespace {

constexpr std::size_t kEach = 1 + sizeof(char*);  // of an argument, beside its bytes

Template template_of(const std::string& text) {
  std::vector<TemplatePart> parts;
  for (RawTemplatePart& part : parse_template(text, TemplateSyntax::kPlaceholders).parts) {
    parts.push_back(part.part);
  }
  return Template(std::move(parts));
}

StageOptions command_of(const std::vector<std::string>& argv) {
  StageOptions options = default_options(*find_kind("exec"));
  std::vector<Template> templates;
  for (const std::string& argument : argv) templates.push_back(template_of(argument));
  options.set("argv", std::move(templates));
  return options;
}

std::size_t taken(const StageOptions& options, std::string_view text) {
  Item item;
  item.text = text;
  return ArgumentRoom(options, {}).taken_by(item);
}

std::size_t room(const StageOptions& options, const Environment& environment = {}) {
  return ArgumentRoom(options, environment).bytes();
}

}  // namespace

TEST_SUITE_BEGIN("jobs/exec/argument_room");

TEST_CASE("an item takes what the arguments that refer to it become") {
  CHECK(taken(command_of({"cc", "{}"}), "a/b.c") == 5 + kEach);
  CHECK(taken(command_of({"cc", "-o", "--out={/.}", "{}"}), "a/b.c") == 7 + kEach + 5 + kEach);
  CHECK(taken(command_of({"cc", "{//}"}), "x") == 1 + kEach);  // "."
  CHECK(taken(command_of({"cc", "{}{#}"}), "x") == 1 + 20 + kEach);
  StageOptions script = default_options(*find_kind("exec"));
  script.set("shell", std::string("echo $#"));
  CHECK(taken(script, "a b") == 3 + kEach);
}

TEST_CASE("what a command has besides its items is taken off") {
  const std::size_t all = room(command_of({"x", "{}"}));
  CHECK(room(command_of({"x", "0123456789", "{}"})) == all - 10 - kEach);
  CHECK(room(command_of({"x", "{#}", "{}"})) == all - 20 - kEach);
  CHECK(room(command_of({"x", "{}"}), {{"A", "bc"}}) == all - 4 - kEach);
  StageOptions with_environment = command_of({"x", "{}"});
  with_environment.set("env", NamedTemplates{{"A", template_of("bcd")}});
  CHECK(room(with_environment) == all - 5 - kEach);
  with_environment.set("env", NamedTemplates{{"A", template_of("{}")}});
  CHECK(room(with_environment) < all - 100'000);
  // There may be none.
  CHECK(room(command_of({"x", std::string(std::size_t{8} << 20, 'x'), "{}"})) == 0);
}

TEST_CASE("an item that no command can be run for goes alone") {
  const StageOptions options = command_of({"x", "{}"});
  const std::size_t all = room(options);
  CHECK(taken(options, std::string(131'071, 'x')) == 131'071 + kEach);
  CHECK(taken(options, std::string(131'072, 'x')) > all);
  CHECK(taken(command_of({"x", "{}-"}), std::string(131'071, 'x')) > all);
  CHECK(taken(options, std::string_view("a\0b", 3)) > all);
  StageOptions field = default_options(*find_kind("exec"));
  field.set("argv", std::vector<Template>{template_of("x"), template_of("${{ item.size }}")});
  CHECK(taken(field, "it has none") > all);
}

TEST_SUITE_END();

}  // namespace gorun::test::argument_room_test
