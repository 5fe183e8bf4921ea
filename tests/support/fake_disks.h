// tests/support/fake_disks.h - a /sys of disks that a test thinks up.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "jobs/disk/turning_disks.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test {

/// What a disk says of itself that turns 7,200 times a minute, and what flash says.
[[nodiscard]] std::string page_of_speed(unsigned turns);

/// Places that are free in a queue; called outside a run.
[[nodiscard]] std::int64_t free_places(runtime::Semaphore& queue);

class FakeDisks {
 public:
  FakeDisks();

  /// A disk of that number. page  of its vital product data; empty: it has none.
  void add_disk(std::string_view name, dev_t number, bool rotational, std::string_view page = "");
  /// A part of a disk that was added.
  void add_partition(std::string_view disk, std::string_view name, dev_t number);
  /// `below` becomes a part of `device`, both added before.
  void put_below(std::string_view device, std::string_view below);
  /// What the table of mounts says of the file system `number`.
  void add_mount(dev_t number, std::string_view source);

  /// Puts the file system of `path` on a disk that turns. False: it has no device, and the machine
  /// no block device that could stand for one.
  [[nodiscard]] bool add_turning_disk_of(const std::string& path);

  [[nodiscard]] jobs::TurningDisks::Sources sources() const;

 private:
  void link(dev_t number, std::string_view directory);

  ScratchDir scratch_;
  std::string mounts_;
};

}  // namespace gorun::test
