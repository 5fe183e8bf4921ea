#include "jobs/text/cached_file.h"

#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace gorun::jobs {
namespace {

// cachestat(2), since Linux 6.5; headers and the library may be older.
constexpr long kSysCachestat = 451;
struct CachedRange {
  std::uint64_t begin;
  std::uint64_t bytes;
};
struct CachedPages {
  std::uint64_t cached;
  std::uint64_t dirty;
  std::uint64_t under_writeback;
  std::uint64_t evicted;
  std::uint64_t recently_evicted;
};

}  // namespace

bool is_known_file_system(int fd) {
  struct statfs status = {};
  if (::fstatfs(fd, &status) != 0) return false;
  constexpr std::array<std::uint64_t, 4> kKnown = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,
                                                   BTRFS_SUPER_MAGIC, TMPFS_MAGIC};
  return std::ranges::find(kKnown, static_cast<std::uint64_t>(status.f_type)) != kKnown.end();
}

bool is_cached(int fd, std::uint64_t begin, std::uint64_t end) {
  const auto page = static_cast<std::uint64_t>(::getpagesize());
  // Linux 6.18 counts too few, now and then, on a busy machine. Its source suggests a call that is
  // preempted in a large folio which begins before the range. So it is asked again, from where none
  // does: then it was wrong far less often, but not never. To err costs a copy.
  constexpr std::uint64_t kLargestFolio = std::uint64_t{2} << 20;
  for (const std::uint64_t border : {page, kLargestFolio, kLargestFolio}) {
    const std::uint64_t from = begin - begin % border;
    const std::uint64_t pages = (end - from + page - 1) / page;
    const CachedRange range{from, pages * page};
    CachedPages found{};
    if (::syscall(kSysCachestat, fd, &range, &found, 0) != 0) return false;
    if (found.cached >= pages) return true;
  }
  return false;
}

}  // namespace gorun::jobs
