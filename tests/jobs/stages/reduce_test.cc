// tests/jobs/stages/reduce_test.cc - groups and aggregates of whole jobs, compared with awk, with a
// plain loop, and with each other: whatever the number of Ps, the memory, and the path taken.

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "jobs/mapreduce/group_key.h"
#include "tests/jobs/run_job.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::reduce_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::failures_of;
using gorun::test::read_whole_file;
using gorun::test::run_job;
using gorun::test::run_shell;
using gorun::test::scaled;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/stages/reduce");

namespace {

constexpr int kProcs[] = {1, 2, 8};

std::string job(const std::string& stages) { return R"({"gorun": 1, "stages": {)" + stages + "}}"; }

// Runs `stages` with a sink behind "counts" and returns what it wrote.
std::string result_of(const ScratchDir& dir, const std::string& stages, int procs,
                      const std::string& format = "tsv") {
  const Outcome outcome =
      run_job(job(stages + R"(, "out": {"kind": "write", "from": "counts", "format": ")" + format +
                  R"(", "path": ")" + dir / "out" + R"("})"),
              procs);
  CHECK(failures_of(outcome) == "");
  CHECK(outcome.state == RunState::kSucceeded);
  return read_whole_file(dir / "out");
}

// Rows "status TAB host TAB bytes", written as one file.
struct Row {
  std::string status;
  std::string host;
  long bytes;
};

std::vector<Row> random_rows(int count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Row> rows;
  for (int i = 0; i < count; ++i) {
    rows.push_back({std::to_string(200 + 100 * (random() % 4)), "h" + std::to_string(random() % 50),
                    static_cast<long>(random() % 10'000) - 100});
  }
  return rows;
}

std::string rows_as_fields(const ScratchDir& dir) {
  return R"("lines": {"kind": "lines", "path": ")" + dir / "rows" + R"("},
            "rows": {"kind": "map", "from": "lines",
                     "json": {"status": "/0", "host": "/1", "bytes": "/2"}})";
}

void write_rows(const ScratchDir& dir, const std::vector<Row>& rows) {
  std::string json;
  std::string tsv;
  for (const Row& row : rows) {
    const std::string bytes = std::to_string(row.bytes);
    json += "[\"" + row.status + "\",\"" + row.host + "\"," + bytes + "]\n";
    tsv += row.status + "\t" + row.host + "\t" + bytes + "\n";
  }
  dir.write("rows", json);
  dir.write("rows.tsv", tsv);
}

}  // namespace

TEST_CASE("several aggregates by several fields are those of awk, at any number of Ps") {
  const ScratchDir dir;
  write_rows(dir, random_rows(scaled(20'000, 2'000), 1));
  const auto awk = run_shell(
      "awk -F'\\t' '{k = $1 FS $2; n[k]++; s[k] += $3;"
      " if (n[k] == 1 || $3 < lo[k]) lo[k] = $3; if (n[k] == 1 || $3 > hi[k]) hi[k] = $3}"
      " END {for (k in n) print k FS n[k] FS s[k] FS lo[k] FS hi[k]}' '" +
      dir / "rows.tsv" + "' | sort -t\"$(printf '\\t')\" -k1,1 -k2,2");
  REQUIRE(awk.exit_status == 0);
  for (const int procs : kProcs) {
    CAPTURE(procs);
    CHECK(result_of(dir, rows_as_fields(dir) + R"(,
             "counts": {"kind": "reduce", "from": "rows", "by": ["status", "host"],
                        "agg": {"n": "count", "all": {"sum": "bytes"}, "least": {"min": "bytes"},
                                "most": {"max": "bytes"}}})",
                    procs) == awk.out);
  }
}

