// tests/cli/scale_test.cc - many small files and a large text in bounded memory.
//
// The counts are a part of what the test is for, so that it is quick; with GORUN_SCALE=full in the
// environment (ctest does so for the test labelled "slow") they are a million files and 1 GiB.
// Memory is asserted, but for sanitized builds, which need a multiple. Time is printed and not
// asserted: the machine may be busy with other tests.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

#include "tests/support/command.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::scale_test {

namespace {

constexpr long kMostKiB = 300L * 1024;

bool is_full_scale() {
  const char* scale = std::getenv("GORUN_SCALE");
  return scale != nullptr && std::string_view(scale) == "full";
}

// xorshift64: the same corpus in every run.
class Random {
 public:
  std::uint64_t below(std::uint64_t limit) {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    return state_ % limit;
  }

 private:
  std::uint64_t state_ = 0x9E3779B97F4A7C15U;
};

void report(const std::string& what, const CommandResult& result) {
  MESSAGE(what << ": " << result.wall_s << " s wall, " << result.cpu_s() << " s user and system, "
               << result.cpu_s() / result.wall_s << " cores, " << result.peak_kib() / 1024
               << " MiB peak");
}

// Lines of words that are drawn from a vocabulary of 50,000, the frequent ones far more often. At
// most 16 MiB are drawn, and repeated: more would take longer to draw than to count.
void write_text(const std::string& path, std::uint64_t bytes) {
  Random random;
  std::string piece;
  while (piece.size() < std::min(bytes, std::uint64_t{16} << 20U)) {
    const std::uint64_t rank = random.below(random.below(50'000) + 1);
    piece.append("w").append(std::to_string(rank)).append(random.below(12) == 0 ? "\n" : " ");
  }
  piece.back() = '\n';
  std::ofstream file(path, std::ios::binary);
  for (std::uint64_t written = 0; written < bytes; written += piece.size()) file << piece;
  REQUIRE(file.flush());
}

}  // namespace

TEST_SUITE_BEGIN("cli/scale");

TEST_CASE("many small files are hashed in bounded memory") {
  const int count = is_full_scale() ? 100'000 : gorun::test::scaled(5'000, 2'000);
  const ScratchDir scratch;
  Random random;
  const std::string text(2048, 'x');
  for (int i = 0; i < count; ++i) {
    const std::string name = "files/" + std::to_string(i / 1000) + "/" + std::to_string(i) + ".txt";
    scratch.write(name, name + text.substr(0, 1024 + random.below(1000)));
  }
  scratch.write(
      "job.json",
      "{\"gorun\": 1, \"stages\": {\n"
      "  \"files\": {\"kind\": \"walk\", \"root\": \"files\"},\n"
      "  \"hash\": {\"kind\": \"hash\", \"from\": \"files\"},\n"
      "  \"out\": {\"kind\": \"write\", \"from\": \"hash\", \"format\": \"sha256sum\"}}}\n");
  const CommandResult result =
      run_gorun({"-q", "job.json"}, {.directory = scratch.path(), .stdout_path = scratch / "sums"});
  report("hash", result);
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  if (gorun::test::kScale == 1) CHECK(result.peak_kib() < kMostKiB);
  const CommandResult verdict = run_command({"sha256sum", "--check", "--quiet", "--strict", "sums"},
                                            {.directory = scratch.path()});
  CHECK(verdict.status == 0);
  CHECK(std::ranges::count(read_whole_file(scratch / "sums"), '\n') == count);
}

TEST_CASE("a job file of 10,000 stages is checked at once") {
  const int count = 10'000 / gorun::test::kScale;
  std::string text = "{\"gorun\": 1, \"stages\": {\n";
  for (int i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    text += "\"s" + number +
            R"(": {"kind": "exec", "argv": ["echo", "${{ run.status }}"], "if": "1 == 1")";
    if (i > 0) text += R"(, "needs": ["s)" + std::to_string(i - 1) + "\"]";
    text += i + 1 < count ? "},\n" : "}\n";
  }
  const ScratchDir scratch;
  scratch.write("job.json", text + "}}\n");
  const CommandResult result = run_gorun({"check", "job.json"}, {.directory = scratch.path()});
  report("check", result);
  CHECK(result.status == 0);
  CHECK(result.err.empty());
}

TEST_CASE("sort and dedupe keep within limits.memory") {
  const int count = is_full_scale() ? 3'000'000 : gorun::test::scaled(1'000'000);
  const ScratchDir scratch;
  scratch.write("job.json",
                R"({"gorun": 1, "limits": {"memory": "24MiB"}, "stages": {
                   "n": {"kind": "range", "to": )" +
                    std::to_string(count) +
                    R"(}, "d": {"kind": "dedupe", "from": "n", "spill": "."},
                   "s": {"kind": "sort", "from": "d", "order": "desc", "numeric": true, "spill": "."},
                   "out": {"kind": "write", "from": "s", "path": "out"}}})");
  const CommandResult result = run_gorun({"-q", "job.json"}, {.directory = scratch.path()});
  report("dedupe and sort", result);
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  // Beside the budget there is the program itself.
  if (gorun::test::kScale == 1) CHECK(result.peak_kib() < (24 + 24) * 1024);
  const CommandResult same =
      run_command({"sh", "-c", "seq " + std::to_string(count) + " -1 1 | cmp - out"},
                  {.directory = scratch.path()});
  CHECK(same.status == 0);
}

