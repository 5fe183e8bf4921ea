// cli/options.cc - the command line: what the words that CLI11 took apart (command_words.h) mean.
//
// The meaning of each value is checked here, so that all messages have one voice.

#include "cli/options.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command_words.h"
#include "cli/help.h"
#include "cli/version_line.h"
#include "jobs/byte_size.h"
#include "jobs/duration.h"
#include "jobs/edit_distance.h"
#include "jobs/graph.h"
#include "jobs/quote.h"
#include "jobs/utf8.h"

namespace gorun::cli {
namespace {

template <class Enum>
using Choices = std::vector<std::pair<std::string_view, Enum>>;

// Sets `target` to the choice that the last use of `flag` names.
template <class Enum>
std::optional<UsageError> choose(const Parsed& parsed, std::string_view flag,
                                 const Choices<Enum>& choices, Enum& target) {
  const std::optional<std::string_view> text = parsed.last(flag);
  if (!text) return std::nullopt;
  std::vector<std::string_view> names;
  std::string list;
  for (const auto& [name, value] : choices) {
    if (name == *text) {
      target = value;
      return std::nullopt;
    }
    list += (names.empty() ? "" : ", ") + std::string(name);
    names.push_back(name);
  }
  const std::string hint = jobs::did_you_mean(*text, names);
  return UsageError{"option " + jobs::quote(flag) + " cannot be " + jobs::quote(*text),
                    hint.empty() ? "it is one of " + list : hint};
}

// The value of `flag`, a whole number from `min` to `max`; left as it is if it is not given.
std::optional<UsageError> read_number(const Parsed& parsed, std::string_view flag, int min, int max,
                                      int* count) {
  const std::optional<std::string_view> text = parsed.last(flag);
  if (!text) return std::nullopt;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, *count);
  if (error == std::errc() && stop == end && *count >= min && *count <= max) return std::nullopt;
  return UsageError{
      "option " + jobs::quote(flag) + " cannot be " + jobs::quote(*text),
      "it is a whole number from " + std::to_string(min) + " to " + std::to_string(max)};
}

std::optional<UsageError> read_count(const Parsed& parsed, std::string_view flag, int max,
                                     int* count) {
  return read_number(parsed, flag, 1, max, count);
}

std::optional<UsageError> read_procs(const Parsed& parsed, Options& options) {
  if (options.command == Command::kMap) return std::nullopt;
  return read_count(parsed, "--jobs", kMaxProcs, &options.procs);
}

std::optional<UsageError> read_timeout(const Parsed& parsed, Options& options) {
  const std::optional<std::string_view> text = parsed.last("--timeout");
  if (!text) return std::nullopt;
  options.timeout = jobs::parse_duration(*text);
  if (options.timeout && options.timeout->count() > 0) return std::nullopt;
  return UsageError{"option \"--timeout\" cannot be " + jobs::quote(*text),
                    "it is a time such as 90 (seconds), 5m or 1h30m"};
}

// Of commands: when they start, and how.
std::optional<UsageError> read_admission(const Parsed& parsed, Options& options) {
  const auto wrong = [&](std::string_view flag, std::string hint) {
    return UsageError{
        "option " + jobs::quote(flag) + " cannot be " + jobs::quote(*parsed.last(flag)),
        std::move(hint)};
  };
  const auto read = [&parsed](std::string_view flag, auto* number) {
    const std::string_view text = *parsed.last(flag);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
    return error == std::errc() && end == text.data() + text.size();
  };
  options.jobserver = parsed.has("--jobserver");
  double load = 0;
  if (parsed.has("--max-load")) {
    if (!read("--max-load", &load) || !(load >= 0 && load <= jobs::kMaxLoad)) {
      return wrong("--max-load", "it is a number of processes such as 8 or 2.5");
    }
    options.max_load = load;
  }
  int nice = 0;
  if (parsed.has("--nice")) {
    if (!read("--nice", &nice) || nice < 0 || nice > kMaxNice) {
      return wrong("--nice", "it is a whole number from 0 to " + std::to_string(kMaxNice));
    }
    options.nice = nice;
  }
  if (parsed.has("--memfree")) {
    options.memfree = jobs::parse_byte_size(*parsed.last("--memfree"));
    if (!options.memfree || *options.memfree < 1) {
      return wrong("--memfree", "it is a number of bytes such as 4096, 512MiB or 2GiB");
    }
  }
  return std::nullopt;
}

std::optional<UsageError> read_settings(const Parsed& parsed, Options& options) {
  for (const std::string_view flag : {"--set", "--set-file"}) {
    if (!parsed.has(flag)) continue;
    for (const std::string& text : parsed.values.at(flag)) {
      const std::size_t equals = text.find('=');
      if (equals == std::string::npos || equals == 0) {
        // What was typed may be a secret without its name.
        return UsageError{
            "option " + jobs::quote(flag) + " needs a name, \"=\" and a value",
            "type " + std::string(flag) + (flag == "--set" ? " NAME=VALUE" : " NAME=PATH")};
      }
      std::string name = text.substr(0, equals);
      std::string value = text.substr(equals + 1);
      if (flag == "--set") {
        options.settings.push_back({std::move(name), std::move(value)});
      } else {
        options.set_files.push_back({std::move(name), std::move(value)});
      }
    }
  }
  return std::nullopt;
}

std::optional<UsageError> read_verbosity(const Parsed& parsed, Options& options) {
  const std::size_t verbose = parsed.has("--verbose") ? parsed.values.at("--verbose").size() : 0;
  if (parsed.has("--quiet") && verbose > 0) {
    return UsageError{"options \"--quiet\" and \"--verbose\" exclude each other", ""};
  }
  if (parsed.has("--quiet")) options.verbosity = Verbosity::kQuiet;
  if (verbose > 0) options.verbosity = Verbosity::kVerbose;
  if (verbose > 1) options.log_level = LogLevel::kInfo;
  return std::nullopt;
}

std::optional<UsageError> read_reports(const Parsed& parsed, ReportOptions& report) {
  const std::pair<std::string_view, std::string*> paths[] = {{"--junit", &report.junit},
                                                             {"--trace", &report.trace},
                                                             {"--summary", &report.summary},
                                                             {"--report", &report.html}};
  for (const auto& [flag, path] : paths) {
    const std::optional<std::string_view> text = parsed.last(flag);
    if (!text) continue;
    if (text->empty()) {
      return UsageError{"option " + jobs::quote(flag) + " cannot be \"\"",
                        "it is the path of a file"};
    }
    *path = std::string(*text);
  }
  if (!parsed.has("--github")) return std::nullopt;
  return choose<GithubMode>(
      parsed, "--github",
      {{"auto", GithubMode::kAuto}, {"on", GithubMode::kOn}, {"off", GithubMode::kOff}},
      report.github.emplace(GithubMode::kAuto));
}

std::optional<UsageError> read_values(const Parsed& parsed, Options& options) {
  std::optional<UsageError> error = read_procs(parsed, options);
  if (!error) error = read_settings(parsed, options);
  if (!error) error = read_verbosity(parsed, options);
  if (!error) {
    error = choose<ProgressMode>(parsed, "--progress",
                                 {{"auto", ProgressMode::kAuto},
                                  {"bar", ProgressMode::kBar},
                                  {"plain", ProgressMode::kPlain},
                                  {"none", ProgressMode::kNone}},
                                 options.progress);
  }
  if (!error) {
    error = choose<ColorMode>(
        parsed, "--color",
        {{"auto", ColorMode::kAuto}, {"always", ColorMode::kAlways}, {"never", ColorMode::kNever}},
        options.color);
  }
  if (!error) {
    error = choose<LogLevel>(parsed, "--log-level",
                             {{"off", LogLevel::kOff},
                              {"warn", LogLevel::kWarn},
                              {"info", LogLevel::kInfo},
                              {"debug", LogLevel::kDebug}},
                             options.log_level);
  }
  if (!error && options.command == Command::kGraph) {
    error = choose<GraphFormat>(parsed, "--format",
                                {{"dot", GraphFormat::kDot},
                                 {"mermaid", GraphFormat::kMermaid},
                                 {"svg", GraphFormat::kSvg}},
                                options.graph_format);
  }
  if (!error) error = read_reports(parsed, options.report);
  if (!error) error = read_timeout(parsed, options);
  if (!error) error = read_admission(parsed, options);
  options.dry_run = parsed.has("--dry-run");
  options.keep_going = parsed.has("--keep-going");
  options.always_run = parsed.has("--always-run");
  options.paranoid = parsed.has("--paranoid");
  options.strict = parsed.has("--strict");
  return error;
}

std::optional<UsageError> read_algorithms(const Parsed& parsed, HashOptions& hash) {
  std::vector<std::string_view> names;
  for (const jobs::Algorithm algorithm : jobs::all_algorithms()) {
    names.push_back(jobs::algorithm_name(algorithm));
  }
  std::string_view rest = parsed.last("--algorithm").value_or("");
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    const std::optional<jobs::Algorithm> algorithm = jobs::find_algorithm(name);
    if (!algorithm) {
      const std::string hint = jobs::did_you_mean(name, names);
      return UsageError{"there is no algorithm " + jobs::quote(name),
                        hint.empty() ? "\"gorun help hash\" lists them" : hint};
    }
    if (std::ranges::find(hash.algorithms, *algorithm) == hash.algorithms.end()) {
      hash.algorithms.push_back(*algorithm);
    }
  }
  return std::nullopt;
}

