// tests/jobs/memory_shares_test.cc - who gets how much of "limits.memory", and when it is too
// little.

#include "jobs/memory_shares.h"

#include <doctest/doctest.h>

#include <string>

#include "jobs/load.h"
#include "jobs/record_limit.h"
#include "tests/jobs/rejected_job.h"

namespace gorun::jobs::memory_shares_test {

namespace {

constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;

Graph graph_of(const std::string& limits, const std::string& stages) {
  const Source source("job.json",
                      R"({"gorun": 1, "limits": {)" + limits + R"(}, "stages": {)" + stages + "}}");
  Result<Graph> graph = load_job(source);
  REQUIRE_MESSAGE(graph.ok(), (graph.ok() ? "" : render(source, graph.errors())));
  return std::move(graph).value();
}

const StageSpec& stage(const Graph& graph, std::string_view name) {
  for (const StageSpec& stage : graph.stages) {
    if (stage.name == name) return stage;
  }
  throw std::out_of_range("no such stage");
}

// A source, four channels, one window, two keepers.
const std::string kStages = R"("r": {"kind": "range", "to": 9},
  "m": {"kind": "map", "from": "r", "text": "x", "workers": 2, "order": "input"},
  "s": {"kind": "sort", "from": "m"}, "d": {"kind": "dedupe", "from": "s"},
  "w": {"kind": "write", "from": "d"})";

}  // namespace

