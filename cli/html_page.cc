#include "cli/html_page.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string_view>

#include "cli/markup.h"
#include "cli/quantity.h"
#include "jobs/version.h"

namespace gorun::cli {
namespace {

using jobs::Failure;
using jobs::StageOutcome;
using std::chrono::nanoseconds;

constexpr std::string_view kStyle = R"(<style>
:root { color-scheme: light dark; --ok: #2da44e; --bad: #cf222e; --idle: #8c959f; --slow: #bf8700;
  --line: #8c959f55; }
body { font: 14px/1.5 system-ui, sans-serif; max-width: 72em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25em .6em; border-bottom: 1px solid var(--line); }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.succeeded { color: var(--ok); } .failed, .deadlocked, .timed { color: var(--bad); }
.bar { position: relative; width: 12em; height: .8em; background: var(--line); }
.bar i { position: absolute; top: 0; bottom: 0; }
.busy { background: var(--ok); } .idle { background: var(--idle); } .slow { background: var(--slow); }
.key i { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; }
pre { overflow-x: auto; padding: .6em; border: 1px solid var(--line); white-space: pre-wrap; }
</style>
)";

// A part of a bar, from one share of its width to another.
struct Part {
  std::string_view look;
  double from = 0;
  double to = 0;
};

std::string bar(std::initializer_list<Part> parts, const std::string& title, const Markup& markup) {
  std::string out = "<div class=\"bar\"" + markup.attribute("title", title) + ">";
  for (const Part& part : parts) {
    if (part.to <= part.from) continue;
    char style[120];
    std::snprintf(style, sizeof style, "<i class=\"%.*s\" style=\"left:%.2f%%;width:%.2f%%\"></i>",
                  static_cast<int>(part.look.size()), part.look.data(), 100 * part.from,
                  100 * (part.to - part.from));
    out += style;
  }
  return out + "</div>";
}

double share(nanoseconds part, nanoseconds whole) {
  if (whole.count() <= 0) return 0;
  return std::clamp(static_cast<double>(part.count()) / static_cast<double>(whole.count()), 0.0,
                    1.0);
}

nanoseconds worked_time(const StageOutcome& stage) {
  return stage.counts.busy + stage.counts.waiting_in + stage.counts.waiting_out;
}

std::string cell(const std::string& html, bool is_figure = true) {
  return (is_figure ? "<td class=\"n\">" : "<td>") + html + "</td>";
}

class Page {
 public:
  Page(const jobs::Graph& graph, const jobs::Outcome& outcome)
      : graph_(graph), outcome_(outcome), markup_(graph.secrets) {
    for (const StageOutcome& stage : outcome.stages) {
      longest_ = std::max(longest_, worked_time(stage));
    }
  }

  std::string text() const {
    const std::string name = graph_.name.empty() ? "gorun" : graph_.name;
    const std::string state(jobs::to_string(outcome_.state));
    std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
    out += "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" + markup_.text(name) +
           ": " + state + "</title>\n";
    out.append(kStyle).append("</head>\n<body>\n<h1>").append(markup_.text(name));
    out += ": <span class=\"" + state + "\">" + state + "</span></h1>\n<p>" +
           format_count(outcome_.stages.size(), "stage") + " in " +
           format_duration(outcome_.elapsed) + "</p>\n";
    out += stage_table() + failures() + let_go() + left_out() + stuck();
    out.append("<p><small>gorun ").append(jobs::kVersion).append("</small></p>\n");
    return out + "</body>\n</html>\n";
  }

 private:
  std::string stage_table() const {
    std::string out =
        "<h2>Stages</h2>\n"
        "<p class=\"key\">worked<i class=\"busy\"></i> waited for items<i class=\"idle\"></i> "
        "waited for a reader<i class=\"slow\"></i></p>\n"
        "<p>channel: how full what waits in front of a stage, or between its parts, was on average "
        "(at most)</p>\n"
        "<table>\n<tr><th>stage</th><th>kind</th><th>state</th><th class=\"n\">items in</th>"
        "<th class=\"n\">items out</th><th class=\"n\">bytes</th><th class=\"n\">failed</th>"
        "<th class=\"n\">retries</th><th class=\"n\">channel</th><th "
        "class=\"n\">time</th><th>when</th><th>work</th></tr>\n";
    for (std::size_t i = 0; i < outcome_.stages.size(); ++i) {
      out += stage_row(graph_.stages[i], outcome_.stages[i]);
    }
    return out + "</table>\n";
  }

