#include "tests/support/fake_disks.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "runtime/runtime.h"

namespace gorun::test {
namespace {

std::string number_of(dev_t device) {
  return std::to_string(major(device)) + ":" + std::to_string(minor(device));
}

// A block device that is there; 0: none.
dev_t any_block_device(std::string* path) {
  for (const auto& entry : std::filesystem::directory_iterator("/dev")) {
    struct stat seen = {};
    if (::stat(entry.path().c_str(), &seen) != 0 || !S_ISBLK(seen.st_mode)) continue;
    *path = entry.path();
    return seen.st_rdev;
  }
  return 0;
}

}  // namespace

std::string page_of_speed(unsigned turns) {
  std::string page(64, '\0');
  page[1] = static_cast<char>(0xb1);
  page[3] = 60;
  page[4] = static_cast<char>(turns >> 8U);
  page[5] = static_cast<char>(turns & 0xffU);
  return page;
}

std::int64_t free_places(runtime::Semaphore& queue) {
  std::int64_t free = 0;
  runtime::Runtime rt({.procs = 1});
  static_cast<void>(rt.run([&] { free = queue.available(); }));
  return free;
}

FakeDisks::FakeDisks() {
  scratch_.make_dir("sys/dev/block");
  scratch_.write("mounts", "");
}

void FakeDisks::add_disk(std::string_view name, dev_t number, bool rotational,
                         std::string_view page) {
  const std::string directory = "sys/devices/" + std::string(name);
  scratch_.write(directory + "/queue/rotational", rotational ? "1\n" : "0\n");
  if (!page.empty()) scratch_.write(directory + "/device/vpd_pgb1", page);
  link(number, directory);
}

void FakeDisks::add_partition(std::string_view disk, std::string_view name, dev_t number) {
  const std::string directory = "sys/devices/" + std::string(disk) + "/" + std::string(name);
  scratch_.write(directory + "/partition", "1\n");
  link(number, directory);
}

void FakeDisks::put_below(std::string_view device, std::string_view below) {
  const std::string slaves = "sys/devices/" + std::string(device) + "/slaves";
  const std::string name(below.substr(below.rfind('/') + 1));
  scratch_.make_dir(slaves);
  std::filesystem::create_symlink(scratch_ / ("sys/devices/" + std::string(below)),
                                  scratch_ / (slaves + "/" + name));
}

void FakeDisks::add_mount(dev_t number, std::string_view source) {
  mounts_ += "36 35 " + number_of(number) + " / /mnt rw,noatime shared:1 - btrfs " +
             std::string(source) + " rw\n";
  scratch_.write("mounts", mounts_);
}

bool FakeDisks::add_turning_disk_of(const std::string& path) {
  struct stat seen = {};
  if (::stat(path.c_str(), &seen) != 0) {
    throw std::system_error(errno, std::generic_category(), path);
  }
  dev_t device = seen.st_dev;
  if (major(device) == 0) {
    std::string source;
    device = any_block_device(&source);
    if (device == 0) return false;
    add_mount(seen.st_dev, source);
  }
  add_disk("turning", device, true, page_of_speed(7200));
  return true;
}

jobs::TurningDisks::Sources FakeDisks::sources() const {
  return {.sys = scratch_ / "sys", .mounts = scratch_ / "mounts"};
}

void FakeDisks::link(dev_t number, std::string_view directory) {
  std::filesystem::create_symlink(scratch_ / directory,
                                  scratch_ / ("sys/dev/block/" + number_of(number)));
}

}  // namespace gorun::test
