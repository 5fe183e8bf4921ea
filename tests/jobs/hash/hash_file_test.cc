// tests/jobs/hash/hash_file_test.cc - files of every kind, and files that change under the reader.

#include "jobs/hash/hash_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "jobs/hash/hash_stream.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::hash_file_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::ScratchDir;
using Reason = HashFileError::Reason;

TEST_SUITE_BEGIN("jobs/hash/hash_file");

namespace {

Expected<FileDigests, HashFileError> sha256_of(const std::string& path,
                                               std::size_t buffer_bytes = kHashBufferBytes) {
  const Algorithm algorithm = Algorithm::kSha256;
  DigestPass pass(std::span<const Algorithm>(&algorithm, 1));
  std::vector<char> buffer(buffer_bytes);
  return hash_file(AT_FDCWD, path, pass, buffer);
}

}  // namespace

TEST_CASE("sizes around the buffer, also the empty file") {
  const ScratchDir scratch;
  for (const std::size_t size : {0u, 1u, 99u, 100u, 101u, 200u, 1000u}) {
    CAPTURE(size);
    const std::string bytes(size, 'q');
    const auto result = sha256_of(scratch.write("file", bytes), 100);
    REQUIRE(result.ok());
    CHECK(result->size == size);
    CHECK(result->digests.front() == digest_of(Algorithm::kSha256, bytes));
  }
}

TEST_CASE("a file of more than a MiB, several digests at once") {
  const ScratchDir scratch;
  const std::string bytes(3'000'001, 'z');
  const std::string path = scratch.write("large", bytes);
  DigestPass pass(all_algorithms());
  std::vector<char> buffer(kHashBufferBytes);
  const auto result = hash_file(AT_FDCWD, path, pass, buffer);
  REQUIRE(result.ok());
  CHECK(result->size == bytes.size());
  for (const Digest& digest : result->digests) CHECK(digest == digest_of(digest.algorithm, bytes));
}

TEST_CASE("a name of any bytes, relative to a directory") {
  const ScratchDir scratch;
  const std::string name = "-\n\\\" \xff\xfe\x01";
  scratch.write(name, "content");
  const int dirfd = ::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  REQUIRE(dirfd >= 0);
  const Algorithm algorithm = Algorithm::kXxh3;
  DigestPass pass(std::span<const Algorithm>(&algorithm, 1));
  std::array<char, 64> buffer;
  const auto result = hash_file(dirfd, name, pass, buffer);
  ::close(dirfd);
  REQUIRE(result.ok());
  CHECK(result->digests.front() == digest_of(algorithm, "content"));
}

TEST_CASE("a symbolic link is followed, a dangling one is missing") {
  const ScratchDir scratch;
  scratch.write("target", "t");
  REQUIRE(::symlink("target", (scratch / "link").c_str()) == 0);
  REQUIRE(::symlink("nowhere", (scratch / "dangling").c_str()) == 0);
  REQUIRE(::symlink("loop", (scratch / "loop").c_str()) == 0);
  CHECK(sha256_of(scratch / "link").ok());
  CHECK(sha256_of(scratch / "dangling").error().system.error_number == ENOENT);
  CHECK(sha256_of(scratch / "loop").error().system.error_number == ELOOP);
}

TEST_CASE("what is not a regular file is named, and a FIFO blocks nobody") {
  const ScratchDir scratch;
  REQUIRE(::mkfifo((scratch / "fifo").c_str(), 0600) == 0);
  const auto fifo = sha256_of(scratch / "fifo");
  REQUIRE(!fifo.ok());
  CHECK(fifo.error().reason == Reason::kNotRegular);
  CHECK(fifo.error().message() == "\"" + scratch.path() + "/fifo\" is a FIFO");
  CHECK(sha256_of(scratch.path()).error().detail == "a directory");
  CHECK(sha256_of("/dev/null").error().detail == "a character device");
}

