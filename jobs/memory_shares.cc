#include "jobs/memory_shares.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/batch.h"
#include "jobs/byte_size.h"
#include "jobs/kinds.h"
#include "jobs/quote.h"
#include "jobs/record_limit.h"
#include "runtime/num_cpu.h"

namespace gorun::jobs {
namespace {

// What a channel or a window needs to pass anything on, and a keeper to be worth its disk.
constexpr auto kLeastHolder = static_cast<std::int64_t>(kBatchBytes);
constexpr std::int64_t kLeastKeeper = std::int64_t{1} << 20;

std::optional<std::int64_t> own_memory(const StageSpec& stage) {
  constexpr std::string_view kOption = "memory";
  if (stage.kind->option(kOption) == nullptr || !stage.options.has(kOption)) return std::nullopt;
  return stage.options.integer(kOption);
}

bool has_window(const StageSpec& stage) { return stage.keeps_order && stage.workers != 1; }

// Who is to be served.
struct Claims {
  std::int64_t channels = 0;
  std::int64_t windows = 0;
  std::vector<std::size_t> keepers;  // without a memory of their own
  std::vector<std::size_t> owners;   // with one
  std::int64_t owned = 0;

  [[nodiscard]] std::int64_t holders() const { return channels + windows; }
  [[nodiscard]] std::int64_t keeper_count() const {
    return static_cast<std::int64_t>(keepers.size());
  }
  [[nodiscard]] std::int64_t least() const {
    return owned + holders() * kLeastHolder + keeper_count() * kLeastKeeper;
  }
};

Claims claims_of(const Graph& graph) {
  Claims claims;
  for (std::size_t s = 0; s < graph.stages.size(); ++s) {
    const StageSpec& stage = graph.stages[s];
    if (!stage.inputs.empty()) ++claims.channels;
    if (has_window(stage)) ++claims.windows;
    if (!stage.kind->keeps) continue;
    const std::optional<std::int64_t> own = own_memory(stage);
    (own ? claims.owners : claims.keepers).push_back(s);
    // What is more than there can be is too much anyhow.
    claims.owned += std::min(own.value_or(0), kMaxMemory);
  }
  return claims;
}

std::string names_of(const Graph& graph, const std::vector<std::size_t>& stages) {
  std::vector<std::string_view> names;
  names.reserve(stages.size());
  for (const std::size_t stage : stages) names.push_back(graph.stages[stage].name);
  return quote_list(names);
}

std::string counted(std::int64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

void blame(const Graph& graph, const Claims& claims, Diagnostics* errors) {
  std::vector<std::string> parts;
  if (claims.channels > 0) parts.push_back(counted(claims.channels, "channel", "channels"));
  if (claims.windows > 0) {
    parts.push_back(counted(claims.windows, "window", "windows") + R"( of "order": "input")");
  }
  if (claims.keeper_count() > 0) {
    parts.push_back(counted(claims.keeper_count(), "stage", "stages") + " that keep" +
                    (claims.keeper_count() == 1 ? "s" : "") + " items (" +
                    names_of(graph, claims.keepers) + ")");
  }
  if (!claims.owners.empty()) {
    parts.push_back("the " + byte_size_text(claims.owned) + " that " +
                    names_of(graph, claims.owners) +
                    (claims.owners.size() == 1 ? " asks for" : " ask for"));
  }
  std::string all;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    all += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  }
  errors->push_back({.where = graph.limits.memory_where,
                     .what = "a \"memory\" of " + byte_size_text(*graph.limits.memory) +
                             " is too little for " + all,
                     .hint = "at least " + byte_size_text(claims.least()) + ": " +
                             byte_size_text(kLeastHolder) + " for each channel and window, " +
                             byte_size_text(kLeastKeeper) + " for each stage that keeps items"});
}

// What may be in hand beside that is a record for each worker.
void limit_records(Graph* graph) {
  const int procs = graph->limits.procs > 0 ? graph->limits.procs : runtime::num_cpu();
  for (StageSpec& stage : graph->stages) {
    if (stage.kind->option(kMaxRecordOption) == nullptr) continue;
    follow_memory(*graph->limits.memory, stage.workers == kOnePerP ? procs : stage.workers,
                  &stage.options);
  }
}

}  // namespace

std::optional<std::int64_t> kept_bytes(const StageSpec& stage) {
  const std::optional<std::int64_t> own = own_memory(stage);
  return own ? own : stage.memory;
}

void share_memory(Graph* graph, Diagnostics* errors) {
  if (!graph->limits.memory) return;
  const Claims claims = claims_of(*graph);
  if (claims.least() > *graph->limits.memory) return blame(*graph, claims, errors);
  limit_records(graph);
  const std::int64_t spare = *graph->limits.memory - claims.least();
  const std::int64_t all = std::max<std::int64_t>(claims.holders() + claims.keeper_count(), 1);
  const std::int64_t holder =
      kLeastHolder + std::min(spare / all, kDefaultEdgeBytes - kLeastHolder);
  graph->limits.holder_bytes = holder;
  if (claims.keepers.empty()) return;
  const std::int64_t rest = *graph->limits.memory - claims.owned - claims.holders() * holder;
  for (const std::size_t keeper : claims.keepers) {
    graph->stages[keeper].memory = rest / claims.keeper_count();
  }
}

}  // namespace gorun::jobs
