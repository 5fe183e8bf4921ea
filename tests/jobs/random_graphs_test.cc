// tests/jobs/random_graphs_test.cc - random job files, run by the engine and by a sequential
// interpreter of the same graph: every output has the same lines, in any order.
//
// A job is valid by construction: stages read from earlier ones, and what nobody reads gets a sink.
// Failures are injected by items that lack a field, texts that are no numbers and files that are
// not there; they are left out, routed or counted. GORUN_FUZZ_SEED and GORUN_FUZZ_COUNT choose
// others.
#include <doctest/doctest.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "jobs/executor.h"
#include "jobs/load.h"
#include "tests/support/scratch_dir.h"

namespace {

using namespace gorun::jobs;
using gorun::test::read_whole_file;
using gorun::test::ScratchDir;

constexpr std::size_t kMostItems = 20'000;  // more would only take longer

struct PlainItem {
  std::string text;
  std::map<std::string, std::string> fields;
};
using PlainItems = std::vector<PlainItem>;

// ---- the interpreter ---------------------------------------------------------------------------

class Interpreter {
 public:
  explicit Interpreter(const Graph& graph) : graph_(graph), outputs_(graph.stages.size()) {}

  // The lines of each sink, sorted, by its path; nothing if there are too many items.
  std::optional<std::map<std::string, std::vector<std::string>>> run() {
    for (std::size_t s = 0; s < graph_.stages.size(); ++s) {
      const StageSpec& stage = graph_.stages[s];
      PlainItems in;
      for (const std::size_t e : stage.inputs) {
        const PlainItems& from = outputs_[graph_.edges[e].from][graph_.edges[e].port];
        in.insert(in.end(), from.begin(), from.end());
      }
      if (in.size() > kMostItems) return std::nullopt;
      work(s, stage, in);
    }
    return std::move(sinks_);
  }

 private:
  void work(std::size_t s, const StageSpec& stage, const PlainItems& in) {
    PlainItems& out = outputs_[s]["out"];
    const std::string_view kind = stage.kind->name;
    if (kind == "items") return make_items(stage, &out);
    if (kind == "write") return write(stage, in);
    if (kind == "reduce") return reduce(s, stage, in, &out);
    for (const PlainItem& item : in) {
      if (kind == "filter") {
        if (keeps(stage, item)) out.push_back(item);
      } else if (kind == "split") {
        split(item, &out);
      } else if (kind == "map") {
        map(s, stage, item, &out);
      } else if (kind == "hash") {
        hash(s, stage, item, &out);
      } else {
        FAIL("the interpreter does not know kind " << kind);
      }
    }
  }

  void fail(std::size_t s, const StageSpec& stage, PlainItem item) {
    if (stage.failure.on_error != OnError::kRoute) return;
    item.fields["stage"] = stage.name;
    item.fields["item"] = item.text;
    item.fields["attempts"] = std::to_string(stage.failure.retry.max);
    outputs_[s]["errors"].push_back(std::move(item));
  }

  static void make_items(const StageSpec& stage, PlainItems* out) {
    for (const LiteralItem& literal : stage.options.items("items")) {
      PlainItem item{literal.text, {}};
      for (const auto& [name, value] : literal.fields) item.fields[name] = value;
      out->push_back(std::move(item));
    }
  }

  static bool keeps(const StageSpec& stage, const PlainItem& item) {
    std::string subject = item.text;
    if (stage.options.has("field")) {
      const auto field = item.fields.find(stage.options.text("field"));
      if (field == item.fields.end()) return stage.options.flag("invert");
      subject = field->second;
    }
    return RE2::PartialMatch(subject, stage.options.text("match")) != stage.options.flag("invert");
  }

  static void split(const PlainItem& item, PlainItems* out) {
    std::istringstream words(item.text);
    for (std::string word; words >> word;) out->push_back({word, item.fields});
  }

