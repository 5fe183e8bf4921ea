#include "jobs/hash/hash_file.h"

namespace gorun::jobs {

Expected<FileDigests, HashFileError> hash_file(int dirfd, const std::string& name, DigestPass& pass,
                                               std::span<char> buffer) {
  auto opened = FileReading::open(dirfd, name);
  if (!opened.ok()) return opened.error();
  FileReading& file = *opened;
  while (!file.is_at_end()) {
    const auto got = file.read(buffer);
    if (!got.ok()) {
      pass.reset();
      return got.error();
    }
    pass.update({buffer.data(), *got});
  }
  if (auto error = file.check(file.bytes_read())) {
    pass.reset();
    return *std::move(error);
  }
  return FileDigests{file.bytes_read(), pass.finish()};
}

}  // namespace gorun::jobs
