// The kind "http" against a real server (tests/support/http_server_main.cc) in a process of its
// own.
#include <doctest/doctest.h>

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "jobs/interrupt.h"
#include "jobs/observer.h"
#include "tests/jobs/run_job.h"
#include "tests/support/http_server.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::http_test {

namespace {

using namespace gorun::jobs;
using gorun::test::failures_of;
using gorun::test::HttpServer;
using gorun::test::read_whole_file;
using gorun::test::run_job;
using gorun::test::run_shell;
using gorun::test::ScratchDir;

constexpr int kProcs[] = {1, 2, 8};

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

// A job whose "urls" are these items, whose "pages" has `options`, and which writes jsonl to `out`.
std::string fetch_job(const std::string& items, const std::string& options,
                      const std::string& out) {
  return R"({"gorun": 1, "stages": {"urls": {"kind": "items", "items": [)" + items +
         R"(]}, "pages": {"kind": "http", "from": "urls")" + (options.empty() ? "" : ", ") +
         options + R"(}, "out": {"kind": "write", "from": "pages", "format": "jsonl", "path": )" +
         quoted(out) + "}}}";
}

// What went wrong when one URL was fetched.
std::string failure_of(const std::string& url, const std::string& options = "") {
  const ScratchDir dir;
  return failures_of(run_job(fetch_job(quoted(url), options, dir / "out"), 2));
}

std::size_t entries_of(const std::string& directory) {
  std::size_t count = 0;
  DIR* const all = ::opendir(directory.c_str());
  REQUIRE(all != nullptr);
  while (const dirent* entry = ::readdir(all)) count += entry->d_name[0] != '.';
  ::closedir(all);
  return count;
}

// Threads of this process now.
int thread_count() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    int count = 0;
    if (word == "Threads:" && status >> count) return count;
  }
  return -1;
}

// What a server answers.
std::string text_of(const std::string& url) {
  const ScratchDir dir;
  const Outcome outcome = run_job(
      R"({"gorun": 1, "stages": {"s": {"kind": "http", "url": )" + quoted(url) +
          R"(}, "out": {"kind": "write", "from": "s", "path": )" + quoted(dir / "out") + "}}}",
      1);
  CHECK(failures_of(outcome) == "");
  return read_whole_file(dir / "out");
}

std::string stats_of(const HttpServer& server) { return text_of(server.url("/stats")); }

}  // namespace

TEST_SUITE_BEGIN("jobs/stages/http");

TEST_CASE("the text of an item is its URL, and the body is the text of what comes of it") {
  const HttpServer server;
  const ScratchDir dir;
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const Outcome outcome =
        run_job(fetch_job(quoted(server.url("/hello")), "", dir / "out"), procs);
    CHECK(failures_of(outcome) == "");
    CHECK(read_whole_file(dir / "out") ==
          R"({"url":")" + server.url("/hello") +
              R"(","status":200,"bytes":6,"type":"text/plain","body":"hello\n"})" + "\n");
  }
}

TEST_CASE("every one of many URLs is fetched once, by connections that are kept") {
  const HttpServer server;
  const ScratchDir dir;
  const int requests_each = gorun::test::scaled(2000, 500);
  std::string items;
  for (int i = 0; i < requests_each; ++i) {
    items += (i == 0 ? "" : ",") + quoted(server.url("/bytes/" + std::to_string(i)));
  }
  int requests = 0;
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const Outcome outcome = run_job(fetch_job(items, R"("workers": 20)", dir / "out"), procs);
    CHECK(failures_of(outcome) == "");
    CHECK(run_shell("python3 -c 'import json\n"
                    "seen = set()\n"
                    "for line in open(\"" +
                    dir / "out" +
                    "\"):\n"
                    "  item = json.loads(line)\n"
                    "  n = int(item[\"url\"].rsplit(\"/\", 1)[1])\n"
                    "  assert item[\"bytes\"] == n == len(item[\"body\"])\n"
                    "  assert item[\"body\"] == \"\".join(chr(97 + i % 26) for i in range(n))\n"
                    "  seen.add(n)\n"
                    "assert len(seen) == " +
                    std::to_string(requests_each) + ", len(seen)'")
              .exit_status == 0);
    requests += requests_each;
  }
  int counted = 0;
  int connections = 0;
  std::sscanf(stats_of(server).c_str(), "requests %d connections %d", &counted, &connections);
  CHECK(counted == requests + 1);
  CHECK(connections <= 3 * 20 + 1);
}

