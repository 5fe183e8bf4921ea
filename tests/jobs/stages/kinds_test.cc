// What single kinds do, compared with other tools where there are some.
#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <string>

#include "tests/jobs/run_job.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::stages_kinds_test {

namespace {

using namespace gorun::jobs;
using gorun::test::failures_of;
using gorun::test::read_whole_file;
using gorun::test::run_job;
using gorun::test::run_shell;
using gorun::test::ScratchDir;

constexpr int kProcs[] = {1, 2, 8};

// Runs the stages, of which the last one is called "last", and returns what that sends.
std::string result_of(const std::string& stages, int procs, const std::string& format = "text") {
  const ScratchDir dir;
  const Outcome outcome = run_job(R"({"gorun": 1, "stages": {)" + stages +
                                      R"(, "out": {"kind": "write", "from": "last", "format": ")" +
                                      format + R"(", "path": ")" + dir / "out" + R"("}}})",
                                  procs);
  return failures_of(outcome) +
         (outcome.state == RunState::kSucceeded ? read_whole_file(dir / "out") : "");
}

}  // namespace

TEST_SUITE_BEGIN("jobs/stages/kinds");

TEST_CASE("range counts as seq does") {
  for (const int procs : kProcs) {
    CHECK(result_of(R"("last": {"kind": "range", "to": 20000})", procs) ==
          run_shell("seq 20000").out);
  }
  CHECK(result_of(R"("last": {"kind": "range", "from_n": -5, "to": 6, "step": 3})", 2) ==
        run_shell("seq -5 3 6").out);
  CHECK(result_of(R"("last": {"kind": "range", "from_n": 5, "to": -5, "step": -4})", 2) ==
        run_shell("seq 5 -4 -5").out);
  CHECK(result_of(R"("last": {"kind": "range", "from_n": 2, "to": 1})", 2) == "");
  CHECK(
      result_of(
          R"("last": {"kind": "range", "from_n": 9223372036854775806, "to": 9223372036854775807})",
          2) == "9223372036854775806\n9223372036854775807\n");
}

TEST_CASE("sort agrees with sort(1), also when it spills") {
  const ScratchDir dir;
  // As few as still spill, where a sanitizer makes each comparison slow.
  const std::string last = gorun::test::kScale == 1 ? "300000" : "100000";
  REQUIRE(run_shell("cd " + dir.path() + " && seq 1 7 " + last +
                    " | awk '{print ($1 * 7919) % 100003, $1 % 17}' > in")
              .exit_status == 0);
  const std::string lines = R"("lines": {"kind": "lines", "path": ")" + dir / "in" + R"("})";
  for (const int procs : kProcs) {
    CAPTURE(procs);
    for (const char* memory : {"1GiB", "1200KiB"}) {
      CAPTURE(memory);
      const std::string more =
          std::string(R"(, "memory": ")") + memory + R"(", "spill": ")" + dir.path() + "\"}";
      CHECK((result_of(lines + R"(, "last": {"kind": "sort", "from": "lines")" + more, procs) ==
             run_shell("sort " + dir / "in").out));
      if (gorun::test::kScale != 1 && procs != 2) continue;
      CHECK(
          (result_of(
               lines + R"(, "last": {"kind": "sort", "from": "lines", "order": "desc", "n": 5000)" +
                   more,
               procs) == run_shell("sort -r " + dir / "in" + " | head -n 5000").out));
      const std::string fields =
          lines + R"(, "f": {"kind": "map", "from": "lines", "fields": {"k": "${{ item }}"}},
          "n": {"kind": "map", "from": "f", "replace": {"pattern": "^[0-9]+ ", "with": ""}, "workers": 1},
          "last": {"kind": "sort", "from": "n", "by": "k")" +
          more;
      CHECK((result_of(fields, procs, "tsv") == run_shell("sort " + dir / "in").out));
    }
  }
}

