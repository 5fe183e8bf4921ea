// tests/runtime/file_test.cc - regular files on a kernel that has its faults, which a filter of its
// system calls stands in for.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "runtime/io.h"
#include "runtime/runtime.h"
#include "tests/support/child.h"
#include "tests/support/each_procs.h"

namespace gorun::test::file_test {

namespace {

using namespace gorun::runtime;

// preadv2 returns 0, as Linux 5.9 and 5.10 do with RWF_NOWAIT also where they would have to wait.
void find_nothing_in_the_cache() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_preadv2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {sizeof program / sizeof program[0], program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    std::perror("seccomp");
    std::_Exit(77);
  }
}

}  // namespace

TEST_SUITE_BEGIN("runtime/file");

TEST_CASE("a file does not end where the page cache has nothing of it") {
  for (const int procs : kProcsUnderTest) {
    CAPTURE(procs);
    const ChildEnd end = run_in_child([procs] {
      std::string name = "/tmp/gorun_file_XXXXXX";
      const int fd = mkstemp(name.data());
      if (fd < 0 || unlink(name.c_str()) != 0 || write(fd, "0123456789", 10) != 10 ||
          lseek(fd, 0, SEEK_SET) != 0) {
        std::_Exit(2);
      }
      find_nothing_in_the_cache();
      std::string whole(10, '\0'), part(4, '\0');
      IoResult read, after, at;
      Runtime rt({.procs = procs});
      run_to_end(rt, [&] {
        FdResult file = Fd::adopt(fd);
        read = file.fd.read_full(whole.data(), whole.size());
        after = file.fd.read(part.data(), 1);
        at = file.fd.read_at(part.data(), part.size(), 3);
      });
      if (!read || whole != "0123456789" || after.status != IoStatus::kEof) std::_Exit(3);
      if (!at || part != "3456") std::_Exit(4);
    });
    CAPTURE(end.errors);
    if (end.exit_code == 77) {
      MESSAGE("no seccomp filters here");
      return;
    }
    CHECK(end.signal == 0);
    CHECK(end.exit_code == 0);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::file_test
