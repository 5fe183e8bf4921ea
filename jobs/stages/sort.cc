// The kind "sort": all items in the order of their texts or of a field.
//
// One worker takes all of its input, in runs on the disk if it is larger than "memory" allows
// (jobs/sort/sorted_runs.h), and then sends it. Equal keys keep the order in which they came.
//
// Items are copied to records some thousand at a time, by goroutines that do so while more come
// (jobs/sort/record_writers.h). Until then the blocks in which they lie stay, which may be much
// more than the items are: part of the memory is for them.
//
// Lines come uncut where whoever gives them can (Out::send_lines): they are counted, and the same
// goroutines cut them. What lies elsewhere than in our memory is not copied, and leaves as it came:
// as whole lines, if the reader takes them.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/memory_shares.h"
#include "jobs/sort/gathered_batches.h"
#include "jobs/sort/record_writers.h"
#include "jobs/sort/sorted_runs.h"
#include "jobs/stages/rows.h"
#include "jobs/text/cutter.h"

namespace gorun::jobs {
namespace {

SortOrder order_of(const StageOptions& options) {
  return SortOrder(
      options.flag("numeric") ? SortOrder::Compare::kNumbers : SortOrder::Compare::kBytes,
      options.text("order") == "desc" ? SortOrder::Direction::kDescending
                                      : SortOrder::Direction::kAscending);
}

// Where nobody says: enough for some million items.
constexpr std::int64_t kSortMemory = std::int64_t{256} << 20;
// Of blocks in which items lie that are no records yet, an eighth of the memory or this: so many
// keep all cores busy.
constexpr std::size_t kMostKept = std::size_t{8} << 20;
// What a group of them keeps, at most or as soon as it has a batch.
constexpr std::size_t kKeptOfGroup = std::size_t{512} << 10;
// One who gives cannot keep more of them busy.
constexpr std::size_t kMostWriters = 8;
// Lines that are cut together, at most and as a part of the memory: each may be but a line feed,
// and needs 34 bytes.
constexpr std::size_t kMostLinesBytes = std::size_t{512} << 10;
constexpr std::size_t kLinesPart = 1024;
// What is made of lines in one piece: half of the second-level cache has room for some.
constexpr std::size_t kGatheredBytes = std::size_t{128} << 10;
constexpr std::size_t kMostGathered = std::size_t{1} << 14;

class Sort final : public Operator {
 public:
  Sort(const StageSpec& spec, Context& context)
      : Sort(spec.options, kept_bytes(spec).value_or(kSortMemory), context) {}
  Sort(const StageOptions& options, std::int64_t memory, Context& context)
      : context_(context),
        most_kept_(std::min(static_cast<std::size_t>(memory) / 8, kMostKept)),
        kept_of_group_(std::min(most_kept_ / 4, kKeptOfGroup)),
        lines_bytes_(std::min(static_cast<std::size_t>(memory) / kLinesPart, kMostLinesBytes)),
        runs_(order_of(options),
              SortedRuns::limits_for(static_cast<std::size_t>(memory) - most_kept_),
              options.text("spill"), [&context] { return context.is_cancelled(); }) {
    if (options.has("by")) by_ = options.text("by");
    if (options.has("n")) most_ = options.integer("n");
  }

  Flow process(Batch&& batch, Out& /*out*/) override {
    if (by_ && drop_keyless(batch) == Flow::kStop) return Flow::kStop;
    for (const Item& item : std::as_const(batch).items()) {
      const std::size_t size = kept_size(item);
      if (size == 0) return fail(runs_.too_large());
      group_bytes_ += size;
      are_lines_ = are_lines_ && is_line(item);
      bytes_of_lines_ += item.text.size() + 1;
    }
    lines_ += batch.size();
    group_items_ += batch.size();
    group_.kept_bytes += kept_.keep_all(batch);
    group_.batches.push_back(std::move(batch));
    const bool is_enough =
        group_bytes_ >= runs_.group_bytes() || group_.kept_bytes >= kept_of_group_;
    return is_enough ? give_group() : Flow::kMore;
  }

  [[nodiscard]] bool takes_lines() const override { return !by_; }
  [[nodiscard]] bool keeps_lines() const override { return !by_; }

