#include "jobs/http/http_engine.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <new>
#include <string_view>
#include <utility>

#include "jobs/http/curl_library.h"
#include "runtime/blocking.h"
#include "runtime/runtime.h"

namespace gorun::jobs {
namespace {

constexpr std::string_view kMakeSet = "make a set of sockets to wait for";
// Events taken at once; more come with the next look.
constexpr int kMostEvents = 128;
// Times that a due timer is followed by another one before somebody else has his turn.
constexpr int kTimersInARow = 8;

Transfer* transfer_of(CURL* easy) {
  char* owner = nullptr;
  curl().easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
  return reinterpret_cast<Transfer*>(owner);
}

int action_of(std::uint32_t events) {
  int action = 0;
  if ((events & (EPOLLIN | EPOLLHUP)) != 0) action |= CURL_CSELECT_IN;
  if ((events & EPOLLOUT) != 0) action |= CURL_CSELECT_OUT;
  if ((events & EPOLLERR) != 0) action |= CURL_CSELECT_ERR;
  return action;
}

}  // namespace

Expected<std::shared_ptr<HttpEngine>, SystemError> HttpEngine::make(int cancel_fd,
                                                                    const runtime::Cancel& end,
                                                                    std::size_t connections) {
  if (auto error = runtime::blocking([] { return load_curl(); })) return *std::move(error);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return SystemError{kMakeSet, errno, {}};
  epoll_event cancel = {};
  cancel.events = EPOLLIN;
  cancel.data.fd = cancel_fd;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, cancel_fd, &cancel) < 0) {
    const int number = errno;
    ::close(epoll);
    return SystemError{kMakeSet, number, {}};
  }
  runtime::FdResult adopted = runtime::Fd::adopt(epoll);
  if (!adopted) return SystemError{kMakeSet, adopted.error, {}};
  return std::shared_ptr<HttpEngine>(
      new HttpEngine(std::move(adopted.fd), cancel_fd, end, connections));
}

HttpEngine::HttpEngine(runtime::Fd epoll, int cancel_fd, const runtime::Cancel& end,
                       std::size_t connections)
    : cancel_fd_(cancel_fd), end_(end), epoll_(std::move(epoll)), multi_(curl().multi_init()) {
  if (multi_ == nullptr) throw std::bad_alloc();
  curl().multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &on_socket);
  curl().multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl().multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &on_timer);
  curl().multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  // libcurl's own limit shrinks with the transfers under way and closes what the next ones need.
  curl().multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(connections));
}

HttpEngine::~HttpEngine() { curl().multi_cleanup(multi_); }

// ---- callbacks -------------------------------------------------------------------------------

int HttpEngine::on_socket(void* /*easy*/, int fd, int what, void* engine,
                          void* /*known*/) noexcept {
  auto* self = static_cast<HttpEngine*>(engine);
  int wrong = ENOMEM;
  try {
    wrong = self->watch_as_told(fd, what);
  } catch (...) {  // there is nothing else that could be wrong
  }
  if (wrong == 0) return 0;
  self->broken_ = wrong;
  return -1;
}

// An errno value; 0: all is well.
int HttpEngine::watch_as_told(int fd, int what) {
  Watched& told = watched(fd);
  told.is_wanted = what != CURL_POLL_REMOVE;
  if (!told.is_wanted) {
    // What libcurl opens for itself it also closes, and tells nobody.
    if (!told.is_told) stop_watching(fd);
    return 0;
  }
  std::uint32_t events = 0;
  if ((what & CURL_POLL_IN) != 0) events |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0) events |= EPOLLOUT;
  if (told.events == events) return 0;
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  const int how = told.events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  told.events = events;
  return ::epoll_ctl(epoll_.get(), how, fd, &event) == 0 ? 0 : errno;
}

HttpEngine::Watched& HttpEngine::watched(int fd) {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= watched_.size()) watched_.resize(index + 1);
  return watched_[index];
}

int HttpEngine::close_socket(void* engine, int fd) noexcept {
  std::vector<Watched>& known = static_cast<HttpEngine*>(engine)->watched_;
  if (static_cast<std::size_t>(fd) < known.size()) known[static_cast<std::size_t>(fd)] = {};
  return ::close(fd);  // which takes it out of the set
}

// A socket that has news while no transfer uses it: most often the server closes a connection that
// is kept. libcurl will find out when it is needed.
void HttpEngine::stop_watching(int fd) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);  // or it is closed, and gone with that
  watched(fd).events = 0;
}

