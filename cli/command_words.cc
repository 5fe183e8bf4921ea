#include "cli/command_words.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <utility>

#include "cli/flags.h"
#include "jobs/edit_distance.h"
#include "jobs/quote.h"

namespace gorun::cli {
namespace {

const FlagRow* find_flag(std::string_view name) {
  const auto row = std::ranges::find_if(flags(), [&](const FlagRow& flag) {
    return flag.long_name == name || (!name.empty() && flag.short_name == name);
  });
  return row == flags().end() ? nullptr : &*row;
}

// The flag of that name which `command` knows, or else another command's.
const FlagRow* find_flag(std::string_view name, Command command) {
  const auto row = std::ranges::find_if(flags(), [&](const FlagRow& flag) {
    return flag.belongs_to(command) && (flag.long_name == name || flag.short_name == name);
  });
  return row == flags().end() ? find_flag(name) : &*row;
}

// CLI11's own text begins with the flag's name: "--jobs: 1 required TEXT missing", "quiet was given
// a disallowed flag override".
UsageError explain(const CLI::ArgumentMismatch& error, Command command) {
  const std::string text = error.what();
  std::string name = text.substr(0, text.find_first_of(": "));
  if (!name.starts_with('-')) name.insert(0, "--");
  const FlagRow* flag = find_flag(name, command);
  if (flag == nullptr) return {text, ""};
  if (flag->value.empty()) return {"option " + jobs::quote(name) + " takes no value", ""};
  return {"option " + jobs::quote(name) + " needs a value",
          "type " + name + " " + std::string(flag->value)};
}

}  // namespace

bool takes_next_word(std::string_view word, Command command) {
  if (word.starts_with("--")) {
    const FlagRow* flag = find_flag(word, command);  // "--jobs=4" is no flag's name
    return flag != nullptr && !flag->value.empty();
  }
  // In "-qj" j is the last letter; in "-j4" the value is attached to it.
  for (std::size_t i = 1; i < word.size(); ++i) {
    const FlagRow* flag = find_flag(std::string{'-', word[i]}, command);
    if (flag != nullptr && !flag->value.empty()) return i + 1 == word.size();
  }
  return false;
}

const CommandRow* find_command(std::string_view name) {
  const auto row = std::ranges::find(commands(), name, &CommandRow::name);
  return row == commands().end() ? nullptr : &*row;
}

std::string suggest_command(std::string_view typed) {
  std::vector<std::string_view> names;
  for (const CommandRow& row : commands()) names.push_back(row.name);
  return jobs::did_you_mean(typed, names);
}

// The index of the first word that is neither a flag nor a flag's value, unless "--" precedes it.
std::optional<std::size_t> find_first_argument(const Words& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--") return std::nullopt;
    if (words[i].size() < 2 || words[i][0] != '-') return i;
    if (takes_next_word(words[i], Command::kRun)) ++i;
  }
  return std::nullopt;
}

std::variant<Parsed, UsageError> take_apart(Command command, Words words) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::string argument;
  CLI::Option* argument_option = app.add_option("argument", argument);
  std::vector<std::pair<const FlagRow*, CLI::Option*>> options;
  std::map<std::string_view, Words> values;
  for (const FlagRow& flag : flags()) {
    if (!flag.belongs_to(command)) continue;
    std::string names(flag.long_name);
    if (!flag.short_name.empty()) names.insert(0, std::string(flag.short_name) + ",");
    CLI::Option* option = nullptr;
    if (flag.value.empty()) {
      option = app.add_flag(names)->disable_flag_override();
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    } else {
      // One value a use; extra arguments would make CLI11 read "[a,b]" as a list.
      option = app.add_option(names, values[flag.long_name])->allow_extra_args(false);
    }
    options.emplace_back(&flag, option);
  }

  std::ranges::reverse(words);  // CLI11 takes them from the back
  try {
    app.parse(std::move(words));
  } catch (const CLI::ArgumentMismatch& error) {
    return explain(error, command);
  } catch (const CLI::ParseError& error) {
    return UsageError{error.what(), ""};
  }

  Parsed parsed;
  for (const auto& [flag, option] : options) {
    if (option->count() != 0) parsed.values[flag->long_name] = option->results();
  }
  if (argument_option->count() != 0) parsed.argument = argument;
  parsed.unknown = app.remaining();
  std::erase(parsed.unknown, "--");
  // A command that is not named was perhaps mistyped: what follows it tells.
  if (row_of(command).takes_targets()) {
    const auto is_flag = [](const std::string& word) { return word.size() > 1 && word[0] == '-'; };
    if (std::ranges::none_of(parsed.unknown, is_flag)) parsed.targets.swap(parsed.unknown);
  }
  return parsed;
}

UsageError explain_unknown(Command command, const Parsed& parsed) {
  // Of several, the first flag: words between it and the job file may be targets.
  const auto is_flag = [](const std::string& text) { return text.size() > 1 && text[0] == '-'; };
  const auto first_flag = std::ranges::find_if(parsed.unknown, is_flag);
  const std::string& word =
      first_flag != parsed.unknown.end() ? *first_flag : parsed.unknown.front();
  const std::string command_name(row_of(command).name);
  if (word.size() < 2 || word[0] != '-') {
    return {"unexpected argument " + jobs::quote(word),
            "gorun " + command_name + " takes " +
                (row_of(command).takes_job_file() ? "one job file" : "one word")};
  }
  const std::string name = word.substr(0, word.find('='));
  if (find_flag(name) != nullptr) {
    return {"option " + jobs::quote(name) + " has no meaning for " +
                jobs::quote("gorun " + command_name),
            "\"gorun help " + command_name + "\" lists the options that it knows"};
  }
  std::vector<std::string_view> names;
  for (const FlagRow& flag : flags()) {
    if (flag.belongs_to(command)) names.push_back(flag.long_name);
  }
  const std::string hint = jobs::did_you_mean(name, names);
  return {"unknown option " + jobs::quote(name),
          hint.empty() ? "\"gorun help " + command_name + "\" lists the options" : hint};
}

}  // namespace gorun::cli
