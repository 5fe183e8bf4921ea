// runtime/trace_json.cc - see trace_json.h.
//
// One pass over the events in the order of time, with the state of every P, M and goroutine at
// hand. The tracks of Ps and Ms are flat: a new state ends the last one ("X", complete events). The
// track of a goroutine is its life, and in it one state after the other ("b" and "e", nestable
// asynchronous events, with the goroutine's id). Events that do not fit the state (what came before
// was dropped) begin a state or are left out, so that slices always nest.
//
// Format: "Trace Event Format", Google, 2016: the JSON that Perfetto and chrome://tracing read.

#include "runtime/trace_json.h"

#include <bit>
#include <cstdio>
#include <map>
#include <optional>
#include <ostream>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "runtime/spawn_site.h"

namespace gorun::runtime {
namespace {

// Tracks are grouped by process.
constexpr int kPs = 1;
constexpr int kMs = 2;
constexpr int kGoroutines = 3;
constexpr int kUser = 4;

// Length of the valid UTF-8 sequence at the start of `text`; 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second >= 0xA0;
  const bool beyond = lead == 0xF4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

// `text` as a JSON string. Bytes that are no UTF-8 become U+FFFD.
std::string quoted(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto byte = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      json += "\\ufffd";
    } else if (byte == '"' || byte == '\\') {
      json += '\\';
      json += text[0];
    } else if (byte < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(byte));
      json += escape;
    } else {
      json += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return json + '"';
}

class Writer {
 public:
  Writer(const Recording& recording, std::ostream& out) : recording_(recording), out_(out) {
    if (recording.events.empty()) return;
    first_ = recording.events.front().time;
    last_ = recording.events.back().time;
    for (const TraceEvent& event : recording.events) learn_name(event);
  }

  void write() {
    out_ << "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"dropped_events\":" << recording_.dropped
         << "},\"traceEvents\":[";
    name_process(kPs, "Ps");
    name_process(kMs, "Ms");
    name_process(kGoroutines, "goroutines");
    name_process(kUser, "user");
    for (const TraceEvent& event : recording_.events) show(event);
    close_all();
    out_ << "\n]}\n";
  }

 private:
  struct Goroutine {
    std::string name;
    std::string site;
    bool alive = false;  // its life is open
    bool over = false;   // and closed again
    std::string state;   // the open state, or empty
    std::uint64_t ready_by = 0;
  };
  // What a P or an M is doing.
  struct Doing {
    std::string what;  // empty: nothing
    std::int64_t since = 0;
    std::uint64_t g = 0;
    std::uint64_t ready_by = 0;
  };
  struct UserTrack {
    std::vector<std::uint64_t> open;  // names, outermost first
  };

  // --- names ---

  void learn_name(const TraceEvent& event) {
    if (event.kind == TraceKind::kLabel) {
      goroutines_[event.g].name = "G" + std::to_string(event.g) + ' ' + recording_.names[event.arg];
    } else if (event.kind == TraceKind::kSpawn) {
      const auto site = SpawnSite::unpack(event.arg);
      const std::string_view path = site.file;
      Goroutine& g = goroutines_[event.g];
      g.site = std::string(path) + ':' + std::to_string(site.line);
      if (g.name.empty()) {
        g.name = "G" + std::to_string(event.g) + ' ' +
                 std::string(path.substr(path.rfind('/') + 1)) + ':' + std::to_string(site.line);
      }
    }
  }

  Goroutine& goroutine(std::uint64_t id) {
    Goroutine& g = goroutines_[id];
    if (g.name.empty()) g.name = "G" + std::to_string(id);
    return g;
  }

  // --- JSON ---

  std::string microseconds(std::int64_t ns) const {
    char text[40];
    std::snprintf(text, sizeof text, "%lld.%03lld", static_cast<long long>(ns / 1000),
                  static_cast<long long>(ns % 1000));
    return text;
  }

  // {"ph":"b","pid":3,"ts":1.000 and what follows
  std::ostream& event(const char* phase, int process, std::int64_t time) {
    out_ << (any_ ? ",\n" : "\n") << "{\"ph\":\"" << phase << "\",\"pid\":" << process
         << ",\"ts\":" << microseconds(time - first_);
    any_ = true;
    return out_;
  }