TEST_CASE("method, headers and body depend on the item") {
  const HttpServer server;
  const ScratchDir dir;
  const Outcome outcome = run_job(
      fetch_job(
          R"({"who": "Ada", "n": 7})",
          R"("url": ")" + server.url("/echo") +
              R"(", "method": "PUT", "body": "n=${{ item.n }}", "headers": {"X-Who": "${{ item.who }}",
                    "Content-Type": "text/x-n", "Accept": "", "User-Agent": "me"})",
          dir / "out"),
      2);
  CHECK(failures_of(outcome) == "");
  CHECK(
      read_whole_file(dir / "out") ==
      R"({"who":"Ada","n":"7","url":")" + server.url("/echo") +
          R"(","status":200,"bytes":128,"type":"text/plain","body":"PUT /echo HTTP/1.1\r\nHost: 127.0.0.1:)" +
          std::to_string(server.port()) +
          R"(\r\nX-Who: Ada\r\nContent-Type: text/x-n\r\nAccept:\r\nUser-Agent: me\r\n)" +
          R"(Content-Length: 3\r\n\r\nn=7"})" + "\n");
}

TEST_CASE("a status of 400 or more is a failure, unless any will do") {
  const HttpServer server;
  const ScratchDir dir;
  CHECK(failure_of(server.url("/status/404")) ==
        "pages: GET " + server.url("/status/404") + ": status 404\n");
  const Outcome outcome =
      run_job(fetch_job(quoted(server.url("/status/500")), R"("status": "any")", dir / "out"), 2);
  CHECK(failures_of(outcome) == "");
  CHECK(
      read_whole_file(dir / "out") ==
      R"({"url":")" + server.url("/status/500") +
          R"(","status":500,"bytes":25,"type":"text/plain","body":"a body that nobody needs\n"})" +
          "\n");
}

TEST_CASE("redirects are followed, not for ever, and not where they are not wanted") {
  const HttpServer server;
  const ScratchDir dir;
  REQUIRE(failures_of(run_job(fetch_job(quoted(server.url("/redirect/3")), "", dir / "out"), 2)) ==
          "");
  CHECK(read_whole_file(dir / "out").find("\"url\":\"" + server.url("/redirect/0") + "\"") !=
        std::string::npos);
  CHECK(failure_of(server.url("/redirect/50")) ==
        "pages: GET " + server.url("/redirect/50") + ": more than 30 redirects\n");
  REQUIRE(failures_of(run_job(
              fetch_job(quoted(server.url("/redirect/3")), R"("max_redirects": 0)", dir / "out"),
              2)) == "");
  CHECK(read_whole_file(dir / "out").find("\"status\":302") != std::string::npos);
}

TEST_CASE("what goes wrong is told with the request") {
  const HttpServer server;
  CHECK(failure_of(server.url("/close")) ==
        "pages: GET " + server.url("/close") +
            ": the server closed the connection without an answer\n");
  CHECK(failure_of(server.url("/half")) ==
        "pages: GET " + server.url("/half") +
            ": transfer closed with 96 bytes remaining to read\n");
  CHECK(failure_of(server.url("/bytes/101"), R"("max_body": 100)") ==
        "pages: GET " + server.url("/bytes/101") +
            ": the body is larger than \"max_body\", 100 bytes\n");
  CHECK(failure_of("http://127.0.0.1:1/a") ==
        "pages: GET http://127.0.0.1:1/a: cannot connect: Connection refused\n");
  CHECK(failure_of("http://user:secret@127.0.0.1:1/a") ==
        "pages: GET http://127.0.0.1:1/a: cannot connect: Connection refused\n");
  CHECK(failure_of("ftp://127.0.0.1/a") ==
        "pages: GET ftp://127.0.0.1/a: only http and https are spoken\n");
  CHECK(failure_of("not a url") ==
        "pages: GET \"not a url\": not a URL: one begins with http:// or https://\n");
  CHECK(failure_of("http://no-such-host.invalid/") ==
        "pages: GET http://no-such-host.invalid/: cannot resolve the host "
        "\"no-such-host.invalid\"\n");
  CHECK(failure_of(server.url("/hello"), R"("headers": {"A": "${{ item.b }}"})") ==
        "pages: the item has no field \"b\"\n");
}