TEST_CASE("sort puts out what is larger than a batch between what is small") {
  const ScratchDir dir;
  REQUIRE(run_shell("cd " + dir.path() + R"( && seq 1 3000 | awk '{
      line = ($1 * 7919) % 3001; if (NR % 60 < 4) for (i = 0; i < 13; ++i) line = line "_" line; print line}' > in)")
              .exit_status == 0);
  const std::string sorted = run_shell("sort " + dir / "in").out;
  for (const int procs : kProcs) {
    CAPTURE(procs);
    CHECK((result_of(R"("lines": {"kind": "lines", "path": ")" + dir / "in" +
                         R"("}, "last": {"kind": "sort", "from": "lines"})",
                     procs) == sorted));
  }
}

TEST_CASE("sort by a number is stable") {
  const ScratchDir dir;
  const std::string last = std::to_string(gorun::test::scaled(50'000, 12'000));
  REQUIRE(run_shell("cd " + dir.path() + " && seq 1 " + last +
                    " | awk '{print $1 % 100 \" \" $1}' > in")
              .exit_status == 0);
  const std::string sorted =
      result_of(R"("lines": {"kind": "lines", "path": ")" + dir / "in" + R"("},
         "text": {"kind": "map", "from": "lines", "fields": {"all": "${{ item }}"}, "replace": {"pattern": " .*", "with": ""}},
         "sorted": {"kind": "sort", "from": "text", "numeric": true, "memory": "1100KiB"},
         "last": {"kind": "map", "from": "sorted", "text": "${{ item.all }}"})",
                2);
  CHECK((sorted == run_shell("sort -s -n -k 1,1 " + dir / "in").out));
}

TEST_CASE("dedupe keeps the first of what is alike, in the order of the input") {
  const ScratchDir dir;
  REQUIRE(run_shell("cd " + dir.path() + " && seq 1 100000 | awk '{print ($1 * 7919) % 5003}' > in")
              .exit_status == 0);
  for (const int procs : kProcs) {
    CAPTURE(procs);
    CHECK((result_of(R"("lines": {"kind": "lines", "path": ")" + dir / "in" +
                         R"("}, "last": {"kind": "dedupe", "from": "lines"})",
                     procs) == run_shell("awk '!seen[$0]++' " + dir / "in").out));
  }
  CHECK(
      result_of(
          R"("i": {"kind": "items", "items": [{"a": "1", "b": "x"}, {"a": "2", "b": "x"}, {"a": "3", "b": "y"}]},
                     "last": {"kind": "dedupe", "from": "i", "by": "b"})",
          2) == "1\n3\n");
  CHECK(
      result_of(
          R"("i": {"kind": "items", "items": ["a"]}, "last": {"kind": "dedupe", "from": "i", "by": "b"})",
          2) == "last: the item has no field \"b\"\n");
}

