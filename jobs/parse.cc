#include "jobs/parse.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/dotenv.h"
#include "jobs/edit_distance.h"
#include "jobs/failure_parser.h"
#include "jobs/job_files.h"
#include "jobs/job_keys.h"
#include "jobs/option_reader.h"
#include "jobs/quote.h"
#include "jobs/stage_parser.h"
#include "jobs/value_reader.h"
#include "jobs/vars.h"

namespace gorun::jobs {
namespace {

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

Limits read_limits(const JsonValue& value, ValueReader* reader) {
  Limits limits;
  const JsonObject* object = reader->object("limits", value);
  if (!object) return limits;
  reader->reject_unknown_keys(*object, key_names(limit_keys()),
                              "the keys here are " + quote_list(key_names(limit_keys())));
  if (const JsonMember* procs = find_member(*object, "procs")) {
    const auto number = reader->integer_or_word("procs", procs->value, 1, kMaxProcs, "auto");
    limits.procs = static_cast<int>(number.value_or(0));
  }
  if (const JsonMember* memory = find_member(*object, "memory")) {
    const OptionRow& row = *find_key(limit_keys(), "memory");
    limits.memory = reader->byte_size("memory", memory->value, row.min, row.max);
    limits.memory_where = memory->value.where;
  }
  if (const JsonMember* files = find_member(*object, "open_files")) {
    const OptionRow& row = *find_key(limit_keys(), "open_files");
    limits.open_files = reader->integer("open_files", files->value, row.min, row.max);
    limits.open_files_where = files->value.where;
  }
  if (const JsonMember* load = find_member(*object, "max_load")) {
    const OptionRow& row = *find_key(limit_keys(), "max_load");
    limits.max_load = reader->number("max_load", load->value, row.min, row.max);
  }
  if (const JsonMember* memfree = find_member(*object, "memfree")) {
    const OptionRow& row = *find_key(limit_keys(), "memfree");
    limits.memfree = reader->byte_size("memfree", memfree->value, row.min, row.max);
  }
  return limits;
}

// true, false or "auto"; a var may hold any of them. Nothing: "auto", or it was blamed.
std::optional<bool> read_auto_flag(const OptionRow& row, const JsonValue& value,
                                   ValueReader* reader) {
  if (value.flag()) return *value.flag();
  if (!value.text()) {
    reader->blame_type(row.name, type_phrase(row.type), value);
    return std::nullopt;
  }
  const auto word = reader->text(row.name, value);
  const bool is_var = word && *word != *value.text();
  if (!word || *word == "auto") return std::nullopt;
  if (is_var && (*word == "true" || *word == "false")) return *word == "true";
  reader->blame(value.where, quote(row.name) + ": expected " + std::string(type_phrase(row.type)) +
                                 ", got " + quote(*word));
  return std::nullopt;
}

Reports read_reports(const JsonValue& value, ValueReader* reader) {
  Reports reports;
  const JsonObject* object = reader->object("report", value);
  if (!object) return reports;
  const std::vector<std::string_view> known = key_names(report_keys());
  reader->reject_unknown_keys(*object, known, "the keys here are " + quote_list(known));
  const auto read_path = [&](std::string_view key, std::string* path) {
    const JsonMember* member = find_member(*object, key);
    if (member != nullptr) *path = reader->path(key, member->value).value_or("");
  };
  read_path("junit", &reports.junit);
  read_path("trace", &reports.trace);
  read_path("summary", &reports.summary);
  read_path("html", &reports.html);
  if (const JsonMember* github = find_member(*object, "github")) {
    reports.github = read_auto_flag(*find_key(report_keys(), "github"), github->value, reader);
  }
  return reports;
}

FailPolicy read_fail_policy(const JsonValue& value, ValueReader* reader) {
  const auto word = reader->choice("fail", value, find_key(job_keys(), "fail")->choices);
  return word == "drain"        ? FailPolicy::kDrain
         : word == "keep-going" ? FailPolicy::kKeepGoing
                                : FailPolicy::kFast;
}

std::vector<PoolDecl> read_pools(const JsonValue& value, ValueReader* reader) {
  std::vector<PoolDecl> pools;
  const JsonObject* object = reader->object("pools", value);
  if (!object) return pools;
  for (const JsonMember& member : *object) {
    if (member.key.empty()) reader->blame(member.key_where, "a pool without a name");
    const auto places = reader->integer(member.key, member.value, 1, kMaxPool);
    // A wrong number is wrong once: what joins the pool is right.
    pools.push_back({.pool = {.name = member.key, .places = places.value_or(kMaxPool)},
                     .where = member.key_where});
  }
  return pools;
}

std::vector<TargetDecl> read_targets(const JsonValue& value, ValueReader* reader) {
  std::vector<TargetDecl> targets;
  const JsonObject* object = reader->object("targets", value);
  if (!object) return targets;
  for (const JsonMember& member : *object) {
    const JsonArray* array = member.value.array();
    if (array != nullptr && array->empty()) {
      reader->blame(member.value.where, quote(member.key) + " is empty");
    }
    targets.push_back({.name = member.key,
                       .stages = read_stage_names(member.key, member.value, reader),
                       .where = member.key_where});
  }
  return targets;
}

// What "defaults" holds must be right for every kind that has the key, whether or not a stage of
// that kind is there.
const JsonObject* read_defaults(const JsonValue& value, ValueReader* reader) {
  const JsonObject* object = reader->object("defaults", value);
  if (!object) return nullptr;
  for (const JsonMember& member : *object) {
    if (member.key.starts_with("x-")) continue;
    bool is_known = false;
    for (const StageKind& kind : stage_kinds()) {
      const OptionRow* row = kind.option(member.key);
      if (row == nullptr) continue;
      is_known = true;
      static_cast<void>(read_option(*row, member.value, reader));  // it blames
    }
    const OptionRow* common = find_key(common_stage_keys(), member.key);
    if (common != nullptr && can_be_default(member.key)) {
      if (member.key == "workers") {
        static_cast<void>(
            reader->integer_or_word("workers", member.value, common->min, common->max, "cpus"));
      } else if (member.key == "retry") {
        static_cast<void>(read_retry(member.value, reader));
      } else if (member.key == "tolerate") {
        static_cast<void>(read_tolerate(member.value, reader));
      } else {
        static_cast<void>(read_option(*common, member.value, reader));
      }
      is_known = true;
    }
    if (is_known) continue;
    if (common != nullptr) {
      reader->blame(member.key_where, quote(member.key) + " cannot be a default",
                    "it belongs to each stage");
      continue;
    }
    std::vector<std::string_view> names;
    for (const OptionRow& row : common_stage_keys()) {
      if (can_be_default(row.name)) names.push_back(row.name);
    }
    for (const StageKind& kind : stage_kinds()) {
      for (const OptionRow& row : kind.options) names.push_back(row.name);
    }
    reader->blame(member.key_where, "no kind of stage has a key " + quote(member.key),
                  did_you_mean(member.key, names));
  }
  return object;
}

std::vector<StageDecl> read_stages(const JsonValue& root, const JsonObject* defaults,
                                   ValueReader* reader) {
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
    for (StageDecl& decl : parse_stage(stage, defaults, reader)) stages.push_back(std::move(decl));
  }
  return stages;
}

}  // namespace

