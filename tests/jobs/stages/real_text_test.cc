// tests/jobs/stages/real_text_test.cc - every aggregate over the files of /usr/include, as awk, jq
// and python3 have it.

#include <doctest/doctest.h>

#include <string>

#include "tests/jobs/run_job.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::real_text_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::failures_of;
using gorun::test::read_whole_file;
using gorun::test::run_job;
using gorun::test::run_shell;
using gorun::test::scaled;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/stages/real_text");

namespace {

constexpr int kProcs[] = {1, 2, 8};

bool is_missing(const std::string& tool) {
  if (run_shell("command -v " + tool).exit_status == 0) return false;
  MESSAGE(tool << " is not installed: what it says is not compared");
  return true;
}

// Writes "files", a line for each of `count` headers: directory, extension, name, size.
bool write_files(const ScratchDir& dir, int count) {
  const std::string find =
      "find /usr/include -type f -size +0 -printf '%h\\t%f\\t%s\\n' | grep -v '\"' | sort |"
      " awk 'NR <= " +
      std::to_string(count) + "'";
  const std::string with_extension =
      "awk -F'\\t' -v OFS='\\t' '{n = split($2, part, \".\");"
      " print $1, (n > 1 ? part[n] : \"\"), $2, $3}'";
  REQUIRE(run_shell(find + " | " + with_extension + " > '" + dir / "files" + "'").exit_status == 0);
  if (read_whole_file(dir / "files").size() > 4'000) return true;
  MESSAGE("skipped: there are no files in /usr/include");
  return false;
}

std::string result_of(const ScratchDir& dir, const std::string& stages, const std::string& format,
                      int procs) {
  const Outcome outcome =
      run_job(R"({"gorun": 1, "stages": {)" + stages +
                  R"(, "out": {"kind": "write", "from": "result", "format": ")" + format +
                  R"(", "path": ")" + dir / "out" + R"("}}})",
              procs);
  CHECK(failures_of(outcome) == "");
  CHECK(outcome.state == RunState::kSucceeded);
  return read_whole_file(dir / "out");
}

std::string rows_of(const ScratchDir& dir, const std::string& split) {
  return R"("input": {"kind": "items", "items": [")" + dir / "files" + R"("]},
      "text": {"kind": "read", "from": "input", "chunk": "4KiB"},
      "rows": {"kind": "split", "from": "text", )" +
         split + "}, ";
}

const std::string kCsv =
    R"("by": "csv", "separator": "\t", "header": false,
       "columns": ["dir", "ext", "name", "size"])";

// The files, as the headers whose text is read.
std::string paths_of(const ScratchDir& dir) {
  return R"("list": {"kind": "lines", "path": ")" + dir / "files" + R"("},
      "files": {"kind": "map", "from": "list",
                "replace": {"pattern": "^([^\t]*)\t[^\t]*\t([^\t]*)\t.*$", "with": "\\1/\\2"}},
      "named": {"kind": "map", "from": "files", "fields": {"path": "${{ item }}"}},
      "text": {"kind": "read", "from": "named", "chunk": "4KiB"},)";
}

std::string python(const ScratchDir& dir, const std::string& program) {
  const auto said = run_shell("python3 - '" + dir / "files" +
                              "' <<'END'\n"
                              "import collections, re, sys\n"
                              "rows = [line.rstrip('\\n').split('\\t') for line in "
                              "open(sys.argv[1], encoding='utf-8', errors='surrogateescape')]\n"
                              "paths = [row[0] + '/' + row[2] for row in rows]\n"
                              "def tsv(*fields):\n"
                              "    line = b'\\t'.join(f.replace(b'\\\\', b'\\\\\\\\')"
                              ".replace(b'\\t', b'\\\\t').replace(b'\\r', b'\\\\r')"
                              " if isinstance(f, bytes) else str(f).encode() for f in fields)\n"
                              "    sys.stdout.buffer.write(line + b'\\n')\n" +
                              program + "\nEND");
  CHECK(said.exit_status == 0);
  return said.out;
}

}  // namespace

