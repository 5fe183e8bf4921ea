// The kind "split": chunks or texts become records, as views into them.
//
// A record carries the fields of what it was cut from; one of CSV or JSON has its own as well,
// which are kept column by column as long as whoever reads them takes rows (jobs/out.h). A record
// that is wrong fails by itself, and is told by its file and byte. Not fused away when it stands
// behind a reader with fewer workers: cutting is the larger part of the work.
#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/format/quote.h"
#include "jobs/records/chunk_origin.h"
#include "jobs/records/csv_cutter.h"
#include "jobs/records/json_cutter.h"
#include "jobs/stages/rows.h"
#include "jobs/text/cutter.h"
#include "jobs/text/regex_cutter.h"
#include "jobs/utf8.h"

namespace gorun::jobs {
namespace {

class Split : public Operator {
 public:
  Flow process(Batch&& batch, Out& out) override {
    for (const Item& item : batch.items()) {
      if (split(batch, item, out) == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

 protected:
  virtual Flow split(const Batch& batch, const Item& item, Out& out) = 0;

  // What is cut is only counted, or not cut at all.
  static bool counts_records(const Out& out) {
    return out.takes_number() || (out.takes_records() && out.only_counts(TextForm::kRecords));
  }

  template <class Cutter>
  Flow emit_all(Cutter cutter, const Batch& batch, const Item& item, Out& out) {
    const bool bare = out.takes_records();
    while (const std::size_t count = cutter.next(records_)) {
      const Records records{batch, item, std::span(records_).first(count)};
      const Flow flow = bare ? out.send_records(records) : out.emit_records(records);
      if (flow == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

 private:
  std::array<std::string_view, kRecordBatch> records_;
};

class SplitLines final : public Split {
 public:
  [[nodiscard]] bool only_counts(TextForm form, const Out& out) const override {
    if (form != TextForm::kItems) return false;
    return out.takes_lines() ? out.only_counts(TextForm::kLines) : counts_records(out);
  }

 private:
  Flow split(const Batch& batch, const Item& item, Out& out) override {
    if (out.takes_lines()) return out.send_lines(batch, item);
    if (out.takes_number()) return out.send_number(batch, item, count_lines(item.text));
    return emit_all(LineCutter(item.text), batch, item, out);
  }
};

class SplitWords final : public Split {
 public:
  [[nodiscard]] bool only_counts(TextForm form, const Out& out) const override {
    return form == TextForm::kItems && counts_records(out);
  }

 private:
  Flow split(const Batch& batch, const Item& item, Out& out) override {
    if (out.takes_number()) return out.send_number(batch, item, count_words(item.text));
    return emit_all(WordCutter(item.text), batch, item, out);
  }
};

class SplitMatches final : public Split {
 public:
  explicit SplitMatches(RecordRegex regex) : regex_(std::move(regex)) {}

 private:
  Flow split(const Batch& batch, const Item& item, Out& out) override {
    return emit_all(RegexCutter(regex_, item.text), batch, item, out);
  }
  const RecordRegex regex_;
};

// A text to be cut into rows.
struct Piece {
  const Batch& batch;
  Item item;                          // without what "read" told of it
  std::optional<ChunkOrigin> origin;  // nothing: it is no chunk of a file

  [[nodiscard]] bool begins_file() const { return !origin || origin->offset == 0; }
};

class SplitRows : public Operator {
 public:
  explicit SplitRows(Context& context) : context_(context) {}

  Flow process(Batch&& batch, Out& out) override {
    for (const Item& item : batch.items()) {
      Piece piece{.batch = batch, .item = item, .origin = {}};
      piece.origin = ChunkOrigin::take_off(&piece.item);
      if (split(piece, out) == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

 protected:
  virtual Flow split(const Piece& piece, Out& out) = 0;

  // Cuts the text that `cutter` has begun.
  template <class Cutter>
  Flow emit_all(Cutter& cutter, const Piece& piece, Out& out) {
    do {
      table_.clear();
      cutter.fill(&table_);
      if (table_.size() > 0) {
        const Rows rows = table_.rows(piece.batch, piece.item);
        const Flow flow = out.takes_rows() ? out.send_rows(rows) : out.emit_rows(rows);
        if (flow == Flow::kStop) return Flow::kStop;
      }
      const auto wrong = cutter.take_wrong();
      if (wrong && fail(piece, *wrong) == Flow::kStop) return Flow::kStop;
    } while (!cutter.is_at_end());
    return Flow::kMore;
  }

  Flow fail(const Piece& piece, const WrongRecord& wrong) {
    Item record = piece.item;
    record.text = wrong.text;
    const std::uint64_t offset = wrong.offset + (piece.origin ? piece.origin->offset : 0);
    const std::string place =
        piece.origin ? quote_for_message(piece.origin->path) + " at byte " : "the text at byte ";
    return context_.fail_item(
        record, {FailureKind::kWork, place + std::to_string(offset) + ": " + wrong.what, {}});
  }

  RecordTable& table() { return table_; }

 private:
  Context& context_;
  RecordTable table_;
};

class SplitJson final : public SplitRows {
 public:
  SplitJson(const NamedTexts& fields, Context& context) : SplitRows(context), cutter_(fields) {
    std::vector<std::string> names;
    for (const auto& [name, pointer] : fields) names.push_back(name);
    table().set_names(std::move(names));
  }

 private:
  Flow split(const Piece& piece, Out& out) override {
    cutter_.begin(piece.item.text, piece.origin ? piece.origin->framing : JsonFraming::kUnknown);
    return emit_all(cutter_, piece, out);
  }

  JsonCutter cutter_;
};

class SplitCsv final : public SplitRows {
 public:
  SplitCsv(const StageOptions& options, Context& context)
      : SplitRows(context),
        has_header_(options.flag("header")),
        cutter_(options.text("separator").front()) {
    if (!has_header_) table().set_names(options.texts("columns"));
  }

 private:
  Flow split(const Piece& piece, Out& out) override {
    std::string_view text = piece.item.text;
    if (piece.begins_file()) {
      begin(text);
      if (has_header_ && take_names(piece) == Flow::kStop) return Flow::kStop;
    } else {
      if (has_header_) {
        Piece head = piece;
        head.origin->offset = 0;
        begin(head.origin->header);
        if (take_names(head) == Flow::kStop) return Flow::kStop;
      }
      cutter_.begin(text);
    }
    if (has_header_ && !are_names_right_) return Flow::kMore;
    return emit_all(cutter_, piece, out);
  }

  // The first bytes of a file may say that it is UTF-8, and are no part of the first field.
  void begin(std::string_view text) {
    cutter_.begin(text, text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0);
  }

  Flow take_names(const Piece& piece) {
    auto names = cutter_.take_names();
    are_names_right_ = names.has_value();
    if (const auto wrong = cutter_.take_wrong()) return fail(piece, *wrong);
    if (!names || *names == table().names()) return Flow::kMore;
    std::vector<std::string> sorted = *names;
    std::ranges::sort(sorted);
    const auto twice = std::ranges::adjacent_find(sorted);
    if (twice != sorted.end()) {
      are_names_right_ = false;
      return fail(
          piece,
          {.text = {}, .offset = 0, .what = "two columns are called " + quote_for_message(*twice)});
    }
    table().set_names(std::move(*names));
    return Flow::kMore;
  }

  const bool has_header_;
  CsvCutter cutter_;
  bool are_names_right_ = true;  // of the text at hand
};

class SplitStage final : public Stage {
 public:
  explicit SplitStage(const StageSpec& spec) : spec_(spec) {
    if (spec.options.has("fields")) json_fields_ = spec.options.named_texts("fields");
  }
  [[nodiscard]] StageTraits traits() const override {
    return {.workers = spec_.workers, .fuses = true, .scales = true};
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    const std::string& by = spec_.options.text("by");
    if (by == "words") return std::make_unique<SplitWords>();
    if (by == "lines") return std::make_unique<SplitLines>();
    if (by == "csv") return std::make_unique<SplitCsv>(spec_.options, context);
    if (by == "json") return std::make_unique<SplitJson>(json_fields_, context);
    // One for each worker: they then never wait for each other's automaton.
    auto regex = RecordRegex::compile(spec_.options.text("pattern"));
    if (!regex.ok()) throw std::logic_error("an unchecked pattern: " + regex.error());
    return std::make_unique<SplitMatches>(std::move(regex.value()));
  }

 private:
  const StageSpec& spec_;
  NamedTexts json_fields_;
};

}  // namespace

StageRow make_split(const StageSpec& spec) { return row_of(std::make_unique<SplitStage>(spec)); }

}  // namespace gorun::jobs
