// runtime/backtrace.cc - see backtrace.h.

#include "runtime/backtrace.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <unwind.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "runtime/crash_text.h"

namespace gorun::runtime {
namespace {

constexpr int kDeepest = 128;

struct Frame {
  std::uintptr_t at = 0;   // inside the call instruction, so that it names the right line
  bool is_signal = false;  // what called this one is the instruction that a signal interrupted
};

struct Frames {
  Frame frame[kDeepest];
  int count = 0;
};

_Unwind_Reason_Code visit(_Unwind_Context* context, void* arg) {
  auto* frames = static_cast<Frames*>(arg);
  if (frames->count == kDeepest) return _URC_END_OF_STACK;
  int before_instruction = 0;  // set for a frame that was interrupted rather than called from
  const std::uintptr_t ip = _Unwind_GetIPInfo(context, &before_instruction);
  if (ip == 0) return _URC_END_OF_STACK;
  const bool interrupted = before_instruction != 0;
  frames->frame[frames->count++] = {interrupted ? ip : ip - 1, interrupted};
  return _URC_NO_REASON;
}

bool is_named(const Frame& frame, const char* name) {
  Dl_info info{};
  return dladdr(reinterpret_cast<void*>(frame.at), &info) != 0 && info.dli_sname != nullptr &&
         std::strcmp(info.dli_sname, name) == 0;
}

int first_shown(const Frames& frames, BacktraceFrom from) {
  for (int i = 0; i < frames.count; ++i) {
    if (from == BacktraceFrom::kSignal && frames.frame[i].is_signal) return i;
    if (from == BacktraceFrom::kThrow &&
        (is_named(frames.frame[i], "__cxa_throw") || is_named(frames.frame[i], "__cxa_rethrow"))) {
      return i + 1;
    }
  }
  return std::min(1, frames.count);  // without write_backtrace() itself
}

void write_frame(int number, const Frame& frame, SymbolNames names) {
  CrashText text;
  text.add("  #%-2d ", number);
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(frame.at), &info) == 0) {
    text.add("0x%zx\n", frame.at);
    text.write();
    return;
  }
  if (info.dli_sname != nullptr) {
    char* demangled = nullptr;
    if (names == SymbolNames::kDemangled) {
      int status = 0;
      demangled = abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status);
    }
    text.add("%s + 0x%zx  ", demangled != nullptr ? demangled : info.dli_sname,
             frame.at - reinterpret_cast<std::uintptr_t>(info.dli_saddr));
    std::free(demangled);
  }
  const char* slash = std::strrchr(info.dli_fname, '/');
  text.add("(%s+0x%zx)\n", slash != nullptr ? slash + 1 : info.dli_fname,
           frame.at - reinterpret_cast<std::uintptr_t>(info.dli_fbase));
  text.write();
}

}  // namespace

[[gnu::noinline]] void write_backtrace(BacktraceFrom from, SymbolNames names, int most) {
  Frames frames;
  _Unwind_Backtrace(visit, &frames);
  const int first = first_shown(frames, from);
  const int end = std::min(frames.count, first + most);
  for (int i = first; i < end; ++i) write_frame(i - first, frames.frame[i], names);
  if (end < frames.count) {
    CrashText text;
    text.add("  ...\n");
    text.write();
  }
}

}  // namespace gorun::runtime
