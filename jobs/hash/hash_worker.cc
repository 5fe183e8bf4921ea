#include "jobs/hash/hash_worker.h"

#include <utility>

#include "jobs/hash/large_file.h"

namespace gorun::jobs {
namespace {

// After so many bytes (about a millisecond of SHA-256) a worker looks up from its files.
constexpr std::uint64_t kBytesAtOnce = std::uint64_t{3} << 20;

}  // namespace

HashWorker::HashWorker(std::span<const Algorithm> algorithms, Sha256Path path, int procs,
                       TurningDisks* disks, DigestCache* cache)
    : algorithms_(algorithms.begin(), algorithms.end()),
      is_tree_(algorithms_.size() == 1 && algorithms_.front() == Algorithm::kBlake3),
      procs_(procs),
      cache_(cache),
      place_(disks),
      hasher_(algorithms_, path, &place_, cache) {
  hasher_.set_aside_from(kLargeFileBytes);
}

bool HashWorker::hash(std::span<const std::string_view> names, HashObserver& observer) {
  const bool goes_on = hash_all(names, observer);
  place_.give_back();
  return goes_on;
}

bool HashWorker::hash_all(std::span<const std::string_view> names, HashObserver& observer) {
  hasher_.start(names);
  if (!run(observer)) return false;
  std::vector<OpenedFile> large = hasher_.take_aside();
  if (is_tree_ || large.size() == 1) {
    for (OpenedFile& file : large) {
      if (!hash_large(std::move(file), observer)) return false;
    }
    return true;
  }
  // Side by side in lanes they are faster than one after the other.
  hasher_.start_opened(std::move(large));
  are_large_ = true;
  const bool goes_on = run(observer);
  are_large_ = false;
  return goes_on;
}

bool HashWorker::run(HashObserver& observer) {
  for (bool is_done = false; !is_done;) {
    hasher_.drop_untouched(observer.give_away(hasher_.untouched()));
    outcomes_.clear();
    const std::uint64_t before = hasher_.bytes_read();
    is_done = hasher_.run(kBytesAtOnce, &outcomes_);
    const bool goes_on = observer.on_bytes(hasher_.bytes_read() - before);
    if (are_large_) {
      if (const auto slowest = hasher_.slowest()) observer.on_at_hand(*slowest);
    }
    for (HashOutcome& outcome : outcomes_) {
      if (!observer.on_result(outcome.index, std::move(outcome.result))) return false;
    }
    if (!goes_on) return false;
  }
  return true;
}

bool HashWorker::hash_large(OpenedFile opened, HashObserver& observer) {
  bool goes_on = true;
  HashAtHand at_hand{opened.index, opened.file.expected_size(), 0};
  HashResult result = hash_large_file(opened.file, algorithms_, procs_, [&](std::uint64_t bytes) {
    at_hand.read += bytes;
    observer.on_at_hand(at_hand);
    goes_on = goes_on && observer.on_bytes(bytes);
    return goes_on;
  });
  if (cache_ != nullptr && result.ok()) keep_digests(*cache_, opened.file, result->digests);
  return goes_on && observer.on_result(opened.index, std::move(result));
}

}  // namespace gorun::jobs
