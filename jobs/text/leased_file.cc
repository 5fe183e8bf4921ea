#include "jobs/text/leased_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iterator>
#include <utility>

#include "jobs/text/cached_file.h"
#include "runtime/after_func.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// Less is read in less time than it takes to map it and to give it back.
constexpr std::uint64_t kLeastBytes = std::uint64_t{4} << 20;
// Of a mapping: few are needed for a large file (runtime::kMostFileViews).
constexpr std::uint64_t kViewBytes = std::uint64_t{1} << 30;
// So long does somebody wait who wants to write, at most, before he is noticed.
constexpr auto kWatchEvery = std::chrono::milliseconds(50);

// The pages that have a byte of the text.
std::string_view pages_of(std::string_view text) {
  const auto page = static_cast<std::uintptr_t>(::getpagesize());
  const std::uintptr_t ahead = reinterpret_cast<std::uintptr_t>(text.data()) % page;
  return {text.data() - ahead, (ahead + text.size() + page - 1) / page * page};
}

bool lease(int fd) {
  // Who wants to write sends us a signal, which nobody has a handler for.
  return ::fcntl(fd, F_SETSIG, SIGURG) == 0 && ::fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
}

// Memory with the same bytes takes the place of the pages. Whoever looks at them meanwhile waits in
// the kernel for the one or the other.
bool replace_by_copy(std::string_view pages) {
  void* const copy = ::mmap(nullptr, pages.size(), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (copy == MAP_FAILED) return false;
  std::memcpy(copy, pages.data(), pages.size());
  void* const to = const_cast<char*>(pages.data());
  if (::mremap(copy, pages.size(), pages.size(), MREMAP_MAYMOVE | MREMAP_FIXED, to) == to)
    return true;
  ::munmap(copy, pages.size());
  return false;
}

}  // namespace

std::shared_ptr<LeasedFile> LeasedFile::open(FileDescriptor* fd, std::string path) {
  struct stat status = {};
  if (::fstat(fd->get(), &status) != 0 || !S_ISREG(status.st_mode)) return nullptr;
  if (status.st_size < static_cast<off_t>(kLeastBytes) || !is_known_file_system(fd->get()))
    return nullptr;
  if (!is_cached(fd->get(), 0, kWindowBytes) || !lease(fd->get())) return nullptr;
  // The size may have changed before there was a lease.
  if (::fstat(fd->get(), &status) != 0) status.st_size = 0;
  std::shared_ptr<LeasedFile> made(
      new LeasedFile(std::move(*fd), static_cast<std::uint64_t>(status.st_size), std::move(path)));
  made->watch();
  return made;
}

// The lease ends with the descriptor.
LeasedFile::~LeasedFile() = default;

void LeasedFile::watch() {
  runtime::after_func(kWatchEvery, [file = weak_from_this()] {
    const auto here = file.lock();
    if (here && here->look() == State::kLeased) here->watch();
  });
}

BlockRef LeasedFile::next() {
  if (look() != State::kLeased) return {};
  const std::uint64_t end = std::min(offset_ + kWindowBytes, size_);
  if (end == offset_ || !is_cached(fd_.get(), offset_, end)) return {};
  const bool is_in_view = !views_.empty() && end <= view_at_ + views_.back()->bytes().size();
  if (!is_in_view && !map_from(offset_)) return {};
  const std::shared_ptr<runtime::FileView> view = views_.back();
  std::string_view bytes = view->bytes().substr(offset_ - view_at_, end - offset_);
  bytes = bytes.substr(0, bytes.rfind('\n') + 1);  // npos: none
  if (bytes.empty()) return {};
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kLeased) return {};
    in_use_.emplace(bytes.data(), bytes.size());
  }
  offset_ += bytes.size();
  std::shared_ptr<OthersBytes> owner(
      this, [self = shared_from_this(), view, bytes](void*) { self->release(bytes); });
  return Block::of_others(bytes, std::move(owner));
}

bool LeasedFile::map_from(std::uint64_t offset) {
  auto view = runtime::FileView::map(
      fd_.get(), offset, static_cast<std::size_t>(std::min(kViewBytes, size_ - offset)));
  if (!view) return false;
  const std::lock_guard lock(mutex_);
  views_.push_back(std::make_shared<runtime::FileView>(std::move(*view)));
  view_at_ = offset;
  return true;
}

// Gives its pages back, but those of which a neighbour has a part that is in use. Of one that comes
// later they are mapped again.
void LeasedFile::release(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  std::string_view pages = pages_of(bytes);
  const auto page = static_cast<std::size_t>(::getpagesize());
  const auto behind = in_use_.erase(in_use_.find(bytes.data()));
  if (behind != in_use_.end() && behind->first < pages.data() + pages.size()) {
    pages.remove_suffix(page);
  }
  if (behind != in_use_.begin() && !pages.empty()) {
    const auto& [begin, size] = *std::prev(behind);
    if (begin + size > pages.data()) pages.remove_prefix(page);
  }
  if (!pages.empty()) {
    static_cast<void>(::madvise(const_cast<char*>(pages.data()), pages.size(), MADV_DONTNEED));
  }
}

std::optional<SystemError> LeasedFile::wrong() {
  if (look() == State::kLost) return SystemError{"rely on what was read of", ESTALE, path_};
  const std::lock_guard lock(mutex_);
  const bool is_torn =
      std::ranges::any_of(views_, [](const auto& view) { return view->torn_at().has_value(); });
  if (is_torn) return SystemError{"read", EIO, path_};
  return std::nullopt;
}

// Whether somebody waits for us is asked without the mutex: it is asked often.
LeasedFile::State LeasedFile::look() {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kLeased) return state_;
  }
  if (::fcntl(fd_.get(), F_GETLEASE) == F_RDLCK) return State::kLeased;
  return runtime::blocking(runtime::Blocking::kLong, [this] { return give_up(); });
}

LeasedFile::State LeasedFile::give_up() {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kLeased) return state_;
  bool is_ours = true;
  for (const auto& [begin, size] : in_use_) {
    is_ours = is_ours && replace_by_copy(pages_of({begin, size}));
  }
  // Of a lease that the kernel has taken away there is nothing to give up.
  const bool was_leased = ::fcntl(fd_.get(), F_SETLEASE, F_UNLCK) == 0;
  state_ = is_ours && was_leased ? State::kGivenUp : State::kLost;
  return state_;
}

}  // namespace gorun::jobs
