// jobs/mapreduce/number.h - numbers as texts hold them, and sums that do not depend on the order.
//
// Integers stay integers (64 bits read, 128 summed); what has a point, an exponent or more digits
// is a double. Adding doubles in another order gives another result, and goroutines add in any
// order; so ExactSum keeps the sum without rounding, as a few doubles that do not overlap, and
// rounds once at the end. The same input gives the same bytes at any number of workers.
// Source: J. R. Shewchuk, Adaptive Precision Floating-Point Arithmetic, 1997, section 2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gorun::jobs {

/// An integer or a finite double, never -0.0.
using Number = std::variant<std::int64_t, double>;

/// Reads a whole text: decimal digits with a sign, a point or an exponent, blanks around it
/// ignored. Nothing for anything else; also for nan, infinities and what overflows a double.
[[nodiscard]] std::optional<Number> parse_number(std::string_view text);

/// Reads texts of which each is at most 18 digits, with or without a minus: values[i] is what
/// parse_number() says of texts[i].
/// returns  false if one is something else; then `values` are not to be used.
[[nodiscard]] bool parse_integers(std::span<const std::string_view> texts, std::int64_t* values);

/// Appends the shortest text that reads back as the same number; integers without a point.
void append_number(const Number& number, std::string* out);

/// Exact, also between an integer and a double.
[[nodiscard]] bool is_less(const Number& a, const Number& b);

/// A sum of fewer than 2^60 Numbers in any order. Copyable; 32 bytes while there are only integers.
/// A sum that is beyond the range of doubles is an infinity.
class ExactSum {
 public:
  ExactSum() = default;
  ExactSum(const ExactSum& other);
  ExactSum& operator=(const ExactSum& other);
  ExactSum(ExactSum&&) noexcept = default;
  ExactSum& operator=(ExactSum&&) noexcept = default;

  /// returns by how many bytes it has grown, beside its own size.
  std::size_t add(const Number& number);
  std::size_t add(const ExactSum& other);
  void add_integer(std::int64_t integer) { integers_ += integer; }

  /// Appends the sum: an integer if only integers were added, else the nearest double.
  void append_to(std::string* out) const;
  /// Its state as bytes, and back; of the same process.
  void append_bytes_to(std::string* out) const;
  [[nodiscard]] static ExactSum read(std::string_view bytes);
  /// The double nearest to the sum, divided by `count`, which is not 0.
  [[nodiscard]] double mean(std::uint64_t count) const;
  /// The nearest double to the sum.
  [[nodiscard]] double value() const;
  /// The sum itself if it is an int64_t and only integers were added, else value().
  [[nodiscard]] Number number() const;

 private:
  __extension__ using Integer = __int128;

  // Doubles that do not overlap, smallest first; the last one may be 0.
  using Expansion = std::vector<double>;
  struct Doubles {
    Expansion usual;
    Expansion large;  // what was added from kLarge on, times kDown

    void add(double x);
    void add(const Doubles& other);
    [[nodiscard]] std::size_t bytes() const;
  };
  // value * 2^exponent
  struct Scaled {
    double value = 0;
    int exponent = 0;
  };

  Doubles& doubles();
  [[nodiscard]] std::size_t far_bytes() const { return doubles_ ? doubles_->bytes() : 0; }
  [[nodiscard]] Scaled rounded() const;

  Integer integers_ = 0;
  std::unique_ptr<Doubles> doubles_;  // nullptr: only integers were added
};

}  // namespace gorun::jobs
