#include "jobs/text/literal_search.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <span>
#include <utility>

namespace gorun::jobs {
namespace {

// How often a byte is met in texts, in classes: what matters is that a space or an "e" is never
// chosen where there is a "q" or a digit.
int frequency_of(char c) {
  constexpr std::string_view kOften = " etaoinsrhldcu\n";
  constexpr std::string_view kSeldom = "QXZJKVYWqxzjkv@#$%^&~`|\\";
  if (kOften.find(c) != std::string_view::npos) {
    return 100 - static_cast<int>(kOften.find(c));
  }
  if (kSeldom.find(c) != std::string_view::npos) return 1;
  if (c >= 'a' && c <= 'z') return 50;
  if ((c >= '0' && c <= '9') || c == '.' || c == ',' || c == '"' || c == ':' || c == '/') return 40;
  if (c == '\0' || static_cast<unsigned char>(c) >= 0x80) return 30;
  return 20;
}

std::uint64_t feeds_between(const char* begin, const char* end) {
  return static_cast<std::uint64_t>(std::count(begin, end, '\n'));
}

template <class Word>
bool is_same_word(const char* a, const char* b) {
  Word x;
  Word y;
  std::memcpy(&x, a, sizeof x);
  std::memcpy(&y, b, sizeof y);
  return x == y;
}

// The three rarest bytes, all of them if there are no more; of equally rare ones those that differ.
LiteralProbe probe_of(std::string_view literal) {
  LiteralProbe probe{};
  std::array<std::size_t, LiteralProbe::kBytes>& places = probe.places;
  for (std::size_t k = 0; k < std::min(literal.size(), places.size()); ++k) {
    const auto chosen = std::span(places).first(k);
    const auto cost = [&](std::size_t place) {
      const bool is_there = std::ranges::any_of(
          chosen, [&](std::size_t other) { return literal[other] == literal[place]; });
      return frequency_of(literal[place]) + (is_there ? 1000 : 0);
    };
    std::size_t best = literal.size();
    for (std::size_t place = 0; place < literal.size(); ++place) {
      if (std::ranges::find(chosen, place) != chosen.end()) continue;
      if (best == literal.size() || cost(place) < cost(best)) best = place;
    }
    for (std::size_t other = k; other < places.size(); ++other) places[other] = best;
  }
  for (std::size_t k = 0; k < places.size(); ++k) probe.bytes[k] = literal[places[k]];
  return probe;
}

}  // namespace

LiteralSearch::LiteralSearch(std::string literal, VectorLevel level)
    : literal_(std::move(literal)), probe_(probe_of(literal_)), level_(level) {}

// Where the probe fits. Calling memcmp() takes longer than comparing so few bytes.
bool LiteralSearch::is_at(const char* at) const {
  const char* const literal = literal_.data();
  const std::size_t size = literal_.size();
  if (size <= LiteralProbe::kBytes) return true;
  if (size < sizeof(std::uint64_t)) {
    const std::size_t last = size - sizeof(std::uint32_t);
    return is_same_word<std::uint32_t>(at, literal) &&
           is_same_word<std::uint32_t>(at + last, literal + last);
  }
  return is_same_word<std::uint64_t>(at, literal) && std::memcmp(at, literal, size) == 0;
}

LiteralScan::LiteralScan(const LiteralSearch& search, std::string_view text)
    : search_(search),
      begin_(text.data()),
      end_(text.data() + text.size()),
      next_(begin_),
      window_(begin_),
      counted_(begin_) {}

// The masks of the next window; false: there is none, and all feeds are counted.
bool LiteralScan::fill() {
  const LiteralProbe& probe = search_.probe_;
  const std::size_t size = search_.literal_.size();
  const auto left = static_cast<std::size_t>(end_ - next_);
  window_blocks_ = 0;
  if (left < size) {
    feeds_ += feeds_between(counted_, end_);
    counted_ = end_;
    return false;
  }
  if (next_ == begin_) feeds_ = feeds_between(begin_, begin_ + probe.places[0]);
  const std::size_t positions = left - size + 1;
  window_ = next_;
  window_blocks_ = std::min(positions / kBlockBytes, LiteralMasks::kBlocks);
  if (window_blocks_ > 0) {
    literal_masks(probe, window_, window_blocks_, &masks_, search_.level_);
    next_ += window_blocks_ * kBlockBytes;
  } else {
    fill_last(positions);
    next_ += positions;
  }
  feeds_ += masks_.feed_count;
  counted_ = next_ + probe.places[0];
  return true;
}

// Fewer positions than a block has: the last ones of a block that reaches back, if the text is
// large enough for one.
void LiteralScan::fill_last(std::size_t positions) {
  window_blocks_ = 1;
  const std::size_t again = kBlockBytes - positions;
  if (static_cast<std::size_t>(next_ - begin_) < again) {
    return literal_masks_of_few(search_.probe_, window_, positions, &masks_);
  }
  window_ -= again;
  literal_masks(search_.probe_, window_, 1, &masks_, search_.level_);
  masks_.hits[0] &= ~std::uint64_t{0} << again;
  masks_.feeds[0] &= ~std::uint64_t{0} << again;
  masks_.any_hit = masks_.hits[0];
  masks_.feed_count = static_cast<std::uint64_t>(std::popcount(masks_.feeds[0]));
}

const char* LiteralScan::next(const char* from) {
  do {
    if (const char* at = find_in_window(from)) return at;
  } while (fill());
  return nullptr;
}

const char* LiteralScan::find_in_window(const char* from) const {
  if (window_blocks_ == 0 || masks_.any_hit == 0) return nullptr;
  const std::size_t offset = from > window_ ? static_cast<std::size_t>(from - window_) : 0;
  std::uint64_t wanted = ~std::uint64_t{0} << (offset % kBlockBytes);
  for (std::size_t b = offset / kBlockBytes; b < window_blocks_; ++b) {
    for (std::uint64_t hits = masks_.hits[b] & wanted; hits != 0; hits &= hits - 1) {
      const char* at = window_ + b * kBlockBytes + std::countr_zero(hits);
      if (search_.is_at(at)) return at;
    }
    wanted = ~std::uint64_t{0};
  }
  return nullptr;
}

std::uint64_t LiteralScan::count_lines() {
  std::uint64_t count = 0;
  bool is_open = false;
  while (fill()) {
    if (masks_.any_hit == 0) {
      if (masks_.feed_count > 0) count += std::exchange(is_open, false) ? 1 : 0;
      continue;
    }
    drop_false_hits();
    count += count_lines_hit(masks_, window_blocks_, &is_open, search_.level_);
  }
  return count + (is_open ? 1 : 0);
}

std::uint64_t LiteralScan::feeds() {
  while (fill()) {
  }
  return feeds_;
}

void LiteralScan::drop_false_hits() {
  if (search_.literal_.size() <= LiteralProbe::kBytes) return;
  for (std::size_t b = 0; b < window_blocks_; ++b) {
    for (std::uint64_t hits = masks_.hits[b]; hits != 0; hits &= hits - 1) {
      const char* at = window_ + b * kBlockBytes + std::countr_zero(hits);
      if (!search_.is_at(at)) masks_.hits[b] ^= hits & (~hits + 1);
    }
  }
}

}  // namespace gorun::jobs
