#include "jobs/parse.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "jobs/edit_distance.h"
#include "jobs/option_reader.h"
#include "jobs/quote.h"
#include "jobs/value_reader.h"
#include "jobs/vars.h"

namespace gorun::jobs {
namespace {

constexpr std::int64_t kFormatVersion = 1;

constexpr std::array<std::string_view, 7> kTopLevelKeys = {"gorun",  "name", "vars",  "env",
                                                           "limits", "fail", "stages"};
constexpr std::array<std::string_view, 1> kLimitKeys = {"procs"};
constexpr std::array<std::string_view, 1> kFailPolicies = {"fast"};
constexpr std::array<std::string_view, 3> kEdgeKeys = {"stage", "port", "buffer"};

constexpr std::int64_t kMaxProcs = 1024;

// Letters, digits, "_", "-" and all that is not ASCII. A dot separates a port from its stage.
bool is_stage_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || (static_cast<unsigned char>(c) & 0x80U) != 0;
  });
}

// Reads one stage.
class StageParser {
 public:
  StageParser(const JsonMember& member, ValueReader* reader) : member_(member), reader_(*reader) {
    stage_.name = member.key;
    stage_.name_where = member.key_where;
  }

  StageDecl parse() && {
    if (!is_stage_name(stage_.name)) {
      reader_.blame(member_.key_where, quote(stage_.name) + " is not a stage name",
                    "a stage name has letters, digits, \"_\" and \"-\"");
    }
    const JsonObject* object = member_.value.object();
    if (!object) {
      reader_.blame_kind_of("stage " + quote(stage_.name), "an object", member_.value);
      stage_.is_from_right = false;
      return std::move(stage_);
    }
    read_kind(*object);
    for (const JsonMember& member : *object) read_member(member);
    if (stage_.kind) require_options();
    return std::move(stage_);
  }

 private:
  void read_kind(const JsonObject& object) {
    const JsonMember* member = find_member(object, "kind");
    if (!member) {
      reader_.blame(stage_.name_where, "stage " + quote(stage_.name) + " has no \"kind\"",
                    "\"gorun stages\" lists the kinds");
      return;
    }
    const auto name = reader_.text("kind", member->value);
    if (!name) return;
    stage_.kind = find_kind(*name);
    if (!stage_.kind) {
      std::vector<std::string_view> names;
      for (const StageKind& kind : stage_kinds()) names.push_back(kind.name);
      std::string hint = did_you_mean(*name, names);
      if (hint.empty()) hint = "\"gorun stages\" lists the kinds";
      reader_.blame(member->value.where, "unknown kind " + quote(*name), std::move(hint));
      return;
    }
    stage_.options = default_options(*stage_.kind);
    stage_.workers = stage_.kind->default_workers;
  }

  void read_member(const JsonMember& member) {
    const std::string& key = member.key;
    if (key == "kind" || key.starts_with("x-")) return;
    if (key == "from") {
      stage_.from_where = member.key_where;
      stage_.from = read_inputs(member.value);
    } else if (key == "needs") {
      stage_.needs = read_needs(member.value);
    } else if (key == "workers") {
      read_workers(member.value);
    } else if (key == "buffer") {
      stage_.buffer_where = member.key_where;
      stage_.buffer =
          reader_.integer("buffer", member.value, 1, kMaxBuffer).value_or(kDefaultBuffer);
    } else if (stage_.kind) {
      read_stage_option(member);
    }
    // Without a kind nobody knows which options are right.
  }

  void read_stage_option(const JsonMember& member) {
    const OptionRow* row = stage_.kind->option(member.key);
    if (!row) {
      blame_unknown_key(member);
      return;
    }
    auto value = read_option(*row, member.value, &reader_);
    stage_.are_options_right = stage_.are_options_right && value.has_value();
    if (value) stage_.options.set(row->name, std::move(*value), member.value.where);
  }

  void blame_unknown_key(const JsonMember& member) {
    std::vector<std::string_view> known;
    for (const OptionRow& row : common_stage_keys()) known.push_back(row.name);
    for (const OptionRow& row : stage_.kind->options) known.push_back(row.name);
    std::string hint = did_you_mean(member.key, known);
    if (hint.empty()) {
      hint = "\"gorun stages " + std::string(stage_.kind->name) + "\" lists the keys of this kind";
    }
    reader_.blame(member.key_where, "unknown key " + quote(member.key), std::move(hint));
    // A misspelt option must not be missed as well.
    stage_.are_options_right = false;
  }

