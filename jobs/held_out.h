// jobs/held_out.h - keeps what an attempt puts out until it is known to have succeeded.
//
// An attempt at an item that may be followed by another one must not send half a result: it would
// come twice. What is put into a HeldOut goes on with release(), or is dropped with it.
#pragma once

#include <utility>
#include <vector>

#include "jobs/batch.h"
#include "jobs/out.h"

namespace gorun::jobs {

/// threads  the goroutine of one worker. Memory: all that is put into it.
class HeldOut final : public Out {
 public:
  HeldOut() : Out(kBatchItems) {}

  /// Passes all on to `out`, in order.
  Flow release(Out& out) {
    static_cast<void>(flush());
    for (Batch& batch : held_) {
      if (out.send(std::move(batch)) == Flow::kStop) break;
    }
    held_.clear();
    return out.is_stopped() ? Flow::kStop : Flow::kMore;
  }

  /// Nobody waits for what may yet be dropped.
  [[nodiscard]] bool reader_is_idle() const override { return false; }

 protected:
  Flow deliver(Batch&& batch) override {
    held_.push_back(std::move(batch));
    return Flow::kMore;
  }
  Flow deliver_flush() override { return Flow::kMore; }

 private:
  std::vector<Batch> held_;
};

}  // namespace gorun::jobs