  Flow process_lines(const Batch& batch, const Item& text, Out& out,
                     std::uint64_t* lines) override {
    std::uint64_t count = 0;
    // What ends without a line feed, and what has fields, are items like others.
    const std::size_t whole = text.field_count > 0 ? 0 : text.text.rfind('\n') + 1;  // npos: 0
    for (std::size_t at = 0; at < whole;) {
      const std::string_view piece = first_lines(text.text.substr(at, whole - at));
      const bool is_counted = *lines > 0 && piece.size() == text.text.size();
      const std::uint64_t of_piece = is_counted ? *lines : count_lines(piece);
      count += of_piece;
      if (give_lines(batch, piece, of_piece) == Flow::kStop) return Flow::kStop;
      at += piece.size();
    }
    std::array<std::string_view, kRecordBatch> cut;
    LineCutter cutter(text.text.substr(whole));
    while (const std::size_t got = cutter.next(cut)) {
      count += got;
      Batch items;
      items.keep_all(batch);
      for (const std::string_view line : std::span(cut).first(got)) {
        Item item = text;
        item.text = line;
        items.push(item);
      }
      if (process(std::move(items), out) == Flow::kStop) return Flow::kStop;
    }
    *lines = count;
    return Flow::kMore;
  }

  void finish(Out& out) override {
    if (give_group() == Flow::kStop) return;
    writers_.reset();  // all is written
    if (context_.is_cancelled()) return;
    if (const auto entries = runs_.sort_in_memory()) return send_all(*entries, out);
    std::int64_t sent = 0;
    const auto wrong = runs_.for_each(
        [&](RecordRef record) { return sent++ == most_ ? Flow::kStop : emit_record(record, out); });
    if (wrong) static_cast<void>(fail(*wrong));
  }

 private:
  Flow drop_keyless(Batch& batch) {
    std::size_t left = 0;
    for (const Item& item : batch.items()) {
      if (item.find(*by_) != nullptr) {
        batch.items()[left++] = item;
        continue;
      }
      const Failure failure{FailureKind::kWork, "the item has no field \"" + *by_ + "\"", {}};
      if (context_.fail_item(item, failure) == Flow::kStop) return Flow::kStop;
    }
    batch.truncate(left);
    return Flow::kMore;
  }
  Flow fail(const SystemError& error) const {
    return error.error_number == ECANCELED ? Flow::kStop : context_.fail(failure_of(error));
  }

  void send_all(std::span<const SortEntry> entries, Out& out) {
    if (std::cmp_less(most_, entries.size()))
      entries = entries.first(static_cast<std::size_t>(most_));
    const bool as_lines = are_lines_ && out.takes_lines();
    const std::size_t batch_items =
        as_lines ? std::clamp(kGatheredBytes * lines_ / std::max(bytes_of_lines_, std::uint64_t{1}),
                              std::uint64_t{1}, std::uint64_t{kMostGathered})
                 : kBatchItems;
    using Form = GatheredBatches::Form;
    GatheredBatches batches(entries, batch_items, as_lines ? Form::kLines : Form::kItems,
                            context_.procs());
    while (std::optional<GatheredBatches::Next> next = batches.next()) {
      if (context_.is_cancelled()) return;
      if (const auto wrong = runs_.wrong_with_kept()) return static_cast<void>(fail(*wrong));
      const Flow flow =
          as_lines ? out.send_lines(next->batch, next->batch.items().front(), next->records)
                   : out.send(std::move(next->batch));
      if (flow == Flow::kStop) return;
      for (const SortEntry& entry : next->left_out) {
        if (emit_record(entry.record, out) == Flow::kStop) return;
      }
    }
  }

  // At least one.
  [[nodiscard]] std::string_view first_lines(std::string_view text) const {
    if (text.size() <= lines_bytes_) return text;
    const std::size_t last = text.rfind('\n', lines_bytes_);
    return text.substr(0, 1 + (last != std::string_view::npos ? last : text.find('\n')));
  }

  Flow give_lines(const Batch& batch, std::string_view lines, std::uint64_t count) {
    if (lines.size() > std::numeric_limits<std::uint32_t>::max() / 2)
      return fail(runs_.too_large());
    if (give_group() == Flow::kStop) return Flow::kStop;
    lines_ += count;
    bytes_of_lines_ += lines.size();
    make_room(count);
    group_.lines = lines;
    group_.place = runs_.reserve(batch, lines.size(), count);
    if (group_.place.records != nullptr) {
      group_.kept_bytes = kept_.keep_all(batch);
      group_.batches.emplace_back().keep_all(batch);
    }
    return write_down();
  }

