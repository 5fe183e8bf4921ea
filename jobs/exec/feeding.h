// jobs/exec/feeding.h - the goroutine that feeds a command.
#pragma once

#include <string>
#include <utility>

#include "jobs/batch.h"
#include "jobs/exec/item_feed.h"
#include "jobs/stage.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"

namespace gorun::jobs {

/// If it is not awaited, the command is of no interest any more, and nor is what would come.
/// threads  the goroutine of one worker.
class Feeding {
 public:
  /// Both outlive it.
  Feeding(ItemFeed& feed, Context& context) : feed_(feed), context_(context) {}
  ~Feeding() {
    if (is_joined_) return;
    context_.want_no_more();
    static_cast<void>(feed_.end());
    group_.wait();
  }
  Feeding(const Feeding&) = delete;
  Feeding& operator=(const Feeding&) = delete;

  /// label  outlives it.
  void begin(Batch first, const std::string& label) {
    is_at_end_ = false;
    group_.go([this, &label, batch = std::move(first)]() mutable {
      runtime::set_label(label);
      do {
        if (!feed_.put(std::move(batch))) return;
      } while (context_.take(&batch));
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
  Context& context_;
  runtime::WaitGroup group_;
  bool is_at_end_ = true;  // written by the goroutine, read after it
  bool is_joined_ = false;
};

}  // namespace gorun::jobs
