// tests/jobs/graph_generator.h - random job files that are valid by construction: stages read from
// earlier ones, and what nobody reads gets a sink.
//
// Failures are injected by items that lack a field, texts that are no numbers and files that are
// not there; they are left out, routed or counted. Buffers are small and memories smaller, so that
// everybody waits and sort and dedupe use the disk.
//
// Items have an order if they come from one source and each stage on their way has one worker or
// keeps their order. Kinds that depend on it (batch, take, dedupe by a field) are put there alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/jobs/graph_interpreter.h"

namespace gorun::jobs::random_graphs {

class Generator {
 public:
  Generator(std::uint64_t seed, const std::string& dir) : random_(seed), dir_(dir) {}

  std::string job() {
    const int sources = 1 + below(3);
    for (int i = 0; i < sources; ++i) source();
    const int operators = 1 + below(10);
    for (int i = 0; i < operators; ++i) add_operator();
    // What nobody reads is written, and now and then what somebody reads as well.
    for (std::size_t p = 0; p < ports_.size(); ++p) {
      if (!ports_[p].is_read || chance(10)) sink({p});
    }
    return R"({"gorun": 1, "fail": "keep-going", "stages": {)" + stages_ + "\n}}\n";
  }

  /// Sinks whose lines have an order.
  [[nodiscard]] const std::set<std::string>& ordered_sinks() const { return ordered_sinks_; }

 private:
  struct Port {
    std::string name;
    bool is_ordered = false;
    bool is_source = false;
    bool ends_here = false;  // its fields depend on chance: only its texts may be looked at
    bool is_read = false;
  };

  int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  bool chance(int percent) { return below(100) < percent; }
  template <class T>
  const T& one_of(const std::vector<T>& choices) {
    return choices[static_cast<std::size_t>(below(static_cast<int>(choices.size())))];
  }

  void stage(const std::string& name, const std::string& body) {
    stages_ += (stages_.empty() ? "\n  \"" : ",\n  \"") + name + "\": {" + body + "}";
  }

