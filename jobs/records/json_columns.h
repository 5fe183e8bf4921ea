// jobs/records/json_columns.h - documents of one shape that follow each other, a line each,
// compared side by side.
//
// Documents of one shape have equally many marks, unless there is an array in them. So the n-th
// mark behind the beginning of the k-th document is known without the documents before it having
// been looked at, and with it the places of all texts between values, each of which has a mark, and
// of the values between these. One text after the other is compared in all documents, its bytes in
// a register meanwhile; then the values are checked, one column after the other; nothing waits for
// anything, no branch depends on a byte, and what is found goes straight to where it is wanted. A
// match of the same documents one by one takes three times as long, most of it to tell steps apart.
//
// That a text differs somewhere is known when all documents were looked at; then it is looked for,
// and those before it are gone on with.
//
// Invariant
//   I1  What is found is what JsonShape::match() finds in each of the documents. What is left out
//       may match or not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/records/json_shape.h"
#include "jobs/records/json_token.h"

namespace gorun::jobs {

/// threads  any; it does not change.
class JsonColumns {
 public:
  /// Nothing if documents of this shape need not have equally many marks.
  [[nodiscard]] static std::optional<JsonColumns> of(const JsonShape& shape);

  /// More at a time would gain little, and lose more where one of them is different.
  static constexpr std::size_t kMost = 32;
  /// Fewer are matched as quickly one by one.
  static constexpr std::size_t kLeast = 4;

  /// Where to write what is found.
  struct Places {
    const char* text;             // what the window begins with, of which views are made
    std::string_view* documents;  // one after the other
    std::span<std::string_view* const> values;  // by pointer; likewise
    // By pointer, of all documents: kAbsent, kString, kInteger or kLiteral, and kNumber for numbers
    // and words of any kind (kind_of_word()).
    std::span<JsonToken::Kind> kinds;
  };

  /// How many documents the window may hold from `mark` on, at most kMost.
  [[nodiscard]] std::size_t count_in(const JsonWindow& window, std::size_t mark) const;
  /// So many documents match; where the one behind the last begins, and the first mark there.
  struct Match {
    std::uint32_t count;
    std::uint32_t at;
    std::uint32_t mark;
  };
  /// Matches documents, each but the first behind the line feed behind the one before it; they end
  /// before the first one that does not, and maybe before another one whose next one begins in
  /// another way.
  /// at    where the first one begins in the window
  /// mark  the first one there or behind it
  /// most  kLeast to count_in()
  /// to    what is written behind those that match means nothing
  /// returns  as many as match, if these are not fewer than kLeast, else none
  [[nodiscard]] Match match(const JsonWindow& window, std::size_t at, std::size_t mark,
                            std::size_t most, const Places& to) const;

 private:
  // Sixteen bytes of a text, or fewer.
  struct Piece {
    alignas(16) std::array<char, 16> text;
    alignas(16) std::array<char, 16> kept;  // 0: whatever stands there, else 0xff
    std::uint32_t mark;                     // in a document; the first one of the text
    std::ptrdiff_t from_mark;               // to the piece
  };
  // A place in each document.
  struct Place {
    std::uint32_t mark;
    std::ptrdiff_t from_mark;
  };
  struct Column {
    JsonShape::Value value;
    bool is_wanted;
    Place begin;
    Place end;
  };
  struct Documents;

  void add_text(std::string_view text, std::size_t mark);
  static void cut_to_text(const Piece& piece, Documents* all);
  static JsonToken::Kind cut_to_values(const Column& column, Documents* all);
  static void cut_to_words(const Column& column, Documents* all);
  static void cut_to_strings(const Column& column, Documents* all);
  [[nodiscard]] static bool are_naturals(const Documents& all, const Column& column);
  [[nodiscard]] static bool are_integers(const Documents& all, const Column& column);
  [[nodiscard]] static bool are_literals(const Documents& all, const Column& column);

  std::string first_;  // text
  std::vector<Piece> pieces_;
  std::vector<Column> columns_;
  std::vector<std::size_t> column_of_;  // by pointer; kNone: documents have no such value
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t marks_ = 0;   // of a document and the line feed behind it
  std::size_t before_ = 0;  // as many bytes before a document may be read where it does not match
};

/// What a token is that is a number or a word.
[[nodiscard]] JsonToken::Kind kind_of_word(std::string_view token);

}  // namespace gorun::jobs
