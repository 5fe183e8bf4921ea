#include "jobs/mapreduce/number.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

#include "jobs/may_load_beyond.h"

namespace gorun::jobs {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// from_chars() takes much longer to say that a word is none.
bool may_begin_number(std::string_view text) {
  const char c = text.front() == '-' && text.size() > 1 ? text[1] : text.front();
  return (c >= '0' && c <= '9') || c == '.';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// So many digits do not overflow.
constexpr std::size_t kSafeDigits = 18;

// Most numbers are this: digits alone, too few to overflow.
std::optional<std::int64_t> parse_digits(std::string_view text) {
  if (text.empty() || text.size() > kSafeDigits) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned char>(c - '0');
    if (digit > 9) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

constexpr std::size_t kWordBytes = sizeof(std::uint64_t);

// The last 8 bytes of a text of 1 to 8 bytes or more, '0' before a shorter one. No branch on the
// length: it differs from number to number, and nobody could predict it.
[[gnu::always_inline]] inline std::uint64_t last_word(std::string_view text) {
  constexpr std::uint64_t kZeros = 0x3030303030303030;
  const std::size_t length = std::min(text.size(), kWordBytes);
  const char* const from = text.data() + text.size() - length;
  std::uint64_t word = 0;
  if (may_load_beyond(from, kWordBytes)) {
    std::memcpy(&word, from, sizeof word);
  } else {
    std::memcpy(&word, from, length);
  }
  if (length == kWordBytes) return word;
  const std::size_t gap = 8 * (kWordBytes - length);
  return word << gap | kZeros >> (8 * kWordBytes - gap);
}

constexpr std::uint64_t kOnesOfBytes = 0x0101010101010101;

// Eight digits, the first in the lowest byte, less '0', as a number; what is none is noted in the
// highest bits of the bytes of `wrong`, among others. Pairs are put together, then pairs of pairs.
[[gnu::always_inline]] inline std::int64_t put_together(std::uint64_t word, std::uint64_t* wrong) {
  constexpr std::uint64_t kPairs = 0x000000ff000000ff;
  *wrong |= (word + kOnesOfBytes * 0x76) | word;
  word = word * 10 + (word >> 8);
  const std::uint64_t high = (word & kPairs) * (100 + (std::uint64_t{1000000} << 32));
  const std::uint64_t low = (word >> 16 & kPairs) * (1 + (std::uint64_t{10000} << 32));
  return static_cast<std::int64_t>((high + low) >> 32);
}
constexpr std::uint64_t kWrongBits = kOnesOfBytes * 0x80;

std::int64_t eight_digits(std::uint64_t word, std::uint64_t* wrong) {
  return put_together(word ^ kOnesOfBytes * '0', wrong);
}

// Texts of 1 to 8 digits, as almost all are; false: some are not. No branch depends on how many.
bool parse_short(std::span<const std::string_view> texts, std::int64_t* values) {
  std::uint64_t wrong = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string_view text = texts[i];
    if (text.size() - 1 >= kWordBytes) return false;
    std::uint64_t word = 0;
    if (may_load_beyond(text.data(), kWordBytes)) [[likely]] {
      std::memcpy(&word, text.data(), sizeof word);
    } else {
      std::memcpy(&word, text.data(), text.size());
    }
    // Zeros come before the first digit, and what is behind the last one is gone.
    word = (word ^ kOnesOfBytes * '0') << (8 * (kWordBytes - text.size()));
    values[i] = put_together(word, &wrong);
  }
  return (wrong & kWrongBits) == 0;
}

// Texts of an integer each, of up to kSafeDigits digits.
bool parse_long(std::span<const std::string_view> texts, std::int64_t* values) {
  std::uint64_t wrong = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::string_view text = texts[i];
    if (text.empty()) return false;
    const bool is_negative = text.front() == '-';
    text.remove_prefix(is_negative ? 1 : 0);
    if (text.empty() || text.size() > kSafeDigits) return false;
    std::int64_t value = eight_digits(last_word(text), &wrong);
    if (text.size() > kWordBytes) {
      constexpr std::int64_t kEight = 100'000'000;
      text.remove_suffix(kWordBytes);
      std::int64_t high = eight_digits(last_word(text), &wrong);
      if (text.size() > kWordBytes) {
        text.remove_suffix(kWordBytes);
        high += eight_digits(last_word(text), &wrong) * kEight;
      }
      value += high * kEight;
    }
    values[i] = is_negative ? -value : value;
  }
  return (wrong & kWrongBits) == 0;
}

void append_double(double value, std::string* out) {
  std::array<char, 32> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  out->append(text.data(), end);
}

// Both long doubles of our platforms hold every int64_t and every double.
long double widened(const Number& number) {
  return std::visit([](auto value) { return static_cast<long double>(value); }, number);
}

// From here on doubles are scaled down: of those below, 2^60 do not overflow.
constexpr double kLarge = 0x1p960;
constexpr int kScaleBits = 128;
constexpr double kDown = 0x1p-128;
constexpr double kUp = 0x1p128;
// A sum below this is rounded as it is; one above it as it is scaled.
constexpr double kHuge = 0x1p1000;

// Grows the expansion by x: each part is added without error, what is left over stays.
void grow(std::vector<double>& expansion, double x) {
  std::size_t kept = 0;
  for (double y : expansion) {
    if (std::fabs(x) < std::fabs(y)) std::swap(x, y);
    const double high = x + y;
    const double low = y - (high - x);
    if (low != 0) expansion[kept++] = low;
    x = high;
  }
  expansion.resize(kept);
  expansion.push_back(x);
}

// Correct rounding of an expansion: what lies below the first two decides only a tie.
double nearest(const std::vector<double>& parts) {
  std::size_t n = parts.size();
  if (n == 0) return 0;
  double high = parts[--n];
  double low = 0;
  while (n > 0) {
    const double x = high;
    const double y = parts[--n];
    high = x + y;
    low = y - (high - x);
    if (low != 0) break;
  }
  if (n > 0 && ((low < 0 && parts[n - 1] < 0) || (low > 0 && parts[n - 1] > 0))) {
    const double doubled = low * 2;
    const double next = high + doubled;
    if (doubled == next - high) high = next;
  }
  return high == 0 ? 0.0 : high;
}

}  // namespace