  std::string item() {
    if (chance(15)) return "\"" + dir_ + (chance(60) ? "/file" : "/missing") + "\"";
    std::string text;
    for (int words = below(4); words >= 0; --words) {
      text += (text.empty() ? "" : " ") + one_of<std::string>({"a", "b7", "1", "22", "zz9", "a1b"});
    }
    if (chance(50)) return "\"" + text + "\"";
    std::string fields = R"({"t": ")" + text + "\"";
    if (chance(60)) fields += R"(, "f": ")" + one_of<std::string>({"x", "y1", ""}) + "\"";
    if (chance(60)) fields += R"(, "n": )" + one_of<std::string>({"1", "20", "\"no\""});
    return fields + "}";
  }

  void source() {
    const std::string name = "s" + std::to_string(count_++);
    const int which = below(8);
    if (which == 0) {
      stage(name, R"("kind": "range", "from_n": 3, "step": 7, "to": )" +
                      std::to_string(one_of<int>({0, 50, 2000})));
    } else if (which == 1) {
      stage(name, R"("kind": "lines", "path": ")" + dir_ + "/lines\"");
    } else if (which == 2) {
      stage(name, R"("kind": "glob", "pattern": ")" + dir_ + "/data/*\"");
    } else if (which == 3) {
      stage(name, R"("kind": "walk", "root": ")" + dir_ + "/data\"");
    } else {
      std::string items;
      for (int n = one_of<int>({0, 1, 7, 100}); n > 0; --n)
        items += (items.empty() ? "" : ", ") + item();
      stage(name, R"("kind": "items", "items": [)" + items + "]");
    }
    ports_.push_back({.name = name, .is_ordered = which != 3, .is_source = true});
  }

  std::string from(std::vector<std::size_t> chosen) {
    std::string refs;
    for (const std::size_t p : chosen) {
      ports_[p].is_read = true;
      const std::string& name = ports_[p].name;
      const std::size_t dot = name.find('.');
      refs += refs.empty() ? "" : ", ";
      if (!chance(50)) {
        refs += "\"" + name + "\"";
        continue;
      }
      refs += R"({"stage": ")" + name.substr(0, dot) + "\"";
      if (dot != std::string::npos) refs += R"(, "port": ")" + name.substr(dot + 1) + "\"";
      refs += R"(, "buffer": )" + std::to_string(one_of<int>({1, 2, 64})) + R"(, "bytes": )" +
              one_of<std::string>({"4096", "\"16MiB\""}) + "}";
    }
    return R"("from": [)" + refs + "]";
  }

  // Ports that may be read; none: all that are left end.
  std::vector<std::size_t> choose_inputs() {
    std::vector<std::size_t> open;
    for (std::size_t p = 0; p < ports_.size(); ++p) {
      if (!ports_[p].ends_here) open.push_back(p);
    }
    if (open.empty()) return {};
    std::vector<std::size_t> chosen = {one_of(open)};
    while (chance(30)) {
      const std::size_t more = one_of(open);
      if (std::ranges::find(chosen, more) == chosen.end()) chosen.push_back(more);
    }
    return chosen;
  }

  // One operator: what it is, and what becomes of the order of its items.
  struct Made {
    std::string body;
    bool may_fail = true;
    bool is_parallel = false;  // may have several workers
    bool runs_alone = true;    // without "workers" it has one
    bool makes_order = false;  // whatever comes in
    bool ends_here = false;
    std::vector<std::string> ports = {};  // beside "out", which has no order if this has some
    bool has_out = true;
  };

  Made simple_operator(int which) {
    switch (which) {
      case 0:
        return {.body = R"("kind": "map", "text": "${{ item }} m")", .is_parallel = true};
      case 1:
        return {.body = R"("kind": "map", "fields": {"g": "${{ item.f }}"})", .is_parallel = true};
      case 2:
        return {.body = R"("kind": "map", "text": "${{ item.n }} ${{ item }}")",
                .is_parallel = true};
      case 3: {
        Made made{.body = R"("kind": "filter", "match": "1", "invert": )",
                  .may_fail = false,
                  .is_parallel = true};
        made.body += chance(50) ? "true" : "false";
        if (chance(30)) made.body += R"(, "field": "f")";
        return made;
      }
      case 4:
        return {.body = R"("kind": "split", "by": "words")",
                .may_fail = false,
                .is_parallel = true,
                .runs_alone = false};
      case 5: {
        Made made{.body = R"("kind": "hash", "algorithm": "xxh3-64")",
                  .is_parallel = true,
                  .runs_alone = false};
        if (chance(50)) made.body += R"(, "retry": {"max": 3, "base": "50us", "cap": "100us"})";
        return made;
      }
      case 6:
        return {.body = R"("kind": "read")", .is_parallel = true, .runs_alone = false};
      default:
        return {.body = R"("kind": "verify")", .is_parallel = true, .runs_alone = false};
    }
  }

  Made route_operator() {
    const std::string otherwise = one_of<std::string>({"out", "fail", "drop"});
    return {
        .body = R"("kind": "route", "to": {"p": {"f": {"exists": true}, "item": {"contains": "1"}},
              "q": {"item": {"contains": "2"}}}, "otherwise": ")" +
                otherwise + "\"",
        .is_parallel = true,
        .ports = {"p", "q"},
        .has_out = otherwise == "out"};
  }

  // Those that gather, or depend on the order of what they get.
  Made keeper_operator(int which, const std::vector<std::size_t>& inputs) {
    const Port& input = ports_[inputs.front()];
    const bool is_ordered = inputs.size() == 1 && input.is_ordered;
    if (which == 0) {
      const bool counts = chance(50);
      return {.body = std::string(R"("kind": "reduce", "agg": )") +
                      (counts ? "\"count\"" : R"("sum", "field": "n")"),
              .makes_order = true};
    }
    if (which == 1) {
      Made made{.body = R"("kind": "sort")"};
      if (chance(40)) made.body += R"(, "by": "n", "numeric": true)";
      if (chance(40)) made.body += R"(, "order": "desc")";
      if (chance(40)) made.body += R"(, "memory": 4096, "spill": ")" + dir_ + "\"";
      // Which of equal ones is cut off depends on the order.
      if (is_ordered && chance(30)) made.body += R"(, "n": 5)";
      return made;
    }
    if (which == 2) {
      return {
          .body = R"("kind": "top", "by": "n", "n": )" + std::to_string(one_of<int>({1, 5, 500})),
          .makes_order = true,
          .ends_here = true};
    }
    if (which == 3) {
      Made made{.body = R"("kind": "dedupe")", .ends_here = !is_ordered};
      if (is_ordered && chance(40)) made.body += R"(, "by": "f")";
      if (chance(60)) made.body += R"(, "memory": 4096, "spill": ")" + dir_ + "\"";
      made.may_fail = made.body.find("\"by\"") != std::string::npos;
      return made;
    }
    if (which == 4 && is_ordered) {
      return {.body = R"("kind": "batch", "separator": "+", "n": )" +
                      std::to_string(one_of<int>({1, 3, 1000})),
              .may_fail = false};
    }
    if (which == 5) {
      // A stage before it that ends early would keep others from seeing what fails there.
      const bool may_end = inputs.size() == 1 && input.is_source && input.is_ordered;
      return {.body = R"("kind": "take", "n": )" + (may_end ? "5" : std::to_string(2 * kMostItems)),
              .may_fail = false};
    }
    Made made{.body = R"("kind": "merge", "policy": )", .may_fail = false};
    made.body += chance(50) ? "\"fair\"" : "\"any\"";
    return made;
  }

  void add_operator() {
    const std::vector<std::size_t> inputs = choose_inputs();
    if (inputs.empty()) return;
    const std::string name = "s" + std::to_string(count_++);
    bool is_ordered = inputs.size() == 1 && ports_[inputs.front()].is_ordered;
    const bool was_ordered = is_ordered;
    const int which = below(17);
    Made made = which < 8    ? simple_operator(which)
                : which < 10 ? route_operator()
                             : keeper_operator(which - 10, inputs);
    std::string body = from(inputs) + ", " + made.body;
    bool is_alone = made.runs_alone;
    bool keeps_order = false;
    if (made.is_parallel) {
      if (chance(60)) {
        const int workers = 1 + below(5);
        is_alone = workers == 1;
        body += R"(, "workers": )" + std::to_string(workers);
      }
      if (chance(40)) {
        keeps_order = true;
        body += R"(, "order": "input", "window": )" + std::to_string(one_of<int>({1, 5, 500}));
      }
    }
    // A second attempt comes after what was behind it.
    const bool retries = body.find("\"retry\"") != std::string::npos;
    is_ordered = made.makes_order || (is_ordered && ((is_alone && !retries) || keeps_order));
    bool routes = false;
    if (made.may_fail) {
      const std::string how = one_of<std::string>({"fail", "continue", "route"});
      routes = how == "route";
      body += R"(, "on_error": ")" + how + "\"";
      if (chance(30))
        body += R"(, "tolerate": )" + one_of<std::string>({"0", "3", R"({"percent": 20})"});
    }
    stage(name, body);
    if (made.has_out) {
      ports_.push_back({.name = name, .is_ordered = is_ordered, .ends_here = made.ends_here});
    }
    for (const std::string& port : made.ports) {
      ports_.push_back(
          {.name = name + "." + port, .is_ordered = was_ordered && (is_alone || keeps_order)});
    }
    if (routes) ports_.push_back({.name = name + ".errors"});
  }

  void sink(std::vector<std::size_t> inputs) {
    const std::string name = "w" + std::to_string(count_++);
    if (inputs.size() == 1 && ports_[inputs.front()].is_ordered) {
      ordered_sinks_.insert(dir_ + "/" + name);
    }
    stage(name,
          R"("kind": "write", "path": ")" + dir_ + "/" + name + R"(", )" + from(std::move(inputs)));
  }

  std::mt19937_64 random_;
  const std::string dir_;
  std::string stages_;
  std::vector<Port> ports_;
  std::set<std::string> ordered_sinks_;
  int count_ = 0;
};

}  // namespace gorun::jobs::random_graphs