  // Nothing: a field is missing.
  static std::optional<std::string> evaluate(const Template& text, const PlainItem& item) {
    std::string made;
    for (const TemplatePart& part : text.parts()) {
      if (part.what == TemplatePart::What::kLiteral) made += part.text;
      if (part.what == TemplatePart::What::kItem) made += item.text;
      if (part.what != TemplatePart::What::kField) continue;
      const auto field = item.fields.find(part.text);
      if (field == item.fields.end()) return std::nullopt;
      made += field->second;
    }
    return made;
  }

  void map(std::size_t s, const StageSpec& stage, const PlainItem& item, PlainItems* out) {
    PlainItem made = item;
    if (stage.options.has("fields")) {
      for (const auto& [name, value] : stage.options.named_templates("fields")) {
        const auto text = evaluate(value, item);
        if (!text) return fail(s, stage, item);
        made.fields[name] = *text;
      }
    }
    if (stage.options.has("text")) {
      const auto text = evaluate(stage.options.text_template("text"), item);
      if (!text) return fail(s, stage, item);
      made.text = *text;
    }
    out->push_back(std::move(made));
  }

  void hash(std::size_t s, const StageSpec& stage, const PlainItem& item, PlainItems* out) {
    if (!std::filesystem::is_regular_file(item.text)) return fail(s, stage, item);
    PlainItem made = item;
    made.fields["size"] = std::to_string(read_whole_file(item.text).size());
    out->push_back(std::move(made));
  }

  void reduce(std::size_t s, const StageSpec& stage, const PlainItems& in, PlainItems* out) {
    std::map<std::string, long> groups;
    const bool sums = stage.options.aggregates("agg").front().function == "sum";
    for (const PlainItem& item : in) {
      long value = 1;
      if (sums) {
        const auto field = item.fields.find("n");
        if (field == item.fields.end() ||
            field->second.find_first_not_of("0123456789") != std::string::npos) {
          fail(s, stage, item);
          continue;
        }
        value = std::stol(field->second);
      }
      groups[item.text] += value;
    }
    for (const auto& [key, value] : groups) {
      out->push_back({key, {{"key", key}, {"value", std::to_string(value)}}});
    }
  }

  void write(const StageSpec& stage, const PlainItems& in) {
    std::vector<std::string>& lines = sinks_[stage.options.text("path")];
    for (const PlainItem& item : in) lines.push_back(item.text);
    std::ranges::sort(lines);
  }

  const Graph& graph_;
  std::vector<std::map<std::string, PlainItems>> outputs_;  // by stage and port
  std::map<std::string, std::vector<std::string>> sinks_;
};

// ---- the generator -----------------------------------------------------------------------------

class Generator {
 public:
  Generator(std::uint64_t seed, const std::string& dir) : random_(seed), dir_(dir) {}

  std::string job() {
    const int sources = 1 + below(3);
    for (int i = 0; i < sources; ++i) source();
    const int operators = 1 + below(8);
    for (int i = 0; i < operators; ++i) add_operator();
    // What nobody reads is written, and now and then what somebody reads as well.
    for (std::size_t p = 0; p < ports_.size(); ++p) {
      if (!ports_[p].is_read || chance(10)) sink({p});
    }
    return R"({"gorun": 1, "fail": "keep-going", "stages": {)" + stages_ + "\n}}\n";
  }

 private:
  struct Port {
    std::string name;
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
    std::string items;
    for (int n = one_of<int>({0, 1, 7, 100}); n > 0; --n)
      items += (items.empty() ? "" : ", ") + item();
    const std::string name = "s" + std::to_string(count_++);
    stage(name, R"("kind": "items", "items": [)" + items + "]");
    ports_.push_back({name});
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

  std::vector<std::size_t> choose_inputs() {
    std::vector<std::size_t> chosen = {
        static_cast<std::size_t>(below(static_cast<int>(ports_.size())))};
    while (chance(30)) {
      const auto more = static_cast<std::size_t>(below(static_cast<int>(ports_.size())));
      if (std::ranges::find(chosen, more) == chosen.end()) chosen.push_back(more);
    }
    return chosen;
  }

