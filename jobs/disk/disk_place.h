// jobs/disk/disk_place.h - a worker's place in the queue of a disk that turns.
//
// It is taken when a call would wait for the disk, not before: a worker that finds everything in
// the caches takes none. It is kept over the files that follow, so that the head stays with one
// worker for a while, until that gives it back.
//
// Which disk a file lies on is known when it is open, and opening may wait as well: until then it
// counts as lying where the file before it lies.
#pragma once

#include <sys/types.h>

#include <optional>

#include "jobs/disk/turning_disks.h"
#include "runtime/mutex.h"
#include "runtime/semaphore.h"

namespace gorun::jobs {

/// threads  goroutines; give_back() only when none of the others runs.
class DiskPlace {
 public:
  /// disks  outlive this; nullptr: nobody waits.
  explicit DiskPlace(TurningDisks* disks) : disks_(disks) {}
  ~DiskPlace() { give_back(); }
  DiskPlace(const DiskPlace&) = delete;
  DiskPlace& operator=(const DiskPlace&) = delete;

  /// The files at hand lie on `device`.
  void note(dev_t device);
  /// Comes before what waits for the disk that was noted. Parks until there is a place; that of
  /// another disk is given back first.
  void take();
  void take(dev_t device) {
    note(device);
    take();
  }
  void give_back();

 private:
  TurningDisks* const disks_;
  runtime::Mutex mutex_;  // guards what follows; held while waiting, for one place serves them all
  std::optional<dev_t> device_;
  runtime::Semaphore* queue_ = nullptr;  // of device_
  runtime::Semaphore* held_ = nullptr;
};

}  // namespace gorun::jobs
