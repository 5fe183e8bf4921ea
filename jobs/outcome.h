// jobs/outcome.h - how a run ended, as plain values: for every stage its state, its counts and its
// failures. Whoever reports (terminal, JSON, exit status) reads this and nothing else.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gorun::jobs {

enum class StageState : std::uint8_t {
  kWaiting,  // for the stages that it needs, or for the run to begin
  kRunning,
  kSucceeded,  // also with no items at all, and when its readers wanted no more
  kFailed,     // `failures` says why
  kCancelled,  // stopped before its end, because another stage failed, the run was interrupted, or
               // whoever read what it showed has gone
  kSkipped,    // never started: a stage that it needs did not succeed, or the run ended before
};

/// "succeeded", "failed", ...: the word for reports.
[[nodiscard]] std::string_view to_string(StageState state);

enum class FailureKind : std::uint8_t {
  kWork,      // an item or a command failed
  kOutput,    // what the stage writes could not be written
  kInternal,  // a broken promise of gorun itself: an exception that no stage caught
};

/// What made an item fail; "on" of "retry" chooses by it.
enum class FailureCause : std::uint8_t {
  kOther,
  kTimeout,
  kExit,     // of a command; `code` is its exit status
  kSignal,   // that killed a command; `code` is its number
  kStatus,   // of an answer of HTTP; `code` is it
  kNetwork,  // no answer came
  kIo,       // a system call on a file; `code` is the error number
};

/// One thing that went wrong. `what` is one line, lower case, without a full stop, and does not
/// repeat the stage's name.
struct Failure {
  FailureKind kind = FailureKind::kWork;
  std::string what;
  std::string item = {};  // the text of the item at hand, bytes; empty: none
  FailureCause cause = FailureCause::kOther;
  int code = 0;                             // see FailureCause
  std::chrono::nanoseconds retry_after{0};  // no other attempt makes sense before
  int attempts = 1;                         // made at the item; filled in by the run
  std::string tail = {};                    // the last lines that a command said, bytes
};

/// At most so many failures of a stage are kept; `failure_count` counts all.
inline constexpr std::size_t kMaxKeptFailures = 100;

/// What a stage has done so far. Times are summed over its workers.
struct StageCounts {
  std::uint64_t items_in = 0;
  std::uint64_t items_out = 0;       // each counted once, however many stages read it
  std::uint64_t bytes = 0;           // read from or written to the outside: files, pipes, children
  std::chrono::nanoseconds busy{0};  // working, blocking calls included
  std::chrono::nanoseconds waiting_in{0};   // parked for want of input
  std::chrono::nanoseconds waiting_out{0};  // parked because a reader was slow
};

/// How full a channel was while it was read, as a share of its room: of the batches or of the bytes
/// that it holds, whichever was the fuller.
struct ChannelFill {
  std::size_t capacity = 0;  // batches
  double mean = 0;           // over time
  double most = 0;
};

struct StageOutcome {
  std::string name;
  StageState state = StageState::kWaiting;
  StageCounts counts;
  std::vector<ChannelFill> channels;  // in front of it and between its parts, in flow order; when
                                      // the run has ended, and of those that were read to the end
  std::uint64_t failure_count = 0;
  std::vector<Failure> failures;        // in the order in which they happened
  std::uint64_t let_go_count = 0;       // items that failed, and the stage did not
  std::vector<Failure> let_go;          // as many of them as are kept of failures
  std::uint64_t retry_count = 0;        // attempts beyond the first
  std::uint64_t up_to_date_count = 0;   // items whose command did not have to run; 1 without items
  std::chrono::nanoseconds started{0};  // since the start of the run; 0: never
  std::chrono::nanoseconds ended{0};    // likewise; with the run, if that left it in the middle
  int goroutines = 0;  // in which its widest part works, perhaps beside other stages; the others
                       // work for that one. 0: it never started

  /// True if it succeeded because there was nothing to do (jobs/exec/up_to_date.h).
  [[nodiscard]] bool is_up_to_date() const;
  /// Of its channels the one that was the fullest on average; nullptr: it has none.
  [[nodiscard]] const ChannelFill* fullest_channel() const;
};

/// to_string() of its state, but "up to date" for one that is.
[[nodiscard]] std::string_view state_word(const StageOutcome& stage);

enum class RunState : std::uint8_t {
  kSucceeded,    // every stage succeeded
  kFailed,       // at least one failed
  kUnfinished,   // none did, but some left work undone: the reader of its output had gone
  kInterrupted,  // stopped from outside before its end
  kTimedOut,     // stopped because the time for the whole run was up
  kDeadlocked,   // every goroutine was parked for good; `stuck` names them
};

/// "succeeded", "timed out", ...: the word for reports.
[[nodiscard]] std::string_view to_string(RunState state);

struct Outcome {
  RunState state = RunState::kSucceeded;
  std::vector<StageOutcome> stages;  // as in Graph::stages
  std::vector<std::string> stuck;    // one line a goroutine
  std::chrono::nanoseconds elapsed{0};

  /// True if some stage has a failure of this kind.
  [[nodiscard]] bool has_failure(FailureKind kind) const;
};

}  // namespace gorun::jobs
