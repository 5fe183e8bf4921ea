#include "jobs/exec/item_feed.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <utility>

#include "runtime/timer.h"

namespace gorun::jobs {
namespace {

// Between two looks at whether an input can be ended.
constexpr runtime::Nanos kFirstPause = std::chrono::milliseconds(1);
constexpr runtime::Nanos kLongestPause = std::chrono::milliseconds(50);

class DelimiterCheck final : public Operator {
 public:
  DelimiterCheck(char delimiter, Context& context) : delimiter_(delimiter), context_(context) {}
  Flow process(Batch&& batch, Out& out) override {
    std::size_t kept = 0;
    for (const Item& item : batch.items()) {
      if (item.text.find(delimiter_) == std::string_view::npos) {
        batch.items()[kept++] = item;
        continue;
      }
      const Failure failure = {.kind = FailureKind::kWork,
                               .what =
                                   "the item holds the byte that ends an item on the input of "
                                   "the command; \"stdin_delimiter\" chooses another one"};
      if (context_.fail_item(item, failure) == Flow::kStop) return Flow::kStop;
    }
    batch.truncate(kept);
    return kept == 0 ? Flow::kMore : out.send(std::move(batch));
  }

 private:
  const char delimiter_;
  Context& context_;
};

class DelimiterCheckStage final : public Stage {
 public:
  explicit DelimiterCheckStage(char delimiter) : delimiter_(delimiter) {}
  [[nodiscard]] StageTraits traits() const override { return {.fuses = true, .scales = true}; }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<DelimiterCheck>(delimiter_, context);
  }

 private:
  const char delimiter_;
};

}  // namespace

std::unique_ptr<Stage> make_delimiter_check(char delimiter) {
  return std::make_unique<DelimiterCheckStage>(delimiter);
}

// The bytes of a batch in one text: a write for each item would cost more than the copy.
std::string ItemFeed::enter(Batch&& batch) {
  Pending entry;
  entry.first = offered_;
  entry.ends.reserve(batch.size());
  std::string bytes;
  bytes.reserve(batch.text_bytes() + batch.size());
  for (const Item& item : batch.items()) {
    bytes.append(item.text).push_back(delimiter_);
    entry.ends.push_back(offered_ + bytes.size());
  }
  offered_ += bytes.size();
  entry.batch = std::move(batch);
  pending_.push_back(std::move(entry));
  return bytes;
}

bool ItemFeed::put(Batch&& batch) {
  if (batch.empty()) return true;
  std::string bytes;
  {
    const std::lock_guard<std::mutex> hold(lock_);
    if (is_over_) {
      refused_ = std::move(batch);
      return false;
    }
    forget_read();
    bytes = enter(std::move(batch));
  }
  for (std::string_view rest = bytes; !rest.empty();) {
    int error = 0;
    {
      const std::lock_guard<std::mutex> hold(lock_);
      if (is_over_) return false;
      const ssize_t wrote = ::write(pipe_.get(), rest.data(), rest.size());
      error = wrote < 0 ? errno : 0;
      if (wrote > 0) {
        written_ += static_cast<std::uint64_t>(wrote);
        rest.remove_prefix(static_cast<std::size_t>(wrote));
      }
    }
    if (error == 0 || error == EINTR) continue;
    // EPIPE: nobody holds the other end any more.
    if (error != EAGAIN || !pipe_.wait_writable()) return false;
  }
  return true;
}

void ItemFeed::finish() {
  for (runtime::Nanos pause = kFirstPause; !try_finish();
       pause = std::min(2 * pause, kLongestPause)) {
    runtime::sleep(pause);
  }
}

// The last writer's end makes the command see the end of its input, and takes the count of what
// lies in the pipe away with it; a reading end of our own keeps that. Where there is none, for want
// of descriptors or of /proc, the end waits until the command has read all: it cannot see it
// before.
bool ItemFeed::try_finish() {
  const std::lock_guard<std::mutex> hold(lock_);
  if (is_over_) return true;
  forget_read();
  if (bytes_read() < written_) {
    const std::string name = "/proc/self/fd/" + std::to_string(pipe_.get());
    rest_ = FileDescriptor(::open(name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!rest_.is_open()) return false;
  }
  (void)pipe_.close();
  return true;
}

std::uint64_t ItemFeed::bytes_read() const {
  const int fd = rest_.is_open() ? rest_.get() : pipe_.get();
  int in_pipe = 0;
  if (fd < 0 || ::ioctl(fd, FIONREAD, &in_pipe) != 0) return written_;
  return written_ - static_cast<std::uint64_t>(in_pipe);
}

void ItemFeed::forget_read() {
  const std::uint64_t read = bytes_read();
  // The item that was read last may be in the first batch as long as none of the second was read.
  while (pending_.size() > 1 && pending_[1].first < read) {
    forgotten_ += pending_.front().ends.size();
    pending_.pop_front();
  }
}

ItemFeed::End ItemFeed::end() {
  const std::lock_guard<std::mutex> hold(lock_);
  is_over_ = true;
  End end;
  end.read = forgotten_;
  const std::uint64_t read = bytes_read();
  for (const Pending& entry : pending_) {
    std::uint64_t begin = entry.first;
    for (std::size_t i = 0; i < entry.ends.size(); ++i) {
      const Item& item = entry.batch.items()[i];
      if (begin < read) {
        ++end.read;
        end.last = item;
      } else {
        end.unread.push_back(item);
      }
      begin = entry.ends[i];
    }
  }
  (void)pipe_.close();  // wakes a put() that waits
  rest_.close();
  return end;
}

std::optional<Batch> ItemFeed::refused() {
  const std::lock_guard<std::mutex> hold(lock_);
  return std::exchange(refused_, std::nullopt);
}

}  // namespace gorun::jobs