  void require_options() {
    for (const OptionRow& row : stage_.kind->options) {
      if (!row.required || find_member(*member_.value.object(), row.name)) continue;
      if (stage_.are_options_right) {
        reader_.blame(stage_.name_where,
                      "stage " + quote(stage_.name) + " has no " + quote(row.name),
                      std::string(row.name) + ": " + std::string(row.help));
      }
      stage_.are_options_right = false;
    }
  }

  void read_workers(const JsonValue& value) {
    stage_.workers_where = value.where;
    static_assert(kOnePerP == 0);  // what integer_or_word() makes of the word
    const auto workers = reader_.integer_or_word("workers", value, 1, kMaxWorkers, "cpus");
    if (workers) stage_.workers = static_cast<int>(*workers);
  }

  std::vector<StageRef> read_inputs(const JsonValue& value) {
    std::vector<StageRef> refs;
    if (value.array()) {
      if (value.array()->empty()) reader_.blame(value.where, "\"from\" is empty");
      for (const JsonValue& element : *value.array()) add_input(element, &refs);
    } else {
      add_input(value, &refs);
    }
    return refs;
  }

  void add_input(const JsonValue& value, std::vector<StageRef>* refs) {
    std::optional<StageRef> ref;
    if (value.text()) {
      ref = input_of_text(value);
    } else if (value.object()) {
      ref = input_of_object(value);
    } else {
      reader_.blame_type("from", "a string, an object or an array of them", value);
    }
    if (ref) {
      refs->push_back(std::move(*ref));
    } else {
      stage_.is_from_right = false;
    }
  }

  std::optional<StageRef> input_of_text(const JsonValue& value) {
    const auto text = reader_.text("from", value);
    if (!text) return std::nullopt;
    StageRef ref;
    ref.where = ref.stage_where = ref.port_where = value.where;
    const std::size_t dot = text->find('.');
    ref.stage = text->substr(0, dot);
    if (dot == std::string::npos) return ref;
    ref.port = text->substr(dot + 1);
    const bool has_both = dot > 0 && dot + 1 < text->size();
    // With a var inside, the parts have no places of their own.
    if (has_both && *text == *value.text()) {
      const std::size_t at = offset_in_source(reader_.source(), value.where, dot);
      ref.stage_where = {value.where.begin + 1, at};
      ref.port_where = {at + 1, value.where.end - 1};
    }
    return ref;
  }

  std::optional<StageRef> input_of_object(const JsonValue& value) {
    reader_.reject_unknown_keys(*value.object(), kEdgeKeys, "");
    const JsonMember* stage = find_member(*value.object(), "stage");
    if (!stage) {
      reader_.blame(value.where, "\"from\" has no \"stage\"");
      return std::nullopt;
    }
    auto name = reader_.text("stage", stage->value);
    if (!name) return std::nullopt;
    StageRef ref;
    ref.stage = std::move(*name);
    ref.stage_where = ref.port_where = stage->value.where;
    ref.where = value.where;
    if (const JsonMember* port = find_member(*value.object(), "port")) {
      auto port_name = reader_.text("port", port->value);
      if (!port_name) return std::nullopt;
      ref.port = std::move(*port_name);
      ref.port_where = port->value.where;
    }
    if (const JsonMember* buffer = find_member(*value.object(), "buffer")) {
      ref.buffer = reader_.integer("buffer", buffer->value, 1, kMaxBuffer);
    }
    return ref;
  }

  std::vector<StageRef> read_needs(const JsonValue& value) {
    std::vector<StageRef> refs;
    const auto add = [&](const JsonValue& name) {
      auto text = reader_.text("needs", name);
      if (!text) return;
      StageRef ref;
      ref.stage = std::move(*text);
      ref.stage_where = ref.port_where = ref.where = name.where;
      refs.push_back(std::move(ref));
    };
    if (value.array()) {
      for (const JsonValue& name : *value.array()) add(name);
    } else if (value.text()) {
      add(value);
    } else {
      reader_.blame_type("needs", "a string or an array of strings", value);
    }
    return refs;
  }

