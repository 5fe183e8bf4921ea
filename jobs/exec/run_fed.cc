// Of CommandRunner: one command that is fed many items, or all lines of a shard.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "jobs/exec/command_runner.h"
#include "jobs/exec/start_failure.h"
#include "runtime/blocking.h"
#include "runtime/io.h"

namespace gorun::jobs {
namespace {

std::string count_of(std::uint64_t count, const char* of_what) {
  return std::to_string(count) + " " + of_what + (count == 1 ? "" : "s");
}

}  // namespace

Flow CommandRunner::run_fed(std::optional<Batch> first, Out& out) {
  items_ = {};
  std::optional<Batch> next = std::move(first);
  do {
    if (run_one_fed(&next, out) == Flow::kStop) return Flow::kStop;
  } while (next);
  return Flow::kMore;
}

Flow CommandRunner::start_fed(std::optional<ChildPump>* pump, std::optional<ItemFeed>* feed) {
  if (is_left_undone()) return Flow::kStop;
  if (auto wrong = make_command()) {
    return context_.fail({.kind = FailureKind::kWork, .what = std::move(*wrong), .item = {}});
  }
  const auto not_started =
      runtime::blocking(runtime::Blocking::kBrief, [&] { return start(Item{}, pump); });
  if (not_started) return context_.fail(start_failure(*not_started));
  runtime::FdResult pipe = runtime::Fd::adopt(feed_pipe_.get());
  if (!pipe) return context_.fail(failure_of({"feed", pipe.error, command_.argv.front()}));
  static_cast<void>(feed_pipe_.release());
  feed->emplace(std::move(pipe.fd), options_.text("stdin_delimiter").front());
  return Flow::kMore;
}

// next  what the command is fed first; then, what another command is to be fed.
Flow CommandRunner::run_one_fed(std::optional<Batch>* next, Out& out) {
  std::optional<ChildPump> pump;
  std::optional<ItemFeed> feed;
  if (start_fed(&pump, &feed) == Flow::kStop) return Flow::kStop;
  Batch batch = next->has_value() ? std::move(**next) : Batch{};
  const auto put_all = [this, &batch](ItemFeed& to) {
    do {
      if (!to.put(std::move(batch))) return false;
    } while (context_.take(&batch));
    return true;
  };
  Feeding feeding(*feed, put_all, [this] { context_.want_no_more(); });
  if (*next) {
    feeding.begin(shared_.spec.name);
  } else {
    feed->finish();
  }
  next->reset();
  if (emit(*pump, Item{}, Batch{}, out) == Flow::kStop) return break_off(*pump);
  if (report_fed(pump->result(), feed->end(), next) == Flow::kStop) return Flow::kStop;
  const bool is_at_end = feeding.join();
  const bool has_failed = next->has_value();
  if (std::optional<Batch> refused = feed->refused()) {
    if (!has_failed) next->emplace();
    (*next)->keep_all(*refused);
    for (const Item& item : refused->items()) (*next)->push(item);
  }
  if (!has_failed) return is_at_end ? Flow::kMore : refuse_the_rest(next, pump->result());
  if ((*next)->empty() && (is_at_end || !context_.take(&**next))) next->reset();
  if (context_.is_draining()) next->reset();
  return Flow::kMore;
}

Flow CommandRunner::run_reducer(Feeding::PutAll put_all, int unreadable_fd, Out& out) {
  items_ = {};
  unreadable_fd_ = unreadable_fd;
  std::optional<ChildPump> pump;
  std::optional<ItemFeed> feed;
  if (start_fed(&pump, &feed) == Flow::kStop) return Flow::kStop;
  Feeding feeding(*feed, std::move(put_all), [] {});
  feeding.begin(shared_.spec.name);
  if (emit(*pump, Item{}, Batch{}, out) == Flow::kStop) return break_off(*pump);
  const ItemFeed::End end = feed->end();
  const bool has_read_all = feeding.join() && end.unread.empty();
  std::optional<Failure> failure;
  if (end_fed(pump->result(), &failure) == Flow::kStop) return Flow::kStop;
  if (!failure && has_read_all) return Flow::kMore;
  const std::string rest = has_read_all ? "" : ", with more unread";
  if (!failure) failure = failure_with(pump->result().message());
  failure->what += " after it had read " + count_of(end.read, "line") + rest;
  return context_.fail(std::move(*failure));
}

// What has come of a command that has ended; kStop: nothing that is to be told.
Flow CommandRunner::end_fed(const ChildResult& result, std::optional<Failure>* failure) {
  const auto [out_bytes, err_bytes] = runtime::blocking(runtime::Blocking::kBrief, [&] {
    return std::pair(command_.stdout_mode == StreamMode::kFile ? out_spool_.size() : 0,
                     command_.stderr_mode == StreamMode::kFile ? err_spool_.size() : 0);
  });
  context_.count_bytes(out_bytes + err_bytes);
  *failure = settle(judge(result), result);
  if (*failure) (*failure)->tail = last_lines_said(out_bytes, err_bytes);
  const auto error = show(result, out_bytes, err_bytes, nullptr);
  if (error && fail_to_write(*error) == Flow::kStop) return Flow::kStop;
  if (context_.is_cancelled()) return Flow::kStop;
  return was_cut_off(result) ? leave(result) : Flow::kMore;
}

// The same of the items that it was fed.
// next  of one that failed, and that was let go: what another one is to be fed first.
Flow CommandRunner::report_fed(const ChildResult& result, const ItemFeed::End& end,
                               std::optional<Batch>* next) {
  std::optional<Failure> failure;
  if (end_fed(result, &failure) == Flow::kStop) return Flow::kStop;
  return failure ? blame_last(std::move(*failure), end, next) : refuse(end.unread, result);
}

// The item that a command read last is the one to blame for its failure as long as the command has
// no buffer; if it read none, the one that it would have read.
Flow CommandRunner::blame_last(Failure failure, const ItemFeed::End& end,
                               std::optional<Batch>* next) {
  std::span<const Item> unread = end.unread;
  failure.what += " after it had read " + count_of(end.read, "item");
  if (!unread.empty()) failure.what += ", with " + std::to_string(unread.size()) + " more unread";
  Item blamed = end.last.value_or(Item{});
  if (!end.last && !unread.empty()) {
    blamed = unread.front();
    unread = unread.subspan(1);
  }
  if (context_.fail_item(blamed, failure) == Flow::kStop) return Flow::kStop;
  next->emplace();
  for (const Item& item : unread) (*next)->push_copy(item);
  return Flow::kMore;
}

Flow CommandRunner::refuse(std::span<const Item> items, const ChildResult& result) {
  const Failure failure = {
      .kind = FailureKind::kWork,
      .what = maker_.shown(command_) + ": " + result.message() + " before it had read the item",
      .item = {}};
  for (const Item& item : items) {
    if (context_.fail_item(item, failure) == Flow::kStop) return Flow::kStop;
  }
  return Flow::kMore;
}

// Of a command that has ended well: what comes behind what it was fed.
Flow CommandRunner::refuse_the_rest(std::optional<Batch>* next, const ChildResult& result) {
  std::optional<Batch> rest = std::exchange(*next, std::nullopt);
  Batch batch = rest ? std::move(*rest) : Batch{};
  do {
    if (refuse(batch.items(), result) == Flow::kStop) return Flow::kStop;
  } while (context_.take(&batch));
  return Flow::kMore;
}

}  // namespace gorun::jobs
