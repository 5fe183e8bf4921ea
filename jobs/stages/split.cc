// The kind "split": chunks or texts become records, as views into them.
//
// A record carries the fields of what it was cut from. Not fused away when it stands behind a
// reader with fewer workers: cutting is the larger part of the work.
#include <array>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "jobs/stages/rows.h"
#include "jobs/text/cutter.h"
#include "jobs/text/regex_cutter.h"

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
  Flow split(const Batch& batch, const Item& item, Out& out) override {
    if (out.takes_lines()) return out.send_lines(batch, item);
    return emit_all(LineCutter(item.text), batch, item, out);
  }
};

class SplitWords final : public Split {
  Flow split(const Batch& batch, const Item& item, Out& out) override {
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

class SplitStage final : public Stage {
 public:
  explicit SplitStage(const StageSpec& spec) : spec_(spec) {}
  [[nodiscard]] StageTraits traits() const override {
    return {.workers = spec_.workers, .fuses = true, .scales = true};
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& /*context*/) override {
    const std::string& by = spec_.options.text("by");
    if (by == "words") return std::make_unique<SplitWords>();
    if (by == "lines") return std::make_unique<SplitLines>();
    // One for each worker: they then never wait for each other's automaton.
    auto regex = RecordRegex::compile(spec_.options.text("pattern"));
    if (!regex.ok()) throw std::logic_error("an unchecked pattern: " + regex.error());
    return std::make_unique<SplitMatches>(std::move(regex.value()));
  }

 private:
  const StageSpec& spec_;
};

}  // namespace

StageRow make_split(const StageSpec& spec) { return row_of(std::make_unique<SplitStage>(spec)); }

}  // namespace gorun::jobs
