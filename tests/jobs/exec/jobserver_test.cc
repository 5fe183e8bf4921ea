// tests/jobs/exec/jobserver_test.cc - tokens of make's jobserver, in both forms.

#include "jobs/exec/jobserver.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/scratch_dir.h"

namespace gorun::test::exec_jobserver_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::test::ScratchDir;
using Token = Jobserver::Token;

namespace {

// A pipe as a make hands it on, with these tokens.
struct MakesPipe {
  explicit MakesPipe(const std::string& tokens) {
    REQUIRE(::pipe(ends.data()) == 0);
    REQUIRE(::write(ends[1], tokens.data(), tokens.size()) == static_cast<ssize_t>(tokens.size()));
  }
  ~MakesPipe() {
    for (const int end : ends) ::close(end);
  }
  MakesPipe(const MakesPipe&) = delete;
  MakesPipe& operator=(const MakesPipe&) = delete;

  std::string flags(const std::string& key = "--jobserver-auth=") const {
    return " -j4 " + key + std::to_string(ends[0]) + "," + std::to_string(ends[1]);
  }
  std::string tokens() const {
    int size = 0;
    REQUIRE(::ioctl(ends[0], FIONREAD, &size) == 0);
    std::string text(static_cast<std::size_t>(size), '\0');
    if (size > 0) REQUIRE(::read(ends[0], text.data(), text.size()) == size);
    REQUIRE(::write(ends[1], text.data(), text.size()) == size);
    return text;
  }
  std::array<int, 2> ends{-1, -1};
};

std::vector<Token> take_all(Jobserver& jobserver) {
  std::vector<Token> tokens;
  for (Token token; jobserver.try_take(&token) == Jobserver::Taken::kToken;) {
    tokens.push_back(token);
  }
  return tokens;
}

int tokens_in(int fd) {
  int size = 0;
  REQUIRE(::ioctl(fd, FIONREAD, &size) == 0);
  return size;
}

}  // namespace

TEST_SUITE_BEGIN("jobs/exec/jobserver");

TEST_CASE("MAKEFLAGS without a jobserver names none, and says nothing") {
  for (const char* flags : {"", "k", "ks -j", " -- X=--jobserver-auth=3,4"}) {
    CAPTURE(std::string(flags));
    const Jobserver::Found found = Jobserver::find(flags);
    CHECK(found.jobserver == nullptr);
    CHECK(found.warning.empty());
  }
  CHECK(Jobserver::find(nullptr).jobserver == nullptr);
}

TEST_CASE("a jobserver that is out of reach is told with the way out") {
  for (const char* auth : {"998,999", "-2,-2", "0", "x,y"}) {
    const std::string flags = " -j2 --jobserver-auth=" + std::string(auth);
    const Jobserver::Found found = Jobserver::find(flags.c_str());
    CHECK(found.jobserver == nullptr);
    CHECK(found.warning ==
          "make's jobserver is not handed on to gorun: \"+\" in front of the command in the "
          "makefile does that");
  }
  CHECK(Jobserver::find(" -j2 --jobserver-auth=fifo:/no/such/fifo").warning ==
        "cannot open the jobserver \"/no/such/fifo\": No such file or directory");
}

TEST_CASE("a client has one slot of its own, then reads tokens, and writes the same bytes back") {
  const MakesPipe pipe("ab");
  for (const char* key : {"--jobserver-auth=", "--jobserver-fds="}) {
    const Jobserver::Found found = Jobserver::find(pipe.flags(key).c_str());
    REQUIRE(found.jobserver);
    Jobserver& jobserver = *found.jobserver;
    CHECK(jobserver.role() == Jobserver::Role::kClient);
    const std::vector<Token> tokens = take_all(jobserver);
    REQUIRE(tokens.size() == 3);
    CHECK(tokens[0].is_own);
    CHECK(tokens[1].byte == 'a');
    CHECK(tokens[2].byte == 'b');
    CHECK(pipe.tokens().empty());
    jobserver.give_back(tokens[2]);
    CHECK(pipe.tokens() == "b");
    jobserver.give_back(tokens[0]);
    CHECK(pipe.tokens() == "b");
    CHECK(take_all(jobserver).size() == 2);
  }
  // What was out has come back with the end of each.
  CHECK(pipe.tokens().size() == 2);
}

TEST_CASE("a client in haste gives all back at once, and takes no more") {
  const MakesPipe pipe("+++");
  const Jobserver::Found found = Jobserver::find(pipe.flags().c_str());
  REQUIRE(found.jobserver);
  const std::vector<Token> tokens = take_all(*found.jobserver);
  CHECK(tokens.size() == 4);
  found.jobserver->give_all_back();
  CHECK(pipe.tokens() == "+++");
  CHECK(take_all(*found.jobserver).empty());
  found.jobserver->give_back(tokens[1]);
  CHECK(pipe.tokens() == "+++");
}

