// tests/cli/run_reports_test.cc - what is written about a run: by flags, by "report" of the job
// file, and what a summary and a page hold.

#include "cli/run_reports.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "cli/html_page.h"
#include "cli/summary.h"
#include "jobs/kinds.h"
#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::run_reports_test {

using namespace gorun::cli;
using namespace gorun::jobs;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

StageSpec spec_of(std::string name) {
  StageSpec spec;
  spec.name = std::move(name);
  spec.kind = find_kind("exec");
  return spec;
}

StageOutcome ended(std::string name, StageState state) {
  StageOutcome stage;
  stage.name = std::move(name);
  stage.state = state;
  stage.started = 250ms;
  stage.ended = 750ms;
  return stage;
}

// Two stages of which one failed, and one that was left out.
Graph a_graph() {
  Graph graph;
  graph.name = "a <job>";
  graph.stages = {spec_of("ok"), spec_of("b<a>d")};
  graph.left_out = {{"late", "its \"if\" is false"}};
  return graph;
}

Outcome an_outcome() {
  Outcome outcome;
  outcome.state = RunState::kFailed;
  outcome.elapsed = 1000ms;
  outcome.stages = {ended("ok", StageState::kSucceeded), ended("b<a>d", StageState::kFailed)};
  outcome.stages[0].counts = {.items_in = 1,
                              .items_out = 2000,
                              .bytes = 2048,
                              .busy = 300ms,
                              .waiting_in = 100ms,
                              .waiting_out = 200ms};
  outcome.stages[0].channels = {{.capacity = 64, .mean = 0.75, .most = 1},
                                {.capacity = 4, .mean = 0.0301, .most = 0.25}};
  outcome.stages[1].failure_count = 3;
  outcome.stages[1].retry_count = 1;
  outcome.stages[1].failures = {{.what = "exit 3",
                                 .item = "x\xff&",
                                 .cause = FailureCause::kExit,
                                 .code = 3,
                                 .attempts = 2,
                                 .tail = "<last>\n"}};
  return outcome;
}

constexpr const char* kJob = R"({"gorun": 1, "name": "n", "vars": {"to": "j.xml"},
  "report": {"junit": "${{ vars.to }}", "trace": "t.json", "summary": "s.json", "html": "p.html"},
  "stages": {"a": {"kind": "items", "items": ["1", "2"]},
             "b": {"kind": "exec", "from": "a", "argv": ["true", "{}"]}}})";

}  // namespace

TEST_SUITE_BEGIN("cli/run_reports");

TEST_CASE("a summary has every figure, and keys that are always there") {
  CHECK(summary_text(a_graph(), an_outcome()) ==
        R"({"gorun": "0.1.0", "name": "a <job>", "state": "failed", "elapsed_s": 1.000000,
"stages": [
{"name": "ok", "kind": "exec", "state": "succeeded", "started_s": 0.250000, "ended_s": 0.750000, "items_in": 1, "items_out": 2000, "bytes": 2048, "busy_s": 0.300000, "no_input_s": 0.100000, "slow_reader_s": 0.200000, "channels": [{"capacity": 64, "mean_fill": 0.7500, "max_fill": 1.0000}, {"capacity": 4, "mean_fill": 0.0301, "max_fill": 0.2500}], "retries": 0, "up_to_date": 0, "failed": 0, "let_go": 0, "failures": [], "let_go_failures": []},
{"name": "b<a>d", "kind": "exec", "state": "failed", "started_s": 0.250000, "ended_s": 0.750000, "items_in": 0, "items_out": 0, "bytes": 0, "busy_s": 0.000000, "no_input_s": 0.000000, "slow_reader_s": 0.000000, "channels": [], "retries": 1, "up_to_date": 0, "failed": 3, "let_go": 0, "failures": [{"what": "exit 3", "item": "x\udbff\udfff&", "cause": "exit", "code": 3, "attempts": 2, "tail": "<last>\n"}], "let_go_failures": []}],
"left_out": [{"name": "late", "why": "its \"if\" is false"}],
"stuck": []}
)");
  CHECK(json::accept(summary_text(Graph{}, Outcome{})));
}