TEST_CASE("every aggregate is that of a plain loop, and the same in little memory") {
  const ScratchDir dir;
  const auto rows = random_rows(scaled(60'000, 6'000), 2);
  write_rows(dir, rows);
  std::map<std::string, std::vector<Row>> groups;
  for (const Row& row : rows) groups[row.host].push_back(row);
  std::string expected;
  for (auto& [host, group] : groups) {
    long sum = 0;
    long least = group.front().bytes;
    long most = least;
    std::set<std::string> statuses;
    std::vector<std::string> list;
    for (const Row& row : group) {
      sum += row.bytes;
      least = std::min(least, row.bytes);
      most = std::max(most, row.bytes);
      statuses.insert(row.status);
      list.push_back(row.status);
    }
    std::sort(list.begin(), list.end());
    std::string all;
    for (const std::string& status : list) all += (all.empty() ? "" : ",") + status;
    expected += host + "\t" + std::to_string(group.size()) + "\t" + std::to_string(sum) + "\t" +
                std::to_string(least) + "\t" + std::to_string(most) + "\t" +
                std::to_string(statuses.size()) + "\t" + all + "\n";
  }
  const std::string reduce = R"(,
      "counts": {"kind": "reduce", "from": "rows", "by": "host",
                 "agg": {"n": "count", "all": {"sum": "bytes"}, "least": {"min": "bytes"},
                         "most": {"max": "bytes"}, "kinds": {"distinct": "status"},
                         "list": {"list": "status"}})";
  for (const int procs : kProcs) {
    for (const char* memory : {"", R"(, "memory": "64KiB")"}) {
      CAPTURE(procs);
      CAPTURE(memory);
      CHECK(result_of(dir, rows_as_fields(dir) + reduce + memory + "}", procs) == expected);
    }
  }
}

TEST_CASE("a mean is the exact sum divided, in whatever parts and memory it was added") {
  const ScratchDir dir;
  std::mt19937 random(3);
  std::string text;
  std::string values;
  for (int i = 0; i < scaled(20'000, 2'000); ++i) {
    const std::string value = std::to_string(random() % 1'000'000) + "." +
                              std::to_string(random() % 997) + (random() % 5 == 0 ? "e-9" : "");
    text += "[" + std::to_string(random() % 700) + "," + value + "]\n";
  }
  dir.write("rows", text);
  const std::string python =
      run_shell(
          "python3 -c \"import json, sys, math, collections\n"
          "groups = collections.defaultdict(list)\n"
          "for line in open(sys.argv[1]):\n"
          "    key, value = json.loads(line)\n"
          "    groups[str(key)].append(value)\n"
          "for key in sorted(groups):\n"
          "    print(key, repr(math.fsum(groups[key]) / len(groups[key])), sep='\\t')\" '" +
          dir / "rows" + "'")
          .out;
  REQUIRE(python.size() > 1000);
  for (const int procs : kProcs) {
    for (const char* memory : {"64KiB", "64MiB"}) {
      CAPTURE(procs);
      CAPTURE(memory);
      const std::string ours =
          result_of(dir,
                    R"("lines": {"kind": "lines", "path": ")" + dir / "rows" + R"("},
             "rows": {"kind": "map", "from": "lines", "json": {"key": "/0", "value": "/1"}},
             "counts": {"kind": "reduce", "from": "rows", "by": "key", "agg": "mean",
                        "field": "value", "memory": ")" +
                        std::string(memory) + R"("})",
                    procs);
      // The shortest text of a double may be written in two ways.
      CHECK(
          run_shell("cd '" + dir.path() + "' && cat > ours <<'E'\n" + ours +
                    "E\ncat > theirs <<'E'\n" + python + "E\npython3 -c \"" +
                    "rows = lambda name: [(k, float(v)) for k, v in map(str.split, open(name))]\n" +
                    "assert rows('ours') == rows('theirs')\"")
              .exit_status == 0);
    }
  }
}

TEST_CASE("words that pass as bare records are counted as those that pass as items") {
  const ScratchDir dir;
  std::mt19937 random(4);
  std::map<std::string, long> expected;
  for (int file = 0; file < 3; ++file) {
    std::string text;
    for (int i = 0; i < scaled(60'000, 6'000); ++i) {
      std::string word(1 + random() % (random() % 7 == 0 ? 60 : 8), 'a');
      for (char& c : word) c = "ab\xff\0x"[random() % 5];
      ++expected[word];
      text += word + "  \n\t\v"[random() % 5];
    }
    dir.write("in/" + std::to_string(file), text);
  }
  const std::string head = R"("files": {"kind": "walk", "root": ")" + dir / "in" + R"("},
      "text": {"kind": "read", "from": "files", "chunk": 4096},
      "words": {"kind": "split", "from": "text", "by": "words"},)";
  const std::string few = R"(, "memory": "64KiB")";
  std::string first;
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const std::string bare =
        result_of(dir, head + R"("counts": {"kind": "reduce", "from": "words"})", procs);
    CHECK(bare == result_of(dir,
                            head + R"("counts": {"kind": "reduce", "from": "words")" + few + "}",
                            procs));
    CHECK(bare == result_of(dir, head + R"("same": {"kind": "filter", "from": "words",
                                                    "where": {"item": {"exists": true}}},
                                           "counts": {"kind": "reduce", "from": "same"})",
                            procs));
    if (first.empty()) first = bare;
    CHECK(bare == first);
  }
  std::size_t at = 0;
  std::size_t groups = 0;
  // Keys hold no line end and no tab.
  for (const auto& [key, count] : expected) {
    const std::string row = key + "\t" + std::to_string(count) + "\n";
    if (first.compare(at, row.size(), row) != 0) break;
    at += row.size();
    ++groups;
  }
  CHECK(groups == expected.size());
  CHECK(at == first.size());
}

