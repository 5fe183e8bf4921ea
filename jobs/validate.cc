#include "jobs/validate.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "jobs/cycles.h"
#include "jobs/edit_distance.h"
#include "jobs/near_names.h"
#include "jobs/quote.h"
#include "jobs/read_cuts.h"

namespace gorun::jobs {
namespace {

// Of a stage with thousands of ports a message names the first.
constexpr std::size_t kMostPorts = 12;

// What happens to a stage, as a node of the graph of waits: node = stage + event * stages.
enum Event : std::size_t { kStarts, kTakesItems, kCompletes, kEvents };

class Validator {
 public:
  Validator(const Source& source, JobFile file, Diagnostics* errors)
      : source_(source), file_(std::move(file)), errors_(*errors) {
    names_.reserve(file_.stages.size());
    for (std::size_t i = 0; i < file_.stages.size(); ++i) {
      const StageDecl& decl = file_.stages[i];
      std::vector<std::size_t>& group = index_[decl.group];
      if (group.empty()) names_.push_back(decl.group);
      group.push_back(i);
      if (decl.name != decl.group) {
        index_[decl.name] = {i};
        names_.push_back(decl.name);
      }
      for (const std::string& pipeline : decl.inside) {
        std::vector<std::size_t>& all = index_[pipeline];
        if (all.empty()) {
          names_.push_back(pipeline);
          pipelines_.push_back(pipeline);
        }
        all.push_back(i);
      }
    }
    for (std::size_t i = 0; i < file_.pools.size(); ++i) {
      pools_.try_emplace(file_.pools[i].pool.name, i);
    }
    is_read_.resize(file_.stages.size());
    are_errors_read_.resize(file_.stages.size());
  }

  Validated validate() && {
    graph_.name = std::move(file_.name);
    graph_.env = std::move(file_.env);
    graph_.limits = file_.limits;
    graph_.report = std::move(file_.report);
    graph_.fail = file_.fail;
    graph_.secrets = std::move(file_.secrets);
    graph_.stages.resize(file_.stages.size());
    for (std::size_t i = 0; i < file_.stages.size(); ++i) {
      graph_.stages[i].when = file_.stages[i].when;
    }
    for (const PoolDecl& pool : file_.pools) graph_.pools.push_back(pool.pool);
    for (std::size_t i = 0; i < file_.stages.size(); ++i) connect(i);
    for (std::size_t i = 0; i < file_.stages.size(); ++i) join_pool(i);
    for (std::size_t i = 0; i < file_.stages.size(); ++i) check_stage(i);
    check_unread();
    if (!check_cycles()) {
      check_stalls();
      check_after_failure();
    }
    settle_cuts(graph_.edges, &file_.stages, &errors_);
    Validated all;
    for (const TargetDecl& target : file_.targets) all.targets.push_back(resolve(target));
    for (const std::string_view name : pipelines_) {
      const std::string pipeline(name);
      all.pipelines.push_back({.name = pipeline, .stages = index_.at(pipeline)});
    }
    for (std::size_t i = 0; i < file_.stages.size(); ++i) {
      all.is_wanted.push_back(file_.stages[i].is_wanted);
      complete(i);
    }
    all.graph = std::move(graph_);
    return all;
  }

 private:
  void blame(ByteRange where, std::string what, std::string hint = "") {
    errors_.push_back({.where = where, .what = std::move(what), .hint = std::move(hint)});
  }

  // How a message about `seen_from` names the place of `where`.
  std::string place(ByteRange where, ByteRange seen_from) const {
    return source_.place(where.begin, seen_from.begin);
  }

  // The stages that `ref` names; none after the blame. `who` is how the message begins.
  const std::vector<std::size_t>& look_up(const StageRef& ref, const std::string& who,
                                          std::string_view own_group) {
    static const std::vector<std::size_t> none;
    const auto found = index_.find(ref.stage);
    if (found != index_.end()) return found->second;
    blame(ref.stage_where, who + " unknown stage " + quote(ref.stage), near_stage(ref, own_group));
    return none;
  }

  // As look_up(), for a stage that must not name itself, nor its own matrix.
  std::vector<std::size_t> look_up(std::size_t stage, const StageRef& ref, std::string_view verb) {
    const StageDecl& decl = file_.stages[stage];
    const std::string who = "stage " + quote(decl.group) + " " + std::string(verb);
    const std::vector<std::size_t>& found = look_up(ref, who, decl.group);
    if (found.empty() || file_.stages[found.front()].group != decl.group) return found;
    is_read_[stage] = true;  // wrong enough
    blame(ref.stage_where, who + " itself");
    return {};
  }

