#include "jobs/pipelines.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/edit_distance.h"
#include "jobs/job_files.h"
#include "jobs/json_value.h"
#include "jobs/load.h"
#include "jobs/parse.h"
#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

// True if `wanted` asks for something that a run with those of `run` does not do.
bool asks_for_other(const Limits& wanted, const Limits& run) {
  const auto is_other = [](const auto& mine, const auto& its) { return mine && mine != its; };
  return (wanted.procs != 0 && wanted.procs != run.procs) || is_other(wanted.memory, run.memory) ||
         is_other(wanted.open_files, run.open_files) || is_other(wanted.max_load, run.max_load) ||
         is_other(wanted.memfree, run.memfree);
}

bool asks_for_other(const Reports& wanted, const Reports& run) {
  const auto is_other = [](const std::string& mine, const std::string& its) {
    return !mine.empty() && mine != its;
  };
  return is_other(wanted.junit, run.junit) || is_other(wanted.trace, run.trace) ||
         is_other(wanted.summary, run.summary) || is_other(wanted.html, run.html) ||
         (wanted.github && wanted.github != run.github);
}

class Expander {
 public:
  Expander(Source* source, const JobFile& run, const LoadWorld& world, Diagnostics* errors)
      : source_(*source), run_(run), world_(world), errors_(*errors) {
    open_.push_back(world.identity(source->name()));
  }

  void expand(JobFile* file) {
    std::vector<StageDecl> all;
    for (StageDecl& stage : file->stages) {
      if (stage.kind == nullptr || !stage.kind->is_pipeline) {
        all.push_back(std::move(stage));
        continue;
      }
      check(stage);
      // What could not be read stays, so that references to it are not wrong as well.
      std::optional<JobFile> inner;
      if (stage.are_options_right) inner = read(stage);
      if (!inner) {
        all.push_back(std::move(stage));
        continue;
      }
      for (PoolDecl& pool : inner->pools) {
        pool.pool.name = stage.name + "/" + pool.pool.name;
        file->pools.push_back(std::move(pool));
      }
      file->secrets.add(inner->secrets);
      if (stage.is_wanted) warn(stage, *inner);
      for (StageDecl& decl : inner->stages)
        all.push_back(adopt(std::move(decl), stage, inner->env));
    }
    file->stages = std::move(all);
  }

  Diagnostics warnings() && { return std::move(warnings_); }

 private:
  void blame(ByteRange where, std::string what, std::string hint = "") {
    errors_.push_back({.where = where, .what = std::move(what), .hint = std::move(hint)});
  }

  void warn(const StageDecl& pipeline, const JobFile& file) {
    const std::string there = " has no effect in the pipeline " + quote(pipeline.group) + ": ";
    const auto say = [this](ByteRange where, std::string what) {
      warnings_.push_back({.where = where,
                           .what = std::move(what),
                           .hint = "a file that includes this one may have it, for runs of its own",
                           .severity = Severity::kWarning});
    };
    const std::string instead = "the run goes by what " + quote(source_.name()) + " says";
    if (asks_for_other(file.limits, run_.limits)) {
      say(file.limits_where, "\"limits\"" + there + instead);
    }
    if (asks_for_other(file.report, run_.report)) {
      say(file.report_where, "\"report\"" + there + instead);
    }
    if (file.fail_where != ByteRange{} && file.fail != run_.fail) {
      say(file.fail_where, "\"fail\"" + there + instead);
    }
    for (const TargetDecl& target : file.targets) {
      if (target.name != "default") continue;
      say(target.where, "the target \"default\"" + there + "all of its stages are run");
    }
  }

  // The validator does not see what is replaced, and passes over what stays.
  void check(const StageDecl& stage) {
    if (stage.from_where) {
      blame(*stage.from_where, "stage " + quote(stage.group) + " takes no items",
            "kind \"pipeline\" is a source");
    }
    const std::pair<std::string_view, ByteRange> of_its_stages[] = {
        {"workers", stage.workers_where.value_or(ByteRange{})},
        {"buffer", stage.buffer_where.value_or(ByteRange{})},
        {"pool", stage.pool_where},
        {"weight", stage.weight_where}};
    for (const auto& [key, where] : of_its_stages) {
      if (where == ByteRange{}) continue;
      blame(where, quote(key) + " has no effect on a pipeline", "its stages have theirs");
    }
    if (stage.when != When::kSuccess && stage.needs.empty()) {
      blame(stage.when_where, "\"when\" asks how other stages ended, and the stage needs none",
            "name them: \"needs\": [...]");
    }
    if (!stage.are_options_right) return;
    stage.kind->check({.options = stage.options,
                       .has_input = stage.from_where.has_value(),
                       .where = stage.name_where,
                       .in_pool = {},
                       .ordered = {}},
                      &errors_);
  }

