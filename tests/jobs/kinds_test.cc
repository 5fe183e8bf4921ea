#include "jobs/kinds.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "jobs/graph.h"
#include "jobs/json_value.h"
#include "jobs/load.h"

namespace gorun::jobs::kinds_test {

namespace {

bool is_one_line(std::string_view text) {
  return !text.empty() && text.find('\n') == std::string_view::npos && !text.ends_with('.');
}

}  // namespace

TEST_SUITE("jobs/kinds") {
  TEST_CASE("every kind and every option is described, once") {
    std::set<std::string_view> kinds;
    for (const StageKind& kind : stage_kinds()) {
      CAPTURE(kind.name);
      CHECK(kinds.insert(kind.name).second);
      CHECK(find_kind(kind.name) == &kind);
      CHECK(is_one_line(kind.summary));
      CHECK((kind.ports.empty() || kind.has_port(kDefaultPort)));
      CHECK((kind.parallel || kind.default_workers == 1));
      CHECK((kind.sends_nothing == nullptr) == kind.how_to_send.empty());
      CHECK((kind.sends_nothing == nullptr) == kind.how_to_send_nothing.empty());
      std::set<std::string_view> names;
      for (const OptionRow& common : common_stage_keys()) {
        if (kind.takes(common.name)) names.insert(common.name);
      }
      for (const OptionRow& row : kind.options) {
        CAPTURE(row.name);
        CHECK(names.insert(row.name).second);  // not that of another option, nor a common key
        CHECK(kind.option(row.name) == &row);
        CHECK(is_one_line(row.help));
        CHECK(row.help.size() <= 90);
        CHECK_FALSE((row.required && !row.default_text.empty()));
        const bool is_choice = row.type == OptionType::kChoice ||
                               row.type == OptionType::kChoices ||
                               row.type == OptionType::kAggregates;
        CHECK(is_choice == !row.choices.empty());
      }
    }
    CHECK(find_kind("nothing") == nullptr);
    CHECK(find_kind("walk")->option("nothing") == nullptr);
    CHECK(kinds.size() == 24);
  }

  TEST_CASE("every default is a value that the option may hold") {
    for (const StageKind& kind : stage_kinds()) {
      const StageOptions options = default_options(kind);
      for (const OptionRow& row : kind.options) {
        CAPTURE(kind.name);
        CAPTURE(row.name);
        CHECK(options.has(row.name) == !row.default_text.empty());
        if (row.default_text.empty()) continue;
        switch (row.type) {
          case OptionType::kFlag:
            CHECK(options.flag(row.name) == (row.default_text == "true"));
            break;
          case OptionType::kInteger:
          case OptionType::kSize:
          case OptionType::kDuration:
            CHECK(options.integer(row.name) >= row.min);
            CHECK(options.integer(row.name) <= row.max);
            break;
          case OptionType::kIntegers:
            CHECK(options.integers(row.name).size() == 1);
            break;
          case OptionType::kTexts:
            CHECK(options.texts(row.name).size() == 1);
            break;
          case OptionType::kChoices:
            REQUIRE(options.texts(row.name).size() == 1);
            CHECK(std::ranges::count(row.choices, options.texts(row.name).front()) == 1);
            break;
          case OptionType::kByte:
            CHECK(options.text(row.name).size() == 1);
            break;
          case OptionType::kChoice:
            CHECK(std::ranges::find(row.choices, options.text(row.name)) != row.choices.end());
            break;
          case OptionType::kAggregates:
            CHECK(options.aggregates(row.name) ==
                  AggregateOptions{{"", std::string(row.default_text), std::nullopt}});
            break;
          case OptionType::kText:
          case OptionType::kPath:
          case OptionType::kPathOrFlag:
            CHECK(options.text(row.name) == row.default_text);
            break;
          default:
            FAIL_CHECK("a default of this type is not known to default_options()");
        }
      }
    }
  }

  TEST_CASE("the default buffer of the table is that of the graph") {
    for (const OptionRow& row : common_stage_keys()) {
      if (row.name == "buffer") CHECK(row.default_text == std::to_string(kDefaultBuffer));
    }
  }

  TEST_CASE("every example is a stage of its kind that the loader takes") {
    for (const StageKind& kind : stage_kinds()) {
      CAPTURE(kind.name);
      const Source text("example", "{" + std::string(kind.example) + "}");
      const ParsedJson parsed = parse_json(text);
      REQUIRE(parsed.root);
      const JsonMember& stage = parsed.root->object()->front();
      REQUIRE(find_member(*stage.value.object(), "kind"));
      CHECK(*find_member(*stage.value.object(), "kind")->value.text() == kind.name);

      // The stages that it reads from and is read by complete the job.
      std::string stages(kind.example);
      if (const JsonMember* from = find_member(*stage.value.object(), "from")) {
        const auto add = [&stages](const JsonValue& name) {
          stages += R"(, ")" + *name.text() + R"(": {"kind": "walk"})";
        };
        if (from->value.array()) {
          for (const JsonValue& name : *from->value.array()) add(name);
        } else {
          add(from->value);
        }
      }
      if (kind.is_pipeline) continue;  // it needs another file
      const Source source("job.json", R"({"gorun": 1, "stages": {)" + stages + "}}");
      const Result<Graph> graph = load_job(source);
      if (kind.is_sink() || (kind.sends_nothing && kind.ports_option.empty())) {
        CHECK_MESSAGE(graph.ok(), (graph ? "" : render(source, graph.errors())));
        continue;
      }
      stages += R"(, "w": {"kind": "write", "from": ")" + stage.key + R"("})";
      if (!kind.ports_option.empty()) {
        for (const JsonMember& port :
             *find_member(*stage.value.object(), kind.ports_option)->value.object()) {
          stages += R"(, "w-)" + port.key + R"(": {"kind": "write", "from": ")" + stage.key + "." +
                    port.key + R"("})";
        }
      }
      const Source full("job.json", R"({"gorun": 1, "stages": {)" + stages + "}}");
      const Result<Graph> complete = load_job(full);
      CHECK_MESSAGE(complete.ok(), (complete ? "" : render(full, complete.errors())));
    }
  }
}

}  // namespace gorun::jobs::kinds_test
