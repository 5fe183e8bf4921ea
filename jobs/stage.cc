#include "jobs/stage.h"

#include <stdexcept>

namespace gorun::jobs {

Failure failure_of(const SystemError& error) {
  return {.kind = FailureKind::kWork,
          .what = error.message(),
          .item = {},
          .cause = FailureCause::kIo,
          .code = error.error_number};
}

Flow Operator::process_records(const Records& /*records*/, Out& /*out*/) {
  throw std::logic_error("this operator takes no bare records");
}
Flow Operator::process_rows(const Rows& /*rows*/, Out& /*out*/) {
  throw std::logic_error("this operator takes no rows");
}
Flow Operator::process_lines(const Batch& /*batch*/, const Item& /*text*/, Out& /*out*/,
                             std::uint64_t* /*lines*/) {
  throw std::logic_error("this operator takes no uncut lines");
}
Flow Operator::process_number(const Batch& /*batch*/, const Item& /*parent*/,
                              std::uint64_t /*records*/, Out& /*out*/) {
  throw std::logic_error("this operator takes no number of records");
}
void Operator::finish(Out& /*out*/) {}

// The plan asks a stage only for what its traits promise; these are reached by a broken stage.
std::unique_ptr<Producer> Stage::make_producer(Context& /*context*/) {
  throw std::logic_error("this kind of stage is no source");
}
std::unique_ptr<Operator> Stage::make_operator(Context& /*context*/) {
  throw std::logic_error("this kind of stage takes no input");
}
std::unique_ptr<Merger> Stage::make_merger(const ShardPlace& /*place*/) {
  throw std::logic_error("this kind of stage does not gather");
}
void Stage::conclude(Context& /*context*/, Out& /*out*/) {}

void Stage::conclude_shard(std::size_t /*shard*/, Context& /*context*/, Out& /*out*/) {}

}  // namespace gorun::jobs
