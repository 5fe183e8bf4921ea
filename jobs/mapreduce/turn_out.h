// jobs/mapreduce/turn_out.h - what several goroutines make side by side, put out one after the
// other.
//
// Until it is its turn, each keeps what it makes, up to a limit, and then waits. The one whose turn
// it is waits for none of the others, so there is always one that goes on.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "jobs/batch.h"
#include "jobs/out.h"
#include "runtime/chan.h"

namespace gorun::jobs {

/// threads  one goroutine for each; it comes to its end there, after all those before it.
class TurnOut final : public Out {
 public:
  /// Closed when the turn of somebody is over.
  using Turn = runtime::Chan<runtime::Unit>;

  /// out         that of all; for whoever's turn it is.
  /// before      of the one before it, which has been closed if there is none.
  /// mine        not closed yet.
  /// most_bytes  that it keeps, but for one batch.
  TurnOut(Out& out, Turn before, Turn mine, std::size_t most_bytes)
      : Out(kBatchItems),
        out_(out),
        before_(std::move(before)),
        mine_(std::move(mine)),
        most_bytes_(most_bytes) {}
  ~TurnOut() override {
    await_turn();
    mine_.close();
  }

  /// Waits for its turn, and passes on what it has kept.
  Flow finish() {
    static_cast<void>(flush());
    await_turn();
    return release();
  }

  [[nodiscard]] bool reader_is_idle() const override {
    return is_my_turn_ && out_.reader_is_idle();
  }

 protected:
  Flow deliver(Batch&& batch) override {
    kept_bytes_ += batch.bytes();
    kept_.push_back(std::move(batch));
    if (before_.is_closed() || kept_bytes_ > most_bytes_) await_turn();
    return is_my_turn_ ? release() : Flow::kMore;
  }
  Flow deliver_flush() override { return is_my_turn_ ? out_.flush() : Flow::kMore; }

 private:
  // The receive orders what the one before did with the Out before what this one does.
  void await_turn() {
    if (!is_my_turn_) static_cast<void>(before_.recv());
    is_my_turn_ = true;
  }

  Flow release() {
    for (Batch& batch : kept_) {
      if (out_.send(std::move(batch)) == Flow::kStop) break;
    }
    kept_.clear();
    kept_bytes_ = 0;
    return out_.is_stopped() ? Flow::kStop : Flow::kMore;
  }

  Out& out_;
  Turn before_;
  Turn mine_;
  const std::size_t most_bytes_;
  bool is_my_turn_ = false;
  std::vector<Batch> kept_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace gorun::jobs
