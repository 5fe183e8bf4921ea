// jobs/disk/turning_disks.h - which devices are disks that turn, and the queue in front of each.
//
// A head that many readers send about reads a tenth of what it reads for one. So who would wait for
// such a disk takes a place in its queue first, and files are read in the order of their inodes,
// which on most file systems is the order in which they lie. What is cached waits for nobody.
//
// The kernel calls a disk rotational as long as nobody tells it better, and most virtual disks tell
// nothing: to hold readers back on its word alone would cost those who read from flash behind a
// hypervisor. So, unless the user says how many may read, a disk turns if it also tells how fast
// (page B1h of its vital product data, which Linux shows since 5.18).
//
// A partition stands for its disk; a device made of others turns if one of them does. Of a file
// system without a device of its own (btrfs), the table of mounts names one; where it does not (a
// subvolume of it), the disk counts as one that does not turn.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "runtime/semaphore.h"

namespace gorun::jobs {

/// threads  any, on goroutines or not. Blocks for a moment when it meets a new device.
class TurningDisks {
 public:
  /// Where the kernel tells of devices.
  struct Sources {
    std::string sys = "/sys";
    std::string mounts = "/proc/self/mountinfo";
  };

  /// workers  how many may wait for one disk at a time, for all disks that are called rotational;
  ///          0: no disk counts as turning; nothing: one, for those that tell how fast they turn.
  explicit TurningDisks(std::optional<std::int64_t> workers) : TurningDisks(workers, Sources()) {}
  TurningDisks(std::optional<std::int64_t> workers, Sources sources);

  /// device  st_dev of a file.
  [[nodiscard]] bool turns(dev_t device) { return queue_of(device) != nullptr; }
  /// The queue of the disk on which `device` lies; nullptr: it does not turn. Lives as long as
  /// this.
  [[nodiscard]] runtime::Semaphore* queue_of(dev_t device);

 private:
  const std::optional<std::int64_t> workers_;
  const Sources sources_;
  std::mutex lock_;  // guards what follows; a leaf
  std::map<std::string, std::unique_ptr<runtime::Semaphore>> queues_;  // by the disk's directory
  std::map<dev_t, runtime::Semaphore*> known_;
};

}  // namespace gorun::jobs