TEST_CASE("dedupe with less memory than keys gives the same, in the same order") {
  const ScratchDir dir;
  const ScratchDir spill;
  const int last = gorun::test::scaled(60'000, 9'000);
  REQUIRE(run_shell("cd " + dir.path() + " && seq 1 " + std::to_string(last) +
                    " | awk '{print ($1 * 7919) % " + std::to_string(last / 3) + " \"-key\"}' > in")
              .exit_status == 0);
  const std::string expected = run_shell("awk '!seen[$0]++' " + dir / "in").out;
  const std::string lines = R"("lines": {"kind": "lines", "path": ")" + dir / "in" + "\"}, ";
  for (const int procs : kProcs) {
    CAPTURE(procs);
    for (const char* memory : {"4KiB", "100KiB", "1MiB"}) {
      CAPTURE(memory);
      const std::string more =
          std::string(R"(, "memory": ")") + memory + R"(", "spill": ")" + spill.path() + "\"}";
      CHECK((result_of(lines + R"("last": {"kind": "dedupe", "from": "lines")" + more, procs) ==
             expected));
      // By a field, with others that have to come through: the number tells which came first.
      const std::string numbered = R"("r": {"kind": "range", "to": )" +
                                   std::to_string(gorun::test::scaled(9'000, 3'000)) +
                                   R"(}, "s": {"kind": "map", "from": "r", "text": "${{ item }} x",
             "fields": {"n": "${{ item }}"}, "workers": 1},
             "k": {"kind": "map", "from": "s", "text": "${{ item }}",
                   "replace": {"pattern": "^[0-9]*([0-9][0-9][0-9]) x$", "with": "\\1"}},
             "f": {"kind": "map", "from": "k", "fields": {"key": "${{ item }}", "text": "the same"}},
             "last": {"kind": "dedupe", "from": "f", "by": "key")";
      CHECK((result_of(numbered + more, procs, "jsonl") ==
             result_of(numbered + R"(, "memory": "1GiB"})", procs, "jsonl")));
    }
  }
  CHECK(
      result_of(
          lines +
              R"("last": {"kind": "dedupe", "from": "lines", "memory": "4KiB", "spill": "/no/such"})",
          2) == "last: cannot write below \"/no/such\": No such file or directory\n");
  CHECK(run_shell("ls -A " + spill.path()).out == "");  // its files have no names
}

TEST_CASE("top says when its n items are more than it may keep") {
  const std::string items =
      R"("r": {"kind": "range", "to": 30000}, "m": {"kind": "map", "from": "r", "fields": {"value": "${{ item }}"}},
         "last": {"kind": "top", "from": "m", "n": 30000, "workers": 1}, "out": {"kind": "write", "from": "last", "path": "/dev/null"})";
  const auto run = [&items](const std::string& limit) {
    return run_job(
        R"({"gorun": 1, "limits": {"memory": ")" + limit + R"("}, "stages": {)" + items + "}}", 1);
  };
  CHECK(run("64MiB").state == RunState::kSucceeded);
  const Outcome outcome = run("1216KiB");
  CHECK(outcome.state == RunState::kFailed);
  const std::string failures = failures_of(outcome);
  CAPTURE(failures);
  CHECK(failures.starts_with("last: its first "));
  CHECK(
      failures.ends_with(" items take more than the 1MiB that \"limits.memory\" leaves it: raise "
                         "that, or lower \"n\"\n"));
}

TEST_CASE("top orders whole numbers and others alike, and texts behind them") {
  const auto top = [](const char* order) {
    return result_of(
        std::string(R"("i": {"kind": "items", "items": [{"v": "9007199254740993"}, {"v": "1e16"},
             {"v": "9007199254740992.5"}, {"v": "-9223372036854775808"}, {"v": "-1e19"}, {"v": "x"},
             {"v": "9223372036854775807"}, {"v": "9223372036854775808"}, {"v": "2.5"}, {"v": "3"},
             {"v": ""}, {"v": "+1"}, {"v": "nan"}]},
           "m": {"kind": "map", "from": "i", "text": "${{ item.v }}", "workers": 1},
           "last": {"kind": "top", "from": "m", "n": 20, "by": "v", "order": ")") +
            order + "\"}",
        2);
  };
  CHECK(top("asc") ==
        "-1e19\n-9223372036854775808\n2.5\n3\n9007199254740992.5\n9007199254740993\n1e16\n"
        "9223372036854775807\n9223372036854775808\n\n+1\nnan\nx\n");
  CHECK(top("desc") ==
        "9223372036854775808\n9223372036854775807\n1e16\n9007199254740993\n9007199254740992.5\n3\n"
        "2.5\n-9223372036854775808\n-1e19\nx\nnan\n+1\n\n");
}

