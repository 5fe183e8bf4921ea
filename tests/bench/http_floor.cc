// tests/bench/http_floor.cc - the least that a client on libcurl costs: the floor of `make
// bench-http`.
//
//   http_floor URL COUNT CONNECTIONS THREADS
//
// Each thread has one multi handle, an epoll set, its share of the connections, and as many easy
// handles, which ask for URL again and again until all have asked COUNT times. Nothing is done with
// an answer but to count it and its bytes. No goroutine, no channel, no item; what any client on
// libcurl's multi interface has to do is all there is. Prints the seconds that took.

#include <curl/curl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

std::atomic<long> started{0};
std::atomic<long> answered{0};
std::atomic<long> bytes{0};

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "http_floor: %s\n", what);
  std::exit(1);
}

std::size_t on_body(char* /*data*/, std::size_t size, std::size_t count, void* /*self*/) {
  bytes.fetch_add(static_cast<long>(size * count), std::memory_order_relaxed);  // a statistic
  return size * count;
}

class Client {
 public:
  Client(const char* url, long count, int connections)
      : count_(count), epoll_(::epoll_create1(EPOLL_CLOEXEC)), multi_(curl_multi_init()) {
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(connections));
    for (int i = 0; i < connections; ++i) {
      CURL* easy = curl_easy_init();
      curl_easy_setopt(easy, CURLOPT_URL, url);
      curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
      curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
      begin(easy);
    }
  }

  void run() {
    std::array<epoll_event, 128> events;
    int running = 0;
    while (active_ > 0) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                     static_cast<int>(timeout_ms_));
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const int what = ((event.events & (EPOLLIN | EPOLLHUP)) != 0 ? CURL_CSELECT_IN : 0) |
                         ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0);
        curl_multi_socket_action(multi_, event.data.fd, what, &running);
      }
      if (timeout_ms_ == 0 || count == 0) {
        timeout_ms_ = -1;
        curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
      }
      take_answers();
    }
  }

 private:
  // A socket stays in the set while libcurl has no wish for it: the next request comes soon.
  static int on_socket(CURL* /*easy*/, int fd, int what, void* self, void* /*known*/) {
    auto* client = static_cast<Client*>(self);
    if (what == CURL_POLL_REMOVE) return 0;
    if (static_cast<std::size_t>(fd) >= client->watched_.size()) {
      client->watched_.resize(static_cast<std::size_t>(fd) + 1);
    }
    unsigned& watched = client->watched_[static_cast<std::size_t>(fd)];
    epoll_event event = {};
    event.events =
        ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
    event.data.fd = fd;
    if (event.events == watched) return 0;
    if (::epoll_ctl(client->epoll_, watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) < 0) {
      ::epoll_ctl(client->epoll_, EPOLL_CTL_ADD, fd, &event);
    }
    watched = event.events;
    return 0;
  }
  static int on_timer(CURLM* /*multi*/, long timeout_ms, void* self) {
    static_cast<Client*>(self)->timeout_ms_ = timeout_ms;
    return 0;
  }

  void begin(CURL* easy) {
    if (started.fetch_add(1, std::memory_order_relaxed) >= count_) return;
    ++active_;
    curl_multi_add_handle(multi_, easy);
  }

  void take_answers() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->data.result != CURLE_OK) die(curl_easy_strerror(message->data.result));
      CURL* easy = message->easy_handle;
      curl_multi_remove_handle(multi_, easy);
      --active_;
      answered.fetch_add(1, std::memory_order_relaxed);
      begin(easy);
    }
  }

  const long count_;
  const int epoll_;
  CURLM* const multi_;
  long timeout_ms_ = 0;
  int active_ = 0;
  std::vector<unsigned> watched_;  // events in the set, by descriptor
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) die("usage: http_floor URL COUNT CONNECTIONS THREADS");
  const long count = std::atol(argv[2]);
  const int connections = std::atoi(argv[3]);
  const int threads = std::clamp(std::atoi(argv[4]), 1, connections);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) {
    const int share = connections / threads + (i < connections % threads ? 1 : 0);
    all.emplace_back([=] { Client(argv[1], count, share).run(); });
  }
  for (std::thread& thread : all) thread.join();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  if (answered.load() != count) die("not every request was answered");
  std::printf("%.6f\n", time.count());
}