  void write(const RecordGroup& group) const {
    if (!group.lines.empty()) return write_lines(group);
    char* to = group.place.records;
    auto entry = group.place.entries.begin();
    for (const Batch& batch : group.batches) {
      for (const Item& item : batch.items()) {
        const std::string_view key = by_ ? item.find(*by_)->value : item.text;
        const std::size_t size = kept_size(item);
        if (is_text(item)) {
          if (!key.empty()) std::memcpy(to, key.data(), key.size());
          *entry++ = {runs_.prefix(key), RecordRef::of_text({to, key.size()})};
        } else {
          write_record(item, key, size, to);
          *entry++ = {runs_.prefix(key), to};
        }
        to += size;
      }
    }
  }

  void write_lines(const RecordGroup& group) const {
    const std::string_view from = group.lines;
    char* const copy = group.place.records;
    if (copy != nullptr) {
      std::memcpy(copy, from.data(), from.size());
      const auto wrong = group.batches.front().wrong_with_others();
      if (wrong) static_cast<void>(fail(*wrong));
    }
    auto entry = group.place.entries.begin();
    LineCutter cutter(copy == nullptr ? from : std::string_view(copy, from.size()));
    std::array<std::string_view, kRecordBatch> cut;
    while (const std::size_t got = cutter.next(cut)) {
      for (const std::string_view line : std::span(cut).first(got)) {
        *entry++ = {runs_.prefix(line), RecordRef::of_line(line)};
      }
    }
  }

  // True if it is kept as a text, without a record's header.
  [[nodiscard]] bool is_text(const Item& item) const {
    return !by_ && item.field_count == 0 && RecordRef::can_be_text(item.text.size());
  }
  // True if it can leave as a line of a text.
  [[nodiscard]] bool is_line(const Item& item) const {
    return is_text(item) && item.text.find('\n') == std::string_view::npos;
  }
  // 0: too large.
  [[nodiscard]] std::size_t kept_size(const Item& item) const {
    // At least one, for no two records to have one address.
    return is_text(item) ? std::max<std::size_t>(item.text.size(), 1) : record_size(item);
  }

  Flow give_group() {
    if (group_.batches.empty()) return Flow::kMore;
    make_room(group_items_);
    group_.place = runs_.reserve(group_bytes_, group_items_);
    group_bytes_ = group_items_ = 0;
    return write_down();
  }

  void make_room(std::size_t entries) {
    if (writers_ && !runs_.can_reserve(entries)) writers_->wait();
  }

  Flow write_down() {
    if (!writers_) {
      writers_.emplace(std::min(static_cast<std::size_t>(context_.procs()), kMostWriters),
                       most_kept_ - kept_of_group_,
                       [this](const RecordGroup& group) { write(group); });
    }
    writers_->give(std::exchange(group_, {}));
    kept_.clear();
    if (!runs_.is_full()) return Flow::kMore;
    writers_->wait();
    const auto wrong = runs_.spill();
    return wrong ? fail(*wrong) : Flow::kMore;
  }

  Context& context_;
  std::optional<std::string> by_;  // nothing: the text
  std::int64_t most_ = std::numeric_limits<std::int64_t>::max();
  const std::size_t most_kept_;      // by the groups
  const std::size_t kept_of_group_;  // by group_, until it is given
  const std::size_t lines_bytes_;    // that are cut together
  SortedRuns runs_;
  RecordGroup group_;            // not given yet
  std::size_t group_bytes_ = 0;  // of its records
  std::size_t group_items_ = 0;
  Batch kept_;               // the blocks that its items lie in
  bool are_lines_ = true;    // all that came so far
  std::uint64_t lines_ = 0;  // so many, if they are
  std::uint64_t bytes_of_lines_ = 0;
  std::optional<RecordWriters> writers_;
};

class SortStage final : public Stage {
 public:
  explicit SortStage(const StageSpec& spec) : spec_(spec) {}
  [[nodiscard]] StageTraits traits() const override {
    const bool takes_lines = !spec_.options.has("by");
    return {.takes_lines = takes_lines, .keeps_lines = takes_lines};
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<Sort>(spec_, context);
  }

 private:
  const StageSpec& spec_;
};

}  // namespace

StageRow make_sort(const StageSpec& spec) { return row_of(std::make_unique<SortStage>(spec)); }

}  // namespace gorun::jobs
