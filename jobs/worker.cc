#include "jobs/worker.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "jobs/attempt.h"
#include "jobs/failed_item.h"
#include "jobs/readers_out.h"
#include "runtime/cancel.h"

namespace gorun::jobs {

// One node of the chain in one goroutine.
struct Worker::Link {
  PlanNode* node = nullptr;
  StageCell* cell = nullptr;
  std::unique_ptr<LinkContext> context;
  std::unique_ptr<Producer> producer;
  std::unique_ptr<Operator> op;
  std::unique_ptr<Out> out;
  struct Port {
    std::string_view name;
    std::unique_ptr<Out> out;
  };
  std::vector<Port> ports;

  void count_in(std::size_t items) const {
    if (node->is_first) cell->items_in.fetch_add(items, std::memory_order_relaxed);
  }
  void count_out(std::size_t items) const {
    if (node->is_last) cell->items_out.fetch_add(items, std::memory_order_relaxed);
  }
  // The same, for few items at a time.
  void count_in(std::size_t items, StageClock& clock) const {
    if (node->is_first) clock.count(cell->items_in, items);
  }
  void count_out(std::size_t items, StageClock& clock) const {
    if (node->is_last) clock.count(cell->items_out, items);
  }
};

class Worker::LinkContext final : public Context {
 public:
  LinkContext(Worker& worker, Link& link)
      : worker_(worker),
        where_(worker.where_),
        link_(link),
        stage_(link.node->stage),
        policy_(where_.run.graph().stages[stage_].failure) {}

  [[nodiscard]] int procs() const override { return where_.procs; }
  [[nodiscard]] int workers() const override { return where_.chain.workers; }
  [[nodiscard]] const Graph& graph() const override { return where_.run.graph(); }
  [[nodiscard]] const RunOptions& run_options() const override { return where_.options; }
  [[nodiscard]] std::string_view run_status() const override {
    return where_.run.has_failed() ? "failure" : "success";
  }
  [[nodiscard]] bool is_cancelled() const override {
    return where_.is_stopped() || where_.is_cut();
  }
  [[nodiscard]] bool is_draining() const override {
    return where_.is_stopped() || where_.run.is_draining(where_.group());
  }
  [[nodiscard]] const runtime::Cancel& end_of_beginning() const override {
    return where_.ends->draining;
  }
  Flow not_begun() override {
    where_.input->raise_to(InputState::kCutShort);
    if (link_.op != nullptr) come_in_again(1);
    return Flow::kStop;
  }
  [[nodiscard]] int cancel_fd() const override {
    return where_.is_cut_by_draining() ? where_.run.end_fd(where_.scope())
                                       : where_.run.stop_fd(where_.scope());
  }
  Flow fail(Failure failure) override {
    where_.run.fail(stage_, std::move(failure));
    return Flow::kStop;
  }
  void leave_undone() override {
    where_.run.leave_undone();
    where_.input->raise_to(InputState::kCutShort);
  }
  Flow fail_item(const Item& item, Failure failure) override;
  void judged(std::span<const Item> items, std::string_view why) override {
    where_.run.judged(stage_, items, why);
  }
  void warn(std::string what) override { where_.run.warn(stage_, std::move(what)); }
  [[nodiscard]] int attempt() const override { return attempt_; }
  [[nodiscard]] bool may_retry() const override {
    return attempt_ < policy_.retry.max && !worker_.is_finishing_;
  }
  [[nodiscard]] std::optional<std::chrono::nanoseconds> timeout() const override {
    return policy_.timeout;
  }
  [[nodiscard]] Out* port(std::string_view name) override {
    const auto port = std::ranges::find(link_.ports, name, &Link::Port::name);
    return port == link_.ports.end() ? nullptr : port->out.get();
  }
  [[nodiscard]] InputState input_state() const override { return where_.input->get(); }
  void count_bytes(std::uint64_t bytes) override {
    where_.run.cell(stage_).bytes.fetch_add(bytes, std::memory_order_relaxed);
  }
  // What is put back loses its place.
  [[nodiscard]] bool siblings_are_idle() const override {
    return where_.chain.workers > 1 && where_.order == nullptr && where_.inbox->is_empty();
  }
  [[nodiscard]] bool offer(Batch& batch) override {
    const std::uint64_t items = batch.size();
    if (!where_.inbox->try_put(batch)) return false;
    come_in_again(items);
    return true;
  }
  [[nodiscard]] bool take(Batch* batch) override {
    const Inbox::Taken taken = where_.inbox->take(batch);
    if (where_.is_drained()) where_.input->raise_to(InputState::kCutShort);
    if (taken == Inbox::Taken::kEnd || where_.is_stopped() || where_.is_drained()) return false;
    link_.count_in(batch->size());
    return true;
  }
  void want_no_more() override { where_.inbox->close(); }
  [[nodiscard]] std::size_t shard_count() const override { return where_.shards->size(); }
  Flow hand_over(std::size_t shard, ParcelPtr parcel) override {
    runtime::Chan<ParcelPtr>& merger = (*where_.shards)[shard];
    runtime::ChanStatus sent = merger.try_send(std::move(parcel));
    if (sent == runtime::ChanStatus::kWouldBlock) {
      StageAccount* mine = worker_.clock_.switch_to(&link_.cell->waiting_out);
      // NOLINTNEXTLINE(bugprone-use-after-move): what would block is not moved from
      sent = merger.send(std::move(parcel));
      worker_.clock_.switch_to(mine);
    }
    return sent == runtime::ChanStatus::kOk ? Flow::kMore : Flow::kStop;
  }

