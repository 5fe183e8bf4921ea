// runtime/poll/send_batch.h - the sends of several goroutines, made by one system call.
//
// A short message costs much less when the kernel is entered once for many of them (tests/bench/
// limits.cc compares: tcp_echo_1_thread and tcp_echo_ring_1_thread). The difference is more than an
// empty system call takes; presumably the kernel starts each time with its branches forgotten. So a
// P that is brisk (sched/briskness.h) lets a goroutine that sends to a socket queue its send here
// and park. When the P has nothing else to run, or the queue is full, or the first has waited for
// long, all are made at once, by io_uring, and the senders go on.
//
// The ring is nothing but a list of calls. Each of them says MSG_DONTWAIT, so the kernel makes it
// while it is handed in, and has its result when the call returns: nothing is ever under way, so
// there is nothing to cancel, no buffer outlives its goroutine's call, and which thread asks does
// not matter. A send that would block fails with EAGAIN, and its goroutine waits in the netpoller.
//
// Not chosen: io_uring for all there is to wait for, instead of epoll. It would spare the recv as
// well, but what is under way belongs to the thread that asked (its end cancels it, its sleep is
// broken), and a goroutine that gives up has to wait until the kernel lets go of its buffer.
// Not chosen: batches always. A send then waits for the turns of others, which may be long.
// Source: io_uring_setup(2), io_uring_enter(2).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

struct io_uring_sqe;
struct io_uring_cqe;

namespace gorun::runtime {

struct G;
struct PollDesc;

/// threads: one at a time: whoever owns the P that it belongs to.
class SendBatch {
 public:
  static constexpr std::uint32_t kMost = 64;
  /// A longer message is sent at once: copying it outweighs the call.
  static constexpr std::size_t kLongest = 4096;

  struct Call {
    int fd = -1;
    const void* data = nullptr;
    std::size_t size = 0;
    G* g = nullptr;      // who waits for it
    ssize_t result = 0;  // of send(), or minus its errno
  };

  /// None where the kernel has no such io_uring (Linux 5.18), or a filter forbids it.
  static std::unique_ptr<SendBatch> make();
  ~SendBatch();
  SendBatch(const SendBatch&) = delete;
  SendBatch& operator=(const SendBatch&) = delete;

  /// Whether it is worth using: false once the kernel has refused.
  [[nodiscard]] bool works() const { return ring_ >= 0; }

  [[nodiscard]] std::uint32_t size() const { return count_; }
  [[nodiscard]] bool is_full() const { return count_ == kMost; }

  /// When the first of them was queued, monotonic nanoseconds.
  [[nodiscard]] std::int64_t since() const { return since_; }

  /// Queues `call`, of a goroutine that is parked. It is not full.
  void push(Call& call);
  /// Makes all that are queued, puts their results in place, and calls `made(call)` for each, in
  /// their order.
  template <class Made>
  void make_calls(Made made) {
    make_all();
    for (std::uint32_t i = 0; i < count_; ++i) made(*calls_[i]);
    count_ = 0;
  }

 private:
  SendBatch() = default;
  bool open_ring();
  void make_all();
  void make_through_ring();

  Call* calls_[kMost] = {};
  std::uint32_t count_ = 0;
  std::int64_t since_ = 0;

  int ring_ = -1;  // -1: it failed once; the calls are made one by one
  void* queues_ = nullptr;
  std::size_t queues_size_ = 0;
  io_uring_sqe* requests_ = nullptr;
  std::size_t requests_size_ = 0;
  // In queues_, shared with the kernel.
  std::uint32_t* request_tail_ = nullptr;
  std::uint32_t* result_head_ = nullptr;
  const std::uint32_t* result_tail_ = nullptr;
  const io_uring_cqe* results_ = nullptr;
  std::uint32_t request_mask_ = 0;
  std::uint32_t result_mask_ = 0;
};

/// Sends among others, if this P is brisk. On a goroutine, with the turn of writing. returns the
/// call's result, or nothing: it was not made.
std::optional<ssize_t> send_among_others(const PollDesc& pd, const void* data, std::size_t size);

}  // namespace gorun::runtime
