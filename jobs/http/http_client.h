// jobs/http/http_client.h - one goroutine's requests, one after the other.
//
//   HttpClient client(engine, settings);
//   HttpAnswer answer = client.perform({.url = "https://host/"}, &body);
//
// The body goes to a BodySink on the goroutine that asked for it. libcurl is not made to wait for
// the sink until more than kMostBuffered bytes lie between them; then that transfer pauses, and no
// other one does.
//
// TLS certificates are verified, redirects are followed within http and https, and the proxies of
// the environment (http_proxy, https_proxy, all_proxy, no_proxy) are used as curl uses them.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "jobs/http/http_engine.h"
#include "jobs/http/http_message.h"

namespace gorun::jobs {

class BodySink {
 public:
  virtual ~BodySink() = default;

  /// Takes part of the body of an answer with this status; false ends the transfer. May park.
  virtual bool take(int status, std::string_view bytes) = 0;

  /// The answer lets itself be waited for: what waits to be passed on is better passed on now.
  virtual void wait_begins() = 0;
};

/// threads  one goroutine.
class HttpClient {
 public:
  HttpClient(std::shared_ptr<HttpEngine> engine, HttpSettings settings);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Parks until the answer is there with its whole body, or `deadline` (as runtime::now() counts)
  /// has passed. When it takes long, the sink is told.
  [[nodiscard]] HttpAnswer perform(const HttpRequest& request, runtime::Nanos deadline,
                                   BodySink* sink);

  /// "http://host:80", or empty: what requests to one host have in common; for limits.
  [[nodiscard]] static std::string origin_of(const std::string& url);
  /// `url` as people may see it: without a user and a password. Of what is no URL, all up to the
  /// last "@" may be some.
  [[nodiscard]] static std::string without_password(const std::string& url);

 private:
  struct Handles;
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t on_header(char* bytes, std::size_t size, std::size_t count,
                               void* self) noexcept;
  static int on_open(void* self, int purpose, void* address) noexcept;
  [[nodiscard]] std::size_t take_body(std::string_view bytes);
  [[nodiscard]] std::string why_not_connected() const;
  void set_up();
  [[nodiscard]] bool names_method() const;
  [[nodiscard]] std::string aim(const std::string& where);
  [[nodiscard]] std::string load(const HttpRequest& request);
  void note();
  HttpEnd wait(runtime::Nanos deadline, BodySink* sink);
  [[nodiscard]] bool hand_over(BodySink* sink);
  [[nodiscard]] std::string explain(int code) const;

  const std::shared_ptr<HttpEngine> engine_;
  const HttpSettings settings_;
  std::unique_ptr<Handles> handles_;  // libcurl's; its callbacks know where this client lives
  Transfer transfer_;
  std::string aimed_at_;  // the URL that the handle is set to; empty: to none
  // The engine's holder; read when done.
  bool is_too_large_ = false;
  bool is_out_of_memory_ = false;
  bool is_head_whole_ = false;  // that of the answer at hand
  int open_error_ = 0;          // of a socket that could not be made; an errno

  std::mutex body_lock_;          // never held across anything that parks
  std::string waiting_;           // guarded by body_lock_: bytes that the sink has yet to take
  int status_ = 0;                // guarded by body_lock_
  std::uint64_t body_bytes_ = 0;  // guarded by body_lock_
  bool is_noted_ = false;         // guarded by body_lock_: the owner was told that bytes wait
  bool is_paused_ = false;        // guarded by body_lock_
  std::string taken_;             // swapped with waiting_
};

}  // namespace gorun::jobs
