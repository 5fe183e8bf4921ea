#include "jobs/stage_clock.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace gorun::jobs {

namespace {

constexpr runtime::Nanos kPublishEvery = std::chrono::milliseconds(1);

}  // namespace

StageAccount* StageClock::switch_to(StageAccount* account) {
  const runtime::Nanos now = runtime::now();
  if (account_ != nullptr) {
    add(*account_, (now - since_).count(), &times_);
    account_->end();
  }
  if (account != nullptr) account->begin();
  since_ = now;
  StageAccount* const former = std::exchange(account_, account);
  if (account == nullptr || now - published_ >= kPublishEvery) {
    publish();
    published_ = now;
  }
  return former;
}

void StageClock::count(Counter& counter, std::uint64_t items) {
  add(counter, static_cast<std::int64_t>(items), &counts_);
  if (account_ == nullptr) publish();
}

void StageClock::publish() {
  for (Sum<StageAccount>& time : times_) {
    if (time.sum != 0) time.to->add(std::chrono::nanoseconds(std::exchange(time.sum, 0)));
  }
  for (Sum<Counter>& count : counts_) {
    if (count.sum == 0) continue;
    count.to->fetch_add(static_cast<std::uint64_t>(std::exchange(count.sum, 0)),
                        std::memory_order_relaxed);
  }
}

template <class To>
void StageClock::add(To& to, std::int64_t more, std::vector<Sum<To>>* sums) {
  const auto found = std::ranges::find(*sums, &to, &Sum<To>::to);
  if (found != sums->end()) {
    found->sum += more;
  } else {
    sums->push_back({&to, more});
  }
}

void StageRows::add(const StageCell& cell) {
  if (!cell.track) return;
  if (std::ranges::any_of(rows_, [&cell](const Row& row) { return &row.cell == &cell; })) return;
  rows_.emplace_back(cell);
}

}  // namespace gorun::jobs