TEST_CASE("sizes of files by one key and by two are those of awk and sort") {
  const ScratchDir dir;
  if (!write_files(dir, scaled(8'000, 1'000))) return;
  const struct {
    std::string by;
    std::string sort;  // by the keys, then by the name
    std::string key;   // as awk has it
  } cases[] = {{R"(["dir"])", "-k1,1 -k3,3", "$1"},
               {R"(["ext"])", "-k2,2 -k3,3", "$2"},
               {R"(["dir", "ext"])", "-k1,1 -k2,2 -k3,3", "$1 FS $2"},
               {R"(["ext", "dir"])", "-k2,2 -k1,1 -k3,3", "$2 FS $1"}};
  for (const auto& one : cases) {
    CAPTURE(one.by);
    // Groups come sorted, so each is put out when the next one begins.
    const auto awk = run_shell(
        "sort -t\"$(printf '\\t')\" " + one.sort + " '" + dir / "files" +
        "' | awk -F'\\t' 'function put() {print last FS n FS s FS lo FS hi FS names FS kinds}"
        " {k = " +
        one.key +
        "; if (NR > 1 && k != last) put();"
        " if (NR == 1 || k != last) {n = s = kinds = 0; lo = hi = $4 + 0; names = \"\"; last = k}"
        " names = names (n++ ? \",\" : \"\") $3; s += $4;"
        " if ($4 + 0 < lo) lo = $4 + 0; if ($4 + 0 > hi) hi = $4 + 0;"
        " if (!((k, $4) in seen)) {seen[k, $4]; kinds++}} END {put()}'");
    REQUIRE(awk.exit_status == 0);
    for (const int procs : kProcs) {
      CAPTURE(procs);
      CHECK(result_of(dir,
                      rows_of(dir, kCsv) +
                          R"("result": {"kind": "reduce", "from": "rows", "by": )" + one.by +
                          R"(, "agg": {"n": "count", "all": {"sum": "size"},
                              "least": {"min": "size"}, "most": {"max": "size"},
                              "names": {"list": "name"}, "kinds": {"distinct": "size"}}})",
                      "tsv", procs) == awk.out);
    }
  }
}

TEST_CASE("means of sizes are those of python3") {
  const ScratchDir dir;
  if (is_missing("python3") || !write_files(dir, scaled(8'000, 1'000))) return;
  python(dir,
         "groups = collections.defaultdict(list)\n"
         "for row in rows: groups[row[0], row[1]].append(int(row[3]))\n"
         "with open(sys.argv[1] + '.means', 'w') as out:\n"
         "    for key in sorted(groups):\n"
         "        print(*key, repr(sum(groups[key]) / len(groups[key])), sep='\\t', file=out)");
  for (const int procs : kProcs) {
    CAPTURE(procs);
    result_of(dir, rows_of(dir, kCsv) + R"("result": {"kind": "reduce", "from": "rows",
                  "by": ["dir", "ext"], "agg": "mean", "field": "size"})",
              "tsv", procs);
    // The shortest text of a double may be written in two ways.
    python(dir,
           "def means(name):\n"
           "    lines = [line.rstrip('\\n').split('\\t') for line in open(name)]\n"
           "    return [(d, e, float(mean)) for d, e, mean in lines]\n"
           "ours = means('" +
               dir / "out" +
               "')\n"
               "assert len(ours) > 5 and ours == means(sys.argv[1] + '.means')");
  }
}

TEST_CASE("groups of JSON by two keys are those of jq") {
  const ScratchDir dir;
  if (is_missing("jq") || !write_files(dir, scaled(8'000, 1'000))) return;
  REQUIRE(run_shell("cd '" + dir.path() +
                    "' && jq -Rc 'split(\"\\t\") | {d: .[0], e: .[1], f: .[2], in: {s: (.[3] | "
                    "tonumber)}}' files > lines && mv lines files")
              .exit_status == 0);
  const auto jq = run_shell(
      "jq -sc 'group_by([.d, .e])[] | {d: .[0].d, e: .[0].e, n: length, all: (map(.in.s) | add),"
      " least: (map(.in.s) | min), most: (map(.in.s) | max), names: (map(.f) | sort | join(\",\")),"
      " kinds: (map(.in.s) | unique | length)}' '" +
      dir / "files" + "'");
  REQUIRE(jq.exit_status == 0);
  for (const int procs : kProcs) {
    CAPTURE(procs);
    CHECK(result_of(dir,
                    rows_of(dir, R"("by": "json", "fields": {"d": "/d", "e": "/e", "f": "/f",
                                                             "s": "/in/s"})") +
                        R"("result": {"kind": "reduce", "from": "rows", "by": ["d", "e"],
                            "agg": {"n": "count", "all": {"sum": "s"}, "least": {"min": "s"},
                                    "most": {"max": "s"}, "names": {"list": "f"},
                                    "kinds": {"distinct": "s"}}})",
                    "jsonl", procs) == jq.out);
  }
}

