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
  if (chan.capacity == 0) return text + " unbuffered";
  return text + ' ' + std::to_string(chan.fill) + '/' + std::to_string(chan.capacity);
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

}  // namespace

std::string describe(const RunResult& result) {
  if (result.outcome == RunResult::Outcome::kFinished) return {};
  std::string text = headline(result);
  ChannelNumbers numbers;
  const std::size_t shown = std::min(result.stuck.size(), kMostLines);
  for (std::size_t i = 0; i < shown; ++i) text += line(result.stuck[i], numbers);
  if (const std::size_t more = result.stuck.size() - shown; more > 0) {
    text += "... and " + std::to_string(more) + " more\n";
  }
  return text;
}

}  // namespace gorun::runtime
