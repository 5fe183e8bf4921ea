#include "jobs/hash/hash_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <utility>

#include "jobs/hash/blake3_batch.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// 16 windows make half a megabyte: half of the second-level cache of a current server core. Most
// files of most trees fit whole.
constexpr std::size_t kWindowBytes = std::size_t{32} << 10;
// Windows at a distance of a power of two would all begin in the same set of the first-level cache,
// and 16 lanes read 16 of them in step.
constexpr std::size_t kWindowStride = kWindowBytes + 5 * kSha256BlockBytes;
constexpr std::size_t kLineBytes = 64;
// Two or three of the largest fill the lanes by themselves; larger ones gain nothing.
constexpr std::size_t kSmallTreeBytes = std::size_t{64} << 10;

}  // namespace

void keep_digests(DigestCache& cache, const FileReading& file, std::span<const Digest> digests) {
  runtime::blocking(runtime::Blocking::kBrief, [&] {
    if (const auto stamp = file.stamp_to_keep()) cache.keep(file.name(), *stamp, digests);
  });
}

struct FilesHasher::Flight {
  std::optional<FileReading> file;  // nothing: free
  std::size_t index = 0;            // of its name
  std::span<char> window;
  DigestPass others;  // what the lanes do not compute
};

struct FilesHasher::SmallTrees {
  struct Member {
    std::size_t index = 0;  // of its name
    std::uint64_t size = 0;
    std::optional<FileStamp> stamp = std::nullopt;  // to keep
  };
  Blake3Batch batch;
  std::vector<Member> members;  // in the order of the batch
  std::size_t used = 0;         // of the buffer, which is the window of the one flight
};

FilesHasher::FilesHasher(std::span<const Algorithm> algorithms, Sha256Path path, DiskPlace* place,
                         DigestCache* cache)
    : algorithms_(algorithms.begin(), algorithms.end()), place_(place), cache_(cache) {
  const bool has_sha256 = std::ranges::find(algorithms, Algorithm::kSha256) != algorithms.end();
  std::vector<Algorithm> others = algorithms_;
  if (has_sha256 && Sha256Lanes::are_available(path)) {
    lanes_.emplace(path);
    std::erase(others, Algorithm::kSha256);
    windows_.resize(lanes_->width() * kWindowStride + kLineBytes);
  } else {
    windows_.resize(kHashBufferBytes + kLineBytes);
  }
  const std::size_t misfit = reinterpret_cast<std::uintptr_t>(windows_.data()) % kLineBytes;
  char* window = windows_.data() + (kLineBytes - misfit) % kLineBytes;
  const std::size_t count = lanes_ ? lanes_->width() : 1;
  flights_.reserve(count);
  for (std::size_t i = 0; i < count; ++i, window += kWindowStride) {
    flights_.push_back({.file = std::nullopt,
                        .index = 0,
                        .window = {window, lanes_ ? kWindowBytes : kHashBufferBytes},
                        .others = DigestPass(others)});
  }
  if (algorithms_.size() == 1 && algorithms_.front() == Algorithm::kBlake3) {
    small_trees_ = std::make_unique<SmallTrees>();
  }
}

FilesHasher::~FilesHasher() = default;

void FilesHasher::start(std::span<const std::string_view> names) {
  for (std::size_t i = 0; i < flights_.size(); ++i) {
    if (!flights_[i].file) continue;
    flights_[i].file.reset();
    flights_[i].others.reset();
    if (lanes_) lanes_->begin(i);  // drops what the lane holds
  }
  if (small_trees_) {
    small_trees_->batch.clear();
    small_trees_->members.clear();
    small_trees_->used = 0;
  }
  near_.forget();
  in_flight_ = 0;
  names_ = names;
  next_ = 0;
  aside_.clear();
  opened_.clear();
}

void FilesHasher::start_opened(std::vector<OpenedFile> files) {
  start({});
  opened_ = std::move(files);
  std::ranges::reverse(opened_);
}

void FilesHasher::drop_untouched(std::size_t count) {
  names_ = names_.first(names_.size() - std::min(count, untouched()));
}

