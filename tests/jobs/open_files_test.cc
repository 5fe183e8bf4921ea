// tests/jobs/open_files_test.cc - how many workers a limit of open files leaves.

#include "jobs/open_files.h"

#include <doctest/doctest.h>

#include <string>

#include "jobs/hash/hash_worker.h"
#include "jobs/load.h"
#include "tests/jobs/rejected_job.h"

namespace gorun::jobs::jobs_open_files_test {

namespace {

Graph graph_of(const std::string& stages) {
  const Source source("job.json", R"({"gorun": 1, "stages": {)" + stages + "}}");
  Result<Graph> graph = load_job(source);
  REQUIRE_MESSAGE(graph.ok(), (graph.ok() ? "" : render(source, graph.errors())));
  return std::move(graph).value();
}

const char* const kStages = R"("f": {"kind": "walk"}, "h": {"kind": "hash", "from": "f"},
  "e": {"kind": "exec", "from": "h", "argv": ["true"], "workers": 1000},
  "r": {"kind": "range", "to": 3}, "m": {"kind": "map", "from": "r", "text": "x", "workers": 500},
  "w": {"kind": "write", "from": "m"})";

}  // namespace

TEST_SUITE("jobs/open_files") {
  TEST_CASE("a limit that is large enough caps nobody") {
    const Graph graph = graph_of(kStages);
    const auto caps = cap_workers(graph, 4, most_files(graph, 4));
    REQUIRE(caps);
    CHECK((*caps)[0].workers == 4);
    CHECK((*caps)[1].batch_items == kHashNamesAtOnce);
    CHECK((*caps)[2].workers == 1000);
    CHECK((*caps)[4].workers == 0);  // it has none open
  }

  TEST_CASE("the least leaves a worker for each stage, and all to those without files") {
    const Graph graph = graph_of(kStages);
    const auto caps = cap_workers(graph, 4, least_files(graph, 4));
    REQUIRE(caps);
    CHECK((*caps)[0].workers == 1);
    CHECK((*caps)[1].workers == 1);
    CHECK((*caps)[1].batch_items == 1);
    CHECK((*caps)[2].workers == 1);
    CHECK((*caps)[4].workers == 0);  // it has none open
    CHECK_FALSE(cap_workers(graph, 4, least_files(graph, 4) - 1));
  }

  TEST_CASE("what is between is given out, and no more") {
    const Graph graph = graph_of(kStages);
    const std::int64_t least = least_files(graph, 4);
    for (const std::int64_t files : {least + 1, least + 50, least + 500, least + 5000}) {
      CAPTURE(files);
      const auto caps = cap_workers(graph, 4, files);
      REQUIRE(caps);
      Graph capped = graph_of(kStages);
      for (std::size_t s = 0; s < capped.stages.size(); ++s) {
        capped.stages[s].workers = (*caps)[s].workers;
      }
      // The names that hash has in hand at a time are counted whole here, and not below the cap.
      const std::int64_t not_in_hand =
          (*caps)[1].workers * static_cast<std::int64_t>(kHashNamesAtOnce - (*caps)[1].batch_items);
      const std::int64_t used = most_files(capped, 4) - not_in_hand;
      CHECK(used <= files);
      CHECK(used + 8 > files);  // a worker of exec takes that
    }
  }

  TEST_CASE("reducers have what commands have open, and their runs") {
    const std::string stages = R"("i": {"kind": "range", "to": 3},
      "r": {"kind": "reduce", "from": "i", "argv": ["cat"], "shards": )";
    const std::string out = R"(}, "w": {"kind": "write", "from": "r"})";
    const std::int64_t one = least_files(graph_of(stages + "1" + out), 4);
    CHECK(least_files(graph_of(stages + "4" + out), 4) == one + 3 * 10);
  }

  TEST_CASE("a limit below the least is refused, with what it would take") {
    const RejectedJob job = {
        .name = "few",
        .text =
            "{\"gorun\": 1, \"limits\": {\"open_files\": 20}, \"stages\": {\n"
            " \"f\": {\"kind\": \"walk\"},\n"
            " \"h\": {\"kind\": \"hash\", \"from\": \"f\"},\n"
            " \"e\": {\"kind\": \"exec\", \"from\": \"h\", \"argv\": [\"true\"]}}}\n",
        .errors =
            "job.json:1:39: error: \"open_files\" of 20 is too few for one worker of each "
            "stage\n"
            "  1 | {\"gorun\": 1, \"limits\": {\"open_files\": 20}, \"stages\": {\n"
            "    |                                       ^~\n"
            "  hint: at least 43: 30 for gorun itself, 8 for \"e\", 3 for \"h\", 2 for "
            "\"f\"\n"
            "gorun: 1 error; nothing was run\n",
        .settings = ""};
    CHECK(rendered_errors(job) == job.errors);
  }
}

}  // namespace gorun::jobs::jobs_open_files_test