std::optional<Number> parse_number(std::string_view text) {
  if (const auto integer = parse_digits(text)) return *integer;
  text = trimmed(text);
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  if (text.empty() || !may_begin_number(text)) return std::nullopt;
  const char* end = text.data() + text.size();
  std::int64_t integer = 0;
  if (const auto read = std::from_chars(text.data(), end, integer);
      read.ptr == end && read.ec == std::errc()) {
    return integer;
  }
  double value = 0;
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ptr != end || read.ec != std::errc() || !std::isfinite(value)) return std::nullopt;
  return value == 0 ? 0.0 : value;
}

bool parse_integers(std::span<const std::string_view> texts, std::int64_t* values) {
  if constexpr (std::endian::native != std::endian::little) return false;
  // Where one is negative or long others are.
  constexpr std::size_t kAtOnce = 16;
  std::size_t at = 0;
  for (; at < texts.size(); at += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, texts.size() - at);
    if (!parse_short(texts.subspan(at, count), values + at)) break;
  }
  return at >= texts.size() || parse_long(texts.subspan(at), values + at);
}

void append_number(const Number& number, std::string* out) {
  if (const auto* integer = std::get_if<std::int64_t>(&number)) {
    *out += std::to_string(*integer);
  } else {
    append_double(std::get<double>(number), out);
  }
}

bool is_less(const Number& a, const Number& b) { return widened(a) < widened(b); }

ExactSum::ExactSum(const ExactSum& other)
    : integers_(other.integers_),
      doubles_(other.doubles_ ? std::make_unique<Doubles>(*other.doubles_) : nullptr) {}

ExactSum& ExactSum::operator=(const ExactSum& other) {
  ExactSum copy(other);
  *this = std::move(copy);
  return *this;
}

void ExactSum::Doubles::add(double x) {
  if (std::fabs(x) < kLarge) {
    grow(usual, x);
  } else {
    grow(large, x * kDown);
  }
}

void ExactSum::Doubles::add(const Doubles& other) {
  for (const double part : other.usual) add(part);
  for (const double part : other.large) grow(large, part);
}

std::size_t ExactSum::Doubles::bytes() const {
  return sizeof *this + (usual.capacity() + large.capacity()) * sizeof(double);
}

ExactSum::Doubles& ExactSum::doubles() {
  if (!doubles_) doubles_ = std::make_unique<Doubles>();
  return *doubles_;
}

std::size_t ExactSum::add(const Number& number) {
  if (const auto* integer = std::get_if<std::int64_t>(&number)) {
    integers_ += *integer;
    return 0;
  }
  const std::size_t before = far_bytes();
  doubles().add(std::get<double>(number));
  return far_bytes() - before;
}

