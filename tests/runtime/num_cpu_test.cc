// tests/runtime/num_cpu_test.cc - the processor count: affinity, and quotas of all cgroups above.

#include "runtime/num_cpu.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <thread>

#include "tests/support/scratch_dir.h"

namespace gorun::test::num_cpu_test {

namespace {

using namespace gorun::runtime;
using gorun::test::ScratchDir;

// A tree of cgroups as the kernel would show it.
struct Cgroups {
  explicit Cgroups(const std::string& own) { dir.write("own", own); }
  void set(const std::string& file, const std::string& text) { dir.write("fs/" + file, text); }
  [[nodiscard]] double quota() const { return cpu_quota({dir / "own", dir / "fs"}); }

  ScratchDir dir;
};

}  // namespace

TEST_SUITE_BEGIN("runtime/num_cpu");

TEST_CASE("agrees with nproc") {
  // nproc honours OpenMP's variables besides the affinity mask.
  FILE* pipe = popen("env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc", "re");
  REQUIRE(pipe != nullptr);
  int expected = 0;
  CHECK(std::fscanf(pipe, "%d", &expected) == 1);
  CHECK(pclose(pipe) == 0);
  CHECK(affinity_count() == expected);
  CHECK(num_cpu() <= expected);
  CHECK(num_cpu() >= 1);
  if (cpu_quota() >= expected) CHECK(num_cpu() == expected);
}

TEST_CASE("the affinity is that of the thread that is asked about") {
  const int before = affinity_count();
  int narrowed = 0;
  int of_main = 0;
  std::thread([&] {
    cpu_set_t mask;
    CHECK(sched_getaffinity(0, sizeof mask, &mask) == 0);
    int first = 0;
    while (!CPU_ISSET(first, &mask)) ++first;
    CPU_ZERO(&mask);
    CPU_SET(first, &mask);
    CHECK(sched_setaffinity(0, sizeof mask, &mask) == 0);
    narrowed = num_cpu();
    of_main = affinity_count(getpid());
  }).join();
  CHECK(narrowed == 1);
  CHECK(of_main == before);
  CHECK(affinity_count() == before);
}

TEST_CASE("without cgroups there is no quota") {
  const ScratchDir dir;
  CHECK(std::isinf(cpu_quota({dir / "none", dir / "none"})));
  const Cgroups empty("");
  CHECK(std::isinf(empty.quota()));
  const Cgroups strange("no colons here\n:\n0::\n0::/gone/away\n");
  CHECK(std::isinf(strange.quota()));
}

TEST_CASE("version 2: the smallest quota from the process's group up to the root") {
  Cgroups groups("0::/a/b/c\n");
  groups.set("a/b/c/cpu.max", "max 100000\n");
  CHECK(std::isinf(groups.quota()));
  groups.set("cpu.max", "400000 100000\n");
  CHECK(groups.quota() == 4.0);
  groups.set("a/cpu.max", "250000 100000\n");
  CHECK(groups.quota() == 2.5);
  groups.set("a/b/cpu.max", "300000 100000\n");
  CHECK(groups.quota() == 2.5);
  groups.set("a/b/c/cpu.max", "50000 100000\n");
  CHECK(groups.quota() == 0.5);
  groups.set("a/sibling/cpu.max", "1000 100000\n");
  CHECK(groups.quota() == 0.5);
}

TEST_CASE("version 2: a process that sees only its own root") {
  Cgroups groups("0::/\n");
  groups.set("cpu.max", "150000 100000\n");
  CHECK(groups.quota() == 1.5);
  Cgroups hidden("0::/system.slice/docker-1234.scope\n");  // as the host calls it
  hidden.set("cpu.max", "150000 100000\n");
  CHECK(hidden.quota() == 1.5);
}

TEST_CASE("version 1: only the hierarchy of the cpu controller counts") {
  Cgroups groups("12:cpuset:/x\n5:cpu,cpuacct:/a/b\n3:cpuacct:/y\n1:name=systemd:/z\n0::/\n");
  groups.set("cpu/a/b/cpu.cfs_quota_us", "-1\n");
  groups.set("cpu/a/b/cpu.cfs_period_us", "100000\n");
  CHECK(std::isinf(groups.quota()));
  groups.set("cpu/a/cpu.cfs_quota_us", "30000\n");
  groups.set("cpu/a/cpu.cfs_period_us", "20000\n");
  CHECK(groups.quota() == 1.5);
  groups.set("cpu/y/cpu.cfs_quota_us", "1000\n");
  groups.set("cpu/y/cpu.cfs_period_us", "20000\n");
  CHECK(groups.quota() == 1.5);
}

TEST_CASE("what is not a number is no quota") {
  Cgroups groups("0::/\n");
  for (const char* text : {"", "\n", "garbage", "100000", "100000 0", "0 100000", "-5 100000",
                           "1e999999 100000", "max"}) {
    CAPTURE(text);
    groups.set("cpu.max", text);
    CHECK(std::isinf(groups.quota()));
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::num_cpu_test
