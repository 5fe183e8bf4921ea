// tests/jobs/stages/counted_files_test.cc - files of which only numbers are wanted are counted
// where the kernel keeps them, with the same result as when they are read.

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <string>
#include <string_view>
#include <thread>

#include "jobs/file_descriptor.h"
#include "tests/jobs/run_job.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::counted_files_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::failures_of;
using gorun::test::read_whole_file;
using gorun::test::run_job;
using gorun::test::scaled;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/stages/counted_files");

namespace {

constexpr int kProcs[] = {1, 2, 8};
constexpr std::size_t kMiB = std::size_t{1} << 20;

// Larger than a range; one line in eight has "needle", some of them twice.
std::string haystack(std::size_t bytes) {
  constexpr std::string_view kWords[] = {"hay ", "straw ", "grass ", "needles "};
  std::mt19937 random(1);
  std::string text;
  while (text.size() < bytes) {
    for (std::size_t words = random() % 12; words > 0; --words) {
      const std::size_t word = random() % 64;
      text += kWords[word < 3 ? 3 : word % 3];
    }
    text += '\n';
  }
  text.resize(bytes);  // in the midst of a line
  return text;
}

struct Counts {
  std::size_t lines = 0;
  std::size_t words = 0;
  std::size_t hits = 0;  // lines
};

Counts counts_of(std::string_view text) {
  Counts counts;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    ++counts.lines;
    counts.hits += line.find("needle") != std::string_view::npos ? 1 : 0;
    bool in_word = false;
    for (const char c : line) {
      counts.words += c != ' ' && !in_word ? 1 : 0;
      in_word = c != ' ';
    }
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return counts;
}

// What `stages`, which read from "text" and end with "counts", make of the file "in".
std::string job(const ScratchDir& dir, const std::string& stages) {
  return R"({"gorun": 1, "stages": {
      "file": {"kind": "items", "items": [")" +
         dir / "in" + R"("]},
      "text": {"kind": "read", "from": "file", "on_error": "continue"},
      )" +
         stages +
         R"(,
      "out": {"kind": "write", "from": "counts", "format": "tsv", "path": ")" +
         dir / "out" + R"("}}})";
}

std::string run_to_text(const ScratchDir& dir, const std::string& stages, int procs) {
  const Outcome outcome = run_job(job(dir, stages), procs);
  CHECK(failures_of(outcome) == "");
  return read_whole_file(dir / "out");
}

std::string split(const std::string& by) {
  return R"("lines": {"kind": "split", "from": "text", "by": ")" + by + "\"}";
}
std::string filter(const std::string& match) {
  return R"(, "hits": {"kind": "filter", "from": "lines", "match": ")" + match + "\"}";
}
std::string count(const std::string& from, const std::string& by) {
  return R"(, "counts": {"kind": "reduce", "from": ")" + from + R"(", "by": )" + by + "}";
}

}  // namespace

TEST_CASE("lines, words and hits of a large file are as many as there are") {
  const ScratchDir dir;
  const std::string text = haystack(9 * kMiB + 1234);
  const Counts counts = counts_of(text);
  dir.write("in", text);
  const std::string lines = std::to_string(counts.lines) + "\n";
  const std::string words = std::to_string(counts.words) + "\n";
  const std::string hits = std::to_string(counts.hits) + "\n";
  for (const int procs : kProcs) {
    CAPTURE(procs);
    CHECK(run_to_text(dir, split("lines") + count("lines", "[]"), procs) == lines);
    CHECK(run_to_text(dir, split("words") + count("lines", "[]"), procs) == words);
    // A literal, an expression that has one, and one without.
    for (const std::string match : {"needle", "needle[a-z]", "[m-o]eedl"}) {
      CAPTURE(match);
      CHECK(run_to_text(dir, split("lines") + filter(match) + count("hits", "[]"), procs) == hits);
    }
    // What looks at the texts is given those that it may keep.
    CHECK(run_to_text(dir,
                      split("lines") + filter("needle") + count("hits", "[]") +
                          R"(, "kept": {"kind": "write", "from": "hits", "path": ")" +
                          dir / "kept" + "\"}",
                      procs) == hits);
  }
}

TEST_CASE("records are counted by the fields of their file") {
  const ScratchDir dir;
  const std::string text = haystack(9 * kMiB);
  const Counts counts = counts_of(text);
  dir.write("files/in", text);
  dir.write("files/small", "a needle\nnone\n");
  const auto by_path = [&](const std::string& stages, int procs) {
    const Outcome outcome = run_job(R"({"gorun": 1, "stages": {
            "file": {"kind": "walk", "root": ")" +
                                        dir / "files" + R"("},
            "text": {"kind": "read", "from": "file"},
            )" + stages +
                                        R"(,
            "out": {"kind": "write", "from": "counts", "format": "tsv", "path": ")" +
                                        dir / "out" + R"("}}})",
                                    procs);
    CHECK(failures_of(outcome) == "");
    return read_whole_file(dir / "out");
  };
  for (const int procs : kProcs) {
    CAPTURE(procs);
    CHECK(by_path(split("lines") + filter("needle") + count("hits", R"(["path"])"), procs) ==
          dir / "files/in" + "\t" + std::to_string(counts.hits) + "\n" + dir / "files/small" +
              "\t1\n");
    CHECK(by_path(split("words") + count("lines", R"(["path"])"), procs) ==
          dir / "files/in" + "\t" + std::to_string(counts.words) + "\n" + dir / "files/small" +
              "\t3\n");
  }
}

TEST_CASE("a file that is cut off and written again all the time is counted or fails") {
  const ScratchDir dir;
  const std::string text = haystack(5 * kMiB);
  const std::string path = dir.write("in", text);
  const std::string changed = "text: \"" + path + "\" changed while it was read: ";
  std::atomic<bool> is_over = false;
  std::thread writer([&] {
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    std::mt19937 random(2);
    while (!is_over.load(std::memory_order_relaxed)) {
      const std::size_t left = random() % text.size();
      if (::ftruncate(file.get(), static_cast<off_t>(left)) != 0) break;
      for (std::size_t at = left; at < text.size();) {
        const ssize_t put =
            ::pwrite(file.get(), text.data() + at, text.size() - at, static_cast<off_t>(at));
        if (put <= 0) return;
        at += static_cast<std::size_t>(put);
      }
    }
  });
  for (int run = 0; run < scaled(60, 10); ++run) {
    const Outcome outcome =
        run_job(job(dir, split("lines") + filter("needle") + count("hits", "[]")), 2);
    const std::string failures = failures_of(outcome);
    CAPTURE(failures);
    CHECK((failures.empty() || failures.starts_with(changed)));
    CHECK((outcome.state == RunState::kSucceeded || outcome.state == RunState::kFailed));
  }
  is_over.store(true, std::memory_order_relaxed);
  writer.join();
}

TEST_SUITE_END();

}  // namespace gorun::test::counted_files_test