  std::string near_stage(const StageRef& ref, std::string_view own_group) {
    if (!near_stages_) near_stages_.emplace(names_);
    auto meant = near_stages_->closest(ref.stage);
    // Only "from" names ports; "stage.port" may stand for its stage elsewhere.
    const std::string stage = ref.stage.substr(0, ref.stage.rfind('.'));
    if (index_.contains(stage)) meant = stage;
    if (!meant || *meant == own_group) return "";
    const std::vector<std::size_t>& others = index_.at(std::string(*meant));
    for (const std::size_t other : others)
      is_read_[other] = true;  // a typing error here, none there
    return "did you mean " + quote(*meant) + "? (declared at " +
           place(file_.stages[others.front()].name_where, ref.where) + ")";
  }

  void connect(std::size_t stage) {
    StageDecl& decl = file_.stages[stage];
    std::set<std::pair<std::size_t, std::string>> seen;
    for (const StageRef& ref : decl.from) {
      for (const std::size_t from : look_up(stage, ref, "reads from")) {
        if (ref.port == kErrorsPort) {
          are_errors_read_[from] = true;
        } else if (is_more_port(from, ref.port)) {
          read_ports_.emplace(from, ref.port);
        } else {
          is_read_[from] = true;
        }
        if (!check_port(decl, from, ref)) continue;
        if (!seen.emplace(from, ref.port).second) {
          blame(ref.where,
                "stage " + quote(decl.group) + " reads from " + quote(ref.stage) + " twice");
          continue;
        }
        const std::size_t edge = graph_.edges.size();
        graph_.edges.push_back(
            {from, ref.port, stage, ref.buffer.value_or(decl.buffer), ref.bytes, ref.where});
        graph_.stages[stage].inputs.push_back(edge);
        graph_.stages[from].outputs.push_back(edge);
      }
    }
    std::set<std::size_t> needed;
    for (const StageRef& ref : decl.needs) {
      for (const std::size_t need : look_up(stage, ref, "needs")) {
        if (!needed.insert(need).second) {
          blame(ref.where, "stage " + quote(decl.group) + " needs " + quote(ref.stage) + " twice");
          continue;
        }
        graph_.stages[stage].needs.push_back(need);
      }
    }
  }

  void join_pool(std::size_t stage) {
    const StageDecl& decl = file_.stages[stage];
    if (decl.kind && decl.kind->is_pipeline) return;
    if (decl.pool.empty()) {
      if (decl.weight_where != ByteRange{} && decl.pool_where == ByteRange{}) {
        blame(decl.weight_where, "\"weight\" without \"pool\" has no effect");
      }
      return;
    }
    const auto found = pools_.find(decl.pool);
    if (found == pools_.end()) {
      std::string hint = near_pool(decl.pool);
      if (hint.empty()) hint = "declare it under \"pools\": {" + quote(decl.pool) + ": 4}";
      blame(decl.pool_where, "unknown pool " + quote(decl.pool), std::move(hint));
      return;
    }
    const Pool& pool = file_.pools[found->second].pool;
    if (decl.weight > pool.places) {
      blame(decl.weight_where == ByteRange{} ? decl.pool_where : decl.weight_where,
            "pool " + quote(decl.pool) + " has fewer places than \"weight\" takes",
            "it has " + std::to_string(pool.places));
    }
    graph_.stages[stage].pool = found->second;
  }

  std::string near_pool(std::string_view name) {
    if (!near_pools_) {
      std::vector<std::string_view> names;
      for (const PoolDecl& pool : file_.pools) names.push_back(pool.pool.name);
      near_pools_.emplace(names);
    }
    return did_you_mean(near_pools_->closest(name));
  }

  Validated::Target resolve(const TargetDecl& target) {
    Validated::Target all{.name = target.name, .stages = {}};
    for (const StageRef& ref : target.stages) {
      const auto& stages = look_up(ref, "target " + quote(target.name) + " names", "");
      all.stages.insert(all.stages.end(), stages.begin(), stages.end());
    }
    return all;
  }

  // True for a port that only this stage's options give it.
  [[nodiscard]] bool is_more_port(std::size_t stage, std::string_view port) {
    const StageDecl& decl = file_.stages[stage];
    return decl.kind && !decl.kind->ports_option.empty() && ports_of(stage).more.contains(port);
  }

