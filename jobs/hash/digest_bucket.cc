#include "jobs/hash/digest_bucket.h"

#include <xxhash.h>

#include <utility>

namespace gorun::jobs {
namespace {

// Numbers that stand for algorithms on the disk.
constexpr std::array<std::pair<Algorithm, std::uint8_t>, 7> kAlgorithmCodes = {
    {{Algorithm::kSha256, 1},
     {Algorithm::kSha512, 2},
     {Algorithm::kSha1, 3},
     {Algorithm::kMd5, 4},
     {Algorithm::kBlake3, 5},
     {Algorithm::kXxh3, 6},
     {Algorithm::kXxh128, 7}}};

std::uint8_t code_of(Algorithm algorithm) {
  return std::ranges::find(kAlgorithmCodes, algorithm, &std::pair<Algorithm, std::uint8_t>::first)
      ->second;
}

}  // namespace

void append_digests(std::span<const Digest> digests, std::string* out) {
  for (const Digest& digest : digests) {
    out->push_back(static_cast<char>(code_of(digest.algorithm)));
    out->append(reinterpret_cast<const char*>(digest.bytes.data()), digest_size(digest.algorithm));
  }
}

std::vector<Digest> parse_digests(std::string_view bytes) {
  std::vector<Digest> digests;
  while (!bytes.empty()) {
    const auto code = static_cast<std::uint8_t>(bytes.front());
    const auto row =
        std::ranges::find(kAlgorithmCodes, code, &std::pair<Algorithm, std::uint8_t>::second);
    if (row == kAlgorithmCodes.end() || bytes.size() < 1 + digest_size(row->first)) break;
    Digest& digest = digests.emplace_back();
    digest.algorithm = row->first;
    std::memcpy(digest.bytes.data(), bytes.data() + 1, digest_size(row->first));
    bytes.remove_prefix(1 + digest_size(row->first));
  }
  return digests;
}

bool DigestBucket::is_right() const {
  const Head head = this->head();
  if (head.used == 0) return true;
  return head.used >= kHeadBytes && head.used <= kBucketBytes &&
         head.check == XXH3_64bits(page_.data() + sizeof head.check, head.used - sizeof head.check);
}

std::string_view DigestBucket::sealed() {
  Head head = this->head();
  set_head(head);
  head.check = XXH3_64bits(page_.data() + sizeof head.check, head.used - sizeof head.check);
  std::memcpy(page_.data(), &head.check, sizeof head.check);
  std::fill(page_.begin() + head.used, page_.end(), '\0');
  return {page_.data(), page_.size()};
}

void DigestBucket::erase(const Entry& entry) {
  char* const begin = page_.data() + entry.at;
  std::memmove(begin, begin + entry.size(), used() - entry.at - entry.size());
  set_used(used() - entry.size());
}

void DigestBucket::add(const DigestKey& key, const FileStamp& stamp, std::string_view digests) {
  const std::size_t at = used();
  const std::array<std::uint64_t, 6> numbers = {key.low,
                                                key.high,
                                                static_cast<std::uint64_t>(stamp.size),
                                                static_cast<std::uint64_t>(stamp.mtime_ns),
                                                static_cast<std::uint64_t>(stamp.ctime_ns),
                                                stamp.inode};
  char* const entry = page_.data() + at;
  std::memcpy(entry, numbers.data(), sizeof numbers);
  entry[sizeof numbers] = static_cast<char>(digests.size());
  std::memcpy(entry + kEntryBytes, digests.data(), digests.size());
  set_used(at + kEntryBytes + digests.size());
}

DigestBucket::Entry DigestBucket::entry_at(std::size_t at) const {
  std::array<std::uint64_t, 6> numbers;
  std::memcpy(numbers.data(), page_.data() + at, sizeof numbers);
  const auto length = static_cast<std::uint8_t>(page_[at + sizeof numbers]);
  const std::size_t room = kBucketBytes - at - kEntryBytes;
  return {.key = {numbers[0], numbers[1]},
          .stamp = {.size = static_cast<std::int64_t>(numbers[2]),
                    .mtime_ns = static_cast<std::int64_t>(numbers[3]),
                    .ctime_ns = static_cast<std::int64_t>(numbers[4]),
                    .inode = numbers[5],
                    .device = 0},
          .digests = {page_.data() + at + kEntryBytes, std::min<std::size_t>(length, room)},
          .at = at};
}

}  // namespace gorun::jobs
