#include "jobs/kind_rules.h"

#include <algorithm>
#include <string>
#include <utility>

#include "jobs/exec/up_to_date.h"
#include "jobs/quote.h"

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
void check_fed(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  for (const std::string_view name : {"argv", "cwd", "env", "artifacts"}) {
    if (!uses_item(options, name)) continue;
    blame(errors, options.where(name),
          quote(name) + " refers to an item, and the command is fed all of them",
          R"("stdin": "none" or "item" runs a command for each)");
  }
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

}  // namespace

void check_walk(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
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

void check_split(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
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
  if (options.has("max_output") && options.text("output") != "group" &&
      options.text("output") != "auto" && options.text("stdout") != "capture") {
    blame(errors, options.where("max_output"),
          "\"max_output\" has no meaning with \"output\": " + quote(options.text("output")),
          "it limits what \"group\" shows and what \"capture\" holds");
  }
  if (options.is_given("stdin_delimiter") && options.text("stdin") != "items") {
    blame(errors, options.where("stdin_delimiter"),
          R"("stdin_delimiter" is used only with "stdin": "items")");
  }
  if (options.is_given("stdout_delimiter") && options.text("stdout") != "items") {
    blame(errors, options.where("stdout_delimiter"),
          R"("stdout_delimiter" is used only with "stdout": "items")");
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

void check_reduce(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
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

void check_write(const StageUse& use, Diagnostics* errors) {
  const StageOptions& options = use.options;
  if (options.text("path") == "-" && options.is_given("atomic") && options.flag("atomic")) {
    blame(errors, options.where("atomic"), "standard output cannot be written atomically");
  }
}

}  // namespace gorun::jobs