  // The ports of a stage that has a kind.
  struct Ports {
    std::vector<std::string_view> all;
    std::unordered_set<std::string_view> more;  // of them, those that options give it
    std::optional<NearNames> near;              // made when the first name is unknown
  };
  Ports& ports_of(std::size_t stage) {
    const auto [entry, is_new] = ports_.try_emplace(stage);
    Ports& ports = entry->second;
    if (!is_new) return ports;
    const StageDecl& decl = file_.stages[stage];
    const auto more = decl.kind->more_ports(decl.options);
    ports.all.assign(decl.kind->ports.begin(), decl.kind->ports.end());
    ports.all.insert(ports.all.end(), more.begin(), more.end());
    ports.more.insert(more.begin(), more.end());
    return ports;
  }

  std::string near_port(std::size_t stage, std::string_view name) {
    Ports& ports = ports_of(stage);
    if (!ports.near) ports.near.emplace(ports.all);
    if (const auto meant = ports.near->closest(name)) {
      read_ports_.emplace(stage, *meant);  // a typing error, and nothing that is not read
      return did_you_mean(meant);
    }
    const std::size_t shown = std::min(ports.all.size(), kMostPorts);
    std::string hint = "ports of kind " + quote(file_.stages[stage].kind->name) + ": " +
                       quote_list(std::span(ports.all).first(shown));
    if (ports.all.size() > shown) hint += ", ... (" + std::to_string(ports.all.size()) + " in all)";
    return hint;
  }

  bool check_port(const StageDecl& decl, std::size_t from, const StageRef& ref) {
    const StageDecl& producer = file_.stages[from];
    if (!producer.kind) return true;
    if (ref.port == kErrorsPort && producer.kind->failures != ItemFailures::kNone) {
      if (producer.failure.on_error == OnError::kRoute) return true;
      blame(ref.port_where, "stage " + quote(producer.group) + " sends no failed items",
            R"("on_error": "route" makes them leave by the port "errors")");
      return false;
    }
    if (producer.kind->is_sink()) {
      blame(ref.where,
            "stage " + quote(decl.group) + " reads from " + quote(producer.group) +
                ", which sends no items",
            "kind " + quote(producer.kind->name) + " is a sink");
      return false;
    }
    if (is_more_port(from, ref.port)) return true;
    if (!producer.are_options_right && !producer.kind->ports_option.empty()) return false;
    if (!producer.kind->has_port(ref.port)) {
      blame(ref.port_where, "stage " + quote(producer.group) + " has no port " + quote(ref.port),
            near_port(from, ref.port));
      return false;
    }
    if (sends_nothing(producer)) {
      blame(ref.where,
            "stage " + quote(decl.group) + " reads from " + quote(producer.group) +
                ", which sends no items",
            std::string(producer.kind->how_to_send));
      return false;
    }
    return true;
  }

  static bool sends_nothing(const StageDecl& decl) {
    return decl.kind->is_sink() || (decl.are_options_right && decl.kind->sends_nothing &&
                                    decl.kind->sends_nothing(decl.options));
  }

  void check_stage(std::size_t stage) {
    const StageDecl& decl = file_.stages[stage];
    if (!decl.kind || decl.kind->is_pipeline) return;
    const std::string kind = "kind " + quote(decl.kind->name);
    if (decl.from_where && decl.kind->input == Input::kNone) {
      blame(*decl.from_where, "stage " + quote(decl.group) + " takes no items",
            kind + " is a source");
    }
    if (!decl.from_where && decl.kind->input == Input::kRequired) {
      blame(decl.name_where, "stage " + quote(decl.group) + " has no \"from\"",
            kind + " works on the items of another stage");
    }
    if (decl.workers_where && !decl.kind->parallel && decl.workers != 1) {
      blame(*decl.workers_where, kind + " runs in one goroutine", "leave \"workers\" out");
    }
    if (decl.when != When::kSuccess && decl.needs.empty()) {
      blame(decl.when_where, "\"when\" asks how other stages ended, and the stage needs none",
            "name them: \"needs\": [...]");
    }
    if (decl.buffer_where && !decl.from_where) {
      blame(*decl.buffer_where, "\"buffer\" without \"from\" has no effect");
    }
    if (decl.order_where != ByteRange{} && !decl.from_where) {
      blame(decl.order_where, "\"order\" without \"from\" has no effect");
    }
    if (decl.window_where && !decl.keeps_order) {
      blame(*decl.window_where, R"("window" without "order": "input" has no effect)");
    }
    if (decl.kind->check && decl.are_options_right) {
      StageUse use{.options = decl.options,
                   .has_input = decl.from_where.has_value(),
                   .where = decl.name_where,
                   .retries = decl.failure.retry.max > 1,
                   .in_pool = {},
                   .ordered = {}};
      if (!decl.pool.empty()) use.in_pool = decl.pool_where;
      if (decl.keeps_order) use.ordered = decl.order_where;
      decl.kind->check(use, &errors_);
    }
  }

