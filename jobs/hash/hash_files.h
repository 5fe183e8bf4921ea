// jobs/hash/hash_files.h - the digests of many files, several of them on their way at once.
//
// For SHA-256 the files in flight fill the lanes of jobs/hash/sha256_lanes.h: each has a window of
// its own, is read into it, and moves on with the others; a small file fits its window whole.
// Other algorithms, and other digests of the same reading, see each window as it comes. Where there
// are no lanes, one file is in flight. For BLAKE3 alone, small files are read whole, one behind the
// other, and hashed together when the buffer is full (jobs/hash/blake3_batch.h).
//
//   hasher.start(names);
//   while (!hasher.run(budget, &outcomes)) { ... look up, cancel, give work away ... }
//
// Invariants
//   I1  A file is read once, whatever the number of algorithms, and given a digest only under the
//       rules of jobs/hash/file_reading.h.
//   I2  The windows together fit the second-level cache; neighbours start in different sets of the
//       first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/disk/disk_place.h"
#include "jobs/expected.h"
#include "jobs/hash/digest.h"
#include "jobs/hash/digest_cache.h"
#include "jobs/hash/hash_file.h"
#include "jobs/hash/near_directory.h"
#include "jobs/hash/sha256_lanes.h"

namespace gorun::jobs {

using HashResult = Expected<FileDigests, HashFileError>;

/// One file that is done: its place in what start() was given, and what came of it.
struct HashOutcome {
  std::size_t index = 0;
  HashResult result;
};

/// How far the reading of a file is.
struct HashAtHand {
  std::size_t index = 0;   // in what start() was given
  std::uint64_t size = 0;  // bytes, as it was opened
  std::uint64_t read = 0;
};

/// A file of start() of which nothing has been read.
struct OpenedFile {
  std::size_t index = 0;
  FileReading file;
};

/// Keeps the digests of a file that was read and checked.
/// threads  any, on a goroutine. Blocks in a section of its own.
void keep_digests(DigestCache& cache, const FileReading& file, std::span<const Digest> digests);

/// threads  one at a time. run() waits for the disk in blocking sections of its own.
class FilesHasher {
 public:
  /// path  which way SHA-256 goes; one that is_available().
  /// place  outlives this and all files that it sets aside; nullptr: no disk is queued for.
  /// cache  outlives this; a file that it knows is not opened. nullptr: all are read.
  explicit FilesHasher(std::span<const Algorithm> algorithms, Sha256Path path = Sha256Path::kAuto,
                       DiskPlace* place = nullptr, DigestCache* cache = nullptr);
  ~FilesHasher();
  FilesHasher(const FilesHasher&) = delete;
  FilesHasher& operator=(const FilesHasher&) = delete;

  /// Begins with these names, relative to the current directory; they stay in place until run()
  /// has returned true. What is left of an earlier start() is dropped.
  void start(std::span<const std::string_view> names);
  /// Begins with files that were set aside, whatever their size.
  void start_opened(std::vector<OpenedFile> files);

  /// Goes on until about `budget` bytes have been read or all is done; appends what got done, in
  /// the order in which it did. True: all of it.
  [[nodiscard]] bool run(std::uint64_t budget, std::vector<HashOutcome>* outcomes);

  /// Names that no run() has begun with yet: the last ones of start().
  [[nodiscard]] std::size_t untouched() const { return names_.size() - next_; }
  /// Forgets the last `count` of them.
  void drop_untouched(std::size_t count);

  /// Files of at least so many bytes are opened and then set aside instead of hashed, for who can
  /// do better with them (jobs/hash/large_file.h). 0: none is.
  void set_aside_from(std::uint64_t bytes) { aside_from_ = bytes; }
  /// The files that were set aside since the last call, with their indices.
  [[nodiscard]] std::vector<OpenedFile> take_aside() { return std::exchange(aside_, {}); }

  /// Of the files on their way the one with the most left to read; nothing: there is none.
  [[nodiscard]] std::optional<HashAtHand> slowest() const;

  /// Bytes read by all calls of run() together.
  [[nodiscard]] std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  struct Flight;      // a file on its way
  struct SmallTrees;  // files that are read and wait for their digests

  void land(Flight* flight, HashResult result, std::vector<HashOutcome>* outcomes);
  void refill(std::size_t i, std::vector<HashOutcome>* outcomes);
  [[nodiscard]] bool take_off(std::size_t i, std::vector<HashOutcome>* outcomes);
  void feed(std::size_t i, std::vector<HashOutcome>* outcomes);
  [[nodiscard]] std::vector<Digest> digests_of(std::size_t i);
  [[nodiscard]] std::optional<FileDigests> recall_next();
  [[nodiscard]] Expected<FileReading, HashFileError> open_next();
  [[nodiscard]] bool joins_small_trees(FileReading& file, std::size_t index,
                                       std::vector<HashOutcome>* outcomes);
  void land_small_trees(std::vector<HashOutcome>* outcomes);
  [[nodiscard]] NearDirectory::Place place_of_next();

  std::vector<Algorithm> algorithms_;
  DiskPlace* const place_;
  DigestCache* const cache_;
  std::optional<Sha256Lanes> lanes_;  // nothing: OpenSSL's SHA-256, or none is asked for
  std::vector<Flight> flights_;       // one a lane, or one
  std::vector<char> windows_;
  std::unique_ptr<SmallTrees> small_trees_;  // of BLAKE3 alone; else nothing
  NearDirectory near_;
  std::span<const std::string_view> names_;
  std::size_t next_ = 0;
  std::size_t in_flight_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t aside_from_ = 0;
  std::vector<OpenedFile> aside_;
  std::vector<OpenedFile> opened_;  // of start_opened(): the next one is the last
};

}  // namespace gorun::jobs