TEST_CASE("batch makes one item of n, and of what is left") {
  CHECK(
      result_of(
          R"("r": {"kind": "range", "to": 7}, "last": {"kind": "batch", "from": "r", "n": 3, "separator": " "})",
          2) == run_shell("seq 7 | xargs -n 3").out);
  CHECK(
      result_of(
          R"("r": {"kind": "range", "to": 5}, "last": {"kind": "batch", "from": "r", "n": 2})", 2,
          "jsonl") ==
      "{\"count\":2,\"first\":\"1\",\"last\":\"2\"}\n{\"count\":2,\"first\":\"3\",\"last\":\"4\"}\n"
      "{\"count\":1,\"first\":\"5\",\"last\":\"5\"}\n");
}

TEST_CASE("filter asks for fields as numbers and as bytes") {
  const std::string items =
      R"("i": {"kind": "items", "items": [{"n": "a", "s": 500}, {"n": "b", "s": 99}, {"n": "c", "s": 1000},
                                          {"n": "d", "s": "new"}, {"n": "e"}]}, )";
  const auto kept = [&items](const std::string& where, const std::string& more = "") {
    std::string names = result_of(
        items + R"("last": {"kind": "filter", "from": "i", "where": )" + where + more + "}", 2);
    std::erase(names, '\n');
    return names;
  };
  CHECK(kept(R"({"s": {">=": 500}})") == "acd");  // "new" is no number: bytes
  CHECK(kept(R"({"s": {">=": 500, "<": 1000}})") == "a");
  CHECK(kept(R"({"s": 500})") == "a");
  CHECK(kept(R"({"s": "500.0"})") == "a");
  CHECK(kept(R"({"s": {"!=": 500}})") == "bcd");
  CHECK(kept(R"({"s": {"in": [99, "new"]}})") == "bd");
  CHECK(kept(R"({"s": {"contains": "0"}})") == "ac");
  CHECK(kept(R"({"s": {"exists": false}})") == "e");
  CHECK(kept(R"({"s": {"exists": true}, "item": {"<=": "b"}})") == "ab");
  CHECK(kept(R"({"s": {">=": 500}})", R"(, "invert": true)") == "be");
  CHECK(kept(R"({"s": {">=": 500}})", R"(, "match": "[cd]")") == "cd");
}

TEST_CASE("map takes fields out of JSON") {
  CHECK(
      result_of(
          R"("i": {"kind": "items", "items": ["{\"a\": {\"b\": [1, \"x\\n\"]}, \"c\": 2.50, \"d\": true, \"e\": -3}"]},
                     "last": {"kind": "map", "from": "i", "json": {"one": "/a/b/0", "two": "/a/b/1", "all": "/a", "c": "/c", "d": "/d",
                              "e": "/e", "none": "/a/c"}})",
          2, "jsonl") ==
      R"({"one":1,"two":"x\n","all":"{\"b\":[1,\"x\\n\"]}","c":2.5,"d":"true","e":-3})"
      "\n");
  CHECK(
      result_of(
          R"("i": {"kind": "items", "items": ["{"]}, "last": {"kind": "map", "from": "i", "json": {"a": "/a"}})",
          2)
          .starts_with("last: the text is not JSON: "));
}

TEST_CASE("route sends each item one way, and together the ports have all") {
  const ScratchDir dir;
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const auto out = [&dir](const char* name) {
      return R"({"kind": "write", "path": ")" + dir / name + R"(", "from": )";
    };
    const Outcome outcome = run_job(
        R"({"gorun": 1, "stages": {"r": {"kind": "range", "to": 50000},
            "by": {"kind": "route", "from": "r", "to": {"low": {"item": {"<": 1000}}, "high": {"item": {">=": 40000}},
                   "never": {"item": {"<": 500}}}},
            "a": )" +
            out("low") + R"("by.low"}, "b": )" + out("high") + R"("by.high"}, "c": )" +
            out("never") + R"("by.never"}, "d": )" + out("rest") + R"("by"}}})",
        procs);
    CHECK(failures_of(outcome) == "");
    CHECK((run_shell("sort -n " + dir / "low").out == run_shell("seq 1 999").out));
    CHECK((run_shell("sort -n " + dir / "high").out == run_shell("seq 40000 50000").out));
    CHECK(read_whole_file(dir / "never").empty());
    CHECK((run_shell("sort -n " + dir / "rest").out == run_shell("seq 1000 39999").out));
  }
  CHECK(result_of(R"("r": {"kind": "range", "to": 9}, "last": {"kind": "merge", "from": "by.low"},
        "by": {"kind": "route", "from": "r", "otherwise": "drop", "to": {"low": {"item": {"<": 4}}}})",
                  2) == "1\n2\n3\n");
  CHECK(result_of(R"("r": {"kind": "range", "to": 9}, "last": {"kind": "merge", "from": "by.low"},
        "by": {"kind": "route", "from": "r", "otherwise": "fail", "to": {"low": {"item": {"<": 9}}}})",
                  2) == "by: no port takes the item\n");
}

