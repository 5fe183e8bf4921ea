#include "jobs/records/csv_cutter.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace gorun::jobs {
namespace {

constexpr std::size_t kBlock = 64;

// Bit i tells whether bytes[i] is a quote, a line feed or the separator.
#if defined(__x86_64__)
std::uint64_t specials_of(const char* bytes, char separator) {
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i feed = _mm_set1_epi8('\n');
  const __m128i other = _mm_set1_epi8(separator);
  std::uint64_t bits = 0;
  for (unsigned part = 0; part < 4; ++part) {
    const __m128i here = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + 16 * part));
    const __m128i is_special =
        _mm_or_si128(_mm_cmpeq_epi8(here, other),
                     _mm_or_si128(_mm_cmpeq_epi8(here, quote), _mm_cmpeq_epi8(here, feed)));
    const auto mask = static_cast<std::uint32_t>(_mm_movemask_epi8(is_special));
    bits |= std::uint64_t{mask} << (16 * part);
  }
  return bits;
}
#else
std::uint64_t specials_of(const char* bytes, char separator) {
  std::uint64_t bits = 0;
  for (unsigned i = 0; i < kBlock; ++i) {
    const char c = bytes[i];
    bits |= std::uint64_t{c == '"' || c == '\n' || c == separator} << i;
  }
  return bits;
}
#endif

}  // namespace

void CsvCutter::begin(std::string_view text, std::size_t at) {
  text_ = text;
  at_ = at;
  wrong_.reset();
  block_ = 0;
  load_block();
  go_to(at);
}

void CsvCutter::load_block() {
  if (block_ >= text_.size()) {
    specials_ = 0;
  } else if (text_.size() - block_ >= kBlock) {
    specials_ = specials_of(text_.data() + block_, separator_);
  } else {
    std::array<char, kBlock> last = {};
    const std::string_view rest = text_.substr(block_);
    std::ranges::copy(rest, last.begin());
    specials_ = specials_of(last.data(), separator_) & ((std::uint64_t{1} << rest.size()) - 1);
  }
}

void CsvCutter::go_to(std::size_t position) {
  const std::size_t block = position / kBlock * kBlock;
  if (block != block_) {
    block_ = block;
    load_block();
  }
  specials_ &= ~std::uint64_t{0} << (position - block);
}

// Where the next special byte is, or the end of the text.
std::size_t CsvCutter::next_special() {
  while (specials_ == 0) {
    block_ += kBlock;
    if (block_ >= text_.size()) {
      block_ -= kBlock;
      return text_.size();
    }
    load_block();
  }
  const auto bit = static_cast<std::size_t>(std::countr_zero(specials_));
  specials_ &= specials_ - 1;
  return block_ + bit;
}

void CsvCutter::blame(std::size_t at, std::string_view what) {
  if (!wrong_) wrong_ = {.text = {}, .offset = at, .what = std::string(what)};
}

// From an opening quote to behind the closing one; false if the text ends before.
bool CsvCutter::take_quoted(std::size_t open) {
  bool is_doubled = false;
  for (std::size_t from = open + 1;;) {
    const std::size_t quote = text_.find('"', from);
    if (quote == std::string_view::npos) {
      blame(open, "a quote that is never closed");
      return false;
    }
    if (quote + 1 == text_.size() || text_[quote + 1] != '"') {
      cells_.push_back({text_.substr(open + 1, quote - open - 1), is_doubled});
      go_to(quote + 1);
      return true;
    }
    is_doubled = true;
    from = quote + 2;
  }
}

// Reads the record at at_ into cells_, and goes behind it; false if it has no byte.
bool CsvCutter::take_record() {
  const std::size_t begin = at_;
  cells_.clear();
  std::size_t cell = begin;  // where the field at hand begins
  std::size_t behind = 0;    // the closing quote, if it is a quoted one; else 0
  for (;;) {
    const std::size_t at = next_special();
    const bool is_end = at == text_.size() || text_[at] == '\n';
    if (!is_end && text_[at] == '"') {
      if (at != cell || behind != 0) {
        blame(at, "a quote inside a field that does not begin with one");
        continue;
      }
      if (!take_quoted(at)) {
        record_ = text_.substr(begin);
        at_ = text_.size();
        return true;
      }
      behind = static_cast<std::size_t>(cells_.back().raw.end() - text_.begin()) + 1;
      continue;
    }
    std::size_t end = at;
    if (is_end && end > std::max(cell, behind) && text_[end - 1] == '\r') --end;
    if (behind == 0) {
      cells_.push_back({text_.substr(cell, end - cell), false});
    } else if (behind != end) {
      blame(behind, "text between a closing quote and the end of its field");
    }
    cell = at + 1;
    if (!is_end) {
      behind = 0;
      continue;
    }
    record_ = text_.substr(begin, end - begin);
    at_ = std::min(at + 1, text_.size());
    return !record_.empty();
  }
}

std::string CsvCutter::undoubled(std::string_view raw) {
  std::string text;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    text += raw[i];
    if (raw[i] == '"') ++i;
  }
  return text;
}

std::optional<std::vector<std::string>> CsvCutter::take_names() {
  while (!is_at_end()) {
    if (!take_record()) continue;
    if (wrong_) break;
    std::vector<std::string> names;
    for (const Cell& cell : cells_) names.push_back(undoubled(cell.raw));
    return names;
  }
  return std::nullopt;
}

void CsvCutter::fill(RecordTable* table) {
  const std::size_t columns = table->names().size();
  while (!wrong_ && !table->is_full() && !is_at_end()) {
    const std::size_t begin = at_;
    if (!take_record()) continue;
    if (!wrong_ && cells_.size() != columns) {
      blame(begin, "a record of " + std::to_string(cells_.size()) + " fields, and there are " +
                       std::to_string(columns) + " columns");
    }
    if (wrong_) break;
    for (std::size_t c = 0; c < columns; ++c) {
      const Cell& cell = cells_[c];
      table->set(c, cell.is_doubled ? table->keep(undoubled(cell.raw)) : cell.raw);
    }
    table->add(record_);
  }
}

std::optional<WrongRecord> CsvCutter::take_wrong() {
  if (wrong_) wrong_->text = record_;
  return std::exchange(wrong_, std::nullopt);
}

}  // namespace gorun::jobs