  void set_attempt(int number) { attempt_ = number; }
  /// Of a producer that has returned: true, after the pause, if it is to be run once more.
  [[nodiscard]] bool starts_again();

 private:
  Flow fail_for_good(const Item& item, Failure failure);
  Flow give_up(const Item& item, const Failure& failure);
  void try_again_later(const Item& item, Failure failure, std::chrono::nanoseconds pause);
  void route(const Item& item, const Failure& failure);
  void come_in_again(std::uint64_t items) {
    if (!link_.node->is_first) return;
    where_.run.cell(stage_).items_in.fetch_sub(items, std::memory_order_relaxed);
  }

  Worker& worker_;
  const Surroundings& where_;
  Link& link_;
  const std::size_t stage_;
  const FailurePolicy& policy_;
  int attempt_ = 1;
  // Of a producer that is to run again: after how long, and why.
  std::optional<std::pair<std::chrono::nanoseconds, Failure>> again_;
};

Flow Worker::LinkContext::fail_item(const Item& item, Failure failure) {
  if (failure.item.empty()) failure.item = item.text;
  if (worker_.is_finishing_) return fail_for_good(item, std::move(failure));
  failure.attempts = attempt_;
  if (policy_.retry.max > 1) {
    failure.what +=
        " (attempt " + std::to_string(attempt_) + " of " + std::to_string(policy_.retry.max) + ")";
  }
  if (!policy_.retry.goes_on(failure, attempt_)) return fail_for_good(item, std::move(failure));
  if (where_.only_drains()) return give_up(item, failure);
  if (where_.is_stopped()) return Flow::kStop;
  const auto pause = policy_.retry.pause(failure, attempt_, where_.run.random());
  where_.run.attempt_failed(stage_, failure, pause);
  if (link_.producer != nullptr) {
    again_ = {pause, std::move(failure)};
    return Flow::kStop;
  }
  try_again_later(item, std::move(failure), pause);
  return Flow::kMore;
}

Flow Worker::LinkContext::fail_for_good(const Item& item, Failure failure) {
  if (policy_.on_error != OnError::kRoute) return where_.run.fail_item(stage_, std::move(failure));
  const Flow flow = where_.run.fail_item(stage_, failure);
  if (flow == Flow::kMore) route(item, failure);
  return flow;
}

// Another attempt would follow, were it not for draining.
Flow Worker::LinkContext::give_up(const Item& item, const Failure& failure) {
  if (where_.give_up(failure) && policy_.on_error == OnError::kRoute) route(item, failure);
  return Flow::kMore;
}

// A goroutine that waits keeps the item; the worker goes on with the next one.
void Worker::LinkContext::try_again_later(const Item& item, Failure failure,
                                          std::chrono::nanoseconds pause) {
  Batch batch;
  batch.push_copy(item);
  batch.attach(std::make_unique<Attempt>(attempt_ + 1, std::move(failure)));
  come_in_again(1);
  where_.inbox->expect_back();
  worker_.is_ticket_open_ = true;
  StageAccount* mine = worker_.clock_.switch_to(nullptr);
  where_.attempts->places.acquire();
  worker_.clock_.switch_to(mine);
  where_.attempts->all.go([&where = where_, stage = stage_, ticket = worker_.ticket_, pause,
                           batch = std::move(batch)]() mutable {
    runtime::set_label(where.run.graph().stages[stage].name);
    const auto end = runtime::sleep_or_cancelled(pause, where.attempts->over);
    // Given back before the item is put: a worker that waits for a place makes room in the inbox.
    where.attempts->places.release();
    if (end == runtime::SleepEnd::kElapsed && where.order != nullptr) {
      return where.order->put_back(std::move(batch),
                                   ticket);  // whoever works on it says worked_off()
    }
    const bool is_taken =
        end == runtime::SleepEnd::kElapsed && where.inbox->put(std::move(batch)) == Flow::kMore;
    // NOLINTNEXTLINE(bugprone-use-after-move): a single item that is not taken stays
    if (!is_taken) where.leave_out(std::move(batch));
    if (where.order != nullptr) where.order->complete(ticket);
    where.inbox->is_back();
  });
}

bool Worker::LinkContext::starts_again() {
  if (!again_) return false;
  auto [pause, failure] = *std::exchange(again_, {});
  worker_.places_.give_back();
  StageAccount* mine = worker_.clock_.switch_to(nullptr);
  const auto end = runtime::sleep_or_cancelled(pause, where_.attempts->over);
  worker_.clock_.switch_to(mine);
  ++attempt_;
  const bool may_begin = end == runtime::SleepEnd::kElapsed && worker_.may_begin();
  if (may_begin && !where_.only_drains()) return true;
  static_cast<void>(give_up(Item{}, failure));
  return false;
}

void Worker::LinkContext::route(const Item& item, const Failure& failure) {
  Out* const errors = port(kErrorsPort);
  if (errors == nullptr) return;  // no target asks for what reads there
  static_cast<void>(errors->send(failed_item(where_.run.graph(), stage_, item, failure)));
}

// The next operator of the same goroutine.
class Worker::NextOut final : public Out {
 public:
  NextOut(Link& from, Link& to, StageClock& clock)
      : Out(kBatchItems), from_(from), to_(to), clock_(clock) {}

