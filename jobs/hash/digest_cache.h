// jobs/hash/digest_cache.h - digests that files were given, so that a second run reads what
// changed.
//
// For each path the stamp that its file had (size, mtime, ctime, inode) and its digests. A file
// whose stamp is the same has the same contents (jobs/file_stamp.h) and need not be opened. What a
// run has hashed is known to the next one even if it was killed, but for its last second.
//
// A table on the disk, whatever the number of files: a file of buckets of one page each. The hash
// of a path says which bucket it is in; a bucket is read and written whole. When one is full the
// table is doubled: each bucket becomes two neighbours, in a new file that takes the place of the
// old one. What is to be kept is gathered for a second, or up to a few MiB, and written in the
// order of the buckets: so a table of a usual size is written with one call for ten files.
//
// Invariants
//   I1  What a kill, a power cut or a bad disk makes of a bucket (jobs/hash/digest_bucket.h) is as
//       good as an empty one: nothing is synced.
//   I2  Nobody writes but who holds the lock of the file that is at the table's path. Others look
//       up, and what they read is not kept.
//   I3  What is given out was kept for the same path (128 bits of XXH3 with the table's own seed),
//       and for an equal stamp. The device does not count: it has another number after each mount.
// Lock order: writing_, then turn_, then one of buckets_; gathering_ and warnings_mutex_ are the
// last ones taken.
//
// Not chosen: SQLite or LMDB. One is slower than hashing a small file is; the other maps its file,
//   and a truncated one kills the process. mmap here, for the same reason. A file for each
//   directory of files: one of ten million names would have to fit in memory.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/expected.h"
#include "jobs/file_descriptor.h"
#include "jobs/file_stamp.h"
#include "jobs/hash/digest.h"
#include "jobs/hash/digest_bucket.h"
#include "jobs/state_directory.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// threads  any, at once. Blocks in file operations: on a goroutine, in a marked section.
class DigestCache {
 public:
  enum class Trust : std::uint8_t {
    kStamps,   // a file with the stamp that it had is as it was
    kNothing,  // all files are read; what is known of them is brought up to date
  };

  /// Opens the cache in a directory; both are made if they are not there. Within a process it is
  /// the same one for all that have it open at the same time, and trusts what the first one says.
  /// errors  a line for people.
  [[nodiscard]] static Expected<std::shared_ptr<DigestCache>, std::string> open(
      const CachePlace& place, Trust trust);

  ~DigestCache();
  DigestCache(const DigestCache&) = delete;
  DigestCache& operator=(const DigestCache&) = delete;

  /// False: find() finds nothing, whatever it is asked for.
  [[nodiscard]] bool knows_any() const { return knows_any_; }

  /// The digests of the file at `path`, in the order of `algorithms`, if all are known of a file
  /// with this stamp.
  /// path  relative to the current directory of when the cache was opened, or absolute.
  [[nodiscard]] std::optional<std::vector<Digest>> find(std::string_view path,
                                                        const FileStamp& stamp,
                                                        std::span<const Algorithm> algorithms);

  /// Keeps what a file with this stamp was given; other digests of the same file stay, unless one
  /// of them is contradicted: then the contents changed and the stamp did not, which is a warning.
  /// It is written within a second, if more is kept then, or by flush().
  /// stamp  FileReading::stamp_to_keep().
  void keep(std::string_view path, const FileStamp& stamp, std::span<const Digest> digests);

  /// Writes what was kept.
  void flush();

  /// True of the files that the cache itself lies in.
  [[nodiscard]] bool is_made_of(std::string_view path) const;

  /// What people should know, each once: a line why digests are not kept, a line for a file that
  /// contradicts what was known of it, and of many such files one that says how many more.
  [[nodiscard]] std::vector<std::string> take_warnings();

 private:
  // Files whose digests wait to be written.
  struct Gathered {
    struct File {
      DigestKey key;
      FileStamp stamp;
      std::uint32_t path = 0;     // where it begins in `bytes`
      std::uint32_t digests = 0;  // likewise: where the path ends
      std::uint32_t end = 0;
    };
    std::vector<File> files;
    std::string bytes;
  };

  DigestCache(std::string directory, Trust trust);

  enum class HeaderState : std::uint8_t { kRight, kNone, kForeign };

  [[nodiscard]] std::optional<std::string> open_table();
  [[nodiscard]] bool lock_table();
  [[nodiscard]] bool is_in_place() const;
  [[nodiscard]] Expected<HeaderState, SystemError> read_header();
  [[nodiscard]] bool follows_lost_header() const;
  [[nodiscard]] int write_header(int fd, int bits) const;
  [[nodiscard]] DigestKey key_of(std::string_view path) const;
  [[nodiscard]] std::uint64_t bucket_of(const DigestKey& key) const;
  [[nodiscard]] bool load(int fd, std::uint64_t number, DigestBucket* bucket) const;
  void write(Gathered&& gathered);
  [[nodiscard]] bool put(const Gathered& gathered, const Gathered::File& file,
                         DigestBucket* bucket);
  [[nodiscard]] bool grow(int bits);
  [[nodiscard]] Expected<FileDescriptor, SystemError> create_next(const std::string& path) const;
  [[nodiscard]] bool double_table(int times);
  void give_up(const SystemError& error);
  void give_up_lost();
  void warn(std::string what);
  void report_contradiction(std::string_view path);

  const std::string directory_;
  const std::string path_;     // of the table
  const std::string current_;  // directory, see current_directory()
  const Trust trust_;
  bool knows_any_ = false;

  std::uint64_t seed_ = 0;

  std::mutex gathering_;
  Gathered gathered_;                              // guarded by gathering_
  std::chrono::steady_clock::time_point written_;  // likewise: when keep() last wrote; first: never

  std::mutex writing_;      // held by the one who changes the table
  std::shared_mutex turn_;  // to replace it: exclusive. Guards what follows, to bits_
  FileDescriptor table_;
  int bits_ = 0;                        // 2^bits_ buckets
  std::array<std::mutex, 64> buckets_;  // a bucket is read and written under its own
  // False: nothing is kept any more. Relaxed: who has not heard of it fails by himself.
  std::atomic<bool> keeps_{false};
  std::mutex warnings_mutex_;  // the last one taken. Guards what follows
  std::vector<std::string> warnings_;
  std::uint64_t contradictions_ = 0;
  std::uint64_t contradictions_untold_ = 0;  // of them; since warnings were taken
};

}  // namespace gorun::jobs