// No two items are alike, so that no worker combines anything.
TEST_CASE("more groups than limits.memory holds are those that memory without a limit gives") {
  const int count = is_full_scale() ? 5'000'000 : gorun::test::scaled(1'000'000);
  const ScratchDir scratch;
  for (const char* memory : {"24MiB", "8GiB"}) {
    CAPTURE(memory);
    scratch.write("job.json", std::string(R"({"gorun": 1, "limits": {"procs": 2, "memory": ")") +
                                  memory + R"("}, "stages": {
                     "n": {"kind": "range", "to": )" +
                                  std::to_string(count) +
                                  R"(}, "counts": {"kind": "reduce", "from": "n", "spill": ".",
                         "agg": {"count": "count", "sum": "sum"}},
                     "out": {"kind": "write", "from": "counts", "format": "tsv", "path": "out"}}})");
    const CommandResult result = run_gorun({"-q", "job.json"}, {.directory = scratch.path()});
    report("reduce", result);
    CHECK(result.status == 0);
    CHECK(result.err.empty());
    const bool is_limited = std::string_view(memory) == "24MiB";
    // Without the limit the groups alone take some 100 bytes each.
    if (gorun::test::kScale == 1 && is_limited) CHECK(result.peak_kib() < (24 + 40) * 1024);
    const CommandResult same =
        run_command({"sh", "-c",
                     "seq " + std::to_string(count) +
                         R"( | LC_ALL=C sort | awk '{print $1 "\t1\t" $1}' | cmp - out)"},
                    {.directory = scratch.path()});
    CHECK(same.status == 0);
  }
}

