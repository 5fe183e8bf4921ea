// tests/jobs/disk/disk_place_test.cc - who waits for a disk that turns, and who does not.

#include "jobs/disk/disk_place.h"

#include <doctest/doctest.h>
#include <sys/sysmacros.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/fake_disks.h"

namespace gorun::test::disk_place_test {

using gorun::jobs::DiskPlace;
using gorun::jobs::TurningDisks;
using gorun::runtime::Runtime;
using gorun::test::FakeDisks;

TEST_SUITE_BEGIN("jobs/disk/disk_place");

namespace {

const dev_t kTurning = makedev(8, 0);
const dev_t kOtherTurning = makedev(8, 16);
const dev_t kFlash = makedev(8, 32);

void add_disks(FakeDisks* fake) {
  fake->add_disk("sda", kTurning, true, page_of_speed(7200));
  fake->add_disk("sdb", kOtherTurning, true, page_of_speed(7200));
  fake->add_disk("sdc", kFlash, false);
}

}  // namespace

TEST_CASE("as many as may wait for a disk do, and no more") {
  FakeDisks fake;
  add_disks(&fake);
  for (const int workers : {1, 3}) {
    CAPTURE(workers);
    at_each_procs([&](Runtime& rt) {
      TurningDisks disks(workers, fake.sources());
      std::atomic<int> inside{0};
      std::atomic<int> most{0};
      std::int64_t free = 0;
      run_to_end(rt, [&] {
        runtime::WaitGroup group;
        for (int g = 0; g < 8; ++g) {
          group.go([&] {
            DiskPlace place(&disks);
            for (int i = 0; i < 100; ++i) {
              place.take(kTurning);
              const int now = ++inside;
              for (int seen = most.load(); seen < now && !most.compare_exchange_weak(seen, now);) {
              }
              runtime::yield();
              place.take(kTurning);  // it has one
              --inside;
              place.give_back();
            }
          });
        }
        group.wait();
        free = disks.queue_of(kTurning)->available();
      });
      CHECK(most <= workers);
      CHECK(most >= 1);
      CHECK(free == workers);
    });
  }
}

TEST_CASE("a place is one at one disk, and none at flash") {
  FakeDisks fake;
  add_disks(&fake);
  TurningDisks disks(1, fake.sources());
  std::string free;  // places at the two disks that turn, after each step
  Runtime rt({.procs = 1});
  run_to_end(rt, [&] {
    const auto note = [&] {
      free += ' ' + std::to_string(disks.queue_of(kTurning)->available()) +
              std::to_string(disks.queue_of(kOtherTurning)->available());
    };
    DiskPlace place(&disks);
    place.take();  // no file was seen yet
    note();
    place.note(kTurning);
    note();
    place.take();
    note();
    place.take(kOtherTurning);
    note();
    place.take(kFlash);
    note();
    place.take(kTurning);
    note();
    place.give_back();
    place.give_back();
    note();
    {
      DiskPlace other(&disks);
      other.take(kTurning);
      note();
    }
    note();
    DiskPlace nowhere(nullptr);
    nowhere.take(kTurning);
    nowhere.give_back();
    note();
  });
  CHECK(free == " 11 11 01 10 11 01 11 01 11 11");
}

TEST_CASE("goroutines that read one file share the place of their worker") {
  FakeDisks fake;
  add_disks(&fake);
  at_each_procs([&](Runtime& rt) {
    TurningDisks disks(1, fake.sources());
    std::atomic<int> through{0};
    std::int64_t free = 0;
    run_to_end(rt, [&] {
      DiskPlace place(&disks);
      runtime::WaitGroup group;
      for (int g = 0; g < 8; ++g) {
        group.go([&] {
          for (int i = 0; i < 100; ++i) place.take(kTurning);
          ++through;
        });
      }
      group.wait();
      place.give_back();
      free = disks.queue_of(kTurning)->available();
    });
    CHECK(through == 8);
    CHECK(free == 1);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::disk_place_test
