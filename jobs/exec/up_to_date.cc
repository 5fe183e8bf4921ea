#include "jobs/exec/up_to_date.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "jobs/exec/command_maker.h"
#include "jobs/exec/path_set.h"
#include "jobs/hash/hash_file.h"
#include "jobs/quote.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// Texts as one, from which they can be told apart: an argument and a variable hold no NUL byte, and
// where an item does, its length tells.
void append_text(std::string_view text, std::string* to) {
  to->append(std::to_string(text.size())).push_back(':');
  to->append(text);
}

std::string texts_of(std::span<const Item> items) {
  std::string all;
  for (const Item& item : items) append_text(item.text, &all);
  return all;
}

// What a record calls a file. Where a secret is masked, a digest tells it from others.
std::string recorded_name(const Secrets& secrets, const std::string& name) {
  constexpr std::size_t kLetters = 16;
  std::string shown = secrets.masked(name);
  return shown == name ? name : shown + " (" + digest_text(name).substr(0, kLetters) + ")";
}

}  // namespace

bool is_checked(const StageOptions& options) {
  return (options.has("inputs") || options.has("outputs")) && options.text("cache") != "false";
}

UpToDate::UpToDate(const StageSpec& spec, const Graph& graph, Trust trust)
    : spec_(spec),
      graph_(graph),
      trust_(trust),
      store_(graph, cache_place(graph, spec.options.text("cache"))) {}

// What the command is, but for its files.
void UpToDate::describe(const Command& command, std::span<const Item> items) {
  directory_ = command.cwd;
  key_ = store_.key(spec_.name, texts_of(items));
  std::string arguments;
  for (const std::string& argument : command.argv) append_text(argument, &arguments);
  now_ = {};
  now_.command = digest_text(arguments);
  now_.directory = digest_text(command.cwd);
  const bool is_fed = spec_.options.text("stdin") == "item" && !items.empty();
  now_.input = digest_text(is_fed ? items.front().text : std::string_view());
  std::map<std::string, std::string> variables;
  const auto add = [&](const std::string& name) {
    const char* value = command.environment->get(name);
    variables[name] = digest_text(value == nullptr ? "" : value);
  };
  for (const auto& [name, value] : graph_.env) add(name);
  if (spec_.options.has("env")) {
    for (const auto& [name, value] : spec_.options.named_templates("env")) add(name);
  }
  for (const auto& [name, digest] : variables) now_.environment.push_back({name, digest});
}

// The patterns of an option for these items; nothing: they are in `patterns`.
std::optional<std::string> UpToDate::patterns_of(std::string_view option,
                                                 std::span<const Item> items,
                                                 std::string_view run_status,
                                                 Paths* patterns) const {
  patterns->clear();
  if (!spec_.options.has(option)) return std::nullopt;
  auto found = patterns_for(spec_.options.text_templates(option), items, run_status);
  if (!found) return quote(option) + ": " + found.error();
  *patterns = std::move(*found);
  return std::nullopt;
}

std::optional<std::string> UpToDate::find(std::string_view option, const Paths& patterns,
                                          PathSet* set) const {
  auto found = runtime::blocking(runtime::Blocking::kBrief,
                                 [&] { return find_paths(patterns, directory_); });
  if (!found) return quote(option) + ": " + found.error();
  *set = std::move(*found);
  return std::nullopt;
}

// The records of files; those that are as they are `known` are not read. Nothing: all went well.
std::optional<std::string> UpToDate::look_at(const Paths& names, const Files& known, Files* files) {
  std::map<std::string_view, const FileRecord*> by_name;
  for (const FileRecord& file : known) by_name[file.name] = &file;
  std::vector<std::optional<FileStamp>> stamps(names.size());
  runtime::blocking(runtime::Blocking::kBrief, [&] {
    for (std::size_t i = 0; i < names.size(); ++i)
      stamps[i] = stamp_of(path_in(directory_, names[i]));
  });
  DigestPass pass(std::array{Algorithm::kBlake3});
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!stamps[i]) return "cannot look at " + quote(names[i]);
    FileRecord& file = files->emplace_back();
    file.name = recorded_name(graph_.secrets, names[i]);
    file.stamp = *stamps[i];
    const auto before = by_name.find(file.name);
    if (trust_ == Trust::kStamps && before != by_name.end() &&
        before->second->stamp == file.stamp) {
      file.digest = before->second->digest;
      continue;
    }
    const std::string path = path_in(directory_, names[i]);
    buffer_.resize(kHashBufferBytes);
    const auto read = hash_file(AT_FDCWD, path, pass, buffer_);
    if (!read) return read.error().message();
    file.digest = read->digests.front().hex();
    const auto after =
        runtime::blocking(runtime::Blocking::kBrief, [&path] { return stamp_of(path); });
    if (after != file.stamp) return quote(names[i]) + " changed while it was read";
  }
  std::ranges::sort(*files, {}, &FileRecord::name);
  return std::nullopt;
}

