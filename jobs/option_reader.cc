#include "jobs/option_reader.h"

#include <re2/re2.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "jobs/exec/path_set.h"
#include "jobs/job_keys.h"
#include "jobs/predicate_reader.h"
#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

constexpr std::string_view kScriptHint = "in a script the item is \"$1\"";

template <class T>
std::optional<OptionValue> as_option(std::optional<T> value) {
  if (!value) return std::nullopt;
  return OptionValue(std::move(*value));
}

// A path, an argument or a line of a C interface cannot hold a NUL byte.
bool has_no_nul(const OptionRow& row, const std::string& text, ByteRange where,
                ValueReader* reader) {
  if (text.find('\0') == std::string::npos) return true;
  reader->blame(where, quote(row.name) + " holds a NUL byte");
  return false;
}

bool literals_have_no_nul(const OptionRow& row, const Template& text, ByteRange where,
                          ValueReader* reader) {
  return std::ranges::all_of(text.parts(), [&](const TemplatePart& part) {
    return has_no_nul(row, part.text, where, reader);
  });
}

std::optional<std::string> read_text(const OptionRow& row, const JsonValue& value,
                                     ValueReader* reader) {
  const bool is_script = row.type == OptionType::kScript;
  auto text = reader->text(row.name, value, is_script ? kScriptHint : "");
  if (text && !has_no_nul(row, *text, value.where, reader)) return std::nullopt;
  return text;
}

std::optional<std::vector<std::string>> read_texts(const OptionRow& row, const JsonValue& value,
                                                   ValueReader* reader) {
  auto texts = reader->texts(row.name, value);
  if (!texts) return std::nullopt;
  for (const std::string& text : *texts) {
    if (!has_no_nul(row, text, value.where, reader)) return std::nullopt;
  }
  return texts;
}

std::optional<std::string> read_byte(const OptionRow& row, const JsonValue& value,
                                     ValueReader* reader) {
  auto text = reader->text(row.name, value);
  if (!text || text->size() == 1) return text;
  reader->blame(value.where,
                quote(row.name) + ": expected one byte, got " + std::to_string(text->size()));
  return std::nullopt;
}

RE2::Options quiet_options() {
  RE2::Options options;
  options.set_log_errors(false);
  return options;
}

bool is_regex(std::string_view key, const std::string& pattern, ByteRange where,
              ValueReader* reader) {
  const RE2 regex(pattern, quiet_options());
  if (regex.ok()) return true;
  reader->blame(where, quote(key) + " is not a regular expression: " + regex.error(),
                "the syntax is RE2's: without look-around and back references");
  return false;
}

std::optional<std::string> read_regex(std::string_view key, const JsonValue& value,
                                      ValueReader* reader) {
  auto pattern = reader->text(key, value);
  if (!pattern || !is_regex(key, *pattern, value.where, reader)) return std::nullopt;
  return pattern;
}

std::optional<std::vector<std::string>> read_choices(const OptionRow& row, const JsonValue& value,
                                                     ValueReader* reader) {
  std::vector<std::string> chosen;
  if (!value.array()) {
    auto one = reader->choice(row.name, value, row.choices);
    if (!one) return std::nullopt;
    chosen.push_back(std::move(*one));
    return chosen;
  }
  if (value.array()->empty()) {
    reader->blame(value.where, quote(row.name) + " is empty");
    return std::nullopt;
  }
  bool is_right = true;
  for (const JsonValue& element : *value.array()) {
    auto one = reader->choice(row.name, element, row.choices);
    if (one && std::ranges::find(chosen, *one) != chosen.end()) {
      reader->blame(element.where, quote(*one) + " is given twice");
      one.reset();
    }
    is_right = is_right && one.has_value();
    if (one) chosen.push_back(std::move(*one));
  }
  if (!is_right) return std::nullopt;
  return chosen;
}

std::optional<std::vector<std::int64_t>> read_integers(const OptionRow& row, const JsonValue& value,
                                                       ValueReader* reader) {
  std::vector<std::int64_t> numbers;
  if (!value.array()) {
    const auto one = reader->integer(row.name, value, row.min, row.max);
    if (!one) return std::nullopt;
    numbers.push_back(*one);
    return numbers;
  }
  if (value.array()->empty()) {
    reader->blame(value.where, quote(row.name) + " is empty");
    return std::nullopt;
  }
  bool is_right = true;
  for (const JsonValue& element : *value.array()) {
    const auto one = reader->integer(row.name, element, row.min, row.max);
    is_right = is_right && one.has_value();
    if (one) numbers.push_back(*one);
  }
  if (!is_right) return std::nullopt;
  return numbers;
}