// What fits together; each value is right by itself.
std::optional<UsageError> check_hash(const HashOptions& hash) {
  if (hash.paths.empty()) {
    return UsageError{hash.check ? "a checksum file is missing" : "a path is missing",
                      "\"gorun help hash\" has examples"};
  }
  if ((hash.strict || hash.ignore_missing) && !hash.check && hash.audit.empty()) {
    return UsageError{
        "options \"--strict\" and \"--ignore-missing\" need \"--check\" or \"--audit\"", ""};
  }
  if (hash.check && !hash.audit.empty()) {
    return UsageError{"\"--check\" and \"--audit\" exclude each other", ""};
  }
  if (hash.algorithms.size() > 1 && hash.audit.empty() &&
      (hash.check || hash.format == HashFormat::kSha256sum)) {
    return UsageError{hash.check ? "\"--check\" takes one algorithm"
                                 : "the format \"sha256sum\" has room for one algorithm",
                      hash.check ? "" : "type --format bsd, hashdeep or jsonl"};
  }
  if (hash.format == HashFormat::kHashdeep) {
    for (const jobs::Algorithm algorithm : hash.algorithms) {
      const std::string_view name = jobs::algorithm_name(algorithm);
      if (name == "sha256" || name == "sha1" || name == "md5") continue;
      return UsageError{"hashdeep does not know " + jobs::quote(name),
                        "it knows md5, sha1 and sha256"};
    }
  }
  return std::nullopt;
}