  [[nodiscard]] bool reader_is_idle() const override { return to_.out->reader_is_idle(); }
  [[nodiscard]] bool takes_records() const override { return to_.op->takes_records(); }
  [[nodiscard]] bool takes_rows() const override { return to_.op->takes_rows(); }
  [[nodiscard]] bool takes_lines() const override { return to_.op->takes_lines(); }
  [[nodiscard]] bool keeps_lines() const override { return to_.op->keeps_lines(); }
  [[nodiscard]] bool takes_number() const override { return to_.op->takes_number(); }
  [[nodiscard]] bool only_counts(TextForm form) const override {
    return to_.op->only_counts(form, *to_.out);
  }

 protected:
  Flow deliver(Batch&& batch) override {
    return pass(batch.size(), [&] { return to_.op->process(std::move(batch), *to_.out); });
  }
  Flow deliver_records(const Records& records) override {
    return pass(records.texts.size(), [&] { return to_.op->process_records(records, *to_.out); });
  }
  Flow deliver_rows(const Rows& rows) override {
    return pass(rows.records.texts.size(), [&] { return to_.op->process_rows(rows, *to_.out); });
  }
  Flow deliver_number(const Batch& batch, const Item& parent, std::uint64_t records) override {
    return pass(records, [&] { return to_.op->process_number(batch, parent, records, *to_.out); });
  }
  Flow deliver_lines(const Batch& batch, const Item& text, std::uint64_t lines) override {
    StageAccount* mine = clock_.switch_to(&to_.cell->busy);
    const Flow flow = to_.op->process_lines(batch, text, *to_.out, &lines);
    clock_.switch_to(mine);
    from_.count_out(lines, clock_);
    to_.count_in(lines, clock_);
    return to_.context->is_cancelled() ? Flow::kStop : flow;
  }
  Flow deliver_flush() override { return to_.out->flush(); }
  Flow deliver_errand(std::unique_ptr<Errand> errand, std::size_t bytes) override {
    return to_.out->run_in_turn(std::move(errand), bytes);
  }
  Flow deliver_await_turn() override { return to_.out->await_turn(); }

