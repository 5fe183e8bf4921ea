// tests/cli/hash_test.cc - `gorun hash`: what it writes others accept, and the other way round.

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::hash_test {

using gorun::test::Command;
using gorun::test::CommandResult;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("cli/hash");

namespace {

CommandResult run(std::vector<std::string> argv, const std::string& directory,
                  const std::string& input = {}) {
  return Command(argv, {.input = input, .directory = directory}).finish();
}

CommandResult run_gorun(std::vector<std::string> arguments, const std::string& directory,
                        const std::string& input = {}) {
  std::vector<std::string> argv = {GORUN_BINARY};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return run(argv, directory, input);
}

CommandResult shell(const std::string& script, const std::string& directory,
                    const std::string& input = {}) {
  return run({"bash", "-c", script}, directory, input);
}

bool has_command(const std::string& name) { return shell("command -v " + name, "/").status == 0; }

// A path of 4,000 bytes below "d": the kernel takes 4,095 at a time.
std::string long_path() {
  std::string path = "d";
  while (path.size() < 3750) path += "/" + std::string(200, 'p');
  path += "/" + std::string(4000 - path.size() - 1, 'q');
  return path;
}

// Names that break careless programs, in a directory "d".
void make_awkward_tree(const ScratchDir& scratch, bool with_other_bytes = true) {
  std::filesystem::create_directories(scratch / "d/e");
  for (const std::string name :
       {"a\nb", "c\\d", "q\"u'o", "-lead", " sp ", "#h", "[x]", "\\", "$HOME", "e/deep"}) {
    scratch.write("d/" + name, name + "!");
  }
  scratch.write("d/" + std::string(255, 'n'), "long");
  scratch.write(long_path(), "far");
  if (with_other_bytes) {
    scratch.write("d/non\xffutf", "bytes");
    scratch.write("d/cr\rx", "cr");
  }
  scratch.write("d/large", std::string(5'000'001, 'L'));
  scratch.write("d/empty", "");
}

}  // namespace

TEST_CASE("the same lines as sha256sum, in byte order of the paths, by every way") {
  const ScratchDir scratch;
  make_awkward_tree(scratch);
  REQUIRE(::mkfifo((scratch / "d/fifo").c_str(), 0600) == 0);
  REQUIRE(::symlink("nowhere", (scratch / "d/dangling").c_str()) == 0);
  const std::string expected =
      shell("find d -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum", scratch.path()).out;
  REQUIRE(!expected.empty());
  for (const std::string way : {"auto", "avx512", "avx2", "sha-ni", "openssl"}) {
    const CommandResult result = run_gorun({"hash", "--sha256-path", way, "d"}, scratch.path());
    if (result.status == 2) continue;  // not on this processor
    CAPTURE(way);
    CHECK(result.out == expected);
    CHECK(result.err.empty());
    CHECK(result.status == 0);
  }
  for (const std::string workers : {"0", "1", "7"}) {
    CAPTURE(workers);
    CHECK(run_gorun({"hash", "--rotational-workers", workers, "d"}, scratch.path()).out ==
          expected);
  }
}

TEST_CASE("coreutils check what we write, and we what they write") {
  const ScratchDir scratch;
  make_awkward_tree(scratch);
  for (const std::string name : {"sha256", "sha512", "sha1", "md5"}) {
    CAPTURE(name);
    const CommandResult ours = run_gorun({"hash", "-a", name, "d"}, scratch.path());
    CHECK(shell(name + "sum --check --strict --quiet -", scratch.path(), ours.out).status == 0);
    const CommandResult tagged =
        run_gorun({"hash", "-a", name, "--format", "bsd", "d"}, scratch.path());
    CHECK(shell(name + "sum --check --strict --quiet -", scratch.path(), tagged.out).status == 0);
    for (const std::string option : {"", "--tag "}) {
      const std::string theirs =
          shell("find d -type f -print0 | xargs -0 " + name + "sum " + option, scratch.path()).out;
      const CommandResult checked =
          run_gorun({"hash", "--check", "--strict", "-q", "-"}, scratch.path(), theirs);
      CHECK(checked.status == 0);
      CHECK(checked.out.empty());
    }
  }
}

TEST_CASE("b3sum and hashdeep accept what we write, and we what they write") {
  const ScratchDir scratch;
  make_awkward_tree(scratch, false);
  if (has_command("b3sum")) {
    const std::string ours = run_gorun({"hash", "-a", "blake3", "d"}, scratch.path()).out;
    CHECK(shell("b3sum --check --quiet -", scratch.path(), ours).status == 0);
    const std::string theirs = shell("find d -type f -print0 | xargs -0 b3sum", scratch.path()).out;
    CHECK(
        run_gorun({"hash", "-a", "blake3", "-c", "--strict", "-"}, scratch.path(), theirs).status ==
        0);
  } else {
    MESSAGE("skipped: no b3sum");
  }
  if (has_command("hashdeep")) {
    std::filesystem::remove(scratch / "d/a\nb");
    const std::string theirs = shell("hashdeep -r -l d", scratch.path()).out;
    CHECK(run_gorun({"hash", "-c", "--strict", "-q", "-"}, scratch.path(), theirs).status == 0);
    // It takes known lines of 4,096 bytes at most, of its own, too.
    std::filesystem::remove(scratch / long_path());
    const CommandResult ours = run_gorun(
        {"hash", "-a", "md5,sha256", "--format", "hashdeep", scratch / "d"}, scratch.path());
    CHECK(ours.status == 0);
    scratch.write("known", ours.out);
    CHECK(shell("hashdeep -a -k known -r " + scratch.path() + "/d", scratch.path()).status == 0);
  } else {
    MESSAGE("skipped: no hashdeep");
  }
}

TEST_CASE("what fails is told, and the rest is done") {
  const ScratchDir scratch;
  scratch.write("there", "x");
  REQUIRE(::mkfifo((scratch / "fifo").c_str(), 0600) == 0);
  const CommandResult result = run_gorun({"hash", "missing", "fifo", "there"}, scratch.path());
  CHECK(result.status == 1);
  CHECK(result.err ==
        "gorun: cannot stat \"missing\": No such file or directory\n"
        "gorun: \"fifo\" is a FIFO\n");
  CHECK(result.out == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  there\n");
}

TEST_CASE("a directory that may not be read is an error") {
  if (::geteuid() != 0) return;  // becomes another user below, which only root may
  const ScratchDir scratch;
  std::filesystem::create_directories(scratch / "d/closed");
  scratch.write("d/open", "x");
  REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
  REQUIRE(::chmod((scratch / "d/closed").c_str(), 0) == 0);
  const CommandResult result =
      Command({GORUN_BINARY, "hash", "d"}, {.directory = scratch.path(), .user = 65534}).finish();
  CHECK(result.status == 1);
  CHECK(result.err == "gorun: cannot open \"d/closed\": Permission denied\n");
  CHECK(result.out == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  d/open\n");
}

TEST_CASE("--check ends as sha256sum -c does") {
  const ScratchDir scratch;
  scratch.write("same", "x");
  scratch.write("other", "x");
  const std::string sums = run_gorun({"hash", "same", "other"}, scratch.path()).out;
  scratch.write("sums", sums);
  scratch.write("sums-and-noise", sums + "this is no checksum\n");
  scratch.write("noise", "this is no checksum\n");
  const auto check = [&](std::vector<std::string> options) {
    std::vector<std::string> ours = {"hash", "--check"};
    ours.insert(ours.end(), options.begin(), options.end());
    const CommandResult result = run_gorun(ours, scratch.path());
    std::vector<std::string> theirs = {"sha256sum", "--check"};
    theirs.insert(theirs.end(), options.begin(), options.end());
    const CommandResult expected = run(theirs, scratch.path());
    CHECK(result.status == expected.status);
    CHECK(result.out == expected.out);
    return result;
  };
  CHECK(check({"sums"}).status == 0);
  CHECK(check({"--quiet", "sums"}).out.empty());
  CHECK(check({"sums-and-noise"}).status == 0);
  CHECK(check({"--strict", "sums-and-noise"}).status == 1);
  CHECK(check({"noise"}).status == 1);
  CHECK(check({"no such file"}).status == 1);
  scratch.write("other", "y");
  const CommandResult differs = check({"sums"});
  CHECK(differs.out == "same: OK\nother: FAILED\n");
  CHECK(differs.err == "gorun: WARNING: 1 computed checksum did NOT match\n");
  std::filesystem::remove(scratch / "other");
  CHECK(check({"sums"}).out == "same: OK\nother: FAILED open or read\n");
  CHECK(check({"--ignore-missing", "sums"}).out == "same: OK\n");
  std::filesystem::remove(scratch / "same");
  CHECK(check({"--ignore-missing", "sums"}).status == 1);
}

TEST_CASE("--audit tells what has become of each file") {
  const ScratchDir scratch;
  for (const char* name : {"same", "edited", "gone", "old/name", "odd\nname"}) {
    scratch.write(std::string("d/") + name, std::string("content of ") + name);
  }
  scratch.write("sums", run_gorun({"hash", "d"}, scratch.path()).out);
  const auto audit = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"hash", "--audit", "sums"});
    return run_gorun(options, scratch.path());
  };
  const CommandResult before = audit({"-q", "d"});
  CHECK(before.status == 0);
  CHECK(before.out.empty());
  CHECK(before.err.empty());

  scratch.write("d/edited", "something else");
  std::filesystem::remove(scratch / "d/gone");
  std::filesystem::rename(scratch / "d/old/name", scratch / "d/new");
  std::filesystem::rename(scratch / "d/odd\nname", scratch / "d/odd\rname");
  scratch.write("d/added", "more");
  const CommandResult after = audit({"./d"});
  CHECK(after.status == 1);
  CHECK(after.out ==
        "./d/edited: changed\n"
        "./d/same: OK\n"
        "./d/added: added\n"
        "./d/new: moved from \"d/old/name\"\n"
        "\\./d/odd\\rname: moved from \"d/odd\\nname\"\n"
        "d/gone: missing\n");
  CHECK(after.err == "gorun: 1 matched, 1 changed, 2 moved, 1 added, 1 missing\n");

  scratch.write("sums", run_gorun({"hash", "d"}, scratch.path()).out + "noise\n");
  CHECK(audit({"-q", "d"}).err == "gorun: WARNING: 1 line is improperly formatted\n");
  CHECK(audit({"-q", "d"}).status == 0);
  CHECK(audit({"-q", "--strict", "d"}).status == 1);
  std::filesystem::remove(scratch / "d/new");
  CHECK(audit({"-q", "d"}).status == 1);
  const CommandResult ignored = audit({"-q", "--ignore-missing", "d"});
  CHECK(ignored.status == 0);
  CHECK(ignored.out.empty());
  scratch.write("sums", "noise\n");
  CHECK(audit({"d"}).err == "gorun: \"sums\": no checksum lines found\n");
  CHECK(audit({"d"}).status == 1);
}

