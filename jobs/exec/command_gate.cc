#include "jobs/exec/command_gate.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include "jobs/file_descriptor.h"
#include "runtime/on_cancel.h"
#include "runtime/select.h"

namespace gorun::jobs {
namespace {

// A command that was started shows in the number of running processes after so long.
constexpr runtime::Nanos kSettling{20'000'000};
// The next look at a machine that is too busy: a command takes longer than this is late.
constexpr runtime::Nanos kPause{100'000'000};

// The beginning of a file of /proc; empty if it cannot be read.
std::string_view read_start(const char* path, std::array<char, 4096>* buffer) {
  const FileDescriptor file(::open(path, O_RDONLY | O_CLOEXEC));
  const ssize_t got = file.is_open() ? ::read(file.get(), buffer->data(), buffer->size()) : 0;
  return {buffer->data(), static_cast<std::size_t>(got > 0 ? got : 0)};
}

template <class Number>
std::optional<Number> number_at(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::optional<Number>(number) : std::nullopt;
}

// "0.20 0.18 0.12 3/80 11206": three processes run, one of which has just read this.
std::optional<double> running_processes() {
  std::array<char, 4096> buffer;
  std::string_view text = read_start("/proc/loadavg", &buffer);
  for (int field = 0; field < 3 && !text.empty(); ++field) {
    text.remove_prefix(std::min(text.find(' ') + 1, text.size()));
  }
  const auto running = number_at<std::int64_t>(text);
  return running ? std::optional<double>(static_cast<double>(*running - 1)) : std::nullopt;
}

std::optional<std::int64_t> available_memory() {
  constexpr std::string_view kKey = "MemAvailable:";
  std::array<char, 4096> buffer;
  const std::string_view text = read_start("/proc/meminfo", &buffer);
  const std::size_t at = text.find(kKey);
  if (at == std::string_view::npos) return std::nullopt;
  const auto kib = number_at<std::int64_t>(text.substr(at + kKey.size()));
  return kib ? std::optional<std::int64_t>(*kib * 1024) : std::nullopt;
}

}  // namespace

MachineState machine_state() {
  return {.running = running_processes, .available_memory = available_memory};
}

CommandGate::CommandGate(const Limits& limits, Jobserver* jobserver, MachineState machine)
    : limits_(limits), jobserver_(jobserver), machine_(std::move(machine)) {}

void CommandGate::open() {
  if (jobserver_ == nullptr) return;
  const int copy = ::fcntl(jobserver_->wait_fd(), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) throw std::system_error(errno, std::generic_category(), "make's jobserver");
  tokens_ = std::move(runtime::Fd::adopt(copy).fd);
}

bool CommandGate::is_open() {
  if (!limits_.any() || running_.load(std::memory_order_acquire) == 0) return true;
  if (limits_.memfree) {
    const auto available = machine_.available_memory();
    if (available && *available < *limits_.memfree) return false;
  }
  if (!limits_.max_load) return true;
  if (runtime::now() - last_start_ >= kSettling) starts_unsettled_ = 0;
  const auto running = machine_.running();
  return !running || *running + static_cast<double>(starts_unsettled_) < *limits_.max_load;
}

// The last command's end opens the gate at once, whatever the load.
bool CommandGate::wait_until_open(const runtime::Cancel& cancel) {
  while (!is_open()) {
    const auto woken = runtime::select(runtime::recv_case(idle_), runtime::recv_case(cancel.done()),
                                       runtime::timeout_case(kPause));
    if (woken.index == 1) return false;
  }
  return !cancel.is_cancelled();
}

// Whoever gives our own slot back, and a cancellation, move the deadline of this wait.
std::optional<Jobserver::Token> CommandGate::wait_for_token(const runtime::Cancel& cancel) {
  Jobserver::Token token;
  if (jobserver_->try_take(&token) == Jobserver::Taken::kToken) return token;
  const runtime::OnCancel watch(cancel, [this] { tokens_.set_read_deadline(runtime::Nanos{0}); });
  for (;;) {
    tokens_.set_read_deadline(runtime::kNoDeadline);
    if (cancel.is_cancelled()) return std::nullopt;
    if (jobserver_->try_take(&token) == Jobserver::Taken::kToken) return token;
    (void)tokens_.wait_readable();
  }
}

std::optional<CommandGate::Permit> CommandGate::pass(WithToken with_token,
                                                     const runtime::Cancel& cancel) {
  if (turn_.acquire_or_cancelled(cancel) == runtime::AcquireEnd::kCancelled) return std::nullopt;
  std::optional<Permit> permit;
  if (wait_until_open(cancel)) permit.emplace();
  if (permit && with_token == WithToken::kYes && jobserver_ != nullptr) {
    permit->token = wait_for_token(cancel);
    if (!permit->token) permit.reset();
  }
  if (permit) {
    running_.fetch_add(1, std::memory_order_acq_rel);
    last_start_ = runtime::now();
    ++starts_unsettled_;
  }
  turn_.release();
  return permit;
}

void CommandGate::leave(const Permit& permit) {
  if (permit.token) {
    jobserver_->give_back(*permit.token);
    if (permit.token->is_own) tokens_.set_read_deadline(runtime::Nanos{0});
  }
  if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    static_cast<void>(idle_.try_send({}));
  }
}

}  // namespace gorun::jobs
