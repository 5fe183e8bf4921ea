// runtime/net.h - TCP over the netpoller, internet addresses, and names resolved to them.
//
//   auto listener = tcp_listen(*Address::parse("127.0.0.1:8080"));
//   while (FdResult peer = listener.fd.accept()) {
//     go([connection = std::move(peer.fd)]() mutable { serve(connection); });
//   }
//
// Connections are Fds (io.h). They send small writes at once (TCP_NODELAY), as Go's do.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cancel.h"
#include "runtime/io.h"

namespace gorun::runtime {

/// An IPv4 or IPv6 address with a port. A plain value.
class Address {
 public:
  Address() = default;

  /// "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80": numbers only; for names, resolve().
  static std::optional<Address> parse(std::string_view text);
  /// From the kernel or the resolver; `family` AF_INET or AF_INET6, else nullopt.
  static std::optional<Address> from(const sockaddr* address, socklen_t size);

  /// As parse() takes it.
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] const sockaddr* data() const {
    return reinterpret_cast<const sockaddr*>(&storage_);
  }
  [[nodiscard]] socklen_t size() const { return size_; }
  [[nodiscard]] int family() const { return storage_.ss_family; }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

/// The addresses of a name, or why there are none.
struct [[nodiscard]] Resolved {
  std::vector<Address> addresses;  // in the order to try them
  std::string error;               // the resolver's words; empty: none

  explicit operator bool() const { return error.empty(); }
};

/// Asks the system's resolver (getaddrinfo) for TCP addresses of `host`, in a marked blocking call
/// that holds no P. `service` is a port number or a name from /etc/services.
/// threads  any; on a goroutine only that goroutine waits.
Resolved resolve(const std::string& host, const std::string& service);

/// Listens on `address`; port 0 takes a free one, see local_address(). SO_REUSEADDR is set.
FdResult tcp_listen(const Address& address, int backlog = SOMAXCONN);

/// Connects, parking until it is done, refused, or `deadline` (as now() counts) has passed.
FdResult tcp_connect(const Address& address, Nanos deadline = kNoDeadline);

/// The same, but a wait ends with kTimedOut when `cancel` is cancelled, by its deadline for one;
/// cancel.cause() tells.
FdResult tcp_connect(const Address& address, const Cancel& cancel);

/// Tries `addresses` in turn. Of several failures it tells the first.
FdResult tcp_connect(const std::vector<Address>& addresses, Nanos deadline = kNoDeadline);

/// The address of our end, and of the other; nullopt if `fd` is closed or no such socket.
[[nodiscard]] std::optional<Address> local_address(const Fd& fd);
[[nodiscard]] std::optional<Address> peer_address(const Fd& fd);

/// Sends no more, as if the file ended here, and goes on reading.
IoResult shutdown_write(const Fd& fd);

}  // namespace gorun::runtime
