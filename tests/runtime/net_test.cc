// tests/runtime/net_test.cc - TCP on the loopback, addresses, and names.

#include "runtime/net.h"

#include <doctest/doctest.h>

#include <dlfcn.h>
#include <netdb.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::net_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

Fd listen_on_loopback(int backlog = SOMAXCONN) {
  FdResult made = tcp_listen(*Address::parse("127.0.0.1:0"), backlog);
  if (!made) throw std::system_error(made.error, std::generic_category(), "listen");
  return std::move(made.fd);
}

// Sends everything back, then its end of file.
void echo(Fd& connection) {
  char bytes[4096];
  while (const IoResult got = connection.read(bytes, sizeof bytes)) {
    if (!connection.write_all(bytes, got.count)) return;
  }
  (void)shutdown_write(connection);
  // The other side closes first, so that our port is not the one that lingers.
  (void)connection.read(bytes, 1);
}

void echo_all(Fd& listener) {
  WaitGroup serving;
  while (FdResult got = listener.accept()) {
    serving.go([connection = std::move(got.fd)]() mutable { echo(connection); });
  }
  serving.wait();
}

// One name takes long: until a goroutine has had its turns, or for 30 s if it has none.
struct SlowResolver {
  static constexpr const char* kName = "slow.invalid";
  static constexpr int kTurns = 1'000;

  std::atomic<int> turns{0};
  std::atomic<int> gave_up{0};

  int look_up() {
    const Nanos limit = now() + 30s;
    while (turns < kTurns && now() < limit) std::this_thread::sleep_for(100us);
    if (turns < kTurns) ++gave_up;
    return EAI_AGAIN;
  }
} slow_resolver;

}  // namespace

// In place of the C library's, which answers for all other names.
extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                           addrinfo** list) {
  if (host != nullptr && std::strcmp(host, SlowResolver::kName) == 0)
    return slow_resolver.look_up();
  static const auto others =
      reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return others(host, service, hints, list);
}

TEST_SUITE_BEGIN("runtime/net");

TEST_CASE("many clients of an accept loop each get their own bytes back") {
  at_each_procs([](Runtime& rt) {
    const int clients = scaled(200, 40);
    std::atomic<int> right = 0, ended = 0;
    run_to_end(rt, [&] {
      Fd listener = listen_on_loopback();
      const Address address = *local_address(listener);
      WaitGroup server, all;
      server.go([&] { echo_all(listener); });
      for (int i = 0; i < clients; ++i) {
        all.go([&, i] {
          FdResult made = tcp_connect(address);
          if (!made) return;
          const std::string sent(10'000 + static_cast<std::size_t>(i), static_cast<char>(i));
          std::string got(sent.size(), '\0');
          WaitGroup sender;
          sender.go([&] {
            (void)made.fd.write_all(sent.data(), sent.size());
            (void)shutdown_write(made.fd);  // a half-closed connection still brings the rest
          });
          if (made.fd.read_full(got.data(), got.size()) && got == sent) ++right;
          if (made.fd.read(got.data(), 1).status == IoStatus::kEof) ++ended;
          sender.wait();
        });
      }
      all.wait();
      (void)listener.close();
      server.wait();
    });
    CHECK(right == clients);
    CHECK(ended == clients);
  });
}

TEST_CASE("closing a listener ends the accept loops of all goroutines") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> ended = 0;
    run_to_end(rt, [&] {
      Fd listener = listen_on_loopback();
      WaitGroup loops;
      for (int i = 0; i < 3; ++i) {
        loops.go([&] {
          if (listener.accept().status == IoStatus::kClosed) ++ended;
        });
      }
      wait_until_parked(rt, WaitReason::kIoRead, 3);
      (void)listener.close();
      loops.wait();
    });
    CHECK(ended == 3);
  });
}

TEST_CASE("a connection to a port where nobody listens is refused") {
  at_each_procs([](Runtime& rt) {
    FdResult refused, none;
    run_to_end(rt, [&] {
      Fd listener = listen_on_loopback();
      const Address address = *local_address(listener);
      (void)listener.close();
      refused = tcp_connect(address);
      none = tcp_connect(std::vector<Address>{});
    });
    CHECK(refused.error == ECONNREFUSED);
    CHECK_FALSE(refused.fd.is_open());
    CHECK(none.error == EDESTADDRREQ);
  });
}

TEST_CASE("the second address serves when the first refuses") {
  at_each_procs([](Runtime& rt) {
    bool connected = false;
    run_to_end(rt, [&] {
      Fd closed = listen_on_loopback();
      const Address nobody = *local_address(closed);
      (void)closed.close();
      Fd listener = listen_on_loopback();
      const std::vector<Address> both{nobody, *local_address(listener)};
      connected = static_cast<bool>(tcp_connect(both));
    });
    CHECK(connected);
  });
}