std::optional<Template> read_template(const OptionRow& row, const JsonValue& value,
                                      ValueReader* reader) {
  auto text = reader->text_template(row.name, value, TemplateSyntax::kExpressions);
  if (text && !literals_have_no_nul(row, *text, value.where, reader)) return std::nullopt;
  return text;
}

std::optional<std::vector<Template>> read_argv(const OptionRow& row, const JsonValue& value,
                                               ValueReader* reader) {
  if (!value.array()) {
    reader->blame_type(row.name, "an array of strings", value);
    return std::nullopt;
  }
  if (value.array()->empty()) {
    reader->blame(value.where, quote(row.name) + " is empty", "its first string is the program");
    return std::nullopt;
  }
  std::vector<Template> argv;
  bool is_right = true;
  for (const JsonValue& element : *value.array()) {
    if (ValueReader::is_files(element)) {
      auto files = reader->files(element);
      is_right = is_right && files.has_value();
      for (std::string& file : files.value_or(std::vector<std::string>())) {
        argv.emplace_back(std::move(file));
      }
      continue;
    }
    auto text = reader->text_template(row.name, element, TemplateSyntax::kPlaceholders);
    is_right = is_right && text && literals_have_no_nul(row, *text, element.where, reader);
    if (text) argv.push_back(std::move(*text));
  }
  if (!is_right) return std::nullopt;
  if (argv.front() == Template()) {
    reader->blame(value.array()->front().where, quote(row.name) + " names no program");
    return std::nullopt;
  }
  return argv;
}

// {#} and {%} name a place in this run: what lies there is found by no other one.
bool names_same_in_each_run(const OptionRow& row, const Template& path, ByteRange where,
                            ValueReader* reader) {
  const auto part = std::ranges::find_if(path.parts(), [](const TemplatePart& one) {
    return one.what == TemplatePart::What::kNumber || one.what == TemplatePart::What::kSlot;
  });
  if (part == path.parts().end()) return true;
  const bool is_slot = part->what == TemplatePart::What::kSlot;
  reader->blame(where,
                quote(row.name) + ": " + (is_slot ? "{%}" : "{#}") +
                    " differs from run to run, and so would the path",
                "{} and {/.} stand for the item");
  return false;
}

// False of a constant that is no pattern, or leads out of the directory of the command.
bool is_path_pattern(const OptionRow& row, const Template& path, ByteRange where,
                     ValueReader* reader) {
  if (!path.is_constant()) return true;
  const std::optional<std::string> wrong = what_is_wrong_with(
      path.constant_text(),
      row.type == OptionType::kArtifacts ? PathBounds::kInside : PathBounds::kAnywhere);
  if (!wrong) return true;
  reader->blame(where, quote(row.name) + ": " + *wrong);
  return false;
}

// A path, or an array of at least one.
std::optional<std::vector<Template>> read_paths(const OptionRow& row, const JsonValue& value,
                                                ValueReader* reader) {
  std::vector<Template> paths;
  bool is_right = true;
  const auto add = [&](const JsonValue& element) {
    if (ValueReader::is_files(element)) {
      auto files = reader->files(element);
      is_right = is_right && files.has_value();
      for (std::string& file : files.value_or(std::vector<std::string>())) {
        paths.emplace_back(quote_for_glob(file));
      }
      return;
    }
    auto path = reader->text_template(row.name, element, TemplateSyntax::kPlaceholders);
    const bool is_path = path && literals_have_no_nul(row, *path, element.where, reader) &&
                         names_same_in_each_run(row, *path, element.where, reader) &&
                         is_path_pattern(row, *path, element.where, reader);
    is_right = is_right && is_path;
    if (is_path) paths.push_back(std::move(*path));
  };
  if (value.array() && !value.array()->empty()) {
    for (const JsonValue& element : *value.array()) add(element);
  } else if (value.array()) {
    reader->blame(value.where, quote(row.name) + " is empty");
    is_right = false;
  } else if (value.text()) {
    add(value);
  } else {
    reader->blame_type(row.name, type_phrase(row.type), value);
    is_right = false;
  }
  if (!is_right) return std::nullopt;
  return paths;
}