bool FilesHasher::run(std::uint64_t budget, std::vector<HashOutcome>* outcomes) {
  const std::uint64_t limit = bytes_read_ + budget;
  while (true) {
    for (std::size_t i = 0; i < flights_.size(); ++i) refill(i, outcomes);
    if (small_trees_) land_small_trees(outcomes);
    if (in_flight_ == 0) return true;
    if (lanes_) lanes_->advance();
    if (bytes_read_ >= limit) return false;
  }
}

std::optional<HashAtHand> FilesHasher::slowest() const {
  std::optional<HashAtHand> slowest;
  std::uint64_t most = 0;
  for (const Flight& flight : flights_) {
    if (!flight.file || flight.file->expected_size() <= flight.file->bytes_read()) continue;
    const std::uint64_t left = flight.file->expected_size() - flight.file->bytes_read();
    if (left <= most) continue;
    most = left;
    slowest = {flight.index, flight.file->expected_size(), flight.file->bytes_read()};
  }
  return slowest;
}

// Brings lane i to where it has something to compress, or is free because there is no more.
void FilesHasher::refill(std::size_t i, std::vector<HashOutcome>* outcomes) {
  Flight& flight = flights_[i];
  while (!lanes_ || lanes_->is_dry(i)) {
    if (flight.file && flight.file->is_at_end()) {
      if (auto error = flight.file->check(flight.file->bytes_read())) {
        land(&flight, *std::move(error), outcomes);
      } else {
        FileDigests digests{flight.file->bytes_read(), digests_of(i)};
        if (cache_ != nullptr) keep_digests(*cache_, *flight.file, digests.digests);
        land(&flight, std::move(digests), outcomes);
      }
    }
    if (!flight.file && !take_off(i, outcomes)) return;
    if (flight.file) feed(i, outcomes);
    if (!lanes_ && flight.file) return;
  }
}

// Opens the next file for lane i. False: there is none.
bool FilesHasher::take_off(std::size_t i, std::vector<HashOutcome>* outcomes) {
  Flight& flight = flights_[i];
  if (!opened_.empty()) {
    flight.index = opened_.back().index;
    flight.file.emplace(std::move(opened_.back().file));
    opened_.pop_back();
  } else {
    if (next_ == names_.size()) return false;
    if (cache_ != nullptr && cache_->knows_any()) {
      if (std::optional<FileDigests> known = recall_next()) {
        outcomes->push_back({next_++, *std::move(known)});
        return true;
      }
    }
    auto opened = open_next();
    flight.index = next_ - 1;
    if (!opened.ok()) {
      outcomes->push_back({flight.index, opened.error()});
      return true;
    }
    if (small_trees_ && joins_small_trees(*opened, flight.index, outcomes)) return true;
    if (aside_from_ > 0 && opened->expected_size() >= aside_from_) {
      aside_.push_back({flight.index, std::move(opened).value()});
      return true;
    }
    flight.file.emplace(std::move(opened).value());
  }
  ++in_flight_;
  if (lanes_) lanes_->begin(i);
  return true;
}

NearDirectory::Place FilesHasher::place_of_next() {
  const std::string_view following = next_ + 1 < names_.size() ? names_[next_ + 1] : "";
  return near_.find(names_[next_], following);
}

Expected<FileReading, HashFileError> FilesHasher::open_next() {
  const NearDirectory::Place near = place_of_next();
  return FileReading::open(near.dirfd, std::string(names_[next_++]), near.skip, place_);
}

// What the cache knows of the next file; nothing: it is to be read, or to be found unreadable.
std::optional<FileDigests> FilesHasher::recall_next() {
  const NearDirectory::Place near = place_of_next();
  const std::string name(names_[next_]);
  return runtime::blocking(runtime::Blocking::kBrief, [&]() -> std::optional<FileDigests> {
    struct stat seen = {};
    if (::fstatat(near.dirfd, name.c_str() + near.skip, &seen, 0) != 0) return std::nullopt;
    if (!S_ISREG(seen.st_mode)) return std::nullopt;
    auto digests = cache_->find(name, stamp_of(seen), algorithms_);
    if (!digests) return std::nullopt;
    return FileDigests{.size = static_cast<std::uint64_t>(seen.st_size),
                       .digests = *std::move(digests),
                       .was_read = false};
  });
}