TEST_CASE("numbers that headers define, by file and by number, are those of python3") {
  const ScratchDir dir;
  if (is_missing("python3") || !write_files(dir, scaled(1'500, 300))) return;
  const std::string expression =
      R"(^[ \t]*#[ \t]*define[ \t]+[A-Za-z_]\w*[ \t]+(-?\d{1,15})[ \t]*$)";
  const std::string numbers =
      "found = [(path.encode(), n) for path in paths\n"
      "         for n in re.findall(rb'" +
      expression +
      "', open(path, 'rb').read(), re.M)]\n"
      "assert len(found) > 20\n"
      "groups = collections.defaultdict(list)\n";
  const std::string by_file =
      python(dir, numbers +
                      "for path, n in found: groups[path].append(n)\n"
                      "for path in sorted(groups):\n"
                      "    texts = sorted(groups[path])\n"
                      "    values = [int(n) for n in texts]\n"
                      "    tsv(path, len(values), sum(values), min(values), max(values),\n"
                      "        len(set(texts)), b','.join(texts))");
  const std::string by_number = python(dir, numbers +
                                                "for path, n in found: groups[n].append(path)\n"
                                                "for n in sorted(groups):\n"
                                                "    tsv(n, len(groups[n]), len(set(groups[n])), "
                                                "b','.join(sorted(groups[n])))");
  std::string escaped;
  for (const char c : expression) escaped += c == '\\' ? std::string("\\\\") : std::string(1, c);
  const std::string head = paths_of(dir) +
                           R"("numbers": {"kind": "split", "from": "text", "by": "regex",
                                          "pattern": ")" +
                           escaped + R"("}, "result": {"kind": "reduce", "from": "numbers", )";
  for (const int procs : kProcs) {
    CAPTURE(procs);
    CHECK(result_of(dir, head + R"("by": "path", "agg": {"n": "count", "all": "sum", "least": "min",
                                  "most": "max", "kinds": "distinct", "list": "list"}})",
                    "tsv", procs) == by_file);
    CHECK(result_of(
              dir, head + R"("memory": "64KiB", "agg": {"n": "count", "files": {"distinct": "path"},
                                  "list": {"list": "path"}}})",
              "tsv", procs) == by_number);
  }
}

TEST_CASE("lines of headers, and in how many files each is, are those of python3") {
  const ScratchDir dir;
  if (is_missing("python3") || !write_files(dir, scaled(600, 100))) return;
  const std::string expected =
      python(dir,
             "counts = collections.Counter()\n"
             "files = collections.defaultdict(set)\n"
             "for path in paths:\n"
             "    lines = open(path, 'rb').read().split(b'\\n')\n"
             "    if lines[-1] == b'': lines.pop()\n"
             "    counts.update(lines)\n"
             "    for line in lines: files[line].add(path)\n"
             "for line in sorted(counts): tsv(line, counts[line], len(files[line]))");
  REQUIRE(expected.size() > 10'000);
  for (const int procs : kProcs) {
    for (const std::string memory : {"", R"(, "memory": "256KiB")"}) {
      CAPTURE(procs);
      CAPTURE(memory);
      CHECK((result_of(dir,
                       paths_of(dir) + R"("lines": {"kind": "split", "from": "text"},
                           "result": {"kind": "reduce", "from": "lines",
                                      "agg": {"n": "count", "files": {"distinct": "path"}})" +
                           memory + "}",
                       "tsv", procs) == expected));  // too long to be shown
    }
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::real_text_test
