#include "jobs/text/cutter.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace gorun::jobs {
namespace {

ByteClass separators_of(WordRule rule) {
  return {.kind =
              rule == WordRule::kLetters ? ByteClass::Kind::kNotLetters : ByteClass::Kind::kSpace};
}

std::string_view view(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

std::string_view MaskWindow::next(std::array<std::uint64_t, kBlocks>* masks) {
  const std::string_view window = rest_.substr(0, kBytes);
  rest_.remove_prefix(window.size());
  const std::size_t whole = window.size() / kBlockBytes;
  class_masks(wanted_, window.data(), whole, masks->data());
  if (const std::size_t left = window.size() % kBlockBytes; left > 0) {
    // The text ends inside a block, and what lies behind it is not ours to read.
    std::array<char, kBlockBytes> padded{};
    std::memcpy(padded.data(), window.data() + whole * kBlockBytes, left);
    class_masks(wanted_, padded.data(), 1, &(*masks)[whole]);
    (*masks)[whole] &= (std::uint64_t{1} << left) - 1;
  }
  return window;
}

WordCutter::WordCutter(std::string_view text, WordRule rule)
    : window_(text, separators_of(rule)), end_(text.data() + text.size()) {}

// Scans one window into edges_: begin, end, begin, ... of words, or end first if one is open.
bool WordCutter::refill() {
  std::array<std::uint64_t, MaskWindow::kBlocks> separators;  // and then edges
  const std::string_view window = window_.next(&separators);
  if (window.empty()) return false;
  base_ = window.data();
  std::uint64_t previous = in_word_ ? 1 : 0;
  std::size_t blocks = 0;
  for (std::size_t at = 0; at < window.size(); at += kBlockBytes, ++blocks) {
    const std::uint64_t letters = ~separators[blocks];
    separators[blocks] = letters ^ (letters << 1 | previous);
    previous = letters >> 63;
  }
  if (const std::size_t left = window.size() % kBlockBytes; left > 0) {
    // What lies behind the text is no edge of it.
    separators[blocks - 1] &= (std::uint64_t{1} << left) - 1;
  }
  edge_ = 0;
  edges_end_ = bit_positions(separators.data(), blocks, edges_.data());
  in_word_ = in_word_ != (edges_end_ % 2 != 0);
  return true;
}

std::size_t WordCutter::next(std::span<std::string_view> records) {
  std::size_t count = 0;
  while (count < records.size()) {
    if (open_ != nullptr && edge_ < edges_end_) {
      records[count++] = view(open_, base_ + edges_[edge_++]);
      open_ = nullptr;
    }
    const std::size_t pairs = std::min(records.size() - count, (edges_end_ - edge_) / 2);
    const std::uint16_t* edges = edges_.data() + edge_;
    const char* const base = base_;  // a member would be loaded for each word
    for (std::size_t i = 0; i < pairs; ++i) {
      records[count + i] = view(base + edges[2 * i], base + edges[2 * i + 1]);
    }
    count += pairs;
    edge_ += 2 * pairs;
    if (count == records.size()) break;
    if (edge_ < edges_end_) open_ = base_ + edges_[edge_++];
    if (refill()) continue;
    if (open_ != nullptr) {
      records[count++] = view(open_, end_);
      open_ = nullptr;
    }
    break;
  }
  return count;
}

LineCutter::LineCutter(std::string_view text, char delimiter, CarriageReturn cr)
    : window_(text, {.kind = ByteClass::Kind::kByte, .byte = delimiter}),
      cr_(cr),
      begin_(text.data()),
      end_(text.data() + text.size()) {
  masks_.fill(0);
}

std::string_view LineCutter::record_up_to(const char* end) const {
  if (cr_ == CarriageReturn::kStripped && end != begin_ && end[-1] == '\r') --end;
  return view(begin_, end);
}

std::size_t LineCutter::next(std::span<std::string_view> records) {
  std::size_t count = 0;
  while (count < records.size()) {
    if (block_ == MaskWindow::kBlocks) {
      masks_.fill(0);
      const std::string_view window = window_.next(&masks_);
      if (window.empty()) {
        if (begin_ != end_) {
          records[count++] = record_up_to(end_);
          begin_ = end_;
        }
        break;
      }
      base_ = window.data();
      block_ = 0;
    }
    std::uint64_t mask = masks_[block_];
    const char* block = base_ + block_ * kBlockBytes;
    for (; mask != 0 && count < records.size(); mask &= mask - 1) {
      const char* delimiter = block + std::countr_zero(mask);
      records[count++] = record_up_to(delimiter);
      begin_ = delimiter + 1;
    }
    masks_[block_] = mask;
    if (mask == 0) ++block_;
  }
  return count;
}

std::uint64_t count_words(std::string_view text, WordRule rule) {
  MaskWindow windows(text, separators_of(rule));
  std::array<std::uint64_t, MaskWindow::kBlocks> masks;  // of separators, and then of first letters
  std::uint64_t count = 0;
  std::uint64_t previous = 0;
  for (std::string_view window; !(window = windows.next(&masks)).empty();) {
    const std::size_t left = window.size() % kBlockBytes;
    const std::size_t blocks = window.size() / kBlockBytes + (left > 0 ? 1 : 0);
    for (std::size_t b = 0; b < blocks; ++b) {
      std::uint64_t letters = ~masks[b];
      // What lies behind the text is no letter of it.
      if (left > 0 && b + 1 == blocks) letters &= (std::uint64_t{1} << left) - 1;
      masks[b] = letters & ~(letters << 1 | previous);
      previous = letters >> 63;
    }
    count += count_bits(masks.data(), blocks);
  }
  return count;
}

std::uint64_t count_lines(std::string_view text) {
  if (text.empty()) return 0;
  MaskWindow windows(text, {ByteClass::Kind::kByte, '\n'});
  std::array<std::uint64_t, MaskWindow::kBlocks> masks;
  std::uint64_t count = text.back() == '\n' ? 0 : 1;
  for (std::string_view window; !(window = windows.next(&masks)).empty();) {
    count += count_bits(masks.data(), (window.size() + kBlockBytes - 1) / kBlockBytes);
  }
  return count;
}

}  // namespace gorun::jobs
