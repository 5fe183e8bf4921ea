#include "jobs/records/json_skimmer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "jobs/json_tokens.h"
#include "jobs/records/json_pointer.h"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace gorun::jobs {
namespace {

// As deep as simdjson goes.
constexpr std::size_t kDeepestJson = 1024;
// An integer of so many digits is an int64_t, whatever they are.
constexpr std::ptrdiff_t kSafeDigits = 18;

bool is_hex(char c) { return is_json_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

std::uint64_t load_word(const char* from) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// True for what ends the plain part of a string: its end, an escape, a control character.
bool ends_run(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

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

const char* run_end(const char* at, const char* end) {
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

}  // namespace

// A place in documents that a pointer names, or passes on its way.
struct JsonSkimmer::Node {
  struct Child {
    std::string key;
    std::unique_ptr<Node> node;
  };
  // A key that an object had, with its quotes and its colon, if it fits two words.
  struct Known {
    std::array<std::uint64_t, 2> words;
    std::array<std::uint64_t, 2> masks;
    std::uint32_t length = 0;
    Node* node = nullptr;  // nullptr: no pointer goes there

    [[nodiscard]] bool is_at(const char* at) const {
      return (((load_word(at) ^ words[0]) & masks[0]) |
              ((load_word(at + 8) ^ words[1]) & masks[1])) == 0;
    }
  };
  static constexpr Known kUnknown = {
      {~std::uint64_t{0}, ~std::uint64_t{0}}, {~std::uint64_t{0}, ~std::uint64_t{0}}, 0, nullptr};
  // Objects with more keys than this have the others compared as strings.
  static constexpr std::size_t kMostKnown = 64;

  std::vector<Child> children;
  std::vector<std::size_t> pointers;  // that end here
  std::vector<Known> known;           // by place in the object
  std::uint64_t seen_in = 0;          // the number of the document that it was last found in

  Node& child(std::string key) {
    const auto found = std::ranges::find(children, key, &Child::key);
    if (found != children.end()) return *found->node;
    children.push_back({std::move(key), std::make_unique<Node>()});
    return *children.back().node;
  }

  [[nodiscard]] Node* find(std::string_view key) const {
    const auto found = std::ranges::find(children, key, &Child::key);
    return found == children.end() ? nullptr : found->node.get();
  }

  // `key` with quotes and colon.
  void learn(std::size_t place, std::string_view key, Node* node) {
    if (place >= kMostKnown) return;
    if (place >= known.size()) known.resize(place + 1, kUnknown);
    Known& one = known[place];
    one = kUnknown;
    if (key.size() > sizeof one.words) return;
    std::array<char, sizeof one.words> mask = {};
    std::fill_n(mask.begin(), key.size(), '\xff');
    std::memcpy(one.masks.data(), mask.data(), mask.size());
    std::memcpy(one.words.data(), key.data(), key.size());
    one.length = static_cast<std::uint32_t>(key.size());
    one.node = node;
  }
};

// One document. Functions take where a value begins and return where it ends, or nullptr: then
// stopped_at says where and is_cut why.
template <JsonSkimmer::Lines kLines>
struct JsonSkimmer::Pass {
  const char* const end;
  const std::uint64_t document;
  std::vector<JsonToken>& tokens;
  bool must_decode = false;
  bool is_cut = false;
  const char* stopped_at = nullptr;

  const char* wrong(const char* at) {
    stopped_at = at;
    is_cut = at == end || (kLines == Lines::kEnd && *at == '\n');
    return nullptr;
  }

  const char* skip_blanks(const char* at) const {
    if (static_cast<unsigned char>(*at) > ' ') [[likely]]
      return at;
    while (*at == ' ' || *at == '\t' || *at == '\r' ||
           (kLines == Lines::kBlank && *at == '\n' && at < end)) {
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
      if (!is_hex(*digit)) return wrong(digit);
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

  void note(const Node& node, JsonToken::Kind kind, const char* from, const char* to) {
    for (const std::size_t pointer : node.pointers) {
      tokens[pointer] = {kind, {from, static_cast<std::size_t>(to - from)}};
    }
  }

  // A value at a place that a pointer names or passes.
  [[gnu::always_inline]] const char* take_value(const char* at, Node& node) {
    if (node.seen_in == document) must_decode = true;  // a key that comes twice
    node.seen_in = document;
    if ((*at == '{' || *at == '[')) {
      const bool leads_on = !node.children.empty();
      if (!node.pointers.empty() || (leads_on && *at == '[')) must_decode = true;
      return leads_on && *at == '{' ? take_object(at, node) : skip_container(at);
    }
    JsonToken::Kind kind;
    const char* const last = skip_scalar(at, &kind);
    if (last == nullptr || node.pointers.empty()) return last;
    if (kind != JsonToken::Kind::kString) {
      note(node, kind, at, last);
    } else if (std::memchr(at, '\\', static_cast<std::size_t>(last - at)) == nullptr) {
      note(node, kind, at + 1, last - 1);
    } else {
      must_decode = true;
    }
    return last;
  }

  // The key at `at`, the `place`-th of an object; `child` becomes where pointers go on, if any do.
  [[gnu::noinline]] const char* take_new_key(const char* at, Node& node, std::size_t place,
                                             Node** child) {
    const char* const begin = at;
    at = skip_key(at);
    if (at == nullptr) return nullptr;
    const char* const close = run_end(begin + 1, end);
    // Some escape may stand for a key that is wanted.
    if (*close != '"') {
      must_decode = true;
      return at;
    }
    *child = node.find({begin + 1, close});
    if (close[1] == ':') node.learn(place, {begin, close + 2}, *child);
    return at;
  }

  const char* take_object(const char* at, Node& node) {
    at = skip_blanks(at + 1);
    if (*at == '}') return at + 1;
    const Node::Known* known = node.known.data();
    std::size_t left = node.known.size();
    for (std::size_t place = 0;; ++place) {
      Node* child = nullptr;
      if (place < left && end - at >= 16 && known[place].is_at(at)) [[likely]] {
        child = known[place].node;
        at = skip_blanks(at + known[place].length);
      } else {
        at = take_new_key(at, node, place, &child);
        if (at == nullptr) return nullptr;
        known = node.known.data();
        left = node.known.size();
      }
      at = child == nullptr ? skip_value(at) : take_value(at, *child);
      if (at == nullptr) return nullptr;
      at = skip_blanks(at);
      if (*at == '}') return at + 1;
      if (*at != ',') return wrong(at);
      at = skip_blanks(at + 1);
    }
  }

  // A number or a word has no end of its own.
  const char* take_document(const char* at, Node& root) {
    const char* const last = take_value(at, root);
    if (last == nullptr || last == end || *at == '{' || *at == '[' || *at == '"') return last;
    const bool is_ended =
        *last == '\n' || skip_blanks(last) != last || *last == ',' || *last == ']';
    return is_ended ? last : wrong(last);
  }
};

JsonSkimmer::JsonSkimmer(std::span<const std::string> pointers)
    : root_(std::make_unique<Node>()), tokens_(pointers.size()) {
  for (std::size_t i = 0; i < pointers.size(); ++i) {
    Node* node = root_.get();
    std::string_view rest = pointers[i];
    while (!rest.empty()) node = &node->child(json_key(take_json_token(&rest)));
    node->pointers.push_back(i);
  }
}

JsonSkimmer::~JsonSkimmer() = default;

JsonSkimmer::Skimmed JsonSkimmer::skim(std::string_view text, std::size_t begin, Lines lines) {
  std::ranges::fill(tokens_, JsonToken{});
  ++documents_;
  const auto run = [&](auto&& pass) -> Skimmed {
    const char* const last = pass.take_document(text.data() + begin, *root_);
    const char* const stop = last != nullptr ? last : pass.stopped_at;
    const auto at = static_cast<std::size_t>(stop - text.data());
    if (last == nullptr) return {pass.is_cut ? Verdict::kCut : Verdict::kWrong, at};
    return {pass.must_decode ? Verdict::kDecode : Verdict::kPlain, at};
  };
  const char* const end = text.data() + text.size();
  if (lines == Lines::kEnd) return run(Pass<Lines::kEnd>{end, documents_, tokens_});
  return run(Pass<Lines::kBlank>{end, documents_, tokens_});
}

}  // namespace gorun::jobs