  void add_operator() {
    const std::string name = "s" + std::to_string(count_++);
    std::string body = from(choose_inputs()) + ", ";
    bool fails = true;
    const int which = below(7);
    if (which == 0) {
      body += R"("kind": "map", "text": "${{ item }} m")";
    } else if (which == 1) {
      body += R"("kind": "map", "fields": {"g": "${{ item.f }}"})";
    } else if (which == 2) {
      body += R"("kind": "map", "text": "${{ item.n }} ${{ item }}")";
    } else if (which == 3) {
      body += R"("kind": "filter", "match": "1", "invert": )";
      body += chance(50) ? "true" : "false";
      if (chance(30)) body += R"(, "field": "f")";
      fails = false;
    } else if (which == 4) {
      body += R"("kind": "split", "by": "words")";
      fails = false;
    } else if (which == 5) {
      body += R"("kind": "hash", "algorithm": "xxh3-64")";
      if (chance(50)) body += R"(, "retry": {"max": 3, "base": "50us", "cap": "100us"})";
    } else {
      body += R"("kind": "reduce", "agg": )";
      body += chance(50) ? "\"count\"" : R"("sum", "field": "n")";
    }
    if (which != 6) {
      if (chance(60)) body += R"(, "workers": )" + std::to_string(1 + below(5));
      if (chance(40))
        body += R"(, "order": "input", "window": )" + std::to_string(one_of<int>({1, 5, 500}));
    }
    bool routes = false;
    if (fails) {
      const std::string how = one_of<std::string>({"fail", "continue", "route"});
      routes = how == "route";
      body += R"(, "on_error": ")" + how + "\"";
      if (chance(30))
        body += R"(, "tolerate": )" + one_of<std::string>({"0", "3", R"({"percent": 20})"});
    }
    stage(name, body);
    ports_.push_back({name});
    if (routes) ports_.push_back({name + ".errors"});
  }

  void sink(std::vector<std::size_t> inputs) {
    const std::string name = "w" + std::to_string(count_++);
    stage(name,
          R"("kind": "write", "path": ")" + dir_ + "/" + name + R"(", )" + from(std::move(inputs)));
  }

  std::mt19937_64 random_;
  const std::string dir_;
  std::string stages_;
  std::vector<Port> ports_;
  int count_ = 0;
};

std::vector<std::string> sorted_lines(const std::string& path) {
  std::vector<std::string> lines;
  std::istringstream text(read_whole_file(path));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  std::ranges::sort(lines);
  return lines;
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_SUITE_BEGIN("jobs/random_graphs");

TEST_CASE("random graphs give what a sequential interpreter gives, at 1, 2 and 8 Ps") {
  const std::uint64_t first = number_from("GORUN_FUZZ_SEED", 20'000);
  const std::uint64_t count = number_from("GORUN_FUZZ_COUNT", 60);
  MESSAGE("seeds " << first << " to " << first + count - 1);
  std::size_t compared = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const ScratchDir dir;
    dir.write("file", "content");
    const std::string text = Generator(seed, dir.path()).job();
    CAPTURE(seed);
    CAPTURE(text);
    const Source source("job.json", text);
    const Result<Graph> graph = load_job(source);
    REQUIRE_MESSAGE(graph.ok(), (graph.ok() ? "" : render(source, graph.errors())));
    const auto expected = Interpreter(graph.value()).run();
    if (!expected) continue;
    ++compared;
    for (const int procs : {1, 2, 8}) {
      CAPTURE(procs);
      const Outcome outcome =
          execute(graph.value(), RunOptions{.procs = procs, .jitter = procs == 1 ? 0 : seed + 1});
      CHECK((outcome.state == RunState::kSucceeded || outcome.state == RunState::kFailed));
      for (const auto& [path, lines] : *expected) CHECK(sorted_lines(path) == lines);
    }
  }
  CHECK(compared > count / 2);
}

TEST_SUITE_END();
