// tests/jobs/large_files_test.cc - places and answers are right at size. Times are printed and not
// asserted: the machine may be busy with other tests.

#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "jobs/diagnostic.h"
#include "jobs/load.h"
#include "tests/support/scale.h"

namespace gorun::jobs::large_files_test {

namespace {

using Clock = std::chrono::steady_clock;

std::string stage_name(int i) { return "stage-" + std::to_string(i); }

// A chain of commands.
std::string many_stages(int count, const std::string& last_needs) {
  std::string text = "{\"gorun\": 1,\r\n\t\"stages\": {\r\n";
  for (int i = 0; i < count; ++i) {
    text += "\t\t\"" + stage_name(i) +
            "\": {\"kind\": \"exec\", \"argv\": [\"echo\", "
            "\"\xe6\x97\xa5\xe6\x9c\xac\"], \"if\": \"1 == 1\", \"needs\": [";
    if (i > 0) text += "\"" + stage_name(i - 1) + "\"";
    if (i + 1 == count && !last_needs.empty()) text += ", \"" + last_needs + "\"";
    text += "]}" + std::string(i + 1 < count ? "," : "") + " // \xc3\xa9\r\n";
  }
  return text + "\t}\r\n}\r\n";
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

TEST_SUITE("jobs/large_files") {
  TEST_CASE("10,000 stages are checked, and a mistake in the last is found where it is") {
    const int count = 10'000 / test::kScale;
    const auto start = Clock::now();
    const Source right("job.json", many_stages(count, ""));
    const Result<Graph> graph = load_job(right);
    MESSAGE(count << " stages, " << right.text().size() << " bytes: " << seconds_since(start)
                  << " s");
    REQUIRE(graph.ok());
    CHECK(graph->stages.size() == static_cast<std::size_t>(count));

    const Source wrong("job.json", many_stages(count, "stage_" + std::to_string(count - 2)));
    const Result<Graph> refused = load_job(wrong);
    REQUIRE_FALSE(refused.ok());
    const std::string said = render(wrong, refused.errors());
    // Two tabs, then each character is a column, however many bytes it has.
    const std::size_t column =
        2 + (stage_name(count - 1).size() + 2) +
        std::string("\": {\"kind\": \"exec\", \"argv\": [\"echo\", \"xx\"], \"if\": \"1 == 1\", ")
            .size() -
        1 + std::string("\"needs\": [\"\", ").size() + stage_name(count - 2).size() + 1;
    CHECK(said.starts_with("job.json:" + std::to_string(count + 2) + ":" + std::to_string(column) +
                           ": error: stage \"" + stage_name(count - 1) +
                           "\" needs unknown stage \"stage_"));
    CHECK(said.find("did you mean \"" + stage_name(count - 2) + "\"?") != std::string::npos);
  }

  TEST_CASE("a file of 10 MB in one line has its mistake at the right column") {
    std::string text = "{\"gorun\": 1, \"x-pad\": \"";
    std::size_t columns = text.size();
    const std::size_t bytes = std::size_t{10'000'000} / test::kScale;
    while (text.size() < bytes) {
      text += "\xf0\x9f\x98\x80\xc3\xa9/*";
      columns += 4;
    }
    text += "\", \"nope\": 1, \"stages\": {\"a\": {\"kind\": \"exec\", \"argv\": [\"true\"]}}}";
    const auto start = Clock::now();
    const Source source("job.json", text);
    const Result<Graph> graph = load_job(source);
    REQUIRE_FALSE(graph.ok());
    const std::string said = render(source, graph.errors());
    MESSAGE(text.size() << " bytes: " << seconds_since(start) << " s");
    CHECK(said.starts_with("job.json:1:" + std::to_string(columns + 4) +
                           ": error: unknown key \"nope\"\n"));
    CHECK(said.size() < 1000);
  }
}

}  // namespace gorun::jobs::large_files_test
