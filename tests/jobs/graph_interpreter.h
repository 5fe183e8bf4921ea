// tests/jobs/graph_interpreter.h - what a job gives, by the simplest code that could be right: one
// stage after the other, in this thread, every item in memory.
//
// It knows the kinds that random_graphs_test.cc makes. Written from what the README promises and
// not from the engine, of which it uses nothing but the parsed graph.
#pragma once

#include <doctest/doctest.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "jobs/graph.h"
#include "tests/support/scratch_dir.h"

namespace gorun::jobs::random_graphs {

inline constexpr std::size_t kMostItems = 20'000;  // more would only take longer

struct PlainItem {
  std::string text;
  std::map<std::string, std::string> fields;
};
using PlainItems = std::vector<PlainItem>;

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
    std::istringstream text(test::read_whole_file(path));
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
    made.text = test::read_whole_file(item.text);  // a chunk is larger
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
    made.fields["size"] = std::to_string(test::read_whole_file(item.text).size());
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

}  // namespace gorun::jobs::random_graphs
