// cli/cmd_stages.cc - `gorun stages [KIND]`.

#include "cli/cmd_stages.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string_view>
#include <vector>

#include "cli/standard_output.h"
#include "jobs/edit_distance.h"
#include "jobs/kinds.h"
#include "jobs/quote.h"

namespace gorun::cli {
namespace {

using jobs::OptionRow;
using jobs::StageKind;

std::string column(std::string_view text, std::size_t width) {
  std::string out(text);
  out.resize(std::max(out.size(), width), ' ');
  return out;
}

std::string flow_of(const StageKind& kind) {
  std::string out;
  switch (kind.input) {
    case jobs::Input::kNone:
      out = "a source: takes no \"from\"";
      break;
    case jobs::Input::kRequired:
      out = "takes items by \"from\"";
      break;
    case jobs::Input::kOptional:
      out = "takes items by \"from\"; without it, runs once";
      break;
  }
  const std::string_view failed =
      kind.failures == jobs::ItemFailures::kNone
          ? ""
          : "; failed ones, if \"on_error\" is \"route\", by \"errors\"";
  if (kind.is_sink()) return out + "; a sink: sends none" + std::string(failed);
  out += "; sends items by ";
  for (std::size_t i = 0; i < kind.ports.size(); ++i) {
    out += (i == 0 ? "\"" : ", \"") + std::string(kind.ports[i]) + "\"";
  }
  return out.append(failed);
}

std::string workers_of(const StageKind& kind) {
  if (!kind.parallel) return "one worker";
  return kind.default_workers == 0 ? "a worker for each core, unless \"workers\" says otherwise"
                                   : "one worker, unless \"workers\" says otherwise";
}

// A default as one would type it in the job file: a line feed is "\n".
std::string typed(std::string_view text) {
  return text == "\n" ? std::string("\"\\n\"") : std::string(text);
}

std::string constraint_of(const OptionRow& row) {
  std::string out;
  if (row.choices.empty()) {
    out = jobs::type_phrase(row.type);
  } else {
    for (const std::string_view choice : row.choices) {
      out.append(out.empty() ? "" : ", ").append(choice);
    }
    out = "one of " + out;
  }
  if (row.required) out += "; required";
  if (!row.default_text.empty()) out += "; default " + typed(row.default_text);
  return out;
}

std::string describe(const OptionRow& row, std::size_t width) {
  return "  " + column(row.name, width) + "  " + std::string(row.help) + "\n  " +
         column("", width) + "  (" + constraint_of(row) + ")\n";
}

}  // namespace

std::string list_kinds() {
  std::size_t width = 0;
  for (const StageKind& kind : jobs::stage_kinds()) width = std::max(width, kind.name.size());
  std::string out;
  for (const StageKind& kind : jobs::stage_kinds()) {
    out += column(kind.name, width) + "  " + std::string(kind.summary) + "\n";
  }
  return out;
}

std::string describe_kind(const StageKind& kind) {
  std::string out(kind.name);
  out.append(" - ").append(kind.summary).append("\n\n");
  out += flow_of(kind) + "\n" + workers_of(kind) + "\n";
  std::size_t width = 0;
  for (const OptionRow& row : kind.options) width = std::max(width, row.name.size());
  out += "\noptions:\n";
  for (const OptionRow& row : kind.options) out += describe(row, width);
  out.append("\nexample:\n  ").append(kind.example).append("\n");
  out += "\nkeys that it shares with other kinds:\n";
  std::vector<OptionRow> shared;
  std::ranges::copy_if(jobs::common_stage_keys(), std::back_inserter(shared),
                       [&](const OptionRow& row) { return kind.takes(row.name); });
  width = 0;
  for (const OptionRow& row : shared) width = std::max(width, row.name.size());
  for (const OptionRow& row : shared) out += describe(row, width);
  return out;
}

ExitCode cmd_stages(const Options& options) {
  if (options.argument.empty()) return print(list_kinds());
  if (const StageKind* kind = jobs::find_kind(options.argument)) return print(describe_kind(*kind));
  std::vector<std::string_view> names;
  for (const StageKind& kind : jobs::stage_kinds()) names.push_back(kind.name);
  const std::string hint = jobs::did_you_mean(options.argument, names);
  const UsageError error{"there is no kind " + jobs::quote(options.argument),
                         hint.empty() ? "\"gorun stages\" lists them" : hint};
  std::fputs(render(error).c_str(), stderr);
  return ExitCode::kUsage;
}

}  // namespace gorun::cli