TEST_CASE("the pipe that others read keeps its mode") {
  const MakesPipe pipe("+");
  const Jobserver::Found found = Jobserver::find(pipe.flags().c_str());
  REQUIRE(found.jobserver);
  CHECK((::fcntl(pipe.ends[0], F_GETFL) & O_NONBLOCK) == 0);
  CHECK((::fcntl(found.jobserver->wait_fd(), F_GETFL) & O_NONBLOCK) != 0);
}

TEST_CASE("a fifo is a jobserver, too") {
  const ScratchDir scratch;
  const std::string path = scratch / "tokens";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(::write(fd, "xy", 2) == 2);
  const std::string flags = "k -j3 --jobserver-auth=fifo:" + path;
  {
    const Jobserver::Found found = Jobserver::find(flags.c_str());
    REQUIRE(found.jobserver);
    CHECK(take_all(*found.jobserver).size() == 3);
    CHECK(tokens_in(fd) == 0);
    CHECK(found.jobserver->inherited().empty());
    // Commands find it by its name, whether they are asked to or not.
    CHECK(found.jobserver->makeflags(Jobserver::Style::kPipe) == flags);
    CHECK_FALSE(found.jobserver->makeflags_without());
  }
  CHECK(tokens_in(fd) == 2);
  ::close(fd);
}

TEST_CASE("commands that do not take part get flags without descriptors that they lack") {
  const MakesPipe pipe("+");
  const std::string flags = "ks" + pipe.flags() + " -- A=b";
  const Jobserver::Found found = Jobserver::find(flags.c_str());
  REQUIRE(found.jobserver);
  CHECK(found.jobserver->makeflags(Jobserver::Style::kPipe) == flags);
  CHECK(found.jobserver->makeflags_without() == "ks -- A=b");
}

TEST_CASE("a server has a token less than jobs, and flags in which make finds them") {
  for (const bool has_name : {false, true}) {
    CAPTURE(has_name);
    auto made = Jobserver::make(3, has_name, "k -j9 --jobserver-auth=8,9 -- A=b");
    REQUIRE(made.ok());
    Jobserver& jobserver = **made;
    CHECK(jobserver.role() == Jobserver::Role::kServer);
    REQUIRE(jobserver.inherited().size() == 2);
    const std::string ends =
        std::to_string(jobserver.inherited()[0]) + "," + std::to_string(jobserver.inherited()[1]);
    CHECK(jobserver.makeflags(Jobserver::Style::kPipe) ==
          "k -j3 --jobserver-auth=" + ends + " -- A=b");
    CHECK(jobserver.makeflags_without() == "k -- A=b");
    CHECK(take_all(jobserver).size() == 3);
    // Commands read it as they are used to: waiting.
    CHECK((::fcntl(jobserver.inherited()[0], F_GETFL) & O_NONBLOCK) == 0);
  }
}

TEST_CASE("a server's fifo is found by its name, and gone with it") {
  std::string path;
  {
    auto made = Jobserver::make(2, true, nullptr);
    REQUIRE(made.ok());
    const std::string flags = (*made)->makeflags(Jobserver::Style::kFifo);
    REQUIRE(flags.starts_with(" -j2 --jobserver-auth=fifo:/"));
    path = flags.substr(flags.find('/'));
    CHECK(std::filesystem::is_fifo(path));
    const Jobserver::Found client = Jobserver::find(flags.c_str());
    REQUIRE(client.jobserver);
    CHECK(take_all(*client.jobserver).size() == 2);  // its own slot, and the token
    CHECK(take_all(**made).size() == 1);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK_FALSE(std::filesystem::exists(path.substr(0, path.rfind('/'))));
}

TEST_CASE("what is lost with a command that was killed is put back when no other runs") {
  auto made = Jobserver::make(4, false, nullptr);
  REQUIRE(made.ok());
  Jobserver& jobserver = **made;
  Token first;
  Token second;
  REQUIRE(jobserver.try_take(&first) == Jobserver::Taken::kToken);
  REQUIRE(jobserver.try_take(&second) == Jobserver::Taken::kToken);
  char stolen = 0;
  REQUIRE(::read(jobserver.inherited()[0], &stolen, 1) == 1);
  jobserver.give_back(first);
  CHECK(tokens_in(jobserver.inherited()[0]) == 1);  // another command may yet bring it
  jobserver.give_back(second);
  CHECK(tokens_in(jobserver.inherited()[0]) == 3);
  // One that comes late after all is one too many, and taken out.
  REQUIRE(::write(jobserver.inherited()[1], &stolen, 1) == 1);
  REQUIRE(jobserver.try_take(&first) == Jobserver::Taken::kToken);
  jobserver.give_back(first);
  CHECK(tokens_in(jobserver.inherited()[0]) == 3);
}

TEST_SUITE_END();

}  // namespace gorun::test::exec_jobserver_test
