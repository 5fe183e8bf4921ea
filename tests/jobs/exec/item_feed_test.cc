// tests/jobs/exec/item_feed_test.cc - how far a reader came is told to the item.

#include "jobs/exec/item_feed.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/fd_pairs.h"
#include "tests/support/parked.h"

namespace gorun::test::item_feed_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::runtime::Runtime;
using gorun::runtime::WaitGroup;
using gorun::test::at_each_procs;
using gorun::test::IgnoreSigpipe;
using gorun::test::run_to_end;

namespace {

Batch batch_of(const std::vector<std::string>& texts) {
  Batch batch;
  for (const std::string& text : texts) {
    Item item;
    item.text = batch.copy(text);
    batch.push(item);
  }
  return batch;
}

// "2 b | c d": two read, the last of which was b; c and d were not.
std::string shown(const ItemFeed::End& end) {
  std::string text = std::to_string(end.read) + " " +
                     (end.last ? std::string(end.last->text) : std::string("-")) + " |";
  for (const Item& item : end.unread) text.append(" ").append(item.text);
  return text;
}

// A pipe whose reading end is the test's.
struct Ends {
  Ends() { REQUIRE(::pipe2(fds.data(), O_CLOEXEC | O_NONBLOCK) == 0); }
  ~Ends() { close_reader(); }
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  void close_reader() {
    if (fds[0] >= 0) ::close(std::exchange(fds[0], -1));
  }
  std::string read(std::size_t size) const {
    std::string text(size, '\0');
    const ssize_t got = ::read(fds[0], text.data(), size);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }
  std::array<int, 2> fds{-1, -1};
};

}  // namespace

TEST_SUITE_BEGIN("jobs/exec/item_feed");

TEST_CASE("what was read is told from what lies in the pipe, also when that is closed") {
  for (const bool is_finished : {false, true}) {
    for (const auto& [bytes, expected] :
         {std::pair(0, "0 - | a bb ccc d"), std::pair(1, "1 a | bb ccc d"),
          std::pair(2, "1 a | bb ccc d"), std::pair(3, "2 bb | ccc d"),
          std::pair(5, "2 bb | ccc d"), std::pair(9, "3 ccc | d"), std::pair(11, "4 d |")}) {
      CAPTURE(is_finished);
      CAPTURE(bytes);
      std::string told;
      std::string got;
      Ends ends;
      Runtime rt({.procs = 1});
      run_to_end(rt, [&, count = bytes] {
        ItemFeed feed(gorun::test::adopt(ends.fds[1]), '\n');
        if (!feed.put(batch_of({"a", "bb"})) || !feed.put(batch_of({"ccc", "d"}))) return;
        if (is_finished) feed.finish();
        got = ends.read(static_cast<std::size_t>(count));
        told = shown(feed.end());
      });
      CHECK(told == expected);
      CHECK(got == std::string("a\nbb\nccc\nd\n").substr(0, static_cast<std::size_t>(bytes)));
    }
  }
}

TEST_CASE(
    "without a descriptor to spare the input ends when all is read, and none is lost before") {
  for (const bool reads_all : {false, true}) {
    CAPTURE(reads_all);
    std::string told;
    Ends ends;
    rlimit saved = {};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &saved) == 0);
    Runtime rt({.procs = 1});
    run_to_end(rt, [&] {
      ItemFeed feed(gorun::test::adopt(ends.fds[1]), '\n');
      if (!feed.put(batch_of({"a", "bb"}))) return;
      // The lowest free number is the first that is refused.
      const int lowest = ::dup(ends.fds[0]);
      ::close(lowest);
      rlimit low = saved;
      low.rlim_cur = static_cast<rlim_t>(lowest);
      static_cast<void>(::setrlimit(RLIMIT_NOFILE, &low));
      WaitGroup finishing;
      bool is_finished = false;
      finishing.go([&] {
        feed.finish();
        is_finished = true;
      });
      gorun::test::yield_until("the feed asks for a descriptor", [&] {
        return is_finished || rt.parked(gorun::runtime::WaitReason::kSleep) > 0;
      });
      static_cast<void>(ends.read(reads_all ? 5 : 2));
      if (reads_all) finishing.wait();
      told = shown(feed.end());
      finishing.wait();
      static_cast<void>(::setrlimit(RLIMIT_NOFILE, &saved));
    });
    CHECK(told == (reads_all ? "2 bb |" : "1 a | bb"));
  }
}

TEST_CASE("batches that were read are forgotten, and still counted") {
  std::string told;
  Ends ends;
  Runtime rt({.procs = 1});
  run_to_end(rt, [&] {
    ItemFeed feed(gorun::test::adopt(ends.fds[1]), '\0');
    for (int i = 0; i < 1000; ++i) {
      if (!feed.put(batch_of({"x" + std::to_string(i), "y"}))) return;
      if (ends.read(1 << 12).empty()) return;
    }
    if (!feed.put(batch_of({"last", "never"}))) return;
    static_cast<void>(ends.read(5));
    told = shown(feed.end());
  });
  CHECK(told == "2001 last | never");
}

TEST_CASE("a put that waits for room ends when the command does, and one that comes later, too") {
  const std::string large(100'000, 'x');
  at_each_procs([&](Runtime& rt) {
    bool first = true;
    bool second = true;
    std::size_t unread = 0;
    std::optional<Batch> refused;
    Ends ends;
    run_to_end(rt, [&] {
      ItemFeed feed(gorun::test::adopt(ends.fds[1]), '\n');
      WaitGroup feeding;
      feeding.go([&] { first = feed.put(batch_of({large, large, "z"})); });
      gorun::test::wait_until_parked(rt, gorun::runtime::WaitReason::kIoWrite, 1);
      unread = feed.end().unread.size();
      feeding.wait();
      second = feed.put(batch_of({"late"}));
      refused = feed.refused();
    });
    CHECK_FALSE(first);
    CHECK_FALSE(second);
    CHECK(unread == 3);
    REQUIRE(refused);
    CHECK(refused->items()[0].text == "late");
  });
}

TEST_CASE("a command that closes its input is noticed, whether it runs on or not") {
  const IgnoreSigpipe ignore;
  at_each_procs([&](Runtime& rt) {
    bool put = true;
    std::string told;
    Ends ends;
    run_to_end(rt, [&] {
      ItemFeed feed(gorun::test::adopt(ends.fds[1]), '\n');
      ends.close_reader();
      put = feed.put(batch_of({"a", "b"}));
      told = shown(feed.end());
    });
    CHECK_FALSE(put);
    CHECK(told == "0 - | a b");
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::item_feed_test