TEST_CASE("a password in a URL is told nobody, not of a wrong one either") {
  const auto told = [](const std::string& url, const std::string& options = "") {
    const ScratchDir dir;
    const Outcome outcome = run_job(fetch_job(quoted(url), options, dir / "out"), 2);
    std::string all;
    for (const StageOutcome& stage : outcome.stages) {
      for (const Failure& failure : stage.failures) all += failure.what + "|" + failure.item;
    }
    return all;
  };
  const std::string right = "http://me:sesame@127.0.0.1:1/a";
  CHECK(told(right) ==
        "GET http://127.0.0.1:1/a: cannot connect: Connection refused|http://127.0.0.1:1/a");
  // Elsewhere an item need not be a URL.
  CHECK(told(right, R"("url": "http://127.0.0.1:1/b")") ==
        "GET http://127.0.0.1:1/b: cannot connect: Connection refused|http://***@127.0.0.1:1/a");
  for (const char* const url :
       {"http://me:sesame@127.0.0.1:none/a", "http://me:ses/ame@host/", "http://me:ses ame@host:x/",
        "http://me:ses@ame@host:99999/", "htp://me:sesame@host/a", "me:sesame@host/a",
        "http:/me:sesame@host:x/"}) {
    CAPTURE(url);
    const std::string all = told(url);
    CHECK(all.find("***@") != std::string::npos);
    CHECK(all.find("ses") == std::string::npos);
    CHECK(all.find("ame@") == std::string::npos);
  }
}

TEST_CASE("no URL is one that depends on the request before") {
  const HttpServer server;
  const ScratchDir dir;
  const std::string items = quoted(server.url("/hello")) + R"(,"hello")";
  CHECK(failures_of(run_job(fetch_job(items, R"("workers": 1)", dir / "out"), 2)) ==
        "pages: GET hello: not a URL: one begins with http:// or https://\n");
}

TEST_CASE("a body is saved whole or not at all") {
  const HttpServer server;
  const ScratchDir dir;
  constexpr int kBytes = 4'000'000 / gorun::test::kScale;
  const std::string items =
      R"({"u": ")" + server.url("/bytes/" + std::to_string(kBytes)) +
      R"(", "n": "bytes"}, {"u": ")" + server.url("/chunked/" + std::to_string(kBytes)) +
      R"(", "n": "chunked"}, {"u": ")" + server.url("/bytes/0") + R"(", "n": "empty"})";
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const std::string saved = dir.make_dir("saved" + std::to_string(procs));
    const std::string options = R"("save": ")" + saved + "/${{ item.n }}\"";
    CHECK(failures_of(run_job(fetch_job(items, options, dir / "out"), procs)) == "");
    CHECK(read_whole_file(dir / "out").find(R"("path":")" + saved + R"(/empty"})") !=
          std::string::npos);
    CHECK(entries_of(saved) == 3);
    const std::string bytes = read_whole_file(saved + "/bytes");
    REQUIRE(bytes.size() == kBytes);
    CHECK(bytes.substr(0, 30) == "abcdefghijklmnopqrstuvwxyzabcd");
    CHECK((bytes == read_whole_file(saved + "/chunked")));
    CHECK(read_whole_file(saved + "/empty").empty());
  }
  const std::string none = dir.make_dir("none");
  CHECK(failure_of(server.url("/half"), R"("save": ")" + none + "/a\"").ends_with("to read\n"));
  CHECK(failure_of(server.url("/status/404"), R"("save": ")" + none + "/a\"").ends_with("404\n"));
  CHECK(run_shell("ls -A " + none).out == "");
  CHECK(failure_of(server.url("/hello"), R"("save": ")" + none + "/b/c\"") ==
        "pages: cannot open \"" + none + "/b/c\": No such file or directory\n");
}

