// jobs/http/http_engine.h - the transfers of many goroutines over one multi handle of libcurl.
//
// libcurl speaks the protocols; whom to wait for it tells by a socket callback. Those sockets go
// into an epoll set of the engine's own, and that set is one descriptor, on which one goroutine
// parks in the netpoller. Each transfer's goroutine is parked as well, so that a thousand slow URLs
// cost no thread. Several engines (one for each P) share out the work of a stage.
//
// A multi handle is used by one at a time. Whoever has something to ask of it queues a command and
// then takes the handle, if it is free, to do what is queued; if it is not, whoever holds it does.
// So nobody parks in front of it.
//
// libcurl resolves names in threads of its own, one for each transfer that does not find a name in
// the cache of the multi handle. A ResolveGate (resolve_gate.h) lets one transfer of each host go
// first, and few hosts at a time.
//
// Invariants
//   I1  Only the holder of handle_ touches multi_, timer_at_, doing_, active_ and what Transfer
//   says. I2  Whoever releases handle_ looks at the queue afterwards: a command is queued before
//   its
//       author tries the lock, so either he gets it or the holder finds the command.
//   I3  While a transfer is active there is a poller, and its deadline is not after timer_at_.
//   I4  Callbacks of libcurl call nothing of the runtime: a goroutine that moves to another thread
//       inside libcurl would leave behind what that keeps for each thread (errno, OpenSSL's
//       errors). Nor does an exception leave them, for libcurl is C: what was thrown ends the
//       transfer, or, where a socket cannot be watched, all of them (broken_).
// Not chosen: libcurl's sockets in the netpoller itself. It watches edges and owns descriptors;
//   libcurl counts on levels and closes its sockets when it likes. A thread with
//   curl_multi_poll(): that is a thread, and two thread switches for each answer.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "jobs/expected.h"
#include "jobs/http/resolve_gate.h"
#include "jobs/system_error.h"
#include "runtime/cancel.h"
#include "runtime/chan.h"
#include "runtime/io.h"
#include "runtime/mutex.h"
#include "runtime/timer.h"

namespace gorun::jobs {

/// What the engine knows of a transfer. It lives until it is_done.
struct Transfer {
  void* easy = nullptr;                  // a CURL, set up
  std::string host;                      // as the gate counts; empty: nothing to resolve
  runtime::Chan<runtime::Unit> news{1};  // a token: done, or a body waits to be taken

  // Written by the holder of the engine's handle before is_done; read by the owner after it.
  int code = 0;                      // a CURLcode
  int error_number = 0;              // not 0: the engine is broken; an errno
  bool is_cancelled = false;         // by cancel_fd, by `end`, or by drop()
  std::atomic<bool> is_done{false};  // release in the engine pairs with the owner's acquire

  // The holder's.
  std::size_t place = 0;       // in active_
  bool is_added = false;       // to the multi handle
  bool asks_resolver = false;  // the first of its host
};

class HttpEngine : public std::enable_shared_from_this<HttpEngine> {
 public:
  /// cancel_fd    readable once the run is stopped: ends every transfer. It outlives the engine.
  /// end          cancelled once nothing more is to begin: transfers that had to wait for a name
  ///              end then instead of going on.
  /// connections  kept open for later transfers, at most.
  static Expected<std::shared_ptr<HttpEngine>, SystemError> make(int cancel_fd,
                                                                 const runtime::Cancel& end,
                                                                 std::size_t connections);
  ~HttpEngine();
  HttpEngine(const HttpEngine&) = delete;
  HttpEngine& operator=(const HttpEngine&) = delete;

  /// Each returns at once; news of the transfer comes by its channel.
  /// threads  goroutines, the transfer's own.
  void start(Transfer* transfer) { submit({Command::kStart, transfer}); }
  /// Goes on with a transfer whose write callback paused it.
  void resume(Transfer* transfer) { submit({Command::kResume, transfer}); }
  /// Ends a transfer early.
  void drop(Transfer* transfer) { submit({Command::kDrop, transfer}); }

  /// For callbacks of libcurl. The owner of `transfer` gets a token soon; it opens a socket, so its
  /// host is resolved; a socket is to be closed.
  static int close_socket(void* engine, int fd) noexcept;
  void note_news(Transfer* transfer) { with_news_.push_back(transfer); }
  void note_socket(Transfer* transfer, int fd);

 private:
  struct Command {
    enum What : std::uint8_t { kStart, kResume, kDrop } what;
    Transfer* transfer;
  };

  HttpEngine(runtime::Fd epoll, int cancel_fd, const runtime::Cancel& end, std::size_t connections);
  static int on_socket(void* easy, int fd, int what, void* engine, void* known) noexcept;
  static int on_timer(void* multi, long timeout_ms, void* engine) noexcept;

  // A socket in the epoll set. That of a connection stays there when libcurl has no more to wait
  // for, because the next request on it comes soon.
  struct Watched {
    std::uint32_t events = 0;  // in the set; 0: it is not there
    bool is_wanted = false;    // by libcurl
    bool is_told = false;      // close_socket() will be called for it
  };
  Watched& watched(int fd);
  int watch_as_told(int fd, int what);
  void stop_watching(int fd);
  void end_if_broken();

  void submit(Command command);
  void work_and_release();
  void do_queued();
  void begin(Transfer* transfer);
  void add(Transfer* transfer);
  void finish(Transfer* transfer, int code);
  void release(const ResolveGate<Transfer*>::Released& released);
  void cancel_all();
  void cancel_waiting();
  void run_timers();
  void after_curl();
  void watch_over();
  void take_events();
  void poll();

  const int cancel_fd_;
  const runtime::Cancel end_;
  runtime::Fd epoll_;
  runtime::Mutex handle_;
  void* multi_ = nullptr;
  ResolveGate<Transfer*> gate_;
  std::vector<Command> doing_;        // taken from queue_; its memory serves again
  std::vector<Transfer*> active_;     // begun and not done
  std::vector<Transfer*> with_news_;  // noted by callbacks
  std::vector<Transfer*> found_;      // noted by callbacks
  std::vector<Watched> watched_;      // by descriptor
  runtime::Nanos timer_at_ = runtime::kNoDeadline;
  runtime::Nanos armed_at_ = runtime::kNoDeadline;  // the poller's deadline
  bool has_poller_ = false;
  bool is_cancelled_ = false;
  int broken_ =
      0;  // not 0: a socket could not be watched, after which libcurl does no more; an errno

  runtime::Mutex queue_lock_;
  std::vector<Command> queue_;           // guarded by queue_lock_
  std::atomic<bool> has_queued_{false};  // a hint for I2: written under queue_lock_
};

}  // namespace gorun::jobs