UpToDate::Judgement UpToDate::judge(const Command& command, std::span<const Item> items,
                                    std::string_view run_status) {
  Judgement judgement;
  describe(command, items);
  RecordStore::Found found =
      runtime::blocking(runtime::Blocking::kBrief, [this] { return store_.get(key_); });
  judgement.warning = std::move(found.warning);
  const SuccessRecord before = found.record.value_or(SuccessRecord());

  Paths patterns;
  PathSet inputs;
  PathSet outputs;
  judgement.problem = patterns_of("inputs", items, run_status, &patterns);
  if (!judgement.problem) judgement.problem = find("inputs", patterns, &inputs);
  if (!judgement.problem && !inputs.missing.empty()) {
    judgement.problem = "input " + quote(inputs.missing.front()) + " is not there";
  }
  if (!judgement.problem) judgement.problem = look_at(inputs.files, before.inputs, &now_.inputs);
  input_names_ = std::move(inputs.files);
  if (!judgement.problem) {
    judgement.problem = patterns_of("outputs", items, run_status, &output_patterns_);
  }
  if (!judgement.problem) judgement.problem = find("outputs", output_patterns_, &outputs);
  if (judgement.problem) return judgement;
  if (!found.record) {
    judgement.reasons.emplace_back("no earlier success is known");
    return judgement;
  }
  // An output that cannot be read is made again.
  Files present;
  if (auto wrong = look_at(outputs.files, before.outputs, &present)) {
    judgement.reasons.push_back("output: " + *wrong);
    return judgement;
  }
  now_.outputs = std::move(present);
  judgement.reasons = differences(before, now_);
  for (const std::string& name : outputs.missing) {
    const std::string recorded = recorded_name(graph_.secrets, name);
    const bool was_there =
        std::ranges::find(before.outputs, recorded, &FileRecord::name) != before.outputs.end();
    if (!was_there) judgement.reasons.push_back("output " + quote(name) + " is missing");
  }
  return judgement;
}

std::string UpToDate::before() {
  const auto error =
      runtime::blocking(runtime::Blocking::kBrief, [this] { return store_.remove(key_); });
  return error ? error->message() : "";
}

// I1.
std::optional<std::string> UpToDate::first_changed_input() const {
  std::map<std::string_view, const FileStamp*> by_name;
  for (const FileRecord& file : now_.inputs) by_name[file.name] = &file.stamp;
  return runtime::blocking(runtime::Blocking::kBrief, [&]() -> std::optional<std::string> {
    for (const std::string& name : input_names_) {
      const auto stamp = by_name.find(recorded_name(graph_.secrets, name));
      if (stamp == by_name.end() || stamp_of(path_in(directory_, name)) != *stamp->second) {
        return name;
      }
    }
    return std::nullopt;
  });
}

UpToDate::Kept UpToDate::after_success() {
  constexpr std::string_view kRunsAgain = "; the next run does not know that it has succeeded";
  PathSet outputs;
  if (auto wrong = find("outputs", output_patterns_, &outputs))
    return {.problem = std::move(wrong)};
  if (!outputs.missing.empty()) {
    return {.problem = "its output " + quote(outputs.missing.front()) + " is not there"};
  }
  const Files known = std::exchange(now_.outputs, {});
  if (auto wrong = look_at(outputs.files, known, &now_.outputs)) {
    return {.warning = "output: " + *wrong + std::string(kRunsAgain)};
  }
  if (const auto changed = first_changed_input()) {
    return {.warning = "input " + quote(*changed) + " changed while the command ran" +
                       std::string(kRunsAgain)};
  }
  const auto error =
      runtime::blocking(runtime::Blocking::kBrief, [this] { return store_.put(key_, now_); });
  if (error) return {.warning = error->message() + std::string(kRunsAgain)};
  return {};
}

Forecast forecast(const Graph& graph, const StageSpec& spec) {
  if (!is_checked(spec.options)) return {};
  if (!spec.inputs.empty()) return {.what = Forecast::What::kForItems};
  constexpr std::string_view kStatus = "success";
  Command command;
  CommandMaker maker(spec.options, graph.env, nullptr, 1);
  Forecast forecast;
  std::optional<std::string> problem = maker.make({}, 1, kStatus, &command);
  if (!problem) {
    UpToDate check(spec, graph);
    UpToDate::Judgement judgement = check.judge(command, {}, kStatus);
    problem = std::move(judgement.problem);
    forecast.reasons = std::move(judgement.reasons);
    forecast.warning = std::move(judgement.warning);
  }
  forecast.what = forecast.reasons.empty() ? Forecast::What::kUpToDate : Forecast::What::kRuns;
  if (problem) {
    forecast.what = Forecast::What::kBroken;
    forecast.reasons = {*std::move(problem)};
  }
  return forecast;
}

}  // namespace gorun::jobs