TEST_CASE("a connection that nobody answers ends at its deadline") {
  at_each_procs([](Runtime& rt) {
    IoStatus last = IoStatus::kOk;
    run_to_end(rt, [&] {
      // The backlog fills up and the kernel drops what comes after: those connects hang.
      Fd listener = listen_on_loopback(0);
      std::vector<Fd> waiting;
      for (int i = 0; i < 20 && last == IoStatus::kOk; ++i) {
        FdResult made = tcp_connect(*local_address(listener), now() + 50ms);
        last = made.status;
        waiting.push_back(std::move(made.fd));
      }
    });
    CHECK((last == IoStatus::kTimedOut));
  });
}

TEST_CASE("reading from a silent peer ends at the deadline, and the connection goes on") {
  at_each_procs([](Runtime& rt) {
    IoResult silent, later;
    run_to_end(rt, [&] {
      Fd listener = listen_on_loopback();
      FdResult client = tcp_connect(*local_address(listener));
      FdResult server = listener.accept();
      char byte = 0;
      client.fd.set_read_deadline(now() + 2ms);
      silent = client.fd.read(&byte, 1);
      client.fd.set_read_deadline(kNoDeadline);
      (void)server.fd.write("!", 1);
      later = client.fd.read(&byte, 1);
    });
    CHECK((silent.status == IoStatus::kTimedOut));
    CHECK(later.count == 1);
  });
}

TEST_CASE("a peer that is gone shows as end of file, then as an error") {
  at_each_procs([](Runtime& rt) {
    IoResult end;
    IoResult put;
    run_to_end(rt, [&] {
      Fd listener = listen_on_loopback();
      FdResult client = tcp_connect(*local_address(listener));
      FdResult server = listener.accept();
      (void)server.fd.close();
      char byte = 0;
      end = client.fd.read(&byte, 1);
      // The first write draws a reset, which a later one reports.
      do {
        put = client.fd.write("x", 1);
        yield();
      } while (put);
    });
    CHECK((end.status == IoStatus::kEof));
    CHECK((put.error == EPIPE || put.error == ECONNRESET));
  });
}

TEST_CASE("a port that is taken cannot be listened on") {
  Fd listener = listen_on_loopback();
  const FdResult second = tcp_listen(*local_address(listener));
  CHECK(second.error == EADDRINUSE);
}

TEST_CASE("both ends know their addresses") {
  at_each_procs([](Runtime& rt) {
    std::string ours, theirs;
    run_to_end(rt, [&] {
      Fd listener = listen_on_loopback();
      FdResult client = tcp_connect(*local_address(listener));
      FdResult server = listener.accept();
      ours = local_address(client.fd)->to_string();
      theirs = peer_address(server.fd)->to_string();
      (void)client.fd.close();
      if (local_address(client.fd).has_value()) ours = "a closed handle has none";
    });
    CHECK(ours == theirs);
    CHECK(ours.rfind("127.0.0.1:", 0) == 0);
  });
}

TEST_CASE("addresses are read and written the same way") {
  for (const char* text : {"127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:8080",
                           "[2001:db8::5]:443", "[fe80::1%1]:22"}) {
    CAPTURE(text);
    const auto address = Address::parse(text);
    REQUIRE(address.has_value());
    CHECK(address->to_string() == text);
  }
  CHECK(Address::parse("10.0.0.1:8080")->port() == 8080);
  CHECK(Address::parse("[::]:9")->port() == 9);
  for (const char* text : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                           "127.0.0.1:8x", "localhost:80", "::1:80", "[::1]", "[]:80", "[::1%]:80",
                           "[::1%no-such-if]:80", "300.0.0.1:80", "127.0.0.1 :80"}) {
    CAPTURE(text);
    CHECK_FALSE(Address::parse(text).has_value());
  }
}

TEST_CASE("names that take long to resolve hold no P, however many there are") {
  at_each_procs([](Runtime& rt) {
    constexpr int kNames = 20;
    slow_resolver.turns = 0;
    slow_resolver.gave_up = 0;
    std::atomic<int> answers{0};
    run_to_end(rt, [&] {
      WaitGroup names;
      for (int i = 0; i < kNames; ++i) {
        names.go([&] { answers += resolve(SlowResolver::kName, "80") ? 0 : 1; });
      }
      while (answers < kNames) {
        ++slow_resolver.turns;
        yield();
      }
      names.wait();
    });
    CHECK(slow_resolver.gave_up == 0);
  });
}

TEST_CASE("localhost is resolved") {
  at_each_procs([](Runtime& rt) {
    Resolved found, wrong_service;
    run_to_end(rt, [&] {
      found = resolve("localhost", "8080");
      wrong_service = resolve("localhost", "no-such-service");
    });
    INFO(found.error);
    REQUIRE(found);
    const bool loopback =
        std::any_of(found.addresses.begin(), found.addresses.end(), [](const Address& a) {
          return a.to_string() == "127.0.0.1:8080" || a.to_string() == "[::1]:8080";
        });
    CHECK(loopback);
    CHECK_FALSE(wrong_service);
    CHECK_FALSE(wrong_service.error.empty());
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::net_test
