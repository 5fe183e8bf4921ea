// tests/runtime/num_cpu_test.cc - the processor count agrees with an independent one.

#include "runtime/num_cpu.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <string>

TEST_SUITE_BEGIN("runtime/num_cpu");

TEST_CASE("agrees with nproc") {
  // nproc honours OpenMP's variables besides the affinity mask.
  FILE* pipe = popen("env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc", "re");
  REQUIRE(pipe != nullptr);
  int expected = 0;
  CHECK(std::fscanf(pipe, "%d", &expected) == 1);
  CHECK(pclose(pipe) == 0);
  CHECK(gorun::runtime::num_cpu() == expected);
}

TEST_SUITE_END();
