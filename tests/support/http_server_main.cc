// tests/support/http_server_main.cc - an HTTP/1.1 server for tests and benchmarks, on our runtime.
//
// Listens on a free port of 127.0.0.1, prints its number and a line feed, and serves until its
// standard input ends. Connections are kept alive. What it answers depends on the path:
//
//   /hello           "hello\n"
//   /echo            the request as it came, head and body
//   /status/N        status N with a short body
//   /bytes/N         N bytes of the letters a to z, over and over
//   /chunked/N       the same, chunked
//   /slow/MS         "slow\n", after so many milliseconds
//   /together/N      "slow\n", when N of them and of /slow are here, or after a minute
//   /redirect/N      a redirect to /redirect/N-1; of 0 "hello\n"
//   /moved/URL       a redirect to URL
//   /see/URL         the same by the status 303
//   /busy/NAME/N     503 with "Retry-After: 1" for the first N requests of this NAME, then a 200
//   /wait/S          503 with "Retry-After: S"
//   /close           no answer: the connection is closed
//   /raw/TEXT        TEXT, in which %XX is a byte; then the connection is closed
//   /half            a body that ends before its promised length
//   /stuck           a body that begins and does not go on
//   /stats           "requests R connections C slow S": counts, and the most /slow and
//                    /together at one time
//   /tunnels         how many tunnels there were
//
// As a proxy it answers "GET http://HOST/PATH" as if it were asked for the path, and makes a tunnel
// to where "CONNECT ADDRESS:PORT" wants to go; 502 if there is nobody.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/io.h"
#include "runtime/mutex.h"
#include "runtime/net.h"
#include "runtime/runtime.h"
#include "runtime/timer.h"
#include "runtime/wait_group.h"

namespace {

using namespace gorun::runtime;

struct Stats {
  std::atomic<int> requests{0};
  std::atomic<int> connections{0};
  std::atomic<int> tunnels{0};
  std::atomic<int> slow_now{0};
  std::atomic<int> slow_most{0};
  Mutex lock;
  std::map<std::string, int, std::less<>> busy;  // guarded by lock
};
Stats stats;

int number_in(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string answer(int status, std::string_view body, std::string_view headers = "") {
  std::string text =
      "HTTP/1.1 " + std::to_string(status) + " Status\r\nContent-Type: text/plain\r\n";
  text += headers;
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  text += body;
  return text;
}

std::string letters(int count) {
  std::string text(static_cast<std::size_t>(count), 'a');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 26);
  return text;
}

std::string chunked(int count) {
  std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string all = letters(count);
  for (std::size_t at = 0; at < all.size(); at += 1000) {
    const std::string part = all.substr(at, 1000);
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", part.size());
    text += size + part + "\r\n";
  }
  return text + "0\r\n\r\n";
}

void count_slow() {
  const int now = stats.slow_now.fetch_add(1) + 1;
  int most = stats.slow_most.load();
  while (most < now && !stats.slow_most.compare_exchange_weak(most, now)) {
  }
}

std::string slow(int milliseconds) {
  count_slow();
  sleep(std::chrono::milliseconds(milliseconds));
  stats.slow_now.fetch_sub(1);
  return answer(200, "slow\n");
}

// By the most that there were and not by those here now: the first that sees them all leaves.
std::string together(int count) {
  count_slow();
  const Nanos end = now() + std::chrono::minutes(1);
  while (stats.slow_most.load() < count && now() < end) sleep(std::chrono::milliseconds(50));
  stats.slow_now.fetch_sub(1);
  return answer(200, "slow\n");
}

std::string busy(std::string_view name_and_times) {
  const std::size_t slash = name_and_times.rfind('/');
  const std::lock_guard locked(stats.lock);
  int& asked = stats.busy[std::string(name_and_times.substr(0, slash))];
  if (asked++ < number_in(name_and_times.substr(slash + 1))) {
    return answer(503, "busy\n", "Retry-After: 1\r\n");
  }
  return answer(200, "hello\n");
}

std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = static_cast<unsigned char>(text[i]);
    if (byte == '%') {
      std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
      i += 2;
    }
    plain += static_cast<char>(byte);
  }
  return plain;
}

