#include "jobs/run_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// `call` for all of it; returns an errno value, 0 for none. A file that ends early: EIO.
template <class Call>
int transfer_all(Call call, std::uint64_t at, std::size_t size) {
  return runtime::blocking(runtime::Blocking::kBrief, [&] {
    for (std::size_t done = 0; done < size;) {
      const ssize_t moved = call(done, size - done, static_cast<off_t>(at + done));
      if (moved > 0) {
        done += static_cast<std::size_t>(moved);
      } else if (moved == 0 || errno != EINTR) {
        return moved == 0 ? EIO : errno;
      }
    }
    return 0;
  });
}

}  // namespace

std::optional<SystemError> RunFile::open() {
  if (file_.is_open()) return std::nullopt;
  int number = 0;
  file_ = runtime::blocking(runtime::Blocking::kBrief, [this, &number] {
    std::string name = directory_ + "/gorun-runs-XXXXXX";
    FileDescriptor file(::mkostemp(name.data(), O_CLOEXEC));
    number = errno;
    if (file.is_open()) ::unlink(name.c_str());
    return file;
  });
  if (!file_.is_open()) return error("write below", number);
  return std::nullopt;
}

int RunFile::append(std::string_view bytes) {
  const int failed =
      transfer_all([&](std::size_t done, std::size_t rest,
                       off_t at) { return ::pwrite(file_.get(), bytes.data() + done, rest, at); },
                   size_, bytes.size());
  size_ += bytes.size();
  return failed;
}

int RunFile::read(std::uint64_t at, char* to, std::size_t size) const {
  return transfer_all([&](std::size_t done, std::size_t rest,
                          off_t from) { return ::pread(file_.get(), to + done, rest, from); },
                      at, size);
}

int RunReader::need(std::size_t size) {
  const std::size_t had = end_ - at_;
  if (had >= size) return 0;
  if (had > 0) std::memmove(buffer_.data(), here(), had);
  at_ = 0;
  end_ = had;
  const auto wanted = static_cast<std::size_t>(
      std::min<std::uint64_t>(std::max(size, buffer_bytes_) - had, rest_.end - rest_.begin));
  if (had + wanted < size) return EIO;
  buffer_.reserve(had + wanted, had);
  const int failed = file_->read(rest_.begin, buffer_.data() + had, wanted);
  rest_.begin += wanted;
  end_ += wanted;
  return failed;
}

}  // namespace gorun::jobs
