#include "jobs/schema.h"

#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/duration.h"
#include "jobs/job_keys.h"
#include "jobs/kinds.h"

namespace gorun::jobs {
namespace {

using Schema = nlohmann::ordered_json;

// "$" would let a line feed follow in the regular expressions of some languages.
constexpr std::string_view kEndOfText = "(?![\\s\\S])";

Schema refer_to(std::string_view name) { return {{"$ref", "#/$defs/" + std::string(name)}}; }

Schema any_of(std::vector<Schema> choices) { return {{"anyOf", std::move(choices)}}; }

Schema pattern(std::string_view text) {
  return {{"type", "string"}, {"pattern", std::string(text) + std::string(kEndOfText)}};
}

Schema array_of(Schema items, int least) {
  Schema array = {{"type", "array"}};
  if (least > 0) array["minItems"] = least;
  array["items"] = std::move(items);
  return array;
}

Schema one_or_more(const Schema& items, int least = 1) {
  return any_of({items, array_of(items, least)});
}

Schema integer_between(const OptionRow& row) {
  Schema integer = {{"type", "integer"}, {"minimum", row.min}};
  if (row.max != std::numeric_limits<std::int64_t>::max()) integer["maximum"] = row.max;
  return integer;
}

// Of a path, or the name of a variable.
Schema not_empty_text() { return pattern("^[^\\x00]+"); }

Schema word(std::string_view text) { return {{"const", std::string(text)}}; }

Schema choice_of(const OptionRow& row) {
  Schema names = Schema::array();
  for (const std::string_view choice : row.choices) names.push_back(std::string(choice));
  return any_of({{{"enum", std::move(names)}}, refer_to("expression")});
}

Schema object_of(Schema values, const char* names = nullptr) {
  Schema object = {{"type", "object"}};
  if (names != nullptr) object["propertyNames"] = refer_to(names);
  object["additionalProperties"] = std::move(values);
  return object;
}

Schema schema_of(const OptionRow& row);

// {"field": value or {"op": value}}
Schema predicate_schema() {
  Schema ops = Schema::object();
  for (const std::string_view op : kPredicateOps) {
    ops[std::string(op)] = op == "in" ? array_of(refer_to("scalar"), 0)
                           : op == "exists"
                               ? any_of({{{"type", "boolean"}}, refer_to("expression")})
                               : refer_to("scalar");
  }
  Schema tests = {{"type", "object"}, {"minProperties", 1}, {"properties", std::move(ops)}};
  tests["additionalProperties"] = false;
  Schema predicate = object_of(any_of({refer_to("scalar"), std::move(tests)}));
  predicate["minProperties"] = 1;
  return predicate;
}

// An object of these keys, of which "x-..." is anybody's.
Schema object_of_keys(std::span<const OptionRow> rows) {
  Schema properties = Schema::object();
  Schema required = Schema::array();
  for (const OptionRow& row : rows) {
    properties[std::string(row.name)] = schema_of(row);
    if (row.required) required.push_back(std::string(row.name));
  }
  Schema object = {{"type", "object"}, {"properties", std::move(properties)}};
  object["patternProperties"] = {{"^x-", true}};
  object["additionalProperties"] = false;
  if (!required.empty()) object["required"] = std::move(required);
  return object;
}

// Keys that every kind has must be right for each that has them.
Schema defaults_schema() {
  Schema properties = Schema::object();
  for (const OptionRow& row : common_stage_keys()) {
    if (can_be_default(row.name)) properties[std::string(row.name)] = schema_of(row);
  }
  for (const StageKind& kind : stage_kinds()) {
    for (const OptionRow& row : kind.options) {
      Schema& slot = properties[std::string(row.name)];
      Schema schema = schema_of(row);
      if (slot.is_null()) {
        slot = {{"allOf", Schema::array()}};
      }
      schema.erase("description");
      schema.erase("default");
      bool is_there = false;
      for (const Schema& other : slot["allOf"]) is_there = is_there || other == schema;
      if (!is_there) slot["allOf"].push_back(std::move(schema));
    }
  }
  Schema object = {{"type", "object"}, {"properties", std::move(properties)}};
  object["patternProperties"] = {{"^x-", true}};
  object["additionalProperties"] = false;
  return object;
}

Schema number_between(const OptionRow& row) {
  return {{"type", "number"}, {"minimum", row.min}, {"maximum", row.max}};
}

// In seconds, or as a text.
Schema duration_of(const OptionRow& row) {
  Schema seconds = {{"type", "number"}};
  seconds[row.min > 0 ? "exclusiveMinimum" : "minimum"] = 0;
  seconds["maximum"] = kLongestSeconds;
  return any_of({std::move(seconds), refer_to("duration"), refer_to("expression")});
}

// Keys of a stage that are objects, or a number for short.
Schema failure_part_of(const OptionRow& row) {
  switch (row.type) {
    case OptionType::kCauses:
      return one_or_more(any_of({refer_to("cause"), refer_to("expression")}));
    case OptionType::kRetry:
      return any_of({integer_between(row), refer_to("expression"), object_of_keys(retry_keys())});
    case OptionType::kTolerate: {
      Schema object = object_of_keys(tolerate_keys());
      object["anyOf"] = {{{"required", {"count"}}}, {{"required", {"percent"}}}};
      return any_of({integer_between(row), refer_to("expression"), std::move(object)});
    }
    default:
      return true;
  }
}

// What stands at the top of a job file.
Schema job_part_of(const OptionRow& row) {
  switch (row.type) {
    case OptionType::kFormat:
      return {{"const", 1}};
    case OptionType::kVars:
      return object_of(any_of({refer_to("plainScalar"), object_of_keys(var_keys())}), "name");
    case OptionType::kEnvironment:
      return object_of(refer_to("scalar"), "variable");
    case OptionType::kDefaults:
      return defaults_schema();
    case OptionType::kLimits:
      return object_of_keys(limit_keys());
    case OptionType::kReport:
      return object_of_keys(report_keys());
    case OptionType::kPools: {
      Schema pools = object_of(any_of({integer_between(row), refer_to("expression")}));
      pools["propertyNames"] = {{"minLength", 1}};
      return pools;
    }
    case OptionType::kTargets:
      return object_of(one_or_more({{"type", "string"}}));
    case OptionType::kStages: {
      Schema stages = object_of(refer_to("stage"), "stageName");
      stages["minProperties"] = 1;
      return stages;
    }
    default:
      return true;
  }
}

Schema not_empty(Schema object) {
  object["minProperties"] = 1;
  return object;
}

Schema choices_of(const OptionRow& row) {
  Schema several = array_of(choice_of(row), 1);
  several["uniqueItems"] = true;
  return any_of({choice_of(row), std::move(several)});
}

Schema kind_names() {
  Schema names = Schema::array();
  for (const StageKind& kind : stage_kinds()) names.push_back(std::string(kind.name));
  return {{"enum", std::move(names)}};
}

Schema command_words() {
  Schema argv = array_of({{"type", "string"}}, 1);
  argv["prefixItems"] = Schema::array({{{"type", "string"}, {"minLength", 1}}});
  return argv;
}

Schema ports_by_predicate() {
  Schema ports = object_of(predicate_schema());
  ports["propertyNames"] = pattern("^(?!(out|errors)$)[A-Za-z0-9_-]+");
  return not_empty(std::move(ports));
}

// A function by itself, or by names, there perhaps with the field that it looks at.
Schema aggregates_of(const OptionRow& row) {
  Schema of_field = {{"type", "object"}, {"minProperties", 1}, {"maxProperties", 1}};
  for (const std::string_view function : row.choices) {
    of_field["properties"][std::string(function)] = {{"type", "string"}};
  }
  of_field["additionalProperties"] = false;
  return any_of(
      {choice_of(row), not_empty(object_of(any_of({choice_of(row), std::move(of_field)})))});
}

// The type alone; schema_of() adds what describes it. A table: as long as there are types.
Schema type_of(const OptionRow& row) {  // NOLINT(readability-function-size)
  Schema string = {{"type", "string"}};
  switch (row.type) {
    case OptionType::kFlag:
      return any_of({{{"type", "boolean"}}, refer_to("expression")});
    case OptionType::kInteger:
      return any_of({integer_between(row), refer_to("expression")});
    case OptionType::kSize:
      return any_of({integer_between(row), refer_to("size"), refer_to("expression")});
    case OptionType::kText:
    case OptionType::kScript:
    case OptionType::kRegex:
    case OptionType::kTemplate:
      return string;
    case OptionType::kByte:
      return any_of({pattern("^[\\u0000-\\u007f]"), refer_to("expression")});
    case OptionType::kChoice:
      return choice_of(row);
    case OptionType::kTexts:
      return one_or_more(string);
    case OptionType::kChoices:
      return choices_of(row);
    case OptionType::kIntegers:
      return one_or_more(any_of({integer_between(row), refer_to("expression")}));
    case OptionType::kArgv:
      return command_words();
    case OptionType::kNamedTemplates:
      return object_of(string, "variable");
    case OptionType::kPredicate:
      return predicate_schema();
    case OptionType::kPredicates:
      return ports_by_predicate();
    case OptionType::kPointers:
      return not_empty(object_of(string));
    case OptionType::kItems:
      return array_of(any_of({refer_to("scalar"), not_empty(object_of(refer_to("scalar")))}), 0);
    case OptionType::kReplacements:
      return one_or_more(object_of_keys(replacement_keys()), 0);
    case OptionType::kKindName:
      return kind_names();
    case OptionType::kName:
      return {{"type", "string"}, {"minLength", 1}};
    case OptionType::kInputs:
      return one_or_more(any_of({string, object_of_keys(edge_keys())}));
    case OptionType::kNames:
    case OptionType::kFields:
      return one_or_more(string, 0);
    case OptionType::kPaths:
      return one_or_more(not_empty_text());
    case OptionType::kPathOrFlag:
      return any_of({{{"type", "boolean"}}, not_empty_text()});
    case OptionType::kArtifacts:
      return any_of({one_or_more(not_empty_text()), object_of_keys(artifact_keys())});
    case OptionType::kAggregates:
      return aggregates_of(row);
    case OptionType::kWorkers:
      return any_of({integer_between(row), word("cpus"), refer_to("expression")});
    case OptionType::kProcs:
      return any_of({integer_between(row), word("auto"), refer_to("expression")});
    case OptionType::kCondition:
      return any_of({{{"type", "boolean"}}, string});
    case OptionType::kMatrix:
      return not_empty(object_of(array_of(refer_to("scalar"), 1), "name"));
    case OptionType::kSwitch:
      return {{"type", "boolean"}};
    case OptionType::kAutoFlag:
      return any_of({{{"type", "boolean"}}, word("auto"), refer_to("expression")});
    case OptionType::kPath:
    case OptionType::kVariable:
      return not_empty_text();
    case OptionType::kScalar:
      return refer_to("plainScalar");
    case OptionType::kScalars:
      return array_of(refer_to("plainScalar"), 1);
    case OptionType::kDuration:
      return duration_of(row);
    case OptionType::kNumber:
      return any_of({number_between(row), refer_to("expression")});
    case OptionType::kCauses:
    case OptionType::kRetry:
    case OptionType::kTolerate:
      return failure_part_of(row);
    case OptionType::kFormat:
    case OptionType::kVars:
    case OptionType::kEnvironment:
    case OptionType::kDefaults:
    case OptionType::kLimits:
    case OptionType::kReport:
    case OptionType::kPools:
    case OptionType::kTargets:
    case OptionType::kStages:
      return job_part_of(row);
  }
  return true;
}

Schema schema_of(const OptionRow& row) {
  Schema schema = {{"description", std::string(row.help)}};
  schema.update(type_of(row));
  return schema;
}

Schema kind_schema(const StageKind& kind) {
  std::vector<OptionRow> rows;
  for (const OptionRow& row : common_stage_keys()) {
    if (!kind.takes(row.name)) continue;
    rows.push_back(row);
    if (row.name == "from") rows.back().required = kind.input == Input::kRequired;
  }
  for (const OptionRow& row : kind.options) {
    rows.push_back(row);
    rows.back().required = false;  // by required_options()
  }
  Schema schema = {{"description", std::string(kind.summary)}};
  schema.update(object_of_keys(rows));
  schema["properties"]["kind"] = {{"const", std::string(kind.name)}};
  if (kind.takes("workers") && !kind.parallel) {
    schema["properties"]["workers"] = any_of({{{"const", 1}}, refer_to("expression")});
  }
  if (kind.input == Input::kOptional) {
    for (const char* key : {"buffer", "order", "window"}) {
      if (kind.takes(key)) schema["dependentRequired"][key] = {"from"};
    }
  }
  return schema;
}

Schema stage_schema() {
  Schema schema = {{"type", "object"},
                   {"required", {"kind"}},
                   {"properties", {{"kind", schema_of(common_stage_keys().front())}}}};
  Schema branches = Schema::array();
  for (const StageKind& kind : stage_kinds()) {
    const std::string name(kind.name);
    Schema is_this = {{"required", {"kind"}}, {"properties", {{"kind", {{"const", name}}}}}};
    branches.push_back({{"if", std::move(is_this)}, {"then", refer_to(name)}});
  }
  schema["allOf"] = std::move(branches);
  return schema;
}

Schema has_key(std::string_view key) { return {{"required", {std::string(key)}}}; }

// A stage has the options that its kind asks for, unless the defaults of the job give them. Those
// may stand in a file that is included.
Schema required_options() {
  std::map<std::string_view, Schema> kinds;  // by option: their names
  for (const StageKind& kind : stage_kinds()) {
    for (const OptionRow& row : kind.options) {
      if (row.required) kinds[row.name].push_back(std::string(kind.name));
    }
  }
  Schema rules = Schema::array();
  for (auto& [option, names] : kinds) {
    Schema by_defaults = has_key("defaults");
    by_defaults["properties"]["defaults"] = has_key(option);
    Schema stage = {{"if", has_key("kind")}, {"then", has_key(option)}};
    stage["if"]["properties"]["kind"] = {{"enum", std::move(names)}};
    Schema rule = {{"if", any_of({has_key("include"), std::move(by_defaults)})}};
    rule["else"]["properties"]["stages"]["additionalProperties"] = std::move(stage);
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace

std::string job_schema() {
  Schema schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                   {"title", "gorun job file"}};
  schema.update(object_of_keys(job_keys()));
  // The stages may all be in included files.
  schema["required"] = {"gorun"};
  schema["anyOf"] = {has_key("stages"), has_key("include")};
  schema["allOf"] = required_options();
  Schema& defs = schema["$defs"];
  defs["expression"] = {{"type", "string"}, {"pattern", "\\$\\{\\{"}};
  defs["scalar"] = {{"type", {"string", "number", "boolean"}}};
  defs["plainScalar"] = {{"type", {"string", "number", "boolean"}},
                         {"not", refer_to("expression")}};
  const std::string number = "([0-9]+\\.?[0-9]*|\\.[0-9]+)";
  std::string duration = "^(" + number + "|(?=.)";
  for (const char* unit : {"d", "h", "m", "s", "ms", "us", "ns"}) {
    duration += "(" + number + unit + ")?";
  }
  defs["duration"] = pattern(duration + ")");
  defs["cause"] = pattern("^(timeout|network|other|(exit|signal|status|io)( [0-9]{1,5})?)");
  defs["size"] = pattern("^[0-9]+( ?(B|[KMGT](iB|B)?|kB?))?");
  defs["name"] = {{"pattern",
                   "^[^\\x00-\\x2c\\x2e-\\x40\\x5b-\\x5e\\x60\\x7b-\\x7f]"
                   "[^\\x00-\\x2c\\x2e\\x2f\\x3a-\\x40\\x5b-\\x5e\\x60\\x7b-\\x7f]*" +
                       std::string(kEndOfText)}};
  defs["stageName"] = {
      {"pattern", "^[^\\x00-\\x2c\\x2e\\x2f\\x3a-\\x40\\x5b-\\x5e\\x60\\x7b-\\x7f]+" +
                      std::string(kEndOfText)}};
  defs["variable"] = {{"pattern", "^[^=\\x00]+" + std::string(kEndOfText)}};
  defs["stage"] = stage_schema();
  for (const StageKind& kind : stage_kinds()) defs[std::string(kind.name)] = kind_schema(kind);
  return schema.dump(2) + "\n";
}

}  // namespace gorun::jobs
