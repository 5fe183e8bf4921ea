#include "jobs/hash/digest_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "jobs/format/quote.h"

namespace gorun::jobs {
namespace {

constexpr int kFirstBits = 4;
constexpr int kMostBits = 36;  // 256 TiB: no disk has that, and no loop ends by a full one

// What is gathered before it is written: about 4 MiB.
constexpr std::size_t kMostGathered = 16384;
constexpr std::size_t kMostBytes = std::size_t{3} << 20;
constexpr std::chrono::seconds kGatheringTime{1};

// Of SHA-256 a bucket holds 49 files; chance fills the first one when they have half of that.
constexpr std::size_t kFilesOfBucket = 16;
// A bucket is cut into so many parts that they fit in the cache.
constexpr int kMostBitsAtOnce = 6;

constexpr std::uint64_t kContradictionsShown = 20;

// Where a power cut has made zeros of the header, so many pages are looked at to find one of ours.
constexpr int kPagesLookedAt = 1024;

// What is in a file may be secret, and a digest of a short one tells it: only the owner reads it.
constexpr mode_t kMode = 0600;

constexpr std::string_view kTableName = "digests";
constexpr std::string_view kNextName = "digests.next";

constexpr std::array<char, 16> kTableMagic = {"gorun digests 1"};
constexpr std::uint32_t kByteOrder = 0x01020304;

// The first page of the table.
struct Header {
  std::array<char, 16> magic{};
  std::uint32_t byte_order = 0;
  std::uint32_t bits = 0;
  std::uint64_t seed = 0;
  std::uint64_t check = 0;  // of what is before it

