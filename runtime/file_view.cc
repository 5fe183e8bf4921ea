// runtime/file_view.cc - see file_view.h.
//
// The handler finds the view by the address, among slots that it reads without a lock. What it
// must know of a view is one word, so it never sees half of one view and half of another; and the
// slot of the view that raised the signal stands still, since its owner is the one that is
// interrupted.

#include "runtime/file_view.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <utility>

namespace gorun::runtime {
namespace {

constexpr std::uintptr_t kPageBytes = 4096;  // at least; larger ones are multiples
constexpr unsigned kSizeBits = 20;           // of the number of pages, below that of the first
constexpr std::size_t kMostBytes = ((std::size_t{1} << kSizeBits) - 1) * kPageBytes;
constexpr std::size_t kWhole = SIZE_MAX;

struct Slot {
  // First page and number of pages; 0: free. Stored by the owner of the view: with release when the
  // view is there, which pairs with the acquire in find(), and before it goes.
  std::atomic<std::uint64_t> pages{0};
  // Bytes of its pages in front of the zeros. Stored by threads that look at the view, in a
  // handler, before there are zeros: who sees some, and asks for this behind, finds it.
  std::atomic<std::size_t> torn_at{kWhole};
};

std::array<Slot, kMostFileViews> slots;
struct sigaction previous_bus_action {};

struct Pages {
  std::uintptr_t begin;
  std::uintptr_t end;
};

Pages unpack(std::uint64_t pages) {
  const std::uintptr_t begin = (pages >> kSizeBits) * kPageBytes;
  return {begin, begin + (pages & ((std::uint64_t{1} << kSizeBits) - 1)) * kPageBytes};
}

// Not mmap(2) by way of the library: sanitizers put a function of theirs there, which is not for
// handlers.
bool put_zeros(std::uintptr_t begin, std::uintptr_t end) {
  return ::syscall(SYS_mmap, begin, end - begin, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                   -1, 0) != -1;
}

// Several threads may look at one view: the least stays.
void note_zeros(Slot* slot, std::size_t at) {
  std::size_t before = slot->torn_at.load(std::memory_order_relaxed);
  while (at < before &&
         !slot->torn_at.compare_exchange_weak(before, at, std::memory_order_relaxed)) {
  }
}

// True if the address is in a view, which then has zeros from its page on. A mapping that is cut in
// two is one more, and of these there may be no more to be had: then all of it is zeros.
bool tear(std::uintptr_t address) {
  for (Slot& slot : slots) {
    const Pages pages = unpack(slot.pages.load(std::memory_order_acquire));
    if (address < pages.begin || address >= pages.end) continue;
    std::uintptr_t from = address / kPageBytes * kPageBytes;
    from -= from % static_cast<std::uintptr_t>(::getpagesize());
    note_zeros(&slot, from - pages.begin);
    if (put_zeros(from, pages.end)) return true;
    note_zeros(&slot, 0);
    return put_zeros(pages.begin, pages.end);
  }
  return false;
}

void hand_on(int signal, siginfo_t* info, void* context) {
  if ((previous_bus_action.sa_flags & SA_SIGINFO) != 0) {
    previous_bus_action.sa_sigaction(signal, info, context);
  } else if (previous_bus_action.sa_handler != SIG_DFL &&
             previous_bus_action.sa_handler != SIG_IGN) {
    previous_bus_action.sa_handler(signal);
  } else {
    // The process dies of it once we have returned, as it would have without us.
    ::sigaction(signal, &previous_bus_action, nullptr);
    if (info->si_code <= 0) ::raise(signal);  // sent by kill() and the like: it comes only once
  }
}

void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const bool is_torn =
      info->si_code == BUS_ADRERR && tear(reinterpret_cast<std::uintptr_t>(info->si_addr));
  if (!is_torn) hand_on(signal, info, context);
  errno = saved_errno;
}

bool watch_bus_errors() {
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  return ::sigaction(SIGBUS, &action, &previous_bus_action) == 0;
}

// The slot; kMostFileViews: none is free.
std::size_t publish(std::uintptr_t begin, std::size_t bytes) {
  const std::uint64_t pages =
      std::uint64_t{begin / kPageBytes} << kSizeBits | (bytes + kPageBytes - 1) / kPageBytes;
  for (std::size_t s = 0; s < slots.size(); ++s) {
    std::uint64_t none = 0;
    if (slots[s].pages.load(std::memory_order_relaxed) != none) continue;  // spares the CAS
    if (slots[s].pages.compare_exchange_strong(none, pages, std::memory_order_acq_rel,
                                               std::memory_order_relaxed)) {
      slots[s].torn_at.store(kWhole, std::memory_order_relaxed);  // nobody has looked at it yet
      return s;
    }
  }
  return slots.size();
}

}  // namespace

std::optional<FileView> FileView::map(int fd, std::uint64_t offset, std::size_t bytes) {
  static const bool is_watched = watch_bus_errors();
  const std::size_t ahead = offset % static_cast<std::uint64_t>(::getpagesize());
  if (!is_watched || bytes == 0 || bytes > kMostBytes - ahead) return std::nullopt;
  void* const memory =
      ::mmap(nullptr, ahead + bytes, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(offset - ahead));
  if (memory == MAP_FAILED) return std::nullopt;
  const std::size_t slot = publish(reinterpret_cast<std::uintptr_t>(memory), ahead + bytes);
  if (slot == slots.size()) {
    ::munmap(memory, ahead + bytes);
    return std::nullopt;
  }
  return FileView(slot, static_cast<const char*>(memory) + ahead, bytes);
}

FileView::FileView(FileView&& other) noexcept
    : slot_(other.slot_), begin_(other.begin_), size_(std::exchange(other.size_, 0)) {}

// The slot is free before the addresses are: they may be another mapping's next.
FileView::~FileView() {
  if (size_ == 0) return;
  const Pages pages = unpack(slots[slot_].pages.load(std::memory_order_relaxed));  // our own
  slots[slot_].pages.store(0, std::memory_order_release);  // pairs with the CAS of the next owner
  ::munmap(reinterpret_cast<void*>(pages.begin), pages.end - pages.begin);
}

std::optional<std::size_t> FileView::torn_at() const {
  std::atomic_signal_fence(std::memory_order_seq_cst);  // what was looked at comes before
  const std::size_t torn_at = slots[slot_].torn_at.load(std::memory_order_relaxed);
  if (torn_at == kWhole) return std::nullopt;
  const std::size_t ahead =
      reinterpret_cast<std::uintptr_t>(begin_) % static_cast<std::uintptr_t>(::getpagesize());
  return torn_at > ahead ? torn_at - ahead : 0;
}

}  // namespace gorun::runtime
