#include "jobs/load.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace gorun::jobs::load_test {

namespace {

// A directory of its own that is gone at the end of the test.
class Scratch {
 public:
  Scratch() {
    std::string path = (std::filesystem::temp_directory_path() / "gorun-load-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string write(std::string_view name, std::string_view bytes) const {
    const std::filesystem::path path = path_ / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

// What gorun says of a file, without the path before it.
std::string refusal(const std::string& path) {
  const LoadedSource loaded = read_source(path);
  std::string text;
  if (!loaded.errors.empty()) {
    text = render(loaded.source, loaded.errors);
  } else {
    const Result<Graph> graph = load_job(loaded.source);
    text = graph ? "(accepted)" : render(loaded.source, graph.errors());
  }
  return text.starts_with(path) ? text.substr(path.size()) : text;
}

Graph load(std::string_view text, const VarSettings& settings = {}) {
  const Source source("job.json", std::string(text));
  Result<Graph> graph = load_job(source, settings);
  REQUIRE_MESSAGE(graph.ok(), (graph ? "" : render(source, graph.errors())));
  return std::move(graph).value();
}

// Processor time of this thread; the wall tells of other processes.
double cpu_s() {
  timespec now = {};
  REQUIRE(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// "BEGIN0END, BEGIN1END, ...", with the number also where END has a "#".
std::string repeated(int count, std::string_view begin, std::string_view end) {
  std::string all;
  for (int i = 0; i < count; ++i) {
    all.append(i == 0 ? "" : ",\n").append(begin).append(std::to_string(i));
    for (const char c : end) {
      if (c == '#') {
        all += std::to_string(i);
      } else {
        all += c;
      }
    }
  }
  return all;
}

constexpr std::string_view kWordCount = R"({
  // count the words of all texts below a directory
  "gorun": 1,
  "name": "word count",
  "vars": {"root": "texts", "n": 20, "keep": {"default": "[a-z]+"}},
  "env": {"LC_ALL": "C", "ROOT": "${{ vars.root }}", "N": 3},
  "limits": {"procs": 2},
  "fail": "fast",
  "stages": {
    "walk": {"kind": "walk", "root": "${{ vars.root }}", "include": ["*.txt", "*.md"], "min_size": "1K"},
    "read": {"kind": "read", "from": "walk", "workers": 3, "buffer": 8},
    "split": {"kind": "split", "from": {"stage": "read", "port": "out", "buffer": 2}, "by": "words"},
    "keep": {"kind": "filter", "from": "split", "match": "^${{ vars.keep }}$", "workers": "cpus"},
    "count": {"kind": "reduce", "from": "keep.out"},
    "top": {"kind": "top", "from": "count", "n": "${{ vars.n }}"},
    "write": {"kind": "write", "from": ["top"], "format": "tsv"},
    "done": {"kind": "exec", "argv": ["echo", "done with ${{ vars.root }}"], "needs": ["write", "walk"]}
  },
  "x-note": {"anything": [1, 2]}
})";

}  // namespace

TEST_SUITE("jobs/load") {
  TEST_CASE("a job file becomes a graph of plain values") {
    const Graph graph = load(kWordCount);
    CHECK(graph.name == "word count");
    CHECK(graph.env == Environment{{"LC_ALL", "C"}, {"ROOT", "texts"}, {"N", "3"}});
    CHECK(graph.limits.procs == 2);
    REQUIRE(graph.stages.size() == 8);
    REQUIRE(graph.edges.size() == 6);

    const StageSpec& walk = graph.stages[0];
    CHECK(walk.name == "walk");
    CHECK(walk.kind == find_kind("walk"));
    CHECK(walk.workers == kOnePerP);
    CHECK(walk.inputs.empty());
    CHECK(walk.outputs == std::vector<std::size_t>{0});
    CHECK(walk.options.texts("root") == std::vector<std::string>{"texts"});
    CHECK(walk.options.texts("include") == std::vector<std::string>{"*.txt", "*.md"});
    CHECK(walk.options.integer("min_size") == 1024);

    const StageSpec& read = graph.stages[1];
    CHECK(read.workers == 3);
    CHECK(graph.edges[read.inputs[0]].from == 0);
    CHECK(graph.edges[read.inputs[0]].to == 1);
    CHECK(graph.edges[read.inputs[0]].buffer == 8);
    CHECK(graph.edges[graph.stages[2].inputs[0]].buffer == 2);
    CHECK(graph.edges[graph.stages[3].inputs[0]].buffer == kDefaultBuffer);
    CHECK(graph.edges[graph.stages[4].inputs[0]].port == "out");
    CHECK(graph.stages[3].workers == kOnePerP);
    CHECK(graph.stages[3].options.text("match") == "^[a-z]+$");
    CHECK(graph.stages[4].workers == 1);
    CHECK(graph.stages[5].options.integer("n") == 20);
    CHECK(graph.stages[6].options.text("format") == "tsv");
    CHECK(graph.stages[7].needs == std::vector<std::size_t>{6, 0});
    CHECK(graph.stages[7].options.text_templates("argv")[1] == Template("done with texts"));
  }

  TEST_CASE("the last setting of a var wins over the job file") {
    const Graph graph = load(kWordCount, {{"n", "5"}, {"root", "a"}, {"root", "${{ item }} b"}});
    CHECK(graph.stages[5].options.integer("n") == 5);
    // A value is taken as it is.
    CHECK(graph.stages[0].options.texts("root") == std::vector<std::string>{"${{ item }} b"});
  }

  TEST_CASE("reports are paths, and github true, false or nothing") {
    const Graph graph = load(R"({"gorun": 1, "vars": {"d": "out", "g": true}, "report": {
      "junit": "${{ vars.d }}/j.xml", "trace": "t", "summary": "s", "html": "h",
      "github": "${{ vars.g }}"}, "stages": {"a": {"kind": "exec", "argv": ["true"]}}})");
    CHECK(graph.report ==
          Reports{.junit = "out/j.xml", .trace = "t", .summary = "s", .html = "h", .github = true});
    const Graph automatic = load(R"({"gorun": 1, "report": {"github": "auto"},
      "stages": {"a": {"kind": "exec", "argv": ["true"]}}})");
    CHECK(automatic.report == Reports{});
  }

