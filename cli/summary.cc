#include "cli/summary.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <utility>

#include "jobs/format/json_text.h"
#include "jobs/version.h"

namespace gorun::cli {
namespace {

using jobs::FailureCause;

std::string_view word_of(FailureCause cause) {
  switch (cause) {
    case FailureCause::kOther:
      return "other";
    case FailureCause::kTimeout:
      return "timeout";
    case FailureCause::kExit:
      return "exit";
    case FailureCause::kSignal:
      return "signal";
    case FailureCause::kStatus:
      return "status";
    case FailureCause::kNetwork:
      return "network";
    case FailureCause::kIo:
      return "io";
  }
  return "other";
}

// JSON, member by member; commas come by themselves.
class Writer {
 public:
  explicit Writer(const jobs::Secrets& secrets) : secrets_(secrets) {}

  void open(char bracket) {
    begin();
    out_ += bracket;
    is_first_ = true;
  }
  void close(char bracket) {
    out_ += bracket;
    is_first_ = false;
  }
  /// The name of the member that follows.
  void name(std::string_view key) {
    begin();
    out_.append("\"").append(key).append("\": ");
    is_first_ = true;
  }
  void text(std::string_view bytes) {
    begin();
    jobs::append_json_string(secrets_.masked(std::string(bytes)), &out_);
  }
  void number(std::string_view digits) {
    begin();
    out_ += digits;
  }

  void member(std::string_view key, std::string_view bytes) {
    name(key);
    text(bytes);
  }
  void member(std::string_view key, std::uint64_t count) {
    name(key);
    number(std::to_string(count));
  }
  void member(std::string_view key, std::chrono::nanoseconds time) {
    char seconds[40];
    std::snprintf(seconds, sizeof seconds, "%.6f", std::chrono::duration<double>(time).count());
    name(key);
    number(seconds);
  }
  void member(std::string_view key, double share) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.4f", share);
    name(key);
    number(digits);
  }
  void line() {
    if (!is_first_) out_ += ',';
    out_ += '\n';
    is_first_ = true;
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void begin() {
    if (!is_first_) out_ += ", ";
    is_first_ = false;
  }

  const jobs::Secrets& secrets_;
  std::string out_;
  bool is_first_ = true;  // of what is open, or of a line
};

void write_failures(std::string_view name, const std::vector<jobs::Failure>& failures,
                    Writer* out) {
  out->name(name);
  out->open('[');
  for (const jobs::Failure& failure : failures) {
    out->open('{');
    out->member("what", failure.what);
    out->member("item", failure.item);
    out->member("cause", word_of(failure.cause));
    out->member("code", static_cast<std::uint64_t>(failure.code));
    out->member("attempts", static_cast<std::uint64_t>(failure.attempts));
    out->member("tail", failure.tail);
    out->close('}');
  }
  out->close(']');
}

void write_channels(const std::vector<jobs::ChannelFill>& channels, Writer* out) {
  out->name("channels");
  out->open('[');
  for (const jobs::ChannelFill& channel : channels) {
    out->open('{');
    out->member("capacity", static_cast<std::uint64_t>(channel.capacity));
    out->member("mean_fill", channel.mean);
    out->member("max_fill", channel.most);
    out->close('}');
  }
  out->close(']');
}

void write_stage(const jobs::StageSpec& spec, const jobs::StageOutcome& stage, Writer* out) {
  out->open('{');
  out->member("name", stage.name);
  out->member("kind", spec.kind->name);
  out->member("state", jobs::state_word(stage));
  out->member("started_s", stage.started);
  out->member("ended_s", stage.ended);
  out->member("items_in", stage.counts.items_in);
  out->member("items_out", stage.counts.items_out);
  out->member("bytes", stage.counts.bytes);
  out->member("busy_s", stage.counts.busy);
  out->member("no_input_s", stage.counts.waiting_in);
  out->member("slow_reader_s", stage.counts.waiting_out);
  write_channels(stage.channels, out);
  out->member("retries", stage.retry_count);
  out->member("up_to_date", stage.up_to_date_count);
  out->member("failed", stage.failure_count);
  out->member("let_go", stage.let_go_count);
  write_failures("failures", stage.failures, out);
  write_failures("let_go_failures", stage.let_go, out);
  out->close('}');
}

}  // namespace

std::string summary_text(const jobs::Graph& graph, const jobs::Outcome& outcome) {
  Writer out(graph.secrets);
  out.open('{');
  out.member("gorun", jobs::kVersion);
  out.member("name", graph.name);
  out.member("state", jobs::to_string(outcome.state));
  out.member("elapsed_s", outcome.elapsed);
  out.line();
  out.name("stages");
  out.open('[');
  for (std::size_t i = 0; i < outcome.stages.size(); ++i) {
    out.line();
    write_stage(graph.stages[i], outcome.stages[i], &out);
  }
  out.close(']');
  out.line();
  out.name("left_out");
  out.open('[');
  for (const jobs::LeftOut& left : graph.left_out) {
    out.open('{');
    out.member("name", left.name);
    out.member("why", left.why);
    out.close('}');
  }
  out.close(']');
  out.line();
  out.name("stuck");
  out.open('[');
  for (const std::string& line : outcome.stuck) out.text(line);
  out.close(']');
  out.close('}');
  return out.take() + "\n";
}

}  // namespace gorun::cli
