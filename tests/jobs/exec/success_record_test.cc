// tests/jobs/exec/success_record_test.cc - records as text and back, damaged ones, and differences;
// and the directory that they lie in.

#include "jobs/exec/success_record.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "jobs/exec/record_store.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::success_record_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::read_whole_file;
using gorun::test::ScratchDir;

namespace {

FileRecord file(const std::string& name, const std::string& contents) {
  return {.name = name,
          .stamp = {.size = 1, .mtime_ns = -5, .ctime_ns = 1LL << 62, .inode = ~0ULL, .device = 3},
          .digest = digest_text(contents)};
}

SuccessRecord record() {
  SuccessRecord made;
  made.command = digest_text("cc");
  made.directory = digest_text("");
  made.input = digest_text("in");
  made.environment = {{"CC", digest_text("gcc")}, {"CFLAGS", digest_text("-O2")}};
  made.inputs = {file("a\n.c", "a"), file("b.c", "b")};
  made.outputs = {file("app", "x")};
  return made;
}

std::string only_path_below(const std::string& directory) {
  std::string found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    REQUIRE(found.empty());
    found = entry.path();
  }
  return found;
}

}  // namespace

TEST_SUITE_BEGIN("jobs/exec/success_record");

TEST_CASE("a record comes back as it was") {
  CHECK(parse_success_record(to_text(record())) == record());
  CHECK(parse_success_record(to_text({})) == SuccessRecord());
}

TEST_CASE("a text that was cut, or in which a bit was changed, is no record") {
  const std::string text = to_text(record());
  for (std::size_t size = 0; size < text.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(parse_success_record(text.substr(0, size)));
  }
  CHECK_FALSE(parse_success_record(text + "x"));
  for (std::size_t i = 0; i < text.size(); ++i) {
    CAPTURE(i);
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    CHECK_FALSE(parse_success_record(damaged));
  }
}

TEST_CASE("counts that promise more than there is are no record, and cost nothing") {
  const std::string text = to_text({});
  std::string body = text.substr(0, text.size() - 64);
  body.replace(body.rfind(std::string("0\0", 2)), 1, "99999999999999999");
  CHECK_FALSE(parse_success_record(body + digest_text(body)));
}

TEST_CASE("what differs is named, in a fixed order") {
  using Phrases = std::vector<std::string>;
  CHECK(differences(record(), record()).empty());
  SuccessRecord now = record();
  now.inputs[0].stamp = {};  // the contents count
  CHECK(differences(record(), now).empty());
  now.command = now.directory = now.input = "other";
  now.environment = {{"CC", digest_text("clang")}, {"LD", digest_text("ld")}};
  now.inputs = {file("b.c", "B"), file("c.c", "c")};
  now.outputs = {};
  CHECK(differences(record(), now) ==
        Phrases{"the command changed", "the directory that it runs in changed",
                "its standard input changed", "env \"CC\" changed",
                "env \"CFLAGS\" is no longer set", "env \"LD\" is set", "input \"a\\n.c\" is gone",
                "input \"b.c\" changed", "input \"c.c\" is new", "output \"app\" is missing"});
  now = record();
  now.outputs = {file("app", "y"), file("map", "")};
  CHECK(differences(record(), now) == Phrases{"output \"app\" changed", "output \"map\" is new"});
}

TEST_CASE("a store finds what was put, and nothing when it was removed or damaged") {
  const ScratchDir dir;
  const Graph graph;
  RecordStore store(graph, {dir / "deep/store"});
  const std::string key = store.key("build", "");
  CHECK(key != store.key("build", "1:x"));
  CHECK(key != store.key("other", ""));
  CHECK_FALSE(store.get(key).record);
  CHECK(store.get(key).warning.empty());
  CHECK_FALSE(store.remove(key));
  REQUIRE_FALSE(store.put(key, record()));
  REQUIRE_FALSE(store.put(key, record()));
  CHECK(store.get(key).record == record());
  const std::string path = only_path_below(dir / "deep");
  const std::string text = read_whole_file(path);
  std::filesystem::resize_file(path, text.size() / 2);
  CHECK_FALSE(store.get(key).record);
  CHECK(store.get(key).warning == "the record \"" + path + "\" is damaged, and as good as none");
  REQUIRE_FALSE(store.put(key, record()));
  CHECK(store.get(key).record == record());
  CHECK_FALSE(store.remove(key));
  CHECK_FALSE(store.get(key).record);
  CHECK(only_path_below(dir / "deep").empty());
}

TEST_CASE("a place that cannot be written to is an error") {
  const ScratchDir dir;
  dir.write("file", "");
  RecordStore store(Graph(), {dir / "file/below"});
  CHECK_FALSE(store.get(store.key("a", "")).record);
  const auto error = store.put(store.key("a", ""), record());
  REQUIRE(error);
  CHECK(error->message().find("cannot make directory \"") == 0);
}

TEST_CASE("the default place is beside the job file, and moves with it") {
  const ScratchDir dir;
  Graph graph;
  graph.file = dir / "one/job.json";
  RecordStore one(graph, cache_place(graph, "true"));
  REQUIRE_FALSE(one.put(one.key("a", ""), record()));
  CHECK(read_whole_file(dir / "one/.gorun/.gitignore") == "*\n");
  CHECK(std::filesystem::is_directory(dir / "one/.gorun/cache"));
  Graph other = graph;
  other.file = dir / "one/other.json";
  CHECK(RecordStore(other, cache_place(other, "true")).key("a", "") != one.key("a", ""));
}

TEST_CASE("of several writers at once each leaves a whole record") {
  const ScratchDir dir;
  const Graph graph;
  const std::string key = RecordStore(graph, {dir.path()}).key("a", "");
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      RecordStore store(graph, {dir.path()});
      SuccessRecord mine = record();
      mine.inputs.assign(static_cast<std::size_t>(w) * 100, file("x", "x"));
      for (int i = 0; i < 50; ++i) {
        if (store.put(key, mine)) std::abort();
        // What a reader sees is one of them, or has been replaced; never a part.
        if (!store.get(key).record) std::abort();
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(RecordStore(graph, {dir.path()}).get(key).record);
}

TEST_SUITE_END();

}  // namespace gorun::test::success_record_test
