#include "jobs/template.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <string_view>

namespace gorun::jobs::template_test {

namespace {

class FakeItem : public ItemView {
 public:
  FakeItem(std::string text, std::map<std::string, std::string, std::less<>> fields)
      : text_(std::move(text)), fields_(std::move(fields)) {}

  std::string_view text() const override { return text_; }
  bool append_field(std::string_view name, std::string* out) const override {
    const auto field = fields_.find(name);
    if (field == fields_.end()) return false;
    *out += field->second;
    return true;
  }
  std::uint64_t number() const override { return 7; }
  std::uint64_t slot() const override { return 2; }

 private:
  std::string text_;
  std::map<std::string, std::string, std::less<>> fields_;
};

Template compile(std::string_view text, TemplateSyntax syntax = TemplateSyntax::kExpressions) {
  ParsedTemplate parsed = parse_template(text, syntax);
  REQUIRE(parsed.errors.empty());
  std::vector<TemplatePart> parts;
  for (RawTemplatePart& raw : parsed.parts) {
    REQUIRE(raw.what == RawTemplatePart::What::kPart);
    parts.push_back(std::move(raw.part));
  }
  return Template(std::move(parts));
}

std::string evaluated(const Template& text, const ItemView& item) {
  std::string out;
  CHECK_FALSE(text.append_to(&out, item).has_value());
  return out;
}

}  // namespace

TEST_SUITE("jobs/template") {
  TEST_CASE("expressions are filled in from the item") {
    const FakeItem item("a/b.c", {{"size", "12"}, {"name", "${{ item }}"}});
    struct Row {
      std::string_view text;
      std::string_view value;
    };
    const Row rows[] = {
        {"", ""},
        {"plain $X ${Y} { } }}", "plain $X ${Y} { } }}"},
        {"${{ item }}", "a/b.c"},
        {"${{item}}", "a/b.c"},
        {"<${{ item.size }}|${{ item }}>", "<12|a/b.c>"},
        {"${{ item.name }}", "${{ item }}"},  // a value is not looked at again
        {"$${{ item }}", "${{ item }}"},
        {"{} {.}", "{} {.}"},  // placeholders are for argv
    };
    for (const Row& row : rows) {
      CAPTURE(row.text);
      CHECK(evaluated(compile(row.text), item) == row.value);
    }
  }

  TEST_CASE("placeholders are those of GNU parallel") {
    struct Row {
      std::string_view item;
      std::string_view value;  // of "{}|{.}|{/}|{//}|{/.}"
    };
    const Row rows[] = {
        {"a/b.tar.gz", "a/b.tar.gz|a/b.tar|b.tar.gz|a|b.tar"},
        {"b.c", "b.c|b|b.c|.|b"},
        {"/b", "/b|/b|b|/|b"},
        {"a.d/b", "a.d/b|a.d/b|b|a.d|b"},
        {"x/.profile", "x/.profile|x/.profile|.profile|x|.profile"},
        {"", "|||.|"},
    };
    const Template text = compile("{}|{.}|{/}|{//}|{/.}", TemplateSyntax::kPlaceholders);
    for (const Row& row : rows) {
      CAPTURE(row.item);
      CHECK(evaluated(text, FakeItem(std::string(row.item), {})) == row.value);
    }
    const Template numbers = compile("{#}-{%}", TemplateSyntax::kPlaceholders);
    CHECK(evaluated(numbers, FakeItem("x", {})) == "7-2");
    CHECK_FALSE(numbers.uses_item());
    CHECK_FALSE(numbers.is_constant());
    CHECK(evaluated(compile("{print} {a} {", TemplateSyntax::kPlaceholders), FakeItem("x", {})) ==
          "{print} {a} {");
  }

  TEST_CASE("a field that the item lacks is named") {
    std::string out;
    CHECK(compile("a ${{ item.size }}").append_to(&out, FakeItem("x", {})) == "size");
  }

  TEST_CASE("a template knows whether it needs an item") {
    CHECK_FALSE(compile("x $${{ item }}").uses_item());
    CHECK(compile("x $${{ item }}").constant_text() == "x ${{ item }}");
    CHECK(compile("x ${{ item }}").uses_item());
    CHECK(compile("{/}", TemplateSyntax::kPlaceholders).uses_item());
  }

  TEST_CASE("neighbouring literals are one part") {
    using What = TemplatePart::What;
    const Template text({{What::kLiteral, "a"},
                         {What::kLiteral, ""},
                         {What::kLiteral, "b"},
                         {What::kItem, ""},
                         {What::kLiteral, ""}});
    CHECK(text == Template({{What::kLiteral, "ab"}, {What::kItem, ""}}));
    CHECK(Template("").parts().empty());
  }

  TEST_CASE("every mistake of a text has its place") {
    const std::string_view text = "${{ foo }} ${{ vars.ok }} ${{ item.1 }} ${{ vars. }} ${{ open";
    const ParsedTemplate parsed = parse_template(text, TemplateSyntax::kExpressions);
    REQUIRE(parsed.errors.size() == 4);
    const auto culprit = [&](std::size_t i) {
      return text.substr(parsed.errors[i].begin, parsed.errors[i].end - parsed.errors[i].begin);
    };
    CHECK(culprit(0) == "${{ foo }}");
    CHECK(culprit(1) == "${{ item.1 }}");
    CHECK(culprit(2) == "${{ vars. }}");
    CHECK(culprit(3) == "${{");
  }
}

}  // namespace gorun::jobs::template_test
