#include "jobs/deadlock_report.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>

#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

using runtime::GoroutineInfo;
using runtime::WaitedChannel;
using runtime::WaitReason;

constexpr std::string_view kEndOfStage = "end of ";
constexpr std::string_view kRoom = "room of ";

class Reporter {
 public:
  Reporter(const Graph& graph, const Plan& plan) : graph_(graph), plan_(plan) {
    for (std::size_t s = 0; s < graph_.stages.size(); ++s) index_[graph_.stages[s].name] = s;
  }

  void add(const GoroutineInfo& g) {
    const auto stage = find(g.label);
    if (!stage) {
      // Those that watch the run, and wait for its end as everybody does.
      if (g.label != "run" && g.label != "timeout") note(graph_.stages.size(), other(g));
      return;
    }
    // The goroutine that waits for the chain's workers is told by them.
    if (g.reason == WaitReason::kWaitGroup) return;
    if (g.channels.empty()) return note(*stage, without_channel(*stage, g));
    for (const WaitedChannel& channel : g.channels) {
      const auto [subject, what] = at_channel(*stage, g, channel);
      note(subject, what);
    }
  }

  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const auto& [key, count] : counts_) {
      const auto& [stage, what] = key;
      std::string line;
      if (stage < graph_.stages.size()) line = "stage " + quote(graph_.stages[stage].name);
      if (count > 1) line += " (" + std::to_string(count) + " goroutines)";
      line += (line.empty() ? "" : " ") + what;
      lines.push_back(graph_.secrets.masked(std::move(line)));
    }
    return lines;
  }

 private:
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const {
    const auto stage = index_.find(name);
    if (stage == index_.end()) return std::nullopt;
    return stage->second;
  }

  void note(std::size_t stage, std::string what) { ++counts_[{stage, std::move(what)}]; }

  static std::string other(const GoroutineInfo& g) {
    return "goroutine " + std::to_string(g.id) + " " + quote(g.label) + " waits for " +
           runtime::to_string(g.reason);
  }

  [[nodiscard]] std::string without_channel(std::size_t stage, const GoroutineInfo& g) const {
    const StageSpec& spec = graph_.stages[stage];
    if (g.reason == WaitReason::kSemaphore && spec.pool) {
      return "waits for places in the pool " + quote(graph_.pools[*spec.pool].name);
    }
    if (g.reason == WaitReason::kCond && spec.keeps_order) {
      return R"(waits for its turn: "order": "input")";
    }
    return std::string("waits for ") + runtime::to_string(g.reason);
  }

  // Which stage it is that waits, and for what.
  [[nodiscard]] std::pair<std::size_t, std::string> at_channel(std::size_t stage,
                                                               const GoroutineInfo& g,
                                                               const WaitedChannel& channel) const {
    const std::string_view label = channel.label;
    if (label.starts_with(kEndOfStage)) {
      return {stage, "has not started: it needs " + quote(label.substr(kEndOfStage.size()))};
    }
    const bool lacks_room = label.starts_with(kRoom);
    const auto reader = find(lacks_room ? label.substr(kRoom.size()) : label);
    if (!reader) return {stage, std::string("waits for ") + runtime::to_string(g.reason)};
    if (channel.way == WaitedChannel::Way::kReceive && !lacks_room) {
      return {stage, "has no items: " + sources_of(*reader)};
    }
    const std::string fill = lacks_room ? "it is full, by batches or by bytes"
                                        : std::to_string(channel.fill) + " of " +
                                              std::to_string(channel.capacity) + " batches";
    if (*reader == stage) return {stage, "finds no room between its own steps: " + fill};
    const auto [sender, port] = sender_to(*reader, stage);
    return {sender, "finds no room in front of " + quote(graph_.stages[*reader].name) +
                        ", where it sends by the port " + quote(port) + ": " + fill};
  }

  [[nodiscard]] std::string sources_of(std::size_t reader) const {
    std::vector<std::string> names;
    for (const std::size_t edge : graph_.stages[reader].inputs) {
      const Edge& input = graph_.edges[edge];
      std::string name = graph_.stages[input.from].name;
      if (input.port != kDefaultPort) name += "." + input.port;
      names.push_back(std::move(name));
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    return "it reads from " + quote_list(views);
  }

  // Of the stages that share the goroutine of `head`, the one that sends to `reader`.
  [[nodiscard]] std::pair<std::size_t, std::string> sender_to(std::size_t reader,
                                                              std::size_t head) const {
    for (const PlanChain& chain : plan_.chains) {
      if (plan_.nodes[chain.nodes.front()].stage != head) continue;
      for (const std::size_t n : chain.nodes) {
        for (const std::size_t edge : graph_.stages[plan_.nodes[n].stage].outputs) {
          const Edge& output = graph_.edges[edge];
          if (output.to == reader) return {output.from, output.port};
        }
      }
    }
    return {head, std::string(kDefaultPort)};
  }

  const Graph& graph_;
  const Plan& plan_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::map<std::pair<std::size_t, std::string>, std::size_t> counts_;
};

}  // namespace

std::vector<std::string> deadlock_report(const Graph& graph, const Plan& plan,
                                         const std::vector<GoroutineInfo>& stuck) {
  if (stuck.empty()) return {};
  Reporter reporter(graph, plan);
  for (const GoroutineInfo& g : stuck) reporter.add(g);
  std::vector<std::string> lines = reporter.lines();
  // Nobody but those who wait for all others: a bug of the engine, and still a standstill.
  if (lines.empty()) lines.emplace_back("no stage waits for anything");
  return lines;
}

}  // namespace gorun::jobs
