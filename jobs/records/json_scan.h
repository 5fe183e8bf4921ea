// jobs/records/json_scan.h - the grammar of JSON (RFC 8259), from left to right: where a value
// ends, and where it is wrong.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "jobs/json_tokens.h"
#include "jobs/records/json_token.h"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace gorun::jobs {

// As deep as simdjson goes.
inline constexpr std::size_t kDeepestJson = 1024;
// An integer of so many digits is an int64_t, whatever they are.
inline constexpr std::ptrdiff_t kSafeDigits = 18;

[[nodiscard]] constexpr bool is_json_hex(char c) {
  return is_json_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

[[nodiscard]] inline std::uint64_t load_word(const char* from) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// True for what ends the plain part of a string: its end, an escape, a control character.
[[nodiscard]] constexpr bool ends_run(char c) {
  return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

#if defined(__x86_64__)

// The first byte from `at` on that ends_run(), or `end`.
[[gnu::always_inline]] inline const char* run_end(const char* at, const char* end) {
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1f);
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i is_control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
    const __m128i is_end = _mm_or_si128(
        is_control, _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
    const auto bits = static_cast<unsigned>(_mm_movemask_epi8(is_end));
    if (bits != 0) return at + std::countr_zero(bits);
  }
  while (at < end && !ends_run(*at)) ++at;
  return at;
}

#else

inline const char* run_end(const char* at, const char* end) {
  while (at < end && !ends_run(*at)) ++at;
  return at;
}

#endif

// The first byte from `at` on that is no digit, or `end`. Eight at a time: the highest bit of each
// byte that is none is set; what carries into the bytes above the first such does no harm.
[[gnu::always_inline]] inline const char* digits_end(const char* at, const char* end) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  if constexpr (std::endian::native == std::endian::little) {
    for (; end - at >= 8; at += 8) {
      const std::uint64_t word = load_word(at) ^ (kOnes * '0');
      const std::uint64_t others = ((word + kOnes * 0x76) | word) & (kOnes * 0x80);
      if (others != 0) return at + std::countr_zero(others) / 8;
    }
  }
  while (at < end && is_json_digit(*at)) ++at;
  return at;
}

/// What a line feed is between two values of a document.
enum class JsonLines : std::uint8_t {
  kBlank,  // a blank like others
  kEnd,    // the end of the document, which is cut off if it is not whole
};

/// Functions take where a value begins and return where it ends, or nullptr: then stopped_at says
/// where and is_cut why. What is scanned has a line feed or another byte of its own behind it.
template <JsonLines kLines>
struct JsonScan {
  const char* const end;
  bool must_decode = false;  // what was skipped may still be wrong, for a parser to say
  bool is_cut = false;
  const char* stopped_at = nullptr;

  const char* wrong(const char* at) {
    stopped_at = at;
    is_cut = at == end || (kLines == JsonLines::kEnd && *at == '\n');
    return nullptr;
  }

  const char* skip_blanks(const char* at) const {
    if (static_cast<unsigned char>(*at) > ' ') [[likely]]
      return at;
    while (*at == ' ' || *at == '\t' || *at == '\r' ||
           (kLines == JsonLines::kBlank && *at == '\n' && at < end)) {
      ++at;
    }
    return at;
  }

  // From behind a backslash.
  const char* skip_escape(const char* at) {
    if (*at != 'u')
      return std::strchr("\"\\/bfnrt", *at) != nullptr && *at != '\0' ? at + 1 : wrong(at);
    const char* digit = at + 1;
    for (; digit < at + 5; ++digit) {
      if (!is_json_hex(*digit)) return wrong(digit);
    }
    // Halves of surrogate pairs: whether they belong together is the parser's to say.
    if ((at[1] | 0x20) == 'd' && at[2] >= '8') must_decode = true;
    return digit;
  }

  // From behind the opening quote to behind the closing one.
  [[gnu::always_inline]] const char* skip_string(const char* at) {
    at = run_end(at, end);
    if (*at == '"') [[likely]]
      return at + 1;
    return skip_rest_of_string(at);
  }

