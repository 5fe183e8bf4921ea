// runtime/fault.cc - see fault.h.
//
// Everything here but the set-up runs in a signal handler: no lock, no allocation. dladdr() in the
// backtrace takes the loader's lock, which comes after the message is out.

#include "runtime/fault.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "runtime/backtrace.h"
#include "runtime/crash_text.h"
#include "runtime/fatal.h"
#include "runtime/sched/m.h"

namespace gorun::runtime {
namespace {

// The kernel's part is 11 KiB with AVX-512; the unwinder and the message take the rest.
constexpr std::size_t kSignalStackBytes = 64 * 1024;
// An overflow is a recursion: its last calls tell which.
constexpr int kMostCallsOfOverflow = 16;

struct sigaction previous_action {};

// The goroutine whose stack the thread is on and overflowed by touching `address`, or null. During
// a switch the M names the next G already, while the last one, named by the commit, still runs.
const G* overflowed(const M& m, const void* address) {
  const G* leaving = m.commit.run != nullptr ? m.commit.gp : nullptr;
  for (const G* gp : {static_cast<const G*>(m.g), leaving}) {
    if (gp != nullptr && gp->stack != nullptr && gp->stack->guards(address)) return gp;
  }
  return nullptr;
}

void add_spawn_site(CrashText& text, const G& gp) {
  text.add("goroutine %llu was spawned at %s:%u\n", static_cast<unsigned long long>(gp.id),
           gp.spawned.file, gp.spawned.line);
}

[[noreturn]] void report_overflow(const G& gp) {
  CrashText text;
  text.add("fatal: stack overflow: ");
  text.add_goroutine(gp);
  text.add(" exceeded its %zu KiB stack [%p, %p)\n", arch::stack_bytes(gp.stack->size_class) / 1024,
           static_cast<void*>(gp.stack->bottom()), static_cast<void*>(gp.stack->top()));
  add_spawn_site(text, gp);
  text.write();
  write_backtrace(BacktraceFrom::kSignal, SymbolNames::kPlain, kMostCallsOfOverflow);
  std::abort();
}

void report_wild_access(const M& m, const void* address) {
  CrashText text;
  text.add("fatal: segmentation fault at address %p: ", address);
  text.add_goroutine(*m.g);
  text.add(", M%d\n", m.id);
  add_spawn_site(text, *m.g);
  text.write();
  write_backtrace(BacktraceFrom::kSignal, SymbolNames::kPlain, kMostCalls);
}

// Hands the signal to whoever had it before us. A default handler acts once we have returned: the
// instruction faults again, or the signal is sent again.
void chain(int signal, siginfo_t* info, void* context) {
  if ((previous_action.sa_flags & SA_SIGINFO) != 0) {
    previous_action.sa_sigaction(signal, info, context);
    return;
  }
  if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN) {
    previous_action.sa_handler(signal);
    return;
  }
  sigaction(signal, &previous_action, nullptr);
  const bool sent = info->si_code <= 0;  // by kill() and the like, and not by the processor
  if (sent) raise(signal);
}

void on_fault(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const M* m = current_m();
  const bool sent = info->si_code <= 0;
  if (m != nullptr && !sent) {
    if (const G* gp = overflowed(*m, info->si_addr)) report_overflow(*gp);
    const bool nobody_else =
        (previous_action.sa_flags & SA_SIGINFO) == 0 && previous_action.sa_handler == SIG_DFL;
    if (m->g != nullptr && nobody_else) report_wild_access(*m, info->si_addr);
  }
  chain(signal, info, context);
  errno = saved_errno;
}

}  // namespace

FaultReports::FaultReports() {
  if constexpr (!kFaultReports) return;
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGSEGV, &action, &previous_action);
}

FaultReports::~FaultReports() {
  if constexpr (kFaultReports) sigaction(SIGSEGV, &previous_action, nullptr);
}

SignalStack::SignalStack() {
  if constexpr (!kFaultReports) return;
  size_ = std::max(kSignalStackBytes, static_cast<std::size_t>(sysconf(_SC_SIGSTKSZ)));
  low_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (low_ == MAP_FAILED) {
    fatal("stack: no memory for the signal stack of a thread: %s", strerrordesc_np(errno));
  }
  stack_t stack{};
  stack.ss_sp = low_;
  stack.ss_size = size_;
  sigaltstack(&stack, &previous_);
}

SignalStack::~SignalStack() {
  if constexpr (!kFaultReports) return;
  sigaltstack(&previous_, nullptr);
  munmap(low_, size_);
}

}  // namespace gorun::runtime
