// jobs/http/http_message.h - a request and its answer, as plain values.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace gorun::jobs {

/// What all requests of one client have in common.
struct HttpSettings {
  std::string method = "GET";
  bool has_body = false;   // a body is sent, of whatever length
  int max_redirects = 30;  // 0: a redirect is an answer like any other
  std::string ca_file;     // PEM: whom to trust; empty: whom the system trusts
  std::uint64_t max_body = std::numeric_limits<std::uint64_t>::max();  // bytes of an answer
};

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string body;
};

enum class HttpEnd : std::uint8_t {
  kAnswered,  // whatever the status
  kFailed,    // `error` says why
  kTooLarge,  // the body, of an answer with `status`; so does `error`
  kTimedOut,
  kCancelled,  // the run was stopped, or no more is to begin and the request had to wait
  kDropped,    // whoever took the body wanted no more
};

struct HttpAnswer {
  HttpEnd end = HttpEnd::kFailed;
  std::string error;  // one line, without the URL
  int status = 0;
  std::string url;           // of the answer, after redirects; without user and password
  std::string content_type;  // empty: none given
  std::uint64_t body_bytes = 0;
  std::int64_t retry_after_s = 0;  // of "Retry-After"; 0: none
};

}  // namespace gorun::jobs
