// tests/fuzz/job_file_fuzz_test.cc - mutated job files: no crash, and every mistake has a place.
//
// Deterministic: the seed is fixed and shown with a failure. GORUN_FUZZ_SEED and
// GORUN_FUZZ_ROUNDS choose another seed and more rounds.
#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

#include "jobs/load.h"
#include "tests/support/scale.h"

namespace gorun::jobs::job_file_fuzz_test {

namespace {

constexpr std::string_view kSeedJob = R"job({
  "gorun": 1, // the format
  "name": "fuzz\u00e9\ud83d\ude00",
  "vars": {"root": "src", "n": 3, "mode": {"default": "a", "enum": ["a", "b"]}},
  "env": {"A": "x${{ vars.root }}"},
  "limits": {"procs": 2},
  "stages": {
    "files": {"kind": "walk", "root": ["${{ vars.root }}"], "min_size": "1K", "hidden": false},
    "digests": {"kind": "hash", "from": "files", "workers": "cpus", "algorithm": "sha256"},
    "some": {"kind": "take", "from": {"stage": "digests", "port": "out", "buffer": 7}, "n": 10},
    "named": {"kind": "map", "from": "some", "text": "${{ item.path }}\t\"x\"",
              "replace": {"pattern": "(a)", "with": "\\1"}, "fields": {"k": "${{ item }}"}},
    "out": {"kind": "write", "from": ["named.out"], "format": "jsonl"},
    "each": {"kind": "exec", "from": "files", "argv": ["echo", "{}", "{/.}"], "ok_codes": [0, 1]},
    "last": {"kind": "exec", "shell": "true", "needs": ["out", "each"]} /* end */
  }
})job";

constexpr std::array<std::string_view, 34> kTokens = {
    "{",        "}",
    "[",        "]",
    ",",        ":",
    "\"",       "\\",
    "//",       "/*",
    "*/",       "null",
    "true",     "-1",
    "1e999",    "0",
    "\t",       "\r\n",
    "\xff",     "\xc3",
    "\xe2\x80", "\xed\xa0\x80",
    "\\ud800",  "\\u0000",
    "${{",      "}}",
    "vars.",    "item",
    "\"from\"", "\"kind\"",
    "files",    "99999999999999999999",
    "''",       "[[[[[[[[",
};

std::uint64_t number_from_env(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string mutated(std::mt19937_64* random) {
  std::string text(kSeedJob);
  const auto below = [&](std::size_t limit) {
    return static_cast<std::size_t>((*random)() % std::max<std::size_t>(limit, 1));
  };
  const std::size_t edits = 1 + below(4);
  for (std::size_t i = 0; i < edits; ++i) {
    const std::size_t at = below(text.size() + 1);
    switch (below(7)) {
      case 0:  // lose some bytes
        text.erase(at, 1 + below(8));
        break;
      case 1:  // a byte turns into another
        if (at < text.size()) text[at] = static_cast<char>((*random)());
        break;
      case 2:
        text.insert(at, kTokens[below(kTokens.size())]);
        break;
      case 3:  // cut off
        if (below(4) == 0) text.resize(at);
        break;
      case 4:  // a piece stands somewhere else as well
        text.insert(at, text.substr(below(text.size() + 1), below(80)));
        break;
      case 5:  // neighbours change places
        if (at + 1 < text.size()) std::swap(text[at], text[at + 1]);
        break;
      default:  // a name turns into another
        if (const std::size_t name = text.find("files", at); name != std::string::npos) {
          text.replace(name, 5, kTokens[below(kTokens.size())]);
        }
    }
  }
  return text;
}

}  // namespace

TEST_SUITE("fuzz/job_file") {
  TEST_CASE("a mutated job file is loaded or blamed at a place inside it") {
    const std::uint64_t seed = number_from_env("GORUN_FUZZ_SEED", 20'260'101);
    const std::uint64_t rounds =
        number_from_env("GORUN_FUZZ_ROUNDS", gorun::test::scaled(6'000, 1'500));
    std::mt19937_64 random(seed);
    std::uint64_t accepted = 0;
    for (std::uint64_t round = 0; round < rounds; ++round) {
      const Source source("job.json", mutated(&random));
      INFO("seed ", seed, ", round ", round, "\n", std::string(source.text()));
      const Result<Graph> graph = load_job(source, VarSettings{{"n", "4"}});
      if (graph) {
        ++accepted;
        for (const Edge& edge : graph->edges) {
          REQUIRE(edge.from < graph->stages.size());
          REQUIRE(edge.to < graph->stages.size());
        }
        for (const StageSpec& stage : graph->stages) REQUIRE(stage.kind != nullptr);
        continue;
      }
      REQUIRE_FALSE(graph.errors().empty());
      for (const Diagnostic& error : graph.errors()) {
        REQUIRE_FALSE(error.what.empty());
        REQUIRE(error.what.find('\n') == std::string::npos);
        REQUIRE(error.hint.find('\n') == std::string::npos);
        if (!error.where) continue;  // an empty file, or the command line
        REQUIRE(error.where->begin <= error.where->end);
        REQUIRE(error.where->end <= source.text().size());
      }
      const std::string said = render(source, graph.errors());
      REQUIRE(said.ends_with("; nothing was run\n"));
    }
    // Comments, white space and names can change without harm, most else cannot.
    CHECK(accepted > rounds / 50);
    CHECK(accepted < rounds / 2);
  }
}

}  // namespace gorun::jobs::job_file_fuzz_test