  const JsonMember& member_;
  ValueReader& reader_;
  StageDecl stage_;
};

void check_version(const JsonValue& root, ValueReader* reader) {
  const JsonMember* version = find_member(*root.object(), "gorun");
  if (!version) {
    reader->blame({root.where.begin, root.where.begin + 1}, "the key \"gorun\" is missing",
                  "a job file says which format it has: \"gorun\": 1");
    return;
  }
  const JsonValue& value = version->value;
  if (!value.is_number()) {
    reader->blame_type("gorun", "the number 1", value);
  } else if (!value.integer() || *value.integer() != kFormatVersion) {
    reader->blame(
        value.where,
        "format version " + std::string(reader->source().slice(value.where)) + " is not supported",
        "this gorun reads version 1");
  }
}

Environment read_env(const JsonValue& value, ValueReader* reader) {
  Environment env;
  const JsonObject* object = reader->object("env", value);
  if (!object) return env;
  for (const JsonMember& member : *object) {
    if (member.key.empty() ||
        member.key.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
      reader->blame(member.key_where, quote(member.key) + " is not a name",
                    "a name is not empty and holds neither \"=\" nor a NUL byte");
      continue;
    }
    auto text = reader->scalar(member.key, member.value);
    if (!text) continue;
    if (text->find('\0') != std::string::npos) {
      reader->blame(member.value.where, quote(member.key) + " holds a NUL byte");
      continue;
    }
    env.emplace_back(member.key, std::move(*text));
  }
  return env;
}

int read_procs(const JsonValue& value, ValueReader* reader) {
  const JsonObject* limits = reader->object("limits", value);
  if (!limits) return 0;
  reader->reject_unknown_keys(*limits, kLimitKeys, "the keys here are \"procs\"");
  const JsonMember* procs = find_member(*limits, "procs");
  if (!procs) return 0;
  const auto number = reader->integer_or_word("procs", procs->value, 1, kMaxProcs, "auto");
  return static_cast<int>(number.value_or(0));
}

std::vector<StageDecl> read_stages(const JsonValue& root, ValueReader* reader) {
  std::vector<StageDecl> stages;
  const JsonMember* member = find_member(*root.object(), "stages");
  if (!member) {
    reader->blame({root.where.begin, root.where.begin + 1}, "the key \"stages\" is missing",
                  "\"stages\": {\"hello\": {\"kind\": \"exec\", \"argv\": [\"echo\", \"hello\"]}}");
    return stages;
  }
  const JsonObject* object = reader->object("stages", member->value);
  if (!object) return stages;
  if (object->empty()) reader->blame(member->value.where, "\"stages\" is empty");
  stages.reserve(object->size());
  for (const JsonMember& stage : *object) {
    stages.push_back(StageParser(stage, reader).parse());
  }
  return stages;
}

}  // namespace

JobFile parse_job_file(const Source& source, const JsonValue& root, const VarSettings& settings,
                       Diagnostics* errors) {
  JobFile file;
  if (!root.object()) {
    errors->push_back({.where = root.where,
                       .what = "a job file is an object, not " + std::string(root.type_phrase()),
                       .hint = {}});
    return file;
  }
  const auto value_of = [&](std::string_view key) {
    const JsonMember* member = find_member(*root.object(), key);
    return member ? &member->value : nullptr;
  };
  const Vars vars(source, value_of("vars"), settings, errors);
  ValueReader reader(source, vars, errors);
  check_version(root, &reader);
  reader.reject_unknown_keys(*root.object(), kTopLevelKeys,
                             "the keys here are " + quote_list(kTopLevelKeys));
  if (const JsonValue* name = value_of("name")) file.name = reader.text("name", *name).value_or("");
  if (const JsonValue* env = value_of("env")) file.env = read_env(*env, &reader);
  if (const JsonValue* limits = value_of("limits")) file.procs = read_procs(*limits, &reader);
  if (const JsonValue* fail = value_of("fail")) {
    // One policy is known, so a right value decides nothing more.
    static_cast<void>(reader.choice("fail", *fail, kFailPolicies));
  }
  file.stages = read_stages(root, &reader);
  return file;
}

}  // namespace gorun::jobs