TEST_CASE(
    "records that a filter let through, or all, are counted by a field of their file, or "
    "together") {
  const ScratchDir dir;
  std::string expected;
  long all = 0;
  for (int file = 0; file < 5; ++file) {
    std::string text;
    long hits = 0;
    for (int i = 0; i < 3'000 * file; ++i) {
      const bool hit = i % (file + 3) == 0;
      text += hit ? "a needle here\n" : "only hay\n";
      hits += hit ? 1 : 0;
    }
    const std::string path = dir.write("in/" + std::to_string(file), text);
    if (hits > 0) expected += path + "\t" + std::to_string(hits) + "\n";
    all += hits;
  }
  const std::string lines = R"("files": {"kind": "walk", "root": ")" + dir / "in" + R"("},
      "text": {"kind": "read", "from": "files", "chunk": 4096},
      "lines": {"kind": "split", "from": "text"},
      "hits": {"kind": "filter", "from": "lines", "match": "needle"},)";
  for (const int procs : kProcs) {
    CAPTURE(procs);
    CHECK(result_of(dir, lines + R"("counts": {"kind": "reduce", "from": "hits", "by": "path"})",
                    procs) == expected);
    CHECK(result_of(dir, lines + R"("counts": {"kind": "reduce", "from": "hits", "by": []})", procs,
                    "text") == std::to_string(all) + "\n");
    CHECK(result_of(dir, lines + R"("counts": {"kind": "reduce", "from": "hits", "by": [],
                                               "agg": {"n": "count"}})",
                    procs, "jsonl") == "{\"n\":" + std::to_string(all) + "}\n");
    const std::string unfiltered = lines.substr(0, lines.find("\"lines\""));
    CHECK(result_of(dir, unfiltered + R"("lines": {"kind": "split", "from": "text"},
                                         "counts": {"kind": "reduce", "from": "lines", "by": []})",
                    procs, "text") == "30000\n");
    CHECK(result_of(dir, unfiltered + R"("words": {"kind": "split", "from": "text", "by": "words"},
                                         "counts": {"kind": "reduce", "from": "words", "by": []})",
                    procs, "text") == std::to_string(2 * 30'000 + all) + "\n");
  }
}

TEST_CASE("lines of any bytes and files of any size are counted as they are") {
  const ScratchDir dir;
  const std::string texts[] = {
      "",
      "\n",
      "no line end",
      "\n\nempty lines before\n",
      "one\r\ntwo\r\n\r\n",
      std::string("\0\na\0b\n\0", 7),
      "\xff\xfe\n\xc3\n\xed\xa0\x80\n\xef\xbb\xbfmark",
      std::string(300'000, 'x') + "\n" + std::string(5'000, 'y'),
  };
  std::map<std::string, long> expected;
  std::size_t file = 0;
  const auto write = [&](const std::string& text) {
    dir.write("in/" + std::to_string(file++), text);
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      ++expected[text.substr(begin, end - begin)];
      begin = end + 1;
    }
  };
  for (const std::string& text : texts) write(text);
  for (int i = 0; i < scaled(2'000, 300); ++i) write("tiny " + std::to_string(i % 100));
  std::string hot;
  for (int i = 0; i < scaled(300'000, 30'000); ++i) hot += i % 1000 == 0 ? "cold\n" : "hot\n";
  write(hot);
  std::string counts;
  for (const auto& [line, count] : expected) counts += std::to_string(count) + " " + line + "\n";
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const std::string found = result_of(dir,
                                        R"("files": {"kind": "walk", "root": ")" + dir / "in" +
                                            R"("},
               "text": {"kind": "read", "from": "files", "chunk": 4096},
               "lines": {"kind": "split", "from": "text", "by": "lines"},
               "groups": {"kind": "reduce", "from": "lines"},
               "counts": {"kind": "map", "from": "groups", "workers": 1,
                          "text": "${{ item.value }} ${{ item.key }}"})",
                                        procs, "text");
    CHECK((found == counts));  // too long to be shown
  }
}

