// jobs/exec/item_feed.h - items on their way to the standard input of one command.
//
// One goroutine put()s batches and parks while the pipe is full; another one, which drains what the
// command says, calls end() when the command has ended. What the command has not read is told from
// the bytes that still lie in the pipe, so that no item is lost in silence: a command that dies, or
// that closes its input, leaves the items behind it to be reported.
//
// Invariants (guarded by lock_, which is never held across a park)
//   I1  pending_ holds the batches of all items of which not every byte is known to have been read,
//       and the one of the last item that was.
//   I2  The pipe holds written_ less what has been read. Nothing is written once is_over_ is set.
// What a command has read into a buffer of its own and not looked at yet counts as read: nobody but
// the command can know better.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/batch.h"
#include "jobs/file_descriptor.h"
#include "jobs/item.h"
#include "jobs/stage.h"
#include "runtime/io.h"

namespace gorun::jobs {

/// threads  put() and finish() on one goroutine, the rest on another, at the same time.
class ItemFeed {
 public:
  /// pipe       our end of the command's standard input, a non-blocking one.
  /// delimiter  follows each item.
  ItemFeed(runtime::Fd pipe, char delimiter) : pipe_(std::move(pipe)), delimiter_(delimiter) {}

  /// Writes all items of the batch. false: the command takes no more; what of the batch it has not
  /// read, end() or refused() tells.
  [[nodiscard]] bool put(Batch&& batch);
  /// There are no more: the command reads the end of its input. Parks for a while where no
  /// descriptor is left.
  void finish();

  /// How far a command came that has ended.
  struct End {
    std::uint64_t read = 0;      // items of which it has read at least a byte
    std::optional<Item> last;    // of those, the last one
    std::vector<Item> unread{};  // those behind it, of which it has read nothing
  };
  /// Ends a put() that waits. The items live as long as this.
  [[nodiscard]] End end();
  /// The batch of a put() that came after end(), none of which was written.
  [[nodiscard]] std::optional<Batch> refused();

 private:
  struct Pending {
    Batch batch;
    std::uint64_t first = 0;          // where its first item begins in the stream
    std::vector<std::uint64_t> ends;  // where each item ends, its delimiter included
  };
  [[nodiscard]] std::string enter(Batch&& batch);
  [[nodiscard]] bool try_finish();
  [[nodiscard]] std::uint64_t bytes_read() const;
  void forget_read();

  runtime::Fd pipe_;
  FileDescriptor rest_;  // a reading end, from finish() on if something lies in the pipe then
  const char delimiter_;
  std::mutex lock_;
  std::deque<Pending> pending_;
  std::optional<Batch> refused_;
  std::uint64_t offered_ = 0;    // bytes of all items that were put
  std::uint64_t written_ = 0;    // to the pipe
  std::uint64_t forgotten_ = 0;  // items that are in pending_ no more
  bool is_over_ = false;
};

/// In front of the workers that feed: an item that holds the delimiter would become two, and fails.
[[nodiscard]] std::unique_ptr<Stage> make_delimiter_check(char delimiter);

}  // namespace gorun::jobs
