// cli/plan_text.cc - what a job would do, in words.

#include "cli/plan_text.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <string_view>
#include <utility>

#include "cli/printable.h"
#include "cli/quantity.h"
#include "jobs/exec/up_to_date.h"
#include "jobs/format/quote.h"
#include "jobs/kinds.h"
#include "jobs/quote.h"
#include "jobs/template.h"

namespace gorun::cli {
namespace {

using jobs::Graph;
using jobs::OptionRow;
using jobs::OptionType;
using jobs::StageSpec;
using jobs::TemplatePart;

std::string placeholder(const TemplatePart& part) {
  switch (part.what) {
    case TemplatePart::What::kLiteral:
      return part.text;
    case TemplatePart::What::kItem:
      return "{}";
    case TemplatePart::What::kField:
      return "${{ item." + part.text + " }}";
    case TemplatePart::What::kStem:
      return "{.}";
    case TemplatePart::What::kBaseName:
      return "{/}";
    case TemplatePart::What::kDirectory:
      return "{//}";
    case TemplatePart::What::kBaseNameStem:
      return "{/.}";
    case TemplatePart::What::kRunStatus:
      return "${{ run.status }}";
    case TemplatePart::What::kNumber:
      return "{#}";
    case TemplatePart::What::kSlot:
      return "{%}";
  }
  return "";
}

// Masked before it is quoted: quotes in the middle of a secret would hide it from the mask.
std::string as_written(const Graph& graph, const jobs::Template& text) {
  std::string out;
  for (const TemplatePart& part : text.parts()) out += placeholder(part);
  return graph.secrets.masked(std::move(out));
}

// One word of a command line; a lone placeholder needs no quotes to be read as one.
std::string argument(const Graph& graph, const jobs::Template& text) {
  const bool is_placeholder = text.parts().size() == 1 && !text.is_constant();
  const std::string shown = as_written(graph, text);
  return is_placeholder || shown == "***" ? shown : jobs::quote_for_shell(shown);
}

std::string argv_of(const Graph& graph, const StageSpec& stage) {
  std::string out;
  for (const jobs::Template& word : stage.options.text_templates("argv")) {
    out += (out.empty() ? "" : " ") + argument(graph, word);
  }
  return out;
}

// The command line of an exec that has an argv, or the first line of its script.
std::string command_of(const Graph& graph, const StageSpec& stage) {
  if (stage.options.has("shell")) {
    const std::string script = graph.secrets.masked(stage.options.text("shell"));
    const std::string line = script.substr(0, script.find('\n'));
    return "sh -c " + jobs::quote_for_shell(line) + (line.size() < script.size() ? " ..." : "");
  }
  return argv_of(graph, stage);
}

// The value of an option as a short text; empty for those that are long.
std::string short_value(const Graph& graph, const StageSpec& stage, const OptionRow& row) {
  switch (row.type) {
    case OptionType::kFlag:
      return stage.options.flag(row.name) ? "true" : "false";
    case OptionType::kInteger:
    case OptionType::kSize:
      return std::to_string(stage.options.integer(row.name));
    case OptionType::kText:
    case OptionType::kPath:
    case OptionType::kByte:
    case OptionType::kRegex:
    case OptionType::kChoice:
      return jobs::quote(graph.secrets.masked(stage.options.text(row.name)));
    case OptionType::kTexts:
    case OptionType::kFields:
    case OptionType::kChoices: {
      std::vector<std::string> texts = stage.options.texts(row.name);
      for (std::string& text : texts) text = graph.secrets.masked(std::move(text));
      const std::vector<std::string_view> views(texts.begin(), texts.end());
      return views.empty() ? "none" : jobs::quote_list(views);
    }
    case OptionType::kAggregates: {
      std::string out;
      for (const jobs::AggregateOption& one : stage.options.aggregates(row.name)) {
        out += (out.empty() ? "" : ", ") + one.function;
        if (one.field) out += " of " + jobs::quote(graph.secrets.masked(*one.field));
        if (!one.name.empty()) out += " as " + jobs::quote(graph.secrets.masked(one.name));
      }
      return out;
    }
    case OptionType::kArgv:
      return argv_of(graph, stage);
    case OptionType::kTemplate:
      return jobs::quote(as_written(graph, stage.options.text_template(row.name)));
    default:
      return "";
  }
}

std::string work_of(const Graph& graph, const StageSpec& stage) {
  const std::string kind(stage.kind->name);
  if (kind == "exec") return kind + ": " + command_of(graph, stage);
  std::string out;
  for (const OptionRow& row : stage.kind->options) {
    if (!stage.options.is_given(row.name)) continue;
    const std::string value = short_value(graph, stage, row);
    if (!value.empty()) out.append(out.empty() ? ": " : ", ").append(row.name) += " " + value;
  }
  return kind + out;
}

std::string names_of(const Graph& graph, const std::vector<std::size_t>& stages) {
  std::vector<std::string> names;
  names.reserve(stages.size());
  for (const std::size_t stage : stages) {
    names.push_back(graph.secrets.masked(graph.stages[stage].name));
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  return jobs::quote_list(views);
}

// The stages whose items it takes, with the port where that is not the usual one.
std::string producers_of(const Graph& graph, const StageSpec& stage) {
  std::vector<std::string> names;
  for (const std::size_t e : stage.inputs) {
    const jobs::Edge& edge = graph.edges[e];
    names.push_back(graph.secrets.masked(graph.stages[edge.from].name));
    if (edge.port != jobs::kDefaultPort) names.back() += "." + edge.port;
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  return jobs::quote_list(views);
}

std::string start_of(const Graph& graph, const StageSpec& stage) {
  if (stage.needs.empty()) return "starts at once";
  const std::string names = names_of(graph, stage.needs);
  const bool one = stage.needs.size() == 1;
  switch (stage.when) {
    case jobs::When::kSuccess:
      return "starts when " + names + (one ? " has" : " have") + " succeeded";
    case jobs::When::kAlways:
      return "starts when " + names + (one ? " has" : " have") + " ended, in whatever way";
    case jobs::When::kFailure:
      return "starts when " + names + (one ? " has" : " have") + " ended without success";
  }
  return "";
}

std::string workers_of(const StageSpec& stage) {
  if (stage.workers == jobs::kOnePerP) return "a worker for each core";
  return format_count(static_cast<std::uint64_t>(stage.workers), "worker");
}

// What a stage does and whether it would, as far as that is known before the run.
struct Outlook {
  jobs::Forecast forecast;
  bool follows_work = false;  // something that it needs would run
};

std::vector<Outlook> outlooks(const Graph& graph) {
  using What = jobs::Forecast::What;
  std::vector<Outlook> all(graph.stages.size());
  for (const std::size_t i : start_order(graph)) {
    const StageSpec& stage = graph.stages[i];
    if (stage.kind->name == "exec") all[i].forecast = jobs::forecast(graph, stage);
    all[i].follows_work = std::ranges::any_of(stage.needs, [&all](std::size_t need) {
      return all[need].follows_work || all[need].forecast.what != What::kUpToDate;
    });
  }
  return all;
}

// A line for each reason, the first behind `begin`.
std::string reason_lines(const std::string& begin, const std::vector<std::string>& reasons) {
  constexpr std::size_t kMostShown = 10;
  std::string out;
  for (std::size_t i = 0; i < std::min(reasons.size(), kMostShown); ++i) {
    out += i == 0 ? begin : std::string(begin.size(), ' ');
    out += printable(reasons[i]) + "\n";
  }
  if (reasons.size() <= kMostShown) return out;
  return out + std::string(begin.size(), ' ') + "and " +
         format_count(reasons.size() - kMostShown, "more reason") + "\n";
}

std::string outlook_lines(const Outlook& outlook) {
  const jobs::Forecast& forecast = outlook.forecast;
  const std::string warning =
      forecast.warning.empty() ? "" : "  warning: " + printable(forecast.warning) + "\n";
  switch (forecast.what) {
    case jobs::Forecast::What::kUnchecked:
      return "";
    case jobs::Forecast::What::kForItems:
      return "  leaves out each item for which its files are up to date\n";
    case jobs::Forecast::What::kUpToDate:
      return outlook.follows_work
                 ? "  is up to date, if what runs before leaves its files as they are\n"
                 : "  is up to date\n";
    case jobs::Forecast::What::kRuns:
      return warning + reason_lines("  would run: ", forecast.reasons);
    case jobs::Forecast::What::kBroken:
      return warning + reason_lines(outlook.follows_work ? "  cannot run yet: " : "  cannot run: ",
                                    forecast.reasons);
  }
  return "";
}

std::string paragraph(const Graph& graph, const StageSpec& stage) {
  std::string out = printable(stage.name) + "\n  " + printable(work_of(graph, stage)) + "\n";
  if (!stage.inputs.empty()) {
    out += "  takes the items of " + producers_of(graph, stage) + " as they come, with " +
           workers_of(stage) + "\n";
  }
  out += "  " + start_of(graph, stage) + "\n";
  if (stage.pool) {
    const jobs::Pool& pool = graph.pools[*stage.pool];
    out += "  works while pool " + jobs::quote(pool.name) +
           " has room: " + std::to_string(stage.weight) + " of " +
           format_count(static_cast<std::uint64_t>(pool.places), "place") + " for each worker\n";
  }
  return out;
}

}  // namespace

std::vector<std::size_t> start_order(const Graph& graph) {
  std::vector<std::vector<std::size_t>> followers(graph.stages.size());
  std::vector<std::size_t> waits_for(graph.stages.size());
  const auto follow = [&](std::size_t first, std::size_t then) {
    followers[first].push_back(then);
    ++waits_for[then];
  };
  for (const jobs::Edge& edge : graph.edges) follow(edge.from, edge.to);
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    for (const std::size_t need : graph.stages[i].needs) follow(need, i);
  }
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    if (waits_for[i] == 0) ready.push(i);
  }
  std::vector<std::size_t> order;
  while (!ready.empty()) {
    order.push_back(ready.top());
    ready.pop();
    for (const std::size_t follower : followers[order.back()]) {
      if (--waits_for[follower] == 0) ready.push(follower);
    }
  }
  return order;
}

std::string dry_run_text(const Graph& graph) {
  std::string out;
  for (const std::size_t stage : start_order(graph)) {
    out += printable(graph.stages[stage].name) + ": " +
           printable(work_of(graph, graph.stages[stage])) + "\n";
  }
  return out;
}

std::string explain_text(const Graph& graph) {
  const std::size_t all = graph.stages.size() + graph.left_out.size();
  const std::vector<Outlook> outlook = outlooks(graph);
  const auto up_to_date =
      static_cast<std::size_t>(std::ranges::count_if(outlook, [](const Outlook& one) {
        return one.forecast.what == jobs::Forecast::What::kUpToDate;
      }));
  std::string out = format_count(graph.stages.size() - up_to_date) + " of " +
                    format_count(all, "stage") + " would run";
  if (up_to_date > 0) out += ", " + format_count(up_to_date) + " up to date";
  out += "\n";
  for (const std::size_t stage : start_order(graph)) {
    out += "\n" + paragraph(graph, graph.stages[stage]) + outlook_lines(outlook[stage]);
  }
  if (!graph.left_out.empty()) out += "\nleft out\n";
  for (const jobs::LeftOut& stage : graph.left_out) {
    out += "  " + printable(stage.name) + ": " + stage.why + "\n";
  }
  return out;
}

}  // namespace gorun::cli
