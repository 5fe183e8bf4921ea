// runtime/run_result.cc - the words of the report.

#include "runtime/run_result.h"

#include <algorithm>
#include <chrono>
#include <map>

namespace gorun::runtime {
namespace {

// Enough to see a pattern; a leak in a loop leaves a million.
constexpr std::size_t kMostLines = 100;

using ChannelNumbers = std::map<const void*, std::size_t>;

std::string words(const WaitedChannel& chan, ChannelNumbers& numbers) {
  if (chan.is_freed) return "a freed chan";
  std::string text = "chan ";
  if (chan.label.empty()) {
    text += std::to_string(numbers.try_emplace(chan.identity, numbers.size() + 1).first->second);
  } else {
    text += '"' + chan.label + '"';
  }
  text += chan.capacity == 0
              ? " unbuffered"
              : ' ' + std::to_string(chan.fill) + '/' + std::to_string(chan.capacity);
  if (!chan.is_orphaned) return text;
  return text + (chan.way == WaitedChannel::Way::kSend ? " without receiver" : " without sender");
}

// "2.1 s", "5 min", "3 h"; empty below a second.
std::string words(Nanos waited) {
  using namespace std::chrono_literals;
  if (waited < 1s) return {};
  if (waited < 2min) {
    const std::int64_t tenths = waited / 100ms;
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " s";
  }
  if (waited < 2h) return std::to_string(waited / 1min) + " min";
  return std::to_string(waited / 1h) + " h";
}

std::string line(const GoroutineInfo& g, ChannelNumbers& numbers) {
  std::string text = "goroutine " + std::to_string(g.id);
  if (!g.label.empty()) text += " \"" + g.label + '"';
  text += std::string(" [") + to_string(g.reason);
  for (const WaitedChannel& chan : g.channels) {
    text += ", ";
    if (g.reason == WaitReason::kSelect) {
      text += chan.way == WaitedChannel::Way::kSend ? "send " : "receive ";
    }
    text += words(chan, numbers);
  }
  if (const std::string waited = words(g.waited); !waited.empty()) text += ", " + waited;
  return text + "]: spawned at " + g.spawned.file + ':' + std::to_string(g.spawned.line) + '\n';
}

std::string headline(const RunResult& result) {
  if (result.outcome == RunResult::Outcome::kDeadlocked) {
    return "fatal: all goroutines are parked - deadlock\n";
  }
  const std::size_t count = result.stuck.size();
  return "leak: the main goroutine returned, but " + std::to_string(count) +
         (count == 1 ? " goroutine is" : " goroutines are") + " parked for good\n";
}

std::string lines(const std::vector<GoroutineInfo>& goroutines) {
  std::string text;
  ChannelNumbers numbers;
  const std::size_t shown = std::min(goroutines.size(), kMostLines);
  for (std::size_t i = 0; i < shown; ++i) text += line(goroutines[i], numbers);
  if (const std::size_t more = goroutines.size() - shown; more > 0) {
    text += "... and " + std::to_string(more) + " more\n";
  }
  return text;
}

}  // namespace

std::string describe(const RunResult& result) {
  if (result.outcome == RunResult::Outcome::kFinished) return {};
  return headline(result) + lines(result.stuck);
}

std::string describe(const std::vector<GoroutineInfo>& leaked) {
  if (leaked.empty()) return {};
  const std::string who = leaked.size() == 1 ? "1 goroutine waits for a peer that is gone\n"
                                             : std::to_string(leaked.size()) +
                                                   " goroutines wait for peers that are gone\n";
  return "leak: " + who + lines(leaked);
}

}  // namespace gorun::runtime
