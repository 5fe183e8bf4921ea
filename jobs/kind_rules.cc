#include "jobs/kind_rules.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/exec/path_set.h"
#include "jobs/exec/up_to_date.h"
#include "jobs/quote.h"
#include "jobs/walk/expand_glob.h"
#include "jobs/walk/path_filter.h"

namespace gorun::jobs {
namespace {

void blame(Diagnostics* errors, ByteRange where, std::string what, std::string hint = "") {
  errors->push_back({.where = where, .what = std::move(what), .hint = std::move(hint)});
}

bool uses_item(const StageOptions& options, std::string_view name) {
  if (!options.has(name)) return false;
  if (name == "argv" || name == "inputs" || name == "outputs") {
    return std::ranges::any_of(options.text_templates(name), &Template::uses_item);
  }
  if (name == "artifacts") {
    return std::ranges::any_of(options.artifacts(name).paths, &Template::uses_item);
  }
  if (name == "env" || name == "headers") {
    return std::ranges::any_of(options.named_templates(name),
                               [](const auto& entry) { return entry.second.uses_item(); });
  }
  return options.text_template(name).uses_item();
}

// Of a command that is fed all items by its standard input.
void check_names_no_item(const StageOptions& options, std::initializer_list<std::string_view> names,
                         const std::string& hint, Diagnostics* errors) {
  for (const std::string_view name : names) {
    if (!uses_item(options, name)) continue;
    blame(errors, options.where(name),
          quote(name) + " refers to an item, and the command is fed all of them", hint);
  }
}

bool shows_by_group(const StageOptions& options) {
  return options.text("output") == "group" || options.text("output") == "auto";
}

// Of a command whose output is not captured.
void check_max_output(const StageOptions& options, const std::string& hint, Diagnostics* errors) {
  if (!options.has("max_output") || shows_by_group(options)) return;
  blame(errors, options.where("max_output"),
        "\"max_output\" has no meaning with \"output\": " + quote(options.text("output")), hint);
}

// Of an exec whose command is fed all items.
void check_fed(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  check_names_no_item(options, {"argv", "cwd", "env", "artifacts"},
                      R"("stdin": "none" or "item" runs a command for each)", errors);
  if (options.integer("batch") > 1) {
    blame(errors, options.where("batch"), R"("batch" and "stdin": "items" exclude each other)",
          "one command is fed all items");
  }
  if (options.has("heartbeat")) {
    blame(errors, options.where("heartbeat"),
          R"("heartbeat" and "stdin": "items" exclude each other)",
          "a command that waits for items is silent, and not hung");
  }
  if (use.retries) {
    blame(errors, options.where("stdin"), R"("retry" and "stdin": "items" exclude each other)",
          "what a command had done with an item before it failed is not known");
  }
  if (use.in_pool) {
    blame(errors, *use.in_pool, R"("pool" and "stdin": "items" exclude each other)",
          R"(such a command runs as long as items come; "workers" says how many there are)");
  }
  if (use.ordered) {
    blame(errors, *use.ordered, R"("order" and "stdin": "items" exclude each other)",
          "which answer belongs to which item is not known");
  }
}

// What a reduce takes only with a command.
constexpr std::array<std::string_view, 10> kReducerOptions = {
    "argv",   "shards",     "cwd",        "env",   "ok_codes",
    "output", "max_output", "kill_after", "grace", "nice"};

// Of a reduce with a command.
void check_reducer(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  if (options.is_given("agg")) {
    blame(errors, options.where("agg"), R"("agg" and "argv" exclude each other)",
          "a reducer is fed all values and makes of them what it likes");
  }
  if (options.has("by") && options.texts("by").empty()) {
    blame(errors, options.where("by"), R"("by": [] and "argv" exclude each other)",
          R"(without a key: an "exec" with "stdin": "items")");
  }
  check_names_no_item(options, {"argv", "cwd", "env"}, R"("exec" runs a command for each)", errors);
  check_max_output(options, "it limits what \"group\" shows", errors);
  if (use.in_pool) {
    blame(errors, *use.in_pool, R"("pool" and "argv" exclude each other)",
          R"("shards" says how many reducers there are)");
  }
}

// Of a command that is left out while it is up to date.
void check_files(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  const std::string_view files = options.has("inputs") ? "inputs" : "outputs";
  if (!options.has(files)) {
    if (options.is_given("cache")) {
      blame(errors, options.where("cache"), R"("cache" is used only with "inputs" or "outputs")");
    }
    return;
  }
  if (!is_checked(options)) return;
  const auto exclude = [&](std::string_view option, std::string why) {
    blame(errors, options.where(files),
          quote(files) + " and " + quote(option) + ": " + quote(options.text(option)) +
              " exclude each other",
          std::move(why));
  };
  if (!exec_sends_nothing(options)) {
    exclude("stdout", "a command that is up to date is not run and prints no items");
  }
  if (options.text("stdin") == "items" && use.has_input) {
    exclude("stdin", "what a command is fed is not known before it runs");
  }
  if (!options.has("argv")) return;
  for (const Template& argument : options.text_templates("argv")) {
    const bool differs = std::ranges::any_of(argument.parts(), [](const TemplatePart& part) {
      return part.what == TemplatePart::What::kNumber || part.what == TemplatePart::What::kSlot;
    });
    if (!differs) continue;
    blame(errors, options.where("argv"),
          "{#} and {%} differ from run to run, and so the command would never be up to date",
          R"("cache": false runs it always)");
    return;
  }
}

// Each pattern by itself, so that all of them are told that are none.
void check_globs(const StageOptions& options, std::string_view name, Diagnostics* errors) {
  if (!options.has(name)) return;
  for (const std::string& pattern : options.texts(name)) {
    const auto globs = PathGlobList::compile({&pattern, 1});
    if (globs.ok()) continue;
    blame(errors, options.where(name),
          quote(name) + ": " + quote(pattern) + " is not a glob: " + globs.error().what);
  }
}

}  // namespace

void check_glob(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  for (const std::string& pattern : options.texts("pattern")) {
    const std::optional<std::string> wrong = what_is_wrong_with(pattern, PathBounds::kAnywhere);
    if (wrong) {
      blame(errors, options.where("pattern"), "\"pattern\": " + *wrong);
    } else if (matches_directories_only(pattern)) {
      const std::string directory = pattern.substr(0, pattern.find_last_not_of('/') + 1);
      blame(
          errors, options.where("pattern"),
          "\"pattern\": " + quote(pattern) + " can only match directories, and a glob finds files",
          quote(directory + "/*") + " matches the files in them");
    }
  }
  check_globs(options, "exclude", errors);
}

void check_walk(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  check_globs(options, "include", errors);
  check_globs(options, "exclude", errors);
  if (options.has("min_size") && options.has("max_size") &&
      options.integer("min_size") > options.integer("max_size")) {
    blame(errors, options.where("min_size"), "\"min_size\" is larger than \"max_size\"");
  }
}

void check_pipeline(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  if (!options.has("vars")) return;
  for (const auto& [name, value] : options.named_templates("vars")) {
    if (value.is_constant()) continue;
    blame(errors, options.where("vars"),
          quote(name) + " refers to what only the run knows, and vars are known before");
  }
}

void check_range(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  if (options.integer("step") == 0) {
    blame(errors, options.where("step"), "a \"step\" of 0 leads nowhere");
  }
}

void check_filter(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  if (!options.has("match") && !options.has("where")) {
    blame(errors, use.where, "a filter needs \"match\" or \"where\"");
  }
  if (options.has("field") && !options.has("match")) {
    blame(errors, options.where("field"), "\"field\" is used only with \"match\"",
          "\"where\" names its fields itself");
  }
}

bool route_sends_nothing(const StageOptions& options) { return options.text("otherwise") != "out"; }

namespace {

void check_separator(const StageOptions& options, Diagnostics* errors) {
  const std::string& separator = options.text("separator");
  if (separator != "\"" && separator != "\n" && separator != "\r") return;
  blame(errors, options.where("separator"), "a quote or a line end cannot separate fields");
}

void check_csv(const StageOptions& options, Diagnostics* errors) {
  if (options.flag("header") && options.has("columns")) {
    blame(errors, options.where("columns"), "the first record names the columns already",
          R"("header": false says that it is one like others)");
  }
  if (!options.flag("header") && !options.has("columns")) {
    blame(errors, options.where("header"), "what the columns are called is not said",
          R"(name them: "columns": ["time", "bytes"])");
  }
  if (options.has("columns")) {
    std::vector<std::string> names = options.texts("columns");
    std::ranges::sort(names);
    const auto twice = std::ranges::adjacent_find(names);
    if (twice != names.end()) {
      blame(errors, options.where("columns"), "two columns are called " + quote(*twice));
    }
  }
  check_separator(options, errors);
}

}  // namespace

void check_read(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  if (options.is_given("separator") && options.text("cut") != "csv") {
    blame(errors, options.where("separator"), R"("separator" is used only with "cut": "csv")");
  }
  check_separator(options, errors);
}

bool read_heeds(const StageOptions& options, std::string_view key) {
  return key != "separator" || options.text("cut") == "csv";
}

bool split_heeds(const StageOptions& options, std::string_view key) {
  const std::string& by = options.text("by");
  if (key == "header" || key == "columns" || key == "separator") return by == "csv";
  if (key == "fields") return by == "json";
  return key != "pattern" || by == "regex";
}

void check_split(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  if (options.text("by") == "csv") check_csv(options, errors);
  for (const std::string_view name : {"header", "columns", "separator"}) {
    if (!options.is_given(name) || options.text("by") == "csv") continue;
    blame(errors, options.where(name), quote(name) + R"( is used only with "by": "csv")");
  }
  if (options.has("fields") && options.text("by") != "json") {
    blame(errors, options.where("fields"), R"("fields" is used only with "by": "json")",
          R"(a map gives items of other kinds fields)");
  }
  const bool by_regex = options.text("by") == "regex";
  if (by_regex && !options.has("pattern")) {
    blame(errors, options.where("by"), "\"by\": \"regex\" needs a \"pattern\"");
  }
  if (!by_regex && options.has("pattern")) {
    blame(errors, options.where("pattern"), "\"pattern\" is used only with \"by\": \"regex\"");
  }
}

void check_map(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  if (!options.has("text") && !options.has("replace") && !options.has("fields") &&
      !options.has("json")) {
    blame(errors, use.where, "a map needs \"text\", \"replace\", \"fields\" or \"json\"");
  }
  if (!options.has("fields") || !options.has("json")) return;
  for (const auto& [name, pointer] : options.named_texts("json")) {
    const auto is_same = [&wanted = name](const auto& field) { return field.first == wanted; };
    if (std::ranges::none_of(options.named_templates("fields"), is_same)) continue;
    blame(errors, options.where("json"),
          "\"fields\" and \"json\" both set the field " + quote(name));
  }
}

void check_exec(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  if (options.has("argv") == options.has("shell")) {
    const bool both = options.has("argv");
    blame(
        errors, both ? options.where("shell") : use.where,
        both ? "\"argv\" and \"shell\" exclude each other" : "an exec needs \"argv\" or \"shell\"");
  }
  if (options.integer("batch") > 1 && options.text("stdin") == "item") {
    blame(errors, options.where("batch"), "\"batch\" and \"stdin\": \"item\" exclude each other",
          "several items reach a command as arguments");
  }
  if (options.text("stdout") != "capture") {
    check_max_output(options, "it limits what \"group\" shows and what \"capture\" holds", errors);
  }
  if (options.is_given("stdin_delimiter") && options.text("stdin") != "items") {
    blame(errors, options.where("stdin_delimiter"),
          R"("stdin_delimiter" is used only with "stdin": "items")");
  }
  if (options.is_given("stdout_delimiter") && options.text("stdout") != "items") {
    blame(errors, options.where("stdout_delimiter"),
          R"("stdout_delimiter" is used only with "stdout": "items")");
  }
  if (options.is_given("max_record") && !exec_heeds(options, "max_record")) {
    blame(errors, options.where("max_record"),
          R"("max_record" is used only with "stdout": "items")");
  }
  const bool is_raw =
      options.text("output") == "raw" || (options.text("output") == "auto" && !use.has_input);
  if (options.has("heartbeat") && is_raw && exec_sends_nothing(options)) {
    blame(errors, options.where("heartbeat"),
          "\"heartbeat\" watches what a command says, and gorun does not see it",
          R"("output": "line" or "group" shows it by way of gorun)");
  }
  if (options.is_given("jobserver_style") && !options.flag("jobserver")) {
    blame(errors, options.where("jobserver_style"),
          R"("jobserver_style" is used only with "jobserver": true)");
  }
  check_files(use, errors);
  if (options.text("stdin") == "items" && use.has_input) check_fed(use, errors);
  if (use.has_input) return;
  if (options.integer("batch") > 1) {
    blame(errors, options.where("batch"), "\"batch\" gathers items, and there are none",
          "without \"from\" a command runs once");
  }
  for (const std::string_view name : {"argv", "cwd", "env", "inputs", "outputs", "artifacts"}) {
    if (!uses_item(options, name)) continue;
    blame(errors, options.where(name), quote(name) + " refers to an item, and there is none",
          "without \"from\" a command runs once");
  }
  if (options.text("stdin") != "none") {
    blame(errors, options.where("stdin"), "\"stdin\" is fed an item, and there is none",
          "without \"from\" a command runs once");
  }
}

bool exec_heeds(const StageOptions& options, std::string_view key) {
  const std::string& stdin_way = options.text("stdin");
  if (key == "batch") return stdin_way == "none";
  if (key == "heartbeat" || key == "pool" || key == "retry") return stdin_way != "items";
  if (key == "stdin_delimiter") return stdin_way == "items";
  if (key == "max_record" || key == "stdout_delimiter") return options.text("stdout") == "items";
  if (key == "max_output") return options.text("stdout") == "capture" || shows_by_group(options);
  if (key == "jobserver_style") return options.flag("jobserver");
  return key != "cache" || options.has("inputs") || options.has("outputs");
}

bool exec_wants_one_worker(const StageOptions& options) { return options.text("stdin") == "items"; }

bool exec_sends_nothing(const StageOptions& options) {
  return options.text("stdout") == "inherit" || options.text("stdout") == "discard";
}

void check_http(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  if (options.has("method")) {
    const std::string& method = options.text("method");
    const bool is_method =
        !method.empty() && std::ranges::all_of(method, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!is_method) {
      blame(errors, options.where("method"), quote(method) + " is not an HTTP method",
            "methods are upper-case words: GET, HEAD, PUT, DELETE");
    }
  }
  if (use.has_input) return;
  if (!options.has("url")) blame(errors, use.where, "an http without \"from\" needs a \"url\"");
  for (const std::string_view name : {"url", "headers", "body", "save"}) {
    if (!uses_item(options, name)) continue;
    blame(errors, options.where(name), quote(name) + " refers to an item, and there is none",
          "without \"from\" one request is made");
  }
}

bool reduce_heeds(const StageOptions& options, std::string_view key) {
  if (key == "agg" || key == "pool") return !options.has("argv");
  if (key == "max_output" && !shows_by_group(options)) return false;
  return options.has("argv") || std::ranges::find(kReducerOptions, key) == kReducerOptions.end();
}

void check_reduce(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  if (options.has("argv")) return check_reducer(use, errors);
  for (const std::string_view name : kReducerOptions) {
    if (!options.is_given(name)) continue;
    blame(errors, options.where(name), quote(name) + R"( is used only with "argv")");
  }
  const AggregateOptions& aggregates = options.aggregates("agg");
  const auto looks_at_field = [](const AggregateOption& one) {
    return one.function != "count" && !one.field;
  };
  if (options.has("field") && std::ranges::none_of(aggregates, looks_at_field)) {
    blame(errors, options.where("field"),
          aggregates.front().name.empty() ? "\"agg\": \"count\" counts items and takes no \"field\""
                                          : "no aggregate of \"agg\" looks at \"field\"");
  }
  for (const AggregateOption& one : aggregates) {
    if (one.function == "count" && one.field) {
      blame(errors, options.where("agg"), quote(one.name) + ": a count looks at no field",
            quote(one.name) + ": \"count\"");
    }
    // One field without named results is called "key".
    if (!options.has("by") || (one.name.empty() && options.texts("by").size() < 2)) continue;
    const std::string_view name = one.name.empty() ? kUnnamedResult : one.name;
    if (std::ranges::find(options.texts("by"), name) == options.texts("by").end()) continue;
    blame(errors, options.where("agg"),
          quote(name) + " is both a field to group by and an aggregate");
  }
}

bool write_heeds(const StageOptions& options, std::string_view key) {
  return key != "atomic" || options.text("path") != "-";
}

void check_write(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  if (options.text("path") == "-" && options.is_given("atomic") && options.flag("atomic")) {
    blame(errors, options.where("atomic"), "standard output cannot be written atomically");
  }
}

}  // namespace gorun::jobs
