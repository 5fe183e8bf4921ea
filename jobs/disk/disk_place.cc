#include "jobs/disk/disk_place.h"

#include <mutex>
#include <utility>

namespace gorun::jobs {

void DiskPlace::note(dev_t device) {
  if (disks_ == nullptr) return;
  const std::lock_guard hold(mutex_);
  if (device_ == device) return;
  device_ = device;
  queue_ = disks_->queue_of(device);
}

void DiskPlace::take() {
  if (disks_ == nullptr) return;
  const std::lock_guard hold(mutex_);
  if (queue_ == held_) return;
  if (held_ != nullptr) held_->release();
  held_ = queue_;
  if (held_ != nullptr) held_->acquire();
}

void DiskPlace::give_back() {
  if (runtime::Semaphore* const held = std::exchange(held_, nullptr)) held->release();
}

}  // namespace gorun::jobs
