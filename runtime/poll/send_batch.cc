// runtime/poll/send_batch.cc - see send_batch.h.

#include "runtime/poll/send_batch.h"

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "runtime/poll/attempt.h"
#include "runtime/poll/transfer.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"

namespace gorun::runtime {
namespace {

constexpr ssize_t kUnmade = -EINPROGRESS;  // no result of a send that does not wait

// Until the kernel has refused once; relaxed, a hint.
constinit std::atomic<bool> is_refused{false};

template <class T>
T* at(void* base, std::uint32_t offset) {
  return reinterpret_cast<T*>(static_cast<char*>(base) + offset);
}

void* map_ring(int ring, std::size_t size, off_t what) {
  void* const memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, what);
  if (memory == MAP_FAILED) return nullptr;
  madvise(memory, size, MADV_DONTFORK);
  return memory;
}

}  // namespace

std::unique_ptr<SendBatch> SendBatch::make() {
  if (is_refused.load(std::memory_order_relaxed)) return nullptr;
  std::unique_ptr<SendBatch> batch(new SendBatch);
  if (batch->open_ring()) return batch;
  is_refused.store(true, std::memory_order_relaxed);
  return nullptr;
}

bool SendBatch::open_ring() {
  io_uring_params params{};
  params.flags = IORING_SETUP_SUBMIT_ALL;
  ring_ = static_cast<int>(syscall(SYS_io_uring_setup, kMost, &params));
  if (ring_ < 0 || (params.features & IORING_FEAT_SINGLE_MMAP) == 0) return false;
  queues_size_ =
      std::max<std::size_t>(params.sq_off.array + params.sq_entries * sizeof(std::uint32_t),
                            params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe));
  requests_size_ = params.sq_entries * sizeof(io_uring_sqe);
  queues_ = map_ring(ring_, queues_size_, IORING_OFF_SQ_RING);
  requests_ = static_cast<io_uring_sqe*>(map_ring(ring_, requests_size_, IORING_OFF_SQES));
  if (queues_ == nullptr || requests_ == nullptr) return false;
  request_tail_ = at<std::uint32_t>(queues_, params.sq_off.tail);
  request_mask_ = *at<std::uint32_t>(queues_, params.sq_off.ring_mask);
  result_head_ = at<std::uint32_t>(queues_, params.cq_off.head);
  result_tail_ = at<std::uint32_t>(queues_, params.cq_off.tail);
  result_mask_ = *at<std::uint32_t>(queues_, params.cq_off.ring_mask);
  results_ = at<io_uring_cqe>(queues_, params.cq_off.cqes);
  // Requests are taken in the order of their places.
  auto* const order = at<std::uint32_t>(queues_, params.sq_off.array);
  for (std::uint32_t i = 0; i < params.sq_entries; ++i) order[i] = i;
  return true;
}

SendBatch::~SendBatch() {
  if (requests_ != nullptr) munmap(requests_, requests_size_);
  if (queues_ != nullptr) munmap(queues_, queues_size_);
  if (ring_ >= 0) close(ring_);
}

void SendBatch::push(Call& call) {
  if (count_ == 0) since_ = monotonic_ns();
  call.result = kUnmade;
  calls_[count_++] = &call;
}

void SendBatch::make_through_ring() {
  std::uint32_t tail = *request_tail_;
  for (std::uint32_t i = 0; i < count_; ++i) {
    io_uring_sqe& request = requests_[tail++ & request_mask_];
    std::memset(&request, 0, sizeof request);
    request.opcode = IORING_OP_SEND;
    request.fd = calls_[i]->fd;
    request.addr = reinterpret_cast<std::uintptr_t>(calls_[i]->data);
    request.len = static_cast<std::uint32_t>(calls_[i]->size);
    request.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    request.user_data = i;
  }
  // Release and acquire: pair with the kernel's.
  __atomic_store_n(request_tail_, tail, __ATOMIC_RELEASE);
  std::uint32_t handed_in = 0;
  std::uint32_t made = 0;
  while (made < count_) {
    const long taken = syscall(SYS_io_uring_enter, ring_, count_ - handed_in, count_ - made,
                               IORING_ENTER_GETEVENTS, nullptr, 0);
    if (taken < 0 && errno != EINTR) {
      // Out of memory, say. What it did not take is sent one by one, and this was the last time.
      close(ring_);
      ring_ = -1;
      return;
    }
    if (taken > 0) handed_in += static_cast<std::uint32_t>(taken);
    std::uint32_t head = *result_head_;
    for (; head != __atomic_load_n(result_tail_, __ATOMIC_ACQUIRE); ++head) {
      const io_uring_cqe& result = results_[head & result_mask_];
      calls_[result.user_data]->result = result.res;
      ++made;
    }
    __atomic_store_n(result_head_, head, __ATOMIC_RELEASE);
  }
}

void SendBatch::make_all() {
  if (ring_ >= 0) make_through_ring();
  for (std::uint32_t i = 0; i < count_; ++i) {
    Call& call = *calls_[i];
    // EINVAL: a kernel whose ring does not know how to send.
    if (call.result == kUnmade || call.result == -EINVAL || call.result == -EINTR) {
      call.result = attempt::library::send(call.fd, call.data, call.size);
    }
  }
}

std::optional<ssize_t> send_among_others(const PollDesc& pd, const void* data, std::size_t size) {
  if (pd.kind != FdKind::kSocket || size > SendBatch::kLongest) return std::nullopt;
  const RtSection rt;
  P* const pp = current_m()->p;
  const bool is_wanted = pp->briskness || sched->mode.jitter != 0;
  if (!is_wanted || current_m()->g->locked || sched->mode.deterministic) return std::nullopt;
  // For one alone nobody would be waited for.
  if (!pp->has_work()) return std::nullopt;
  if (pp->sends == nullptr) pp->sends = SendBatch::make();
  if (pp->sends == nullptr || !pp->sends->works()) return std::nullopt;
  if (pp->sends->is_full()) sched->make_sends(pp);
  SendBatch::Call call{pd.fd, data, size, nullptr, 0};
  const auto queue = [](G* gp, void* to_queue) {
    auto& its = *static_cast<SendBatch::Call*>(to_queue);
    its.g = gp;
    P* const own = current_m()->p;
    own->sends->push(its);
    own->queued_sends.store(own->sends->size(), std::memory_order_relaxed);
  };
  park(WaitReason::kIoWrite, queue, &call);
  return call.result;
}

}  // namespace gorun::runtime
