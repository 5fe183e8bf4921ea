// jobs/records/json_skimmer.h - one pass over a JSON document that checks all of it and notes where
// a few values lie.
//
// Grouping JSON lines needs two fields of twenty, so a document is not made into a tree: the bytes
// are read once, from left to right, the grammar is checked on the way (RFC 8259), and wanted
// values are views of the text. Documents of one source look alike, so the n-th key of an object is
// first compared, quotes and colon included, with the n-th key of the object before: two loads
// tell, and no byte of the key is looked at.
//
// What is rare is not decided here: a wanted string with escapes, a wanted array or object, a key
// that comes twice and the like make the document kDecode, and a parser that makes a tree
// (simdjson) says what the values are. So the pass stays small, and is right whenever it answers.
//
// Invariants
//   I1  kPlain and kDecode: text[begin, end) is one whole document, whatever follows it.
//   I2  kPlain: the tokens are what the pointers find in a tree of that document.
//   I3  Whether a byte begins a document that is kWrong or kCut does not depend on what was
//       skimmed before: what is remembered of other documents only saves time.
// Not chosen: simdjson's on-demand documents (iterate_many). They index every bracket, comma and
//   quote before anything is looked at. On a machine busy with other work, two fields of a line of
//   93 bytes took them 72 to 92 ns, 33 to 40 of them for the index, and this pass 55 to 91; it also
//   notices what is wrong behind the last wanted field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gorun::jobs {

/// A value that a pointer found.
struct JsonToken {
  enum class Kind : std::uint8_t {
    kAbsent,   // the document has no such value
    kString,   // text is what stands between the quotes; there is no escape in it
    kInteger,  // of at most 18 digits, and not -0: its text is how everybody writes it
    kNumber,   // any other
    kLiteral,  // true, false or null
  };
  Kind kind = Kind::kAbsent;
  std::string_view text;
};

/// threads  one at a time.
class JsonSkimmer {
 public:
  /// pointers  as in RFC 6901, known to be well-formed: "" or "/a/b".
  explicit JsonSkimmer(std::span<const std::string> pointers);
  ~JsonSkimmer();
  JsonSkimmer(const JsonSkimmer&) = delete;
  JsonSkimmer& operator=(const JsonSkimmer&) = delete;

  enum class Lines : std::uint8_t {
    kBlank,  // a line feed between two values is a blank like others
    kEnd,    // it ends the document, which is kCut if it is not whole
  };
  enum class Verdict : std::uint8_t {
    kPlain,
    kDecode,  // the document is whole; its wanted values are for a parser to say
    kWrong,   // no JSON document begins so
    kCut,     // one may, and the text, or its line, ends inside it
  };
  struct Skimmed {
    Verdict verdict;
    std::size_t end;  // behind the document; kWrong: where it is wrong; kCut: where it ends
  };

  /// Skims the document that begins at text[begin], which is no blank.
  [[nodiscard]] Skimmed skim(std::string_view text, std::size_t begin, Lines lines);

  /// By pointer, what kPlain found; views into the text.
  [[nodiscard]] std::span<const JsonToken> tokens() const { return tokens_; }

 private:
  struct Node;
  template <Lines kLines>
  struct Pass;

  std::unique_ptr<Node> root_;
  std::vector<JsonToken> tokens_;
  std::uint64_t documents_ = 0;  // skimmed so far: tells what was seen in this one
};

}  // namespace gorun::jobs
