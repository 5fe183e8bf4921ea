// The kind "range": whole numbers, as seq(1) counts them.
#include <charconv>
#include <cstdint>

#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

class Range final : public Producer {
 public:
  explicit Range(const StageOptions& options)
      : from_(options.integer("from_n")),
        to_(options.integer("to")),
        step_(options.integer("step")) {}

  void run(Out& out) override {
    // In 128 bits nothing that 64 bits can say overflows.
    for (Wide n = from_; step_ > 0 ? n <= to_ : n >= to_; n += step_) {
      char digits[24];
      const auto end =
          std::to_chars(digits, digits + sizeof digits, static_cast<std::int64_t>(n)).ptr;
      const std::string_view text(digits, static_cast<std::size_t>(end - digits));
      if (out.emit(Item{.text = out.batch().copy(text)}) == Flow::kStop) return;
    }
  }

 private:
  __extension__ using Wide = __int128;
  const Wide from_;
  const Wide to_;
  const Wide step_;
};

class RangeStage final : public Stage {
 public:
  explicit RangeStage(const StageSpec& spec) : options_(spec.options) {}
  [[nodiscard]] StageTraits traits() const override { return {}; }
  [[nodiscard]] bool is_source() const override { return true; }
  [[nodiscard]] std::unique_ptr<Producer> make_producer(Context& /*context*/) override {
    return std::make_unique<Range>(options_);
  }

 private:
  const StageOptions& options_;
};

}  // namespace

StageRow make_range(const StageSpec& spec) { return row_of(std::make_unique<RangeStage>(spec)); }

}  // namespace gorun::jobs
