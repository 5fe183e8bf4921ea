#include "jobs/worker.h"

#include <algorithm>
#include <utility>

namespace gorun::jobs {

StageClock::Account* StageClock::switch_to(Account* account) {
  const runtime::Nanos now = runtime::now();
  if (account_ != nullptr) {
    account_->fetch_add((now - since_).count(), std::memory_order_relaxed);  // statistics
  }
  since_ = now;
  return std::exchange(account_, account);
}

ShardInboxes::ShardInboxes(std::size_t shards, std::size_t capacity) {
  for (std::size_t i = 0; i < shards; ++i) chans_.emplace_back(capacity);
}

void ShardInboxes::close() {
  if (closed_.exchange(true, std::memory_order_acq_rel)) return;
  for (runtime::Chan<ParcelPtr>& chan : chans_) chan.close();
}

// One node of the chain in one goroutine.
struct Worker::Link {
  PlanNode* node = nullptr;
  StageCell* cell = nullptr;
  std::unique_ptr<Context> context;
  std::unique_ptr<Producer> producer;
  std::unique_ptr<Operator> op;
  std::unique_ptr<Out> out;

  void count_in(std::size_t items) const {
    if (node->is_first) cell->items_in.fetch_add(items, std::memory_order_relaxed);
  }
  void count_out(std::size_t items) const {
    if (node->is_last) cell->items_out.fetch_add(items, std::memory_order_relaxed);
  }
};

class Worker::LinkContext final : public Context {
 public:
  LinkContext(const Surroundings& where, std::size_t stage) : where_(where), stage_(stage) {}

  [[nodiscard]] int procs() const override { return where_.procs; }
  [[nodiscard]] const Environment& environment() const override { return where_.run.graph().env; }
  [[nodiscard]] std::string_view run_status() const override {
    return where_.run.has_failed() ? "failure" : "success";
  }
  [[nodiscard]] bool is_cancelled() const override { return where_.is_stopped(); }
  [[nodiscard]] int cancel_fd() const override { return where_.run.stop_fd(where_.scope()); }
  Flow fail(Failure failure) override {
    where_.run.fail(stage_, std::move(failure));
    return Flow::kStop;
  }
  void count_bytes(std::uint64_t bytes) override {
    where_.run.cell(stage_).bytes.fetch_add(bytes, std::memory_order_relaxed);
  }
  [[nodiscard]] bool siblings_are_idle() const override {
    return where_.chain.workers > 1 && where_.inbox->is_empty();
  }
  [[nodiscard]] bool offer(Batch& batch) override {
    // The items come in once more.
    const std::uint64_t items = batch.size();
    if (!where_.inbox->try_put(batch)) return false;
    where_.run.cell(stage_).items_in.fetch_sub(items, std::memory_order_relaxed);
    return true;
  }
  [[nodiscard]] std::size_t shard_count() const override { return where_.shards->size(); }
  Flow hand_over(std::size_t shard, ParcelPtr parcel) override {
    const runtime::ChanStatus sent = (*where_.shards)[shard].send(std::move(parcel));
    return sent == runtime::ChanStatus::kOk ? Flow::kMore : Flow::kStop;
  }

 private:
  const Surroundings& where_;
  const std::size_t stage_;
};

// The next operator of the same goroutine.
class Worker::NextOut final : public Out {
 public:
  NextOut(Link& from, Link& to, StageClock& clock)
      : Out(kBatchItems), from_(from), to_(to), clock_(clock) {}

  [[nodiscard]] bool reader_is_idle() const override { return to_.out->reader_is_idle(); }

 protected:
  Flow deliver(Batch&& batch) override {
    from_.count_out(batch.size());
    to_.count_in(batch.size());
    StageClock::Account* mine = clock_.switch_to(&to_.cell->busy_ns);
    const Flow flow = to_.op->process(std::move(batch), *to_.out);
    clock_.switch_to(mine);
    return flow;
  }
  Flow deliver_flush() override { return to_.out->flush(); }

 private:
  Link& from_;
  Link& to_;
  StageClock& clock_;
};

// The inboxes of the chain's readers; without any, items are counted and dropped.
class Worker::ReadersOut final : public Out {
 public:
  ReadersOut(Link& from, const std::vector<Inbox*>& readers, StageClock& clock, PoolPlaces& places)
      : Out(wanted_items(readers)),
        from_(from),
        readers_(readers),
        clock_(clock),
        places_(places) {}

  [[nodiscard]] bool reader_is_idle() const override {
    return std::ranges::any_of(readers_, [](const Inbox* inbox) { return inbox->is_empty(); });
  }

 protected:
  Flow deliver(Batch&& batch) override {
    from_.count_out(batch.size());
    if (readers_.empty()) return Flow::kMore;
    // One reader that has enough does not end what the others still read.
    bool wanted = false;
    for (std::size_t i = 0; i + 1 < readers_.size(); ++i) {
      wanted = put(*readers_[i], batch.duplicate()) == Flow::kMore || wanted;
    }
    wanted = put(*readers_.back(), std::move(batch)) == Flow::kMore || wanted;
    return wanted ? Flow::kMore : Flow::kStop;
  }
  Flow deliver_flush() override { return Flow::kMore; }