TEST_CASE("a file that was there stays as it was until the new one is whole") {
  const HttpServer server;
  const ScratchDir dir;
  const std::string saved = dir.make_dir("saved");
  const std::string path = dir.write("saved/a", "old");
  const std::string save = R"("save": ")" + path + "\"";
  const auto is_untouched = [&] {
    return read_whole_file(path) == "old" && run_shell("ls -A " + saved).out == "a\n";
  };
  CHECK(failure_of(server.url("/half"), save) != "");
  CHECK(is_untouched());
  CHECK(failure_of(server.url("/bytes/100000"), save + R"(, "max_body": 99999)") ==
        "pages: GET " + server.url("/bytes/100000") +
            ": the body is larger than \"max_body\", 99999 bytes\n");
  CHECK(is_untouched());
  CHECK(failure_of(server.url("/stuck"), save + R"(, "timeout": "100ms")") ==
        "pages: GET " + server.url("/stuck") + ": timed out after 100 ms\n");
  CHECK(is_untouched());
  CHECK(failure_of(server.url("/hello"), save) == "");
  CHECK(read_whole_file(path) == "hello\n");
  CHECK(run_shell("ls -A " + saved).out == "a\n");
}

TEST_CASE("a redirect does not lead out of http") {
  const HttpServer server;
  const std::string url = server.url("/moved/file:///etc/passwd");
  CHECK(failure_of(url) == "pages: GET " + url + ": only http and https are spoken\n");
  CHECK(failure_of(server.url("/moved/" + server.url("/hello"))) == "");
}

TEST_CASE("a server that asks to wait is asked again") {
  const HttpServer server;
  const ScratchDir dir;
  const Outcome outcome = run_job(fetch_job(quoted(server.url("/busy/a/1")), "", dir / "out"), 2);
  CHECK(failures_of(outcome) == "");
  CHECK(outcome.elapsed >= std::chrono::seconds(1));
  CHECK(failure_of(server.url("/busy/b/1"), R"("retry_after": false)") ==
        "pages: GET " + server.url("/busy/b/1") + ": status 503\n");
}

TEST_CASE("a request has its time, and another one if it is wanted") {
  const HttpServer server;
  const ScratchDir dir;
  CHECK(failure_of(server.url("/slow/100000"), R"("timeout": "200ms")") ==
        "pages: GET " + server.url("/slow/100000") + ": timed out after 200 ms\n");
  // The server's second of patience is longer than the stage's own.
  const Outcome outcome = run_job(fetch_job(quoted(server.url("/busy/c/2")),
                                            R"("retry": {"max": 3, "base": "1ms"})", dir / "out"),
                                  2);
  CHECK(failures_of(outcome) == "");
  CHECK(outcome.stages[1].retry_count == 2);
  CHECK(outcome.elapsed >= std::chrono::seconds(2));
}

