#include "jobs/fill_gauge.h"

#include <cmath>

namespace gorun::jobs {
namespace {

constexpr std::int64_t kTickNs = 4096;

}  // namespace

void FillGauge::Bound::saw(std::uint64_t amount) {
  std::uint64_t before = highest.load(std::memory_order_relaxed);
  while (before < amount &&
         !highest.compare_exchange_weak(before, amount, std::memory_order_relaxed)) {
  }
}

double FillGauge::Bound::mean(std::uint64_t amount, std::uint64_t ticks) const {
  if (ticks == 0) return 0;
  const std::uint64_t all = waited.load(std::memory_order_relaxed) + parts(amount) * ticks;
  const double room = std::ldexp(static_cast<double>(limit), -shift) * static_cast<double>(ticks);
  return std::min(static_cast<double>(all) / room, 1.0);
}

// One batch more than the bound allows may be in, and one for each producer.
double FillGauge::Bound::most() const {
  return std::min(
      static_cast<double>(highest.load(std::memory_order_relaxed)) / static_cast<double>(limit),
      1.0);
}

std::uint64_t FillGauge::ticks(std::int64_t now) const {
  const std::int64_t begun = begun_.load(std::memory_order_relaxed);
  return now <= begun ? 0 : static_cast<std::uint64_t>((now - begun) / kTickNs);
}

void FillGauge::came(std::uint64_t bytes, runtime::Nanos now) {
  const std::uint64_t time = ticks(now.count());
  batches_.waited.fetch_sub(batches_.parts(1) * time, std::memory_order_relaxed);
  bytes_.waited.fetch_sub(bytes_.parts(bytes) * time, std::memory_order_relaxed);
}

void FillGauge::left(std::uint64_t bytes, runtime::Nanos now) {
  const std::uint64_t time = ticks(now.count());
  batches_.waited.fetch_add(batches_.parts(1) * time, std::memory_order_relaxed);
  bytes_.waited.fetch_add(bytes_.parts(bytes) * time, std::memory_order_relaxed);
}

void FillGauge::saw(std::size_t batches, std::uint64_t bytes) {
  batches_.saw(batches);
  bytes_.saw(bytes);
}

std::optional<ChannelFill> FillGauge::fill(std::size_t batches, std::uint64_t bytes) const {
  const std::int64_t ended = ended_.load(std::memory_order_relaxed);
  if (ended == kNotYet) return std::nullopt;
  const std::uint64_t whole = ticks(ended);
  return ChannelFill{.capacity = static_cast<std::size_t>(batches_.limit),
                     .mean = std::max(batches_.mean(batches, whole), bytes_.mean(bytes, whole)),
                     .most = std::max(batches_.most(), bytes_.most())};
}

}  // namespace gorun::jobs
