// The kind "route": sends each item to the first port whose predicate holds.
//
// An item goes one way only, so that the ports together have every item once. One that no predicate
// wants leaves by the port "out", fails or is left out, as "otherwise" says.
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
        ways_.push_back({PredicateMatch(predicate), context_.port(name)});
    }
    bool is_wanted = false;
    for (const Item& item : batch.items()) {
      const Flow flow = send(item, batch, out);
      if (flow == Flow::kStop && context_.is_cancelled()) return Flow::kStop;
      is_wanted = is_wanted || flow == Flow::kMore;
    }
    // One reader that has enough does not end what the others still read.
    return is_wanted || batch.empty() ? Flow::kMore : Flow::kStop;
  }

 private:
  struct Way {
    PredicateMatch predicate;
    Out* out;  // nullptr: nobody reads there
  };

  Flow send(const Item& item, const Batch& batch, Out& out) {
    for (const Way& way : ways_) {
      if (!way.predicate.matches(item)) continue;
      return way.out == nullptr ? Flow::kMore : pass(item, batch, *way.out);
    }
    if (otherwise_ == "out") return pass(item, batch, out);
    if (otherwise_ == "drop") return Flow::kMore;
    return context_.fail_item(item, {FailureKind::kWork, "no port takes the item", {}});
  }

  static Flow pass(const Item& item, const Batch& batch, Out& out) {
    out.batch().keep_all(batch);
    return out.emit(item);
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