TEST_CASE("--audit says nothing of what lies below a directory that may not be read") {
  if (::geteuid() != 0) return;  // becomes another user below, which only root may
  const ScratchDir scratch;
  scratch.write("d/closed/hidden", "x");
  scratch.write("d/open", "y");
  scratch.write("d/gone", "z");
  scratch.write("sums", run_gorun({"hash", "d"}, scratch.path()).out);
  std::filesystem::remove(scratch / "d/gone");
  REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
  REQUIRE(::chmod((scratch / "d/closed").c_str(), 0) == 0);
  const CommandResult result = Command({GORUN_BINARY, "hash", "--audit", "sums", "d"},
                                       {.directory = scratch.path(), .user = 65534})
                                   .finish();
  CHECK(result.status == 1);
  CHECK(result.err ==
        "gorun: cannot open \"d/closed\": Permission denied\n"
        "gorun: 1 matched, 0 changed, 0 moved, 0 added, 1 missing\n");
  CHECK(result.out == "d/open: OK\nd/gone: missing\n");
}

TEST_CASE("--audit reads what hashdeep wrote") {
  if (!has_command("hashdeep")) {
    MESSAGE("skipped: no hashdeep");
    return;
  }
  const ScratchDir scratch;
  scratch.write("d/a", "1");
  scratch.write("d/b", "2");
  scratch.write("known", shell("hashdeep -r -l d", scratch.path()).out);
  std::filesystem::rename(scratch / "d/b", scratch / "d/c");
  const CommandResult result = run_gorun({"hash", "--audit", "known", "d"}, scratch.path());
  CHECK(result.out == "d/a: OK\nd/c: moved from \"d/b\"\n");
  CHECK(result.status == 1);
  // As hashdeep -a sees it, too.
  CHECK(shell("hashdeep -a -l -k known -r d", scratch.path()).status != 0);
}

