#include "jobs/kinds.h"

#include <algorithm>
#include <string>
#include <vector>

#include "jobs/byte_size.h"
#include "jobs/duration.h"

namespace gorun::jobs {
namespace {

OptionValue default_value(const OptionRow& row) {
  const std::string_view text = row.default_text;
  switch (row.type) {
    case OptionType::kFlag:
      return text == "true";
    case OptionType::kInteger:
    case OptionType::kSize:
      return parse_byte_size(text).value();
    case OptionType::kDuration:
      return parse_duration(text).value().count();
    case OptionType::kIntegers:
      return std::vector<std::int64_t>{parse_byte_size(text).value()};
    case OptionType::kTexts:
    case OptionType::kChoices:
      return std::vector<std::string>{std::string(text)};
    case OptionType::kAggregates:
      return AggregateOptions{{"", std::string(text), std::nullopt}};
    default:
      return std::string(text);
  }
}

}  // namespace

// A table: as long as there are types.
std::string_view type_phrase(OptionType type) {  // NOLINT(readability-function-size)
  switch (type) {
    case OptionType::kFlag:
    case OptionType::kSwitch:
      return "true or false";
    case OptionType::kVariable:
      return "the name of an environment variable";
    case OptionType::kInteger:
      return "an integer";
    case OptionType::kSize:
      return "a size such as 4096 or \"64KiB\"";
    case OptionType::kText:
    case OptionType::kScript:
    case OptionType::kTemplate:
    case OptionType::kKindName:
    case OptionType::kName:
      return "a string";
    case OptionType::kScalar:
      return "a string, a number or a boolean";
    case OptionType::kScalars:
      return "an array of values";
    case OptionType::kCondition:
      return "true, false or a condition";
    case OptionType::kMatrix:
      return "an object of arrays of values";
    case OptionType::kFormat:
      return "the number 1";
    case OptionType::kEnvironment:
    case OptionType::kVars:
    case OptionType::kDefaults:
    case OptionType::kLimits:
    case OptionType::kPools:
    case OptionType::kTargets:
    case OptionType::kStages:
    case OptionType::kReport:
      return "an object";
    case OptionType::kByte:
      return "a string of one byte";
    case OptionType::kRegex:
      return "a regular expression";
    case OptionType::kChoice:
      return "one of its choices";
    case OptionType::kTexts:
    case OptionType::kChoices:
    case OptionType::kNames:
    case OptionType::kFields:
    case OptionType::kPaths:
      return "a string or an array of strings";
    case OptionType::kAggregates:
      return "one of its choices, or an object of them";
    case OptionType::kIntegers:
      return "an integer or an array of integers";
    case OptionType::kArgv:
      return "an array of strings";
    case OptionType::kNamedTemplates:
    case OptionType::kPointers:
      return "an object of strings";
    case OptionType::kPredicate:
      return "an object of questions";
    case OptionType::kPredicates:
      return "an object of predicates";
    case OptionType::kItems:
      return "an array of strings and objects";
    case OptionType::kReplacements:
      return "an object with \"pattern\" and \"with\", or an array of them";
    case OptionType::kInputs:
      return "a string, an object or an array of them";
    case OptionType::kWorkers:
      return "an integer or \"cpus\"";
    case OptionType::kProcs:
      return "an integer or \"auto\"";
    case OptionType::kNumber:
      return "a number";
    case OptionType::kDuration:
      return "a duration such as 5 or \"1m30s\"";
    case OptionType::kCauses:
      return "what failures are called, or an array of that";
    case OptionType::kRetry:
      return "a number of attempts or an object";
    case OptionType::kTolerate:
      return "a number of items or an object";
    case OptionType::kPath:
      return "a path";
    case OptionType::kPathOrFlag:
      return "true, false or a path";
    case OptionType::kArtifacts:
      return "a string, an array of strings or an object";
    case OptionType::kAutoFlag:
      return "true, false or \"auto\"";
  }
  return "a value";
}

bool StageKind::takes(std::string_view common_key) const {
  if (option(common_key) != nullptr) return false;  // its own key of that name
  if (common_key == "workers" || common_key == "pool" || common_key == "weight" ||
      common_key == "timeout") {
    return !is_pipeline;
  }
  if (common_key == "from" || common_key == "buffer") return input != Input::kNone;
  if (common_key == "retry") return failures == ItemFailures::kRetried;
  if (common_key == "tolerate" || common_key == "on_error") return failures != ItemFailures::kNone;
  if (common_key == "order" || common_key == "window") return parallel && input != Input::kNone;
  return true;
}

bool StageKind::has_port(std::string_view port) const {
  return std::ranges::find(ports, port) != ports.end();
}

std::vector<std::string_view> StageKind::more_ports(const StageOptions& given) const {
  std::vector<std::string_view> names;
  if (ports_option.empty() || !given.has(ports_option)) return names;
  for (const auto& port : given.predicates(ports_option)) names.push_back(port.first);
  return names;
}

const OptionRow* StageKind::option(std::string_view option_name) const {
  const auto row = std::ranges::find(options, option_name, &OptionRow::name);
  return row == options.end() ? nullptr : &*row;
}

const StageKind* find_kind(std::string_view name) {
  const auto kind = std::ranges::find(stage_kinds(), name, &StageKind::name);
  return kind == stage_kinds().end() ? nullptr : &*kind;
}

StageOptions default_options(const StageKind& kind) {
  StageOptions options(kind);
  for (const OptionRow& row : kind.options) {
    if (!row.default_text.empty()) options.set(row.name, default_value(row));
  }
  return options;
}

}  // namespace gorun::jobs
