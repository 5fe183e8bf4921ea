// What the kind "http" makes of answers that are seldom seen.
#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

#include "tests/jobs/run_job.h"
#include "tests/support/http_server.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::http_answers_test {

namespace {

using namespace gorun::jobs;

// A job that fetches `url` with `options`, which begin with a comma, and writes to `out`.
std::string fetch_job(const std::string& url, const std::string& options, const std::string& out) {
  return R"({"gorun": 1, "stages": {"page": {"kind": "http", "url": ")" + url + "\"" + options +
         R"(}, "out": {"kind": "write", "from": "page", "path": ")" + out + R"("}}})";
}

// What went wrong.
std::string failure_of(const std::string& url, const std::string& options = "") {
  const ScratchDir dir;
  return failures_of(run_job(fetch_job(url, options, dir / "out"), 2));
}

// The body, with a line feed of "write".
std::string body_of(const std::string& url, const std::string& options = "") {
  const ScratchDir dir;
  CHECK(failures_of(run_job(fetch_job(url, options, dir / "out"), 2)) == "");
  return read_whole_file(dir / "out");
}

// The URL that is answered with `text`, whatever it is.
std::string raw(const HttpServer& server, std::string_view text) {
  std::string path = "/raw/";
  for (const char c : text) {
    char byte[4];
    std::snprintf(byte, sizeof byte, "%%%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    path += byte;
  }
  return server.url(path);
}

}  // namespace

TEST_SUITE_BEGIN("jobs/stages/http_answers");

TEST_CASE("what is not HTTP is told as such") {
  const HttpServer server;
  const std::string url = raw(server, "220 mail ready\r\n");
  CHECK(failure_of(url) == "page: GET " + url + ": the server's answer is not one of HTTP\n");
}

TEST_CASE("of a redirect the host that cannot be resolved is named") {
  const HttpServer server;
  const std::string url = server.url("/moved/http://no-such-host.invalid/a");
  CHECK(failure_of(url) ==
        "page: GET " + url + ": cannot resolve the host \"no-such-host.invalid\"\n");
}

TEST_CASE("preliminary answers, trailers and a body where there can be none are passed over") {
  const HttpServer server;
  CHECK(body_of(raw(server,
                    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")) == "hello\n");
  CHECK(body_of(raw(server,
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n"
                    "5\r\nhello\r\n0\r\nA: b\r\n\r\n")) == "hello\n");
  CHECK(body_of(raw(server, "HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\nhello")) == "\n");
}

TEST_CASE("a body that is cut short fails, however its length was told") {
  const HttpServer server;
  for (const std::string_view text :
       {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"}) {
    CAPTURE(text);
    CHECK(failure_of(raw(server, text)) != "");
  }
}

TEST_CASE("a head that is cut short is no answer without a body") {
  const HttpServer server;
  const ScratchDir dir;
  for (const std::string_view text : {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Len",
                                      "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n"}) {
    CAPTURE(text);
    const std::string url = raw(server, text);
    CHECK(failure_of(url, R"(, "save": ")" + dir / "a" + "\"") ==
          "page: GET " + url +
              ": the server closed the connection within the head of its answer\n");
    CHECK_FALSE(std::filesystem::exists(dir / "a"));
  }
}

TEST_CASE("a redirect is followed with the method and its body, unless it is to be got") {
  const HttpServer server;
  const std::string moved = server.url("/moved//echo");
  const std::string see = server.url("/see//echo");
  const std::string put = R"(, "method": "PUT", "body": "abc")";
  const auto begins_and_ends = [](const std::string& text, std::string_view begin,
                                  std::string_view end) {
    return text.starts_with(begin) && text.ends_with(end);
  };
  CHECK(begins_and_ends(body_of(moved, put), "PUT /echo ", "\r\n\r\nabc\n"));
  CHECK(begins_and_ends(body_of(see, put), "GET /echo ", "\r\n\r\n\n"));
  const std::string twice = server.url("/moved/" + server.url("/see//echo"));
  CHECK(begins_and_ends(body_of(twice, put), "GET /echo ", "\r\n\r\n\n"));
  CHECK(begins_and_ends(body_of(moved, R"(, "method": "DELETE")"), "DELETE /echo ", "\n"));
  CHECK(begins_and_ends(body_of(see, R"(, "method": "DELETE")"), "GET /echo ", "\n"));
  // As browsers do.
  CHECK(begins_and_ends(body_of(moved, R"(, "body": "abc")"), "GET /echo ", "\r\n\r\n\n"));
}

TEST_CASE("a method is that of the next request, whatever became of it on the way of the last") {
  const HttpServer server;
  const ScratchDir dir;
  const std::string urls =
      "\"" + server.url("/see//echo") + "\", \"" + server.url("/moved//echo") + "\"";
  CHECK(
      failures_of(run_job(R"({"gorun": 1, "stages": {"urls": {"kind": "items", "items": [)" + urls +
                              R"(]}, "pages": {"kind": "http", "from": "urls", "method": "PUT",
          "body": "abc", "workers": 1}, "out": {"kind": "write", "from": "pages", "path": ")" +
                              dir / "out" + R"("}}})",
                          2)) == "");
  const std::string out = read_whole_file(dir / "out");
  CHECK(out.starts_with("GET /echo "));
  CHECK(out.find("\nPUT /echo ") != std::string::npos);
}

TEST_CASE("of an answer that fails by its status the size does not matter") {
  const HttpServer server;
  const std::string url = server.url("/status/404");
  CHECK(failure_of(url, R"(, "max_body": 5)") == "page: GET " + url + ": status 404\n");
  CHECK(failure_of(url, R"(, "max_body": 5, "status": "any")") ==
        "page: GET " + url + ": the body is larger than \"max_body\", 5 bytes\n");
}

TEST_SUITE_END();

}  // namespace gorun::test::http_answers_test