TEST_CASE("a page shows stages, failures and where the time went, and needs nothing else") {
  const std::string page = html_page(a_graph(), an_outcome());
  const auto has = [&page](const std::string& text) {
    CAPTURE(text);
    CHECK(page.find(text) != std::string::npos);
  };
  has("<title>a &lt;job&gt;: failed</title>");
  has("<h1>a &lt;job&gt;: <span class=\"failed\">failed</span></h1>\n<p>2 stages in 1.00 s</p>");
  has("<tr><td>ok</td><td>exec</td><td><span class=\"succeeded\">succeeded</span></td>"
      "<td class=\"n\">1</td><td class=\"n\">2,000</td><td class=\"n\">2.00 KiB</td>"
      "<td class=\"n\">0</td><td class=\"n\">0</td><td class=\"n\">75 % (100 %), 3 % (25 %)</td>"
      "<td class=\"n\">500 ms</td>"
      "<td><div class=\"bar\" title=\"from 250 ms to 750 ms\">"
      "<i class=\"busy\" style=\"left:25.00%;width:50.00%\"></i></div></td>"
      "<td><div class=\"bar\" title=\"worked 300 ms, waited for items 100 ms, for a reader 200 "
      "ms\">"
      "<i class=\"busy\" style=\"left:0.00%;width:50.00%\"></i>"
      "<i class=\"idle\" style=\"left:50.00%;width:16.67%\"></i>"
      "<i class=\"slow\" style=\"left:66.67%;width:33.33%\"></i></div></td></tr>\n");
  has("<h2>Failures</h2>\n<h3>b&lt;a&gt;d</h3>\n<ul>\n<li>exit 3 (item \"x?&amp;\")"
      "<pre>&lt;last&gt;&#10;</pre></li>\n<li>2 more</li>\n</ul>\n");
  has("<h2>Not run</h2>\n<ul>\n<li>late: its &quot;if&quot; is false</li>\n</ul>\n");
  for (const char* foreign : {"http:", "https:", "src=", "<script", "<link", "url(", "@import"}) {
    CAPTURE(foreign);
    CHECK(page.find(foreign) == std::string::npos);
  }
}

TEST_CASE("a page shows no time of a stage that never started") {
  Outcome outcome = an_outcome();
  outcome.stages[1].started = outcome.stages[1].ended = 0ms;
  const std::string page = html_page(a_graph(), outcome);
  CHECK(page.find("<td><div class=\"bar\" title=\"never started\"></div></td>") !=
        std::string::npos);
}

TEST_CASE("every element of a page is closed") {
  const ScratchDir scratch;
  const std::string path = scratch.write("p.html", html_page(a_graph(), an_outcome()));
  const CommandResult checked = run_command({"python3", "-c", R"(
import html.parser, sys
class Checker(html.parser.HTMLParser):
    open = []
    def handle_starttag(self, tag, attributes):
        if tag != "meta": self.open.append(tag)
    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
checker = Checker()
checker.feed(open(sys.argv[1]).read())
assert not checker.open, checker.open
)",
                                             path});
  CHECK(checked.err == "");
  CHECK(checked.status == 0);
}

TEST_CASE("the job file asks for reports, and flags win") {
  const ScratchDir scratch;
  scratch.write("job.json", kJob);
  const CommandResult result =
      run_gorun({"-q", "job.json", "--summary", "mine.json"}, {.directory = scratch.path()});
  CHECK(result.err == "");
  CHECK(result.status == 0);
  CHECK(read_whole_file(scratch / "j.xml").find("<testsuites name=\"n\" tests=\"2\"") !=
        std::string::npos);
  CHECK(json::parse(read_whole_file(scratch / "t.json")).at("traceEvents").size() > 10);
  CHECK(read_whole_file(scratch / "p.html").starts_with("<!DOCTYPE html>"));
  CHECK_FALSE(std::filesystem::exists(scratch / "s.json"));
  const json summary = json::parse(read_whole_file(scratch / "mine.json"));
  CHECK(summary.at("state") == "succeeded");
  CHECK(summary.at("stages").at(1).at("items_in") == 2);
}