TEST_CASE("names of fields: key and value, unless there are several or they are given") {
  const ScratchDir dir;
  const std::string in =
      R"("rows": {"kind": "items", "items": [{"a": "x", "b": "1"}, {"a": "y", "b": "2"}]},
                            "counts": {"kind": "reduce", "from": "rows")";
  CHECK(result_of(dir, in + R"(, "by": "a", "agg": "sum", "field": "b"})", 2, "jsonl") ==
        "{\"key\":\"x\",\"value\":1}\n{\"key\":\"y\",\"value\":2}\n");
  CHECK(result_of(dir, in + R"(, "by": ["a", "b"]})", 2, "jsonl") ==
        "{\"a\":\"x\",\"b\":\"1\",\"value\":1}\n{\"a\":\"y\",\"b\":\"2\",\"value\":1}\n");
  CHECK(result_of(dir, in + R"(, "by": "a", "agg": {"all": {"list": "b"}}})", 2, "jsonl") ==
        "{\"a\":\"x\",\"all\":\"1\"}\n{\"a\":\"y\",\"all\":\"2\"}\n");
  CHECK(result_of(dir, in + R"(, "agg": {"n": "count"}})", 2, "jsonl") ==
        "{\"key\":\"x\",\"n\":1}\n{\"key\":\"y\",\"n\":1}\n");
  CHECK(result_of(dir, in + R"(, "by": ["a", "b"]})", 2, "text") == "x\t1\ny\t2\n");
  CHECK(result_of(dir, in + R"(, "by": [], "agg": {"n": "count", "all": {"sum": "b"}}})", 2,
                  "text") == "2\t3\n");
}

TEST_CASE("what an item lacks, or what is no number, fails that item alone") {
  const ScratchDir dir;
  const Outcome outcome =
      run_job(job(R"("rows": {"kind": "items", "items": [{"a": "x", "b": "1"}, {"a": "x"},
                              {"b": "2"}, {"a": "x", "b": "two"}, {"a": "x", "b": "40"}]},
                     "counts": {"kind": "reduce", "from": "rows", "by": "a", "on_error": "continue",
                                "agg": {"n": "count", "all": {"sum": "b"}, "list": {"list": "b"}}},
                     "out": {"kind": "write", "from": "counts", "format": "tsv", "path": ")" +
                  dir / "out" + R"("})"),
              2);
  CHECK(outcome.state == RunState::kSucceeded);
  CHECK(outcome.stages[1].let_go_count == 3);
  std::vector<std::string> whats;
  for (const Failure& failure : outcome.stages[1].let_go) whats.push_back(failure.what);
  CHECK(whats == std::vector<std::string>{"the item has no field \"b\"",
                                          "the item has no field \"a\"",
                                          "\"two\" is not a number"});
  CHECK(read_whole_file(dir / "out") == "x\t2\t41\t1,40\n");
}

