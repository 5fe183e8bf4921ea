// tests/jobs/probe_graph.h - graphs whose stages are written in the test, to see the engine from
// inside: stages that wait, count, fail or never end.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/executor.h"
#include "jobs/graph.h"
#include "jobs/kinds.h"
#include "jobs/stage.h"

namespace gorun::test {

using jobs::Batch;
using jobs::Context;
using jobs::Flow;
using jobs::Item;
using jobs::Out;

/// A stage made of functions. Every worker shares them, so what they touch is atomic or theirs.
/// With both of the first two it is a source whose items an operator of the same stage works on.
struct Probe {
  std::function<void(Context&, Out&)> run = {};               // of a source
  std::function<Flow(Context&, Batch&&, Out&)> process = {};  // of an operator
  std::function<void(Context&, Out&)> finish = [](Context&, Out&) {};
  std::function<void(jobs::ParcelPtr)> merge = {};  // of an operator that gathers
  jobs::StageTraits traits = {};
};

class ProbeStage final : public jobs::Stage {
 public:
  ProbeStage(const Probe& probe, bool is_source) : probe_(probe), is_source_(is_source) {}
  [[nodiscard]] jobs::StageTraits traits() const override { return probe_.traits; }
  [[nodiscard]] bool is_source() const override { return is_source_; }
  [[nodiscard]] std::unique_ptr<jobs::Producer> make_producer(Context& context) override {
    return std::make_unique<ProbeProducer>(probe_, context);
  }
  [[nodiscard]] std::unique_ptr<jobs::Operator> make_operator(Context& context) override {
    return std::make_unique<ProbeOperator>(probe_, context);
  }
  [[nodiscard]] std::unique_ptr<jobs::Merger> make_merger(const jobs::ShardPlace&) override {
    return std::make_unique<ProbeMerger>(probe_);
  }

 private:
  struct ProbeProducer final : jobs::Producer {
    ProbeProducer(const Probe& p, Context& c) : probe(p), context(c) {}
    void run(Out& out) override { probe.run(context, out); }
    const Probe& probe;
    Context& context;
  };
  struct ProbeOperator final : jobs::Operator {
    ProbeOperator(const Probe& p, Context& c) : probe(p), context(c) {}
    Flow process(Batch&& batch, Out& out) override {
      return probe.process(context, std::move(batch), out);
    }
    void finish(Out& out) override { probe.finish(context, out); }
    const Probe& probe;
    Context& context;
  };

  struct ProbeMerger final : jobs::Merger {
    explicit ProbeMerger(const Probe& p) : probe(p) {}
    void take(jobs::ParcelPtr parcel) override { probe.merge(std::move(parcel)); }
    const Probe& probe;
  };

  const Probe& probe_;
  const bool is_source_;
};

/// What a StageMaker returns for a stage that `probe` is, which outlives it.
inline std::vector<std::unique_ptr<jobs::Stage>> probe_row(const Probe& probe) {
  std::vector<std::unique_ptr<jobs::Stage>> row;
  if (probe.run) row.push_back(std::make_unique<ProbeStage>(probe, true));
  if (probe.process) row.push_back(std::make_unique<ProbeStage>(probe, false));
  return row;
}

struct Wiring {
  std::vector<std::string> from = {};  // "stage" or "stage.port"
  std::vector<std::string> needs = {};
  std::int64_t buffer = jobs::kDefaultBuffer;
  std::optional<std::size_t> pool = {};  // of those that add_pool() made
  std::int64_t weight = 1;
  jobs::When when = jobs::When::kSuccess;
  jobs::FailurePolicy failure = {};
  std::int64_t window = 0;  // not 0: "order": "input" with this window
};

class ProbeGraph {
 public:
  /// Stages are added before those that read or need them.
  ProbeGraph& add(const std::string& name, Probe probe, const Wiring& wiring = {}) {
    jobs::StageSpec spec;
    spec.name = name;
    spec.kind = jobs::find_kind("map");  // any: the test's own code does the work
    spec.pool = wiring.pool;
    spec.weight = wiring.weight;
    spec.when = wiring.when;
    spec.failure = wiring.failure;
    spec.keeps_order = wiring.window != 0;
    spec.window = wiring.window;
    for (const std::string& need : wiring.needs) spec.needs.push_back(index_.at(need));
    const std::size_t me = graph_.stages.size();
    for (const std::string& from : wiring.from) {
      jobs::Edge edge;
      const std::size_t dot = from.find('.');
      edge.from = index_.at(from.substr(0, dot));
      if (dot != std::string::npos) edge.port = from.substr(dot + 1);
      edge.to = me;
      edge.buffer = wiring.buffer;
      spec.inputs.push_back(graph_.edges.size());
      graph_.stages[edge.from].outputs.push_back(graph_.edges.size());
      graph_.edges.push_back(edge);
    }
    index_[name] = me;
    graph_.stages.push_back(std::move(spec));
    probes_[name] = std::move(probe);
    return *this;
  }

  ProbeGraph& fail(jobs::FailPolicy policy) {
    graph_.fail = policy;
    return *this;
  }

  /// Returns its number.
  std::size_t add_pool(std::int64_t places) {
    graph_.pools.push_back({.name = "pool", .places = places});
    return graph_.pools.size() - 1;
  }

  [[nodiscard]] jobs::Outcome run(const jobs::RunOptions& options) const {
    return jobs::execute(graph_, options, [this](const jobs::StageSpec& spec) {
      return probe_row(probes_.at(spec.name));
    });
  }
  [[nodiscard]] jobs::Outcome run(int procs) const { return run(jobs::RunOptions{.procs = procs}); }

 private:
  jobs::Graph graph_;
  std::map<std::string, std::size_t> index_;
  std::map<std::string, Probe> probes_;
};

/// Emits the numbers [0, count) as texts, or until nobody wants more; count < 0: for ever.
inline Probe numbers(long count, std::atomic<long>* emitted = nullptr) {
  return {.run = [count, emitted](Context&, Out& out) {
    for (long i = 0; count < 0 || i < count; ++i) {
      if (emitted != nullptr) emitted->fetch_add(1);
      const std::string_view text = out.batch().copy(std::to_string(i));
      if (out.emit(Item{.text = text}) == Flow::kStop) return;
    }
  }};
}

/// Passes everything on.
inline Probe passes() {
  return {.process = [](Context&, Batch&& batch, Out& out) { return out.send(std::move(batch)); }};
}

/// Adds up the items and, read as numbers, their values.
inline Probe sums(std::atomic<long>* count, std::atomic<long>* sum) {
  return {.process = [count, sum](Context&, Batch&& batch, Out&) {
    for (const Item& item : batch.items()) {
      count->fetch_add(1);
      sum->fetch_add(std::stol(std::string(item.text)));
    }
    return Flow::kMore;
  }};
}

}  // namespace gorun::test
