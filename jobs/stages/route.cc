// The kind "route": sends each item to the first port whose predicate holds.
//
// An item goes one way only, so that the ports together have every item once. One that no predicate
// wants leaves by the port "out", fails or is left out, as "otherwise" says.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "jobs/stages/rows.h"

namespace gorun::jobs {
namespace {

class Route final : public Operator {
 public:
  Route(const StageOptions& options, Context& context)
      : context_(context), to_(options.predicates("to")), otherwise_(options.text("otherwise")) {}

  Flow process(Batch&& batch, Out& out) override {
    if (ways_.empty()) {  // ports are there once the run has begun
      for (const auto& [name, predicate] : to_)
        ways_.push_back({PredicateMatch(predicate), context_.port(name), {}});
      if (otherwise_ == "out") ways_.push_back({std::nullopt, &out, {}});
    }
    // One reader that has enough does not end what the others still read.
    bool is_wanted = batch.empty();
    for (const Item& item : batch.items()) {
      const auto way =
          std::ranges::find_if(ways_, [&item](const Way& to) { return to.takes(item); });
      if (way != ways_.end()) {
        way->items.push_back(item);
        continue;
      }
      const Flow flow = leave_out(item);
      if (flow == Flow::kStop && context_.is_cancelled()) return Flow::kStop;
      is_wanted = is_wanted || flow == Flow::kMore;
    }
    for (Way& way : ways_) {
      if (way.items.empty()) continue;
      const Flow flow = way.out == nullptr ? Flow::kMore : way.out->send(batch.pick(way.items));
      way.items.clear();
      if (flow == Flow::kStop && context_.is_cancelled()) return Flow::kStop;
      is_wanted = is_wanted || flow == Flow::kMore;
    }
    return is_wanted ? Flow::kMore : Flow::kStop;
  }

 private:
  struct Way {
    std::optional<PredicateMatch> predicate;  // nothing: takes what no other does
    Out* out;                                 // nullptr: nobody reads there
    std::vector<Item> items;                  // of the batch at hand

    [[nodiscard]] bool takes(const Item& item) const {
      return !predicate || predicate->matches(item);
    }
  };

  Flow leave_out(const Item& item) {
    if (otherwise_ == "drop") return Flow::kMore;
    return context_.fail_item(item, {FailureKind::kWork, "no port takes the item", {}});
  }

  Context& context_;
  const NamedPredicates& to_;
  const std::string& otherwise_;
  std::vector<Way> ways_;
};

class RouteStage final : public Stage {
 public:
  explicit RouteStage(const StageSpec& spec) : spec_(spec) {}
  [[nodiscard]] StageTraits traits() const override {
    return {.workers = spec_.workers, .fuses = true, .scales = true};
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<Route>(spec_.options, context);
  }

 private:
  const StageSpec& spec_;
};

}  // namespace

StageRow make_route(const StageSpec& spec) { return row_of(std::make_unique<RouteStage>(spec)); }

}  // namespace gorun::jobs