TEST_CASE("in a trace each stage has a track, and what waits for it a curve") {
  const ScratchDir scratch;
  // "odd" runs in the goroutines of "numbers"; "sorted" is merged and put out by others.
  const std::string job = R"({"gorun": 1, "stages": {
    "numbers": {"kind": "range", "to": 3000},
    "odd": {"kind": "filter", "from": "numbers", "match": "[13579]$"},
    "said": {"kind": "exec", "from": "odd", "batch": 500, "argv": ["true"]},
    "sorted": {"kind": "sort", "from": "odd"},
    "out": {"kind": "write", "from": "sorted", "path": "/dev/null"}}})";
  const CommandResult result =
      run_gorun({"-q", "--trace", "t.json", "-"}, {.input = job, .directory = scratch.path()});
  CHECK(result.err == "");
  CHECK(result.status == 0);
  std::map<std::string, std::set<std::string>> slices;  // by track
  std::map<std::string, long> most;                     // by curve
  std::map<std::string, int> open;                      // by track and goroutine
  const json trace = json::parse(read_whole_file(scratch / "t.json"));
  for (const json& event : trace.at("traceEvents")) {
    const std::string phase = event.at("ph");
    if (phase == "C") {
      long& seen = most[event.at("name")];
      seen = std::max(seen, event.at("args").at("value").get<long>());
    }
    if ((phase != "b" && phase != "e") || event.at("cat") == "goroutine") continue;
    const std::string track = event.at("cat");
    int& depth = open[track + ' ' + event.at("id").dump()];
    if (phase == "b") {
      // A goroutine's row is called what the stage is, and has states in it.
      CHECK((depth == 0) == (event.at("name") == track));
      slices[track].insert(event.at("name"));
      ++depth;
    } else {
      --depth;
    }
    CHECK(depth >= 0);
    CHECK(depth <= 2);
  }
  for (const std::string stage : {"numbers", "odd", "said", "sorted", "out"}) {
    CAPTURE(stage);
    CHECK(slices[stage].contains(stage));
    CHECK(slices[stage].contains("busy"));
  }
  CHECK(most["items waiting for said"] > 0);
  CHECK(most["items waiting for sorted"] > 0);
  CHECK(std::ranges::all_of(open, [](const auto& row) { return row.second == 0; }));
}

TEST_CASE("flags ask for the same, of gorun map as well") {
  const ScratchDir scratch;
  const CommandResult result =
      run_gorun({"map", "--junit", "j.xml", "--trace", "t.json", "--summary", "s.json", "--report",
                 "p.html", "--", "false"},
                {.input = "a\n", .directory = scratch.path()});
  CHECK(result.status == 1);
  for (const char* name : {"j.xml", "t.json", "s.json", "p.html"}) {
    CAPTURE(name);
    CHECK_FALSE(read_whole_file(scratch / name).empty());
  }
  // What a command line lets go fails it, but not its stage.
  const json stage = json::parse(read_whole_file(scratch / "s.json")).at("stages").at(1);
  CHECK(stage.at("let_go") == 1);
  CHECK(stage.at("let_go_failures").at(0).at("what") == "false a: exit 1");
}

TEST_CASE("what cannot be written is said by the name that asked for it") {
  const ScratchDir scratch;
  scratch.write("job.json", R"({"gorun": 1, "report": {"summary": "no/s", "html": "no/p"},
    "stages": {"a": {"kind": "exec", "argv": ["true"]}}})");
  const CommandResult result =
      run_gorun({"-q", "job.json", "--report", "no/h"}, {.directory = scratch.path()});
  CHECK(result.err ==
        "gorun: error: \"report\": \"summary\": cannot open \"no/s\": No such file or directory\n"
        "gorun: error: --report: cannot open \"no/h\": No such file or directory\n");
  CHECK(result.status == 74);
  const CommandResult empty = run_gorun({"job.json", "--trace", ""}, {.directory = scratch.path()});
  CHECK(empty.err ==
        "gorun: error: option \"--trace\" cannot be \"\"\n  hint: it is the path of a file\n");
  CHECK(empty.status == 2);
}

TEST_CASE("\"github\" of the job file decides where no flag does") {
  const auto says = [](const std::string& value, std::vector<std::string> flags) {
    flags.emplace_back("-");
    const CommandResult result =
        run_gorun(flags, {.input = R"({"gorun": 1, "report": {"github": )" + value +
                                   R"(}, "stages": {"x": {"kind": "exec", "argv": ["false"]}}})",
                          .env = {{"GITHUB_ACTIONS", ""}}});
    return result.err.find("::error title=stage x::false: exit 1\n") != std::string::npos;
  };
  CHECK(says("true", {}));
  CHECK_FALSE(says("false", {}));
  CHECK_FALSE(says("\"auto\"", {}));
  CHECK_FALSE(says("true", {"--github", "off"}));
  CHECK_FALSE(says("true", {"--github", "auto"}));
  CHECK(says("false", {"--github", "on"}));
}

TEST_SUITE_END();

}  // namespace gorun::test::run_reports_test