std::optional<UsageError> read_hash(const Parsed& parsed, HashOptions& hash) {
  hash.check = parsed.has("--check");
  hash.audit = parsed.last("--audit").value_or("");
  hash.cache = parsed.last("--cache").value_or("");
  if (parsed.has("--cache") && hash.cache.empty()) {
    return UsageError{"option \"--cache\" cannot be \"\"", "it is the path of a directory"};
  }
  hash.strict = parsed.has("--strict");
  hash.ignore_missing = parsed.has("--ignore-missing");
  std::optional<UsageError> error = read_algorithms(parsed, hash);
  if (!error) {
    error = choose<HashFormat>(parsed, "--format",
                               {{"sha256sum", HashFormat::kSha256sum},
                                {"bsd", HashFormat::kBsd},
                                {"hashdeep", HashFormat::kHashdeep},
                                {"jsonl", HashFormat::kJsonLines}},
                               hash.format);
  }
  if (!error) {
    error = choose<jobs::WalkOrder>(
        parsed, "--order",
        {{"path", jobs::WalkOrder::kSorted}, {"walk", jobs::WalkOrder::kAsListed}}, hash.order);
  }
  if (!error && parsed.has("--rotational-workers")) {
    error = read_number(parsed, "--rotational-workers", 0, kMaxRotationalWorkers,
                        &hash.rotational_workers.emplace());
  }
  if (!error && parsed.has("--sha256-path")) {
    const std::string_view name = *parsed.last("--sha256-path");
    const std::optional<jobs::Sha256Path> path = jobs::find_sha256_path(name);
    if (!path || !jobs::is_available(*path)) {
      return UsageError{"this processor has no way " + jobs::quote(name) + " to SHA-256", ""};
    }
    hash.sha256_path = *path;
  }
  return error ? error : check_hash(hash);
}

