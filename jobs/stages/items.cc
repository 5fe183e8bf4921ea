// The kind "items": literals of the job file. Their bytes live in the graph, so nothing is copied.
#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

class ItemsProducer final : public Producer {
 public:
  explicit ItemsProducer(const std::vector<LiteralItem>& items) : items_(items) {}

  void run(Out& out) override {
    for (const LiteralItem& literal : items_) {
      Item item{.text = literal.text};
      const std::span<Field> fields = out.batch().allocate_fields(literal.fields.size());
      for (std::size_t i = 0; i < fields.size(); ++i) {
        fields[i] = {literal.fields[i].first, literal.fields[i].second};
      }
      item.fields = fields.data();
      item.field_count = static_cast<std::uint32_t>(fields.size());
      if (out.emit(item) == Flow::kStop) return;
    }
  }

 private:
  const std::vector<LiteralItem>& items_;
};

class ItemsStage final : public Stage {
 public:
  explicit ItemsStage(const StageSpec& spec) : items_(spec.options.items("items")) {}
  [[nodiscard]] StageTraits traits() const override { return {}; }
  [[nodiscard]] bool is_source() const override { return true; }
  [[nodiscard]] std::unique_ptr<Producer> make_producer(Context& /*context*/) override {
    return std::make_unique<ItemsProducer>(items_);
  }

 private:
  const std::vector<LiteralItem>& items_;
};

}  // namespace

StageRow make_items(const StageSpec& spec) { return row_of(std::make_unique<ItemsStage>(spec)); }

}  // namespace gorun::jobs
