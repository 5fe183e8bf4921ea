// HttpClient against a server in the same runtime, which answers when the test wants it to.
#include "jobs/http/http_client.h"

#include <doctest/doctest.h>

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/http/curl_library.h"
#include "jobs/interrupt.h"
#include "runtime/cancel.h"
#include "runtime/chan.h"
#include "runtime/net.h"
#include "runtime/runtime.h"
#include "runtime/timer.h"
#include "runtime/wait_group.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"

namespace gorun::jobs::http_client_test {

namespace {

using gorun::test::at_each_procs;
using gorun::test::run_to_end;
using runtime::Chan;
using runtime::Fd;
using runtime::Unit;

// Listens; whoever serves takes one connection after the other.
class Listener {
 public:
  Listener() : listener_(runtime::tcp_listen(*runtime::Address::parse("127.0.0.1:0"))) {}

  [[nodiscard]] int port() const { return runtime::local_address(listener_.fd)->port(); }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port()) + "/";
  }

  /// A connection of which the head of a request has been read.
  Fd request() {
    Fd connection = std::move(listener_.fd.accept().fd);
    std::string head;
    char byte = 0;
    while (!head.ends_with("\r\n\r\n") && connection.read(&byte, 1)) head += byte;
    return connection;
  }

 private:
  runtime::FdResult listener_;
};

bool write(Fd& connection, std::string_view text) {
  return static_cast<bool>(connection.write_all(text.data(), text.size()));
}

void read_to_end(Fd& connection) {
  char byte = 0;
  while (connection.read(&byte, 1)) {
  }
}

void sleep_until(runtime::Nanos time) {
  runtime::sleep(std::max(time - runtime::now(), runtime::Nanos{0}));
}

struct Sink final : BodySink {
  std::string body;
  std::function<void()> at_wait = [] {};
  std::function<bool()> at_take = [] { return true; };

  bool take(int /*status*/, std::string_view bytes) override {
    body += bytes;
    return at_take();
  }
  void wait_begins() override { at_wait(); }
};

// Yields until what was sent by `connection` has been read at the other end, in this process.
void yield_until_read(const Fd& connection) {
  const int to = runtime::peer_address(connection)->port();
  gorun::test::yield_until("the client has read what was sent", [to] {
    for (int fd = 3; fd < 1024; ++fd) {
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) continue;
      const auto local = runtime::Address::from(reinterpret_cast<sockaddr*>(&address), size);
      int unread = 0;
      if (!local || local->port() != to) continue;
      return ::ioctl(fd, FIONREAD, &unread) == 0 && unread == 0;
    }
    return true;  // closed
  });
}

// One request by an engine of its own, which nobody stops.
HttpAnswer get(const std::string& url, HttpSettings settings, runtime::Nanos deadline, Sink* sink) {
  static const Interrupt never;
  HttpClient client(HttpEngine::make(never.fd(), runtime::Cancel(), 8).value(),
                    std::move(settings));
  return client.perform({.url = url, .headers = {}, .body = {}}, deadline, sink);
}

}  // namespace

TEST_SUITE_BEGIN("jobs/http/http_client");

TEST_CASE("an answer that is whole when its time is up counts, with all of its body") {
  at_each_procs([](runtime::Runtime& rt) {
    HttpAnswer answer;
    Sink sink;
    run_to_end(rt, [&] {
      Listener listener;
      Chan<Unit> waits(0);  // closed when the client does
      Chan<Unit> closed(0);
      runtime::WaitGroup server;
      server.go([&] {
        Fd connection = listener.request();
        static_cast<void>(waits.recv());
        write(connection,
              "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nhello\n");
        read_to_end(connection);  // the client closes it when it has the answer
        closed.close();
      });
      const runtime::Nanos deadline = runtime::now() + std::chrono::milliseconds(50);
      sink.at_wait = [&, is_first = true]() mutable {
        if (!std::exchange(is_first, false)) return;
        waits.close();
        static_cast<void>(closed.recv());
        sleep_until(deadline);
      };
      answer = get(listener.url(), {}, deadline, &sink);
      server.wait();
    });
    CHECK(answer.end == HttpEnd::kAnswered);
    CHECK(answer.status == 200);
    CHECK(answer.body_bytes == 6);
    CHECK(sink.body == "hello\n");
  });
}

TEST_CASE("a body that flows faster than it is taken has no more time than any other") {
  at_each_procs([](runtime::Runtime& rt) {
    HttpAnswer answer;
    int taken = 0;
    run_to_end(rt, [&] {
      Listener listener;
      runtime::WaitGroup server;
      server.go([&] {
        Fd connection = listener.request();
        const std::string much(std::size_t{1} << 20, 'x');
        write(connection, "HTTP/1.1 200 OK\r\n\r\n");
        while (write(connection, much)) {
        }
      });
      const runtime::Nanos deadline = runtime::now() + std::chrono::milliseconds(50);
      Sink sink;
      // The first look at the clock after this finds it past the deadline. A client that does not
      // look while there is more to take goes on, and is to be seen to.
      sink.at_take = [&] {
        sleep_until(deadline);
        if (taken++ != 0) runtime::sleep(std::chrono::milliseconds(20));
        return taken < 50;
      };
      answer = get(listener.url(), {}, deadline, &sink);
      server.wait();
    });
    CHECK(answer.end == HttpEnd::kTimedOut);
    CHECK(taken <= 1);
  });
}

