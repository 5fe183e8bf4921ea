// tests/jobs/random_graphs_test.cc - random job files, run by the engine and by a sequential
// interpreter of the same graph: every output has the same lines, and in the same order where the
// job promises one.
//
// A job is valid by construction: stages read from earlier ones, and what nobody reads gets a sink.
// Failures are injected by items that lack a field, texts that are no numbers and files that are
// not there; they are left out, routed or counted. Buffers are small and memories smaller, so that
// everybody waits and sort and dedupe use the disk. GORUN_FUZZ_SEED and GORUN_FUZZ_COUNT choose
// others.
//
// Items have an order if they come from one source and each stage on their way has one worker or
// keeps their order. Kinds that depend on it (batch, take, dedupe by a field) are put there alone.
#include <doctest/doctest.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "jobs/executor.h"
#include "jobs/load.h"
#include "tests/support/scale.h"
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

  // The lines of each sink by its path; nothing if there are too many items.
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
    if (kind == "range") return make_numbers(stage, &out);
    if (kind == "lines") return make_lines(stage.options.text("path"), &out);
    if (kind == "walk") return make_paths(stage.options.texts("root").front(), &out);
    if (kind == "glob") return make_paths(stage.options.texts("pattern").front(), &out);
    if (kind == "write") return write(stage, in);
    if (kind == "reduce") return reduce(s, stage, in, &out);
    if (kind == "sort") return sort(s, stage, in, &out);
    if (kind == "top") return top(s, stage, in, &out);
    if (kind == "dedupe") return dedupe(s, stage, in, &out);
    if (kind == "batch") return batch(stage, in, &out);
    if (kind == "take") return take(stage, in, &out);
    if (kind == "merge") return void(out = in);
    for (const PlainItem& item : in) {
      if (kind == "filter") {
        if (keeps(stage, item)) out.push_back(item);
      } else if (kind == "split") {
        split(item, &out);
      } else if (kind == "map") {
        map(s, stage, item, &out);
      } else if (kind == "hash") {
        hash(s, stage, item, &out);
      } else if (kind == "read") {
        read(s, stage, item, &out);
      } else if (kind == "verify") {
        verify(s, stage, item, &out);
      } else if (kind == "route") {
        route(s, stage, item);
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

  static void make_numbers(const StageSpec& stage, PlainItems* out) {
    for (std::int64_t n = stage.options.integer("from_n"); n <= stage.options.integer("to");
         n += stage.options.integer("step")) {
      out->push_back({std::to_string(n), {}});
    }
  }

  static void make_lines(const std::string& path, PlainItems* out) {
    std::istringstream text(read_whole_file(path));
    for (std::string line; std::getline(text, line);) out->push_back({line, {}});
  }

  // Of a directory, or of all that a pattern DIRECTORY/* names.
  static void make_paths(const std::string& where, PlainItems* out) {
    const std::string directory = where.substr(0, where.find("/*"));
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      out->push_back({entry.path().string(), {{"path", entry.path().string()}}});
    }
    std::ranges::sort(*out, {}, &PlainItem::text);
  }

  static bool is_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  }

  // The value of the field "by", or of the text where there is none; nullptr: the item lacks it.
  static const std::string* key_of(const StageSpec& stage, const PlainItem& item) {
    if (!stage.options.has("by")) return &item.text;
    const auto field = item.fields.find(stage.options.text("by"));
    return field == item.fields.end() ? nullptr : &field->second;
  }

  // Those that have a key; the others fail.
  PlainItems with_keys(std::size_t s, const StageSpec& stage, const PlainItems& in) {
    PlainItems kept;
    for (const PlainItem& item : in) {
      if (key_of(stage, item) == nullptr) {
        fail(s, stage, item);
      } else {
        kept.push_back(item);
      }
    }
    return kept;
  }

  // Puts a permutation of `items` that `precedes` orders into `out`; equal ones stay as they came.
  template <class Precedes>
  static void put_in_order(const PlainItems& items, std::size_t most, Precedes precedes,
                           PlainItems* out) {
    std::vector<std::size_t> order(items.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
      if (precedes(items[a], items[b])) return true;
      return !precedes(items[b], items[a]) && a < b;
    });
    for (std::size_t i = 0; i < std::min(most, order.size()); ++i) out->push_back(items[order[i]]);
  }

  void sort(std::size_t s, const StageSpec& stage, const PlainItems& in, PlainItems* out) {
    const bool by_number = stage.options.flag("numeric");
    const bool falls = stage.options.text("order") == "desc";
    const auto most = stage.options.has("n") ? stage.options.integer("n") : std::int64_t{1} << 40;
    const auto precedes = [&](const PlainItem& left, const PlainItem& right) {
      const std::string& a = *key_of(stage, left);
      const std::string& b = *key_of(stage, right);
      if (by_number && is_number(a) != is_number(b)) return is_number(a);
      if (by_number && is_number(a)) {
        return falls ? std::stol(a) > std::stol(b) : std::stol(a) < std::stol(b);
      }
      return falls ? a > b : a < b;
    };
    put_in_order(with_keys(s, stage, in), static_cast<std::size_t>(most), precedes, out);
  }

  void top(std::size_t s, const StageSpec& stage, const PlainItems& in, PlainItems* out) {
    const bool falls = stage.options.text("order") == "desc";
    const auto precedes = [&](const PlainItem& left, const PlainItem& right) {
      const std::string& a = *key_of(stage, left);
      const std::string& b = *key_of(stage, right);
      if (is_number(a) != is_number(b)) return is_number(a);
      const bool are_numbers = is_number(a);
      if (are_numbers ? std::stol(a) != std::stol(b) : a != b) {
        const bool less = are_numbers ? std::stol(a) < std::stol(b) : a < b;
        return less != falls;
      }
      return left.text < right.text;
    };
    put_in_order(with_keys(s, stage, in), static_cast<std::size_t>(stage.options.integer("n")),
                 precedes, out);
  }

  void dedupe(std::size_t s, const StageSpec& stage, const PlainItems& in, PlainItems* out) {
    std::set<std::string> seen;
    for (const PlainItem& item : with_keys(s, stage, in)) {
      if (seen.insert(*key_of(stage, item)).second) out->push_back(item);
    }
  }

  static void batch(const StageSpec& stage, const PlainItems& in, PlainItems* out) {
    const auto size = static_cast<std::size_t>(stage.options.integer("n"));
    for (std::size_t begin = 0; begin < in.size(); begin += size) {
      const std::size_t end = std::min(begin + size, in.size());
      PlainItem made;
      for (std::size_t i = begin; i < end; ++i) {
        made.text += (i == begin ? "" : stage.options.text("separator")) + in[i].text;
      }
      made.fields = {{"count", std::to_string(end - begin)},
                     {"first", in[begin].text},
                     {"last", in[end - 1].text}};
      out->push_back(std::move(made));
    }
  }

  static void take(const StageSpec& stage, const PlainItems& in, PlainItems* out) {
    const auto most = static_cast<std::size_t>(stage.options.integer("n"));
    out->assign(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(std::min(most, in.size())));
  }

  static bool holds(const PredicateTest& test, const PlainItem& item) {
    const auto field = item.fields.find(test.field);
    const bool exists = test.field == "item" || field != item.fields.end();
    if (test.op == PredicateOp::kExists) return exists == (test.values.front() == "true");
    if (!exists) return false;
    const std::string& value = test.field == "item" ? item.text : field->second;
    if (test.op != PredicateOp::kContains) FAIL("the interpreter does not know this predicate");
    return value.find(test.values.front()) != std::string::npos;
  }

  void route(std::size_t s, const StageSpec& stage, const PlainItem& item) {
    for (const auto& [port, predicate] : stage.options.predicates("to")) {
      const bool fits = std::ranges::all_of(
          predicate, [&item](const PredicateTest& test) { return holds(test, item); });
      if (fits) return outputs_[s][port].push_back(item);
    }
    const std::string& otherwise = stage.options.text("otherwise");
    if (otherwise == "out") outputs_[s]["out"].push_back(item);
    if (otherwise == "fail") fail(s, stage, item);
  }

  static bool is_file(const std::string& path) {
    std::error_code any;  // a text may be too long for a name
    return std::filesystem::is_regular_file(path, any);
  }

  void read(std::size_t s, const StageSpec& stage, const PlainItem& item, PlainItems* out) {
    if (!is_file(item.text)) return fail(s, stage, item);
    PlainItem made = item;
    made.text = read_whole_file(item.text);  // a chunk is larger
    out->push_back(std::move(made));
  }

  void verify(std::size_t s, const StageSpec& stage, const PlainItem& item, PlainItems* out) {
    if (!item.fields.contains("digest")) return fail(s, stage, item);
    PlainItem made = item;
    made.fields["result"] = "OK";
    out->push_back(std::move(made));
  }

  void hash(std::size_t s, const StageSpec& stage, const PlainItem& item, PlainItems* out) {
    if (!is_file(item.text)) return fail(s, stage, item);
    PlainItem made = item;
    made.fields["size"] = std::to_string(read_whole_file(item.text).size());
    made.fields["digest"] = "its digest";
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

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  std::istringstream text(read_whole_file(path));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> in_order(std::vector<std::string> lines) {
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
  const std::uint64_t count = number_from("GORUN_FUZZ_COUNT", gorun::tests::scaled(60, 25));
  MESSAGE("seeds " << first << " to " << first + count - 1);
  std::size_t compared = 0;
  std::size_t in_their_order = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const ScratchDir dir;
    dir.write("file", "content");
    dir.write("lines", "b7 a\n\n1 22\na\nb7 a\n" + std::string(3000, 'x') + "\nlast 1");
    for (const char* name : {"data/a", "data/b1", "data/c2"})
      dir.write(name, std::string(name) + " 1");
    Generator generator(seed, dir.path());
    const std::string text = generator.job();
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
      for (const auto& [path, lines] : *expected) {
        CAPTURE(path);
        if (generator.ordered_sinks().contains(path)) {
          CHECK(lines_of(path) == lines);
          ++in_their_order;
        } else {
          CHECK(in_order(lines_of(path)) == in_order(lines));
        }
      }
    }
  }
  CHECK(compared > count / 2);
  CHECK(in_their_order > count);
}

TEST_SUITE_END();
