#include "jobs/load.h"

#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "jobs/job_files.h"
#include "jobs/json_value.h"
#include "jobs/memory_shares.h"
#include "jobs/open_files.h"
#include "jobs/parse.h"
#include "jobs/pipelines.h"
#include "jobs/selection.h"
#include "jobs/validate.h"

namespace gorun::jobs {
namespace {

// A matrix reads its stage many times, "defaults" are read where they stand and by each stage, and
// the file of a pipeline by each that runs it.
void drop_repetitions(Diagnostics* errors) {
  std::set<std::tuple<std::size_t, std::size_t, std::string_view>> seen;
  const auto is_repetition = [&](const Diagnostic& error) {
    return error.where && !seen.emplace(error.where->begin, error.where->end, error.what).second;
  };
  Diagnostics kept;
  for (const Diagnostic& error : *errors) {
    if (!is_repetition(error)) kept.push_back(error);
  }
  seen.clear();  // it looks at the errors
  *errors = std::move(kept);
}

}  // namespace

LoadedSource read_source(const std::string& path) {
  Expected<std::string, Refusal> text = read_job_text(path);
  const std::string name = path == "-" ? "(standard input)" : path;
  if (text.ok()) return {Source(name, std::move(*text)), {}};
  return {Source(name, ""), {{.where = std::nullopt, .what = text.error().why, .hint = {}}}};
}

LoadedJob load_job(Source source, const LoadOptions& options) {
  static const LoadWorld nothing_else;
  const LoadWorld& world = options.world != nullptr ? *options.world : nothing_else;
  Secrets secrets;
  Diagnostics errors;
  Diagnostics warnings;
  std::optional<Graph> graph;
  if (std::optional<JsonValue> root = read_job_files(&source, world, &errors)) {
    JobFile file = parse_job_file(&source, *root, {.settings = options.settings}, world, &errors);
    expand_pipelines(&source, &file, world, &errors);
    secrets = file.secrets;
    warnings = std::move(file.warnings);
    Validated all = validate(source, std::move(file), &errors);
    drop_repetitions(&errors);
    drop_repetitions(&warnings);
    if (errors.empty()) graph = select_stages(std::move(all), options.targets, &errors);
    if (errors.empty()) {
      share_memory(&*graph, &errors);
      check_open_files(*graph, &errors);
    }
  }
  for (Diagnostics* said : {&errors, &warnings}) {
    for (Diagnostic& one : *said) {
      one.what = secrets.masked(std::move(one.what));
      one.hint = secrets.masked(std::move(one.hint));
    }
  }
  if (!errors.empty()) return {std::move(source), std::move(secrets), std::move(errors)};
  return {std::move(source), std::move(secrets), *std::move(graph), std::move(warnings)};
}

Result<Graph> load_job(const Source& source, const VarSettings& settings) {
  return load_job(source, LoadOptions{.settings = settings}).graph;
}

}  // namespace gorun::jobs
