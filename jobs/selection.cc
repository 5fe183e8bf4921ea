#include "jobs/selection.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "jobs/edit_distance.h"
#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

class Selector {
 public:
  Selector(Validated all, Diagnostics* errors)
      : all_(std::move(all)),
        errors_(*errors),
        why_not_(all_.graph.stages.size(), "no target asks for it") {}

  Graph select(const std::vector<std::string>& targets) && {
    choose(targets);
    leave_out();
    return prune();
  }

 private:
  std::size_t count() const { return all_.graph.stages.size(); }

  void want(std::size_t stage) {
    if (!why_not_[stage]) return;
    why_not_[stage].reset();
    fresh_.push_back(stage);
  }

  void choose(const std::vector<std::string>& targets) {
    for (const std::string& target : targets) choose_target(target);
    if (targets.empty()) {
      const auto standard =
          std::ranges::find(all_.targets, std::string_view("default"), &Validated::Target::name);
      for (std::size_t i = 0; i < count() && standard == all_.targets.end(); ++i) want(i);
      if (standard != all_.targets.end()) {
        for (const std::size_t stage : standard->stages) want(stage);
      }
    }
    follow();
    for (std::size_t i = 0; i < count(); ++i) {
      if (!why_not_[i]) want_some_reader(i);
    }
  }

  void choose_target(const std::string& name) {
    for (const auto* list : {&all_.targets, &all_.pipelines}) {
      const auto target = std::ranges::find(*list, name, &Validated::Target::name);
      if (target == list->end()) continue;
      for (const std::size_t stage : target->stages) want(stage);
      return;
    }
    bool is_known = false;
    for (std::size_t i = 0; i < count(); ++i) {
      const StageSpec& stage = all_.graph.stages[i];
      if (stage.name != name && stage.group != name) continue;
      is_known = true;
      want(i);
    }
    if (is_known) return;
    std::vector<std::string_view> names;
    for (const auto& other : all_.targets) names.push_back(other.name);
    for (const auto& pipeline : all_.pipelines) names.push_back(pipeline.name);
    for (const StageSpec& stage : all_.graph.stages) {
      names.push_back(stage.group);
      names.push_back(stage.name);
    }
    errors_.push_back({.where = std::nullopt,
                       .what = "there is no target and no stage " + quote(name),
                       .hint = did_you_mean(name, names),
                       .culprit = Culprit::kCommandLine});
  }

  // Wants what the wanted stages read from and need.
  void follow() {
    while (!fresh_.empty()) {
      const StageSpec& stage = all_.graph.stages[fresh_.back()];
      fresh_.pop_back();
      for (const std::size_t edge : stage.inputs) want(all_.graph.edges[edge].from);
      for (const std::size_t need : stage.needs) want(need);
    }
  }

  // A loop and not a recursion: a chain of readers may be long. Stages that have been looked at may
  // get more readers, which does not matter: they had one.
  void want_some_reader(std::size_t stage) {
    std::vector<std::size_t> to_look_at = {stage};
    while (!to_look_at.empty()) {
      const std::vector<std::size_t>& outputs = all_.graph.stages[to_look_at.back()].outputs;
      to_look_at.pop_back();
      const auto is_chosen = [&](std::size_t edge) { return !why_not_[all_.graph.edges[edge].to]; };
      if (std::ranges::any_of(outputs, is_chosen)) continue;
      for (const std::size_t edge : outputs) {
        to_look_at.push_back(all_.graph.edges[edge].to);
        want(to_look_at.back());
        follow();
      }
    }
  }

  // Stages are visited in the order of their data edges, so that one that reads only from what is
  // left out is seen after it.
  void leave_out() {
    std::vector<std::size_t> missing(count());               // producers that are not left out
    std::vector<std::size_t> awaited(count());               // and what it needs
    std::vector<std::vector<std::size_t>> waiting(count());  // for a failure of it
    for (std::size_t i = 0; i < count(); ++i) {
      missing[i] = all_.graph.stages[i].inputs.size();
      awaited[i] = all_.graph.stages[i].needs.size();
      if (all_.graph.stages[i].when != When::kFailure) continue;
      for (const std::size_t need : all_.graph.stages[i].needs) waiting[need].push_back(i);
    }
    std::vector<std::size_t> gone;
    for (std::size_t i = 0; i < count(); ++i) {
      if (why_not_[i] || all_.is_wanted[i]) continue;
      why_not_[i] = "its \"if\" is false";
      gone.push_back(i);
    }
    while (!gone.empty()) {
      const std::size_t left_out = gone.back();
      const StageSpec& stage = all_.graph.stages[left_out];
      gone.pop_back();
      for (const std::size_t edge : stage.outputs) {
        const std::size_t reader = all_.graph.edges[edge].to;
        if (--missing[reader] > 0 || why_not_[reader]) continue;
        why_not_[reader] = "it reads only from stages that are left out";
        gone.push_back(reader);
      }
      for (const std::size_t other : waiting[left_out]) {
        if (--awaited[other] > 0 || why_not_[other]) continue;
        why_not_[other] = "it waits for a failure of stages that are left out";
        gone.push_back(other);
      }
    }
  }

  Graph prune() {
    Graph graph = std::move(all_.graph);
    std::vector<std::optional<std::size_t>> index(graph.stages.size());
    std::vector<StageSpec> stages;
    for (std::size_t i = 0; i < graph.stages.size(); ++i) {
      if (why_not_[i]) {
        graph.left_out.push_back({graph.stages[i].name, *why_not_[i]});
        continue;
      }
      index[i] = stages.size();
      stages.push_back(std::move(graph.stages[i]));
    }
    if (graph.left_out.empty()) {
      graph.stages = std::move(stages);
      return graph;
    }
    for (StageSpec& stage : stages) {
      std::erase_if(stage.needs, [&](std::size_t need) { return !index[need]; });
      for (std::size_t& need : stage.needs) need = *index[need];
      stage.inputs.clear();
      stage.outputs.clear();
    }
    std::vector<Edge> edges;
    for (Edge& edge : graph.edges) {
      if (!index[edge.from] || !index[edge.to]) continue;
      edge.from = *index[edge.from];
      edge.to = *index[edge.to];
      stages[edge.from].outputs.push_back(edges.size());
      stages[edge.to].inputs.push_back(edges.size());
      edges.push_back(std::move(edge));
    }
    graph.stages = std::move(stages);
    graph.edges = std::move(edges);
    return graph;
  }

  Validated all_;
  Diagnostics& errors_;
  std::vector<std::optional<std::string>> why_not_;  // by stage; nothing: it is run
  std::vector<std::size_t> fresh_;                   // wanted, and not yet followed
};

}  // namespace

Graph select_stages(Validated all, const std::vector<std::string>& targets, Diagnostics* errors) {
  return Selector(std::move(all), errors).select(targets);
}

}  // namespace gorun::jobs