TEST_CASE("what was made is passed on while the next answer lets itself be waited for") {
  const HttpServer server;
  const ScratchDir dir;
  const std::string fifo = dir / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  // The run ends only when the first two answers have come out; the second comes right after the
  // first, and then there is none for long.
  std::FILE* const reader =
      ::popen(("head -n 2 " + fifo + " > " + dir / "first; touch " + dir / "seen").c_str(), "r");
  REQUIRE(reader != nullptr);
  Interrupt interrupt;
  std::thread stopper([&] {
    while (!std::ifstream(dir / "seen")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    interrupt.raise();
  });
  const Outcome outcome =
      run_job(fetch_job(quoted(server.url("/hello")) + "," + quoted(server.url("/hello")) + "," +
                            quoted(server.url("/slow/100000")),
                        R"("workers": 1)", fifo),
              RunOptions{.procs = 2, .interrupt = &interrupt});
  stopper.join();
  ::pclose(reader);
  CHECK(outcome.elapsed < std::chrono::seconds(60));
  const std::string first = read_whole_file(dir / "first");
  CHECK(std::ranges::count(first, '\n') == 2);
}

TEST_CASE("failed requests leave by the port errors, and the others go on") {
  const HttpServer server;
  const ScratchDir dir;
  const Outcome outcome =
      run_job(R"({"gorun": 1, "stages": {"urls": {"kind": "items", "items": [)" +
                  quoted(server.url("/status/404")) + "," + quoted(server.url("/hello")) +
                  R"(]}, "pages": {"kind": "http", "from": "urls", "on_error": "route"},
          "out": {"kind": "write", "from": "pages", "path": )" +
                  quoted(dir / "out") + R"(},
          "bad": {"kind": "write", "from": "pages.errors", "path": )" +
                  quoted(dir / "bad") + "}}}",
              2);
  CHECK(failures_of(outcome) == "");
  CHECK(read_whole_file(dir / "out") == "hello\n\n");
  CHECK(read_whole_file(dir / "bad") == server.url("/status/404") + "\n");
}

TEST_CASE("a thousand slow URLs cost a thousand goroutines and no thread") {
  const HttpServer server;
  const ScratchDir dir;
  constexpr int kRequests = 1000;
  std::string items;
  for (int i = 0; i < kRequests; ++i) {
    items += (i == 0 ? "" : ",") + quoted(server.url("/together/1000"));
  }
  std::atomic<bool> is_over{false};
  std::atomic<int> most{0};
  std::thread watcher([&] {
    while (!is_over.load()) {
      most = std::max(most.load(), thread_count());
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  const Outcome outcome = run_job(fetch_job(items, R"("workers": 1000)", dir / "out"), 2);
  is_over = true;
  watcher.join();
  CHECK(failures_of(outcome) == "");
  CHECK(outcome.stages[1].counts.items_out == kRequests);
  CHECK(most < 20);
  // All were under way at a time: none was answered before, but for the server's patience.
  CHECK(stats_of(server).ends_with(" slow 1000\n\n"));
}

TEST_CASE("one host is asked by no more than per_host at a time") {
  const HttpServer server;
  const ScratchDir dir;
  std::string items;
  for (int i = 0; i < 60; ++i) {
    // The last three see to it that three meet, however slowly requests come.
    items += (i == 0 ? "" : ",") + quoted(server.url(i < 57 ? "/slow/20" : "/together/3"));
  }
  const Outcome outcome =
      run_job(fetch_job(items, R"("workers": 30, "per_host": 3)", dir / "out"), 8);
  CHECK(failures_of(outcome) == "");
  CHECK(stats_of(server).ends_with(" slow 3\n\n"));
}

TEST_CASE("whoever waits for a place at a host and whoever waits for one in a pool do not stall") {
  const HttpServer server;
  std::string items;
  for (int i = 0; i < 40; ++i) {
    items += (i == 0 ? "" : ",") + quoted(server.url("/slow/3"));
  }
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const Outcome outcome = run_job(
        R"({"gorun": 1, "pools": {"one": 1}, "stages": {"urls": {"kind": "items", "items": [)" +
            items +
            R"(]}, "pages": {"kind": "http", "from": "urls", "workers": 6, "per_host": 1, "pool": "one"},
               "say": {"kind": "exec", "from": "pages", "argv": ["true"], "workers": 1, "buffer": 8, "pool": "one"}}})",
        procs);
    CHECK(failures_of(outcome) == "");
    CHECK(outcome.state == RunState::kSucceeded);
  }
}

TEST_CASE("a stop ends the requests that wait") {
  const HttpServer server;
  const ScratchDir dir;
  std::string items;
  for (int i = 0; i < 50; ++i) {
    items += (i == 0 ? "" : ",") + quoted(server.url("/slow/100000"));
  }
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Interrupt interrupt;
    // Stops when all 50 wait.
    std::thread stopper([&] {
      std::ifstream status;
      const std::string port = std::to_string(server.port());
      const std::string count =
          "ss -Htn state established '( dport = :" + port + " )' 2> /dev/null | wc -l";
      while (std::stoi(run_shell(count).out) < 50) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      interrupt.raise();
    });
    const Outcome outcome = run_job(fetch_job(items, R"("workers": 50)", dir / "out"),
                                    RunOptions{.procs = procs, .interrupt = &interrupt});
    stopper.join();
    CHECK(outcome.state == RunState::kInterrupted);
    CHECK(failures_of(outcome) == "");
    CHECK(outcome.elapsed < std::chrono::seconds(60));
  }
}

TEST_CASE("a failure elsewhere ends the requests that wait") {
  const HttpServer server;
  const ScratchDir dir;
  const std::string items = quoted(server.url("/slow/100000")) + "," + quoted(server.url("/close"));
  const Outcome outcome = run_job(fetch_job(items, R"("workers": 2)", dir / "out"), 2);
  CHECK(outcome.stages[1].failure_count == 1);
  CHECK(outcome.elapsed < std::chrono::seconds(60));
}