  std::optional<JobFile> read(const StageDecl& stage) {
    const ByteRange where = stage.options.where("file");
    const std::string path = beside(source_, where.begin, stage.options.text("file"));
    std::string identity = world_.identity(path);
    if (const auto again = std::ranges::find(open_, identity); again != open_.end()) {
      std::string way;
      for (auto at = again; at != open_.end(); ++at) way += base_name(*at) + " -> ";
      blame(where, "the pipeline " + quote(stage.name) + " would run itself",
            way + base_name(identity));
      return std::nullopt;
    }
    auto known = files_.find(path);
    if (known == files_.end()) {
      Expected<std::string, Refusal> text = world_.read(path);
      if (!text.ok()) {
        blame(where, "cannot read " + quote(path) + ": " + text.error().why);
        return std::nullopt;
      }
      source_.append(path, std::move(*text));
      known = files_.emplace(path, read_job_files(&source_, world_, &errors_)).first;
    }
    const std::optional<JsonValue>& root = known->second;
    if (!root) return std::nullopt;
    const VarSettings settings = settings_of(stage, *root, path);
    const ByteRange place = stage.options.where(stage.options.has("vars") ? "vars" : "file");
    JobFile file = parse_job_file(&source_, *root, {.settings = settings, .pipeline = place},
                                  world_, &errors_);
    open_.push_back(std::move(identity));
    expand(&file);
    open_.pop_back();
    return file;
  }

  static std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

  VarSettings settings_of(const StageDecl& stage, const JsonValue& root, const std::string& path) {
    VarSettings settings;
    if (!stage.options.has("vars")) return settings;
    const JsonMember* vars = find_member(*root.object(), "vars");
    std::vector<std::string_view> known;
    if (vars != nullptr && vars->value.object() != nullptr) {
      for (const JsonMember& var : *vars->value.object()) known.push_back(var.key);
    }
    for (const auto& [name, value] : stage.options.named_templates("vars")) {
      if (std::ranges::find(known, name) == known.end()) {
        blame(stage.options.where("vars"), quote(path) + " declares no var " + quote(name),
              did_you_mean(name, known));
      } else if (value.is_constant()) {  // anything else is blamed by the rules of the kind
        settings.push_back({name, value.constant_text()});
      }
    }
    return settings;
  }

  // A stage of the inner file as one of the outer.
  StageDecl adopt(StageDecl decl, const StageDecl& pipeline, const Environment& env) {
    const std::string prefix = pipeline.name + "/";
    decl.name = prefix + decl.name;
    decl.group = prefix + decl.group;
    for (std::string& name : decl.inside) name.insert(0, prefix);
    decl.inside.push_back(pipeline.name);
    if (pipeline.group != pipeline.name) decl.inside.push_back(pipeline.group);
    for (StageRef& ref : decl.from) ref.stage = prefix + ref.stage;
    for (StageRef& ref : decl.needs) ref.stage = prefix + ref.stage;
    if (!decl.pool.empty()) decl.pool = prefix + decl.pool;
    decl.is_wanted = decl.is_wanted && pipeline.is_wanted;
    wait_for(pipeline, &decl);
    if (decl.kind != nullptr && decl.kind->option("env") != nullptr) give_environment(env, &decl);
    return decl;
  }

  // Those that wait for nothing start when the pipeline does; all that need something within it
  // need no more, unless a failure has to keep them from running.
  static void wait_for(const StageDecl& pipeline, StageDecl* decl) {
    const bool has_own = !decl->needs.empty();
    if (decl->when != When::kSuccess || (has_own && pipeline.when != When::kSuccess)) return;
    decl->needs.insert(decl->needs.end(), pipeline.needs.begin(), pipeline.needs.end());
    if (has_own || pipeline.needs.empty()) return;
    decl->when = pipeline.when;
    decl->when_where = pipeline.when_where;
  }

  // The inner file's "env" is for its own commands.
  static void give_environment(const Environment& env, StageDecl* decl) {
    if (env.empty()) return;
    NamedTemplates all;
    for (const auto& [name, value] : env) all.emplace_back(name, Template(value));
    ByteRange where;
    if (decl->options.has("env")) {
      where = decl->options.where("env");
      for (const auto& entry : decl->options.named_templates("env")) all.push_back(entry);
    }
    decl->options.set("env", std::move(all), where);
  }

  Source& source_;
  const JobFile& run_;  // the main file
  const LoadWorld& world_;
  Diagnostics& errors_;
  Diagnostics warnings_;
  std::vector<std::string> open_;  // identities, from the main file to the one at hand
  // By path; nothing: it is none. Read once, so that its mistakes are not those of each pipeline.
  std::map<std::string, std::optional<JsonValue>> files_;
};

}  // namespace

void expand_pipelines(Source* source, JobFile* file, const LoadWorld& world, Diagnostics* errors) {
  const bool has_one = std::ranges::any_of(file->stages, [](const StageDecl& stage) {
    return stage.kind != nullptr && stage.kind->is_pipeline;
  });
  if (!has_one) return;
  Expander expander(source, *file, world, errors);
  expander.expand(file);
  file->warnings = std::move(expander).warnings();
}

}  // namespace gorun::jobs