 private:
  template <class Work>
  Flow pass(std::uint64_t items, const Work& work) {
    from_.count_out(items, clock_);
    to_.count_in(items, clock_);
    StageAccount* mine = clock_.switch_to(&to_.cell->busy);
    const Flow flow = work();
    clock_.switch_to(mine);
    return to_.context->is_cancelled() ? Flow::kStop : flow;
  }

  Link& from_;
  Link& to_;
  StageClock& clock_;
};

// The place in the output that the batch at hand has, where order is kept.
class Worker::OrderedOut final : public Out {
 public:
  OrderedOut(Worker& worker, Link& from)
      : Out(kBatchItems), worker_(worker), order_(*worker.where_.order), from_(from) {}

  // run() takes what there is whenever it is its turn.
  [[nodiscard]] bool reader_is_idle() const override { return true; }

 protected:
  Flow deliver(Batch&& batch) override {
    from_.count_out(batch.size());
    return append(std::move(batch));
  }
  Flow deliver_flush() override { return Flow::kMore; }
  Flow deliver_errand(std::unique_ptr<Errand> errand, std::size_t bytes) override {
    Batch batch;
    batch.hide_bytes(bytes);
    batch.attach(std::move(errand));
    return append(std::move(batch));
  }
  Flow deliver_await_turn() override {
    if (order_.has_turn(worker_.ticket_)) return order_.await_turn(worker_.ticket_);
    return park([&] { return order_.await_turn(worker_.ticket_); });
  }

 private:
  Flow append(Batch&& batch) {
    if (const auto flow = order_.try_append(worker_.ticket_, batch)) return *flow;
    return park([&] { return order_.append(worker_.ticket_, std::move(batch)); });
  }

  // Whoever parks must not hold places of a pool: what comes before it may wait for them.
  template <class Wait>
  Flow park(const Wait& wait) {
    StageAccount* mine = worker_.clock_.switch_to(&from_.cell->waiting_out);
    const Flow flow = [&] {
      const PoolPlaces::Lent lent(worker_.places_);
      return wait();
    }();
    worker_.clock_.switch_to(mine);
    return flow;
  }

  Worker& worker_;
  Reorder& order_;
  Link& from_;
};

Worker::Worker(const Surroundings& where) : where_(where), places_(where) {
  for (const std::size_t n : where_.chain.nodes) make_link(n);
  connect_links();
}

Worker::~Worker() = default;

void Worker::make_link(std::size_t node) {
  auto link = std::make_unique<Link>();
  link->node = &where_.plan.nodes[node];
  link->cell = &where_.run.cell(link->node->stage);
  link->context = std::make_unique<LinkContext>(*this, *link);
  if (link->node->work->is_source()) {
    link->producer = link->node->work->make_producer(*link->context);
  } else {
    link->op = link->node->work->make_operator(*link->context);
  }
  links_.push_back(std::move(link));
}

void Worker::connect_links() {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    Link& link = *links_[i];
    for (const LivePort& port : where_.ports[i]) {
      link.ports.push_back(
          {port.name, std::make_unique<ReadersOut>(where_, *link.node, *link.cell, port.readers,
                                                   clock_, places_)});
    }
    if (i + 1 < links_.size()) {
      link.out = std::make_unique<NextOut>(link, *links_[i + 1], clock_);
    } else if (where_.order != nullptr) {
      link.out = std::make_unique<OrderedOut>(*this, link);
    } else {
      link.out = std::make_unique<ReadersOut>(where_, *link.node, *link.cell, where_.readers,
                                              clock_, places_);
    }
  }
}