void HttpEngine::note_socket(Transfer* transfer, int fd) {
  if (fd < 0) return;
  watched(fd) = {.is_told = true};
  if (transfer->asks_resolver) found_.push_back(transfer);
}

int HttpEngine::on_timer(void* /*multi*/, long timeout_ms, void* engine) noexcept {
  auto* self = static_cast<HttpEngine*>(engine);
  self->timer_at_ = timeout_ms < 0 ? runtime::kNoDeadline
                                   : runtime::now() + std::chrono::milliseconds(timeout_ms);
  return 0;
}

// ---- who holds the handle --------------------------------------------------------------------

void HttpEngine::submit(Command command) {
  {
    const std::lock_guard queued(queue_lock_);
    queue_.push_back(command);
    has_queued_.store(true, std::memory_order_relaxed);
  }
  // I2: of this store and the try_lock below, and the holder's unlock and his look at the hint,
  // one side sees the other. Pairs with the fence in work_and_release().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (handle_.try_lock()) work_and_release();
}

void HttpEngine::work_and_release() {
  for (;;) {
    do_queued();
    run_timers();
    watch_over();
    handle_.unlock();
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!has_queued_.load(std::memory_order_relaxed) || !handle_.try_lock()) return;
  }
}

void HttpEngine::do_queued() {
  if (!has_queued_.load(std::memory_order_relaxed)) return;  // or I2 has somebody look again
  {
    const std::lock_guard queued(queue_lock_);
    doing_.swap(queue_);
    has_queued_.store(false, std::memory_order_relaxed);
  }
  for (const Command& command : doing_) {
    Transfer* const transfer = command.transfer;
    if (command.what == Command::kStart) {
      begin(transfer);
    } else if (std::ranges::find(active_, transfer) == active_.end()) {
      // It was done before the command came.
    } else if (command.what == Command::kResume) {
      // It hands over what it kept. If that is refused it says so here, and goes on without it.
      const CURLcode code = curl().easy_pause(transfer->easy, CURLPAUSE_CONT);
      if (code != CURLE_OK) finish(transfer, code);
    } else {
      transfer->is_cancelled = true;
      finish(transfer, CURLE_ABORTED_BY_CALLBACK);
    }
  }
  doing_.clear();
  end_if_broken();
}

// ---- transfers -------------------------------------------------------------------------------

void HttpEngine::begin(Transfer* transfer) {
  transfer->place = active_.size();
  active_.push_back(transfer);
  if (is_cancelled_) {
    transfer->is_cancelled = true;
    finish(transfer, CURLE_ABORTED_BY_CALLBACK);
    return;
  }
  if (broken_ != 0) return;  // end_if_broken() ends it
  if (!transfer->host.empty()) {
    using Entry = ResolveGate<Transfer*>::Entry;
    const Entry entry = gate_.enter(transfer->host, transfer, runtime::now());
    if (entry == Entry::kWaits) return;
    transfer->asks_resolver = entry == Entry::kFirst;
  }
  add(transfer);
}

void HttpEngine::add(Transfer* transfer) {
  const CURLMcode code = curl().multi_add_handle(multi_, transfer->easy);
  if (code != CURLM_OK) {
    finish(transfer, code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT);
    return;
  }
  transfer->is_added = true;
}

// Ends an active transfer. Its owner may be gone when this returns.
void HttpEngine::finish(Transfer* transfer, int code) {
  if (std::exchange(transfer->is_added, false)) {
    curl().multi_remove_handle(multi_, transfer->easy);
  } else if (!transfer->host.empty()) {
    gate_.remove(transfer->host, transfer);
  }
  active_.back()->place = transfer->place;
  active_[transfer->place] = active_.back();
  active_.pop_back();
  std::erase(with_news_, transfer);
  std::erase(found_, transfer);
  ResolveGate<Transfer*>::Released released;
  if (std::exchange(transfer->asks_resolver, false)) {
    const std::string& host = transfer->host;
    released = code == CURLE_OK ? gate_.resolved(host, runtime::now())
               : code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY
                   ? gate_.failed(host)
                   : gate_.left(host);
  }
  transfer->code = code;
  runtime::Chan<runtime::Unit> news = transfer->news;        // outlives the transfer
  transfer->is_done.store(true, std::memory_order_release);  // pairs with the owner's acquire
  static_cast<void>(news.try_send(runtime::Unit{}));         // a token that lies there will do
  for (Transfer* same : released.share) finish(same, code);
  release(released);
}

