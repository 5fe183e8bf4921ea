// cli/command_words.h - the words of a command line, taken apart by CLI11 and not understood yet.
//
// CLI11 takes them apart by the rules that people know (-j4, -j 4, --jobs=4, -qv, --) and hands
// every value over as text; what the values mean is options.cc's to say. One CLI::App per command,
// and not CLI11's subcommands: a flag before the command's name then means the same as behind it,
// and a flag of another command is an error.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/options.h"

namespace gorun::cli {

using Words = std::vector<std::string>;

/// What CLI11 made of the words.
struct Parsed {
  std::map<std::string_view, Words> values;  // by long name; a flag without value: an entry a use
  std::optional<std::string> argument;
  Words targets;  // the words behind the job file
  Words unknown;  // flags that the command lacks, and words too many

  [[nodiscard]] bool has(std::string_view flag) const { return values.count(flag) != 0; }
  [[nodiscard]] std::optional<std::string_view> last(std::string_view flag) const {
    const auto found = values.find(flag);
    if (found == values.end()) return std::nullopt;
    return found->second.back();
  }
};

/// nullptr: there is no such command.
[[nodiscard]] const CommandRow* find_command(std::string_view name);

/// "did you mean" for what is no command; empty: nothing is near.
[[nodiscard]] std::string suggest_command(std::string_view typed);

/// True if `word` is a flag whose value is the next word.
[[nodiscard]] bool takes_next_word(std::string_view word, Command command);

/// The index of the first word that is neither a flag nor a flag's value, unless "--" precedes it.
[[nodiscard]] std::optional<std::size_t> find_first_argument(const Words& words);

/// Takes the words of `command`, without its name, apart. Flags that it lacks are left in
/// `unknown`.
[[nodiscard]] std::variant<Parsed, UsageError> take_apart(Command command, Words words);

/// What is wrong with parsed.unknown, which is not empty.
[[nodiscard]] UsageError explain_unknown(Command command, const Parsed& parsed);

}  // namespace gorun::cli
