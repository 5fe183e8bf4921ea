// The kind "batch": n items become one.
//
// Its text is theirs, with a separator between; the fields count, first and last tell how many they
// were and which came first and last. What is left at the end is a batch, too.
#include <array>
#include <string>

#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

class Gather final : public Operator {
 public:
  explicit Gather(const StageOptions& options)
      : size_(static_cast<std::size_t>(options.integer("n"))),
        separator_(options.text("separator")) {}

  Flow process(Batch&& batch, Out& out) override {
    for (const Item& item : batch.items()) {
      if (count_++ == 0) {
        first_.assign(item.text);
      } else {
        text_ += separator_;
      }
      last_at_ = text_.size();
      text_ += item.text;
      if (count_ == size_ && emit(out) == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

  void finish(Out& out) override {
    if (count_ > 0) static_cast<void>(emit(out));
  }

 private:
  Flow emit(Out& out) {
    Batch& to = out.batch();
    Item item{.text = to.copy(text_)};
    const std::array<Field, 3> fields = {
        {{"count", to.copy(std::to_string(count_)), FieldType::kNumber},
         {"first", to.copy(first_)},
         {"last", item.text.substr(last_at_)}}};
    to.set_fields(&item, fields);
    count_ = 0;
    text_.clear();
    return out.emit(item);
  }

  const std::size_t size_;
  const std::string& separator_;
  std::size_t count_ = 0;
  std::size_t last_at_ = 0;  // where in text_ the last item begins
  std::string text_;
  std::string first_;
};

class BatchStage final : public Stage {
 public:
  explicit BatchStage(const StageSpec& spec) : options_(spec.options) {}
  [[nodiscard]] StageTraits traits() const override { return {.fuses = true}; }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& /*context*/) override {
    return std::make_unique<Gather>(options_);
  }

 private:
  const StageOptions& options_;
};

}  // namespace

StageRow make_batch(const StageSpec& spec) { return row_of(std::make_unique<BatchStage>(spec)); }

}  // namespace gorun::jobs