// Each run on the disk has a record in hand while it is merged, each worker a few.
TEST_CASE("long records are grouped and sorted within limits.memory") {
  constexpr std::size_t kBytes = std::size_t{500} << 10;
  const int count = is_full_scale() ? 600 : gorun::test::scaled(200, 40);
  const ScratchDir scratch;
  {
    std::ofstream file(scratch / "in", std::ios::binary);
    Random random;
    for (int i = 0; i < count; ++i) {
      const std::string head = std::to_string(random.below(1'000'000'000));
      file << head << std::string(kBytes - head.size() - random.below(1'000), 'x') << '\n';
    }
    REQUIRE(file.flush());
  }
  for (const std::string what :
       {R"("kind": "sort")", R"("kind": "reduce", "agg": {"n": "count", "all": "list"})"}) {
    CAPTURE(what);
    scratch.write("job.json",
                  R"({"gorun": 1, "limits": {"memory": "64MiB", "procs": 2}, "stages": {
                     "f": {"kind": "items", "items": ["in"]}, "r": {"kind": "read", "from": "f"},
                     "l": {"kind": "split", "from": "r"},
                     "s": {"from": "l", "spill": ".", )" +
                      what + R"(}, "out": {"kind": "write", "from": "s", "path": "out"}}})");
    const CommandResult result = run_gorun({"-q", "job.json"}, {.directory = scratch.path()});
    report(what, result);
    CHECK(result.status == 0);
    CHECK(result.err.empty());
    // Beside the budget there is the program itself.
    if (gorun::test::kScale == 1) CHECK(result.peak_kib() < (64 + 16) * 1024);
    const CommandResult same =
        run_command({"sh", "-c", "LC_ALL=C sort in | cmp - out"}, {.directory = scratch.path()});
    CHECK(same.status == 0);
  }
}

TEST_CASE("different values of one group are counted within limits.memory, and a list has to fit") {
  const int count = is_full_scale() ? 10'000'000 : gorun::test::scaled(2'000'000, 200'000);
  const ScratchDir scratch;
  const auto reduce = [&](const std::string& how) {
    return run_gorun(
        {"-q", "-"},
        {.input = R"({"gorun": 1, "limits": {"memory": "24MiB", "procs": 2}, "stages": {
                        "n": {"kind": "range", "to": )" +
                  std::to_string(count) + R"(},
                        "all": {"kind": "reduce", "from": "n", "spill": ".", )" +
                  how + R"(}, "out": {"kind": "write", "from": "all"}}})",
         .directory = scratch.path()});
  };
  const CommandResult distinct = reduce(R"("by": [], "agg": "distinct")");
  report("distinct", distinct);
  CHECK(distinct.err.empty());
  CHECK(distinct.out == std::to_string(count) + "\n");
  if (gorun::test::kScale == 1) CHECK(distinct.peak_kib() < (24 + 24) * 1024);
  const CommandResult list = reduce(R"("by": [], "agg": "list")");
  CHECK(list.status == 1);
  CHECK(list.err.find("stage \"all\" failed: the list of all items has more than 262144 bytes (") !=
        std::string::npos);
}

TEST_CASE("words of one line are counted in a fraction of its size") {
  const auto mib = static_cast<std::uint64_t>(is_full_scale() ? 1024 : gorun::test::scaled(96, 8));
  const std::uint64_t bytes = mib << 20U;
  const ScratchDir scratch;
  write_text(scratch / "lines", bytes);
  REQUIRE(run_command({"sh", "-c", "tr '\\n' ' ' < lines > one"}, {.directory = scratch.path()})
              .status == 0);
  const auto count = [&](const std::string& file) {
    return run_gorun(
        {"-q", "-"},
        {.input = R"({"gorun": 1, "limits": {"memory": "16MiB", "procs": 2}, "stages": {
                        "f": {"kind": "items", "items": [")" +
                  file + R"("]}, "r": {"kind": "read", "from": "f"},
                        "w": {"kind": "split", "from": "r", "by": "words"},
                        "n": {"kind": "reduce", "from": "w", "agg": "count", "spill": "."},
                        "out": {"kind": "write", "from": "n", "format": "tsv"}}})",
         .directory = scratch.path()});
  };
  const CommandResult of_one = count("one");
  report("words of one line", of_one);
  CHECK(of_one.status == 0);
  CHECK(of_one.err.empty());
  CHECK(of_one.out.size() > 1000);
  CHECK(of_one.out == count("lines").out);
  if (gorun::test::kScale == 1) CHECK(of_one.peak_kib() < (16 + 24) * 1024);
}

// Every chunk of the text has a line that is kept.
TEST_CASE("few lines of a large text are sorted in bounded memory") {
  const auto pieces =
      static_cast<std::size_t>(is_full_scale() ? 4096 : gorun::test::scaled(512, 16));
  const ScratchDir scratch;
  std::string piece;
  while (piece.size() < 128U * 1024) piece += "a line like any other, of which nothing is kept\n";
  piece += "needle\n";
  {
    std::ofstream file(scratch / "text", std::ios::binary);
    for (std::size_t i = 0; i < pieces; ++i) file << piece;
    REQUIRE(file.flush());
  }
  for (const char* order : {"", R"(, "order": "input", "workers": 2)"}) {
    CAPTURE(order);
    scratch.write("job.json",
                  std::string(R"({"gorun": 1, "limits": {"memory": "16MiB", "procs": 2}, "stages": {
                     "file": {"kind": "items", "items": ["text"]},
                     "text": {"kind": "read", "from": "file"},
                     "lines": {"kind": "split", "from": "text", "by": "lines"},
                     "few": {"kind": "filter", "from": "lines", "match": "needle")") +
                      order + R"(},
                     "s": {"kind": "sort", "from": "few", "spill": "."},
                     "out": {"kind": "write", "from": "s", "path": "out"}}})");
    const CommandResult result = run_gorun({"-q", "job.json"}, {.directory = scratch.path()});
    report("few lines", result);
    CHECK(result.status == 0);
    CHECK(result.err.empty());
    // The text is at least 64 MiB; beside the budget there is the program itself.
    if (gorun::test::kScale == 1) CHECK(result.peak_kib() < (16 + 24) * 1024);
    const std::string out = read_whole_file(scratch / "out");
    CHECK(static_cast<std::size_t>(std::ranges::count(out, '\n')) == pieces);
  }
}

TEST_CASE("a large text is counted in bounded memory") {
  const int mib = is_full_scale() ? 1024 : gorun::test::scaled(48, 6);
  const std::uint64_t bytes = static_cast<std::uint64_t>(mib) << 20U;
  const ScratchDir scratch;
  write_text(scratch / "text", bytes);
  scratch.write("job.json",
                "{\"gorun\": 1, \"stages\": {\n"
                "  \"file\": {\"kind\": \"items\", \"items\": [\"text\"]},\n"
                "  \"text\": {\"kind\": \"read\", \"from\": \"file\"},\n"
                "  \"words\": {\"kind\": \"split\", \"from\": \"text\", \"by\": \"words\"},\n"
                "  \"counts\": {\"kind\": \"reduce\", \"from\": \"words\"},\n"
                "  \"out\": {\"kind\": \"write\", \"from\": \"counts\", \"format\": \"tsv\", "
                "\"path\": \"counts\"}}}\n");
  const CommandResult result = run_gorun({"-q", "job.json"}, {.directory = scratch.path()});
  report("word count", result);
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  if (gorun::test::kScale == 1) CHECK(result.peak_kib() < kMostKiB);
  const CommandResult sum = run_command(
      {"sh", "-c", "awk '{ n += $2 } END { printf \"%d\\n\", n }' counts; wc -w < text"},
      {.directory = scratch.path()});
  const std::size_t line = sum.out.find('\n') + 1;
  CHECK(sum.out.substr(0, line) == sum.out.substr(line));
}

TEST_CASE("a million tiny files are counted in bounded memory") {
  const int count = is_full_scale() ? 1'000'000 : gorun::test::scaled(5'000, 2'000);
  constexpr int kWords = 1'000;
  const ScratchDir scratch;
  // Names of the same files a thousand times: to make and to remove a million would take minutes.
  constexpr int kFiles = 3 * kWords;
  for (int i = 0; i < kFiles; ++i) {
    scratch.write("words/" + std::to_string(i),
                  "w" + std::to_string(i % kWords) + (i % 3 == 0 ? "" : "\n"));
  }
  std::string directory;
  for (int i = 0; i < count; ++i) {
    if (i % 1000 == 0) directory = scratch.make_dir("files/" + std::to_string(i / 1000)) + "/";
    std::filesystem::create_hard_link(scratch / ("words/" + std::to_string(i % kFiles)),
                                      directory + std::to_string(i));
  }
  const CommandResult result =
      run_gorun({"count", "--progress=none", "files"},
                {.directory = scratch.path(), .stdout_path = scratch / "counts"});
  report("tiny files", result);
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  if (gorun::test::kScale == 1) CHECK(result.peak_kib() < kMostKiB);
  std::map<std::string, int> words;
  for (int i = 0; i < kWords; ++i) words["w" + std::to_string(i)] = count / kWords;
  std::string expected;
  for (const auto& [word, times] : words) expected += word + "\t" + std::to_string(times) + "\n";
  CHECK(read_whole_file(scratch / "counts") == expected);
}

// What is over the limit is not gathered first. The file is a hole, of which the disk has nothing.
TEST_CASE("one record of 1 GiB is refused by file and offset, and the other files are counted") {
  const std::uintmax_t mib = is_full_scale() ? 1024 : 64;
  const ScratchDir scratch;
  scratch.write("in/long", "first line\n");
  std::filesystem::resize_file(scratch / "in/long", mib << 20U);
  scratch.write("in/short", "a line\n");
  const CommandResult result =
      run_gorun({"count", "--progress=none", "--by", "lines", "--max-record", "8MiB", "in"},
                {.directory = scratch.path()});
  report("one record", result);
  CHECK(result.status == 1);
  CHECK(result.out == "a line\t1\nfirst line\t1\n");
  CHECK(result.err ==
        "gorun: stage \"text\": \"in/long\" has a record of more than 8388608 bytes (at byte 11; "
        "a larger \"max_record\" lets it through) (item \"in/long\")\n");
  // The record, and a copy of it in twice the room.
  if (gorun::test::kScale == 1) CHECK(result.peak_kib() < 64L * 1024);
}

TEST_CASE("many items pass five stages in constant memory") {
  const std::uint64_t items = is_full_scale() ? 10'000'000 : gorun::test::scaled(400'000);
  const ScratchDir scratch;
  const auto run = [&scratch](std::uint64_t count) {
    scratch.write("job.json",
                  "{\"gorun\": 1, \"limits\": {\"procs\": 2}, \"stages\": {\n"
                  "  \"numbers\": {\"kind\": \"range\", \"to\": " +
                      std::to_string(count) +
                      "},\n"
                      "  \"digits\": {\"kind\": \"filter\", \"from\": \"numbers\", \"match\": "
                      "\"^[0-9]+$\"},\n"
                      "  \"named\": {\"kind\": \"map\", \"from\": \"digits\", \"text\": "
                      "\"/srv/${{ item }}\"},\n"
                      "  \"linked\": {\"kind\": \"map\", \"from\": \"named\", \"fields\": "
                      "{\"path\": \"${{ item }}\"}},\n"
                      "  \"out\": {\"kind\": \"write\", \"from\": \"linked\", \"path\": "
                      "\"/dev/null\"}}}\n");
    return run_gorun({"-q", "job.json", "--summary", "summary.json"},
                     {.directory = scratch.path()});
  };
  const CommandResult few = run(items / 100);
  const CommandResult many = run(items);
  report("items", many);
  CHECK(few.status == 0);
  CHECK(many.status == 0);
  CHECK(read_whole_file(scratch / "summary.json")
            .find("\"name\": \"out\", \"kind\": \"write\", \"state\": \"succeeded\"") !=
        std::string::npos);
  CHECK(read_whole_file(scratch / "summary.json")
            .find("\"items_in\": " + std::to_string(items) + ", \"items_out\": 0") !=
        std::string::npos);
  // A hundred times the items, and what the channels hold: two of them, 4096 items each.
  constexpr long kMostMoreKiB = 16L * 1024;
  if (gorun::test::kScale == 1) CHECK(many.peak_kib() < few.peak_kib() + kMostMoreKiB);
}

TEST_SUITE_END();

}  // namespace gorun::test::scale_test