TEST_SUITE("jobs/memory_shares") {
  TEST_CASE("without a limit nobody is limited") {
    const Graph graph = graph_of("", kStages);
    CHECK(graph.limits.holder_bytes == kMaxMemory);
    CHECK_FALSE(kept_bytes(stage(graph, "s")));
    CHECK_FALSE(kept_bytes(stage(graph, "d")));
  }

  TEST_CASE("a small limit is shared evenly above the least parts") {
    // 5 channels and windows at 64 KiB and 2 keepers at 1 MiB; of the rest each has a seventh.
    const Graph graph = graph_of(R"("memory": "16MiB")", kStages);
    const std::int64_t spare = 16 * kMiB - 5 * 64 * kKiB - 2 * kMiB;
    CHECK(graph.limits.holder_bytes == 64 * kKiB + spare / 7);
    CHECK(kept_bytes(stage(graph, "s")) == (16 * kMiB - 5 * graph.limits.holder_bytes) / 2);
    CHECK(kept_bytes(stage(graph, "d")) == kept_bytes(stage(graph, "s")));
    CHECK(*kept_bytes(stage(graph, "s")) >= kMiB + spare / 7);
    CHECK_FALSE(kept_bytes(stage(graph, "m")));
  }

  TEST_CASE("what channels could not use goes to those that keep items") {
    const Graph graph = graph_of(R"("memory": "1GiB")", kStages);
    CHECK(graph.limits.holder_bytes == 16 * kMiB);
    CHECK(kept_bytes(stage(graph, "s")) == (1024 - 5 * 16) * kMiB / 2);
  }

  TEST_CASE("a memory of its own is taken off first") {
    const std::string stages = R"("r": {"kind": "range", "to": 9},
      "s": {"kind": "sort", "from": "r", "memory": "500MiB"}, "t": {"kind": "sort", "from": "s"},
      "w": {"kind": "write", "from": "t"})";
    const Graph graph = graph_of(R"("memory": "1GiB")", stages);
    CHECK(kept_bytes(stage(graph, "s")) == 500 * kMiB);
    CHECK(kept_bytes(stage(graph, "t")) == (524 - 3 * 16) * kMiB);
    CHECK(kept_bytes(stage(graph_of("", stages), "s")) == 500 * kMiB);
  }

  TEST_CASE("what is not run takes no part") {
    const std::string stages = R"("r": {"kind": "range", "to": 9},
      "s": {"kind": "sort", "from": "r"}, "w": {"kind": "write", "from": "s"},
      "x": {"kind": "range", "to": 9, "if": false}, "y": {"kind": "sort", "from": "x"},
      "z": {"kind": "write", "from": "y"})";
    CHECK(kept_bytes(stage(graph_of(R"("memory": "1GiB")", stages), "s")) ==
          (1024 - 2 * 16) * kMiB);
  }

  TEST_CASE("all parts together are no more than the limit") {
    for (const std::int64_t limit : {3 * kMiB, 5 * kMiB + 7, 100 * kMiB, 4096 * kMiB}) {
      CAPTURE(limit);
      const Graph graph = graph_of("\"memory\": " + std::to_string(limit), kStages);
      const std::int64_t all = 5 * graph.limits.holder_bytes + *kept_bytes(stage(graph, "s")) +
                               *kept_bytes(stage(graph, "d"));
      CHECK(all <= limit);
      CHECK(all > limit - 8);
    }
  }

  TEST_CASE("a record in hand is a 128th, unless the job says how long one may be") {
    const std::string stages = R"("f": {"kind": "items", "items": ["a"]},
      "r": {"kind": "read", "from": "f", "workers": 2}, "l": {"kind": "lines"},
      "m": {"kind": "read", "from": "f", "workers": 64},
      "g": {"kind": "read", "from": "f", "max_record": "3GiB"},
      "e": {"kind": "exec", "from": "r", "argv": ["cat"], "stdout": "items", "workers": 1},
      "w": {"kind": "write", "from": ["l", "m", "g", "e"]})";
    const auto limit = [&](const std::string& limits, std::string_view name) {
      return record_limit(stage(graph_of(limits, stages), name).options);
    };
    for (const char* name : {"r", "l", "m", "e"}) {
      CAPTURE(name);
      CHECK(limit("", name).bytes == kMaxRecordBytes);
      CHECK(limit("", name).way_out() == R"(a larger "max_record" lets it through)");
      CHECK(limit(R"("memory": "1MiB")", name).bytes == 256 * kKiB);  // what is read at a time
      CHECK(limit(R"("memory": "16TiB")", name).bytes == kMaxRecordBytes);
      const RecordLimit small = limit(R"("memory": "512MiB")", name);
      // More workers than are usual have more in hand.
      CHECK(small.bytes == (name == std::string_view("m") ? kMiB : 4 * kMiB));
      CHECK(small.way_out() ==
            R"("limits.memory" leaves a record so much; a larger "max_record" lets it through)");
    }
    CHECK(limit(R"("memory": "1MiB")", "g").bytes == 3U << 30U);
    CHECK_FALSE(limit(R"("memory": "1MiB")", "g").follows_memory);
  }

  TEST_CASE("a limit that does not reach is an error") {
    const RejectedJob jobs[] = {
        {.name = "keepers",
         .text = "{\"gorun\": 1, \"limits\": {\"memory\": \"2MiB\"}, \"stages\": {\n"
                 " \"r\": {\"kind\": \"range\", \"to\": 9},\n"
                 " \"m\": {\"kind\": \"hash\", \"from\": \"r\", \"order\": \"input\"},\n"
                 " \"s\": {\"kind\": \"sort\", \"from\": \"m\"},\n"
                 " \"d\": {\"kind\": \"dedupe\", \"from\": \"s\"},\n"
                 " \"w\": {\"kind\": \"write\", \"from\": \"d\"}}}\n",
         .errors =
             "job.json:1:35: error: a \"memory\" of 2MiB is too little for 4 channels, 1 window of "
             "\"order\": \"input\" and 2 stages that keep items (\"s\" and \"d\")\n"
             "  1 | {\"gorun\": 1, \"limits\": {\"memory\": \"2MiB\"}, \"stages\": {\n"
             "    |                                   ^~~~~~\n"
             "  hint: at least 2368KiB: 64KiB for each channel and window, 1MiB for each stage "
             "that keeps items\n"
             "gorun: 1 error; nothing was run\n",
         .settings = ""},
        {.name = "an owner",
         .text = "{\"gorun\": 1, \"limits\": {\"memory\": \"8MiB\"}, \"stages\": {\n"
                 " \"r\": {\"kind\": \"range\", \"to\": 9},\n"
                 " \"s\": {\"kind\": \"sort\", \"from\": \"r\", \"memory\": \"8MiB\"},\n"
                 " \"w\": {\"kind\": \"write\", \"from\": \"s\"}}}\n",
         .errors =
             "job.json:1:35: error: a \"memory\" of 8MiB is too little for 2 channels and the 8MiB "
             "that \"s\" asks for\n"
             "  1 | {\"gorun\": 1, \"limits\": {\"memory\": \"8MiB\"}, \"stages\": {\n"
             "    |                                   ^~~~~~\n"
             "  hint: at least 8320KiB: 64KiB for each channel and window, 1MiB for each stage "
             "that keeps items\n"
             "gorun: 1 error; nothing was run\n",
         .settings = ""},
    };
    for (const RejectedJob& job : jobs) {
      CAPTURE(job.name);
      CHECK(rendered_errors(job) == job.errors);
    }
  }
}

}  // namespace gorun::jobs::memory_shares_test