std::optional<std::string> read_path_or_flag(const OptionRow& row, const JsonValue& value,
                                             ValueReader* reader) {
  auto text = reader->scalar(row.name, value);  // true and false, and what a var makes of them
  if (!text) return std::nullopt;
  if (!text->empty() && !value.is_number()) {
    if (!has_no_nul(row, *text, value.where, reader)) return std::nullopt;
    return text;
  }
  reader->blame_type(row.name, type_phrase(row.type), value);
  return std::nullopt;
}

// Paths alone, or with what else there is to say.
std::optional<ArtifactOptions> read_artifacts(const OptionRow& row, const JsonValue& value,
                                              ValueReader* reader) {
  ArtifactOptions artifacts;
  if (!value.object()) {
    auto paths = read_paths(row, value, reader);
    if (!paths) return std::nullopt;
    artifacts.paths = std::move(*paths);
    return artifacts;
  }
  const std::vector<std::string_view> names = key_names(artifact_keys());
  reader->reject_unknown_keys(*value.object(), names, "the keys here are " + quote_list(names));
  const JsonMember* paths = find_member(*value.object(), "paths");
  const bool knows_all = std::ranges::all_of(*value.object(), [&names](const JsonMember& member) {
    return member.key.starts_with("x-") || std::ranges::find(names, member.key) != names.end();
  });
  if (paths == nullptr) {
    // It may be what the unknown key was meant to be.
    if (knows_all) reader->blame(value.where, quote(row.name) + " has no \"paths\"");
    return std::nullopt;
  }
  auto read = read_paths(row, paths->value, reader);
  bool is_right = knows_all && read.has_value();
  if (read) artifacts.paths = std::move(*read);
  if (const JsonMember* when = find_member(*value.object(), "when")) {
    const auto word =
        reader->choice("when", when->value, find_key(artifact_keys(), "when")->choices);
    is_right = is_right && word.has_value();
    if (word == "failure") artifacts.when = ArtifactOptions::When::kFailure;
    if (word == "always") artifacts.when = ArtifactOptions::When::kAlways;
  }
  if (const JsonMember* to = find_member(*value.object(), "to")) {
    auto path = reader->path("to", to->value);
    is_right = is_right && path.has_value();
    artifacts.to = std::move(path).value_or("");
  }
  if (!is_right) return std::nullopt;
  return artifacts;
}

std::optional<NamedTemplates> read_named_templates(const OptionRow& row, const JsonValue& value,
                                                   ValueReader* reader) {
  if (!value.object()) {
    reader->blame_type(row.name, "an object of strings", value);
    return std::nullopt;
  }
  NamedTemplates templates;
  bool is_right = true;
  for (const JsonMember& member : *value.object()) {
    auto text = reader->text_template(member.key, member.value, TemplateSyntax::kExpressions);
    const bool is_name = !member.key.empty() && member.key.find('=') == std::string::npos &&
                         member.key.find('\0') == std::string::npos;
    if (!is_name) {
      reader->blame(member.key_where, quote(member.key) + " is not a name",
                    "a name is not empty and holds neither \"=\" nor a NUL byte");
    }
    is_right =
        is_right && is_name && text && literals_have_no_nul(row, *text, member.value.where, reader);
    if (is_right) templates.emplace_back(member.key, std::move(*text));
  }
  if (!is_right) return std::nullopt;
  return templates;
}

std::optional<LiteralItem> read_item(const OptionRow& row, const JsonValue& value,
                                     ValueReader* reader) {
  LiteralItem item;
  if (!value.object()) {
    auto text = reader->scalar(row.name, value);
    if (!text) return std::nullopt;
    item.text = std::move(*text);
    return item;
  }
  if (value.object()->empty()) {
    reader->blame(value.where, "an item without fields");
    return std::nullopt;
  }
  bool is_right = true;
  for (const JsonMember& member : *value.object()) {
    auto text = reader->scalar(member.key, member.value);
    is_right = is_right && text.has_value();
    if (text) item.fields.emplace_back(member.key, std::move(*text));
  }
  if (!is_right) return std::nullopt;
  item.text = item.fields.front().second;
  return item;
}

