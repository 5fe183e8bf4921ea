// jobs/out.h - where a stage puts what it makes.
//
// An Out gathers single items into a batch and passes full batches on: to the next operator of the
// same goroutine, or into the channels of the stage's readers. What waits in it is passed on when
// the batch is full, when the stage says flush(), and by the executor whenever the stage's
// goroutine is about to park for input or its reader has run dry: so a slow producer still streams.
//
// Invariants
//   I1  Items leave in the order in which they were given, across emit() and send().
//   I2  Once something returned Flow::kStop, everything does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "jobs/batch.h"

namespace gorun::jobs {

/// Whether more is wanted: a reader that has enough, a failure and a cancelled run all say kStop,
/// upon which a stage returns as soon as it can.
enum class [[nodiscard]] Flow : unsigned char{kMore, kStop};

/// Something to be done in the order of the items, by whoever puts them back into it.
class Errand : public Parcel {
 public:
  /// kStop: nobody wants more.
  virtual Flow run() = 0;
};

/// Records that no Item was made of: each is a text with the fields of `parent`, an item of `batch`
/// in whose blocks it lies. Good for the duration of a call.
///
/// Where a stage cuts texts into many small ones and the next one, in the same goroutine, looks at
/// nothing but texts, a table of items would cost more than all the rest.
struct Records {
  const Batch& batch;
  const Item& parent;
  std::span<const std::string_view> texts;

  [[nodiscard]] Item item(std::size_t i) const {
    Item item = parent;
    item.text = texts[i];
    return item;
  }
};

/// One field of many records.
struct Column {
  std::string_view name;
  std::span<const std::string_view> values;  // by record; without data: it has no such field
  std::span<const FieldType> types;          // by record
};

/// Records that have fields of their own beside those of the parent, which they replace. A text is
/// part of the parent's; names and values may lie anywhere. Good for the duration of a call.
struct Rows {
  Records records;
  std::span<const Column> columns;

  /// A record with all its fields, which become `fields`.
  [[nodiscard]] Item item(std::size_t i, std::vector<Field>* fields) const;
};

/// How texts reach a reader: by emit() and send(), send_lines(), or send_records().
enum class TextForm : std::uint8_t { kItems, kLines, kRecords };

/// threads  the goroutine of one worker. May park in any call that passes a batch on.
class Out {
 public:
  virtual ~Out() = default;
  Out(const Out&) = delete;
  Out& operator=(const Out&) = delete;

  /// The batch under way: its allocate(), copy() and keep() hold the bytes of the items that are
  /// emitted next. A call that passes the batch on ends what they promise, so they come right
  /// before the emit() that they are for.
  [[nodiscard]] Batch& batch() { return pending_; }

  /// Appends an item whose bytes batch() holds.
  Flow emit(const Item& item) {
    pending_.push(item);
    pending_bytes_.add(item);
    return is_full() ? pass_on() : flow_;
  }

  /// Passes on a whole batch. A small or a thin one is copied to the batch under way instead, so
  /// that a filter that keeps little neither sends dribbles nor pins the blocks of all that it
  /// dropped. emit_records() does the same.
  /// batch  moved from, or empty of items afterwards.
  Flow send(Batch&& batch);

  /// Passes on what is under way, also inside the operators that this goroutine runs after this
  /// one.
  Flow flush();

