// tests/jobs/hash/near_directory_test.cc - neighbours are opened relative to their directory.

#include "jobs/hash/near_directory.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "jobs/hash/hash_files.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::near_directory_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/hash/near_directory");

TEST_CASE("only a directory that the next path shares is looked up") {
  const ScratchDir scratch;
  scratch.write("d/a", "");
  NearDirectory near;
  const std::string d = scratch / "d/";
  CHECK(near.find("a", "b").dirfd == AT_FDCWD);  // the current one needs no look-up
  CHECK(near.find(d + "a", "").dirfd == AT_FDCWD);
  CHECK(near.find(d + "a", d + "e/b").dirfd == AT_FDCWD);
  CHECK(near.find(scratch / "none/a", scratch / "none/b").dirfd == AT_FDCWD);
  const NearDirectory::Place first = near.find(d + "a", d + "b");
  REQUIRE(first.dirfd >= 0);
  CHECK(first.skip == d.size());
  CHECK(::faccessat(first.dirfd, "a", F_OK, 0) == 0);
  CHECK(near.find(d + "b", "").dirfd == first.dirfd);
  CHECK(near.find(d, d + "c").dirfd == AT_FDCWD);  // a directory itself
  near.forget();
  CHECK(near.find(d + "c", "").dirfd == AT_FDCWD);
}

TEST_CASE("files below a path longer than PATH_MAX are hashed") {
  const ScratchDir scratch;
  std::string path = scratch.path();
  int at = ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  const std::string name(250, 'p');
  while (path.size() < 5000) {
    REQUIRE(::mkdirat(at, name.c_str(), 0700) == 0);
    const int below = ::openat(at, name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(below >= 0);
    ::close(at);
    at = below;
    path += '/' + name;
  }
  const int file = ::openat(at, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(::write(file, "abc", 3) == 3);
  ::close(file);
  ::close(at);
  const std::string paths[] = {path + "/f", path + "/none"};
  const std::string_view names[] = {paths[0], paths[1]};
  const Algorithm md5 = Algorithm::kMd5;
  FilesHasher hasher({&md5, 1});
  hasher.start(names);
  std::vector<HashOutcome> outcomes;
  while (!hasher.run(1 << 20, &outcomes)) {
  }
  REQUIRE(outcomes.size() == 2);
  for (const HashOutcome& outcome : outcomes) {
    if (outcome.index == 0) {
      REQUIRE(outcome.result.ok());
      CHECK(outcome.result->digests[0].hex() == "900150983cd24fb0d6963f7d28e17f72");
    } else {
      CHECK(!outcome.result.ok());
    }
  }
  // Too long for what removes the folder.
  CHECK(gorun::test::run_shell("rm -rf " + scratch.path() + "/ppp*").exit_status == 0);
}

TEST_SUITE_END();

}  // namespace gorun::test::near_directory_test