  static std::string channels(const StageOutcome& stage) {
    std::string out;
    for (const jobs::ChannelFill& fill : stage.channels) {
      out += (out.empty() ? "" : ", ") + format_percent(fill.mean) + " (" +
             format_percent(fill.most) + ")";
    }
    return out;
  }

  std::string stage_row(const jobs::StageSpec& spec, const StageOutcome& stage) const {
    const jobs::StageCounts& counts = stage.counts;
    const std::string state(jobs::to_string(stage.state));
    const std::string times = "worked " + format_duration(counts.busy) + ", waited for items " +
                              format_duration(counts.waiting_in) + ", for a reader " +
                              format_duration(counts.waiting_out);
    const double busy = share(counts.busy, longest_);
    const double idle = busy + share(counts.waiting_in, longest_);
    return "<tr>" + cell(markup_.text(stage.name), false) +
           cell(markup_.text(spec.kind->name), false) +
           cell("<span class=\"" + state + "\">" + std::string(jobs::state_word(stage)) + "</span>",
                false) +
           cell(format_count(counts.items_in)) + cell(format_count(counts.items_out)) +
           cell(format_bytes(counts.bytes)) +
           cell(format_count(stage.failure_count + stage.let_go_count)) +
           cell(format_count(stage.retry_count)) + cell(channels(stage)) +
           cell(format_duration(stage.ended - stage.started)) +
           cell(bar({{"busy", share(stage.started, outcome_.elapsed),
                      share(stage.ended, outcome_.elapsed)}},
                    stage.started.count() == 0 ? "never started"
                                               : "from " + format_duration(stage.started) + " to " +
                                                     format_duration(stage.ended),
                    markup_),
                false) +
           cell(bar({{"busy", 0, busy},
                     {"idle", busy, idle},
                     {"slow", idle, idle + share(counts.waiting_out, longest_)}},
                    times, markup_),
                false) +
           "</tr>\n";
  }

  std::string failure(const Failure& failure) const {
    std::string out = "<li>" + markup_.text(failure.what);
    if (!failure.item.empty()) out += " (item \"" + markup_.text(failure.item) + "\")";
    if (!failure.tail.empty()) out += "<pre>" + markup_.text(failure.tail) + "</pre>";
    return out + "</li>\n";
  }

  std::string listed(const std::string& stage, const std::vector<Failure>& failures,
                     std::uint64_t count) const {
    std::string out = "<h3>" + markup_.text(stage) + "</h3>\n<ul>\n";
    for (const Failure& one : failures) out += failure(one);
    if (count > failures.size()) {
      out += "<li>" + format_count(count - failures.size()) + " more</li>\n";
    }
    return out + "</ul>\n";
  }

  std::string failures() const {
    std::string out;
    for (const StageOutcome& stage : outcome_.stages) {
      if (stage.failure_count == 0) continue;
      out += listed(stage.name, stage.failures, stage.failure_count);
    }
    return out.empty() ? out : "<h2>Failures</h2>\n" + out;
  }

  std::string let_go() const {
    std::string out;
    for (const StageOutcome& stage : outcome_.stages) {
      if (stage.let_go_count > 0) out += listed(stage.name, stage.let_go, stage.let_go_count);
    }
    return out.empty() ? out : "<h2>Failed items that were let go</h2>\n" + out;
  }

  std::string left_out() const {
    if (graph_.left_out.empty()) return "";
    std::string out = "<h2>Not run</h2>\n<ul>\n";
    for (const jobs::LeftOut& left : graph_.left_out) {
      out += "<li>" + markup_.text(left.name) + ": " + markup_.text(left.why) + "</li>\n";
    }
    return out + "</ul>\n";
  }

  std::string stuck() const {
    if (outcome_.stuck.empty()) return "";
    std::string out = "<h2>Who waits for whom</h2>\n<pre>";
    for (const std::string& line : outcome_.stuck) out += markup_.text(line + "\n");
    return out + "</pre>\n";
  }

  const jobs::Graph& graph_;
  const jobs::Outcome& outcome_;
  const Markup markup_;
  nanoseconds longest_{0};  // the most that the workers of one stage spent
};

}  // namespace

std::string html_page(const jobs::Graph& graph, const jobs::Outcome& outcome) {
  return Page(graph, outcome).text();
}

}  // namespace gorun::cli
