// cli/job_file.cc - the job file of a command line.

#include "cli/job_file.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/diagnostic.h"
#include "jobs/edit_distance.h"
#include "jobs/load.h"
#include "jobs/quote.h"

namespace gorun::cli {
namespace {

// A word such as "chekc": not a path by its looks, and no file. Nothing, or the way out.
std::optional<UsageError> find_mistyped_command(const Options& options) {
  const std::string& word = options.argument;
  if (options.named_command || word == "-" || word.find_first_of("./") != std::string::npos ||
      access(word.c_str(), F_OK) == 0) {
    return std::nullopt;
  }
  std::vector<std::string_view> names;
  for (const CommandRow& row : commands()) names.push_back(row.name);
  const std::string hint = jobs::did_you_mean(word, names);
  return UsageError{jobs::quote(word) + " is neither a command nor a file",
                    hint.empty() ? "\"gorun help\" lists the commands" : hint};
}

// Colours "error:" and "warning:" in the lines that jobs::render() begins with a place or "gorun".
std::string highlight(const Screen& screen, std::string_view text) {
  struct Mark {
    std::string_view text;
    Style style;
  };
  static constexpr std::array<Mark, 2> kMarks = {
      {{": error: ", Style::kRed}, {": warning: ", Style::kYellow}}};
  std::string out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n') + 1);
    text.remove_prefix(line.size());
    const auto mark = std::ranges::find_if(kMarks, [line](const Mark& known) {
      return !line.starts_with(' ') && line.find(known.text) != std::string_view::npos;
    });
    if (mark == kMarks.end()) {
      out += line;
      continue;
    }
    const std::size_t at = line.find(mark->text);
    const std::string_view word = mark->text.substr(2, mark->text.size() - 3);
    out.append(line.substr(0, at)).append(": ").append(screen.styled(mark->style, word));
    out.append(" ").append(line.substr(at + mark->text.size()));
  }
  return out;
}

// The settings of the command line, those from files included; nothing after a message.
std::optional<jobs::VarSettings> read_settings(const Options& options, Screen& screen) {
  jobs::VarSettings settings = options.settings;
  for (const SetFile& file : options.set_files) {
    jobs::Expected<std::string, jobs::Refusal> text =
        file.path == "-" && options.argument == "-"
            ? jobs::Refusal{"standard input is the job file already"}
            : jobs::read_job_text(file.path);
    if (!text.ok()) {
      screen.message(render(UsageError{
          "--set-file: cannot read " + jobs::quote(file.path) + ": " + text.error().why, ""}));
      return std::nullopt;
    }
    if (text->ends_with('\n')) text->pop_back();
    if (text->ends_with('\r')) text->pop_back();
    settings.push_back({file.name, std::move(*text)});
  }
  return settings;
}

ExitCode blame(const jobs::Source& source, const jobs::Diagnostics& errors, Screen& screen) {
  show(source, errors, screen);
  const bool only_command_line = std::ranges::all_of(errors, [](const jobs::Diagnostic& error) {
    return error.culprit == jobs::Culprit::kCommandLine;
  });
  return only_command_line ? ExitCode::kUsage : ExitCode::kJobFile;
}

}  // namespace

void show(const jobs::Source& source, const jobs::Diagnostics& diagnostics, Screen& screen) {
  screen.message(highlight(screen, jobs::render(source, diagnostics)));
}

std::variant<jobs::LoadedJob, ExitCode> load_job(const Options& options, Screen& screen) {
  if (const std::optional<UsageError> error = find_mistyped_command(options)) {
    screen.message(render(*error));
    return ExitCode::kUsage;
  }
  std::optional<jobs::VarSettings> settings = read_settings(options, screen);
  if (!settings) return ExitCode::kUsage;
  jobs::LoadedSource loaded = jobs::read_source(options.argument);
  if (!loaded.errors.empty()) return blame(loaded.source, loaded.errors, screen);
  jobs::LoadedJob job = jobs::load_job(std::move(loaded.source), {.settings = *std::move(settings),
                                                                  .targets = options.targets,
                                                                  .world = &jobs::process_world()});
  screen.mask(job.secrets);
  if (!job.graph.ok()) return blame(job.source, job.graph.errors(), screen);
  return job;
}

std::variant<jobs::Graph, ExitCode> load_graph(const Options& options, Screen& screen) {
  std::variant<jobs::LoadedJob, ExitCode> loaded = load_job(options, screen);
  if (const auto* status = std::get_if<ExitCode>(&loaded)) return *status;
  auto& job = std::get<jobs::LoadedJob>(loaded);
  if (!job.warnings.empty() && options.verbosity != Verbosity::kQuiet) {
    show(job.source, job.warnings, screen);
  }
  jobs::Graph graph = std::move(job.graph).value();
  if (options.argument != "-") graph.file = options.argument;
  return graph;
}

}  // namespace gorun::cli
