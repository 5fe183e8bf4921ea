// jobs/exec/feeding.h - the goroutine that feeds a command.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "jobs/exec/item_feed.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"

namespace gorun::jobs {

/// If it is not awaited, the command is of no interest any more, and nor is what would come.
/// threads  the goroutine of one worker.
class Feeding {
 public:
  /// Puts all that there is to the feed. False: that it cannot, or the command takes no more.
  using PutAll = std::function<bool(ItemFeed&)>;

  /// want_no_more  ends a wait of `put_all` for more.
  /// Everything outlives it.
  Feeding(ItemFeed& feed, PutAll put_all, std::function<void()> want_no_more)
      : feed_(feed), put_all_(std::move(put_all)), want_no_more_(std::move(want_no_more)) {}
  ~Feeding() {
    if (is_joined_) return;
    want_no_more_();
    static_cast<void>(feed_.end());
    group_.wait();
  }
  Feeding(const Feeding&) = delete;
  Feeding& operator=(const Feeding&) = delete;

  /// label  outlives it.
  void begin(const std::string& label) {
    is_at_end_ = false;
    group_.go([this, &label] {
      runtime::set_label(label);
      if (!put_all_(feed_)) return;
      feed_.finish();
      is_at_end_ = true;
    });
  }
  /// True if it has put all that there was.
  [[nodiscard]] bool join() {
    group_.wait();
    is_joined_ = true;
    return is_at_end_;
  }

 private:
  ItemFeed& feed_;
  const PutAll put_all_;
  const std::function<void()> want_no_more_;
  runtime::WaitGroup group_;
  bool is_at_end_ = true;  // written by the goroutine, read after it
  bool is_joined_ = false;
};

}  // namespace gorun::jobs
