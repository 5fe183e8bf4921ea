// tests/bench/jobs_bench.cc - what an item costs on its way through a graph: `make bench-jobs`.
//
//   jobs_bench chain [ITEMS]     default 2,000,000
//   jobs_bench memory [ITEMS]    default 10,000,000
//
// chain   A source of numbers and five operators that work on every item and drop none, so that
// each
//         item pays for all five:
//
//           digits   filter  "match": "^[0-9]+$"                      RE2, all of the text
//           wanted   filter  "where": {"item": {">=": 1, "<": 1000000000}}
//           named    map     "text": "/srv/${{ item }}.html"
//           linked   map     "fields": {"path": the text}
//           pages    filter  "field": "path", "match": "\\.html$"     RE2, of what was just made
//
//         The graph is run four ways, which take turns: "source" without the operators, "fused" as
//         the plan lays it out, "apart" with every stage in goroutines of its own. What is shown:
//
//           five operators   (fused - source) / items
//           crossing         (apart - fused) / items / the channels that apart has more
//
//         in processor time of the process, source and end left out. With one P that is the time on
//         the wall, too, which stands beside it for the whole graph. As operators have one worker
//         unless they ask for more, "fused" runs all five in the goroutine of the source; "wide"
//         gives each as many as there are Ps, so that they run side by side.
// memory  Numbers through a graph of five stages, each in goroutines of its own, into /dev/null;
// how
//         far the peak of this process's memory grows between a hundredth of the items and all.
//
// Each figure is the best of GORUN_BENCH_ROUNDS rounds (default 5), at one P and at two. The exit
// status is 1 if a figure misses its target.

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/executor.h"
#include "jobs/load.h"
#include "jobs/plan.h"
#include "jobs/stage.h"
#include "jobs/stage_kinds.h"
#include "tests/bench/stopwatch.h"

namespace {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): a program of its own
using gorun::bench::Stopwatch;

constexpr double kChainTargetNs = 100;
constexpr double kCrossingTargetNs = 50;
// How much more the peak may be with a hundred times the items: what allocators keep.
constexpr long kGrowthTargetKiB = 8 * 1024;

// Takes everything and counts it.
class Counter final : public Operator {
 public:
  explicit Counter(std::atomic<std::uint64_t>* count) : count_(*count) {}
  Flow process(Batch&& batch, Out& /*out*/) override {
    count_.fetch_add(batch.size(), std::memory_order_relaxed);
    return Flow::kMore;
  }

 private:
  std::atomic<std::uint64_t>& count_;
};

class CounterStage final : public Stage {
 public:
  explicit CounterStage(std::atomic<std::uint64_t>* count) : count_(count) {}
  [[nodiscard]] StageTraits traits() const override {
    return {.workers = 0, .fuses = true, .scales = true};
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& /*context*/) override {
    return std::make_unique<Counter>(count_);
  }

 private:
  std::atomic<std::uint64_t>* const count_;
};

// A stage that shares its goroutines with no other.
class Apart final : public Stage {
 public:
  explicit Apart(std::unique_ptr<Stage> stage) : stage_(std::move(stage)) {}
  [[nodiscard]] StageTraits traits() const override {
    StageTraits traits = stage_->traits();
    traits.fuses = false;
    return traits;
  }
  [[nodiscard]] bool is_source() const override { return stage_->is_source(); }
  [[nodiscard]] std::unique_ptr<Producer> make_producer(Context& context) override {
    return stage_->make_producer(context);
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return stage_->make_operator(context);
  }

 private:
  const std::unique_ptr<Stage> stage_;
};

enum class Layout { kFused, kApart };

Graph load(const std::string& text) {
  const Source source("jobs_bench", text);
  Result<Graph> graph = load_job(source);
  if (!graph.ok()) throw std::runtime_error(render(source, graph.errors()));
  return std::move(graph).value();
}

std::string job(std::uint64_t items, const std::string& operators, const std::string& last) {
  return R"({"gorun": 1, "stages": {"numbers": {"kind": "range", "to": )" + std::to_string(items) +
         "}," + operators + R"("end": {"kind": "write", "from": ")" + last +
         R"(", "path": "/dev/null"}}})";
}

// The five, with so many workers each.
std::string operators(int workers) {
  std::string text = R"(
  "digits": {"kind": "filter", "workers": N, "from": "numbers", "match": "^[0-9]+$"},
  "wanted": {"kind": "filter", "workers": N, "from": "digits",
             "where": {"item": {">=": 1, "<": 1000000000}}},
  "named":  {"kind": "map", "workers": N, "from": "wanted", "text": "/srv/${{ item }}.html"},
  "linked": {"kind": "map", "workers": N, "from": "named", "fields": {"path": "${{ item }}"}},
  "pages":  {"kind": "filter", "workers": N, "from": "linked", "field": "path",
             "match": "\\.html$"},)";
  constexpr std::string_view kNumber = " N,";
  const std::string number = " " + std::to_string(workers) + ",";
  for (std::size_t at = 0; (at = text.find(kNumber, at)) != std::string::npos;) {
    text.replace(at, kNumber.size(), number);
  }
  return text;
}

struct Cost {
  double cpu_ns = 1e18;  // of the process, for each item
  double wall_ns = 1e18;
  std::size_t channels = 0;  // that each item passes
};

double cpu_ns() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto ns = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_usec) * 1e3;
  };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