bool Worker::reader_is_idle() const {
  return links_.back()->out->reader_is_idle() ||
         std::ranges::any_of(links_, [](const std::unique_ptr<Link>& link) {
           return std::ranges::any_of(
               link->ports, [](const Link::Port& port) { return port.out->reader_is_idle(); });
         });
}

// A stop on the way down is not forgotten: the next emit says it again.
void Worker::flush() {
  static_cast<void>(links_.front()->out->flush());
  for (const std::unique_ptr<Link>& link : links_) flush_ports(*link);
}

void Worker::flush_ports(Link& link) {
  for (const Link::Port& port : link.ports) static_cast<void>(port.out->flush());
}

// An item that comes back brings the number of its attempt along.
void Worker::begin_attempt(Batch* batch) {
  if (!where_.chain.retries) return;
  ParcelPtr parcel = batch->detach();
  const auto* attempt = dynamic_cast<const Attempt*>(parcel.get());
  links_.front()->context->set_attempt(attempt == nullptr ? 1 : attempt->number());
  if (attempt == nullptr && parcel != nullptr) batch->attach(std::move(parcel));
}

// May move from the batch.
Flow Worker::process(Link& head, Batch* batch) {
  std::uint64_t lines = batch->lines();
  if (lines == 0) return head.op->process(std::move(*batch), *head.out);
  return head.op->process_lines(*batch, batch->items().front(), *head.out, &lines);
}

void Worker::consume() {
  Link& head = *links_.front();
  Batch batch;
  for (;;) {
    Inbox::Taken taken = where_.inbox->try_take(&batch);
    if (taken == Inbox::Taken::kNothing) {
      flush();
      clock_.switch_to(&head.cell->waiting_in);
      taken = where_.inbox->take(&batch);
      clock_.switch_to(&head.cell->busy);
    }
    if (where_.is_drained()) return leave_out(std::move(batch));
    if (taken == Inbox::Taken::kEnd || where_.is_stopped()) return;
    if (!may_begin()) return leave_out(std::move(batch));
    head.count_in(batch.count());
    begin_attempt(&batch);
    const Flow flow = process(head, &batch);
    batch.clear();  // NOLINT(bugprone-use-after-move): whatever is left of it, the table serves
                    // again
    where_.inbox->worked_off();
    if (flow == Flow::kStop) return;
    // Places in a pool are given back and may be long in coming again.
    if (head.node->traits.flushes && where_.pool == nullptr) {
      // What leaves by other ports is rare, and the stage does not know of all of them.
      for (const std::unique_ptr<Link>& link : links_) flush_ports(*link);
    } else if (reader_is_idle()) {
      flush();
    }
    places_.give_back();
  }
}

// What a batch makes is in its slot before the next one is taken.
void Worker::consume_in_order() {
  Link& head = *links_.front();
  Batch batch;
  Flow flow = Flow::kMore;
  while (flow == Flow::kMore) {
    clock_.switch_to(&head.cell->waiting_in);
    const Inbox::Taken taken = where_.order->take(&batch, &ticket_);
    clock_.switch_to(&head.cell->busy);
    if (where_.is_drained()) where_.input->raise_to(InputState::kCutShort);
    if (taken == Inbox::Taken::kEnd || where_.is_stopped()) return;
    is_ticket_open_ = false;
    if (where_.is_drained() || !may_begin()) {
      leave_out(std::move(batch));
      where_.order->complete(ticket_);
      return;
    }
    head.count_in(batch.size());
    begin_attempt(&batch);
    flow = head.op->process(std::move(batch), *head.out);
    batch.clear();  // NOLINT(bugprone-use-after-move): as in consume()
    flush();
    if (!is_ticket_open_) where_.order->complete(ticket_);
    where_.inbox->worked_off();
    places_.give_back();
  }
}

