// runtime/trace.h - a record of what the scheduler did, to be looked at in ui.perfetto.dev.
//
//   trace::start();
//   rt.run(...);
//   if (std::error_code failed = trace::stop("run.json")) ...
//
// The picture has four groups of tracks:
//   Ps          one track a P: which goroutine ran when, why it stopped, who had made it ready
//   Ms          one track a thread: which P it held, when it was in a blocking call
//   goroutines  one track a goroutine: its life, cut into running, runnable, and what it waited for
//   user        slices and counters that the program adds: stages, items, how full a channel is
//
// Every thread notes events in a ring of its own, 32 bytes each; when a ring is full the oldest are
// dropped, so that a trace of a long run shows its end. Nothing is paid while nobody traces but one
// branch at each scheduling decision, some 25 ns at each while somebody does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <system_error>

namespace gorun::runtime::trace {

struct Options {
  std::size_t events_per_thread = std::size_t{1}
                                  << 17;  // 4 MiB, of which only what is used is real
};

/// Begins a trace. Before a run or during it; aborts if there is one already. threads: any.
void start(Options options = {});

/// Is there a trace? Only a hint unless the caller itself starts and stops it. threads: any.
[[nodiscard]] bool is_on();

/// Ends the trace and writes it as JSON ("traceEvents" of the Trace Event Format). What is still
/// going on is shown as ending now. Aborts without a trace. The stream's state tells of errors. May
/// block its thread: a goroutine calls it inside a blocking section, or after the run. threads:
/// any.
void stop(std::ostream& out);

/// The same into a file, made or emptied. returns the error if that cannot be done; the trace is
/// lost then.
[[nodiscard]] std::error_code stop(const std::string& path);

/// A name for slices, tracks and counters: the text is kept once, for good. Make it outside loops.
/// threads: any.
class Name {
 public:
  explicit Name(std::string_view text);
  [[nodiscard]] std::uint32_t number() const { return number_; }

 private:
  std::uint32_t number_;
};

/// The calling goroutine has a label now: called by set_label().
void label_caller(std::string_view label);

/// Shows the time from the first call to the second, which names the same, on `track`. Slices of
/// one goroutine nest; those of several goroutines on one track are drawn below each other. May
/// park in between. What begins outside of goroutines counts as that of goroutine 0.
void begin_slice(Name track, Name name);
void end_slice(Name track, Name name);

/// The same for a scope.
class Slice {
 public:
  Slice(Name track, Name name) : track_(track), name_(name) { begin_slice(track, name); }
  ~Slice() { end_slice(track_, name_); }
  Slice(const Slice&) = delete;
  Slice& operator=(const Slice&) = delete;

 private:
  Name track_;
  Name name_;
};

/// Draws `value` as of now in the curve called `series`. threads: any.
void counter(Name series, std::int64_t value);

}  // namespace gorun::runtime::trace
