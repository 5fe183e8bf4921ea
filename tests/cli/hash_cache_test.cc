// tests/cli/hash_cache_test.cc - `gorun hash --cache` and the option "cache" of the kind hash: a
// second run reads what changed, and says what the first one said.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "jobs/exec/success_record.h"
#include "jobs/file_stamp.h"
#include "jobs/hash/digest_cache.h"
#include "tests/support/command.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::hash_cache_test {

namespace {

namespace fs = std::filesystem;
using jobs::Algorithm;
using jobs::DigestCache;
using Words = std::vector<std::string>;

constexpr std::uintmax_t kHeaderPage = 4096;

std::shared_ptr<DigestCache> open_cache(const std::string& directory) {
  auto opened = DigestCache::open({directory}, DigestCache::Trust::kStamps);
  REQUIRE(opened.ok());
  return std::move(opened).value();
}

// A directory in which commands run.
class Place {
 public:
  [[nodiscard]] const ScratchDir& dir() const { return dir_; }
  [[nodiscard]] CommandResult run(Words words) const {
    return run_gorun(std::move(words), {.directory = dir_.path()});
  }
  [[nodiscard]] CommandResult hash(Words words) const {
    words.insert(words.begin(), {"hash", "--cache", "cache"});
    return run(std::move(words));
  }
  [[nodiscard]] std::string shell(const std::string& script) const {
    return run_command({"bash", "-c", script}, {.directory = dir_.path()}).out;
  }

  /// Makes the cache believe that a file holds `bytes`.
  void plant(const std::string& name, const std::string& bytes,
             const std::string& cache = "cache") const {
    // As a command that runs in the directory calls it.
    const std::string path = fs::canonical(dir_.path()).string() + "/" + name;
    const jobs::Digest digest = jobs::digest_of(Algorithm::kSha256, bytes);
    open_cache(dir_ / cache)->keep(path, *jobs::stamp_of(path), {&digest, 1});
  }

