// runtime/io.cc - the handle of io.h over the netpoller and marked blocking calls.

#include "runtime/io.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "runtime/blocking.h"
#include "runtime/poll/attempt.h"
#include "runtime/poll/file_slots.h"
#include "runtime/poll/netpoll.h"
#include "runtime/poll/operation.h"
#include "runtime/poll/send_batch.h"
#include "runtime/poll/transfer.h"
#include "runtime/runtime.h"
#include "runtime/sched/park.h"

namespace gorun::runtime {
namespace {

constexpr IoResult kHandleClosed{0, IoStatus::kClosed, 0};

// --- regular files ----------------------------------------------------------------------------

ssize_t read_file(PollDesc& pd, void* buffer, std::size_t size, std::int64_t offset) {
  if (pd.nowait_reads.load(std::memory_order_relaxed)) {
    const ssize_t got = attempt::read_cached(pd.fd, buffer, size, offset);
    if (got != -EAGAIN && got != -EOPNOTSUPP) return got;
    if (got == -EOPNOTSUPP) pd.nowait_reads.store(false, std::memory_order_relaxed);
  }
  const FileSlot slot;
  return blocking(Blocking::kBrief,
                  [&] { return attempt::read_file(pd.fd, buffer, size, offset); });
}

ssize_t write_file(PollDesc& pd, const void* buffer, std::size_t size, std::int64_t offset) {
  const FileSlot slot;
  return blocking(Blocking::kBrief,
                  [&] { return attempt::write_file(pd.fd, buffer, size, offset); });
}

// --- descriptors left in blocking mode ----------------------------------------------------------

// Waits until it is ready; the call that follows will hardly ever block, and is marked in case.
IoResult wait_ready(const Turn& turn, WaitReason reason) {
  const auto is_ready = [&] {
    const int ready = attempt::is_ready(turn->fd, turn.mode());
    return ready == 0 ? -EAGAIN : ready;
  };
  return attempt_or_park(turn, is_ready, reason);
}

IoResult wait_shared(const Turn& turn) {
  const IoResult ready = wait_ready(turn, reason_for(turn.mode()));
  // What epoll does not take does not make one wait long.
  return ready.status == IoStatus::kError && ready.error == EAGAIN ? IoResult{} : ready;
}

IoResult result_of(ssize_t result) {
  if (result < 0) return failure(static_cast<int>(-result));
  return {static_cast<std::size_t>(result), IoStatus::kOk, 0};
}

// --- one read, one write, with the turn
// -----------------------------------------------------------

[[gnu::noinline]] IoResult read_blocking(const Turn& turn, void* buffer, std::size_t size) {
  if (turn->kind == FdKind::kFile) {
    if (turn->lock.is_closed()) return kHandleClosed;
    return result_of(read_file(*turn, buffer, size, attempt::kHere));
  }
  if (const IoResult ready = wait_shared(turn); !ready) return ready;
  return result_of(blocking(Blocking::kBrief, [&] { return attempt::read(*turn, buffer, size); }));
}

[[gnu::noinline]] IoResult write_blocking(const Turn& turn, const void* buffer, std::size_t size) {
  if (turn->kind == FdKind::kFile) {
    if (turn->lock.is_closed()) return kHandleClosed;
    return result_of(write_file(*turn, buffer, size, attempt::kHere));
  }
  if (const IoResult ready = wait_shared(turn); !ready) return ready;
  return result_of(blocking(Blocking::kBrief, [&] { return attempt::write(*turn, buffer, size); }));
}

bool is_blocking(const Turn& turn) {
  return turn->kind == FdKind::kFile || turn->kind == FdKind::kShared;
}

// In place, as the next one: see transfer.h.
[[gnu::always_inline]] inline IoResult read_some(const Turn& turn, void* buffer, std::size_t size) {
  if (size == 0) return {};
  IoResult got = is_blocking(turn)
                     ? read_blocking(turn, buffer, size)
                     : attempt_or_park(turn, [&] { return attempt::read(*turn, buffer, size); });
  if (got && got.count == 0) got.status = IoStatus::kEof;
  return got;
}

[[gnu::always_inline]] inline IoResult write_some(const Turn& turn, const void* buffer,
                                                  std::size_t size) {
  if (is_blocking(turn)) return write_blocking(turn, buffer, size);
  return attempt_or_park(turn, [&] {
    if (turn->is_served.load(std::memory_order_relaxed)) {
      if (const auto result = send_among_others(*turn, buffer, size)) return *result;
    }
    return attempt::write(*turn, buffer, size);
  });
}

// A connection's descriptor in `count`.
IoResult accept_one(const Turn& turn) {
  if (turn->kind != FdKind::kShared) {
    return attempt_or_park(turn, [&] { return attempt::accept(turn->fd); });
  }
  if (const IoResult ready = wait_shared(turn); !ready) return ready;
  return result_of(blocking(Blocking::kBrief, [&] { return attempt::accept(turn->fd); }));
}

IoResult wait_until_ready(PollDesc* pd, PollMode mode, WaitReason reason) {
  const Turn turn(pd, mode);
  if (!turn) return kHandleClosed;
  IoResult ready = wait_ready(turn, reason);
  ready.count = 0;
  return ready;
}

void set_side_deadline(PollDesc* pd, PollMode mode, Nanos deadline) {
  const Hold hold(pd);
  if (!hold) return;
  if (in_goroutine()) {
    hold->set_deadline(mode, deadline.count());
  } else {
    hold->side(mode).deadline.store(deadline.count(), std::memory_order_seq_cst);
  }
}

}  // namespace

int finish_close(PollDesc* pd) {
  unwatch_fd(pd);
  const int result = attempt::close(pd->fd);
  pd->disown();
  return -result;
}

std::string to_string(IoStatus status, int error) {
  switch (status) {
    case IoStatus::kOk:
      return "ok";
    case IoStatus::kEof:
      return "end of file";
    case IoStatus::kTimedOut:
      return "timed out";
    case IoStatus::kClosed:
      return "closed";
    case IoStatus::kError:
      break;
  }
  return std::generic_category().message(error);
}

// --- the handle
// -----------------------------------------------------------------------------------

FdResult Fd::adopt(int fd, Ownership ownership) {
  FdKind kind = FdKind::kStream;
  int result = attempt::inspect(fd, kind);
  if (result == 0 && kind != FdKind::kFile) {
    if (ownership == Ownership::kShared) {
      kind = FdKind::kShared;
    } else {
      result = attempt::set_nonblocking(fd);
    }
  }
  if (result < 0) return {Fd(), IoStatus::kError, -result};
  return {Fd(PollDesc::acquire(fd, kind)), IoStatus::kOk, 0};
}

Fd::~Fd() {
  if (pd_ == nullptr) return;
  (void)close();  // who wants to know closes by hand
  pd_->disown();
}

Fd::Fd(Fd&& other) noexcept : pd_(std::exchange(other.pd_, nullptr)) {}

Fd& Fd::operator=(Fd&& other) noexcept {
  Fd old(std::move(*this));
  pd_ = std::exchange(other.pd_, nullptr);
  return *this;
}

IoResult Fd::read(void* buffer, std::size_t size) {
  require_goroutine("io: read");
  const Turn turn(pd_, PollMode::kRead);
  return turn ? read_some(turn, buffer, size) : kHandleClosed;
}

IoResult Fd::read_full(void* buffer, std::size_t size) {
  require_goroutine("io: read");
  const Turn turn(pd_, PollMode::kRead);
  if (!turn) return kHandleClosed;
  IoResult total;
  while (total.count < size) {
    const IoResult got =
        read_some(turn, static_cast<char*>(buffer) + total.count, size - total.count);
    total = {total.count + got.count, got.status, got.error};
    if (!got) break;
  }
  return total;
}

IoResult Fd::write(const void* buffer, std::size_t size) {
  require_goroutine("io: write");
  const Turn turn(pd_, PollMode::kWrite);
  return turn ? write_some(turn, buffer, size) : kHandleClosed;
}

IoResult Fd::write_all(const void* buffer, std::size_t size) {
  require_goroutine("io: write");
  const Turn turn(pd_, PollMode::kWrite);
  if (!turn) return kHandleClosed;
  IoResult total;
  while (total.count < size) {
    const IoResult put =
        write_some(turn, static_cast<const char*>(buffer) + total.count, size - total.count);
    total = {total.count + put.count, put.status, put.error};
    if (!put) break;
  }
  return total;
}

IoResult Fd::read_at(void* buffer, std::size_t size, std::int64_t offset) {
  require_goroutine("io: read");
  const Hold hold(pd_);
  if (!hold) return kHandleClosed;
  if (size == 0) return {};
  IoResult got = offset < 0 ? failure(EINVAL) : result_of(read_file(*hold, buffer, size, offset));
  if (got && got.count == 0) got.status = IoStatus::kEof;
  return got;
}

IoResult Fd::write_at(const void* buffer, std::size_t size, std::int64_t offset) {
  require_goroutine("io: write");
  const Hold hold(pd_);
  if (!hold) return kHandleClosed;
  return offset < 0 ? failure(EINVAL) : result_of(write_file(*hold, buffer, size, offset));
}

IoResult Fd::wait_readable() {
  require_goroutine("io: wait");
  return wait_until_ready(pd_, PollMode::kRead, WaitReason::kIoRead);
}

IoResult Fd::wait_writable() {
  require_goroutine("io: wait");
  return wait_until_ready(pd_, PollMode::kWrite, WaitReason::kIoWrite);
}

IoResult Fd::wait_readable_aside() {
  require_goroutine("io: wait");
  return wait_until_ready(pd_, PollMode::kRead, WaitReason::kOutside);
}

FdResult Fd::accept() {
  require_goroutine("io: accept");
  const Turn turn(pd_, PollMode::kRead);
  if (!turn) return {Fd(), IoStatus::kClosed, 0};
  for (;;) {
    const IoResult got = accept_one(turn);
    // A connection that was given up before we came to it: the next one, please.
    if (got.status == IoStatus::kError && got.error == ECONNABORTED) continue;
    if (!got) return {Fd(), got.status, got.error};
    return {Fd(PollDesc::acquire(static_cast<int>(got.count), FdKind::kSocket)), IoStatus::kOk, 0};
  }
}

void Fd::set_read_deadline(Nanos deadline) { set_side_deadline(pd_, PollMode::kRead, deadline); }
void Fd::set_write_deadline(Nanos deadline) { set_side_deadline(pd_, PollMode::kWrite, deadline); }
void Fd::set_deadline(Nanos deadline) {
  set_read_deadline(deadline);
  set_write_deadline(deadline);
}

IoResult Fd::close() {
  if (pd_ == nullptr || !pd_->lock.close()) return kHandleClosed;
  if (in_goroutine()) pd_->evict();
  if (!pd_->lock.drop()) return {};
  const int error = finish_close(pd_);
  return error == 0 ? IoResult{} : failure(error);
}

int Fd::release() {
  if (pd_ == nullptr || pd_->lock.users() != 0 || !pd_->lock.close()) return -1;
  unwatch_fd(pd_);
  const int fd = pd_->fd;
  pd_->disown();
  std::exchange(pd_, nullptr)->disown();
  return fd;
}

bool Fd::is_open() const { return pd_ != nullptr && !pd_->lock.is_closed(); }

int Fd::get() const { return is_open() ? pd_->fd : -1; }

FdResult open_file(const std::string& path, int flags, unsigned mode) {
  require_goroutine("io: open");
  const int fd = blocking(Blocking::kBrief,
                          [&] { return attempt::open(path.c_str(), flags | O_CLOEXEC, mode); });
  if (fd < 0) return {Fd(), IoStatus::kError, -fd};
  FdResult opened = Fd::adopt(fd);
  if (!opened) (void)attempt::close(fd);  // the first error is the one to tell
  return opened;
}

}  // namespace gorun::runtime
