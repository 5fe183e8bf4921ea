#include "jobs/hash/hash_stream.h"

#include <unistd.h>

#include <cerrno>

#include "jobs/hash/hash_file.h"
#include "jobs/text/byte_buffer.h"
#include "runtime/blocking.h"

namespace gorun::jobs {

HashResult hash_stream(int fd, const std::string& name, std::span<const Algorithm> algorithms,
                       const std::function<void(std::uint64_t)>& on_bytes) {
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
  digests.digests = pass.finish();
  return digests;
}

}  // namespace gorun::jobs
