#include "jobs/warnings.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/kinds.h"
#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

// Others are counted.
constexpr std::size_t kMostNamed = 3;

class FanOuts {
 public:
  explicit FanOuts(const Graph& graph) : graph_(graph), slow_(graph.stages.size()) {
    for (const std::size_t s : downstream_first()) slow_[s] = slow_behind(s);
  }

  Diagnostics warnings() const {
    Diagnostics warnings;
    for (const StageSpec& stage : graph_.stages) look_at(stage, &warnings);
    return warnings;
  }

 private:
  // Readers before what they read from.
  [[nodiscard]] std::vector<std::size_t> downstream_first() const {
    std::vector<std::size_t> unseen(graph_.stages.size());
    std::vector<std::size_t> order;
    for (std::size_t s = 0; s < unseen.size(); ++s) {
      unseen[s] = graph_.stages[s].outputs.size();
      if (unseen[s] == 0) order.push_back(s);
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
      for (const std::size_t edge : graph_.stages[order[i]].inputs) {
        const std::size_t from = graph_.edges[edge].from;
        if (--unseen[from] == 0) order.push_back(from);
      }
    }
    return order;
  }

  // The stage that makes `s` take its items slowly: itself, or one that it feeds.
  [[nodiscard]] std::optional<std::size_t> slow_behind(std::size_t s) const {
    const StageSpec& stage = graph_.stages[s];
    if (stage.kind->is_slow || starts_late(stage)) return s;
    if (stage.kind->gathers) return std::nullopt;  // it takes all before it sends any
    for (const std::size_t edge : stage.outputs) {
      const std::size_t reader = graph_.edges[edge].to;
      if (slow_[reader]) return slow_[reader];
    }
    return std::nullopt;
  }

  // True if it waits for something that a stage which feeds it has not waited for.
  [[nodiscard]] bool starts_late(const StageSpec& stage) const {
    return std::ranges::any_of(stage.inputs, [&](std::size_t edge) {
      const std::vector<std::size_t>& met = graph_.stages[graph_.edges[edge].from].needs;
      return std::ranges::any_of(stage.needs, [&met](std::size_t need) {
        return std::ranges::find(met, need) == met.end();
      });
    });
  }

  void look_at(const StageSpec& producer, Diagnostics* warnings) const {
    std::vector<std::size_t> fast;
    for (const std::size_t edge : producer.outputs) {
      const std::size_t reader = graph_.edges[edge].to;
      if (!slow_[reader]) fast.push_back(reader);
    }
    if (fast.empty() || fast.size() == producer.outputs.size()) return;
    std::ranges::sort(fast);  // one may read from several ports
    fast.erase(std::unique(fast.begin(), fast.end()), fast.end());
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < std::min(fast.size(), kMostNamed); ++i) {
      names.push_back(graph_.stages[fast[i]].name);
    }
    std::string held = quote_list(names);
    if (fast.size() > names.size()) {
      held += " and " + std::to_string(fast.size() - names.size()) + " more";
    }
    for (const std::size_t edge : producer.outputs) {
      if (slow_[graph_.edges[edge].to]) warn(producer, graph_.edges[edge], held, warnings);
    }
  }

  void warn(const StageSpec& producer, const Edge& edge, const std::string& held,
            Diagnostics* warnings) const {
    const std::size_t cause = *slow_[edge.to];
    const std::string reader = quote(graph_.stages[edge.to].name);
    const std::string who =
        cause == edge.to ? reader
                         : reader + ", which feeds " + quote(graph_.stages[cause].name) + ",";
    warnings->push_back(
        {.where = edge.where,
         .what = "stage " + who + " holds " + held + " back: " + reason(graph_.stages[cause]) +
                 ", and " + quote(producer.name) + " sends on when all that read from it have room",
         .hint = R"(a stage of kind "sort" in front of )" + reader +
                 " takes everything at once, on the disk if need be",
         .severity = Severity::kWarning});
  }

  [[nodiscard]] std::string reason(const StageSpec& cause) const {
    if (!cause.kind->is_slow) {
      std::vector<std::string_view> names;
      for (const std::size_t need : cause.needs) names.push_back(graph_.stages[need].name);
      return "it starts after " + quote_list(names);
    }
    return cause.kind->name == "http" ? "a request for each item takes long"
                                      : "a command for each item takes long";
  }

  const Graph& graph_;
  std::vector<std::optional<std::size_t>> slow_;  // by stage
};

}  // namespace

Diagnostics find_warnings(const Graph& graph) { return FanOuts(graph).warnings(); }

}  // namespace gorun::jobs