std::size_t ExactSum::add(const ExactSum& other) {
  integers_ += other.integers_;
  if (!other.doubles_) return 0;
  const std::size_t before = far_bytes();
  doubles().add(*other.doubles_);
  return far_bytes() - before;
}

void ExactSum::append_bytes_to(std::string* out) const {
  const auto append = [out](const void* bytes, std::size_t size) {
    if (size > 0) out->append(static_cast<const char*>(bytes), size);
  };
  append(&integers_, sizeof integers_);
  if (!doubles_) return;
  const std::size_t usual = doubles_->usual.size();
  append(&usual, sizeof usual);
  append(doubles_->usual.data(), usual * sizeof(double));
  append(doubles_->large.data(), doubles_->large.size() * sizeof(double));
}

ExactSum ExactSum::read(std::string_view bytes) {
  const auto take = [&bytes](void* to, std::size_t size) {
    if (size > 0) std::memcpy(to, bytes.data(), size);
    bytes.remove_prefix(size);
  };
  ExactSum sum;
  take(&sum.integers_, sizeof sum.integers_);
  if (bytes.empty()) return sum;
  std::size_t usual = 0;
  take(&usual, sizeof usual);
  Doubles& doubles = sum.doubles();
  doubles.usual.resize(usual);
  take(doubles.usual.data(), usual * sizeof(double));
  doubles.large.resize(bytes.size() / sizeof(double));
  take(doubles.large.data(), bytes.size());
  return sum;
}

ExactSum::Scaled ExactSum::rounded() const {
  Doubles all;
  all.add(*doubles_);
  // 128 bits in three limbs that a double holds exactly; the highest has the sign.
  constexpr int kLimbBits = 43;
  constexpr Integer kLimbMask = (Integer{1} << kLimbBits) - 1;
  all.add(static_cast<double>(integers_ & kLimbMask));
  all.add(std::ldexp(static_cast<double>(integers_ >> kLimbBits & kLimbMask), kLimbBits));
  all.add(std::ldexp(static_cast<double>(integers_ >> 2 * kLimbBits), 2 * kLimbBits));
  const auto is_huge = [](double part) { return std::fabs(part) >= kHuge * kDown; };
  if (!std::any_of(all.large.begin(), all.large.end(), is_huge)) {
    for (const double part : all.large) grow(all.usual, part * kUp);
    return {nearest(all.usual), 0};
  }
  // The usual ones are less than a thousand-millionth of the sum. Of those that are too small to be
  // scaled down the largest one tells the sign, which is all that may matter.
  for (auto part = all.usual.rbegin(); part != all.usual.rend(); ++part) {
    const double scaled = *part * kDown;
    if (scaled * kUp == *part) {
      grow(all.large, scaled);
      continue;
    }
    grow(all.large, std::copysign(std::numeric_limits<double>::denorm_min(), *part));
    break;
  }
  return {nearest(all.large), kScaleBits};
}

double ExactSum::value() const {
  if (!doubles_) return static_cast<double>(integers_);
  const Scaled sum = rounded();
  return std::ldexp(sum.value, sum.exponent);
}

Number ExactSum::number() const {
  const bool fits = integers_ >= INT64_MIN && integers_ <= INT64_MAX;
  if (!doubles_ && fits) return static_cast<std::int64_t>(integers_);
  return value();
}

// A sum that is beyond the range of doubles may have a mean within it.
double ExactSum::mean(std::uint64_t count) const {
  const Scaled sum = doubles_ ? rounded() : Scaled{value(), 0};
  return std::ldexp(sum.value / static_cast<double>(count), sum.exponent);
}

void ExactSum::append_to(std::string* out) const {
  if (doubles_) return append_double(value(), out);
  if (integers_ >= INT64_MIN && integers_ <= INT64_MAX) {
    *out += std::to_string(static_cast<std::int64_t>(integers_));
    return;
  }
  std::array<char, 40> digits;
  std::size_t at = digits.size();
  const bool negative = integers_ < 0;
  // The remainder of a negative number is negative, so that the smallest one works, too.
  for (Integer rest = integers_; rest != 0; rest /= 10) {
    const auto digit = static_cast<int>(rest % 10);
    digits[--at] = static_cast<char>('0' + (negative ? -digit : digit));
  }
  if (negative) *out += '-';
  out->append(digits.data() + at, digits.size() - at);
}

}  // namespace gorun::jobs
