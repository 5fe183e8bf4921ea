// runtime/panic.cc - see panic.h.

#include "runtime/panic.h"

#include <cxxabi.h>

#include <cstdlib>
#include <typeinfo>

#include "runtime/backtrace.h"
#include "runtime/crash_text.h"
#include "runtime/fatal.h"
#include "runtime/sched/m.h"
#include "runtime/sched/p.h"

namespace gorun::runtime {
namespace {

std::terminate_handler previous_handler = nullptr;

// "std::runtime_error: cannot go on"; the type alone if the exception carries no text.
void add_exception(CrashText& text) {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) {
    text.add("std::terminate() without an exception");
    return;
  }
  int status = 0;
  char* name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
  text.add("%s", name != nullptr ? name : type->name());
  std::free(name);
  try {
    throw;  // the only way to look into it
  } catch (const std::exception& e) {
    text.add(": %s", e.what());
  } catch (...) {
    return;  // its type is all there is to say
  }
}

[[noreturn]] void report_panic() {
  const M* m = current_m();
  if (m == nullptr || m->g == nullptr) {
    if (previous_handler != nullptr) previous_handler();
    std::abort();  // as if the handler had returned
  }
  const G& gp = *m->g;
  CrashText text;
  text.add("fatal: panic: ");
  add_exception(text);
  text.add(" (");
  text.add_goroutine(gp);
  if (m->p != nullptr) {
    text.add(", M%d, P%d)\n", m->id, m->p->id);
  } else {
    text.add(", M%d, no P)\n", m->id);
  }
  text.add("goroutine %llu was spawned at %s:%u\n", static_cast<unsigned long long>(gp.id),
           gp.spawned.file, gp.spawned.line);
  add_goroutine_counts(text);
  text.write();
  write_backtrace(BacktraceFrom::kThrow, SymbolNames::kDemangled, kMostCalls);
  std::abort();
}

}  // namespace

PanicReports::PanicReports() : previous_(std::set_terminate(report_panic)) {
  previous_handler = previous_;
}

PanicReports::~PanicReports() { std::set_terminate(previous_); }

}  // namespace gorun::runtime
