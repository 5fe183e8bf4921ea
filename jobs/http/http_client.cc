#include "jobs/http/http_client.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include "jobs/file_descriptor.h"
#include "jobs/format/quote.h"
#include "jobs/http/curl_library.h"
#include "jobs/open_files.h"
#include "jobs/system_error.h"
#include "jobs/version.h"
#include "runtime/select.h"

namespace gorun::jobs {
namespace {

// Bytes that wait before the sink is woken, and before the transfer pauses: enough for the sink's
// write to be worth a wake-up, and for the network to go on while it writes.
constexpr std::size_t kWorthTaking = std::size_t{256} << 10;
// An answer from nearby comes sooner; to pass each item on by itself costs more than such a wait.
constexpr runtime::Nanos kShortWait = std::chrono::milliseconds(10);
constexpr std::size_t kMostBuffered = std::size_t{4} << 20;
// Of the callback that takes a body: the transfer ends with CURLE_WRITE_ERROR.
constexpr std::size_t kEndTransfer = 0;

// A part of a parsed URL; empty if it has none.
std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl().url_get(url, part, &text, flags) != CURLUE_OK) return "";
  std::string copy = text;
  curl().free(text);
  return copy;
}

// In lower case, as names of hosts are the same in any.
std::string host_of(CURLU* url) {
  std::string host = part_of(url, CURLUPART_HOST);
  std::ranges::transform(host, host.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return host;
}

std::string effective_url(CURL* easy) {
  char* url = nullptr;
  curl().easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
  return url == nullptr ? "" : url;
}

// As the end of a message; 0: nothing.
std::string told(int error_number) {
  if (error_number == 0) return "";
  return ": " + errno_text(error_number) + std::string(way_out_of_open_files(error_number));
}

// A resolver does not tell why it has found nothing: whether for want of a file is tried. 0: no.
int error_of_opening() {
  const FileDescriptor file(::open("/", O_PATH | O_CLOEXEC));
  const int error_number = file.is_open() ? 0 : errno;
  return way_out_of_open_files(error_number).empty() ? 0 : error_number;
}

// Numbers need no resolver, and of "localhost" libcurl knows the addresses.
bool is_resolved_by_itself(std::string_view host) {
  if (host.starts_with('[') || host == "localhost" || host.ends_with(".localhost")) return true;
  return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

// An owner of a parsed URL. Each parses one: into what holds a URL, libcurl parses the next one as
// relative to it.
struct ParsedUrl {
  CURLU* const url = curl().url();
  CURLUcode code = CURLUE_MALFORMED_INPUT;
  explicit ParsedUrl(const std::string& text) {
    if (url == nullptr) throw std::bad_alloc();
    if (text.find('\0') != std::string::npos) return;
    code = curl().url_set(url, CURLUPART_URL, text.c_str(), CURLU_URLENCODE);
  }
  ~ParsedUrl() { curl().url_cleanup(url); }
  ParsedUrl(const ParsedUrl&) = delete;
  ParsedUrl& operator=(const ParsedUrl&) = delete;
  [[nodiscard]] bool is_right() const { return code == CURLUE_OK; }
};

}  // namespace

std::string HttpClient::origin_of(const std::string& url) {
  const ParsedUrl parsed(url);
  if (!parsed.is_right()) return "";
  return part_of(parsed.url, CURLUPART_SCHEME) + "://" + host_of(parsed.url) + ":" +
         part_of(parsed.url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

std::string HttpClient::without_password(const std::string& url) {
  const std::size_t at = url.rfind('@');
  if (at == std::string::npos) return url;
  const ParsedUrl parsed(url);
  if (!parsed.is_right()) {
    const std::size_t scheme = url.find("://");
    return (scheme < at ? url.substr(0, scheme + 3) : "") + "***" + url.substr(at);
  }
  curl().url_set(parsed.url, CURLUPART_USER, nullptr, 0);
  curl().url_set(parsed.url, CURLUPART_PASSWORD, nullptr, 0);
  return part_of(parsed.url, CURLUPART_URL);
}

struct HttpClient::Handles {
  CURL* easy = curl().easy_init();
  curl_slist* headers = nullptr;
  std::array<char, CURL_ERROR_SIZE> error{};

  ~Handles() {
    curl().easy_cleanup(easy);
    curl().slist_free_all(headers);
  }
};

HttpClient::HttpClient(std::shared_ptr<HttpEngine> engine, HttpSettings settings)
    : engine_(std::move(engine)), settings_(std::move(settings)) {
  handles_ = std::make_unique<Handles>();
  if (handles_->easy == nullptr) throw std::bad_alloc();
  set_up();
}

HttpClient::~HttpClient() = default;

void HttpClient::set_up() {
  CURL* easy = handles_->easy;
  transfer_.easy = easy;
  curl().easy_setopt(easy, CURLOPT_PRIVATE, &transfer_);
  curl().easy_setopt(easy, CURLOPT_ERRORBUFFER, handles_->error.data());
  curl().easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl().easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl().easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl().easy_setopt(easy, CURLOPT_FOLLOWLOCATION, settings_.max_redirects > 0 ? 1L : 0L);
  curl().easy_setopt(easy, CURLOPT_MAXREDIRS, static_cast<long>(settings_.max_redirects));
  curl().easy_setopt(easy, CURLOPT_USERAGENT, ("gorun/" + std::string(kVersion)).c_str());
  // A peer that has vanished is noticed, also without a time limit.
  curl().easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl().easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
  curl().easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl().easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
  curl().easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl().easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &on_open);
  curl().easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl().easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &HttpEngine::close_socket);
  curl().easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, engine_.get());
  if (!settings_.ca_file.empty()) {
    curl().easy_setopt(easy, CURLOPT_CAINFO, settings_.ca_file.c_str());
    curl().easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
  if (settings_.method == "HEAD") {
    curl().easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (settings_.has_body) {
    curl().easy_setopt(easy, CURLOPT_POST, 1L);
  }
  // Goes where redirects lead, and so must its body; but for 303, see on_header().
  if (names_method()) {
    curl().easy_setopt(easy, CURLOPT_POSTREDIR, long{CURL_REDIR_POST_301 | CURL_REDIR_POST_302});
  }
}

// True if the method is one that libcurl does not use by itself.
bool HttpClient::names_method() const {
  return settings_.method != "HEAD" && settings_.method != (settings_.has_body ? "POST" : "GET");
}

// Points the handle at a URL. returns what is wrong with it; empty: nothing.
std::string HttpClient::aim(const std::string& where) {
  if (!where.empty() && where == aimed_at_) return "";
  aimed_at_.clear();
  const ParsedUrl parsed(where);
  if (parsed.code == CURLUE_UNSUPPORTED_SCHEME) return "only http and https are spoken";
  if (!parsed.is_right()) return "not a URL: one begins with http:// or https://";
  const std::string scheme = part_of(parsed.url, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return "only http and https are spoken";
  const std::string host = host_of(parsed.url);
  transfer_.host = is_resolved_by_itself(host) ? "" : host;
  // Not the parsed one: of a handle that is used again, libcurl 7.88 reports the first URL as that
  // of every answer.
  curl().easy_setopt(handles_->easy, CURLOPT_URL, part_of(parsed.url, CURLUPART_URL).c_str());
  aimed_at_ = where;
  return "";
}

// The rest of what is sent; as aim().
std::string HttpClient::load(const HttpRequest& request) {
  CURL* easy = handles_->easy;
  curl().slist_free_all(std::exchange(handles_->headers, nullptr));
  for (const std::string& header : request.headers) {
    if (header.find_first_of("\r\n") != std::string::npos) return "a header holds a line break";
    curl_slist* const longer = curl().slist_append(handles_->headers, header.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    handles_->headers = longer;
  }
  curl().easy_setopt(easy, CURLOPT_HTTPHEADER, handles_->headers);
  if (names_method()) {
    curl().easy_setopt(easy, CURLOPT_CUSTOMREQUEST, settings_.method.c_str());
  }
  if (settings_.has_body) {
    curl().easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
    curl().easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());  // lives as long as the call
  }
  return "";
}

HttpAnswer HttpClient::perform(const HttpRequest& request, runtime::Nanos deadline,
                               BodySink* sink) {
  HttpAnswer answer;
  handles_->error[0] = '\0';
  is_too_large_ = is_out_of_memory_ = is_head_whole_ = false;
  open_error_ = 0;
  waiting_.clear();
  status_ = 0;
  body_bytes_ = 0;
  is_noted_ = is_paused_ = false;
  answer.error = aim(request.url);
  if (answer.error.empty()) answer.error = load(request);
  if (!answer.error.empty()) return answer;
  transfer_.is_cancelled = false;
  transfer_.error_number = 0;
  transfer_.is_done.store(false, std::memory_order_relaxed);  // nobody else has it yet
  engine_->start(&transfer_);
  answer.end = wait(deadline, sink);
  if (answer.end == HttpEnd::kAnswered && transfer_.is_cancelled) answer.end = HttpEnd::kCancelled;
  if (answer.end == HttpEnd::kAnswered && transfer_.code != CURLE_OK) {
    const bool is_too_large = transfer_.code == CURLE_WRITE_ERROR && is_too_large_;
    answer.end = is_too_large ? HttpEnd::kTooLarge : HttpEnd::kFailed;
    answer.error = explain(transfer_.code);
  }
  if (answer.end == HttpEnd::kAnswered && !is_head_whole_) {
    answer.end = HttpEnd::kFailed;
    answer.error = "the server closed the connection within the head of its answer";
  }
  long status = 0;
  curl_off_t retry_after = 0;
  char* type = nullptr;
  curl().easy_getinfo(handles_->easy, CURLINFO_RESPONSE_CODE, &status);
  curl().easy_getinfo(handles_->easy, CURLINFO_RETRY_AFTER, &retry_after);
  curl().easy_getinfo(handles_->easy, CURLINFO_CONTENT_TYPE, &type);
  answer.status = static_cast<int>(status);
  answer.retry_after_s = retry_after;
  answer.body_bytes = body_bytes_;
  if (type != nullptr) answer.content_type = type;
  answer.url = without_password(effective_url(handles_->easy));
  return answer;
}

// Waits until the engine is done with the transfer. kAnswered: it was not ended from here.
HttpEnd HttpClient::wait(runtime::Nanos deadline, BodySink* sink) {
  HttpEnd end = HttpEnd::kAnswered;
  runtime::Nanos next_look = runtime::now() + kShortWait;
  const auto give_up = [&](HttpEnd why) {
    end = why;
    deadline = runtime::kNoDeadline;
    engine_->drop(&transfer_);
  };
  for (;;) {
    const runtime::Nanos until = std::min(next_look, deadline);
    const bool has_news = until == runtime::kNoDeadline
                              ? transfer_.news.recv().status == runtime::ChanStatus::kOk
                              : runtime::select(runtime::recv_case(transfer_.news),
                                                runtime::timeout_case(until - runtime::now()))
                                        .index == 0;
    if (!has_news) {
      next_look = runtime::kNoDeadline;
      sink->wait_begins();
    }
    const bool is_done = transfer_.is_done.load(std::memory_order_acquire);  // before the last look
    // It came to its end before the engine was told: it counts, with all of its body.
    if (is_done && end == HttpEnd::kTimedOut && !transfer_.is_cancelled) end = HttpEnd::kAnswered;
    if ((has_news || is_done) && end == HttpEnd::kAnswered && !hand_over(sink)) {
      give_up(HttpEnd::kDropped);
    }
    if (is_done) break;
    if (runtime::now() >= deadline) give_up(HttpEnd::kTimedOut);  // also while a body flows
  }
  static_cast<void>(transfer_.news.try_recv());  // of a body, sent just before the end
  return end;
}

// Gives the sink what waits. False: it wants no more.
bool HttpClient::hand_over(BodySink* sink) {
  int status = 0;
  bool was_paused = false;
  {
    const std::lock_guard locked(body_lock_);
    taken_.clear();
    taken_.swap(waiting_);
    status = status_;
    is_noted_ = false;
    was_paused = std::exchange(is_paused_, false);
  }
  if (!taken_.empty() && !sink->take(status, taken_)) return false;
  if (was_paused) engine_->resume(&transfer_);
  return true;
}

// A socket that could not be made is of an address that was not even tried: the others come first.
std::string HttpClient::why_not_connected() const {
  long number = 0;
  curl().easy_getinfo(handles_->easy, CURLINFO_OS_ERRNO, &number);
  return told(number != 0 ? static_cast<int>(number) : open_error_);
}

std::string HttpClient::explain(int code) const {
  const std::string detail = handles_->error.data();
  const ParsedUrl asked(effective_url(handles_->easy));  // where redirects led
  if (transfer_.error_number != 0) return "cannot watch a socket" + told(transfer_.error_number);
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      return "cannot connect" + why_not_connected();
    case CURLE_COULDNT_RESOLVE_HOST:
      return "cannot resolve the host " + quote_for_message(part_of(asked.url, CURLUPART_HOST)) +
             told(error_of_opening());
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "cannot resolve the proxy" + told(error_of_opening());
    case CURLE_TOO_MANY_REDIRECTS:
      return "more than " + std::to_string(settings_.max_redirects) + " redirects";
    case CURLE_GOT_NOTHING:
      return "the server closed the connection without an answer";
    case CURLE_PEER_FAILED_VERIFICATION:
      return "the server's certificate is not trusted" + (detail.empty() ? "" : ": " + detail);
    case CURLE_UNSUPPORTED_PROTOCOL:  // of a redirect, or of what the server speaks
      return part_of(asked.url, CURLUPART_SCHEME).starts_with("http")
                 ? "the server's answer is not one of HTTP"
                 : "only http and https are spoken";
    case CURLE_WRITE_ERROR:
      if (is_too_large_) {
        return "the body is larger than \"max_body\", " + std::to_string(settings_.max_body) +
               " bytes";
      }
      if (is_out_of_memory_) return "cannot keep the body" + told(ENOMEM);
      break;
    default:
      break;
  }
  return detail.empty() ? curl().easy_strerror(static_cast<CURLcode>(code)) : detail;
}

// ---- callbacks: nothing of the runtime here (http_engine.h, I4) -------------------------------

std::size_t HttpClient::on_body(char* bytes, std::size_t size, std::size_t count,
                                void* self) noexcept {
  auto* client = static_cast<HttpClient*>(self);
  try {
    return client->take_body({bytes, size * count});
  } catch (...) {  // there is nothing else that could be wrong
    client->is_out_of_memory_ = true;
    return kEndTransfer;
  }
}

std::size_t HttpClient::take_body(std::string_view bytes) {
  const std::lock_guard locked(body_lock_);
  if (waiting_.size() >= kMostBuffered) {
    is_paused_ = true;
    note();
    return CURL_WRITEFUNC_PAUSE;
  }
  if (status_ == 0) {
    long status = 0;
    curl().easy_getinfo(handles_->easy, CURLINFO_RESPONSE_CODE, &status);
    status_ = static_cast<int>(status);
  }
  if (settings_.max_body - body_bytes_ < bytes.size()) {
    is_too_large_ = true;
    return kEndTransfer;
  }
  body_bytes_ += bytes.size();
  waiting_.append(bytes);
  if (waiting_.size() >= kWorthTaking) note();
  return bytes.size();
}

// libcurl takes a head that ends with the connection for one that is whole. Heads of preliminary
// answers and of the proxy's come before that of the answer, lines of a trailer after it.
std::size_t HttpClient::on_header(char* bytes, std::size_t size, std::size_t count,
                                  void* self) noexcept {
  auto* client = static_cast<HttpClient*>(self);
  const std::string_view line(bytes, size * count);
  if (line.starts_with("HTTP/")) {
    client->is_head_whole_ = false;
  } else if (line == "\r\n" || line == "\n") {
    long status = 0;  // 0: of the proxy's answer to CONNECT
    curl().easy_getinfo(client->handles_->easy, CURLINFO_RESPONSE_CODE, &status);
    client->is_head_whole_ = status >= 200 || status == 101;
    // "See other": what is there is to be got, by whatever method it was pointed out.
    if (status == 303) curl().easy_setopt(client->handles_->easy, CURLOPT_CUSTOMREQUEST, nullptr);
  }
  return line.size();
}

// Under body_lock_.
void HttpClient::note() {
  if (std::exchange(is_noted_, true)) return;
  engine_->note_news(&transfer_);
}

int HttpClient::on_open(void* self, int /*purpose*/, void* address) noexcept {
  auto* client = static_cast<HttpClient*>(self);
  const auto* wanted = static_cast<const curl_sockaddr*>(address);
  const int fd = ::socket(wanted->family, wanted->socktype | SOCK_CLOEXEC, wanted->protocol);
  if (fd < 0) client->open_error_ = errno;
  try {
    client->engine_->note_socket(&client->transfer_, fd);
    return fd;
  } catch (...) {
    client->open_error_ = ENOMEM;
    HttpEngine::close_socket(client->engine_.get(), fd);
    return CURL_SOCKET_BAD;
  }
}

}  // namespace gorun::jobs