TEST_CASE("a block device is named, and not read") {
  for (const auto& entry : std::filesystem::directory_iterator("/dev")) {
    std::error_code unknown;
    if (!entry.is_block_file(unknown)) continue;
    const auto result = sha256_of(entry.path());
    if (result.ok() || result.error().reason == Reason::kSystem) continue;  // may not be opened
    CHECK(result.error().detail == "a block device");
    return;
  }
  MESSAGE("skipped: there is no block device that may be opened");
}

TEST_CASE("a missing file gives the call, the errno and the name") {
  const auto result = sha256_of("/nonexistent/\xff");
  REQUIRE(!result.ok());
  CHECK(result.error().reason == Reason::kSystem);
  CHECK(result.error().system.call == "open");
  CHECK(result.error().system.error_number == ENOENT);
  CHECK(result.error().message() ==
        "cannot open \"/nonexistent/\\xff\": No such file or directory");
}

TEST_CASE("a file of the kernel without a true size is read to its end") {
  const auto result = sha256_of("/proc/self/status");
  REQUIRE(result.ok());
  CHECK(result->size > 100);
  CHECK(sha256_of("/sys/kernel/mm/transparent_hugepage/enabled").ok());
}

TEST_CASE("a file that fails with EIO gets no digest") {
  // Address 0 is nowhere mapped: reading a process's memory there is an input/output error.
  const auto result = sha256_of("/proc/self/mem");
  REQUIRE(!result.ok());
  CHECK(result.error().message() == "cannot read \"/proc/self/mem\": Input/output error");
}

TEST_CASE("a pass is empty again after a failure") {
  const ScratchDir scratch;
  const Algorithm algorithm = Algorithm::kSha256;
  DigestPass pass(std::span<const Algorithm>(&algorithm, 1));
  std::vector<char> buffer(64);
  CHECK(!hash_file(AT_FDCWD, scratch / "missing", pass, buffer).ok());
  const auto result = hash_file(AT_FDCWD, scratch.write("there", "x"), pass, buffer);
  REQUIRE(result.ok());
  CHECK(result->digests.front() == digest_of(algorithm, "x"));
}

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kPages = 256;

// The digests of every state of a file that is rewritten page by page, from all 'a' to all 'b'
// and back.
std::set<std::string> digests_of_all_states() {
  std::set<std::string> digests;
  for (const char* order : {"ab", "ba"}) {
    std::string bytes(kPages * kPage, order[0]);
    for (std::size_t page = 0; page <= kPages; ++page) {
      digests.insert(digest_of(Algorithm::kXxh128, bytes).hex());
      if (page < kPages) bytes.replace(page * kPage, kPage, kPage, order[1]);
    }
  }
  return digests;
}

}  // namespace

// A writer that sleeps between two pages leaves a file at rest, so every such state is right; a
// mixture of two of them is what must never be given.
TEST_CASE("a file that is rewritten while it is read never gets a mixed digest") {
  const ScratchDir scratch;
  const std::string path = scratch.write("moving", std::string(kPages * kPage, 'a'));
  const std::set<std::string> right = digests_of_all_states();
  const Algorithm algorithms[] = {Algorithm::kSha256, Algorithm::kXxh128};  // slow enough to catch
  DigestPass pass(algorithms);
  std::vector<char> buffer(2 * kPage);

  std::atomic<bool> stop = false;
  std::atomic<bool> failed = false;
  std::atomic<int> go = 0;
  std::thread writer([&] {  // one rewriting of the file for each go
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    failed = fd < 0;
    for (int done = 0; !stop && !failed;) {
      if (done == go) {
        std::this_thread::yield();
        continue;
      }
      const std::string bytes(kPage, ++done % 2 == 1 ? 'b' : 'a');
      for (std::size_t page = 0; page < kPages; ++page) {
        const auto at = static_cast<off_t>(page * kPage);
        failed = failed || ::pwrite(fd, bytes.data(), kPage, at) != static_cast<ssize_t>(kPage);
      }
    }
    ::close(fd);
  });
  int caught_while_reading = 0;
  int mixed = 0;
  for (int round = 0; round < 5000 && caught_while_reading < 5 && !failed; ++round) {
    // A reading that succeeds proves that the file rests, so the next one begins at once.
    while (!failed && !hash_file(AT_FDCWD, path, pass, buffer).ok()) {
    }
    ++go;
    const auto result = hash_file(AT_FDCWD, path, pass, buffer);
    if (!result.ok()) {
      caught_while_reading += result.error().detail != "it is being written";
    } else {
      mixed += !right.contains(result->digests.back().hex());
    }
  }
  stop = true;
  writer.join();
  CHECK(!failed);
  CHECK(mixed == 0);
  CHECK(caught_while_reading > 0);
}