  void check_unread() {
    // A "from" that could not be read may have meant any stage.
    if (!std::ranges::all_of(file_.stages, &StageDecl::is_from_right)) return;
    for (std::size_t i = 0; i < file_.stages.size(); ++i) {
      const StageDecl& decl = file_.stages[i];
      if (decl.failure.on_error == OnError::kRoute && !are_errors_read_[i]) {
        blame(decl.on_error_where != ByteRange{} ? decl.on_error_where : decl.name_where,
              "no stage reads the failed items of stage " + quote(decl.group),
              R"(to print them: "failed": {"kind": "write", "from": )" +
                  quote(decl.group + "." + std::string(kErrorsPort)) + R"(, "path": "-"})");
      }
      check_unread_ports(i);
      if (is_read_[i] || !decl.kind || !decl.are_options_right || sends_nothing(decl)) continue;
      blame(
          decl.name_where, "no stage reads the items of stage " + quote(decl.group),
          !decl.kind->how_to_send_nothing.empty()
              ? std::string(decl.kind->how_to_send_nothing)
              : R"(to print them: "print": {"kind": "write", "from": )" + quote(decl.group) + "}");
    }
  }

  void check_unread_ports(std::size_t stage) {
    const StageDecl& decl = file_.stages[stage];
    if (!decl.kind) return;
    for (const std::string_view port : decl.kind->more_ports(decl.options)) {
      if (read_ports_.contains({stage, std::string(port)})) continue;
      blame(decl.options.where(decl.kind->ports_option),
            "no stage reads the port " + quote(port) + " of stage " + quote(decl.group),
            R"(to print them: "print": {"kind": "write", "from": )" +
                quote(decl.group + "." + std::string(port)) + "}");
    }
  }

  bool names(const StageRef& ref, std::size_t stage) const {
    const StageDecl& decl = file_.stages[stage];
    return ref.stage == decl.name || ref.stage == decl.group ||
           std::ranges::find(decl.inside, ref.stage) != decl.inside.end();
  }

  // The reference by which `to` waits for `from`, and its verb.
  std::pair<ByteRange, std::string_view> reference(std::size_t from, std::size_t to) const {
    const StageDecl& decl = file_.stages[to];
    const auto names_it = [&](const StageRef& ref) { return names(ref, from); };
    const auto input = std::ranges::find_if(decl.from, names_it);
    if (input != decl.from.end()) return {input->where, "reads from"};
    return {std::ranges::find_if(decl.needs, names_it)->where, "needs"};
  }

  // Blames every cycle; true if there is one.
  bool check_cycles() {
    Successors successors(graph_.stages.size());
    for (const Edge& edge : graph_.edges) successors[edge.from].push_back(edge.to);
    for (std::size_t i = 0; i < graph_.stages.size(); ++i) {
      for (const std::size_t need : graph_.stages[i].needs) successors[need].push_back(i);
    }
    const auto cycles = find_cycles(successors);
    for (const auto& cycle : cycles) blame_cycle(cycle);
    return !cycles.empty();
  }

  void blame_cycle(const std::vector<std::size_t>& cycle) {
    // Longer chains than this are told by their ends.
    constexpr std::size_t kMostSteps = 12;
    const ByteRange first = reference(cycle.back(), cycle.front()).first;
    std::string path;
    std::string steps;
    for (std::size_t i = 0; i < cycle.size(); ++i) {
      if (i >= kMostSteps / 2 && i + kMostSteps / 2 < cycle.size()) {
        if (i == kMostSteps / 2) {
          path += "... -> ";
          steps += ", ...";
        }
        continue;
      }
      const std::size_t from = cycle[i];
      const std::size_t to = cycle[(i + 1) % cycle.size()];
      const auto [where, verb] = reference(from, to);
      path += file_.stages[from].name + " -> ";
      steps += (steps.empty() ? "" : ", ") + quote(file_.stages[to].name) + " " +
               std::string(verb) + " " + quote(file_.stages[from].name) + " at " +
               place(where, first);
    }
    blame(first, "stages wait for each other: " + path + file_.stages[cycle.front()].name, steps);
  }

