// tests/bench/echo_bench.cc - TCP echo over 64 connections of the loopback, clients and server in
// one process: requests per second, over two seconds once all are under way. 64 bytes a message,
// read in full by both sides.

#include "tests/bench/echo_bench.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "runtime/net.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/bench/stopwatch.h"

namespace gorun::bench {
namespace {

using namespace runtime;

constexpr int kConnections = 64;
constexpr std::size_t kMessage = 64;

[[noreturn]] void give_up(const char* what, const FdResult& result) {
  std::fprintf(stderr, "%s: %s\n", what, to_string(result.status, result.error).c_str());
  std::exit(1);
}

void serve(Fd& connection) {
  char message[kMessage];
  while (connection.read_full(message, sizeof message)) {
    if (!connection.write_all(message, sizeof message)) return;
  }
}

void accept_all(Fd& listener) {
  while (FdResult got = listener.accept()) {
    go([connection = std::move(got.fd)]() mutable { serve(connection); });
  }
}

void ask(Fd& connection, std::atomic<long>& answered) {
  char message[kMessage] = {};
  while (connection.write_all(message, sizeof message) &&
         connection.read_full(message, sizeof message)) {
    answered.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace

void echo() {
  FdResult listening = tcp_listen(*Address::parse("127.0.0.1:0"));
  if (!listening) give_up("listen", listening);
  Fd& listener = listening.fd;
  WaitGroup accepting;
  accepting.go([&listener] { accept_all(listener); });
  std::atomic<long> answered{0};
  Fd clients[kConnections];
  WaitGroup asking;
  for (Fd& client : clients) {
    FdResult made = tcp_connect(*local_address(listener));
    if (!made) give_up("connect", made);
    client = std::move(made.fd);
    asking.go([&client, &answered] { ask(client, answered); });
  }
  sleep(std::chrono::milliseconds(300));
  const long before = answered.load();
  const Stopwatch watch;
  sleep(std::chrono::seconds(2));
  const auto count = static_cast<double>(answered.load() - before);
  report("tcpecho64", count * 1e9 / watch.ns(), "req/s");
  (void)listener.close();
  for (Fd& client : clients) (void)client.close();
  asking.wait();
  accepting.wait();
}

}  // namespace gorun::bench
