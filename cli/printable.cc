// cli/printable.cc - foreign bytes made safe and short enough for one line of a terminal.

#include "cli/printable.h"

#include <algorithm>
#include <array>

#include "jobs/utf8.h"

namespace gorun::cli {
namespace {

struct Glyph {
  std::string_view bytes;  // what to show
  std::size_t consumed = 1;
  std::size_t width = 1;
};

struct Range {
  char32_t first, last;
};

constexpr std::array<Range, 4> kZeroWidth = {
    {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};
constexpr std::array<Range, 10> kWide = {{{0x1100, 0x115F},
                                          {0x2E80, 0xA4CF},
                                          {0xAC00, 0xD7A3},
                                          {0xF900, 0xFAFF},
                                          {0xFE30, 0xFE6F},
                                          {0xFF00, 0xFF60},
                                          {0xFFE0, 0xFFE6},
                                          {0x1F300, 0x1F64F},
                                          {0x1F900, 0x1F9FF},
                                          {0x20000, 0x3FFFD}}};

template <std::size_t N>
bool contains(const std::array<Range, N>& ranges, char32_t point) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](Range r) { return point >= r.first && point <= r.last; });
}

// The first glyph of `rest`, which is not empty.
Glyph next_glyph(std::string_view rest) {
  const Glyph unknown{"?", 1, 1};
  const std::size_t length = jobs::utf8_length(rest, 0);
  if (length == 0) return unknown;
  if (length == 1) {
    const bool is_control = rest[0] < 0x20 || rest[0] == 0x7F;
    return is_control ? unknown : Glyph{rest.substr(0, 1), 1, 1};
  }
  char32_t point = static_cast<unsigned char>(rest[0]) & (0xFFU >> (length + 1));
  for (const char byte : rest.substr(1, length - 1)) {
    point = (point << 6U) | (static_cast<unsigned char>(byte) & 0x3FU);
  }
  if (point < 0xA0) return {"?", length, 1};  // the C1 controls
  const std::size_t width = contains(kZeroWidth, point) ? 0 : contains(kWide, point) ? 2 : 1;
  return {rest.substr(0, length), length, width};
}

constexpr std::string_view kCutMark = "..";

}  // namespace

std::string printable(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const Glyph glyph = next_glyph(bytes);
    out += glyph.bytes;
    bytes.remove_prefix(glyph.consumed);
  }
  return out;
}

std::size_t display_width(std::string_view bytes) {
  std::size_t width = 0;
  while (!bytes.empty()) {
    const Glyph glyph = next_glyph(bytes);
    width += glyph.width;
    bytes.remove_prefix(glyph.consumed);
  }
  return width;
}

std::string fit(std::string_view bytes, std::size_t columns) {
  if (display_width(bytes) <= columns) return printable(bytes);
  const std::string_view mark = columns > kCutMark.size() ? kCutMark : "";
  const std::size_t room = columns - mark.size();
  std::string out;
  std::size_t width = 0;
  while (!bytes.empty()) {
    const Glyph glyph = next_glyph(bytes);
    if (width + glyph.width > room) break;
    width += glyph.width;
    out += glyph.bytes;
    bytes.remove_prefix(glyph.consumed);
  }
  return out.append(mark);
}

std::string pad(std::string_view bytes, std::size_t columns) {
  std::string out = fit(bytes, columns);
  const std::size_t width = display_width(out);
  if (width < columns) out.append(columns - width, ' ');
  return out;
}

}  // namespace gorun::cli