TEST_CASE("the proxy of the environment is asked") {
  const HttpServer server;
  const ScratchDir dir;
  ::setenv("http_proxy", server.url("").c_str(), 1);
  const Outcome outcome =
      run_job(fetch_job(quoted("http://behind.invalid/hello"), "", dir / "out"), 2);
  CHECK(failures_of(outcome) == "");
  const std::string refused =
      "pages: GET http://127.0.0.1:1/: cannot connect: Connection refused\n";
  CHECK(failure_of("http://127.0.0.1:1/hello") == "");  // by the proxy
  ::setenv("no_proxy", "example.com,127.0.0.1", 1);
  CHECK(failure_of("http://127.0.0.1:1/") == refused);
  ::unsetenv("no_proxy");
  ::unsetenv("http_proxy");
  ::setenv("all_proxy", server.url("").c_str(), 1);
  CHECK(failure_of("http://127.0.0.1:1/hello") == "");
  ::unsetenv("all_proxy");
  // As with curl: a CGI program finds the header "Proxy" of its client there.
  ::setenv("HTTP_PROXY", server.url("").c_str(), 1);
  CHECK(failure_of("http://127.0.0.1:1/") == refused);
  ::unsetenv("HTTP_PROXY");
}

// openssl's server, with a certificate that it signed itself. Ends after so many connections.
class TlsServer {
 public:
  explicit TlsServer(int connections) {
    REQUIRE(run_shell("cd " + dir_.path() +
                      " && openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem "
                      "-subj /CN=test -addext subjectAltName=IP:127.0.0.1 2> /dev/null")
                .exit_status == 0);
    process_ = ::popen(("cd " + dir_.path() +
                        " && exec timeout 60 openssl s_server -accept 127.0.0.1:0 -www -naccept " +
                        std::to_string(connections) + " -key key.pem -cert cert.pem 2> /dev/null")
                           .c_str(),
                       "r");
    REQUIRE(process_ != nullptr);
    char line[200] = "";
    while (port_ == 0 && std::fgets(line, sizeof line, process_) != nullptr) {
      std::sscanf(line, "ACCEPT 127.0.0.1:%d", &port_);
    }
    REQUIRE(port_ != 0);
  }
  ~TlsServer() { ::pclose(process_); }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  [[nodiscard]] std::string url() const {
    return "https://127.0.0.1:" + std::to_string(port_) + "/";
  }
  // The option that trusts it.
  [[nodiscard]] std::string trust() const { return R"("ca_file": ")" + dir_ / "cert.pem" + "\""; }

 private:
  ScratchDir dir_;
  std::FILE* process_ = nullptr;
  int port_ = 0;
};

TEST_CASE("a certificate is trusted only if an authority is") {
  const TlsServer server(2);
  CHECK(failure_of(server.url()) == "pages: GET " + server.url() +
                                        ": the server's certificate is not trusted: SSL "
                                        "certificate problem: self-signed certificate\n");
  CHECK(failure_of(server.url(), server.trust()) == "");
}

TEST_CASE("a proxy makes the tunnel to a server that speaks TLS") {
  const HttpServer proxy;
  const TlsServer server(1);
  ::setenv("https_proxy", proxy.url("").c_str(), 1);
  CHECK(failure_of(server.url(), server.trust()) == "");
  CHECK(text_of(proxy.url("/tunnels")) == "1\n\n");
  CHECK(failure_of("https://127.0.0.1:1/") ==
        "pages: GET https://127.0.0.1:1/: CONNECT tunnel failed, response 502\n");
  ::setenv("no_proxy", "127.0.0.1", 1);
  CHECK(failure_of("https://127.0.0.1:1/") ==
        "pages: GET https://127.0.0.1:1/: cannot connect: Connection refused\n");
  ::unsetenv("no_proxy");
  ::unsetenv("https_proxy");
}

TEST_CASE("without items one request is made") {
  const HttpServer server;
  const ScratchDir dir;
  CHECK(failures_of(
            run_job(R"({"gorun": 1, "stages": {"a": {"kind": "http", "method": "HEAD", "url": )" +
                        quoted(server.url("/hello")) +
                        R"(}, "out": {"kind": "write", "from": "a", "format": "jsonl", "path": )" +
                        quoted(dir / "out") + "}}}",
                    2)) == "");
  CHECK(read_whole_file(dir / "out") ==
        R"({"url":")" + server.url("/hello") +
            R"(","status":200,"bytes":0,"type":"text/plain","body":""})" + "\n");
}

TEST_SUITE_END();

}  // namespace gorun::test::http_test
