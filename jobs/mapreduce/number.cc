#include "jobs/mapreduce/number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <system_error>
#include <utility>

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

// Most numbers are this: digits alone, too few to overflow.
std::optional<std::int64_t> parse_digits(std::string_view text) {
  constexpr std::size_t kSafeDigits = 18;
  if (text.empty() || text.size() > kSafeDigits) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned char>(c - '0');
    if (digit > 9) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
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
      partials_(other.partials_ ? std::make_unique<std::vector<double>>(*other.partials_)
                                : nullptr) {}

ExactSum& ExactSum::operator=(const ExactSum& other) {
  ExactSum copy(other);
  *this = std::move(copy);
  return *this;
}

void ExactSum::add(const Number& number) {
  if (const auto* integer = std::get_if<std::int64_t>(&number)) {
    integers_ += *integer;
  } else {
    add_double(std::get<double>(number));
  }
}

void ExactSum::add(const ExactSum& other) {
  integers_ += other.integers_;
  if (!other.partials_) return;
  for (const double partial : *other.partials_) add_double(partial);
  if (!partials_) partials_ = std::make_unique<std::vector<double>>();
}

// Grows the expansion by x: each partial is added without error, what is left over stays.
void ExactSum::add_double(double x) {
  if (!partials_) partials_ = std::make_unique<std::vector<double>>();
  std::size_t kept = 0;
  for (double y : *partials_) {
    if (std::fabs(x) < std::fabs(y)) std::swap(x, y);
    const double high = x + y;
    const double low = y - (high - x);
    if (low != 0) (*partials_)[kept++] = low;
    x = high;
  }
  partials_->resize(kept);
  partials_->push_back(x);
}

void ExactSum::append_bytes_to(std::string* out) const {
  out->append(reinterpret_cast<const char*>(&integers_), sizeof integers_);
  if (!partials_) return;
  // A sum to which 0.0 was added has partials, if all of them 0, and is a double.
  out->append(reinterpret_cast<const char*>(partials_->data()), partials_->size() * sizeof(double));
  *out += 'd';
}

ExactSum ExactSum::read(std::string_view bytes) {
  ExactSum sum;
  std::memcpy(&sum.integers_, bytes.data(), sizeof sum.integers_);
  bytes.remove_prefix(sizeof sum.integers_);
  if (bytes.empty()) return sum;
  sum.partials_ = std::make_unique<std::vector<double>>(bytes.size() / sizeof(double));
  std::memcpy(sum.partials_->data(), bytes.data(), sum.partials_->size() * sizeof(double));
  return sum;
}

double ExactSum::value() const {
  if (!partials_) return static_cast<double>(integers_);
  ExactSum all;
  all.partials_ = std::make_unique<std::vector<double>>(*partials_);
  // 128 bits in three limbs that a double holds exactly; the highest has the sign.
  constexpr int kLimbBits = 43;
  constexpr Integer kLimbMask = (Integer{1} << kLimbBits) - 1;
  all.add_double(static_cast<double>(integers_ & kLimbMask));
  all.add_double(std::ldexp(static_cast<double>(integers_ >> kLimbBits & kLimbMask), kLimbBits));
  all.add_double(std::ldexp(static_cast<double>(integers_ >> 2 * kLimbBits), 2 * kLimbBits));
  // Correct rounding of the expansion: what lies below the first two decides only a tie.
  const std::vector<double>& partials = *all.partials_;
  std::size_t n = partials.size();
  double high = partials[--n];
  double low = 0;
  while (n > 0) {
    const double x = high;
    const double y = partials[--n];
    high = x + y;
    low = y - (high - x);
    if (low != 0) break;
  }
  if (n > 0 && ((low < 0 && partials[n - 1] < 0) || (low > 0 && partials[n - 1] > 0))) {
    const double doubled = low * 2;
    const double next = high + doubled;
    if (doubled == next - high) high = next;
  }
  return high == 0 ? 0.0 : high;
}

Number ExactSum::number() const {
  const bool fits = integers_ >= INT64_MIN && integers_ <= INT64_MAX;
  if (!partials_ && fits) return static_cast<std::int64_t>(integers_);
  return value();
}

double ExactSum::mean(std::uint64_t count) const { return value() / static_cast<double>(count); }

void ExactSum::append_to(std::string* out) const {
  if (partials_) return append_double(value(), out);
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
