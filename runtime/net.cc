// runtime/net.cc - sockets by the book: non-blocking and close-on-exec.
//
// System calls are made out of line: whoever reads errno must not be inlined where a goroutine
// parks (poll/attempt.h).

#include "runtime/net.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "runtime/blocking.h"
#include "runtime/on_cancel.h"
#include "runtime/poll/attempt.h"

namespace gorun::runtime {
namespace {

// The scope of a link-local address: a number or the name of an interface; 0: no such.
std::uint32_t scope_of(const std::string& text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return if_nametoindex(text.c_str());
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// A close-on-exec, non-blocking socket, or minus an errno.
[[gnu::noinline]] int make_socket(int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return fd < 0 ? -errno : fd;
}

[[gnu::noinline]] int set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : -errno;
}

// Starts to connect. returns 0: done; -EINPROGRESS: wait until it is writable; or minus an errno.
[[gnu::noinline]] int start_connecting(int fd, const Address& address) {
  if (::connect(fd, address.data(), address.size()) == 0) return 0;
  return errno == EINTR ? -EINPROGRESS : -errno;  // an interrupted connect goes on
}

// How it ended: 0, -EINPROGRESS if it has not, or minus an errno.
[[gnu::noinline]] int connection_state(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
  if (error != 0) return -error;
  sockaddr_storage peer{};
  socklen_t peer_size = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0) return 0;
  return errno == ENOTCONN ? -EINPROGRESS : -errno;
}

[[gnu::noinline]] int start_listening(int fd, const Address& address, int backlog) {
  const bool started =
      ::bind(fd, address.data(), address.size()) == 0 && ::listen(fd, backlog) == 0;
  return started ? 0 : -errno;
}

// As getaddrinfo; `error` is the errno of EAI_SYSTEM.
[[gnu::noinline]] int look_up(const char* host, const char* service, addrinfo** list, int& error) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  const int code = ::getaddrinfo(host, service, &hints, list);
  error = errno;
  return code;
}

IoResult finish_connecting(Fd& socket) {
  for (;;) {
    if (const IoResult ready = socket.wait_writable(); !ready) return ready;
    const int state = connection_state(socket.get());
    if (state == 0) return {};
    if (state != -EINPROGRESS) return {0, IoStatus::kError, -state};
  }
}

FdResult failed(int error) { return {Fd(), IoStatus::kError, error}; }

// Makes a handle of a fresh descriptor; closes it if that fails.
FdResult own(int fd) {
  FdResult made = Fd::adopt(fd);
  if (!made) (void)attempt::close(fd);  // the first error is the one to tell
  return made;
}

// `cancel` may be null.
FdResult connect(const Address& address, Nanos deadline, const Cancel* cancel) {
  const int fd = make_socket(address.family());
  if (fd < 0) return failed(-fd);
  FdResult connection = own(fd);
  if (!connection) return connection;
  if (const int result = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); result != 0) {
    return failed(-result);
  }
  const int started = start_connecting(fd, address);
  if (started == 0) return connection;
  if (started != -EINPROGRESS) return failed(-started);
  connection.fd.set_write_deadline(deadline);
  std::optional<OnCancel> watch;
  if (cancel != nullptr) {
    watch.emplace(*cancel, [&connection] { connection.fd.set_write_deadline(Nanos{0}); });
  }
  const IoResult end = finish_connecting(connection.fd);
  watch.reset();
  if (!end) return {Fd(), end.status, end.error};
  connection.fd.set_write_deadline(kNoDeadline);
  return connection;
}

std::optional<Address> address_of(const Fd& fd, decltype(&::getsockname) ask) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (!fd.is_open() || ask(fd.get(), address, &size) != 0) return std::nullopt;
  return Address::from(address, size);
}

}  // namespace

// --- addresses
// ------------------------------------------------------------------------------------

std::optional<Address> Address::from(const sockaddr* address, socklen_t size) {
  const bool known = (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) ||
                     (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6));
  if (!known || size > sizeof(sockaddr_storage)) return std::nullopt;
  Address made;
  std::memcpy(&made.storage_, address, size);
  made.size_ = size;
  return made;
}