  TEST_CASE("options of every shape are read") {
    const Graph graph = load(R"job({"gorun": 1, "vars": {"who": "a b", "w": "cpus"}, "stages": {
      "i": {"kind": "items", "items": ["x", 3, true, {"path": "p", "size": 1.50}, "${{ vars.who }}"]},
      "l": {"kind": "lines", "path": "in", "delimiter": "\u0000", "skip": 2},
      "m": {"kind": "map", "from": ["i", "l"], "text": "<${{ item }}>", "workers": "${{ vars.w }}",
            "replace": [{"pattern": "(a)", "with": "\\1\\1"}], "fields": {"who": "${{ vars.who }}"}},
      "e": {"kind": "exec", "from": "m", "argv": ["echo", "{}", "-${{ item.who }}"], "cwd": "/",
            "env": {"X": "${{ item }}"}, "ok_codes": [0, 3], "stdin": "item", "stdout": "capture"},
      "s": {"kind": "exec", "shell": "true", "ok_codes": 1},
      "w": {"kind": "write", "from": "e", "path": "out", "atomic": false}}})job");
    const auto& items = graph.stages[0].options.items("items");
    REQUIRE(items.size() == 5);
    CHECK(items[0] == LiteralItem{"x", {}});
    CHECK(items[1] == LiteralItem{"3", {}});
    CHECK(items[2] == LiteralItem{"true", {}});
    CHECK(items[3] == LiteralItem{"p", {{"path", "p"}, {"size", "1.50"}}});
    CHECK(items[4] == LiteralItem{"a b", {}});
    CHECK(graph.stages[1].options.text("delimiter") == std::string(1, '\0'));
    const StageSpec& map = graph.stages[2];
    CHECK(map.inputs.size() == 2);
    CHECK(map.workers == kOnePerP);
    CHECK(map.options.text_template("text").uses_item());
    CHECK(map.options.replacements("replace") == std::vector<Replacement>{{"(a)", "\\1\\1"}});
    CHECK(map.options.named_templates("fields") == NamedTemplates{{"who", Template("a b")}});
    const StageOptions& exec = graph.stages[3].options;
    CHECK(exec.text_templates("argv").size() == 3);
    CHECK(exec.text_template("cwd") == Template("/"));
    CHECK(exec.named_templates("env").size() == 1);
    CHECK(exec.integers("ok_codes") == std::vector<std::int64_t>{0, 3});
    CHECK(exec.text("stdin") == "item");
    CHECK_FALSE(exec.has("shell"));
    CHECK(graph.stages[4].options.integers("ok_codes") == std::vector<std::int64_t>{1});
    CHECK_FALSE(graph.stages[5].options.flag("atomic"));
  }

  TEST_CASE("stages may wait for stages whose items are held back") {
    // The reducer takes all items of "a" before "w" has to take one.
    CHECK(load(R"({"gorun": 1, "stages": {
      "a": {"kind": "items", "items": ["x"]},
      "r": {"kind": "reduce", "from": "a"},
      "w": {"kind": "write", "from": "r", "needs": "a"}}})")
              .stages[2]
              .needs.size() == 1);
  }

  TEST_CASE("files that hold no job are refused in plain words") {
    const Scratch scratch;
    CHECK(refusal(scratch.path() + "/nothing.json") ==
          ": error: there is no such file\ngorun: 1 error; nothing was run\n");
    CHECK(refusal(scratch.path()) ==
          ": error: this is a directory, not a job file\ngorun: 1 error; nothing was run\n");
    CHECK(refusal("/proc/self/mem") ==
          ": error: the file cannot be read: input/output error\n"
          "gorun: 1 error; nothing was run\n");
    CHECK(refusal(scratch.write("bom.json", "\xef\xbb\xbf{}")) ==
          ":1:1: error: the file begins with a byte order mark\n  1 | ?{}\n    | ^\n"
          "  hint: save it as UTF-8 without BOM\ngorun: 1 error; nothing was run\n");
    CHECK(refusal(scratch.write("latin1.json", "{\n\t\"\xc3\xa9\": \"caf\xe9\"}")) ==
          ":2:11: error: the file is not UTF-8: byte 0xe9\n"
          "  2 | \t\"\xc3\xa9\": \"caf?\"}\n    | \t         ^\ngorun: 1 error; nothing was run\n");
    CHECK(refusal(scratch.write("utf16.json", std::string_view("\xff\xfe{\0", 4))) ==
          ":1:1: error: the file is not UTF-8: byte 0xff\n  1 | ??{?\n    | ^\n"
          "  hint: it looks like UTF-16; save it as UTF-8\ngorun: 1 error; nothing was run\n");
  }

  TEST_CASE("a file that may not be read is refused") {
    const Scratch scratch;
    const std::string path = scratch.write("secret.json", "{}");
    REQUIRE(::chmod(path.c_str(), 0) == 0);
    REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
    const bool is_root = ::geteuid() == 0;
    if (is_root) REQUIRE(::seteuid(65534) == 0);  // root may read anything
    const std::string said = refusal(path);
    if (is_root) REQUIRE(::seteuid(0) == 0);
    CHECK(said ==
          ": error: the file may not be read: permission denied\n"
          "gorun: 1 error; nothing was run\n");
  }

  TEST_CASE("a file of 10,000 stages costs ten times one of 1,000, right or wrong") {
    // Of a file of so many stages.
    const auto cost = [](int count, bool is_right) {
      std::string text = R"({"gorun": 1, "stages": {"s0": {"kind": "walk"})";
      for (int i = 1; i < count; ++i) {
        text += ",\n\"s" + std::to_string(i) + R"(": {"kind": "map", "from": ")" +
                (is_right ? "s" : "z") + std::to_string(i - 1) + R"(", "text": "${{ item }}"})";
      }
      text += R"(, "w": {"kind": "write", "from": "s)" + std::to_string(count - 1) + R"("}}})";
      const Source source("job.json", text);
      const double begin = cpu_s();
      const Result<Graph> graph = load_job(source);
      const std::string said = graph ? "" : render(source, graph.errors());
      CHECK(graph.ok() == is_right);
      return cpu_s() - begin;
    };
    for (const bool is_right : {true, false}) {
      CAPTURE(is_right);
      const double small = cost(1'000, is_right);
      const double large = cost(10'000, is_right);
      // Whatever is quadratic makes it a hundred times; caches make it more than ten.
      CHECK(large < 50 * small);
    }
  }

  TEST_CASE("10,000 misspelt names cost ten times 1,000, and each is told what was meant") {
    struct Row {
      std::string name;  // of what is meant, without its number
      std::string (*text)(int count);
    };
    const Row rows[] = {
        {"stage-",
         [](int count) {
           return R"("stages": {)" +
                  repeated(count, "\"stage-", R"(": {"kind": "exec", "argv": ["x"]})") +
                  R"(, "z": {"kind": "exec", "argv": ["x"], "needs": [)" +
                  repeated(count, "\"stagee-", "\"") + "]}}";
         }},
        {"pool-",
         [](int count) {
           return R"("pools": {)" + repeated(count, "\"pool-", "\": 3") + R"(}, "stages": {)" +
                  repeated(count, "\"s", R"(": {"kind": "exec", "argv": ["x"], "pool": "pol-#"})") +
                  "}";
         }},
        {"var-",
         [](int count) {
           return R"("vars": {)" + repeated(count, "\"var-", "\": 3") +
                  R"(}, "stages": {"s": {"kind": "exec", "argv": [)" +
                  repeated(count, "\"${{ vars.vra-", " }}\"") + "]}}";
         }},
        {"port-",
         [](int count) {
           return R"("stages": {"n": {"kind": "range", "to": 3}, "w": {"kind": "write", "from": [)" +
                  repeated(count, "\"r.prot-", "\"") +
                  R"(]}, "r": {"kind": "route", "from": "n", "otherwise": "drop", "to": {)" +
                  repeated(count, "\"port-", R"(": {"item": 1})") + "}}}";
         }},
    };
    for (const Row& row : rows) {
      CAPTURE(row.name);
      const auto cost = [&row](int count) {
        const Source source("job.json", "{\"gorun\": 1, " + row.text(count) + "}");
        const double begin = cpu_s();
        const Result<Graph> graph = load_job(source);
        const double end = cpu_s();
        REQUIRE_FALSE(graph.ok());
        REQUIRE(graph.errors().size() == static_cast<std::size_t>(count));
        for (int i = 0; i < count; i += 99) {
          const std::string hint = "did you mean \"" + row.name + std::to_string(i) + "\"?";
          REQUIRE(graph.errors()[static_cast<std::size_t>(i)].hint.starts_with(hint));
        }
        return end - begin;
      };
      const double small = cost(1'000);
      CHECK(cost(10'000) < 50 * small);
    }
  }
}

}  // namespace gorun::jobs::load_test
