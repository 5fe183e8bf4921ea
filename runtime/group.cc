// runtime/group.cc - see group.h.

#include "runtime/group.h"

#include <mutex>

#include "runtime/fatal.h"

namespace gorun::runtime {

Group::~Group() {
  cancel_.cancel();
  running_.wait();
}

void Group::limit(std::int64_t n) {
  if (n <= 0) fatal("group: a limit of %lld goroutines", static_cast<long long>(n));
  permits_ = std::make_unique<Semaphore>(n);
}

std::exception_ptr Group::wait() {
  running_.wait();
  cancel_.cancel();
  const std::lock_guard lock(mutex_);
  return first_error_;
}

void Group::ended(std::exception_ptr error) {
  if (error == nullptr) return;
  {
    const std::lock_guard lock(mutex_);
    if (first_error_ != nullptr) return;
    first_error_ = std::move(error);
  }
  cancel_.cancel();
}

void Group::left() {
  if (permits_ != nullptr) permits_->release();
  running_.done();
}

}  // namespace gorun::runtime
