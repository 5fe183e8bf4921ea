// The kind "http" when nothing more is to begin: what waits to make a request makes none.
#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "jobs/interrupt.h"
#include "jobs/observer.h"
#include "tests/jobs/run_job.h"
#include "tests/support/http_server.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::http_drain_test {

namespace {

using namespace gorun::jobs;

constexpr int kProcs[] = {1, 2, 8};

// "pages" fetches each of `items` with `options`.
std::string fetch_job(const std::string& items, const std::string& options) {
  return R"({"gorun": 1, "stages": {"urls": {"kind": "items", "items": [)" + items +
         R"(]}, "pages": {"kind": "http", "from": "urls", )" + options +
         R"(}, "out": {"kind": "write", "from": "pages", "path": "/dev/null"}}})";
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

// Tells another thread how far the run is.
class Watch final : public Observer {
 public:
  void run_started(const Graph& /*graph*/, std::shared_ptr<const Progress> progress) override {
    started_.set_value(std::move(progress));
  }
  /// Returns when workers of "pages" have taken so many items.
  void wait_for_items(std::uint64_t count) {
    const std::shared_ptr<const Progress> progress = started_.get_future().get();
    while (progress->sample(1).counts.items_in < count) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

 private:
  std::promise<std::shared_ptr<const Progress>> started_;
};

// What a server answers, asked by a process of its own: a run is under way in this one.
std::string text_of(const std::string& url) {
  return run_shell(
             "python3 -c 'import sys, urllib.request\n"
             "print(urllib.request.urlopen(sys.argv[1]).read().decode())' " +
             url)
      .out;
}

}  // namespace

TEST_SUITE_BEGIN("jobs/stages/http_drain");

TEST_CASE("whoever waits for a place at a host while the run drains makes no request") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const HttpServer server;
    const std::string url = server.url("/together/2");
    Interrupt drain;
    Watch watch;
    std::thread drainer([&] {
      // One worker has its request at the server; the other one waits for the place.
      watch.wait_for_items(2);
      while (text_of(server.url("/stats")).find(" slow 1\n") == std::string::npos) {
      }
      drain.raise();
      static_cast<void>(text_of(url));  // the second one there: the first has its answer
    });
    const Outcome outcome =
        run_job(fetch_job(quoted(url) + "," + quoted(url), R"("workers": 2, "per_host": 1)"),
                RunOptions{.procs = procs, .observer = &watch, .drain = &drain});
    drainer.join();
    CHECK(outcome.state == RunState::kInterrupted);
    CHECK(failures_of(outcome) == "");
    CHECK(outcome.stages[1].state == StageState::kCancelled);
    CHECK(outcome.stages[1].counts.items_in == 1);
    CHECK(outcome.stages[1].counts.items_out == 1);
  }
}

TEST_CASE("an answer that asks to wait is the last one where the run drains") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const HttpServer server;
    const std::string url = server.url("/wait/100");
    Interrupt drain;
    Watch watch;
    std::thread drainer([&] {
      watch.wait_for_items(1);
      drain.raise();
    });
    const Outcome outcome =
        run_job(fetch_job(quoted(url), R"("workers": 1)"),
                RunOptions{.procs = procs, .observer = &watch, .drain = &drain});
    drainer.join();
    CHECK(failures_of(outcome) == "pages: GET " + url + ": status 503\n");
    CHECK(outcome.elapsed < std::chrono::seconds(60));
  }
}

TEST_CASE("a stop ends the wait that a server asked for") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const HttpServer server;
    Interrupt interrupt;
    Watch watch;
    std::thread stopper([&] {
      watch.wait_for_items(1);
      interrupt.raise();
    });
    const Outcome outcome =
        run_job(fetch_job(quoted(server.url("/wait/100")), R"("workers": 1)"),
                RunOptions{.procs = procs, .observer = &watch, .interrupt = &interrupt});
    stopper.join();
    CHECK(outcome.state == RunState::kInterrupted);
    CHECK(failures_of(outcome) == "");
    CHECK(outcome.elapsed < std::chrono::seconds(60));
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::http_drain_test
