// tests/jobs/fake_world.h - files, environment and globs that a test makes up.
#pragma once

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "jobs/diagnostic.h"
#include "jobs/load.h"
#include "jobs/load_world.h"

namespace gorun::test {

struct FakeWorld {
  std::map<std::string, std::string> texts = {};               // by path
  std::map<std::string, std::string> variables = {};           // by name
  std::map<std::string, std::vector<std::string>> globs = {};  // by pattern
  std::map<std::string, std::string> links = {};               // path to identity
};

/// A FakeWorld, which outlives it, as loading sees it.
class FakeLoadWorld final : public jobs::LoadWorld {
 public:
  explicit FakeLoadWorld(const FakeWorld& world) : world_(world) {}

  [[nodiscard]] jobs::Expected<std::string, jobs::Refusal> read(
      const std::string& path) const override {
    const auto found = world_.texts.find(path);
    if (found == world_.texts.end()) return jobs::Refusal{"there is no such file"};
    return found->second;
  }
  [[nodiscard]] std::string identity(const std::string& path) const override {
    const auto found = world_.links.find(path);
    return found == world_.links.end() ? path : found->second;
  }
  [[nodiscard]] std::optional<std::string> environment(const std::string& name) const override {
    const auto found = world_.variables.find(name);
    if (found == world_.variables.end()) return std::nullopt;
    return found->second;
  }
  [[nodiscard]] jobs::Expected<std::vector<std::string>, jobs::Refusal> files(
      const std::string& pattern) const override {
    const auto found = world_.globs.find(pattern);
    if (found == world_.globs.end()) return std::vector<std::string>();
    return found->second;
  }

 private:
  const FakeWorld& world_;
};

/// Loads "job.json" of `world`.
[[nodiscard]] inline jobs::LoadedJob load_in(const FakeWorld& world, jobs::LoadOptions options) {
  const FakeLoadWorld load_world(world);
  options.world = &load_world;
  return jobs::load_job(jobs::Source("job.json", world.texts.at("job.json")), options);
}

/// What render() says of the mistakes of "job.json", or "".
[[nodiscard]] inline std::string errors_of(const FakeWorld& world,
                                           const jobs::LoadOptions& options = {}) {
  const jobs::LoadedJob job = load_in(world, options);
  return job.graph.ok() ? "" : jobs::render(job.source, job.graph.errors());
}

/// The graph of "job.json", which is right.
[[nodiscard]] inline jobs::Graph graph_of(const FakeWorld& world,
                                          const jobs::LoadOptions& options = {}) {
  jobs::LoadedJob job = load_in(world, options);
  if (!job.graph.ok()) throw std::runtime_error(jobs::render(job.source, job.graph.errors()));
  return std::move(job.graph).value();
}

/// The names of its stages, with a blank between them.
[[nodiscard]] inline std::string stages_of(const jobs::Graph& graph) {
  std::string names;
  for (const jobs::StageSpec& stage : graph.stages) {
    names += (names.empty() ? "" : " ") + stage.name;
  }
  return names;
}

}  // namespace gorun::test