  void name_process(int process, const char* name) {
    event("M", process, first_) << ",\"name\":\"process_name\",\"args\":{\"name\":\"" << name
                                << "\"}}";
    event("M", process, first_) << ",\"name\":\"process_sort_index\",\"args\":{\"sort_index\":"
                                << process << "}}";
  }

  void async(const char* phase, std::uint64_t g, std::string_view name, std::int64_t time,
             const std::string& args = "{}") {
    event(phase, kGoroutines, time) << ",\"cat\":\"goroutine\",\"id\":" << g
                                    << ",\"name\":" << quoted(name) << ",\"args\":" << args << '}';
  }

  // --- flat tracks ---

  // Ends what `track` of `process` is doing.
  void end(int process, std::map<int, Doing>& tracks, int track, std::int64_t time,
           const char* why) {
    Doing& doing = tracks[track];
    if (doing.what.empty()) return;
    event("X", process, doing.since)
        << ",\"tid\":" << track << ",\"dur\":" << microseconds(time - doing.since)
        << ",\"name\":" << quoted(doing.what) << ",\"args\":{";
    if (process == kPs) {
      out_ << "\"goroutine\":" << doing.g << ",\"until\":" << quoted(why);
      if (doing.ready_by != 0) out_ << ",\"ready_by\":" << doing.ready_by;
    }
    out_ << "}}";
    doing = {};
  }

  Doing& begin(int process, std::map<int, Doing>& tracks, int track, std::int64_t time,
               const std::string& what) {
    if (!tracks.contains(track)) {
      event("M", process, first_) << ",\"tid\":" << track
                                  << ",\"name\":\"thread_name\",\"args\":{\"name\":\""
                                  << (process == kPs ? 'P' : 'M') << track << "\"}}";
    }
    end(process, tracks, track, time, "");
    tracks[track] = {what, time, 0, 0};
    return tracks[track];
  }

  // --- goroutines ---

  void enter_state(std::uint64_t id, const char* state, std::int64_t time) {
    Goroutine& g = goroutine(id);
    if (g.over) return;
    if (!g.alive) {
      const std::string site = g.site.empty() ? "" : "\"spawned\":" + quoted(g.site);
      async("b", id, g.name, g.site.empty() ? first_ : time, '{' + site + '}');
      g.alive = true;
    }
    if (g.state == state) return;
    leave_state(id, g, time);
    g.state = state;
    async("b", id, g.state, time);
  }
  void leave_state(std::uint64_t id, Goroutine& g, std::int64_t time) {
    if (!g.state.empty()) async("e", id, g.state, time);
    g.state.clear();
  }
  void end_life(std::uint64_t id, std::int64_t time) {
    Goroutine& g = goroutine(id);
    if (!g.alive || g.over) return;
    leave_state(id, g, time);
    async("e", id, g.name, time);
    g.over = true;
  }

  void runs(const TraceEvent& event) {
    Goroutine& g = goroutine(event.g);
    if (event.p >= 0) {
      Doing& doing = begin(kPs, ps_, event.p, event.time, g.name);
      doing.g = event.g;
      doing.ready_by = std::exchange(g.ready_by, 0);
    }
    enter_state(event.g, "running", event.time);
  }

  // `event.g` is off its P.
  void stops(const TraceEvent& event, const char* why) {
    if (event.p >= 0 && ps_[event.p].g == event.g) end(kPs, ps_, event.p, event.time, why);
  }

  // --- the user's ---

  void slice(const TraceEvent& event_of) {
    const std::uint64_t track = event_of.arg >> 32;
    const std::uint64_t name = event_of.arg & 0xFFFF'FFFF;
    std::vector<std::uint64_t>& open = user_[{track, event_of.g}].open;
    const bool begins = event_of.kind == TraceKind::kSliceBegin;
    if (!begins && open.empty()) return;  // it began before the trace
    user_slice(begins ? "b" : "e", track, event_of.g, name, event_of.time);
    begins ? open.push_back(name) : open.pop_back();
  }
  void user_slice(const char* phase, std::uint64_t track, std::uint64_t g, std::uint64_t name,
                  std::int64_t time) {
    event(phase, kUser, time) << ",\"cat\":" << quoted(recording_.names[track]) << ",\"id\":" << g
                              << ",\"name\":" << quoted(recording_.names[name])
                              << ",\"args\":{\"goroutine\":" << g << "}}";
  }

