// jobs/records/json_skimmer.h - one pass over a JSON document that checks all of it and notes where
// a few values lie.
//
// Grouping JSON lines needs two fields of twenty, so a document is not made into a tree: the bytes
// are read once, from left to right, the grammar is checked on the way (RFC 8259), and wanted
// values are views of the text. Documents of one source look alike, so the n-th key of an object is
// first compared, quotes and colon included, with the n-th key of the object before: two loads
// tell, and no byte of the key is looked at.
//
// Most documents are not even read that far: one that differs from a document before it in nothing
// but its values is compared with that one's shape (json_shapes.h), which says the same sooner.
// What has no such shape comes here.
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

#include "jobs/records/json_scan.h"
#include "jobs/records/json_shapes.h"
#include "jobs/records/json_token.h"

namespace gorun::jobs {

/// threads  one at a time.
class JsonSkimmer {
 public:
  /// pointers  as in RFC 6901, known to be well-formed: "" or "/a/b".
  explicit JsonSkimmer(std::span<const std::string> pointers);
  ~JsonSkimmer();
  JsonSkimmer(const JsonSkimmer&) = delete;
  JsonSkimmer& operator=(const JsonSkimmer&) = delete;

  enum class Verdict : std::size_t {  // as wide as `end`: both are returned in registers
    kPlain,
    kDecode,  // the document is whole; its wanted values are for a parser to say
    kWrong,   // no JSON document begins so
    kCut,     // one may, and the text, or its line, ends inside it
  };
  struct Skimmed {
    Verdict verdict;
    std::size_t end;  // behind the document; kWrong: where it is wrong; kCut: where it ends
  };

  /// The text to skim, which stays as it is until the next one, with a byte behind it that can be
  /// read.
  void begin(std::string_view text);

  /// Skims the document that begins at text[begin], which is no blank.
  [[nodiscard]] Skimmed skim(std::size_t begin, JsonLines lines);

  /// Skims documents that follow each other, blanks and nothing else between them, as far as that
  /// is quick: those that are kPlain and look like the last one.
  /// to  takes them, as JsonShapes::match_alike() says, with tokens()
  /// returns  where the next document begins, if one does; `begin` if nothing was skimmed
  template <JsonLines kLines, class To>
  std::size_t skim_alike(std::size_t begin, To& to) {
    return shapes_.match_alike<kLines>(begin, tokens_, to);
  }

  /// By pointer, what kPlain found; views into the text.
  [[nodiscard]] std::span<const JsonToken> tokens() const {
    return std::span(tokens_).first(tokens_.size() - 1);
  }

 private:
  struct Node;
  template <JsonLines kLines>
  struct Pass;
  template <JsonLines kLines>
  Skimmed run(std::size_t begin);

  std::unique_ptr<Node> root_;
  std::string_view text_;
  std::vector<JsonToken> tokens_;  // and one that nobody wants, for JsonShapes to write
  JsonShapes shapes_;
  std::uint64_t documents_ = 0;  // skimmed so far: tells what was seen in this one
};

}  // namespace gorun::jobs
