#include "cli/count_job.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "cli/job_text.h"
#include "jobs/format/json_text.h"

namespace gorun::cli {
namespace {

// The expression that matches `text` and nothing else.
std::string escaped(std::string_view text) {
  constexpr std::string_view kMeta = "\\.+*?()|[]{}^$";
  std::string pattern;
  for (const char c : text) {
    if (kMeta.find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

class JobText {
 public:
  void begin_stage(std::string_view name, std::string_view kind) {
    text_ += stages_++ == 0 ? "\n" : "},\n";
    text_.append("    \"").append(name).append("\": {\"kind\": \"").append(kind).append("\"");
    last_ = name;
  }
  // A stage that reads from the one before.
  void follow(std::string_view name, std::string_view kind) {
    const std::string before = last_;
    begin_stage(name, kind);
    add("from", before);
  }
  void add(std::string_view key, std::string_view value) {
    add_string(key, without_expressions(value), &text_);
  }
  void add_json(std::string_view key, std::string_view json) {
    text_.append(", \"").append(key).append("\": ").append(json);
  }
  [[nodiscard]] std::string finish() const { return text_ + "}\n  }\n}\n"; }

 private:
  std::string text_ = "{\n  \"gorun\": 1,\n  \"stages\": {";
  std::string last_;
  int stages_ = 0;
};

// Where the texts come from; returns the stages as the value of "from".
std::string add_sources(const CountOptions& options, JobText* job) {
  std::vector<std::string> paths = options.paths;
  const bool reads_input = std::erase(paths, kStandardInput) > 0;
  std::string from;
  if (!paths.empty()) {
    std::string roots;
    for (const std::string& path : paths) {
      if (!roots.empty()) roots += ", ";
      jobs::append_json_string(without_expressions(path), &roots);
    }
    // A file that cannot be read is told of, and the others are counted all the same.
    job->begin_stage("files", "walk");
    job->add_json("root", paths.size() == 1 ? roots : "[" + roots + "]");
    job->add("on_error", "continue");
    job->follow("text", "read");
    if (!options.max_record.empty()) job->add("max_record", options.max_record);
    job->add("on_error", "continue");
    from = "\"text\"";
  }
  if (!reads_input) return from;
  job->begin_stage("input", "lines");
  std::string input = "\"input\"";
  if (!options.match.empty() && !options.total) {
    job->follow("named", "map");
    job->add_json("fields", R"({"path": "-"})");
    input = "\"named\"";
  }
  return from.empty() ? input : "[" + from + ", " + input + "]";
}

}  // namespace

std::string count_job_text(const CountOptions& options) {
  JobText job;
  const std::string from = add_sources(options, &job);
  const bool looks_for_lines = !options.match.empty();
  const std::string by = looks_for_lines ? "lines" : options.by;
  job.begin_stage(by == "regex" ? "matches" : by, "split");
  job.add_json("from", from);
  job.add("by", by);
  if (by == "regex") job.add("pattern", options.pattern);
  if (looks_for_lines) {
    job.follow("hits", "filter");
    job.add("match", options.is_fixed ? escaped(options.match) : options.match);
  }
  job.follow("counts", "reduce");
  if (options.total) {
    job.add_json("by", "[]");
  } else if (looks_for_lines) {
    job.add("by", "path");
  }
  if (options.top > 0) {
    job.follow("top", "top");
    job.add_json("n", std::to_string(options.top));
  } else if (!looks_for_lines && !options.total) {
    // Equal counts stay in the order of their keys.
    job.follow("sorted", "sort");
    job.add("by", "value");
    job.add_json("numeric", "true");
    job.add("order", "desc");
  }
  job.follow("out", "write");
  job.add("format", options.format);
  return job.finish();
}

}  // namespace gorun::cli