TEST_CASE("groups whose order nobody sees are the same whoever puts them out") {
  const ScratchDir dir;
  std::mt19937 random(6);
  std::map<std::string, long> counts;
  std::string text;
  for (int i = 0; i < scaled(60'000, 6'000); ++i) {
    std::string word = std::to_string(random() % (1 + random() % 5'000));
    ++counts[word];
    text += word + "\n";
  }
  dir.write("rows", text);
  std::vector<std::pair<std::string, long>> best(counts.begin(), counts.end());
  std::ranges::sort(best, {}, [](const auto& one) { return std::pair(-one.second, one.first); });
  std::string first_100;
  for (std::size_t i = 0; i < 100; ++i) {
    first_100 += best[i].first + "\t" + std::to_string(best[i].second) + "\n";
  }
  std::map<std::string, long> alike;  // how many words there are of a count
  for (const auto& [word, count] : counts) ++alike[std::to_string(count)];
  std::string histogram;
  for (const auto& [count, words] : alike) {
    histogram.append(count).append("\t").append(std::to_string(words)).append("\n");
  }
  for (const std::string memory : {"", R"(, "memory": "64KiB")"}) {
    CAPTURE(memory);
    const std::string head = R"("rows": {"kind": "lines", "path": ")" + dir / "rows" + R"("},
        "words": {"kind": "reduce", "from": "rows")" +
                             memory + "},";
    for (const int procs : kProcs) {
      CAPTURE(procs);
      CHECK(result_of(dir, head + R"("counts": {"kind": "top", "from": "words", "by": "value",
                                                "n": 100})",
                      procs) == first_100);
      CHECK(result_of(dir, head + R"("same": {"kind": "filter", "from": "words",
                                              "where": {"value": {">=": 1}}},
                                     "counts": {"kind": "top", "from": "same", "by": "value",
                                                "n": 100})",
                      procs) == first_100);
      CHECK(result_of(dir, head + R"("counts": {"kind": "reduce", "from": "words", "by": "value"})",
                      procs) == histogram);
    }
  }
}

TEST_CASE("a reader that has enough ends those that make groups ready") {
  const ScratchDir dir;
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += std::to_string(100'000 + i * 7'919 % 60'000) + "\n";
  dir.write("rows", text);
  std::string first_3;
  for (const std::string key : {"100000", "100001", "100002"}) first_3 += key + "\t1\n";
  for (const std::string memory : {"", R"(, "memory": "64KiB")"}) {
    for (const int procs : kProcs) {
      CAPTURE(memory);
      CAPTURE(procs);
      CHECK(result_of(dir,
                      R"("rows": {"kind": "lines", "path": ")" + dir / "rows" + R"("},
                              "words": {"kind": "reduce", "from": "rows")" +
                          memory + R"(},
                              "counts": {"kind": "take", "from": "words", "n": 3})",
                      procs) == first_3);
    }
  }
}

TEST_CASE("where runs cannot be written, the stage says so") {
  const ScratchDir dir;
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i) + "\n";
  dir.write("rows", text);
  // Groups are put out by one, or by as many as there are shards.
  const std::string out = R"("out": {"kind": "write", "path": ")" + dir / "out" + R"(", "from": )";
  for (const std::string& reader :
       {out + R"("counts"})",
        R"("first": {"kind": "top", "from": "counts", "by": "value", "n": 3},)" + out +
            R"("first"})"}) {
    CAPTURE(reader);
    const Outcome outcome =
        run_job(job(R"("rows": {"kind": "lines", "path": ")" + dir / "rows" + R"("},
               "counts": {"kind": "reduce", "from": "rows", "memory": "64KiB", "spill": ")" +
                    dir / "none" + R"("},)" + reader),
                2);
    CHECK(failures_of(outcome) ==
          "counts: cannot write below \"" + dir / "none" + "\": No such file or directory\n");
  }
}

TEST_CASE("keys of several values compare as their values do, and come apart again") {
  std::mt19937 random(5);
  std::vector<std::vector<std::string>> tuples;
  for (int i = 0; i < 300; ++i) {
    std::vector<std::string> tuple(3);
    for (std::string& value : tuple) {
      value.assign(random() % 4, ' ');
      for (char& c : value) c = "\0\1\2\xff"[random() % 4];
    }
    tuples.push_back(tuple);
  }
  const auto key_of = [](const std::vector<std::string>& tuple) {
    std::string key;
    append_key_part(tuple[0], &key);
    append_key_part(tuple[1], &key);
    append_last_key_part(tuple[2], &key);
    return key;
  };
  std::size_t wrong = 0;
  for (const auto& a : tuples) {
    std::string unescaped;
    const std::string key = key_of(a);
    const auto parts = key_parts(key, 3, &unescaped);
    wrong += std::vector<std::string>(parts.begin(), parts.end()) != a;
    for (const auto& b : tuples) wrong += (a < b) != (key_of(a) < key_of(b));
  }
  CHECK(wrong == 0);
}

TEST_SUITE_END();

}  // namespace gorun::test::reduce_test