TEST_CASE("merge has the items of all, and a slow reader sees something of each") {
  const ScratchDir dir;
  for (const int procs : kProcs) {
    CAPTURE(procs);
    CHECK((
        run_shell(
            "printf '%s' '" +
            result_of(
                R"("a": {"kind": "range", "to": 2000}, "b": {"kind": "range", "from_n": 2001, "to": 3000},
        "last": {"kind": "merge", "from": ["a", "b"]})",
                procs) +
            "' | sort -n")
            .out == run_shell("seq 3000").out));
    // Two sources without an end in sight: neither keeps the other out.
    const std::string some = result_of(
        R"("a": {"kind": "range", "to": 9000000000}, "b": {"kind": "range", "from_n": -1, "to": -9000000000, "step": -1},
        "m": {"kind": "merge", "from": ["a", "b"], "buffer": 512}, "last": {"kind": "take", "from": "m", "n": 200000})",
        procs);
    const auto below_0 = std::ranges::count(some, '-');
    CHECK(below_0 > 20'000);
    CHECK(below_0 < 180'000);
  }
}

TEST_CASE("write fails afterwards if an item is such") {
  const ScratchDir dir;
  const Outcome outcome = run_job(R"({"gorun": 1, "stages": {"r": {"kind": "range", "to": 9},
      "out": {"kind": "write", "from": "r", "path": ")" +
                                      dir / "out" + R"(", "fail_if_any": {"item": {">": 7}}}}})",
                                  2);
  CHECK(failures_of(outcome) == "out: 2 items are such as \"fail_if_any\" says\n");
  CHECK(read_whole_file(dir / "out") == run_shell("seq 9").out);
}

TEST_CASE("digests are written as other tools read them") {
  const ScratchDir dir;
  dir.write("a", "one\n");
  dir.write("b c", "two\n");
  const auto hashed = [&](const std::string& algorithms, const std::string& format) {
    return result_of(R"("w": {"kind": "walk", "root": ")" + dir.path() + R"(", "sort": true},
        "last": {"kind": "hash", "from": "w", "algorithm": )" +
                         algorithms + R"(, "workers": 1})",
                     2, format);
  };
  CHECK(hashed(R"("sha256")", "bsd") == run_shell("sha256sum --tag " + dir.path() + "/*").out);
  const std::string deep = hashed(R"(["md5", "sha256"])", "hashdeep");
  CHECK(deep.starts_with("%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n"));
  CHECK(deep.ends_with("\n" + run_shell("hashdeep -c md5,sha256 " + dir.path() +
                                        "/* | grep -v '^[%#]' | sort -t , -k 4")
                                  .out));
}

