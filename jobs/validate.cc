#include "jobs/validate.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "jobs/cycles.h"
#include "jobs/edit_distance.h"
#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

// A search for a near name looks at every stage; beyond the errors that are shown it is for
// nothing, and in a file of 10,000 wrong references it would take minutes.
constexpr std::size_t kMaxSearches = kMaxShownErrors;

// What happens to a stage, as a node of the graph of waits: node = stage + event * stages.
enum Event : std::size_t { kStarts, kTakesItems, kCompletes, kEvents };

class Validator {
 public:
  Validator(const Source& source, JobFile file, Diagnostics* errors)
      : source_(source), file_(std::move(file)), errors_(*errors) {
    names_.reserve(file_.stages.size());
    for (std::size_t i = 0; i < file_.stages.size(); ++i) {
      index_.emplace(file_.stages[i].name, i);
      names_.push_back(file_.stages[i].name);
    }
    is_read_.resize(file_.stages.size());
  }

  Graph validate() && {
    graph_.name = std::move(file_.name);
    graph_.env = std::move(file_.env);
    graph_.procs = file_.procs;
    graph_.fail = file_.fail;
    graph_.stages.resize(file_.stages.size());
    for (std::size_t i = 0; i < file_.stages.size(); ++i) connect(i);
    for (std::size_t i = 0; i < file_.stages.size(); ++i) check_stage(i);
    check_unread();
    if (!check_cycles()) check_stalls();
    for (std::size_t i = 0; i < file_.stages.size(); ++i) complete(i);
    return std::move(graph_);
  }

 private:
  void blame(ByteRange where, std::string what, std::string hint = "") {
    errors_.push_back({.where = where, .what = std::move(what), .hint = std::move(hint)});
  }

  std::string place(ByteRange where) const { return to_string(source_.position(where.begin)); }

  // The stage that `ref` names, or nothing after the blame.
  std::optional<std::size_t> look_up(std::size_t stage, const StageRef& ref,
                                     std::string_view verb) {
    const StageDecl& decl = file_.stages[stage];
    const auto found = index_.find(ref.stage);
    if (found == index_.end()) {
      blame(ref.stage_where,
            "stage " + quote(decl.name) + " " + std::string(verb) + " unknown stage " +
                quote(ref.stage),
            near_stage(stage, ref.stage));
      return std::nullopt;
    }
    if (found->second == stage) {
      is_read_[stage] = true;  // wrong enough
      blame(ref.stage_where, "stage " + quote(decl.name) + " " + std::string(verb) + " itself");
      return std::nullopt;
    }
    return found->second;
  }

  std::string near_stage(std::size_t stage, const std::string& typed) {
    if (searches_++ >= kMaxSearches) {
      is_read_.assign(is_read_.size(), true);
      return "";
    }
    const auto meant = closest(typed, names_);
    if (!meant || *meant == names_[stage]) return "";
    const std::size_t other = index_.at(*meant);
    is_read_[other] = true;  // a typing error here is none there
    return "did you mean " + quote(*meant) + "? (declared at " +
           place(file_.stages[other].name_where) + ")";
  }

  void connect(std::size_t stage) {
    StageDecl& decl = file_.stages[stage];
    std::set<std::pair<std::size_t, std::string>> seen;
    for (StageRef& ref : decl.from) {
      const auto from = look_up(stage, ref, "reads from");
      if (!from) continue;
      is_read_[*from] = true;
      if (!check_port(decl, *from, ref)) continue;
      if (!seen.emplace(*from, ref.port).second) {
        blame(ref.where,
              "stage " + quote(decl.name) + " reads from " + quote(ref.stage) + " twice");
        continue;
      }
      const std::size_t edge = graph_.edges.size();
      graph_.edges.push_back(
          {*from, std::move(ref.port), stage, ref.buffer.value_or(decl.buffer), ref.where});
      graph_.stages[stage].inputs.push_back(edge);
      graph_.stages[*from].outputs.push_back(edge);
    }
    std::set<std::size_t> needed;
    for (const StageRef& ref : decl.needs) {
      const auto need = look_up(stage, ref, "needs");
      if (!need) continue;
      if (!needed.insert(*need).second) {
        blame(ref.where, "stage " + quote(decl.name) + " needs " + quote(ref.stage) + " twice");
        continue;
      }
      graph_.stages[stage].needs.push_back(*need);
    }
  }