  [[gnu::noinline]] const char* skip_rest_of_string(const char* at) {
    while (*at != '"') {
      if (*at != '\\') return wrong(at);
      at = skip_escape(at + 1);
      if (at == nullptr) return nullptr;
      at = run_end(at, end);
    }
    return at + 1;
  }

  [[gnu::always_inline]] const char* skip_digits(const char* at) {
    const char* last = digits_end(at, end);
    return last == at ? wrong(at) : last;
  }

  [[gnu::always_inline]] const char* skip_number(const char* at, JsonToken::Kind* kind) {
    const char* const begin = at;
    if (*at == '-') ++at;
    const char* const first = at;
    at = skip_digits(at);
    if (at == nullptr) return nullptr;
    if (*first == '0' && at - first > 1) return wrong(first + 1);
    const bool is_short = at - first <= kSafeDigits && !(*first == '0' && first != begin);
    *kind = is_short ? JsonToken::Kind::kInteger : JsonToken::Kind::kNumber;
    if (*at == '.') {
      *kind = JsonToken::Kind::kNumber;
      at = skip_digits(at + 1);
      if (at == nullptr) return nullptr;
    }
    if ((*at | 0x20) == 'e') {
      *kind = JsonToken::Kind::kNumber;
      ++at;
      if ((*at == '+' || *at == '-')) ++at;
      at = skip_digits(at);
    }
    return at;
  }

  const char* skip_literal(const char* at) {
    const std::string_view word = *at == 't' ? "true" : *at == 'f' ? "false" : "null";
    for (const char c : word) {
      if (*at != c) return wrong(at);
      ++at;
    }
    return at;
  }

  // What is no array and no object.
  [[gnu::always_inline]] const char* skip_scalar(const char* at, JsonToken::Kind* kind) {
    if (*at == '"') {
      *kind = JsonToken::Kind::kString;
      return skip_string(at + 1);
    }
    if (is_json_digit(*at) || *at == '-') return skip_number(at, kind);
    *kind = JsonToken::Kind::kLiteral;
    return skip_literal(at);
  }

  const char* skip_key(const char* at) {
    if (*at != '"') return wrong(at);
    at = skip_string(at + 1);
    if (at == nullptr) return nullptr;
    at = skip_blanks(at);
    return *at != ':' ? wrong(at) : skip_blanks(at + 1);
  }

  // An array or an object in which nothing is wanted. Without recursion: the stack of a goroutine
  // is small, and the text may be anybody's.
  const char* skip_container(const char* at) {
    std::array<bool, kDeepestJson> is_object;
    std::size_t depth = 0;
    for (;;) {  // at a value
      if ((*at == '{' || *at == '[')) {
        if (depth == kDeepestJson) return wrong(at);
        const bool object = *at == '{';
        is_object[depth++] = object;
        at = skip_blanks(at + 1);
        if (*at != (object ? '}' : ']')) {
          if (object && (at = skip_key(at)) == nullptr) return nullptr;
          continue;
        }
        ++at;
        --depth;
      } else {
        JsonToken::Kind kind;
        at = skip_scalar(at, &kind);
        if (at == nullptr) return nullptr;
      }
      for (;;) {  // behind a value
        if (depth == 0) return at;
        at = skip_blanks(at);
        const bool object = is_object[depth - 1];
        if (*at == ',') {
          at = skip_blanks(at + 1);
          if (object && (at = skip_key(at)) == nullptr) return nullptr;
          break;
        }
        if (*at != (object ? '}' : ']')) return wrong(at);
        ++at;
        --depth;
      }
    }
  }

  [[gnu::always_inline]] const char* skip_value(const char* at) {
    if ((*at == '{' || *at == '[')) return skip_container(at);
    JsonToken::Kind kind;
    return skip_scalar(at, &kind);
  }
};

}  // namespace gorun::jobs