// Behind the flags of `gorun map` everything is the command, with or without "--" in front.
Words split_command(Words* words) {
  std::size_t i = 0;
  while (i < words->size() && (*words)[i].size() > 1 && (*words)[i][0] == '-') {
    if ((*words)[i] == "--") break;
    i += takes_next_word((*words)[i], Command::kMap) ? 2 : 1;
  }
  i = std::min(i, words->size());
  const auto begin = words->begin() + static_cast<std::ptrdiff_t>(i);
  Words command(begin, words->end());
  words->erase(begin, words->end());
  if (!command.empty() && command.front() == "--") command.erase(command.begin());
  return command;
}

std::optional<UsageError> read_map(const Parsed& parsed, MapOptions& map) {
  if (map.command.empty()) {
    return UsageError{"a command is missing", "type gorun map -- COMMAND {}"};
  }
  for (const std::string& word : map.command) {
    if (jobs::find_invalid_utf8(word) == std::string_view::npos) continue;
    return UsageError{"a word of the command is not UTF-8, which a job file has to be",
                      "lines may hold any bytes: give it as one of them"};
  }
  map.null_separated = parsed.has("--null");
  map.print = parsed.has("--print");
  map.keep_order = parsed.has("--keep-order");
  map.output = std::string(parsed.last("--output").value_or("group"));
  if (map.output != "group" && map.output != "line" && map.output != "raw") {
    return UsageError{"option \"--output\" cannot be " + jobs::quote(map.output),
                      "it is one of group, line, raw"};
  }
  if (map.keep_order && parsed.has("--output") && map.output != "group") {
    return UsageError{"options \"--keep-order\" and \"--output\" exclude each other",
                      "with --keep-order every output waits for its turn"};
  }
  auto error = read_count(parsed, "--jobs", kMaxMapJobs, &map.workers);
  return error ? error : read_count(parsed, "--max-args", kMaxMapItems, &map.items);
}

std::optional<UsageError> check_count(const Parsed& parsed, const CountOptions& count) {
  const bool by_regex = count.by == "regex";
  if (count.paths.empty()) {
    return UsageError{"a path is missing", "\"gorun help count\" has examples"};
  }
  if (parsed.has("--match") && (parsed.has("--by") || parsed.has("--pattern"))) {
    return UsageError{"options \"--match\" and \"--by\" exclude each other",
                      "--match counts lines; --by regex --pattern REGEX counts what matches"};
  }
  if (parsed.has("--match") && count.match.empty()) {
    return UsageError{"option \"--match\" is empty, and would match every line",
                      "--by lines --total counts them all"};
  }
  if (count.is_fixed && !parsed.has("--match")) {
    return UsageError{"option \"--fixed\" needs \"--match\"", ""};
  }
  if (by_regex != parsed.has("--pattern")) {
    return UsageError{by_regex ? "\"--by regex\" needs \"--pattern\""
                               : "option \"--pattern\" needs \"--by regex\"",
                      ""};
  }
  if (count.total && count.top > 0) {
    return UsageError{"options \"--total\" and \"--top\" exclude each other", ""};
  }
  if (parsed.has("--json") && parsed.has("--format")) {
    return UsageError{"options \"--json\" and \"--format\" exclude each other", ""};
  }
  for (const std::vector<std::string>& words : {count.paths, {count.match, count.pattern}}) {
    for (const std::string& word : words) {
      if (jobs::find_invalid_utf8(word) == std::string_view::npos) continue;
      return UsageError{"a path or an expression is not UTF-8, which a job file has to be",
                        "name the directory above, or use standard input"};
    }
  }
  return std::nullopt;
}

std::optional<UsageError> read_count_command(const Parsed& parsed, CountOptions& count) {
  count.match = parsed.last("--match").value_or("");
  count.pattern = parsed.last("--pattern").value_or("");
  count.is_fixed = parsed.has("--fixed");
  count.total = parsed.has("--total");
  count.print = parsed.has("--print");
  auto error = choose<std::string>(
      parsed, "--by", {{"words", "words"}, {"lines", "lines"}, {"regex", "regex"}}, count.by);
  if (!error) {
    error = choose<std::string>(parsed, "--format",
                                {{"tsv", "tsv"}, {"csv", "csv"}, {"jsonl", "jsonl"}}, count.format);
  }
  if (!error) error = read_count(parsed, "--top", kMaxTop, &count.top);
  if (parsed.has("--json")) count.format = "jsonl";
  if (const auto size = parsed.last("--max-record"); size && !error) {
    const auto bytes = jobs::parse_byte_size(*size);
    if (!bytes || *bytes < 1) {
      return UsageError{"option \"--max-record\" cannot be " + jobs::quote(*size),
                        "it is a size such as 4096 or 64KiB"};
    }
    count.max_record = std::string(*size);
  }
  return error ? error : check_count(parsed, count);
}