TEST_CASE("manifests of all forms are read, and files verified against them") {
  const ScratchDir dir;
  for (int i = 0; i < 300; ++i)
    dir.write("tree/f" + std::to_string(i), std::string(static_cast<std::size_t>(i) * 91, 'x'));
  dir.write("tree/with\nline feed", "1");
  const std::string in_dir = "cd " + dir.path() + " && find tree -type f -print0 | xargs -0 ";
  REQUIRE(run_shell(in_dir + "sha256sum > coreutils").exit_status == 0);
  REQUIRE(run_shell(in_dir + "md5sum --tag > bsd").exit_status == 0);
  REQUIRE(run_shell("cd " + dir.path() +
                    " && rm tree/with*; hashdeep -c md5,sha256 -r -l tree > hashdeep")
              .exit_status == 0);
  dir.write("tree/with\nline feed", "1");
  // Names are those that the tools were given, so the job runs in the directory.
  const std::string before = run_shell("pwd").out;
  REQUIRE(::chdir(dir.path().c_str()) == 0);
  const auto verified = [](const std::string& form, int procs, const std::string& more = "") {
    return result_of(R"("m": {"kind": "manifest", "path": ")" + form + R"(", "format": ")" + form +
                         R"("},
        "last": {"kind": "verify", "from": "m")" +
                         more + "}",
                     procs, "check");
  };
  for (const int procs : kProcs) {
    CAPTURE(procs);
    for (const char* form : {"coreutils", "bsd", "hashdeep"}) {
      CAPTURE(form);
      const std::string out = verified(form, procs);
      CHECK(std::ranges::count(out, '\n') == (std::string(form) == "hashdeep" ? 300 : 301));
      CHECK(out.find("FAILED") == std::string::npos);
    }
  }
  dir.write("tree/f7", "changed");
  dir.write("tree/more/new", "new");
  REQUIRE(run_shell("rm tree/f8").exit_status == 0);
  const auto not_ok = [](std::string lines) {
    std::string left;
    for (std::size_t at = 0; at < lines.size();) {
      const std::size_t end = lines.find('\n', at) + 1;
      const std::string line = lines.substr(at, end - at);
      if (!line.ends_with(": OK\n")) left += line;
      at = end;
    }
    return left;
  };
  CHECK(run_shell("printf '%s' '" + not_ok(verified("coreutils", 2, R"(, "audit_root": "tree")")) +
                  "' | sort")
            .out == "tree/f7: FAILED\ntree/f8: MISSING\ntree/more/new: ADDED\n");
  CHECK(not_ok(verified("coreutils", 2, R"(, "missing": "ignore")")) == "tree/f7: FAILED\n");
  CHECK(result_of(R"("last": {"kind": "manifest", "path": "bsd", "format": "coreutils"})", 2) ==
        "last: \"bsd\" line 1 is no checksum line of format coreutils\n");
  CHECK(result_of(R"("last": {"kind": "manifest", "path": "tree/f9"})", 2) ==
        "last: \"tree/f9\" line 1 is no checksum line\n");
  CHECK(result_of(R"("last": {"kind": "manifest", "path": "tree/f0"})", 2) ==
        "last: \"tree/f0\" has no checksum lines\n");
  CHECK(
      result_of(
          R"("i": {"kind": "items", "items": ["tree/f9"]}, "last": {"kind": "verify", "from": "i"})",
          2) == "last: the item has no digest of a known algorithm\n");
  REQUIRE(::chdir(before.substr(0, before.size() - 1).c_str()) == 0);
}

TEST_CASE("nothing is called ADDED that a lost item may have named") {
  const ScratchDir dir;
  dir.write("tree/a", "x");
  dir.write("tree/b", "x");
  dir.write("sums", run_shell("sha256sum " + dir / "tree/a").out + "a line that names tree/b\n");
  const std::string manifest = R"("m": {"kind": "manifest", "path": ")" + dir / "sums" + "\"";
  const std::string verify =
      R"("last": {"kind": "verify", "from": "m", "audit_root": ")" + dir / "tree" + "\"";
  const std::string goes_on = R"(, "on_error": "continue"})";
  const std::string untold = "last: what was added cannot be told: items that failed may name it\n";
  for (const int procs : kProcs) {
    CAPTURE(procs);
    CHECK(result_of(manifest + goes_on + ", " + verify + "}", procs, "check") == untold);
    CHECK(result_of(manifest + goes_on + ", " + verify + goes_on, procs, "check") ==
          dir / "tree/a" + ": OK\n");
    // Items that it loses itself.
    CHECK(result_of(R"("m": {"kind": "items", "items": [")" + dir / "tree/b" + R"("]}, )" + verify +
                        goes_on,
                    procs, "check")
              .empty());
  }
}