  // Blames stages that can never start; see the last rule in validate.h.
  void check_stalls() {
    const std::size_t count = graph_.stages.size();
    const auto node = [count](std::size_t stage, Event event) { return stage + event * count; };
    Successors then(count * kEvents);
    for (std::size_t i = 0; i < count; ++i) {
      then[node(i, kStarts)].push_back(node(i, kTakesItems));
      for (const std::size_t need : graph_.stages[i].needs) {
        then[node(need, kCompletes)].push_back(node(i, kStarts));
      }
    }
    for (const Edge& edge : graph_.edges) {
      const StageKind* kind = file_.stages[edge.from].kind;
      // One that gathers takes all its items before its consumers see the first.
      const Event held = kind && kind->gathers ? kCompletes : kTakesItems;
      then[node(edge.to, kTakesItems)].push_back(node(edge.from, held));
      then[node(edge.from, kCompletes)].push_back(node(edge.to, kCompletes));
    }
    for (std::size_t i = 0; i < count; ++i) {
      then[node(i, kTakesItems)].push_back(node(i, kCompletes));
    }
    for (const auto& cycle : find_cycles(then)) blame_stall(cycle);
  }

  void blame_stall(const std::vector<std::size_t>& cycle) {
    // The lowest node of a cycle is a start, and only a "needs" leads to a start.
    const std::size_t count = graph_.stages.size();
    const std::size_t waiting = cycle.front() % count;
    const std::size_t awaited = cycle.back() % count;
    std::string path;
    std::size_t shown = count;
    for (const std::size_t node : cycle) {
      const std::size_t stage = node % count;
      if (stage != shown) path += file_.stages[stage].name + ", ";
      shown = stage;
    }
    blame(reference_of_need(awaited, waiting),
          "stage " + quote(file_.stages[waiting].name) + " needs " +
              quote(file_.stages[awaited].name) + ", which cannot complete before it starts",
          "channels are bounded, so each of these waits for the one before it: " + path +
              file_.stages[waiting].name);
  }

  ByteRange reference_of_need(std::size_t awaited, std::size_t waiting) const {
    const auto& needs = file_.stages[waiting].needs;
    const auto names_it = [&](const StageRef& ref) { return names(ref, awaited); };
    return std::ranges::find_if(needs, names_it)->where;
  }

  // Blames stages that run after a failure and read from one that does not.
  void check_after_failure() {
    const std::vector<bool> is_late = late_stages(graph_);
    for (const Edge& edge : graph_.edges) {
      if (!is_late[edge.to] || is_late[edge.from]) continue;
      blame(edge.where,
            "stage " + quote(file_.stages[edge.to].group) + " runs after a failure, and " +
                quote(file_.stages[edge.from].group) + ", whose items it reads, may not",
            "what it reads from needs \"when\", too");
    }
  }

  void complete(std::size_t stage) {
    StageDecl& decl = file_.stages[stage];
    StageSpec& spec = graph_.stages[stage];
    spec.name = decl.name;
    spec.group = decl.group;
    spec.weight = decl.weight;
    spec.kind = decl.kind;
    spec.workers = decl.workers;
    spec.failure = decl.failure;
    spec.keeps_order = decl.keeps_order;
    spec.window = decl.window;
    spec.options = std::move(decl.options);
    spec.where = decl.name_where;
  }

  const Source& source_;
  JobFile file_;
  Diagnostics& errors_;
  std::unordered_map<std::string, std::vector<std::size_t>> index_;  // by group and by name
  std::vector<std::string_view> names_;                              // of groups and stages
  std::vector<std::string_view> pipelines_;                          // those of them that are one
  std::unordered_map<std::string_view, std::size_t> pools_;          // by name, the first of one
  std::unordered_map<std::size_t, Ports> ports_;              // by stage, where they were asked for
  std::set<std::pair<std::size_t, std::string>> read_ports_;  // those that options give
  // Made when the first name is unknown.
  std::optional<NearNames> near_stages_;
  std::optional<NearNames> near_pools_;
  std::vector<bool> is_read_;  // by any reference, also a misspelt one
  std::vector<bool> are_errors_read_;
  Graph graph_;
};

}  // namespace

Validated validate(const Source& source, JobFile file, Diagnostics* errors) {
  return Validator(source, std::move(file), errors).validate();
}

}  // namespace gorun::jobs