TEST_CASE("a body is too large also where its last bytes come when the sink goes on") {
  at_each_procs([](runtime::Runtime& rt) {
    constexpr std::size_t kFirst = std::size_t{256} << 10;   // wakes the sink
    constexpr std::size_t kBuffered = std::size_t{4} << 20;  // and so many pause the transfer
    HttpAnswer answer;
    run_to_end(rt, [&] {
      Listener listener;
      Chan<Unit> takes(0);  // closed when the sink does
      Chan<Unit> sent(0);   // closed after the last byte
      runtime::WaitGroup server;
      server.go([&] {
        Fd connection = listener.request();
        write(connection, "HTTP/1.1 200 OK\r\n\r\n");
        write(connection, std::string(kFirst, 'x'));
        static_cast<void>(takes.recv());
        write(connection, std::string(kBuffered, 'x'));
        yield_until_read(connection);
        write(connection, "too many");
        yield_until_read(connection);
        sent.close();
      });
      Sink sink;
      sink.at_take = [&, is_first = true]() mutable {
        if (sink.body.size() < kFirst || !std::exchange(is_first, false)) return true;
        takes.close();
        static_cast<void>(sent.recv());
        return true;
      };
      HttpSettings settings;
      settings.max_body = kFirst + kBuffered;
      answer = get(listener.url(), settings, runtime::kNoDeadline, &sink);
      server.wait();
    });
    CHECK(answer.end == HttpEnd::kTooLarge);
    CHECK(answer.error == "the body is larger than \"max_body\", 4456448 bytes");
  });
}

TEST_CASE("a URL does not end at a byte 0") {
  at_each_procs([](runtime::Runtime& rt) {
    HttpAnswer answer;
    run_to_end(rt, [&] {
      Sink sink;
      answer = get(std::string("http://127.0.0.1:1/\0b", 21), {}, runtime::kNoDeadline, &sink);
    });
    CHECK(answer.end == HttpEnd::kFailed);
    CHECK(answer.error == "not a URL: one begins with http:// or https://");
  });
}

TEST_CASE("the same host is the same origin, however it is written") {
  REQUIRE_FALSE(load_curl().has_value());
  CHECK(HttpClient::origin_of("http://example.com/a") == "http://example.com:80");
  CHECK(HttpClient::origin_of("HTTP://user:secret@Example.COM:80/b?c") == "http://example.com:80");
  CHECK(HttpClient::origin_of("https://example.com") == "https://example.com:443");
  CHECK(HttpClient::origin_of("example") == "");
}

TEST_CASE("where no file may be opened any more the limit is named") {
  const std::string limit =
      ": Too many open files; the limit of open files of this process is reached (ulimit -n): a "
      "higher one, a lower \"open_files\" in \"limits\", or fewer \"workers\" may help";
  runtime::Runtime rt({.procs = 2});
  std::vector<std::string> told;
  Sink sink;
  run_to_end(rt, [&] {
    const Interrupt never;
    rlimit before{};
    HttpClient client(HttpEngine::make(never.fd(), runtime::Cancel(), 8).value(), {});
    // No descriptor below the next one is free.
    const int next = ::dup(STDIN_FILENO);
    ::close(next);
    if (::getrlimit(RLIMIT_NOFILE, &before) != 0) return;
    rlimit low = before;
    low.rlim_cur = static_cast<rlim_t>(next);
    if (::setrlimit(RLIMIT_NOFILE, &low) != 0) return;
    for (const char* const url : {"http://127.0.0.1:1/", "http://no-such-host.invalid/"}) {
      const HttpRequest request{.url = url, .headers = {}, .body = {}};
      told.push_back(client.perform(request, runtime::kNoDeadline, &sink).error);
    }
    const auto engine = HttpEngine::make(never.fd(), runtime::Cancel(), 8);
    told.push_back(engine.ok() ? "" : engine.error().message());
    ::setrlimit(RLIMIT_NOFILE, &before);
  });
  REQUIRE(told.size() == 3);
  CHECK(told[0] == "cannot connect" + limit);
  CHECK(told[1] == "cannot resolve the host \"no-such-host.invalid\"" + limit);
  CHECK(told[2] == "cannot make a set of sockets to wait for: Too many open files");
}

TEST_SUITE_END();

}  // namespace gorun::jobs::http_client_test