 private:
  const ScratchDir dir_;
};

std::string line_of(const std::string& bytes, const std::string& name) {
  return jobs::digest_of(Algorithm::kSha256, bytes).hex() + "  " + name + "\n";
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr std::string_view kSortedSums =
    "find tree -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum";

}  // namespace

TEST_SUITE_BEGIN("cli/hash_cache");

TEST_CASE("the second run says what sha256sum says, as did the first") {
  const Place place;
  for (int i = 0; i < 300; ++i) {
    place.dir().write("tree/" + std::to_string(i % 7) + "/f" + std::to_string(i),
                      std::string(static_cast<std::size_t>(i * i % 70'000), 'x'));
  }
  place.dir().write("tree/a\nb\\c \xff", "awkward");
  place.dir().write("tree/large", std::string(5'000'001, 'L'));
  const std::string expected = place.shell(std::string(kSortedSums));
  REQUIRE(!expected.empty());
  for (int time = 0; time < 3; ++time) {
    const CommandResult result = place.hash({"tree"});
    CHECK(result.out == expected);
    CHECK(result.err.empty());
    CHECK(result.status == 0);
  }
  for (const std::string option : {"-a=md5", "-a=blake3", "--order=walk"}) {
    const std::size_t at = option.find('=');
    const Words words = {option.substr(0, at), option.substr(at + 1)};
    Words known = {words[0], words[1], "tree"};
    const CommandResult first = place.hash(known);
    const CommandResult again = place.hash(known);
    CHECK(first.status == 0);
    if (words[0] == "-a") CHECK(again.out == first.out);
    CHECK(again.out.size() == first.out.size());
  }
  CHECK(place.hash({"tree"}).out == expected);
}

TEST_CASE("it does not read what is as it was; --paranoid does, and tells") {
  const Place place;
  place.dir().write("tree/a", "alpha");
  place.dir().write("tree/b", "beta");
  const std::string right = line_of("alpha", "tree/a") + line_of("beta", "tree/b");
  CHECK(place.hash({"tree"}).out == right);
  place.plant("tree/a", "wrong");
  CHECK(place.hash({"./tree"}).out == line_of("wrong", "./tree/a") + line_of("beta", "./tree/b"));
  CHECK(place.run({"hash", "tree"}).out == right);
  CHECK(place.run({"hash", "--paranoid", "tree"}).out == right);
  const CommandResult paranoid = place.hash({"--paranoid", "tree"});
  CHECK(paranoid.out == right);
  CHECK(paranoid.err ==
        "gorun: WARNING: \"tree/a\" does not hold what it held, and its size, times and inode are "
        "the same: the disk is bad, or somebody set the clock\n");
  CHECK(paranoid.status == 0);
  for (const Words& words : {Words{"tree"}, Words{"--paranoid", "tree"}}) {
    const CommandResult after = place.hash(words);
    CHECK(after.out == right);
    CHECK(after.err.empty());
  }
}

TEST_CASE("a cache in the tree is not listed") {
  const Place place;
  place.dir().write("tree/a", "alpha");
  place.dir().write("tree/digests", "another");
  const std::string right = line_of("alpha", "tree/a") + line_of("another", "tree/digests");
  for (int time = 0; time < 2; ++time) {
    const CommandResult result = place.run({"hash", "--cache", "tree/.cache", "tree"});
    CHECK(result.out == right);
    CHECK(result.err.empty());
    CHECK(result.status == 0);
  }
  CHECK(fs::exists(place.dir() / "tree/.cache/digests"));
}

TEST_CASE("--check and --audit know, too") {
  const Place place;
  place.dir().write("tree/a", "alpha");
  place.dir().write("tree/b", "beta");
  place.dir().write("sums", place.hash({"tree"}).out);
  for (int time = 0; time < 2; ++time) {
    CHECK(place.hash({"--check", "sums"}).out == "tree/a: OK\ntree/b: OK\n");
    CHECK(place.hash({"--audit", "sums", "tree"}).out == "tree/a: OK\ntree/b: OK\n");
  }
  place.plant("tree/b", "wrong");
  CHECK(place.hash({"--check", "sums"}).out == "tree/a: OK\ntree/b: FAILED\n");
  CHECK(place.hash({"--audit", "sums", "tree"}).out == "tree/a: OK\ntree/b: changed\n");
  const CommandResult paranoid = place.hash({"--paranoid", "--check", "sums"});
  CHECK(paranoid.out == "tree/a: OK\ntree/b: OK\n");
  CHECK(mentions(paranoid.err, "\"tree/b\" does not hold what it held"));
  CHECK(paranoid.status == 0);
  place.dir().write("tree/a", "ALPHA");
  const CommandResult changed = place.hash({"--check", "sums"});
  CHECK(changed.out == "tree/a: FAILED\ntree/b: OK\n");
  CHECK(changed.status == 1);
  CHECK(place.hash({"--audit", "sums", "tree"}).status == 1);
}

TEST_CASE("without a cache that can be had, all is read") {
  const Place place;
  place.dir().write("tree/a", "alpha");
  place.dir().write("file", "");
  place.dir().write("foreign/digests", "of somebody else");
  const std::string right = line_of("alpha", "tree/a");

  const CommandResult empty = place.run({"hash", "--cache", "", "tree"});
  CHECK(empty.status == 2);
  CHECK(empty.err ==
        "gorun: error: option \"--cache\" cannot be \"\"\n  hint: it is the path of a directory\n");

  const CommandResult under_file = place.run({"hash", "--cache", "file/x", "tree"});
  CHECK(under_file.out == right);
  CHECK(under_file.err ==
        "gorun: WARNING: cannot make directory \"file/x\": Not a directory: all files are read\n");
  CHECK(under_file.status == 0);

  const CommandResult foreign = place.run({"hash", "--cache", "foreign", "tree"});
  CHECK(foreign.out == right);
  CHECK(mentions(foreign.err,
                 "foreign/digests\" is not what gorun keeps digests in: remove it, or name another "
                 "place: all files are read\n"));
  CHECK(foreign.status == 0);
  CHECK(read_whole_file(place.dir() / "foreign/digests") == "of somebody else");

  CHECK(place.hash({"tree"}).out == right);
  const int other = ::open((place.dir() / "cache/digests").c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(::flock(other, LOCK_EX) == 0);
  const CommandResult locked = place.hash({"tree"});
  CHECK(locked.out == right);
  CHECK(mentions(locked.err, "gorun: WARNING: another gorun uses "));
  CHECK(locked.status == 0);
  ::close(other);
}

TEST_CASE("a cache that another user may read, but not write") {
  if (::geteuid() != 0) return;  // becomes another user below, which only root may
  const Place place;
  place.dir().write("tree/a", "alpha");
  CHECK(place.hash({"tree"}).status == 0);
  REQUIRE(::chmod(place.dir().path().c_str(), 0755) == 0);
  const auto as_other = [&] {
    return run_gorun({"hash", "--cache", "cache", "tree"},
                     {.directory = place.dir().path(), .user = 65534});
  };
  const CommandResult closed = as_other();
  CHECK(closed.out == line_of("alpha", "tree/a"));
  CHECK(mentions(closed.err, "Permission denied: all files are read\n"));
  place.plant("tree/a", "wrong");
  REQUIRE(::chmod((place.dir() / "cache/digests").c_str(), 0644) == 0);
  const CommandResult read_only = as_other();
  CHECK(read_only.out == line_of("wrong", "tree/a"));
  CHECK(mentions(read_only.err, "Permission denied: digests are not remembered\n"));
  CHECK(read_only.status == 0);
}

TEST_CASE("a file of an image is read: another image has the same times and inodes") {
  const Place place;
  place.dir().make_dir("mounted");
  if (run_command({"bash", "-c", "command -v mksquashfs"}).status != 0) {
    MESSAGE("skipped: no mksquashfs");
    return;
  }
  for (const std::string bytes : {"alpha", "ALPHA"}) {
    place.dir().write("source/a", bytes);
    const std::string mounted = place.shell(
        "{ mksquashfs source image -all-time 1 -mkfs-time 1 -noappend -quiet && "
        "mount -o loop,ro image mounted; } >&2 && echo mounted");
    if (mounted.empty()) {
      MESSAGE("skipped: this process may not mount an image");
      return;
    }
    const CommandResult result = place.hash({"mounted"});
    CHECK(place.shell("umount mounted && echo gone") == "gone\n");
    CHECK(result.out == line_of(bytes, "mounted/a"));
    CHECK(result.err.empty());
  }
}

TEST_CASE("what a killed run leaves is right") {
  const Place place;
  const int files = scaled(2000, 200);
  for (int i = 0; i < files; ++i) {
    place.dir().write("tree/" + std::to_string(i % 10) + "/" + std::to_string(i),
                      std::to_string(i));
  }
  const std::string fifo = place.dir() / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const int held = ::open(fifo.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(held >= 0);
  const std::string table = place.dir() / "cache/digests";
  for (int round = 0; round < 5; ++round) {
    if (round < 4) fs::remove_all(place.dir() / "cache");
    // It never comes to its end: the FIFO has none.
    Command gorun({"sh", "-c", "exec \"$0\" hash --cache cache tree - < fifo", GORUN_BINARY},
                  {.directory = place.dir().path()});
    std::error_code error;
    while (!fs::exists(table, error) || fs::file_size(table, error) <= kHeaderPage) {
      std::this_thread::yield();
    }
    for (int i = 0; i < round * 50; ++i) std::this_thread::yield();  // somewhere else each time
    gorun.signal(SIGKILL);
    CHECK(gorun.finish().status == 137);
    int right = 0;
    int wrong = 0;
    const auto cache = open_cache(place.dir() / "cache");
    for (int i = 0; i < files; ++i) {
      const std::string path = fs::canonical(place.dir().path()).string() + "/tree/" +
                               std::to_string(i % 10) + "/" + std::to_string(i);
      const Algorithm algorithm = Algorithm::kSha256;
      const auto found = cache->find(path, *jobs::stamp_of(path), {&algorithm, 1});
      if (!found) continue;
      const bool is_right = found->front() == jobs::digest_of(algorithm, std::to_string(i));
      ++(is_right ? right : wrong);
    }
    CHECK(wrong == 0);
    CHECK(right > 0);
    CHECK(cache->take_warnings().empty());
  }
  ::close(held);
  const CommandResult next = place.hash({"tree"});
  CHECK(next.out == place.shell(std::string(kSortedSums)));
  CHECK(next.err.empty());
  CHECK(next.status == 0);
}

TEST_CASE("of a job file: beside it, or where it says") {
  const Place place;
  place.dir().write("data/a", "alpha");
  place.dir().write("data/b", "beta");
  const auto write_job = [&](const std::string& cache, const std::string& root = "data") {
    place.dir().write("job.json", R"({"gorun": 1, "stages": {"f": {"kind": "walk", "root": ")" +
                                      root + R"("}, "h": {"kind": "hash", "from": "f", "cache": )" +
                                      cache + R"(}, "w": {"kind": "write", "from": "h",
                                      "format": "sha256sum"}}})");
  };
  const auto sorted = [&](Words words) {
    words.insert(words.begin(), {"run", "-q"});
    words.emplace_back("job.json");
    const CommandResult result = place.run(words);
    CHECK(result.status == 0);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < result.out.size();) {
      const std::size_t end = result.out.find('\n', at) + 1;
      lines.push_back(result.out.substr(at, end - at));
      at = end;
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  std::vector<std::string> right = {line_of("alpha", "data/a"), line_of("beta", "data/b")};
  std::sort(right.begin(), right.end());

  write_job("false");
  CHECK(sorted({}) == right);
  CHECK_FALSE(fs::exists(place.dir() / ".gorun"));
  for (const bool is_named : {false, true}) {
    CAPTURE(is_named);
    const std::string option = is_named ? "\"known\"" : "true";
    const std::string directory = is_named ? "known" : ".gorun/cache";
    write_job(option);
    CHECK(sorted({}) == right);
    CHECK(sorted({}) == right);
    REQUIRE(fs::exists(place.dir() / (directory + "/digests")));
    place.plant("data/a", "wrong", directory);
    std::vector<std::string> planted = {line_of("wrong", "data/a"), line_of("beta", "data/b")};
    std::sort(planted.begin(), planted.end());
    CHECK(sorted({}) == planted);
    const CommandResult paranoid = place.run({"run", "--paranoid", "job.json"});
    CHECK(paranoid.status == 0);
    CHECK(mentions(paranoid.err,
                   "gorun: warning: stage \"h\": \"data/a\" does not hold what it held"));
    CHECK(sorted({}) == right);
  }
  CHECK(read_whole_file(place.dir() / ".gorun/.gitignore") == "*\n");
  CHECK_FALSE(fs::exists(place.dir() / ".gitignore"));

  // The cache's own files are no files of the job.
  fs::remove_all(place.dir() / "known");
  write_job("true", ".");
  for (int time = 0; time < 3; ++time) {
    const CommandResult result = place.run({"run", "-q", "job.json"});
    CHECK(result.status == 0);
    CHECK(result.err.empty());
    CHECK(mentions(result.out, line_of("alpha", "./data/a")));
    CHECK_FALSE(mentions(result.out, "digests"));
  }

  write_job("\"job.json/x\"");
  const CommandResult refused = place.run({"job.json"});
  CHECK(refused.status == 0);
  CHECK(mentions(refused.err,
                 "gorun: warning: stage \"h\": cannot make directory \"job.json/x\": Not a "
                 "directory: all files are read\n"));
  for (const std::string wrong : {"5", "[\"x\"]", "\"\"", "null"}) {
    CAPTURE(wrong);
    write_job(wrong);
    const CommandResult result = place.run({"check", "job.json"});
    CHECK(result.status == 3);
    CHECK(mentions(result.err, "cache"));
  }
}

TEST_CASE("run --paranoid reads what commands depend on, too") {
  const Place place;
  place.dir().write("a", "alpha");
  place.dir().write("job.json", R"({"gorun": 1, "stages": {"c": {"kind": "exec",
      "shell": "echo ran >> log", "inputs": "a"}}})");
  const auto runs = [&] {
    const std::string log = read_whole_file(place.dir() / "log");
    return std::count(log.begin(), log.end(), '\n');
  };
  CHECK(place.run({"run", "-q", "job.json"}).status == 0);
  CHECK(place.run({"run", "-q", "--paranoid", "job.json"}).status == 0);
  CHECK(runs() == 1);
  // A record that says of the file as it is now that it held something else.
  std::string path;
  for (const auto& entry : fs::recursive_directory_iterator(place.dir() / ".gorun/cache")) {
    if (entry.is_regular_file()) path = entry.path();
  }
  auto record = jobs::parse_success_record(read_whole_file(path));
  REQUIRE(record);
  REQUIRE(record->inputs.size() == 1);
  record->inputs[0].digest = jobs::digest_text("other");
  std::ofstream(path) << jobs::to_text(*record);
  CHECK(place.run({"run", "-q", "job.json"}).status == 0);
  CHECK(runs() == 1);
  const CommandResult paranoid = place.run({"run", "-v", "--paranoid", "job.json"});
  CHECK(mentions(paranoid.err, "gorun: stage \"c\" runs: input \"a\" changed\n"));
  CHECK(runs() == 2);
  CHECK(place.run({"run", "-q", "--paranoid", "job.json"}).status == 0);
  CHECK(runs() == 2);
}

TEST_SUITE_END();

}  // namespace gorun::test::hash_cache_test