// Reads a small file into the buffer, to be hashed with others. False: it is none.
bool FilesHasher::joins_small_trees(FileReading& file, std::size_t index,
                                    std::vector<HashOutcome>* outcomes) {
  SmallTrees& trees = *small_trees_;
  const std::uint64_t size = file.expected_size();
  if (size == 0 || size > kSmallTreeBytes) {  // 0 may be a fiction
    land_small_trees(outcomes);               // it reads into the same buffer
    return false;
  }
  const std::span<char> buffer = flights_.front().window;
  if (trees.used + size > buffer.size()) land_small_trees(outcomes);
  const std::span<char> room = buffer.subspan(trees.used, size);
  const auto got = file.read(room);
  if (!got.ok()) {
    HashResult failed = got.error();
    outcomes->push_back({index, std::move(failed)});
    return true;
  }
  bytes_read_ += *got;
  if (auto error = file.check(*got)) {
    outcomes->push_back({index, *std::move(error)});
    return true;
  }
  trees.batch.add({reinterpret_cast<const std::uint8_t*>(room.data()), *got});
  trees.members.push_back({index, *got});
  if (cache_ != nullptr) trees.members.back().stamp = file.stamp_to_keep();
  trees.used += (size + kLineBytes - 1) / kLineBytes * kLineBytes;
  return true;
}

void FilesHasher::land_small_trees(std::vector<HashOutcome>* outcomes) {
  SmallTrees& trees = *small_trees_;
  trees.batch.compute();
  for (std::size_t i = 0; i < trees.members.size(); ++i) {
    const Blake3Value value = trees.batch.value(i);
    Digest digest;
    digest.algorithm = Algorithm::kBlake3;
    std::copy(value.begin(), value.end(), digest.bytes.begin());
    const SmallTrees::Member& member = trees.members[i];
    if (member.stamp) {
      runtime::blocking(runtime::Blocking::kBrief, [&] {
        cache_->keep(names_[member.index], *member.stamp, {&digest, 1});
      });
    }
    outcomes->push_back({member.index, FileDigests{member.size, {digest}}});
  }
  trees.batch.clear();
  trees.members.clear();
  trees.used = 0;
}

// Reads the next window of lane i's file and hands it to all who digest it.
void FilesHasher::feed(std::size_t i, std::vector<HashOutcome>* outcomes) {
  Flight& flight = flights_[i];
  const auto got = flight.file->read(flight.window);
  if (!got.ok()) {
    land(&flight, got.error(), outcomes);
    return;
  }
  bytes_read_ += *got;
  flight.others.update({flight.window.data(), *got});
  if (!lanes_) return;
  const std::span<const std::uint8_t> bytes(
      reinterpret_cast<const std::uint8_t*>(flight.window.data()), *got);
  flight.file->is_at_end() ? lanes_->feed_last(i, bytes) : lanes_->feed(i, bytes);
}

std::vector<Digest> FilesHasher::digests_of(std::size_t i) {
  std::vector<Digest> others = flights_[i].others.finish();
  if (!lanes_) return others;
  const Digest sha256 = lanes_->finish(i);
  std::vector<Digest> digests;
  digests.reserve(algorithms_.size());
  auto other = others.begin();
  for (const Algorithm algorithm : algorithms_) {
    digests.push_back(algorithm == Algorithm::kSha256 ? sha256 : *other++);
  }
  return digests;
}

void FilesHasher::land(Flight* flight, HashResult result, std::vector<HashOutcome>* outcomes) {
  if (!result.ok()) flight->others.reset();
  outcomes->push_back({flight->index, std::move(result)});
  flight->file.reset();
  --in_flight_;
}

}  // namespace gorun::jobs