JobFile parse_job_file(Source* source, const JsonValue& root, const GivenVars& given,
                       const LoadWorld& world, Diagnostics* errors) {
  JobFile file;
  const auto value_of = [&](std::string_view key) {
    const JsonMember* member = find_member(*root.object(), key);
    return member ? &member->value : nullptr;
  };
  const Vars vars(source, value_of("vars"), given, world, errors);
  file.secrets = vars.secrets();
  ValueReader reader(*source, {.vars = vars, .world = world}, errors);
  const std::vector<std::string_view> known = key_names(job_keys());
  reader.reject_unknown_keys(*root.object(), known, "the keys here are " + quote_list(known));
  if (const JsonValue* name = value_of("name")) file.name = reader.text("name", *name).value_or("");
  if (const JsonValue* dotenv = value_of("dotenv")) {
    file.env = read_dotenv_files(*dotenv, source, world, &reader);
  }
  if (const JsonValue* env = value_of("env")) {
    for (auto& entry : read_env(*env, &reader)) file.env.push_back(std::move(entry));
  }
  if (const JsonMember* limits = find_member(*root.object(), "limits")) {
    file.limits = read_limits(limits->value, &reader);
    file.limits_where = limits->key_where;
  }
  if (const JsonMember* report = find_member(*root.object(), "report")) {
    file.report = read_reports(report->value, &reader);
    file.report_where = report->key_where;
  }
  if (const JsonMember* fail = find_member(*root.object(), "fail")) {
    file.fail = read_fail_policy(fail->value, &reader);
    file.fail_where = fail->key_where;
  }
  if (const JsonValue* pools = value_of("pools")) file.pools = read_pools(*pools, &reader);
  if (const JsonValue* targets = value_of("targets")) {
    file.targets = read_targets(*targets, &reader);
  }
  const JsonObject* defaults = nullptr;
  if (const JsonValue* value = value_of("defaults")) {
    ValueReader in_defaults(*source, {.vars = vars, .world = world, .in_defaults = true}, errors);
    defaults = read_defaults(*value, &in_defaults);
  }
  file.stages = read_stages(root, defaults, &reader);
  return file;
}

}  // namespace gorun::jobs
