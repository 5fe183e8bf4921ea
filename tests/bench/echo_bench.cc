// tests/bench/echo_bench.cc - TCP echo over 64 connections of the loopback, clients and server in
// one process: requests per second, measured for two seconds once all are under way.
//
//   GORUN_PROCS=2 gorun_echo_bench [seconds]
//
// The peer in Go (tests/bench/go) is the same program: 64 bytes a message, read in full by both
// sides.

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "runtime/net.h"
#include "runtime/runtime.h"
#include "runtime/timer.h"

namespace {

using namespace gorun::runtime;

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

double requests_per_second(double seconds) {
  double rate = 0;
  Runtime rt;
  const RunResult end = rt.run([&] {
    FdResult listening = tcp_listen(*Address::parse("127.0.0.1:0"));
    if (!listening) give_up("listen", listening);
    Fd& listener = listening.fd;
    go([&listener] { accept_all(listener); });
    std::atomic<long> answered{0};
    Fd clients[kConnections];
    for (Fd& client : clients) {
      FdResult made = tcp_connect(*local_address(listener));
      if (!made) give_up("connect", made);
      client = std::move(made.fd);
      go([&client, &answered] { ask(client, answered); });
    }
    sleep(std::chrono::milliseconds(300));
    const long before = answered.load();
    const Nanos start = now();
    sleep(std::chrono::nanoseconds(static_cast<long>(seconds * 1e9)));
    const long count = answered.load() - before;
    rate = static_cast<double>(count) * 1e9 / static_cast<double>((now() - start).count());
    listener.close().status == IoStatus::kOk ? void() : std::abort();
    for (Fd& client : clients) (void)shutdown_write(client);
  });
  if (end.outcome != RunResult::Outcome::kFinished) {
    std::fprintf(stderr, "goroutines were left behind\n");
    std::exit(1);
  }
  return rate;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  std::printf("tcpecho64 %.0f req/s\n", requests_per_second(seconds));
  return 0;
}