std::optional<std::vector<LiteralItem>> read_items(const OptionRow& row, const JsonValue& value,
                                                   ValueReader* reader) {
  if (!value.array()) {
    reader->blame_type(row.name, "an array of strings and objects", value);
    return std::nullopt;
  }
  std::vector<LiteralItem> items;
  bool is_right = true;
  for (const JsonValue& element : *value.array()) {
    if (ValueReader::is_files(element)) {
      auto files = reader->files(element);
      is_right = is_right && files.has_value();
      for (std::string& file : files.value_or(std::vector<std::string>())) {
        items.push_back({.text = std::move(file), .fields = {}});
      }
      continue;
    }
    auto item = read_item(row, element, reader);
    is_right = is_right && item.has_value();
    if (item) items.push_back(std::move(*item));
  }
  if (!is_right) return std::nullopt;
  return items;
}

std::optional<Replacement> read_replacement(const OptionRow& row, const JsonValue& value,
                                            ValueReader* reader) {
  const JsonObject* object = reader->object(row.name, value);
  if (!object) return std::nullopt;
  reader->reject_unknown_keys(*object, key_names(replacement_keys()), "");
  const JsonMember* pattern = find_member(*object, "pattern");
  const JsonMember* with = find_member(*object, "with");
  if (!pattern || !with) {
    reader->blame(value.where, quote(row.name) + " needs \"pattern\" and \"with\"");
    return std::nullopt;
  }
  auto regex = read_regex("pattern", pattern->value, reader);
  auto text = reader->text("with", with->value);
  if (!regex || !text) return std::nullopt;
  std::string why;
  if (!RE2(*regex, quiet_options()).CheckRewriteString(*text, &why)) {
    if (why.ends_with('.')) why.pop_back();
    reader->blame(with->value.where, "\"with\" does not fit \"pattern\": " + why,
                  "\\1 is the first group, a backslash is \\\\ (in JSON \\\\\\\\)");
    return std::nullopt;
  }
  return Replacement{std::move(*regex), std::move(*text)};
}

std::optional<std::vector<Replacement>> read_replacements(const OptionRow& row,
                                                          const JsonValue& value,
                                                          ValueReader* reader) {
  std::vector<Replacement> replacements;
  if (!value.array()) {
    auto one = read_replacement(row, value, reader);
    if (!one) return std::nullopt;
    replacements.push_back(std::move(*one));
    return replacements;
  }
  bool is_right = true;
  for (const JsonValue& element : *value.array()) {
    auto one = read_replacement(row, element, reader);
    is_right = is_right && one.has_value();
    if (one) replacements.push_back(std::move(*one));
  }
  if (!is_right) return std::nullopt;
  return replacements;
}

std::optional<NamedTexts> read_pointers(const OptionRow& row, const JsonValue& value,
                                        ValueReader* reader) {
  const JsonObject* object = reader->object(row.name, value);
  if (!object) return std::nullopt;
  if (object->empty()) {
    reader->blame(value.where, quote(row.name) + " is empty", R"({"name": "/a/name"})");
    return std::nullopt;
  }
  NamedTexts pointers;
  bool is_right = true;
  for (const JsonMember& member : *object) {
    auto text = reader->text(member.key, member.value);
    const bool is_pointer = text && (text->empty() || text->starts_with('/'));
    if (text && !is_pointer) {
      reader->blame(member.value.where, quote(*text) + " is not a JSON pointer",
                    "a pointer names members from the top: \"/a/b\"; \"\" is all of it");
    }
    is_right = is_right && is_pointer;
    if (is_pointer) pointers.emplace_back(member.key, std::move(*text));
  }
  if (!is_right) return std::nullopt;
  return pointers;
}

// Names of fields, none twice; [] is none at all.
std::optional<std::vector<std::string>> read_fields(const OptionRow& row, const JsonValue& value,
                                                    ValueReader* reader) {
  if (value.array() && value.array()->empty()) return std::vector<std::string>();
  auto names = reader->texts(row.name, value);
  if (!names) return std::nullopt;
  for (auto name = names->begin(); name != names->end(); ++name) {
    if (std::find(names->begin(), name, *name) == name) continue;
    reader->blame(value.where, quote(row.name) + " names the field " + quote(*name) + " twice");
    return std::nullopt;
  }
  return names;
}