void Worker::work() {
  StageRows rows;
  for (const std::unique_ptr<Link>& link : links_) rows.add(*link->cell);
  clock_.switch_to(&links_.front()->cell->busy);
  {
    // Also by an exception: whoever waits for the places would wait for ever, and this worker lives
    // as long as its siblings do.
    const PoolPlaces::ReturnedAtEnd at_end(places_);
    const StageClock::PublishedAtEnd published(clock_);
    run_links();
  }
  clock_.switch_to(nullptr);
}

// A stop wakes whoever holds places, so waiting for them ends.
void Worker::take_places() {
  if (where_.pool == nullptr) return;
  StageAccount* mine = clock_.switch_to(&links_.front()->cell->waiting_in);
  places_.take();
  clock_.switch_to(mine);
}

// No operation begins once nothing is to be begun any more, be it that it waited for its places, or
// that its goroutine came late. What else begins then, a source, is cut at once.
bool Worker::may_begin() {
  if (where_.pool != nullptr || where_.gate != nullptr) {
    StageAccount* mine = clock_.switch_to(&links_.front()->cell->waiting_in);
    const bool may = places_.take_for_command();
    clock_.switch_to(mine);
    if (!may) return false;
  }
  if (where_.is_stopped()) return false;
  return !where_.begins_operations() || !where_.run.is_draining(where_.group());
}

// Whoever parks must not hold places of a pool.
void Worker::leave_out(Batch&& batch) {
  places_.give_back();
  where_.leave_out(std::move(batch));
}

void Worker::run_producer(Link& link) {
  if (!may_begin()) return where_.input->raise_to(InputState::kCutShort);
  do {
    link.producer->run(*link.out);
  } while (link.context->starts_again());
  // What it has emitted may wait for room; whoever needs a place need not wait for that.
  places_.give_back();
}

// Asked behind all that heeds the cut: an operator that was told to end says no more than that it
// did, and what leaves with a flush may be told that nobody wants more. A drain that came later
// than the last item is taken for one that came before it.
void Worker::say_if_cut() {
  if (where_.is_cut()) where_.input->raise_to(InputState::kCutShort);
}

void Worker::run_links() {
  if (links_.front()->producer != nullptr) {
    run_producer(*links_.front());
  } else {
    if (where_.order != nullptr) {
      consume_in_order();
      ticket_ = where_.order->last_ticket();
    } else {
      consume();
    }
    // Whoever feeds this chain need not go on (E2), and nobody waits for another attempt; at the
    // end of the input it is closed already.
    where_.inbox->close();
    where_.inbox->reading_ends();
    where_.attempts->over.cancel();
  }
  is_finishing_ = true;
  say_if_cut();  // finish() may ask
  for (const std::unique_ptr<Link>& link : links_) {
    if (where_.is_stopped()) return;
    take_places();
    clock_.switch_to(&link->cell->busy);
    if (link->op != nullptr) link->op->finish(*link->out);
    static_cast<void>(link->out->flush());
    flush_ports(*link);
  }
  say_if_cut();
  if (where_.order != nullptr) where_.order->complete(ticket_);
}

// What `conclude` makes of the last stage.
template <class Conclude>
void Worker::put_out(Conclude conclude) {
  Link& last = *links_.back();
  StageRows rows;
  rows.add(*last.cell);
  clock_.switch_to(&last.cell->busy);
  take_places();
  conclude(last);
  static_cast<void>(last.out->flush());
  flush_ports(last);
  say_if_cut();
  places_.give_back();
  clock_.switch_to(nullptr);
}

void Worker::conclude() {
  put_out([](Link& last) { last.node->work->conclude(*last.context, *last.out); });
}

void Worker::conclude_shards(std::size_t first, std::size_t step, std::size_t shards) {
  put_out([&](Link& last) {
    for (std::size_t shard = first; shard < shards; shard += step) {
      if (where_.is_stopped()) return;
      last.node->work->conclude_shard(shard, *last.context, *last.out);
    }
  });
}

}  // namespace gorun::jobs
