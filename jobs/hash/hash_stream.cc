#include "jobs/hash/hash_stream.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "jobs/hash/file_reading.h"
#include "jobs/hash/hash_file.h"
#include "jobs/text/byte_buffer.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

bool is_regular(int fd) {
  struct stat seen = {};
  return ::fstat(fd, &seen) == 0 && S_ISREG(seen.st_mode);
}

}  // namespace

HashResult hash_stream(int fd, const std::string& name, std::span<const Algorithm> algorithms,
                       const std::function<void(std::uint64_t)>& on_bytes) {
  std::optional<FileReading> watched;
  std::uint64_t passed = 0;  // bytes that somebody else has read before
  if (is_regular(fd)) {
    auto reading = FileReading::of(fd, name);
    if (!reading.ok()) return reading.error();
    watched.emplace(std::move(*reading));
    passed = std::min(static_cast<std::uint64_t>(std::max<off_t>(::lseek(fd, 0, SEEK_CUR), 0)),
                      watched->expected_size());
  }
  DigestPass pass(algorithms);
  ByteBuffer buffer(kHashBufferBytes);
  FileDigests digests;
  while (true) {
    int error = 0;
    const ssize_t got = runtime::blocking(runtime::Blocking::kBrief, [&] {
      const ssize_t result = ::read(fd, buffer.data(), buffer.capacity());
      if (result < 0) error = errno;
      return result;
    });
    if (error == EINTR) continue;
    if (error != 0) return HashFileError{HashFileError::Reason::kSystem, {"read", error, name}, {}};
    if (got == 0) break;
    pass.update({buffer.data(), static_cast<std::size_t>(got)});
    digests.size += static_cast<std::uint64_t>(got);
    on_bytes(static_cast<std::uint64_t>(got));
  }
  if (watched) {
    if (auto error = watched->check(passed + digests.size)) return *std::move(error);
  }
  digests.digests = pass.finish();
  return digests;
}

}  // namespace gorun::jobs