// "count" or {"sum": "field"}.
std::optional<AggregateOption> read_aggregate(const OptionRow& row, const JsonMember& member,
                                              ValueReader* reader) {
  AggregateOption aggregate{.name = member.key, .function = {}, .field = {}};
  if (!member.value.object()) {
    auto function = reader->choice(member.key, member.value, row.choices);
    if (!function) return std::nullopt;
    aggregate.function = std::move(*function);
    return aggregate;
  }
  const JsonObject& object = *member.value.object();
  if (object.size() != 1) {
    reader->blame(member.value.where, quote(member.key) + " has to be one aggregate",
                  R"({"sum": "bytes"})");
    return std::nullopt;
  }
  reader->reject_unknown_keys(object, row.choices, "aggregates are " + quote_list(row.choices));
  if (std::ranges::find(row.choices, object.front().key) == row.choices.end()) return std::nullopt;
  auto field = reader->text(object.front().key, object.front().value);
  if (!field) return std::nullopt;
  aggregate.function = object.front().key;
  aggregate.field = std::move(*field);
  return aggregate;
}

std::optional<AggregateOptions> read_aggregates(const OptionRow& row, const JsonValue& value,
                                                ValueReader* reader) {
  AggregateOptions aggregates;
  if (!value.object()) {
    auto function = reader->choice(row.name, value, row.choices);
    if (!function) return std::nullopt;
    aggregates.push_back({"", std::move(*function), std::nullopt});
    return aggregates;
  }
  if (value.object()->empty()) {
    reader->blame(value.where, quote(row.name) + " is empty", R"({"n": "count"})");
    return std::nullopt;
  }
  bool is_right = true;
  for (const JsonMember& member : *value.object()) {
    if (member.key.empty()) reader->blame(member.key_where, "an aggregate without a name");
    auto aggregate = read_aggregate(row, member, reader);
    if (member.key.empty()) aggregate.reset();
    is_right = is_right && aggregate.has_value();
    if (aggregate) aggregates.push_back(std::move(*aggregate));
  }
  if (!is_right) return std::nullopt;
  return aggregates;
}

}  // namespace

std::optional<OptionValue> read_option(const OptionRow& row, const JsonValue& value,
                                       ValueReader* reader) {
  switch (row.type) {
    case OptionType::kFlag:
      return as_option(reader->flag(row.name, value));
    case OptionType::kInteger:
      return as_option(reader->integer(row.name, value, row.min, row.max));
    case OptionType::kSize:
      return as_option(reader->byte_size(row.name, value, row.min, row.max));
    case OptionType::kText:
    case OptionType::kScript:
      return as_option(read_text(row, value, reader));
    case OptionType::kByte:
      return as_option(read_byte(row, value, reader));
    case OptionType::kRegex:
      return as_option(read_regex(row.name, value, reader));
    case OptionType::kChoice:
      return as_option(reader->choice(row.name, value, row.choices));
    case OptionType::kTexts:
      return as_option(read_texts(row, value, reader));
    case OptionType::kChoices:
      return as_option(read_choices(row, value, reader));
    case OptionType::kIntegers:
      return as_option(read_integers(row, value, reader));
    case OptionType::kTemplate:
      return as_option(read_template(row, value, reader));
    case OptionType::kArgv:
      return as_option(read_argv(row, value, reader));
    case OptionType::kNamedTemplates:
      return as_option(read_named_templates(row, value, reader));
    case OptionType::kItems:
      return as_option(read_items(row, value, reader));
    case OptionType::kReplacements:
      return as_option(read_replacements(row, value, reader));
    case OptionType::kDuration:
      return as_option(reader->duration(row.name, value, row.min));
    case OptionType::kPredicate:
      return as_option(read_predicate(row.name, value, reader));
    case OptionType::kPredicates:
      return as_option(read_named_predicates(row.name, value, reader));
    case OptionType::kPointers:
      return as_option(read_pointers(row, value, reader));
    case OptionType::kFields:
      return as_option(read_fields(row, value, reader));
    case OptionType::kName:
      return as_option(reader->name(row.name, value));
    case OptionType::kPath:
      return as_option(reader->path(row.name, value));
    case OptionType::kPaths:
      return as_option(read_paths(row, value, reader));
    case OptionType::kPathOrFlag:
      return as_option(read_path_or_flag(row, value, reader));
    case OptionType::kArtifacts:
      return as_option(read_artifacts(row, value, reader));
    case OptionType::kAggregates:
      return as_option(read_aggregates(row, value, reader));
    default:
      break;  // a key of stages or of the job, see jobs/kinds.h
  }
  return std::nullopt;
}

}  // namespace gorun::jobs
