#include "jobs/hash/hash_meter.h"

namespace gorun::jobs {

void HashMeter::at_hand(std::size_t worker, std::string_view name, std::uint64_t size,
                        std::uint64_t read) {
  Desk& desk = desks_[worker];
  const std::lock_guard lock(desk.mutex);
  if (desk.file.name != name) desk.file.name = name;
  desk.file.size = size;
  desk.file.read = read;
}

HashMeter::Figures HashMeter::figures() const {
  Figures figures{files_.load(std::memory_order_relaxed), bytes_.load(std::memory_order_relaxed),
                  known_files_.load(std::memory_order_relaxed),
                  known_bytes_.load(std::memory_order_relaxed)};
  for (const Desk& desk : desks_) {
    const std::lock_guard lock(desk.mutex);
    if (desk.file.size == 0) continue;
    if (!figures.slowest || desk.file.left() > figures.slowest->left()) figures.slowest = desk.file;
  }
  return figures;
}

}  // namespace gorun::jobs