// Runs the graph and keeps the better figures. Its end is a counter, so that what is measured is
// not how write formats.
void measure(const Graph& graph, Layout layout, int procs, std::uint64_t items, Cost* best) {
  std::atomic<std::uint64_t> count{0};
  const StageMaker make = [&](const StageSpec& spec) {
    StageRow row;
    if (spec.kind->name == "write") {
      row.push_back(std::make_unique<CounterStage>(&count));
    } else {
      row = make_stages(spec);
    }
    if (layout == Layout::kFused) return row;
    for (std::unique_ptr<Stage>& stage : row) stage = std::make_unique<Apart>(std::move(stage));
    return row;
  };
  best->channels = 0;
  for (const PlanChain& chain : make_plan(graph, procs, {}, make).chains) {
    best->channels += chain.readers.size();
  }
  const double cpu_before = cpu_ns();
  const Stopwatch wall;
  const Outcome outcome = execute(graph, {.procs = procs}, make);
  const auto n = static_cast<double>(items);
  best->wall_ns = std::min(best->wall_ns, wall.ns() / n);
  best->cpu_ns = std::min(best->cpu_ns, (cpu_ns() - cpu_before) / n);
  if (outcome.state != RunState::kSucceeded || count.load() != items) {
    throw std::runtime_error("items were lost: " + std::to_string(count.load()));
  }
}

int rounds() {
  const char* text = std::getenv("GORUN_BENCH_ROUNDS");  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? 5 : std::max(1, std::atoi(text));
}

bool show(const char* what, double ns, double target) {
  std::printf("  %-16s %6.1f ns an item   target %3.0f   ratio %.2f   %s\n", what, ns, target,
              ns / target, ns <= target ? "met" : "MISSED");
  return ns <= target;
}

bool chain_costs(std::uint64_t items) {
  const Graph source = load(job(items, "", "numbers"));
  const Graph whole = load(job(items, operators(1), "pages"));
  std::printf(
      "%llu items through filter (match), filter (where), map (text), map (fields), filter "
      "(field, match)\n",
      static_cast<unsigned long long>(items));
  bool all_met = true;
  for (const int procs : {1, 2}) {
    Cost alone;
    Cost fused;
    Cost apart;
    Cost wide;
    const Graph broad = load(job(items, operators(procs), "pages"));
    for (int round = rounds(); round > 0; --round) {
      measure(source, Layout::kFused, procs, items, &alone);
      measure(whole, Layout::kFused, procs, items, &fused);
      measure(whole, Layout::kApart, procs, items, &apart);
      measure(broad, Layout::kFused, procs, items, &wide);
    }
    const auto more = static_cast<double>(apart.channels - fused.channels);
    std::printf(
        "%d P%s: processor time %.1f ns the source, %.1f fused, %.1f apart, %.1f wide; on the wall "
        "%.1f, %.1f, %.1f, %.1f\n",
        procs, procs == 1 ? "" : "s", alone.cpu_ns, fused.cpu_ns, apart.cpu_ns, wide.cpu_ns,
        alone.wall_ns, fused.wall_ns, apart.wall_ns, wide.wall_ns);
    all_met = show("five operators", fused.cpu_ns - alone.cpu_ns, kChainTargetNs) && all_met;
    all_met = show("crossing", (apart.cpu_ns - fused.cpu_ns) / more, kCrossingTargetNs) && all_met;
    std::fflush(stdout);
  }
  return all_met;
}

// The most memory that this process ever had.
long peak_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    long kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib;
  }
  throw std::runtime_error("no VmHWM in /proc/self/status");
}

bool memory(std::uint64_t items) {
  constexpr const char* kFive = R"(
    "digits": {"kind": "filter", "from": "numbers", "match": "^[0-9]+$"},
    "named":  {"kind": "map", "from": "digits", "text": "/srv/${{ item }}.html"},
    "linked": {"kind": "map", "from": "named", "fields": {"path": "${{ item }}"}},)";
  const auto run = [&](std::uint64_t count) {
    const Graph graph = load(job(count, kFive, "linked"));
    const StageMaker make = [](const StageSpec& spec) {
      StageRow row = make_stages(spec);
      for (std::unique_ptr<Stage>& stage : row) stage = std::make_unique<Apart>(std::move(stage));
      return row;
    };
    if (execute(graph, {.procs = 2}, make).state != RunState::kSucceeded) {
      throw std::runtime_error("the graph failed");
    }
    return peak_kib();
  };
  const long first = run(std::max<std::uint64_t>(items / 100, 1));
  const Stopwatch wall;
  const long last = run(items);
  std::printf(
      "%llu items through 5 stages at 2 Ps in %.2f s: peak %.1f MiB, %.1f MiB with a "
      "hundredth of them   %s\n",
      static_cast<unsigned long long>(items), wall.ns() / 1e9, static_cast<double>(last) / 1024,
      static_cast<double>(first) / 1024, last - first <= kGrowthTargetKiB ? "met" : "MISSED");
  return last - first <= kGrowthTargetKiB;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  const std::uint64_t items = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  if (what != "chain" && what != "memory") {
    std::fputs("usage: jobs_bench chain|memory [ITEMS]\n", stderr);
    return 2;
  }
  try {
    const bool is_met = what == "chain" ? chain_costs(items == 0 ? 2'000'000 : items)
                                        : memory(items == 0 ? 10'000'000 : items);
    return is_met ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "jobs_bench: %s\n", error.what());
    return 1;
  }
}
