#include "jobs/text/small_dfa.h"

#include <algorithm>
#include <bitset>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace gorun::jobs {
namespace {

constexpr std::size_t kAscii = 128;
using Class = std::bitset<kAscii>;

// An expression as a tree.
struct Node {
  enum class What : std::uint8_t { kClass, kBegin, kEnd, kAll, kAny, kRepeat };
  What what = What::kAll;
  Class bytes;                 // of kClass
  std::vector<Node> children;  // of kAll one after the other, of kAny one of them, of kRepeat one
  int min = 0;                 // of kRepeat
  int max = 0;                 // kUnbounded: any number
};
constexpr int kUnbounded = -1;
constexpr int kMostRepeats = 64;
constexpr int kDeepest = 32;

Class class_of(char letter) {
  Class bytes;
  const auto add = [&bytes](unsigned char from, unsigned char to) {
    for (std::size_t c = from; c <= to; ++c) bytes.set(c);
  };
  switch (letter) {
    case 'd':
    case 'D':
      add('0', '9');
      break;
    case 'w':
    case 'W':
      add('0', '9');
      add('A', 'Z');
      add('a', 'z');
      add('_', '_');
      break;
    default:
      for (const char c : {'\t', '\n', '\f', '\r', ' '}) bytes.set(static_cast<std::size_t>(c));
  }
  return letter < 'a' ? ~bytes : bytes;
}

bool is_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`' && c != '_') ||
         (c >= '{' && c <= '~');
}

// Reads the subset; whatever else there is ends the reading, and nothing comes of it.
class PatternReader {
 public:
  explicit PatternReader(std::string_view pattern) : rest_(pattern) {}

  std::optional<Node> read() {
    Node node = alternatives(0);
    if (!is_simple_ || !rest_.empty()) return std::nullopt;
    return node;
  }

 private:
  Node give_up() {
    is_simple_ = false;
    return {};
  }
  [[nodiscard]] bool is_next(char c) const { return rest_.starts_with(c); }
  bool take(char c) {
    if (!is_next(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // 0 at the end.
  char take_any() {
    if (rest_.empty()) return '\0';
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  Node alternatives(int depth) {
    if (depth > kDeepest) return give_up();
    Node all{.what = Node::What::kAny, .bytes = {}, .children = {}};
    do {
      all.children.push_back(sequence(depth));
    } while (is_simple_ && take('|'));
    return all;
  }

  Node sequence(int depth) {
    Node all{.what = Node::What::kAll, .bytes = {}, .children = {}};
    while (is_simple_ && !rest_.empty() && !is_next('|') && !is_next(')')) {
      Node one = atom(depth);
      if (is_simple_) all.children.push_back(repeated(std::move(one)));
    }
    return all;
  }

  static Node of_class(const Class& bytes) {
    return {.what = Node::What::kClass, .bytes = bytes, .children = {}};
  }
  static Node of_literal(char c) {
    Class bytes;
    bytes.set(static_cast<unsigned char>(c));
    return of_class(bytes);
  }

  Node atom(int depth) {
    const char c = take_any();
    switch (c) {
      case '(': {
        if (is_next('?') && !rest_.starts_with("?:")) return give_up();
        if (take('?')) take(':');
        Node group = alternatives(depth + 1);
        return take(')') ? group : give_up();
      }
      case '.': {
        Class bytes;
        bytes.set();
        bytes.reset('\n');
        return of_class(bytes);
      }
      case '[':
        return bracket();
      case '^':
        return {.what = Node::What::kBegin, .bytes = {}, .children = {}};
      case '$':
        return {.what = Node::What::kEnd, .bytes = {}, .children = {}};
      case '\\':
        return escaped();
      case '*':
      case '+':
      case '?':
      case '{':
      case '}':
      case ']':
        return give_up();
      default:
        return static_cast<unsigned char>(c) < kAscii ? of_literal(c) : give_up();
    }
  }

  Node escaped() {
    if (rest_.empty()) return give_up();
    const char c = take_any();
    if (c == 'A') return {.what = Node::What::kBegin, .bytes = {}, .children = {}};
    if (c == 'z') return {.what = Node::What::kEnd, .bytes = {}, .children = {}};
    Class bytes;
    return add_escape(c, &bytes) ? of_class(bytes) : give_up();
  }

  // What an escape stands for inside and outside of brackets.
  static bool add_escape(char c, Class* bytes) {
    constexpr std::string_view kLetters = "tnrfva";
    constexpr std::string_view kMeant = "\t\n\r\f\v\a";
    if (std::string_view("dDwWsS").find(c) != std::string_view::npos) {
      *bytes |= class_of(c);
    } else if (const std::size_t at = kLetters.find(c); at != std::string_view::npos) {
      bytes->set(static_cast<unsigned char>(kMeant[at]));
    } else if (is_punctuation(c)) {
      bytes->set(static_cast<unsigned char>(c));
    } else {
      return false;
    }
    return true;
  }

  // One byte of a range; nothing for what is none.
  std::optional<unsigned char> range_end() {
    const char c = take_any();
    if (c == '[' || c == ']' || static_cast<unsigned char>(c) >= kAscii) return std::nullopt;
    if (c != '\\') return static_cast<unsigned char>(c);
    const char literal = take_any();
    if (!is_punctuation(literal)) return std::nullopt;
    return static_cast<unsigned char>(literal);
  }

  Node bracket() {
    const bool is_negated = take('^');
    Class bytes;
    if (is_next(']')) return give_up();
    while (!take(']')) {
      if (rest_.empty()) return give_up();
      if (rest_.size() > 1 && rest_[0] == '\\' && !is_punctuation(rest_[1])) {
        rest_.remove_prefix(1);
        // What may follow is no range for RE2 either.
        if (!add_escape(take_any(), &bytes) || is_next('-')) return give_up();
        continue;
      }
      const auto from = range_end();
      if (!from) return give_up();
      if (!is_next('-') || rest_.starts_with("-]")) {
        bytes.set(*from);
        continue;
      }
      if (*from == '-') return give_up();
      take('-');
      const auto to = range_end();
      if (!to || *to < *from) return give_up();
      for (std::size_t c = *from; c <= *to; ++c) bytes.set(c);
    }
    return of_class(is_negated ? ~bytes : bytes);
  }

  // The number in front of the next byte that is no digit; nothing if there is none or it is large.
  std::optional<int> number() {
    int value = 0;
    std::size_t digits = 0;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      value = value * 10 + (take_any() - '0');
      if (++digits > 3) return std::nullopt;
    }
    if (digits == 0) return std::nullopt;
    return value;
  }

  bool read_counts(Node* repeat) {
    const auto min = number();
    if (!min) return false;
    repeat->min = repeat->max = *min;
    if (take(',')) {
      repeat->max = kUnbounded;
      if (!is_next('}')) {
        const auto max = number();
        if (!max || *max < *min) return false;
        repeat->max = *max;
      }
    }
    return take('}') && *min <= kMostRepeats && repeat->max <= kMostRepeats;
  }

  Node repeated(Node one) {
    Node repeat{.what = Node::What::kRepeat, .bytes = {}, .children = {}};
    if (take('*')) {
      repeat.max = kUnbounded;
    } else if (take('+')) {
      repeat.min = 1;
      repeat.max = kUnbounded;
    } else if (take('?')) {
      repeat.max = 1;
    } else if (take('{')) {
      if (!read_counts(&repeat)) return give_up();
    } else {
      return one;
    }
    take('?');  // whether it is lazy changes which match is found, not whether there is one
    const bool is_assertion = one.what == Node::What::kBegin || one.what == Node::What::kEnd;
    constexpr std::string_view kMore = "*+?{";
    const bool is_repeated_again =
        !rest_.empty() && kMore.find(rest_.front()) != std::string_view::npos;
    if (is_assertion || is_repeated_again) return give_up();
    repeat.children.push_back(std::move(one));
    return repeat;
  }

  std::string_view rest_;
  bool is_simple_ = true;
};

using NfaState = std::uint16_t;
constexpr std::size_t kMostNfaStates = 600;

// The expression as a machine that may be in several states at a time.
struct Nfa {
  struct State {
    enum class What : std::uint8_t { kClass, kBegin, kEnd, kSplit, kMatch };
    What what = What::kMatch;
    Class bytes;
    NfaState next = 0;
    NfaState other = 0;  // of kSplit
  };
  std::vector<State> states;
  NfaState start = 0;
  bool is_too_large = false;

  explicit Nfa(const Node& root) {
    states.push_back({});
    start = add(root, 0);
  }

 private:
  NfaState push(State state) {
    if (states.size() >= kMostNfaStates) {
      is_too_large = true;
      return 0;
    }
    states.push_back(state);
    return static_cast<NfaState>(states.size() - 1);
  }
  NfaState split(NfaState one, NfaState other) {
    return push({.what = State::What::kSplit, .bytes = {}, .next = one, .other = other});
  }

  // States that go through `node` and on to `next`; returns the first of them.
  NfaState add(const Node& node, NfaState next) {
    if (is_too_large) return 0;
    switch (node.what) {
      case Node::What::kClass:
        return push({.what = State::What::kClass, .bytes = node.bytes, .next = next});
      case Node::What::kBegin:
        return push({.what = State::What::kBegin, .bytes = {}, .next = next});
      case Node::What::kEnd:
        return push({.what = State::What::kEnd, .bytes = {}, .next = next});
      case Node::What::kAll:
        for (std::size_t i = node.children.size(); i-- > 0;) next = add(node.children[i], next);
        return next;
      case Node::What::kAny: {
        NfaState all = add(node.children.back(), next);
        for (std::size_t i = node.children.size() - 1; i-- > 0;) {
          all = split(add(node.children[i], next), all);
        }
        return all;
      }
      case Node::What::kRepeat:
        return add_repeat(node, next);
    }
    return 0;
  }

  NfaState add_repeat(const Node& node, NfaState next) {
    const Node& child = node.children.front();
    if (node.max == kUnbounded) {
      const NfaState loop = split(0, next);
      const NfaState body = add(child, loop);
      states[loop].next = body;
      next = loop;
    } else {
      const NfaState after = next;
      for (int i = node.min; i < node.max; ++i) next = split(add(child, next), after);
    }
    for (int i = 0; i < node.min; ++i) next = add(child, next);
    return next;
  }
};

}  // namespace

// Makes the rows of a SmallDfa. A state of it is a set of states of the NFA.
class DfaBuilder {
 public:
  explicit DfaBuilder(const Nfa& nfa) : nfa_(nfa), marks_(nfa.states.size()) {
    restart_ = closure({nfa_.start}, Where{});
    sort_bytes();
  }

  std::optional<SmallDfa> build() {
    dfa_.next_.resize(SmallDfa::kFirstState);
    dfa_.matches_at_end_.resize(SmallDfa::kFirstState);
    // The beginning is a state of its own: there "^" holds.
    Set first = closure({nfa_.start}, Where{.at_begin = true});
    dfa_.start_ = number_of_first(first);
    for (std::size_t i = 0; i < sets_.size(); ++i) {
      if (sets_.size() + SmallDfa::kFirstState > SmallDfa::kMostStates) return std::nullopt;
      fill_row(i + SmallDfa::kFirstState, Set(sets_[i]));
    }
    return std::move(dfa_);
  }

 private:
  using Set = std::vector<NfaState>;  // in ascending order
  using What = Nfa::State::What;
  struct Where {
    bool at_begin = false;
    bool at_end = false;
  };
  static constexpr auto kNo = static_cast<std::uint8_t>(SmallDfa::Verdict::kNo);
  static constexpr auto kYes = static_cast<std::uint8_t>(SmallDfa::Verdict::kYes);
  static constexpr auto kUnknown = static_cast<std::uint8_t>(SmallDfa::Verdict::kUnknown);

  // All states that can be reached from `from` without a byte.
  Set closure(Set from, Where where) {
    marks_.assign(marks_.size(), false);
    Set all;
    while (!from.empty()) {
      const NfaState at = from.back();
      from.pop_back();
      if (marks_[at]) continue;
      marks_[at] = true;
      const Nfa::State& state = nfa_.states[at];
      if (state.what == What::kSplit) {
        from.push_back(state.other);
        from.push_back(state.next);
        continue;
      }
      // "^" holds here or never again; "$" may hold once the text has ended.
      if (state.what != What::kBegin) all.push_back(at);
      const bool holds = (state.what == What::kBegin && where.at_begin) ||
                         (state.what == What::kEnd && where.at_end);
      if (holds) from.push_back(state.next);
    }
    std::ranges::sort(all);
    return all;
  }

  [[nodiscard]] static bool has_match(const Set& set) {
    return !set.empty() && set.front() == 0;  // the first state that an Nfa makes
  }

  std::uint8_t add(const Set& set, Where where) {
    sets_.push_back(set);
    dfa_.next_.emplace_back();
    where.at_end = true;
    dfa_.matches_at_end_.push_back(has_match(closure(set, where)));
    return static_cast<std::uint8_t>(dfa_.next_.size() - 1);
  }

  std::uint8_t number_of_first(const Set& set) {
    return has_match(set) ? kYes : add(set, Where{.at_begin = true});
  }

  // The state's number: a verdict if nothing that follows can change it.
  std::uint8_t number_of(const Set& set) {
    if (has_match(set)) return kYes;
    if (set.empty()) return kNo;
    if (sets_.size() + SmallDfa::kFirstState > SmallDfa::kMostStates) return kUnknown;
    const auto [known, is_new] = numbers_.try_emplace(set, kNo);
    if (is_new) known->second = add(set, Where{});
    return known->second;
  }

  // Bytes that no class tells apart share a column.
  void sort_bytes() {
    std::map<std::string, std::size_t> columns;
    for (std::size_t c = 0; c < kAscii; ++c) {
      std::string signature;
      for (const Nfa::State& state : nfa_.states) {
        if (state.what == What::kClass) signature += state.bytes.test(c) ? '1' : '0';
      }
      const auto [column, is_new] = columns.try_emplace(std::move(signature), examples_.size());
      if (is_new) examples_.push_back(c);
      column_of_[c] = column->second;
    }
  }

  void fill_row(std::size_t state, const Set& set) {
    std::vector<std::uint8_t> columns;
    for (const std::size_t example : examples_) {
      Set after = restart_;
      for (const NfaState at : set) {
        const Nfa::State& from = nfa_.states[at];
        if (from.what == What::kClass && from.bytes.test(example)) after.push_back(from.next);
      }
      columns.push_back(number_of(closure(std::move(after), Where{})));
    }
    SmallDfa::Row& row = dfa_.next_[state];
    row.fill(kUnknown);
    for (std::size_t c = 0; c < kAscii; ++c) row[c] = columns[column_of_[c]];
  }

  const Nfa& nfa_;
  std::vector<bool> marks_;  // of closure()
  Set restart_;              // a match may begin at any byte
  std::vector<std::size_t> examples_;
  std::array<std::size_t, kAscii> column_of_{};
  std::vector<Set> sets_;  // by state, without the verdicts
  std::map<Set, std::uint8_t> numbers_;
  SmallDfa dfa_;
};

std::optional<SmallDfa> SmallDfa::compile(std::string_view pattern) {
  const std::optional<Node> root = PatternReader(pattern).read();
  if (!root) return std::nullopt;
  const Nfa nfa(*root);
  if (nfa.is_too_large) return std::nullopt;
  return DfaBuilder(nfa).build();
}

}  // namespace gorun::jobs