  /// True if what reads from here takes bare records, with send_records(), as well as items. Does
  /// not change.
  [[nodiscard]] virtual bool takes_records() const { return false; }
  /// Passes on bare records, behind all that was given before. Only if takes_records().
  Flow send_records(const Records& records) {
    if (!pending_.empty() && pass_on() == Flow::kStop) return Flow::kStop;
    if (flow_ == Flow::kMore) flow_ = deliver_records(records);
    return flow_;
  }
  /// The same for a whole text whose lines are the records: a reader that looks for something in
  /// them need not have them cut first.
  [[nodiscard]] virtual bool takes_lines() const { return false; }
  /// text   an item of `batch`.
  /// lines  how many it has; 0: the sender has not counted them.
  Flow send_lines(const Batch& batch, const Item& text, std::uint64_t lines = 0) {
    if (!pending_.empty() && pass_on() == Flow::kStop) return Flow::kStop;
    if (flow_ == Flow::kMore) flow_ = deliver_lines(batch, text, lines);
    return flow_;
  }
  /// True if what reads from here takes lines and keeps them for a while: they are better left
  /// where they lie than copied. Does not change.
  [[nodiscard]] virtual bool keeps_lines() const { return false; }
  /// The same for records of which their reader wants nothing but how many they are: so they need
  /// not be cut at all.
  [[nodiscard]] virtual bool takes_number() const { return false; }
  /// parent   what each of `records` would be a text of, an item of `batch`.
  /// records  may be none.
  Flow send_number(const Batch& batch, const Item& parent, std::uint64_t records) {
    if (records == 0) return flow_;
    if (!pending_.empty() && pass_on() == Flow::kStop) return Flow::kStop;
    if (flow_ == Flow::kMore) flow_ = deliver_number(batch, parent, records);
    return flow_;
  }
  /// True if what reads from here makes nothing but numbers of texts that come in such a form: it
  /// is done with them when the call that passes them on returns, and bears it that they change
  /// while it looks at them, counting each as it was at some time. Does not change.
  [[nodiscard]] virtual bool only_counts(TextForm /*form*/) const { return false; }
  /// True if what reads from here takes rows, with send_rows(), as well as items. Does not change.
  [[nodiscard]] virtual bool takes_rows() const { return false; }
  /// Passes on rows, behind all that was given before. Only if takes_rows().
  Flow send_rows(const Rows& rows) {
    if (!pending_.empty() && pass_on() == Flow::kStop) return Flow::kStop;
    if (flow_ == Flow::kMore) flow_ = deliver_rows(rows);
    return flow_;
  }
  /// Makes items of rows and puts them out.
  Flow emit_rows(const Rows& rows);
  /// Makes items of records and puts them out, for an operator whose reader wants items.
  Flow emit_records(const Records& records);

  [[nodiscard]] bool is_stopped() const { return flow_ == Flow::kStop; }

  /// Has an errand run behind all that was given before: where items leave in the order in which
  /// they came (jobs/reorder.h) when the turn of the one at hand has come, on another goroutine,
  /// and elsewhere at once. What waits for its turn when everything stops is dropped. bytes  that
  /// it holds.
  Flow run_in_turn(std::unique_ptr<Errand> errand, std::size_t bytes);
  /// Where there are turns, parks until that of the item at hand has come and all that was given
  /// before has been passed on. Not for a stage that makes further attempts: the item whose turn it
  /// is may need this worker for one.
  Flow await_turn();

  /// True if what reads from here has nothing to do. A hint, for stages that could flush.
  [[nodiscard]] virtual bool reader_is_idle() const = 0;

 protected:
  explicit Out(std::size_t batch_items) : batch_items_(batch_items) {}

  /// Takes over a batch that is not empty; may move from it.
  virtual Flow deliver(Batch&& batch) = 0;
  virtual Flow deliver_records(const Records& records);
  virtual Flow deliver_rows(const Rows& rows);
  virtual Flow deliver_lines(const Batch& batch, const Item& text, std::uint64_t lines);
  virtual Flow deliver_number(const Batch& batch, const Item& parent, std::uint64_t records);
  /// Passes the flush on to what reads from here in the same goroutine.
  virtual Flow deliver_flush() = 0;
  virtual Flow deliver_errand(std::unique_ptr<Errand> errand, std::size_t bytes);
  virtual Flow deliver_await_turn() { return Flow::kMore; }

 private:
  [[nodiscard]] bool is_full() const {
    return pending_.size() >= batch_items_ || pending_bytes_.total() >= kBatchBytes;
  }
  Flow copy_all(Batch&& batch);
  Flow pass_on();

  Batch pending_;
  ItemBytes pending_bytes_;
  std::size_t batch_items_;
  Flow flow_ = Flow::kMore;
};

}  // namespace gorun::jobs