  bool check_port(const StageDecl& decl, std::size_t from, const StageRef& ref) {
    const StageDecl& producer = file_.stages[from];
    if (!producer.kind) return true;
    if (producer.kind->is_sink()) {
      blame(ref.where,
            "stage " + quote(decl.name) + " reads from " + quote(producer.name) +
                ", which sends no items",
            "kind " + quote(producer.kind->name) + " is a sink");
      return false;
    }
    if (!producer.kind->has_port(ref.port)) {
      const auto& ports = producer.kind->ports;
      std::string hint = did_you_mean(ref.port, ports);
      if (hint.empty()) {
        hint = "ports of kind " + quote(producer.kind->name) + ": " + quote_list(ports);
      }
      blame(ref.port_where, "stage " + quote(producer.name) + " has no port " + quote(ref.port),
            std::move(hint));
      return false;
    }
    if (sends_nothing(producer)) {
      blame(ref.where,
            "stage " + quote(decl.name) + " reads from " + quote(producer.name) +
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
    if (!decl.kind) return;
    const std::string kind = "kind " + quote(decl.kind->name);
    if (decl.from_where && decl.kind->input == Input::kNone) {
      blame(*decl.from_where, "stage " + quote(decl.name) + " takes no items",
            kind + " is a source");
    }
    if (!decl.from_where && decl.kind->input == Input::kRequired) {
      blame(decl.name_where, "stage " + quote(decl.name) + " has no \"from\"",
            kind + " works on the items of another stage");
    }
    if (decl.workers_where && !decl.kind->parallel && decl.workers != 1) {
      blame(*decl.workers_where, kind + " runs in one goroutine", "leave \"workers\" out");
    }
    if (decl.buffer_where && !decl.from_where) {
      blame(*decl.buffer_where, "\"buffer\" without \"from\" has no effect");
    }
    if (decl.kind->check && decl.are_options_right) {
      decl.kind->check({decl.options, decl.from_where.has_value(), decl.name_where}, &errors_);
    }
  }

  void check_unread() {
    // A "from" that could not be read may have meant any stage.
    if (!std::ranges::all_of(file_.stages, &StageDecl::is_from_right)) return;
    for (std::size_t i = 0; i < file_.stages.size(); ++i) {
      const StageDecl& decl = file_.stages[i];
      if (is_read_[i] || !decl.kind || !decl.are_options_right || sends_nothing(decl)) continue;
      blame(decl.name_where, "no stage reads the items of stage " + quote(decl.name),
            !decl.kind->how_to_send_nothing.empty()
                ? std::string(decl.kind->how_to_send_nothing)
                : R"(to print them: "print": {"kind": "write", "from": )" + quote(decl.name) + "}");
    }
  }

  // The reference by which `to` waits for `from`, and its verb.
  std::pair<ByteRange, std::string_view> reference(std::size_t from, std::size_t to) const {
    const StageDecl& decl = file_.stages[to];
    const auto names_it = [&](const StageRef& ref) { return ref.stage == file_.stages[from].name; };
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
               std::string(verb) + " " + quote(file_.stages[from].name) + " at " + place(where);
    }
    const std::size_t last = cycle.back();
    blame(reference(last, cycle.front()).first,
          "stages wait for each other: " + path + file_.stages[cycle.front()].name, steps);
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
    return std::ranges::find(needs, file_.stages[awaited].name, &StageRef::stage)->where;
  }

  void complete(std::size_t stage) {
    StageDecl& decl = file_.stages[stage];
    StageSpec& spec = graph_.stages[stage];
    spec.name = decl.name;  // a copy: names_ and index_ look at it
    spec.kind = decl.kind;
    spec.workers = decl.workers;
    spec.options = std::move(decl.options);
    spec.where = decl.name_where;
  }

  const Source& source_;
  JobFile file_;
  Diagnostics& errors_;
  std::unordered_map<std::string_view, std::size_t> index_;
  std::vector<std::string_view> names_;
  std::vector<bool> is_read_;  // by any reference, also a misspelt one
  std::size_t searches_ = 0;
  Graph graph_;
};

}  // namespace

Graph validate(const Source& source, JobFile file, Diagnostics* errors) {
  return Validator(source, std::move(file), errors).validate();
}

}  // namespace gorun::jobs