TEST_CASE("lines of compressed files are those of the plain one") {
  const ScratchDir dir;
  REQUIRE(run_shell("cd " + dir.path() + " && seq 1 " +
                    std::to_string(gorun::test::scaled(300'000, 60'000)) +
                    " > in && gzip -k in && zstd -q in && xz -k in")
              .exit_status == 0);
  REQUIRE(run_shell("cd " + dir.path() +
                    " && for s in gz zst xz; do cat in.$s in.$s > two.$s; head -c 5000 in.$s > "
                    "cut.$s; cp in no.$s; done && : > none.gz")
              .exit_status == 0);
  const auto lines = [&dir](const std::string& name) {
    return result_of(R"("last": {"kind": "lines", "path": ")" + dir / name + "\"}", 2);
  };
  const std::string plain = read_whole_file(dir / "in");
  for (const std::string suffix : {".gz", ".zst", ".xz"}) {
    CAPTURE(suffix);
    CHECK((lines("in" + suffix) == plain));
    CHECK((lines("two" + suffix) == plain + plain));
    CHECK(lines("cut" + suffix) ==
          "last: cannot decompress \"" + dir / ("cut" + suffix) + "\": the file is cut off\n");
    CHECK(lines("no" + suffix)
              .starts_with("last: cannot decompress \"" + dir / ("no" + suffix) + "\": "));
  }
  CHECK(lines("none.gz") ==
        "last: cannot decompress \"" + dir / "none.gz" + "\": the file is cut off\n");
}

TEST_CASE("a line that is too long is told by its place, and those in front of it go on") {
  const ScratchDir dir;
  // Large enough to be looked at where the kernel keeps it, if somebody sorts it.
  const std::string head(std::size_t{5} << 20, '\n');
  dir.write("in", head + "ab\n" + std::string(300'000, 'x') + "\ncd\n");
  REQUIRE(run_shell("gzip -k " + dir / "in").exit_status == 0);
  for (const std::string name : {"in", "in.gz"}) {
    for (const std::string limit : {"299999", "300000"}) {
      for (const std::string kind : {R"("kind": "sort")", R"("kind": "filter", "match": ".")"}) {
        CAPTURE(name);
        CAPTURE(limit);
        CAPTURE(kind);
        const Outcome outcome =
            run_job(R"({"gorun": 1, "stages": {"all": {"kind": "lines", "max_record": )" + limit +
                        R"(, "path": ")" + dir / name + R"("}, "last": {"from": "all", )" + kind +
                        R"(}, "out": {"kind": "write", "from": "last", "path": ")" + dir / "out" +
                        R"("}}})",
                    2);
        CHECK(failures_of(outcome) ==
              (limit == "300000" ? ""
                                 : "all: \"" + dir / name +
                                       "\" has a record of more than 299999 "
                                       "bytes (at byte 5242883; a larger \"max_record\" lets it "
                                       "through)\n"));
      }
    }
  }
  dir.write("short", "ab\n" + std::string(300, 'x') + "\ncd\n");
  const std::string job = R"("last": {"kind": "lines", "max_record": 299, "path": ")";
  CHECK(result_of(job + dir / "short" + "\"}", 1)
            .ends_with("has a record of more than 299 bytes (at byte 3; a larger \"max_record\" "
                       "lets it through)\n"));
}

TEST_SUITE_END();

}  // namespace gorun::test::stages_kinds_test
