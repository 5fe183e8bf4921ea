#include "jobs/stage_clock.h"

#include <algorithm>
#include <utility>

namespace gorun::jobs {

StageAccount* StageClock::switch_to(StageAccount* account) {
  const runtime::Nanos now = runtime::now();
  if (account_ != nullptr) account_->end(now - since_);
  if (account != nullptr) account->begin();
  since_ = now;
  return std::exchange(account_, account);
}

void StageRows::add(const StageCell& cell) {
  if (!cell.track) return;
  if (std::ranges::any_of(rows_, [&cell](const Row& row) { return &row.cell == &cell; })) return;
  rows_.emplace_back(cell);
}

}  // namespace gorun::jobs