// The words of a command that are paths: those that are no flags, and all behind "--".
void take_paths(Parsed& parsed, const Words& behind_dashes, std::vector<std::string>& paths) {
  if (parsed.argument) paths.push_back(*std::exchange(parsed.argument, std::nullopt));
  std::erase_if(parsed.unknown, [&](const std::string& word) {
    const bool is_path = word.size() < 2 || word[0] != '-';
    if (is_path) paths.push_back(word);
    return is_path;
  });
  paths.insert(paths.end(), behind_dashes.begin(), behind_dashes.end());
}

}  // namespace

std::variant<Options, Answer, UsageError> parse_options(int argc, const char* const* argv) {
  Words words(argv + std::min(argc, 1), argv + argc);
  Options options;
  if (const std::optional<std::size_t> first = find_first_argument(words)) {
    if (const CommandRow* row = find_command(words[*first])) {
      options.command = row->command;
      options.named_command = true;
      words.erase(words.begin() + static_cast<std::ptrdiff_t>(*first));
    }
  }

  Words behind_dashes;
  const bool takes_paths = row_of(options.command).argument == "PATH...";
  if (takes_paths) {
    const auto dashes = std::ranges::find(words, "--");
    if (dashes != words.end()) behind_dashes.assign(dashes + 1, words.end());
    words.erase(dashes, words.end());
  }
  if (options.command == Command::kMap) options.map.command = split_command(&words);
  std::variant<Parsed, UsageError> taken = take_apart(options.command, std::move(words));
  if (const auto* error = std::get_if<UsageError>(&taken)) return *error;
  Parsed& parsed = std::get<Parsed>(taken);
  if (takes_paths) {
    take_paths(parsed, behind_dashes,
               options.command == Command::kHash ? options.hash.paths : options.count.paths);
  }
  if (parsed.has("--help")) {
    return Answer{options.named_command ? help_text(options.command) : help_text()};
  }
  if (parsed.has("--version")) return Answer{version_line() + "\n"};
  if (!parsed.unknown.empty()) {
    return explain_unknown(options.command, parsed);
  }
  if (!options.named_command && !parsed.targets.empty() &&
      parsed.argument->find_first_of("./") == std::string::npos) {
    const std::string hint = suggest_command(*parsed.argument);
    if (!hint.empty()) return UsageError{"unknown command " + jobs::quote(*parsed.argument), hint};
  }
  if (std::optional<UsageError> error = read_values(parsed, options)) return *std::move(error);

  if (options.command == Command::kHash) {
    if (std::optional<UsageError> error = read_hash(parsed, options.hash)) {
      return *std::move(error);
    }
  }

  if (options.command == Command::kCount) {
    if (std::optional<UsageError> error = read_count_command(parsed, options.count)) {
      return *std::move(error);
    }
  }

  if (options.command == Command::kMap) {
    if (std::optional<UsageError> error = read_map(parsed, options.map)) return *std::move(error);
  }

  const bool needs_file = row_of(options.command).takes_job_file();
  if (needs_file && parsed.argument.value_or("").empty()) {
    return UsageError{"a job file is missing",
                      "type gorun FILE; \"gorun help\" shows what a job file looks like"};
  }
  options.argument = parsed.argument.value_or("");
  if (row_of(options.command).argument.empty() && !options.argument.empty()) {
    return UsageError{"unexpected argument " + jobs::quote(options.argument),
                      "gorun " + std::string(row_of(options.command).name) + " takes no arguments"};
  }
  options.targets = parsed.targets;
  if (options.command == Command::kHelp && !options.argument.empty()) {
    const CommandRow* topic = find_command(options.argument);
    if (topic != nullptr) return Answer{help_text(topic->command)};
    return UsageError{"there is no command " + jobs::quote(options.argument),
                      suggest_command(options.argument)};
  }
  if (options.command == Command::kHelp) return Answer{help_text()};
  return options;
}

std::string render(const UsageError& error) {
  std::string out = "gorun: error: " + error.what + "\n";
  if (!error.hint.empty()) out += "  hint: " + error.hint + "\n";
  return out;
}

}  // namespace gorun::cli
