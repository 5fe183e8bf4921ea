// tests/jobs/walk/walker_test.cc - trees walked as find(1) walks them.

#include "jobs/walk/walker.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "tests/support/fake_disks.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::walker_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::run_shell;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/walk/walker");

namespace {

// The whole walk in one step's result, paths sorted.
WalkStep walk(const std::vector<std::string>& roots, WalkOptions options = {}) {
  const Walker walker(std::move(options));
  DirectoryReader reader;
  WalkStep step;
  for (const std::string& root : roots) walker.begin(root, &step);
  while (!step.directories.empty()) {
    const PendingDirectory next = std::move(step.directories.back());
    step.directories.pop_back();
    walker.enter(next, reader, &step);
  }
  std::sort(step.found.begin(), step.found.end(),
            [](const Found& a, const Found& b) { return a.path < b.path; });
  return step;
}

// Each path with a NUL behind it, as find -print0 and sort -z give them.
std::string joined(const WalkStep& step) {
  std::string text;
  for (const Found& found : step.found) text += found.path + '\0';
  return text;
}

std::string find_says(const std::string& arguments) {
  const auto asked = run_shell("find " + arguments + " -print0 | sort -z");
  REQUIRE(asked.exit_status == 0);
  return asked.out;
}

PathFilter filter_of(const std::vector<std::string>& include,
                     const std::vector<std::string>& exclude) {
  auto filter = PathFilter::compile(include, exclude);
  REQUIRE(filter.ok());
  return std::move(*filter);
}

// Names of many kinds, files of sizes 0 to 5.
void make_tree(const ScratchDir& scratch) {
  int size = 0;
  for (const char* name : {"a", "b.c", ".hidden", "d/e.c", "d/.git/config", "d/f/g/h.c",
                           "d/new\nline", "d/\xff\xfe.c", "-rf", "s p a c e/\"quote\\"}) {
    scratch.write(name, std::string(static_cast<std::size_t>(size++ % 6), 'x'));
  }
  scratch.make_dir("empty");
  REQUIRE(::mkfifo((scratch / "fifo").c_str(), 0600) == 0);
  REQUIRE(::symlink("b.c", (scratch / "to_file").c_str()) == 0);
  REQUIRE(::symlink("d", (scratch / "to_dir").c_str()) == 0);
  REQUIRE(::symlink("nowhere", (scratch / "dangling").c_str()) == 0);
}

}  // namespace

TEST_CASE("finds what find finds, for every type and depth") {
  const ScratchDir scratch;
  make_tree(scratch);
  const std::string root = scratch.path();
  CHECK(joined(walk({root})) == find_says(root + " -type f"));
  CHECK(joined(walk({root}, {.type = FileType::kDirectory})) == find_says(root + " -type d"));
  CHECK(joined(walk({root}, {.type = FileType::kSymlink})) == find_says(root + " -type l"));
  CHECK(joined(walk({root}, {.type = std::nullopt})) == find_says(root));
  for (std::uint64_t depth = 0; depth < 5; ++depth) {
    CAPTURE(depth);
    CHECK(joined(walk({root}, {.type = std::nullopt, .max_depth = depth})) ==
          find_says(root + " -maxdepth " + std::to_string(depth)));
  }
  CHECK(joined(walk({root + "/"})) == find_says(root + "/ -type f"));
  CHECK(joined(walk({root + "/a", root + "/d"})) == find_says(root + "/a " + root + "/d -type f"));
}

TEST_CASE("follows links when asked, and a root that is one always") {
  const ScratchDir scratch;
  make_tree(scratch);
  const std::string root = scratch.path();
  const WalkStep followed = walk({root}, {.symlinks = Symlinks::kFollow});
  CHECK(joined(followed) == find_says("-L " + root + " -type f"));
  CHECK(followed.errors.empty());
  CHECK(joined(walk({root}, {.type = FileType::kSymlink, .symlinks = Symlinks::kFollow})) ==
        root + "/dangling" + '\0');
  CHECK(joined(walk({root + "/to_dir"})) == find_says("-H " + root + "/to_dir -type f"));
}

TEST_CASE("a link to a directory above itself is named and not entered") {
  const ScratchDir scratch;
  scratch.write("a/b/file", "x");
  REQUIRE(::symlink("../..", (scratch / "a/b/up").c_str()) == 0);
  REQUIRE(::symlink(".", (scratch / "a/self").c_str()) == 0);
  WalkStep step = walk({scratch.path()}, {.symlinks = Symlinks::kFollow});
  CHECK(joined(step) == scratch.path() + "/a/b/file" + '\0');
  std::sort(step.loops.begin(), step.loops.end());
  CHECK(step.loops ==
        std::vector<std::string>{scratch.path() + "/a/b/up", scratch.path() + "/a/self"});
  CHECK(step.errors.empty());
}

TEST_CASE("hidden names are left out with all that lies below") {
  const ScratchDir scratch;
  make_tree(scratch);
  CHECK(joined(walk({scratch.path()}, {.hidden = false})) ==
        find_says(scratch.path() + " -mindepth 1 -name '.*' -prune -o -type f"));
}

