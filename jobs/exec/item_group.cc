#include "jobs/exec/item_group.h"

#include <cstring>
#include <type_traits>
#include <utility>

#include "jobs/exec/argument_room.h"
#include "jobs/graph.h"

namespace gorun::jobs {
namespace {

static_assert(std::is_trivially_copyable_v<Item>);

class Gatherer final : public Operator {
 public:
  Gatherer(std::size_t items, std::size_t bytes, Weigh weigh)
      : items_(items), bytes_(bytes), weigh_(std::move(weigh)) {}

  Flow process(Batch&& batch, Out& out) override {
    bool is_kept = false;
    for (const Item& item : batch.items()) {
      const std::size_t bytes = weigh_(item);
      if (!pending_.empty() && pending_bytes_ + bytes > bytes_) {
        if (pass_on(out) == Flow::kStop) return Flow::kStop;
        is_kept = false;
      }
      if (!is_kept) pending_.keep_all(batch);
      is_kept = true;
      pending_.push(item);
      pending_bytes_ += bytes;
      if (pending_.size() < items_) continue;
      if (pass_on(out) == Flow::kStop) return Flow::kStop;
      is_kept = false;
    }
    return Flow::kMore;
  }

  void finish(Out& out) override {
    if (!pending_.empty()) static_cast<void>(pass_on(out));
  }

 private:
  Flow pass_on(Out& out) {
    out.batch().keep_all(pending_);
    const Item group = group_of(pending_.items(), out.batch());
    pending_.clear();
    pending_bytes_ = 0;
    return out.emit(group);
  }

  const std::size_t items_;
  const std::size_t bytes_;
  const Weigh weigh_;
  Batch pending_;
  std::size_t pending_bytes_ = 0;
};

class GathererStage final : public Stage {
 public:
  GathererStage(std::size_t items, const StageOptions& options)
      : items_(items), options_(options) {}
  [[nodiscard]] StageTraits traits() const override { return {.fuses = true}; }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    ArgumentRoom room(options_, context.graph().env);
    const std::size_t bytes = room.bytes();
    return std::make_unique<Gatherer>(
        items_, bytes,
        [room = std::move(room)](const Item& item) mutable { return room.taken_by(item); });
  }

 private:
  const std::size_t items_;
  const StageOptions& options_;
};

}  // namespace

Item group_of(std::span<const Item> items, Batch& batch) {
  const std::size_t bytes = items.size() * sizeof(Item);
  char* table = batch.allocate(bytes);
  std::memcpy(table, items.data(), bytes);
  ItemBytes referred;
  for (const Item& item : items) referred.add(item);
  batch.hide_bytes(referred.total());
  return {.text = {table, bytes}};
}

std::vector<Item> items_of(const Item& group) {
  std::vector<Item> items(group.text.size() / sizeof(Item));
  std::memcpy(static_cast<void*>(items.data()), group.text.data(), group.text.size());
  return items;
}

std::unique_ptr<Operator> make_item_gatherer(std::size_t items, std::size_t bytes, Weigh weigh) {
  return std::make_unique<Gatherer>(items, bytes, std::move(weigh));
}

std::unique_ptr<Stage> make_gathering_stage(std::size_t items, const StageOptions& options) {
  return std::make_unique<GathererStage>(items, options);
}

}  // namespace gorun::jobs