std::optional<Address> Address::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::optional<std::uint16_t> port = port_of(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  if (!port) return std::nullopt;
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(*port);
    if (inet_pton(AF_INET, std::string(host).c_str(), &four.sin_addr) != 1) return std::nullopt;
    return from(reinterpret_cast<const sockaddr*>(&four), sizeof four);
  }
  host = host.substr(1, host.size() - 2);
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(*port);
  if (const std::size_t percent = host.find('%'); percent != std::string_view::npos) {
    six.sin6_scope_id = scope_of(std::string(host.substr(percent + 1)));
    if (six.sin6_scope_id == 0) return std::nullopt;
    host = host.substr(0, percent);
  }
  if (inet_pton(AF_INET6, std::string(host).c_str(), &six.sin6_addr) != 1) return std::nullopt;
  return from(reinterpret_cast<const sockaddr*>(&six), sizeof six);
}

std::string Address::to_string() const {
  char host[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(&storage_);
    inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(port());
  }
  if (family() != AF_INET6) return "no address";
  const auto* six = reinterpret_cast<const sockaddr_in6*>(&storage_);
  inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
  std::string text = "[" + std::string(host);
  if (six->sin6_scope_id != 0) text += "%" + std::to_string(six->sin6_scope_id);
  return text + "]:" + std::to_string(port());
}

std::uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
  if (family() != AF_INET6) return 0;
  return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
}

Resolved resolve(const std::string& host, const std::string& service) {
  addrinfo* list = nullptr;
  int system_error = 0;
  const int code = blocking(
      Blocking::kLong, [&] { return look_up(host.c_str(), service.c_str(), &list, system_error); });
  if (code == EAI_SYSTEM) return {{}, to_string(IoStatus::kError, system_error)};
  if (code != 0) return {{}, gai_strerror(code)};
  Resolved found;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    if (auto address = Address::from(each->ai_addr, each->ai_addrlen)) {
      found.addresses.push_back(*address);
    }
  }
  ::freeaddrinfo(list);
  if (found.addresses.empty()) found.error = gai_strerror(EAI_NONAME);
  return found;
}

// --- sockets
// ----------------------------------------------------------------------------------------

FdResult tcp_listen(const Address& address, int backlog) {
  const int fd = make_socket(address.family());
  if (fd < 0) return failed(-fd);
  FdResult listener = own(fd);
  if (!listener) return listener;
  int result = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  // Connections inherit it from the listener.
  if (result == 0) result = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (result == 0) result = start_listening(fd, address, backlog);
  if (result != 0) return failed(-result);
  return listener;
}

FdResult tcp_connect(const Address& address, Nanos deadline) {
  return connect(address, deadline, nullptr);
}

FdResult tcp_connect(const Address& address, const Cancel& cancel) {
  if (cancel.is_cancelled()) return {Fd(), IoStatus::kTimedOut, 0};
  return connect(address, kNoDeadline, &cancel);
}

FdResult tcp_connect(const std::vector<Address>& addresses, Nanos deadline) {
  FdResult first = failed(EDESTADDRREQ);  // should there be none to try
  bool tried = false;
  for (const Address& address : addresses) {
    FdResult connection = tcp_connect(address, deadline);
    if (connection) return connection;
    if (!tried) first = std::move(connection);
    tried = true;
  }
  return first;
}

std::optional<Address> local_address(const Fd& fd) { return address_of(fd, ::getsockname); }
std::optional<Address> peer_address(const Fd& fd) { return address_of(fd, ::getpeername); }

[[gnu::noinline]] IoResult shutdown_write(const Fd& fd) {
  if (!fd.is_open()) return {0, IoStatus::kClosed, 0};
  if (::shutdown(fd.get(), SHUT_WR) != 0) return {0, IoStatus::kError, errno};
  return {};
}

}  // namespace gorun::runtime
