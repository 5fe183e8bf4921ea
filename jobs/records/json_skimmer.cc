#include "jobs/records/json_skimmer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "jobs/records/json_pointer.h"

namespace gorun::jobs {

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

// One document.
template <JsonLines kLines>
struct JsonSkimmer::Pass : JsonScan<kLines> {
  using Scan = JsonScan<kLines>;
  using Scan::end;
  using Scan::must_decode;
  using Scan::skip_blanks;
  using Scan::skip_container;
  using Scan::skip_key;
  using Scan::skip_scalar;
  using Scan::skip_value;
  using Scan::wrong;

  const std::uint64_t document;
  std::span<JsonToken> tokens;

  Pass(const char* text_end, std::uint64_t number, std::span<JsonToken> found)
      : Scan{text_end}, document(number), tokens(found) {}

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
    : root_(std::make_unique<Node>()), tokens_(pointers.size() + 1) {
  for (std::size_t i = 0; i < pointers.size(); ++i) {
    Node* node = root_.get();
    std::string_view rest = pointers[i];
    while (!rest.empty()) node = &node->child(json_key(take_json_token(&rest)));
    node->pointers.push_back(i);
  }
}

JsonSkimmer::~JsonSkimmer() = default;

void JsonSkimmer::begin(std::string_view text) {
  text_ = text;
  shapes_.begin(text);
}

JsonSkimmer::Skimmed JsonSkimmer::skim(std::size_t begin, JsonLines lines) {
  if (const std::size_t end = shapes_.match(begin, lines, tokens_); end != JsonShapes::kNoMatch) {
    return {Verdict::kPlain, end};
  }
  const Skimmed skimmed =
      lines == JsonLines::kEnd ? run<JsonLines::kEnd>(begin) : run<JsonLines::kBlank>(begin);
  if (skimmed.verdict == Verdict::kPlain) shapes_.missed(begin, skimmed.end, tokens());
  return skimmed;
}

template <JsonLines kLines>
JsonSkimmer::Skimmed JsonSkimmer::run(std::size_t begin) {
  std::ranges::fill(tokens_, JsonToken{});
  Pass<kLines> pass(text_.data() + text_.size(), ++documents_, tokens_);
  const char* const last = pass.take_document(text_.data() + begin, *root_);
  const char* const stop = last != nullptr ? last : pass.stopped_at;
  const auto at = static_cast<std::size_t>(stop - text_.data());
  if (last == nullptr) return {pass.is_cut ? Verdict::kCut : Verdict::kWrong, at};
  return {pass.must_decode ? Verdict::kDecode : Verdict::kPlain, at};
}

}  // namespace gorun::jobs