// The answer to one request; empty: close the connection.
std::string serve(std::string_view request) {
  const std::size_t begin = request.find(' ') + 1;
  const std::string_view method = request.substr(0, begin - 1);
  std::string_view path = request.substr(begin, request.find(' ', begin) - begin);
  if (path.starts_with("http://")) path.remove_prefix(path.find('/', 7));  // as a proxy is asked
  const auto rest = [path](std::string_view prefix) { return path.substr(prefix.size()); };
  std::string text;
  if (path == "/hello" || path == "/redirect/0") {
    text = answer(200, "hello\n");
  } else if (path == "/echo") {
    text = answer(200, request);
  } else if (path.starts_with("/status/")) {
    text = answer(number_in(rest("/status/")), "a body that nobody needs\n");
  } else if (path.starts_with("/bytes/")) {
    text = answer(200, letters(number_in(rest("/bytes/"))));
  } else if (path.starts_with("/chunked/")) {
    text = chunked(number_in(rest("/chunked/")));
  } else if (path.starts_with("/slow/")) {
    text = slow(number_in(rest("/slow/")));
  } else if (path.starts_with("/together/")) {
    text = together(number_in(rest("/together/")));
  } else if (path.starts_with("/redirect/")) {
    const int left = number_in(rest("/redirect/"));
    text = answer(302, "", "Location: /redirect/" + std::to_string(left - 1) + "\r\n");
  } else if (path.starts_with("/moved/")) {
    text = answer(302, "", "Location: " + std::string(rest("/moved/")) + "\r\n");
  } else if (path.starts_with("/see/")) {
    text = answer(303, "", "Location: " + std::string(rest("/see/")) + "\r\n");
  } else if (path == "/stuck") {
    text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nstuck";
  } else if (path.starts_with("/busy/")) {
    text = busy(rest("/busy/"));
  } else if (path.starts_with("/wait/")) {
    text = answer(503, "", "Retry-After: " + std::string(rest("/wait/")) + "\r\n");
  } else if (path.starts_with("/raw/")) {
    text = unescaped(rest("/raw/"));
  } else if (path == "/half") {
    text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
  } else if (path == "/stats") {
    text = answer(200, "requests " + std::to_string(stats.requests.load()) + " connections " +
                           std::to_string(stats.connections.load()) + " slow " +
                           std::to_string(stats.slow_most.load()) + "\n");
  } else if (path == "/tunnels") {
    text = answer(200, std::to_string(stats.tunnels.load()) + "\n");
  } else if (path != "/close") {
    text = answer(404, "no such page\n");
  }
  if (method == "HEAD") text.resize(text.find("\r\n\r\n") + 4);
  return text;
}

// The length that a head promises for its body.
std::size_t body_length(std::string_view head) {
  std::string lower(head);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  const std::size_t at = lower.find("\r\ncontent-length:");
  if (at == std::string::npos) return 0;
  return static_cast<std::size_t>(std::atoi(lower.c_str() + at + 17));
}

// Until `from` ends.
void pass_on(Fd& from, Fd& to) {
  char buffer[16384];
  for (;;) {
    const IoResult got = from.read(buffer, sizeof buffer);
    if (!got || !to.write_all(buffer, got.count)) break;
  }
  (void)shutdown_write(to);
}

// `ahead`: what the client sent behind its request, without waiting for the answer.
void tunnel(Fd& client, std::string_view to, std::string_view ahead) {
  const std::optional<Address> address = Address::parse(to);
  FdResult server;
  if (address) server = tcp_connect(*address);
  const bool is_connected = address && server;
  const std::string text = is_connected ? "HTTP/1.1 200 Connected\r\n\r\n" : answer(502, "");
  if (!client.write_all(text.data(), text.size()) || !is_connected) return;
  stats.tunnels.fetch_add(1);
  if (!server.fd.write_all(ahead.data(), ahead.size())) return;
  WaitGroup back;
  back.go([&] { pass_on(server.fd, client); });
  pass_on(client, server.fd);
  back.wait();
}

void talk(Fd connection) {
  stats.connections.fetch_add(1);
  std::string input;
  char buffer[16384];
  for (;;) {
    std::size_t head = input.find("\r\n\r\n");
    while (head == std::string::npos ||
           input.size() < head + 4 + body_length(std::string_view(input).substr(0, head + 2))) {
      const IoResult got = connection.read(buffer, sizeof buffer);
      if (!got) return;
      input.append(buffer, got.count);
      head = input.find("\r\n\r\n");
    }
    const std::size_t size = head + 4 + body_length(std::string_view(input).substr(0, head + 2));
    stats.requests.fetch_add(1);
    if (input.starts_with("CONNECT ")) {
      const std::string_view to = std::string_view(input).substr(8, input.find(' ', 8) - 8);
      tunnel(connection, to, std::string_view(input).substr(size));
      return;
    }
    const std::string text = serve(std::string_view(input).substr(0, size));
    if (text.empty() || !connection.write_all(text.data(), text.size())) return;
    if (text.ends_with("half") || input.starts_with("GET /raw/")) return;
    input.erase(0, size);
  }
}

}  // namespace

int main() {
  Runtime runtime;
  runtime.run([] {
    FdResult listener = tcp_listen(*Address::parse("127.0.0.1:0"));
    if (!listener) std::abort();
    std::printf("%d\n", static_cast<int>(local_address(listener.fd)->port()));
    std::fflush(stdout);
    go([] {
      FdResult input = Fd::adopt(STDIN_FILENO);
      char byte = 0;
      while (input && input.fd.read(&byte, 1)) {
      }
      std::_Exit(0);
    });
    for (;;) {
      FdResult peer = listener.fd.accept();
      if (!peer) std::abort();
      go([connection = std::move(peer.fd)]() mutable { talk(std::move(connection)); });
    }
  });
}
