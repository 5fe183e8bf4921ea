// jobs/hash/digest_bucket.h - a page of a table of digests: what is known of some files.
//
//   check 8, bytes in use 4, nothing 4, then entries, each
//     key 16, size 8, mtime 8, ctime 8, inode 8, bytes of digests 1, digests: a code 1, its bytes
//
// Invariants
//   I1  The check is of all that is in use behind it: a page that is_right() is as it was written.
//   I2  A page of zeros is an empty bucket.
// Numbers are as this machine has them; the table (jobs/hash/digest_cache.h) says which way that
// is.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/file_stamp.h"
#include "jobs/hash/digest.h"

namespace gorun::jobs {

inline constexpr std::size_t kBucketBytes = 4096;

/// Of a path.
struct DigestKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;  // its first bits choose the bucket
  friend bool operator==(const DigestKey&, const DigestKey&) = default;
};

/// Appends digests as an entry has them.
void append_digests(std::span<const Digest> digests, std::string* out);
/// The inverse. What is not known, of a later gorun, and all behind it, is left out.
[[nodiscard]] std::vector<Digest> parse_digests(std::string_view bytes);

/// threads  one at a time.
class DigestBucket {
 public:
  /// How a page was found (I1).
  [[nodiscard]] bool is_right() const;
  [[nodiscard]] bool is_empty() const { return used() == kHeadBytes; }
  void clear() { page_.fill('\0'); }
  /// To be filled with what was read.
  [[nodiscard]] std::span<char> page() { return page_; }

  /// The page to write.
  [[nodiscard]] std::string_view sealed();

  struct Entry {
    DigestKey key;
    FileStamp stamp;           // without a device
    std::string_view digests;  // in the page
    std::size_t at = 0;        // where it lies in the page
    [[nodiscard]] std::size_t size() const { return kEntryBytes + digests.size(); }
  };

  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t at = kHeadBytes; at + kEntryBytes <= used();) {
      const Entry entry = entry_at(at);
      at += entry.size();
      if (at > used()) return;  // no bucket with a right check has this
      visit(entry);
    }
  }

  [[nodiscard]] std::optional<Entry> find(const DigestKey& key) const {
    std::optional<Entry> found;
    for_each([&](const Entry& entry) {
      if (entry.key == key) found = entry;
    });
    return found;
  }

  void erase(const Entry& entry);

  /// True: there is room for an entry, once `freed` bytes are.
  [[nodiscard]] bool has_room(std::string_view digests, std::size_t freed) const {
    return used() - freed + kEntryBytes + digests.size() <= kBucketBytes;
  }
  /// Appends an entry, for which there is room.
  void add(const DigestKey& key, const FileStamp& stamp, std::string_view digests);

 private:
  struct Head {
    std::uint64_t check = 0;
    std::uint32_t used = 0;  // of the page, from its begin; 0: nothing was ever written
    std::uint32_t none = 0;
  };
  static constexpr std::size_t kHeadBytes = sizeof(Head);
  static constexpr std::size_t kEntryBytes = 6 * sizeof(std::uint64_t) + 1;

  [[nodiscard]] Head head() const {
    Head head;
    std::memcpy(&head, page_.data(), sizeof head);
    return head;
  }
  void set_head(Head& head) {
    if (head.used == 0) head.used = kHeadBytes;
    std::memcpy(page_.data(), &head, sizeof head);
  }
  [[nodiscard]] std::size_t used() const {
    const std::size_t used = head().used;
    return used == 0 ? kHeadBytes : used;
  }
  void set_used(std::size_t used) {
    Head head = this->head();
    head.used = static_cast<std::uint32_t>(used);
    set_head(head);
  }

  [[nodiscard]] Entry entry_at(std::size_t at) const;

  std::array<char, kBucketBytes> page_;
};

}  // namespace gorun::jobs
