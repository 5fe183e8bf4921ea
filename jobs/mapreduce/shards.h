// jobs/mapreduce/shards.h - which reducer a key belongs to.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gorun::jobs {

/// Reducers, each with a part of all keys: one range of hashes after the other.
class Shards {
 public:
  /// Whose a hash is, and where it lies in that one's range, as a part of 2^64.
  struct Place {
    std::size_t owner;
    std::uint64_t fraction;
  };

  /// count  from 1 to 2^32.
  explicit Shards(std::size_t count) : count_(count) {}

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] Place place(std::uint64_t hash) const {
    const Wide product = Wide{hash} * count_;
    return {static_cast<std::size_t>(product >> 64), static_cast<std::uint64_t>(product)};
  }
  /// The number of the one whose the key with this hash is.
  [[nodiscard]] std::size_t owner(std::uint64_t hash) const { return place(hash).owner; }
  /// The least hash that a shard owns.
  [[nodiscard]] std::uint64_t first_hash(std::size_t shard) const {
    return static_cast<std::uint64_t>(((Wide{shard} << 64) + count_ - 1) / count_);
  }

 private:
  __extension__ using Wide = unsigned __int128;

  std::uint64_t count_;
};

}  // namespace gorun::jobs