TEST_CASE("- is standard input, also among files") {
  const ScratchDir scratch;
  scratch.write("f", "abc");
  const std::string large(3'000'000, 'x');
  for (const std::string algorithm : {"sha256", "sha512", "sha1", "md5"}) {
    const CommandResult ours =
        run_gorun({"hash", "-a", algorithm, "f", "-", "f"}, scratch.path(), large);
    CHECK(ours.out == shell(algorithm + "sum f - f", scratch.path(), large).out);
    CHECK(ours.status == 0);
  }
  CHECK(run_gorun({"hash", "-"}, scratch.path()).out ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  -\n");
  const CommandResult closed = shell(GORUN_BINARY " hash - f <&-", scratch.path());
  CHECK(closed.err == "gorun: cannot read \"(standard input)\": Bad file descriptor\n");
  CHECK(closed.status == 1);
}

TEST_CASE("links, sockets, devices and files that fail: passed over below, told where given") {
  const ScratchDir scratch;
  scratch.write("d/file", "x");
  REQUIRE(::symlink(".", (scratch / "d/loop").c_str()) == 0);
  REQUIRE(::symlink("file", (scratch / "d/link").c_str()) == 0);
  REQUIRE(::symlink("round", (scratch / "round").c_str()) == 0);
  REQUIRE(::mkfifo((scratch / "d/fifo").c_str(), 0600) == 0);
  const int sock = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(sock >= 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = scratch / "d/sock";
  REQUIRE(path.size() < sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  REQUIRE(::bind(sock, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const CommandResult below = run_gorun({"hash", "d", "d/link", "d/loop/file"}, scratch.path());
  CHECK(below.out ==
        "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  d/file\n"
        "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  d/link\n"
        "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  d/loop/file\n");
  CHECK(below.err.empty());
  const CommandResult given = run_gorun(
      {"hash", "d/sock", "/dev/null", "round", "/proc/self/mem", "d/file"}, scratch.path());
  CHECK(given.err ==
        "gorun: cannot stat \"round\": Too many levels of symbolic links\n"
        "gorun: cannot open \"d/sock\": No such device or address\n"
        "gorun: \"/dev/null\" is a character device\n"
        "gorun: cannot read \"/proc/self/mem\": Input/output error\n");
  CHECK(given.out == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  d/file\n");
  CHECK(given.status == 1);
  ::close(sock);
}

TEST_CASE("several digests of one reading as JSON lines, and paths behind --") {
  const ScratchDir scratch;
  scratch.write("-x", "abc");
  const CommandResult result =
      run_gorun({"hash", "--format=jsonl", "-a", "md5,sha1", "--", "-x"}, scratch.path());
  CHECK(result.out ==
        "{\"path\":\"-x\",\"size\":3,\"md5\":\"900150983cd24fb0d6963f7d28e17f72\","
        "\"sha1\":\"a9993e364706816aba3e25717850c26c9cd0d89d\"}\n");
}

TEST_CASE("wrong command lines") {
  const auto complaint = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "hash");
    const CommandResult result = run_gorun(arguments, "/");
    CHECK(result.status == 2);
    return result.err;
  };
  CHECK(complaint({}) ==
        "gorun: error: a path is missing\n  hint: \"gorun help hash\" has examples\n");
  CHECK(complaint({"-a", "sha257", "x"}) ==
        "gorun: error: there is no algorithm \"sha257\"\n  hint: did you mean \"sha256\"?\n");
  CHECK(complaint({"-a", "md5,sha1", "x"}) ==
        "gorun: error: the format \"sha256sum\" has room for one algorithm\n"
        "  hint: type --format bsd, hashdeep or jsonl\n");
  CHECK(complaint({"--strict", "x"}) ==
        "gorun: error: options \"--strict\" and \"--ignore-missing\" need \"--check\" or "
        "\"--audit\"\n");
  for (const std::string number : {"-1", "1025", "some"}) {
    CHECK(complaint({"--rotational-workers", number, "x"}) ==
          "gorun: error: option \"--rotational-workers\" cannot be \"" + number +
              "\"\n  hint: it is a whole number from 0 to 1024\n");
  }
  CHECK(complaint({"-c", "--audit", "x", "y"}) ==
        "gorun: error: \"--check\" and \"--audit\" exclude each other\n");
  CHECK(complaint({"--format", "hashdeep", "-a", "blake3", "x"}) ==
        "gorun: error: hashdeep does not know \"blake3\"\n  hint: it knows md5, sha1 and sha256\n");
}

TEST_CASE("a reader that has gone ends it quietly") {
  const ScratchDir scratch;
  for (int i = 0; i < 3000; ++i) scratch.write(std::to_string(i), "x");
  const CommandResult result =
      shell("set -o pipefail; " GORUN_BINARY " hash . | head -n 1", scratch.path());
  CHECK(result.status == 0);
  CHECK(result.err.empty());
}

TEST_SUITE_END();

}  // namespace gorun::test::hash_test