void HttpEngine::release(const ResolveGate<Transfer*>::Released& released) {
  if (released.first.empty() && released.known.empty()) return;
  if (end_.is_cancelled()) return cancel_waiting();
  for (Transfer* transfer : released.first) {
    transfer->asks_resolver = true;
    add(transfer);
  }
  for (Transfer* transfer : released.known) add(transfer);
}

void HttpEngine::cancel_all() {
  is_cancelled_ = true;
  gate_.clear();
  while (!active_.empty()) {
    active_.back()->asks_resolver = false;
    active_.back()->is_cancelled = true;
    finish(active_.back(), CURLE_ABORTED_BY_CALLBACK);
  }
}

// Those that have not gone on from the gate, which lets the next ones through afresh.
void HttpEngine::cancel_waiting() {
  gate_.clear();
  std::vector<Transfer*> waiting;
  for (Transfer* transfer : active_) {
    transfer->asks_resolver = false;
    if (!transfer->is_added) waiting.push_back(transfer);
  }
  for (Transfer* transfer : waiting) {
    transfer->is_cancelled = true;
    finish(transfer, CURLE_ABORTED_BY_CALLBACK);
  }
}

void HttpEngine::run_timers() {
  for (int i = 0; i < kTimersInARow && timer_at_ <= runtime::now(); ++i) {
    timer_at_ = runtime::kNoDeadline;
    int running = 0;
    curl().multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    after_curl();
  }
}

// What callbacks have noted and which transfers have ended.
void HttpEngine::after_curl() {
  for (const Transfer* transfer : std::exchange(with_news_, {})) {
    runtime::Chan<runtime::Unit> news = transfer->news;
    static_cast<void>(news.try_send(runtime::Unit{}));
  }
  for (Transfer* transfer : std::exchange(found_, {})) {
    if (!std::exchange(transfer->asks_resolver, false)) continue;
    release(gate_.resolved(transfer->host, runtime::now()));
  }
  int left = 0;
  while (const CURLMsg* message = curl().multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    finish(transfer_of(message->easy_handle), code);
  }
  end_if_broken();
}

// libcurl would neither go on with any of them nor say so.
void HttpEngine::end_if_broken() {
  if (broken_ == 0) return;
  gate_.clear();
  while (!active_.empty()) {
    active_.back()->asks_resolver = false;
    active_.back()->error_number = broken_;
    finish(active_.back(), CURLE_FAILED_INIT);
  }
}

// ---- the poller ------------------------------------------------------------------------------

// Sees to I3.
void HttpEngine::watch_over() {
  if (active_.empty()) {
    // One that waits for nothing would keep a deadlock of the run from being noticed.
    constexpr runtime::Nanos kAtOnce{1};
    if (has_poller_ && armed_at_ != kAtOnce) {
      armed_at_ = kAtOnce;
      epoll_.set_read_deadline(armed_at_);
    }
    return;
  }
  if (!has_poller_) {
    has_poller_ = true;
    armed_at_ = timer_at_;
    epoll_.set_read_deadline(armed_at_);
    runtime::go([self = shared_from_this()] { self->poll(); });
  } else if (timer_at_ < armed_at_) {
    armed_at_ = timer_at_;
    epoll_.set_read_deadline(armed_at_);
  }
}

void HttpEngine::take_events() {
  std::array<epoll_event, kMostEvents> events;
  for (;;) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), kMostEvents, 0);
    if (count <= 0) return;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == cancel_fd_) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, cancel_fd_, nullptr);
        cancel_all();
        continue;
      }
      if (!watched(event.data.fd).is_wanted) {
        stop_watching(event.data.fd);
        continue;
      }
      int running = 0;
      curl().multi_socket_action(multi_, event.data.fd, action_of(event.events), &running);
      after_curl();
    }
    do_queued();
    run_timers();
  }
}

void HttpEngine::poll() {
  runtime::set_label("http");
  handle_.lock();
  for (;;) {
    if (active_.empty()) {
      has_poller_ = false;
      break;
    }
    if (timer_at_ != armed_at_) {
      armed_at_ = timer_at_;
      epoll_.set_read_deadline(armed_at_);
    }
    handle_.unlock();
    // Commands came while the handle was held; their authors found it taken (I2).
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (has_queued_.load(std::memory_order_relaxed) && handle_.try_lock()) work_and_release();
    static_cast<void>(epoll_.wait_readable());  // or its deadline has passed: look at both
    handle_.lock();
    take_events();
    run_timers();
  }
  work_and_release();
}

}  // namespace gorun::jobs