 private:
  static std::size_t wanted_items(const std::vector<Inbox*>& readers) {
    std::size_t most = 1;
    for (const Inbox* inbox : readers) most = std::max(most, inbox->batch_items());
    return readers.empty() ? kBatchItems : most;
  }
  Flow put(Inbox& inbox, Batch&& batch) {
    if (places_.is_held()) return put_without_places(inbox, std::move(batch));
    if (inbox.has_room()) return inbox.put(std::move(batch));
    StageClock::Account* mine = clock_.switch_to(&from_.cell->waiting_out_ns);
    const Flow flow = inbox.put(std::move(batch));
    clock_.switch_to(mine);
    return flow;
  }
  // has_room() is a hint, and whoever parks must not hold places of a pool.
  Flow put_without_places(Inbox& inbox, Batch&& batch) {
    if (batch.size() <= inbox.batch_items() && inbox.try_put(batch)) return Flow::kMore;
    StageClock::Account* mine = clock_.switch_to(&from_.cell->waiting_out_ns);
    places_.give_back();
    const Flow flow = inbox.put(std::move(batch));
    places_.take();
    clock_.switch_to(mine);
    return flow;
  }

  Link& from_;
  const std::vector<Inbox*>& readers_;
  StageClock& clock_;
  PoolPlaces& places_;
};

void PoolPlaces::take() {
  if (where_.pool == nullptr || is_held_) return;
  where_.pool->acquire(where_.chain.weight);
  is_held_ = true;
}

void PoolPlaces::give_back() {
  if (!is_held_) return;
  is_held_ = false;
  where_.pool->release(where_.chain.weight);
}

Worker::Worker(const Surroundings& where) : where_(where), places_(where) {
  for (const std::size_t n : where_.chain.nodes) {
    auto link = std::make_unique<Link>();
    link->node = &where_.plan.nodes[n];
    link->cell = &where_.run.cell(link->node->stage);
    link->context = std::make_unique<LinkContext>(where_, link->node->stage);
    if (link->node->work->is_source()) {
      link->producer = link->node->work->make_producer(*link->context);
    } else {
      link->op = link->node->work->make_operator(*link->context);
    }
    links_.push_back(std::move(link));
  }
  for (std::size_t i = 0; i + 1 < links_.size(); ++i) {
    links_[i]->out = std::make_unique<NextOut>(*links_[i], *links_[i + 1], clock_);
  }
  links_.back()->out =
      std::make_unique<ReadersOut>(*links_.back(), where_.readers, clock_, places_);
}

Worker::~Worker() = default;

Out& Worker::last_out() const { return *links_.back()->out; }

// A stop on the way down is not forgotten: the next emit says it again.
void Worker::flush() { static_cast<void>(links_.front()->out->flush()); }

void Worker::consume() {
  Link& head = *links_.front();
  Batch batch;
  for (;;) {
    Inbox::Taken taken = where_.inbox->try_take(&batch);
    if (taken == Inbox::Taken::kNothing) {
      flush();
      clock_.switch_to(&head.cell->waiting_in_ns);
      taken = where_.inbox->take(&batch);
      clock_.switch_to(&head.cell->busy_ns);
    }
    if (taken == Inbox::Taken::kEnd || where_.is_stopped()) return;
    take_places();
    head.count_in(batch.size());
    const Flow flow = head.op->process(std::move(batch), *head.out);
    batch.clear();  // NOLINT(bugprone-use-after-move): whatever is left of it, the table serves
                    // again
    where_.inbox->worked_off();
    if (flow == Flow::kStop) return;
    if (last_out().reader_is_idle()) flush();
    places_.give_back();
  }
}

void Worker::work() {
  clock_.switch_to(&links_.front()->cell->busy_ns);
  {
    // Also by an exception: whoever waits for the places would wait for ever, and this worker lives
    // as long as its siblings do.
    const PoolPlaces::ReturnedAtEnd at_end(places_);
    run_links();
  }
  clock_.switch_to(nullptr);
}

// A stop wakes whoever holds places, so waiting for them ends.
void Worker::take_places() {
  if (where_.pool == nullptr) return;
  StageClock::Account* mine = clock_.switch_to(&links_.front()->cell->waiting_in_ns);
  places_.take();
  clock_.switch_to(mine);
}

void Worker::run_links() {
  if (links_.front()->producer != nullptr) {
    take_places();
    links_.front()->producer->run(*links_.front()->out);
  } else {
    consume();
    // Whoever feeds this chain need not go on (E2); at the end of the input it is closed already.
    where_.inbox->close();
  }
  for (const std::unique_ptr<Link>& link : links_) {
    if (where_.is_stopped()) return;
    take_places();
    clock_.switch_to(&link->cell->busy_ns);
    if (link->op != nullptr) link->op->finish(*link->out);
    static_cast<void>(link->out->flush());
  }
}

void Worker::conclude() {
  Link& last = *links_.back();
  clock_.switch_to(&last.cell->busy_ns);
  take_places();
  last.node->work->conclude(*last.context, *last.out);
  static_cast<void>(last.out->flush());
  places_.give_back();
  clock_.switch_to(nullptr);
}

}  // namespace gorun::jobs
