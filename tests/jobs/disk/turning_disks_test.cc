// tests/jobs/disk/turning_disks_test.cc - which devices count as disks that turn.

#include "jobs/disk/turning_disks.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstdint>
#include <optional>
#include <string>

#include "tests/support/fake_disks.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::turning_disks_test {

using gorun::jobs::TurningDisks;
using gorun::test::FakeDisks;
using gorun::test::page_of_speed;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/disk/turning_disks");

TEST_CASE("a disk turns if it tells how fast, or if the user trusts the kernel") {
  struct Case {
    const char* name;
    bool rotational;
    std::string page;
    bool turns_by_itself;
    bool turns_for_the_user;
  };
  std::string other_page = page_of_speed(7200);
  other_page[1] = '\0';
  const Case cases[] = {
      {"a disk", true, page_of_speed(7200), true, true},
      {"a slow one", true, page_of_speed(0x401), true, true},
      {"flash that nobody told the kernel of", true, page_of_speed(1), false, true},
      {"speed not told", true, page_of_speed(0), false, true},
      {"a reserved speed", true, page_of_speed(0xffff), false, true},
      {"a virtual disk", true, "", false, true},
      {"a page cut short", true, page_of_speed(7200).substr(0, 5), false, true},
      {"another page", true, other_page, false, true},
      {"flash", false, page_of_speed(7200), false, false},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name);
    FakeDisks fake;
    const dev_t device = makedev(8, 0);
    fake.add_disk("sda", device, one.rotational, one.page);
    CHECK(TurningDisks(std::nullopt, fake.sources()).turns(device) == one.turns_by_itself);
    CHECK(TurningDisks(2, fake.sources()).turns(device) == one.turns_for_the_user);
    CHECK_FALSE(TurningDisks(0, fake.sources()).turns(device));
  }
}

TEST_CASE("partitions stand in the queue of their disk") {
  FakeDisks fake;
  fake.add_disk("sda", makedev(8, 0), true, page_of_speed(5400));
  fake.add_disk("sdb", makedev(8, 16), true, page_of_speed(5400));
  fake.add_partition("sda", "sda1", makedev(8, 1));
  fake.add_partition("sda", "sda2", makedev(8, 2));
  TurningDisks disks(std::nullopt, fake.sources());
  REQUIRE(disks.queue_of(makedev(8, 1)) != nullptr);
  CHECK(disks.queue_of(makedev(8, 1)) == disks.queue_of(makedev(8, 2)));
  CHECK(disks.queue_of(makedev(8, 1)) == disks.queue_of(makedev(8, 0)));
  CHECK(disks.queue_of(makedev(8, 1)) == disks.queue_of(makedev(8, 1)));
  CHECK(disks.queue_of(makedev(8, 1)) != disks.queue_of(makedev(8, 16)));
  CHECK(free_places(*disks.queue_of(makedev(8, 1))) == 1);
  TurningDisks three(3, fake.sources());
  CHECK(free_places(*three.queue_of(makedev(8, 1))) == 3);
}

TEST_CASE("a device made of others turns if one of them does") {
  FakeDisks fake;
  fake.add_disk("sda", makedev(8, 0), true, page_of_speed(7200));
  fake.add_partition("sda", "sda1", makedev(8, 1));
  fake.add_disk("sdb", makedev(8, 16), true, page_of_speed(1));
  fake.add_disk("dm-0", makedev(254, 0), true);
  fake.put_below("dm-0", "sdb");
  fake.add_disk("dm-1", makedev(254, 1), true);
  fake.put_below("dm-1", "sdb");
  fake.put_below("dm-1", "sda/sda1");
  fake.add_disk("dm-2", makedev(254, 2), true);
  fake.put_below("dm-2", "dm-1");
  TurningDisks disks(std::nullopt, fake.sources());
  CHECK_FALSE(disks.turns(makedev(254, 0)));
  CHECK(disks.turns(makedev(254, 1)));
  CHECK(disks.turns(makedev(254, 2)));
}

TEST_CASE("what nobody knows does not turn") {
  FakeDisks fake;
  fake.add_mount(makedev(0, 41), "overlay");
  fake.add_mount(makedev(0, 42), "/dev/null");
  for (const auto workers : {std::optional<std::int64_t>(), std::optional<std::int64_t>(1)}) {
    TurningDisks disks(workers, fake.sources());
    for (const dev_t device : {makedev(8, 0), makedev(0, 40), makedev(0, 41), makedev(0, 42)}) {
      CHECK_FALSE(disks.turns(device));
    }
    TurningDisks nothing(workers, {.sys = "/none", .mounts = "/none"});
    CHECK_FALSE(nothing.turns(makedev(8, 0)));
    CHECK_FALSE(nothing.turns(makedev(0, 41)));
  }
}

TEST_CASE("a file system without a device of its own lies where the table of mounts says") {
  FakeDisks fake;
  // That of /proc has none anywhere.
  if (!fake.add_turning_disk_of("/proc/self")) {
    MESSAGE("skipped: this machine has no block device");
    return;
  }
  struct stat seen = {};
  REQUIRE(::stat("/proc/self", &seen) == 0);
  CHECK(TurningDisks(std::nullopt, fake.sources()).turns(seen.st_dev));
}

TEST_CASE("the machine's own disks can be asked about") {
  const ScratchDir scratch;
  struct stat seen = {};
  REQUIRE(::stat(scratch.path().c_str(), &seen) == 0);
  TurningDisks quiet(0);
  CHECK_FALSE(quiet.turns(seen.st_dev));
  // What it answers depends on the machine: that it tells by itself implies that it tells the user.
  TurningDisks itself(std::nullopt);
  TurningDisks user(1);
  CHECK((!itself.turns(seen.st_dev) || user.turns(seen.st_dev)));
}

TEST_SUITE_END();

}  // namespace gorun::test::turning_disks_test
