// tests/bench/parts_bench.cc - what the engines of jobs/ cost by themselves, one thread.
//
//   gorun_parts_bench words FILE     cut words; cut and count them             ns a word
//   gorun_parts_bench lines FILE     cut lines                                 ns a line, GB/s
//   gorun_parts_bench hash FILE      each algorithm over the file              GB/s
//   gorun_parts_bench small DIR      walk a tree and hash its files, SHA-256   us a file
//   gorun_parts_bench spawn PROGRAM  start it and wait for it, 1000 times      us a child
//
// Each figure is the best of several rounds. All but "spawn" are processor time of the one thread,
// so that a busy machine blurs them less; "spawn" is wall time.

#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/child_pump.h"
#include "jobs/hash/hash_file.h"
#include "jobs/mapreduce/group_table.h"
#include "jobs/subprocess.h"
#include "jobs/text/cutter.h"
#include "jobs/walk/walker.h"

namespace {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): a program of its own

constexpr int kRounds = 5;

double now(clockid_t clock) {
  timespec time = {};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Seconds of the fastest of kRounds calls.
template <class F>
double best_of(F&& work, clockid_t clock = CLOCK_THREAD_CPUTIME_ID) {
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const double begin = now(clock);
    work();
    best = std::min(best, now(clock) - begin);
  }
  return best;
}

std::string contents_of(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

template <class Cutter>
std::size_t count_records(Cutter cutter) {
  std::vector<std::string_view> records(kRecordBatch);
  std::size_t all = 0;
  while (const std::size_t count = cutter.next(records)) all += count;
  return all;
}

void words(const char* path) {
  const std::string text = contents_of(path);
  std::size_t count = 0;
  const double cut = best_of([&] { count = count_records(WordCutter(text)); });
  std::size_t groups = 0;
  const double counted = best_of([&] {
    const AggregateKind kinds[] = {AggregateKind::kCount};
    GroupTable table(kinds);
    WordCutter cutter(text);
    std::vector<std::string_view> records(kRecordBatch);
    while (const std::size_t n = cutter.next(records)) {
      static_cast<void>(table.add(std::span(records).first(n)));
    }
    groups = table.size();
  });
  const auto n = static_cast<double>(count);
  std::printf("%zu words, %zu different: cut %.2f ns a word, cut and count %.2f ns a word\n", count,
              groups, cut / n * 1e9, counted / n * 1e9);
}

void lines(const char* path) {
  const std::string text = contents_of(path);
  std::size_t count = 0;
  const double cut = best_of([&] { count = count_records(LineCutter(text)); });
  std::printf("%zu lines: %.2f ns a line, %.2f GB/s\n", count,
              cut / static_cast<double>(count) * 1e9, static_cast<double>(text.size()) / cut / 1e9);
}

void hash(const char* path) {
  std::vector<char> buffer(kHashBufferBytes);
  for (const Algorithm algorithm : all_algorithms()) {
    DigestPass pass({&algorithm, 1});
    std::uint64_t bytes = 0;
    const double took = best_of([&] {
      const auto result = hash_file(AT_FDCWD, path, pass, buffer);
      bytes = result.ok() ? result->size : 0;
    });
    std::printf("%-8s %.2f GB/s\n", std::string(algorithm_name(algorithm)).c_str(),
                static_cast<double>(bytes) / took / 1e9);
  }
}

void small(const char* path) {
  const Walker walker({});
  DirectoryReader reader;
  WalkStep step;
  const double walked = best_of([&] {
    step.clear();
    walker.begin(path, &step);
    while (!step.directories.empty()) {
      const PendingDirectory next = std::move(step.directories.back());
      step.directories.pop_back();
      walker.enter(next, reader, &step);
    }
  });
  const Algorithm algorithm = Algorithm::kSha256;
  DigestPass pass({&algorithm, 1});
  std::vector<char> buffer(kHashBufferBytes);
  std::uint64_t bytes = 0;
  const double hashed = best_of([&] {
    bytes = 0;
    for (const Found& found : step.found) {
      const auto result = hash_file(AT_FDCWD, found.path, pass, buffer);
      if (result.ok()) bytes += result->size;
    }
  });
  const auto n = static_cast<double>(step.found.size());
  std::printf("%zu files, %llu bytes: walk %.2f us a file, sha256 %.2f us a file\n",
              step.found.size(), static_cast<unsigned long long>(bytes), walked / n * 1e6,
              hashed / n * 1e6);
}

void spawn(const char* program) {
  ::signal(SIGPIPE, SIG_IGN);
  constexpr int kChildren = 1000;
  Command command;
  command.argv = {program};
  for (const StreamMode mode : {StreamMode::kInherit, StreamMode::kPipe}) {
    command.stdout_mode = mode;
    command.stderr_mode = mode;
    const double took = best_of(
        [&] {
          for (int i = 0; i < kChildren; ++i) {
            if (!run_child(command, {}, 0).ok()) std::abort();
          }
        },
        CLOCK_MONOTONIC);
    std::printf("%s: %.1f us a child\n", mode == StreamMode::kPipe ? "two pipes" : "no pipes",
                took / kChildren * 1e6);
  }
}

}  // namespace

int main(int argc, char** argv) {
  struct Row {
    std::string_view name;
    void (*run)(const char* argument);
  };
  constexpr Row kRows[] = {
      {"words", words}, {"lines", lines}, {"hash", hash}, {"small", small}, {"spawn", spawn}};
  if (argc == 3) {
    for (const Row& row : kRows) {
      if (row.name == argv[1]) {
        row.run(argv[2]);
        return 0;
      }
    }
  }
  std::fprintf(stderr, "usage: gorun_parts_bench words|lines|hash|small|spawn ARGUMENT\n");
  return 2;
}
