// jobs/mapreduce/least_key.h - which of many sorted sequences has the least key at hand.
//
// A tournament: the sequences are the leaves of a tree, and each inner node remembers who lost the
// match there. When the winner goes on to another key, the matches on its way to the root are
// played again, which is one comparison a level. Keys are told apart by their first eight bytes,
// which lie in the tree; whatever is equal there is compared as a whole, where the keys lie.
//
// Not chosen: a binary heap. It compares twice a level, and with keys that lie in the buffers of
// some hundred runs each comparison was a cache miss and a branch that nobody could predict.
//
// Prior art: D. Knuth, The Art of Computer Programming, volume 3, 5.4.1.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

namespace gorun::jobs {

/// The first bytes of a key as a number that compares as they do; zeros stand for what it lacks.
[[nodiscard]] inline std::uint64_t leading_bytes(std::string_view key) {
  std::uint64_t word = 0;
  if (key.size() >= sizeof word) {
    std::memcpy(&word, key.data(), sizeof word);
  } else {
    // No longer than the loop is on average: a copy of unknown length is a call.
    for (std::size_t i = key.size(); i > 0; --i) {
      word = std::endian::native == std::endian::little
                 ? word << 8 | static_cast<unsigned char>(key[i - 1])
                 : word >> 8 | std::uint64_t{static_cast<unsigned char>(key[i - 1])} << 56;
    }
  }
  return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
}

/// threads  one at a time.
class LeastKey {
 public:
  /// `count` sequences, all of them at their end until set() says otherwise.
  explicit LeastKey(std::size_t count) : heads_(count), leading_(count), sequence_(count) {}

  /// What a sequence has at hand before the first match; the key's bytes stay until replace().
  void set(std::size_t sequence, std::string_view key) {
    heads_[sequence] = {key.data(), key.size(), true};
  }
  /// Plays all matches. Once, after all set().
  void begin() {
    const std::size_t count = heads_.size();
    if (count == 0) return;
    std::vector<Place> winners(2 * count);
    for (std::size_t i = 0; i < count; ++i) winners[count + i] = place_of(i);
    for (std::size_t node = count - 1; node > 0; --node) {
      Place winner = winners[2 * node];
      Place loser = winners[2 * node + 1];
      if (precedes(loser, winner)) std::swap(loser, winner);
      winners[node] = winner;
      leading_[node] = loser.leading;
      sequence_[node] = loser.sequence;
    }
    winner_ = winners[1];
  }

  /// True if all sequences are at their end.
  [[nodiscard]] bool is_at_end() const { return heads_.empty() || !heads_[least()].is_there; }
  /// The sequence that has the least key, if one has any.
  [[nodiscard]] std::size_t least() const { return winner_.sequence; }
  [[nodiscard]] std::string_view key() const {
    const Head& head = heads_[least()];
    return {head.key, head.size};
  }
  /// Whether the least key is `key`, of which these are the leading_bytes().
  [[nodiscard]] bool is(std::string_view key, std::uint64_t leading) const {
    return winner_.leading == leading && !is_at_end() && this->key() == key;
  }
  [[nodiscard]] std::uint64_t leading() const { return winner_.leading; }
  /// The least() one goes on to `key`.
  void replace(std::string_view key) {
    heads_[least()] = {key.data(), key.size(), true};
    play();
  }
  /// It has come to its end.
  void end() {
    heads_[least()] = {};
    play();
  }

 private:
  struct Head {
    const char* key = nullptr;
    std::size_t size = 0;
    bool is_there = false;
  };
  // A sequence, as far as most matches look.
  struct Place {
    std::uint64_t leading = 0;
    std::size_t sequence = 0;
  };

  [[nodiscard]] Place place_of(std::size_t sequence) const {
    const Head& head = heads_[sequence];
    return {head.is_there ? leading_bytes({head.key, head.size})
                          : std::numeric_limits<std::uint64_t>::max(),
            sequence};
  }
  [[nodiscard]] bool precedes(const Place& a, const Place& b) const {
    if (a.leading != b.leading) return a.leading < b.leading;
    return precedes_behind(a.sequence, b.sequence);
  }
  [[gnu::noinline]] bool precedes_behind(std::size_t a, std::size_t b) const {
    const Head& left = heads_[a];
    const Head& right = heads_[b];
    if (!left.is_there || !right.is_there) return left.is_there;
    return std::string_view(left.key, left.size) < std::string_view(right.key, right.size);
  }

  // From the winner's leaf to the root.
  void play() {
    Place winner = place_of(winner_.sequence);
    for (std::size_t node = (winner.sequence + heads_.size()) / 2; node > 0; node /= 2) {
      const Place loser = {leading_[node], sequence_[node]};
      bool swaps = loser.leading < winner.leading;
      if (loser.leading == winner.leading) [[unlikely]]
        swaps = precedes_behind(loser.sequence, winner.sequence);
      // Without a branch: which one it is, nobody could guess.
      const std::uint64_t mask = std::uint64_t{0} - std::uint64_t{swaps};
      const std::uint64_t leading = (loser.leading ^ winner.leading) & mask;
      const std::size_t sequence = (loser.sequence ^ winner.sequence) & mask;
      leading_[node] = loser.leading ^ leading;
      sequence_[node] = loser.sequence ^ sequence;
      winner.leading ^= leading;
      winner.sequence ^= sequence;
    }
    winner_ = winner;
  }

  std::vector<Head> heads_;
  // Who lost, by node; node 0 is none. In two arrays: as one, they would be moved about by way of
  // the memory.
  std::vector<std::uint64_t> leading_;
  std::vector<std::size_t> sequence_;
  Place winner_;
};

}  // namespace gorun::jobs