  [[nodiscard]] std::uint64_t right_check() const {
    return XXH3_64bits(this, offsetof(Header, check));
  }
};

const Digest* find_digest(const std::vector<Digest>& digests, Algorithm algorithm) {
  const auto found = std::ranges::find(digests, algorithm, &Digest::algorithm);
  return found == digests.end() ? nullptr : &*found;
}

// The errno of what failed; 0: the bytes are there.
int write_page(int fd, std::uint64_t page, std::string_view bytes) {
  auto at = static_cast<off_t>(page * kBucketBytes);
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(fd, bytes.data(), bytes.size(), at);
    if (wrote < 0 && errno != EINTR) return errno;
    if (wrote <= 0) continue;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
    at += wrote;
  }
  return 0;
}

// Without a slash at its end; of the root, and where it cannot be said, empty.
std::string current_directory() {
  std::error_code error;
  std::string path = std::filesystem::current_path(error).string();
  if (path == "/") path.clear();
  return path;
}

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

std::string foreign_message(const std::string& path) {
  return quote_for_message(path) +
         " is not what gorun keeps digests in: remove it, or name another place";
}

// True of what a run that was killed has left of a table that was to be.
bool is_left_over(const std::string& path) {
  const FileDescriptor file(
      ::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat seen = {};
  if (!file.is_open() || ::fstat(file.get(), &seen) != 0 || !S_ISREG(seen.st_mode)) return false;
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return false;
  std::array<char, kTableMagic.size()> begin = {};
  const ssize_t got = ::pread(file.get(), begin.data(), begin.size(), 0);
  return got == 0 || (got == begin.size() && begin == kTableMagic);
}

// Those that are open in this process, by path: of a file that is opened twice the second lock
// would wait for the first.
struct OpenCaches {
  std::mutex mutex;  // held while one is opened
  std::condition_variable closed;
  std::map<std::string, std::weak_ptr<DigestCache>> by_path;  // until it is closed
};

OpenCaches& open_caches() {
  static OpenCaches* const caches = new OpenCaches;  // threads may outlive main()
  return *caches;
}

}  // namespace

Expected<std::shared_ptr<DigestCache>, std::string> DigestCache::open(const CachePlace& place,
                                                                      Trust trust) {
  if (auto error = make_directory(place)) return error->message();
  std::error_code ignored;
  std::filesystem::path real = std::filesystem::canonical(place.directory, ignored);
  if (ignored) real = place.directory;
  OpenCaches& caches = open_caches();
  std::unique_lock lock(caches.mutex);
  for (auto known = caches.by_path.find(real.string()); known != caches.by_path.end();
       known = caches.by_path.find(real.string())) {
    if (std::shared_ptr<DigestCache> cache = known->second.lock()) return cache;
    caches.closed.wait(lock);  // it writes what it has, and lets go of the table
  }
  std::unique_ptr<DigestCache> opened(new DigestCache(real.string(), trust));
  if (auto error = opened->open_table()) return *std::move(error);
  const std::shared_ptr<DigestCache> cache(opened.release(), [&caches](DigestCache* closing) {
    const std::string directory = closing->directory_;
    delete closing;
    {
      const std::lock_guard closed(caches.mutex);
      caches.by_path.erase(directory);
    }
    caches.closed.notify_all();
  });
  caches.by_path[real.string()] = cache;
  return cache;
}

DigestCache::DigestCache(std::string directory, Trust trust)
    : directory_(std::move(directory)),
      path_(directory_ + "/" + std::string(kTableName)),
      current_(current_directory()),
      trust_(trust) {}

DigestCache::~DigestCache() { flush(); }

std::optional<std::string> DigestCache::open_table() {
  constexpr int kFlags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;  // a FIFO would wait for a writer
  bool is_ours = false;
  for (;;) {
    table_ = FileDescriptor(::open(path_.c_str(), O_RDWR | O_CREAT | kFlags, kMode));
    const int failed = errno;
    const bool may_read = failed == EACCES || failed == EPERM || failed == EROFS;
    if (!table_.is_open() && may_read) {
      table_ = FileDescriptor(::open(path_.c_str(), O_RDONLY | kFlags));
      if (table_.is_open()) give_up({"write", failed, path_});
    } else if (table_.is_open()) {
      is_ours = lock_table();
    }
    if (!table_.is_open()) return SystemError{"open", failed, path_}.message();
    struct stat opened = {};
    if (::fstat(table_.get(), &opened) != 0) return SystemError{"stat", errno, path_}.message();
    if (!S_ISREG(opened.st_mode)) return foreign_message(path_);
    // Who had it before may have put another one in its place.
    if (!is_ours || is_in_place()) break;
  }
  const auto header = read_header();
  if (!header) return header.error().message();
  switch (*header) {
    case HeaderState::kForeign:
      return foreign_message(path_);
    case HeaderState::kRight:
      knows_any_ = trust_ == Trust::kStamps;
      break;
    case HeaderState::kNone:
      if (!is_ours) break;
      bits_ = kFirstBits;
      if (::getrandom(&seed_, sizeof seed_, 0) != sizeof seed_) seed_ = 0;
      if (::ftruncate(table_.get(), 0) != 0) return SystemError{"write", errno, path_}.message();
      if (const int failed = write_header(table_.get(), bits_)) {
        return SystemError{"write", failed, path_}.message();
      }
  }
  keeps_.store(is_ours, std::memory_order_relaxed);
  return std::nullopt;
}

// False, with a warning: somebody else has it.
bool DigestCache::lock_table() {
  if (::flock(table_.get(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) {
    warn("another gorun uses " + quote_for_message(path_) +
         ": what this one reads is not remembered");
  } else {
    give_up({"lock", errno, path_});
  }
  return false;
}

// I2: false: the table was removed, or another one is there.
bool DigestCache::is_in_place() const {
  struct stat opened = {};
  struct stat there = {};
  return ::fstat(table_.get(), &opened) == 0 && ::stat(path_.c_str(), &there) == 0 &&
         is_same_file(opened, there);
}

Expected<DigestCache::HeaderState, SystemError> DigestCache::read_header() {
  Header header;
  const ssize_t got = ::pread(table_.get(), &header, sizeof header, 0);
  if (got < 0) return SystemError{"read", errno, path_};
  const Header none;
  if (std::memcmp(&header, &none, sizeof header) == 0) {
    return got < static_cast<ssize_t>(sizeof header) || follows_lost_header()
               ? HeaderState::kNone
               : HeaderState::kForeign;
  }
  const std::size_t begun = std::min(kTableMagic.size(), static_cast<std::size_t>(got));
  if (std::memcmp(&header, kTableMagic.data(), begun) != 0) return HeaderState::kForeign;
  const bool is_right = got == sizeof header && header.byte_order == kByteOrder &&
                        header.bits <= kMostBits && header.check == header.right_check();
  if (!is_right) return HeaderState::kNone;
  bits_ = static_cast<int>(header.bits);
  seed_ = header.seed;
  return HeaderState::kRight;
}

// Of a table that begins with zeros, as a power cut may leave one: false if what follows is
// somebody else's.
bool DigestCache::follows_lost_header() const {
  DigestBucket bucket;
  bool is_all_zeros = true;
  off_t at = 0;
  for (int looked = 0; looked < kPagesLookedAt; ++looked) {
    at = ::lseek(table_.get(), at, SEEK_DATA);
    if (at < 0) return errno == ENXIO && is_all_zeros;  // it ends here
    const std::uint64_t number = static_cast<std::uint64_t>(at) / kBucketBytes;
    bucket.clear();
    const std::span<char> page = bucket.page();
    const ssize_t got =
        ::pread(table_.get(), page.data(), page.size(), static_cast<off_t>(number * kBucketBytes));
    if (got < 0) return false;
    const bool is_zero = std::ranges::all_of(page, [](char c) { return c == '\0'; });
    if (!is_zero && number == 0) return false;
    is_all_zeros = is_all_zeros && is_zero;
    if (!is_zero && bucket.is_right() && !bucket.is_empty()) return true;
    at = static_cast<off_t>((number + 1) * kBucketBytes);
  }
  return false;
}

// The errno of what failed; 0: it is there.
int DigestCache::write_header(int fd, int bits) const {
  Header header{.magic = kTableMagic,
                .byte_order = kByteOrder,
                .bits = static_cast<std::uint32_t>(bits),
                .seed = seed_};
  header.check = header.right_check();
  return write_page(fd, 0, {reinterpret_cast<const char*>(&header), sizeof header});
}

// Of the absolute path, without "." and empty components: what is reached by another way through
// links or ".." is another path.
DigestKey DigestCache::key_of(std::string_view path) const {
  std::string whole;
  whole.reserve(current_.size() + 1 + path.size());
  if (!path.starts_with('/')) whole = current_;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view component = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (component.empty() || component == ".") continue;
    whole.append("/").append(component);
  }
  const XXH128_hash_t hash = XXH3_128bits_withSeed(whole.data(), whole.size(), seed_);
  return {hash.low64, hash.high64};
}

// From 1: the header is page 0.
std::uint64_t DigestCache::bucket_of(const DigestKey& key) const {
  return 1 + (bits_ == 0 ? 0 : key.high >> (64 - bits_));
}

// False: it cannot be read. What is wrong in itself is empty (I1).
bool DigestCache::load(int fd, std::uint64_t number, DigestBucket* bucket) const {
  const std::span<char> page = bucket->page();
  std::size_t filled = 0;
  while (filled < page.size()) {
    const ssize_t got = ::pread(fd, page.data() + filled, page.size() - filled,
                                static_cast<off_t>(number * kBucketBytes + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled < page.size() || !bucket->is_right()) bucket->clear();
  return true;
}

std::optional<std::vector<Digest>> DigestCache::find(std::string_view path, const FileStamp& stamp,
                                                     std::span<const Algorithm> algorithms) {
  if (!knows_any_) return std::nullopt;
  const DigestKey key = key_of(path);
  DigestBucket bucket;
  {
    const std::shared_lock turn(turn_);
    const std::uint64_t number = bucket_of(key);
    const std::lock_guard lock(buckets_[number % buckets_.size()]);
    if (!load(table_.get(), number, &bucket)) return std::nullopt;
  }
  const auto entry = bucket.find(key);
  FileStamp seen = stamp;
  seen.device = 0;
  if (!entry || entry->stamp != seen) return std::nullopt;
  const std::vector<Digest> known = parse_digests(entry->digests);
  std::vector<Digest> digests;
  digests.reserve(algorithms.size());
  for (const Algorithm algorithm : algorithms) {
    const Digest* const digest = find_digest(known, algorithm);
    if (digest == nullptr) return std::nullopt;
    digests.push_back(*digest);
  }
  return digests;
}

void DigestCache::keep(std::string_view path, const FileStamp& stamp,
                       std::span<const Digest> digests) {
  if (!keeps_.load(std::memory_order_relaxed)) return;
  Gathered::File file{.key = key_of(path), .stamp = stamp};
  file.stamp.device = 0;
  const auto now = std::chrono::steady_clock::now();
  Gathered due;
  {
    const std::lock_guard lock(gathering_);
    std::string& bytes = gathered_.bytes;
    file.path = static_cast<std::uint32_t>(bytes.size());
    bytes.append(path);
    file.digests = static_cast<std::uint32_t>(bytes.size());
    append_digests(digests, &bytes);
    file.end = static_cast<std::uint32_t>(bytes.size());
    gathered_.files.push_back(file);
    const bool is_due = gathered_.files.size() >= kMostGathered || bytes.size() >= kMostBytes ||
                        now - written_ >= kGatheringTime;
    if (!is_due) return;
    due = std::exchange(gathered_, {});
    written_ = now;
  }
  write(std::move(due));
}

void DigestCache::flush() {
  Gathered due;
  {
    const std::lock_guard lock(gathering_);
    due = std::exchange(gathered_, {});
  }
  write(std::move(due));
}

void DigestCache::write(Gathered&& gathered) {
  const std::lock_guard writer(writing_);
  std::vector<Gathered::File>& files = gathered.files;
  if (files.empty() || !keeps_.load(std::memory_order_relaxed)) return;
  if (!is_in_place()) return give_up_lost();
  std::ranges::sort(files, {}, [](const Gathered::File& file) { return file.key.high; });
  // A table that these alone would fill is not doubled again and again.
  int bits = bits_;
  while (bits < kMostBits && files.size() >> bits > kFilesOfBucket) ++bits;
  if (!grow(bits)) return;
  DigestBucket bucket;
  for (auto at = files.begin(); at != files.end();) {
    if (!keeps_.load(std::memory_order_relaxed)) return;
    const std::uint64_t number = bucket_of(at->key);
    bool has_room = true;
    {
      const std::lock_guard lock(buckets_[number % buckets_.size()]);
      if (!load(table_.get(), number, &bucket)) return give_up({"read", errno, path_});
      while (has_room && at != files.end() && bucket_of(at->key) == number) {
        has_room = put(gathered, *at, &bucket);
        if (has_room) ++at;
      }
      const int failed = write_page(table_.get(), number, bucket.sealed());
      if (failed != 0) return give_up({"write", failed, path_});
    }
    if (!has_room && !grow(bits_ + 1)) return;
  }
}

// False: it has no room.
bool DigestCache::put(const Gathered& gathered, const Gathered::File& file, DigestBucket* bucket) {
  const std::string_view bytes = gathered.bytes;
  const std::vector<Digest> given =
      parse_digests(bytes.substr(file.digests, file.end - file.digests));
  std::vector<Digest> digests;  // each algorithm once, for an entry has room for all of them
  const auto add = [&digests](const Digest& digest) {
    if (find_digest(digests, digest.algorithm) == nullptr) digests.push_back(digest);
  };
  std::ranges::for_each(given, add);
  bool is_contradicted = false;
  const auto entry = bucket->find(file.key);
  if (entry && entry->stamp == file.stamp) {
    const std::vector<Digest> known = parse_digests(entry->digests);
    is_contradicted = std::ranges::any_of(digests, [&](const Digest& digest) {
      const Digest* const before = find_digest(known, digest.algorithm);
      return before != nullptr && *before != digest;
    });
    if (!is_contradicted) std::ranges::for_each(known, add);
  }
  std::string together;
  append_digests(digests, &together);
  if (!bucket->has_room(together, entry ? entry->size() : 0)) return false;
  if (is_contradicted) report_contradiction(bytes.substr(file.path, file.digests - file.path));
  if (entry) bucket->erase(*entry);
  bucket->add(file.key, file.stamp, together);
  return true;
}

// Makes the table one of 2^bits buckets, if it is smaller. False: it cannot be.
bool DigestCache::grow(int bits) {
  while (bits_ < bits) {
    const int step = std::min(bits - bits_, kMostBitsAtOnce);
    if (!double_table(step)) return false;
  }
  return true;
}

// The file of the next table, empty and locked, for who may read and write this one.
Expected<FileDescriptor, SystemError> DigestCache::create_next(const std::string& path) const {
  FileDescriptor next;
  for (bool is_retried = false; !next.is_open(); is_retried = true) {
    next = FileDescriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
    const int failed = errno;
    if (next.is_open()) break;
    if (failed != EEXIST || is_retried || !is_left_over(path)) {
      return SystemError{"make", failed, path};
    }
    ::unlink(path.c_str());
  }
  struct stat seen = {};
  if (::flock(next.get(), LOCK_EX | LOCK_NB) != 0 || ::fstat(table_.get(), &seen) != 0) {
    const SystemError error{"lock", errno, path};
    ::unlink(path.c_str());
    return error;
  }
  // If they cannot be set, they are those of who wrote it last.
  if (::fchown(next.get(), seen.st_uid, seen.st_gid) == 0) {
    static_cast<void>(::fchmod(next.get(), seen.st_mode & 0777));
  }
  return next;
}

// `times` times: a bucket becomes 2^times neighbours.
bool DigestCache::double_table(int times) {
  const std::string path = directory_ + "/" + std::string(kNextName);
  if (bits_ + times > kMostBits) {
    give_up({"write", EFBIG, path_});
    return false;
  }
  auto created = create_next(path);
  if (!created) {
    give_up(created.error());
    return false;
  }
  FileDescriptor next = std::move(created).value();
  const auto fail = [&](std::string_view call, int number, const std::string& subject) {
    give_up({call, number, subject});
    ::unlink(path.c_str());
    return false;
  };
  if (const int failed = write_header(next.get(), bits_ + times)) {
    return fail("write", failed, path);
  }
  DigestBucket bucket;
  std::vector<DigestBucket> parts(std::size_t{1} << times);
  for (std::uint64_t i = 0; i < std::uint64_t{1} << bits_; ++i) {
    if (!load(table_.get(), 1 + i, &bucket)) return fail("read", errno, path_);
    for (DigestBucket& part : parts) part.clear();
    bucket.for_each([&](const DigestBucket::Entry& entry) {
      const std::uint64_t part = entry.key.high >> (64 - bits_ - times) & (parts.size() - 1);
      parts[part].add(entry.key, entry.stamp, entry.digests);  // a part of what a page had
    });
    for (std::size_t part = 0; part < parts.size(); ++part) {
      if (parts[part].is_empty()) continue;
      const std::uint64_t page = 1 + i * parts.size() + part;
      if (const int failed = write_page(next.get(), page, parts[part].sealed())) {
        return fail("write", failed, path);
      }
    }
  }
  if (!is_in_place()) {
    give_up_lost();
    ::unlink(path.c_str());
    return false;
  }
  if (::rename(path.c_str(), path_.c_str()) != 0) return fail("rename", errno, path);
  const std::unique_lock turn(turn_);
  table_ = std::move(next);
  bits_ += times;
  return true;
}

void DigestCache::give_up(const SystemError& error) {
  keeps_.store(false, std::memory_order_relaxed);
  warn(error.message() + ": digests are not remembered");
}

void DigestCache::give_up_lost() {
  keeps_.store(false, std::memory_order_relaxed);
  warn(quote_for_message(path_) + " was removed or replaced: digests are not remembered");
}

void DigestCache::warn(std::string what) {
  const std::lock_guard lock(warnings_mutex_);
  warnings_.push_back(std::move(what));
}

void DigestCache::report_contradiction(std::string_view path) {
  {
    const std::lock_guard lock(warnings_mutex_);
    if (++contradictions_ > kContradictionsShown) {
      ++contradictions_untold_;
      return;
    }
  }
  warn(quote_for_message(path) +
       " does not hold what it held, and its size, times and inode are the same: "
       "the disk is bad, or somebody set the clock");
}

bool DigestCache::is_made_of(std::string_view path) const {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (name != kTableName && name != kNextName) return false;
  std::error_code error;
  return std::filesystem::equivalent(path, directory_ + "/" + std::string(name), error);
}

std::vector<std::string> DigestCache::take_warnings() {
  const std::lock_guard lock(warnings_mutex_);
  std::vector<std::string> warnings = std::exchange(warnings_, {});
  if (const std::uint64_t untold = std::exchange(contradictions_untold_, 0); untold > 0) {
    warnings.push_back("of " + std::to_string(untold) +
                       (untold == 1 ? " more file" : " more files") + " the same is to be said");
  }
  return warnings;
}

}  // namespace gorun::jobs