TEST_CASE("whatever becomes of a file between its two looks is told") {
  struct Change {
    const char* what;
    std::function<bool(const std::string& path)> make;
    const char* told;
  };
  // In its place, and with the time that it had.
  const auto rewrite = [](const std::string& path, bool keeps_time) {
    struct stat before = {};
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    bool is_done = ::fstat(fd, &before) == 0 && ::pwrite(fd, "x", 1, 0) == 1;
    const timespec times[] = {before.st_atim, before.st_mtim};
    if (keeps_time) is_done = is_done && ::futimens(fd, times) == 0;
    return ::close(fd) == 0 && is_done;
  };
  const Change changes[] = {
      {"nothing", [](const std::string&) { return true; }, ""},
      {"cut", [](const std::string& path) { return ::truncate(path.c_str(), 50) == 0; },
       "size 1000 became 50"},
      {"longer", [](const std::string& path) { return ::truncate(path.c_str(), 1001) == 0; },
       "size 1000 became 1001"},
      {"rewritten", [&](const std::string& path) { return rewrite(path, false); },
       "its modification time moved"},
      {"rewritten and dated back", [&](const std::string& path) { return rewrite(path, true); },
       "its change time moved"},
      {"gone", [](const std::string& path) { return ::unlink(path.c_str()) == 0; },
       "its change time moved"},
      {"replaced",
       [](const std::string& path) { return ::rename((path + "-new").c_str(), path.c_str()) == 0; },
       "its change time moved"},
  };
  for (const Change& change : changes) {
    CAPTURE(std::string(change.what));
    const ScratchDir scratch;
    const std::string path = scratch.write("file", std::string(1000, 'a'));
    scratch.write("file-new", std::string(1000, 'b'));
    auto file = FileReading::open(AT_FDCWD, path);
    REQUIRE(file.ok());
    std::array<char, 100> buffer;
    REQUIRE(file->read(buffer).ok());
    REQUIRE(change.make(path));
    while (!file->is_at_end()) REQUIRE(file->read(buffer).ok());
    const auto error = file->check(file->bytes_read());
    CHECK((error ? error->detail : "") == change.told);
    if (error) CHECK(error->reason == Reason::kChanged);
  }
}

TEST_CASE("standard input that is a file is watched, and read from where it stands") {
  const ScratchDir scratch;
  const std::string bytes(1'000'000, 's');
  const std::string path = scratch.write("file", bytes);
  const Algorithm algorithm = Algorithm::kSha256;
  for (const bool changes : {false, true}) {
    CAPTURE(changes);
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    REQUIRE(::lseek(fd, 10, SEEK_SET) == 10);
    bool is_changed = false;
    const auto result = hash_stream(fd, "in", std::span(&algorithm, 1), [&](std::uint64_t) {
      if (changes && !is_changed) is_changed = ::truncate(path.c_str(), 1'000'001) == 0;
    });
    ::close(fd);
    CHECK(is_changed == changes);
    if (changes) {
      CHECK(result.error().message() ==
            "\"in\" changed while it was read: size 1000000 became 1000001");
    } else {
      REQUIRE(result.ok());
      CHECK(result->digests.front() == digest_of(algorithm, bytes.substr(10)));
    }
  }
}

TEST_CASE("a file that was just written is hashed all the same") {
  const ScratchDir scratch;
  for (int i = 0; i < 20; ++i) {
    const auto result = sha256_of(scratch.write("fresh", std::to_string(i)));
    REQUIRE(result.ok());
    CHECK(result->digests.front() == digest_of(Algorithm::kSha256, std::to_string(i)));
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::hash_file_test