  // --- the events ---

  void show(const TraceEvent& e) {
    switch (e.kind) {
      case TraceKind::kSpawn:
        // Each Runtime counts from 1: the goroutine of that number in the last one is over.
        if (goroutine(e.g).over) goroutine(e.g).alive = goroutine(e.g).over = false;
        enter_state(e.g, "runnable", e.time);
        break;
      case TraceKind::kRun:
        runs(e);
        break;
      case TraceKind::kPark:
        stops(e, to_string(e.reason));
        enter_state(e.g, to_string(e.reason), e.time);
        break;
      case TraceKind::kYield:
        stops(e, "yield");
        if (ms_[e.m].what == kBlockingCall) end(kMs, ms_, e.m, e.time, "");
        enter_state(e.g, "runnable", e.time);
        break;
      case TraceKind::kReady:
        goroutine(e.g).ready_by = e.arg;
        enter_state(e.g, "runnable", e.time);
        break;
      case TraceKind::kEnd:
        stops(e, "end");
        end_life(e.g, e.time);
        break;
      case TraceKind::kBlock:
        begin(kMs, ms_, e.m, e.time, kBlockingCall);
        enter_state(e.g, kBlockingCall, e.time);
        break;
      case TraceKind::kUnblock:
        if (e.p >= 0 && ms_[e.m].what == kBlockingCall) hold(e);
        if (e.p >= 0 && ps_[e.p].g != e.g) runs(e);
        enter_state(e.g, "running", e.time);
        break;
      case TraceKind::kTakeP:
        hold(e);
        break;
      case TraceKind::kDropP:
        end(kPs, ps_, e.p, e.time, "the P was handed off");
        if (ms_[e.m].what != kBlockingCall) end(kMs, ms_, e.m, e.time, "");
        break;
      case TraceKind::kSteal:
        event("i", kPs, e.time) << ",\"tid\":" << e.p << ",\"s\":\"t\",\"name\":\"steal\""
                                << ",\"args\":{\"from\":" << e.arg << "}}";
        break;
      case TraceKind::kLabel:
        break;  // learned before
      case TraceKind::kSliceBegin:
      case TraceKind::kSliceEnd:
        slice(e);
        break;
      case TraceKind::kCounter:
        event("C", kUser, e.time) << ",\"name\":" << quoted(recording_.names[e.arg])
                                  << ",\"args\":{\"value\":" << std::bit_cast<std::int64_t>(e.g)
                                  << "}}";
        break;
    }
  }

  void hold(const TraceEvent& e) { begin(kMs, ms_, e.m, e.time, 'P' + std::to_string(e.p)); }

  void close_all() {
    for (auto& [p, doing] : ps_) end(kPs, ps_, p, last_, "the end of the trace");
    for (auto& [m, doing] : ms_) end(kMs, ms_, m, last_, "");
    for (auto& [key, track] : user_) {
      for (; !track.open.empty(); track.open.pop_back()) {
        user_slice("e", key.first, key.second, track.open.back(), last_);
      }
    }
    for (auto& [id, g] : goroutines_) end_life(id, last_);
  }

  static constexpr const char* kBlockingCall = "blocking call";

  const Recording& recording_;
  std::ostream& out_;
  std::int64_t first_ = 0, last_ = 0;
  bool any_ = false;
  std::unordered_map<std::uint64_t, Goroutine> goroutines_;
  std::map<int, Doing> ps_, ms_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, UserTrack> user_;  // by track and goroutine
};

}  // namespace

void write_trace_json(const Recording& recording, std::ostream& out) {
  Writer(recording, out).write();
}

}  // namespace gorun::runtime