TEST_CASE("include and exclude see the path below the root") {
  const ScratchDir scratch;
  make_tree(scratch);
  const std::string root = scratch.path();
  CHECK(joined(walk({root}, {.filter = filter_of({"*.c"}, {"/d/f/"})})) ==
        find_says(root + " -path " + root + "/d/f -prune -o -type f -name '*.c'"));
  CHECK(joined(walk({root + "/"}, {.filter = filter_of({"/d/*.c"}, {})})) ==
        find_says(root + "/ -type f -path '*/d/*.c' -not -path '*/d/f/*'"));
}

TEST_CASE("sizes limit regular files") {
  const ScratchDir scratch;
  make_tree(scratch);
  const std::string root = scratch.path();
  const WalkStep step = walk({root}, {.min_size = 2, .max_size = 4});
  CHECK(joined(step) == find_says(root + " -type f -size +1c -size -5c"));
  for (const Found& found : step.found) {
    struct stat seen = {};
    REQUIRE(::stat(found.path.c_str(), &seen) == 0);
    CHECK(found.size == static_cast<std::uint64_t>(seen.st_size));
  }
  CHECK(!walk({root + "/a"}).found.front().size);
  CHECK(walk({root + "/b.c"}, {.sizes = true}).found.front().size == 1);
}

TEST_CASE("what cannot be looked at is an error with its path, and the rest goes on") {
  const ScratchDir scratch;
  scratch.write("fine", "x");
  const WalkStep missing = walk({scratch / "no\xff", scratch.path()});
  REQUIRE(missing.errors.size() == 1);
  CHECK(missing.errors.front().error_number == ENOENT);
  CHECK(missing.errors.front().subject == scratch / "no\xff");
  CHECK(missing.found.size() == 1);

  // A directory that goes away between being found and being entered.
  scratch.make_dir("gone");
  const Walker walker({});
  WalkStep step;
  walker.begin(scratch / "gone", &step);
  REQUIRE(::rmdir((scratch / "gone").c_str()) == 0);
  DirectoryReader reader;
  walker.enter(step.directories.front(), reader, &step);
  REQUIRE(step.errors.size() == 1);
  CHECK(step.errors.front().message().find("No such file or directory") != std::string::npos);
}

TEST_CASE("a directory of more entries than one call returns") {
  const ScratchDir scratch;
  const std::string long_name(200, 'n');
  for (int i = 0; i < 3000; ++i) {
    const std::string path = scratch / (long_name + std::to_string(i));
    const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    ::close(fd);
  }
  CHECK(joined(walk({scratch.path()})) == find_says(scratch.path() + " -type f"));
}

TEST_CASE("a path longer than PATH_MAX is walked") {
  const ScratchDir scratch;
  const std::string name(250, 'd');
  int fd = ::open(scratch.path().c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC);
  for (int i = 0; i < 30 && fd >= 0; ++i) {
    REQUIRE(::mkdirat(fd, name.c_str(), 0700) == 0);
    const int below = ::openat(fd, name.c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    ::close(fd);
    fd = below;
  }
  REQUIRE(fd >= 0);
  const int file = ::openat(fd, "deep", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  REQUIRE(file >= 0);
  ::close(file);
  ::close(fd);
  const WalkStep step = walk({scratch.path()});
  CHECK(step.errors.empty());
  REQUIRE(step.found.size() == 1);
  CHECK(step.found.front().path.size() == scratch.path().size() + 30 * 251 + 5);
  CHECK(run_shell("rm -rf " + scratch.path() + "/ddd*").exit_status == 0);
}

TEST_CASE("a real tree gives what find gives") {
  CHECK(joined(walk({"/usr/include"})) == find_says("/usr/include -type f"));
}

TEST_CASE("on a disk that turns directories are gone through in the order of inodes") {
  const ScratchDir scratch;
  for (int i = 0; i < 200; ++i) scratch.write("t/" + std::to_string(i * 37 % 200), "");
  gorun::test::FakeDisks fake;
  if (!fake.add_turning_disk_of(scratch.path())) {
    MESSAGE("skipped: the scratch directory has no device, and the machine no block device");
    return;
  }
  for (const std::int64_t workers : {0, 1}) {
    CAPTURE(workers);
    TurningDisks disks(workers, fake.sources());
    WalkOptions options;
    options.disks = &disks;
    const Walker walker(std::move(options));
    DirectoryReader reader;
    WalkStep step;
    walker.begin(scratch / "t", &step);
    REQUIRE(step.directories.size() == 1);
    const PendingDirectory directory = step.directories.front();
    walker.enter(directory, reader, &step);
    REQUIRE(step.found.size() == 200);
    for (const Found& found : step.found) {
      struct stat seen = {};
      REQUIRE(::stat(found.path.c_str(), &seen) == 0);
      CHECK(found.inode == (workers == 0 ? 0 : seen.st_ino));
    }
    if (workers != 0) CHECK(std::ranges::is_sorted(step.found, {}, &Found::inode));
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::walker_test
