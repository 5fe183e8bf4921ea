#include "jobs/walk/ordered_walk.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>

#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// Enough for as many goroutines as list at once; a directory of usual size takes some KiB.
constexpr std::size_t kListedAhead = 32;

}  // namespace

// Something to report, or a directory to enter.
struct OrderedWalk::Entry {
  std::optional<Found> found;
  std::unique_ptr<Directory> directory;

  [[nodiscard]] const std::string& path() const;
};

struct OrderedWalk::Directory {
  enum class State : std::uint8_t { kUnlisted, kBeingListed, kListed };

  explicit Directory(PendingDirectory what) : pending(std::move(what)) {}

  PendingDirectory pending;
  bool is_root = false;  // a path as it was given: `pending` has its path alone
  State state = State::kUnlisted;
  // Of who lists it, until it is kListed.
  std::vector<Entry> entries;
  std::vector<std::size_t> subdirectories;  // those entries that are
  std::vector<SystemError> errors;
  std::size_t next = 0;               // of the entries
  std::size_t next_subdirectory = 0;  // the first that is not entered
};

// What a goroutine lists with; it keeps its memory from one directory to the next.
struct OrderedWalk::Scratch {
  DirectoryReader reader;
  WalkStep step;
};

const std::string& OrderedWalk::Entry::path() const {
  return found ? found->path : directory->pending.path;
}

OrderedWalk::OrderedWalk(const Walker& walker, std::vector<std::string> roots, WalkOrder order)
    : walker_(walker), order_(order), top_(std::make_unique<Directory>(PendingDirectory{})) {
  for (std::string& root : roots) {
    PendingDirectory pending;
    pending.path = std::move(root);
    auto directory = std::make_unique<Directory>(std::move(pending));
    directory->is_root = true;
    top_->subdirectories.push_back(top_->entries.size());
    top_->entries.push_back({std::nullopt, std::move(directory)});
  }
  top_->state = Directory::State::kListed;
  levels_.push_back(top_.get());
}

// From the deepest level up: left to themselves, destructors would call each other as deep as the
// tree is.
OrderedWalk::~OrderedWalk() {
  for (; levels_.size() > 1; levels_.pop_back()) {
    Directory& parent = *levels_[levels_.size() - 2];
    parent.entries[parent.next - 1].directory.reset();
  }
}

bool OrderedWalk::next(std::size_t limit, WalkPiece* piece) {
  std::unique_lock lock(mutex_);
  while (true) {
    const Cut state = cut(limit);
    if (state == Cut::kNeedsListing) {
      if (Directory* const directory = claim()) {
        list(*directory, lock);
      } else {
        listed_.wait(lock);
      }
      continue;
    }
    if (state == Cut::kEnd && piece_.found.empty() && piece_.errors.empty()) return false;
    const std::uint64_t following = piece_.number + 1;
    *piece = std::exchange(piece_, {});
    piece_.number = following;
    return true;
  }
}

// Moves on in the order until the piece is full.
OrderedWalk::Cut OrderedWalk::cut(std::size_t limit) {
  piece_.found.reserve(limit);
  while (!levels_.empty()) {
    Directory& level = *levels_.back();
    if (level.next == level.entries.size()) {
      levels_.pop_back();
      if (!levels_.empty()) {
        Directory& parent = *levels_.back();
        parent.entries[parent.next - 1].directory.reset();
      }
      continue;
    }
    Entry& entry = level.entries[level.next];
    if (entry.found) {
      if (piece_.found.size() == limit) return Cut::kPiece;
      piece_.found.push_back(*std::move(entry.found));
      ++level.next;
      continue;
    }
    Directory& directory = *entry.directory;
    if (directory.state != Directory::State::kListed) return Cut::kNeedsListing;
    ++level.next;
    ++level.next_subdirectory;
    --ahead_;
    std::ranges::move(directory.errors, std::back_inserter(piece_.errors));
    levels_.push_back(&directory);
  }
  return Cut::kEnd;
}

// The first directory in the order that nobody has listed; nullptr: none may be.
OrderedWalk::Directory* OrderedWalk::claim() {
  const auto first_unlisted = [](const auto& self, Directory& in) -> Directory* {
    for (std::size_t i = in.next_subdirectory; i < in.subdirectories.size(); ++i) {
      Directory& directory = *in.entries[in.subdirectories[i]].directory;
      if (directory.state == Directory::State::kUnlisted) return &directory;
      if (directory.state == Directory::State::kBeingListed) continue;
      if (Directory* const found = self(self, directory)) return found;
    }
    return nullptr;
  };
  const Directory& level = *levels_.back();
  const Directory* const needed = level.entries[level.next].directory.get();
  for (std::size_t level_left = levels_.size(); level_left > 0; --level_left) {
    Directory* const found = first_unlisted(first_unlisted, *levels_[level_left - 1]);
    if (found != nullptr) return found == needed || ahead_ < kListedAhead ? found : nullptr;
  }
  return nullptr;
}

void OrderedWalk::list(Directory& directory, std::unique_lock<runtime::Mutex>& lock) {
  directory.state = Directory::State::kBeingListed;
  ++ahead_;
  std::unique_ptr<Scratch> scratch;
  if (scratch_.empty()) {
    scratch = std::make_unique<Scratch>();
  } else {
    scratch = std::move(scratch_.back());
    scratch_.pop_back();
  }
  lock.unlock();
  runtime::blocking(runtime::Blocking::kBrief, [&] { look_into(directory, *scratch); });
  lock.lock();
  scratch_.push_back(std::move(scratch));
  directory.state = Directory::State::kListed;
  listed_.notify_all();
}

void OrderedWalk::look_into(Directory& directory, Scratch& scratch) const {
  WalkStep& step = scratch.step;
  if (directory.is_root) {
    walker_.begin(directory.pending.path, &step);
  } else {
    walker_.enter(directory.pending, scratch.reader, &step);
  }
  directory.entries.reserve(step.found.size() + step.directories.size());
  for (Found& found : step.found) directory.entries.push_back({std::move(found), nullptr});
  for (PendingDirectory& pending : step.directories) {
    auto below = std::make_unique<Directory>(std::move(pending));
    directory.entries.push_back({std::nullopt, std::move(below)});
  }
  directory.errors = std::move(step.errors);
  step.clear();
  if (order_ == WalkOrder::kSorted) {
    std::ranges::sort(directory.entries, comes_before);
  }
  for (std::size_t i = 0; i < directory.entries.size(); ++i) {
    if (directory.entries[i].directory) directory.subdirectories.push_back(i);
  }
}

// By path, with a slash behind those of directories to enter.
bool OrderedWalk::comes_before(const Entry& a, const Entry& b) {
  const std::string& left = a.path();
  const std::string& right = b.path();
  const std::size_t common = std::min(left.size(), right.size());
  const int order = std::memcmp(left.data(), right.data(), common);
  if (order != 0) return order < 0;
  // What stands behind the common part: -1 for the end of a path.
  const auto behind = [common](const Entry& entry, const std::string& path) -> int {
    if (path.size() > common) return static_cast<unsigned char>(path[common]);
    return entry.directory && !path.ends_with('/') ? '/' : -1;
  };
  return behind(a, left) < behind(b, right);
}

}  // namespace gorun::jobs
