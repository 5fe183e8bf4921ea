// jobs/text/literal_search.h - where a literal occurs in a text, and how many lines lie before it.
//
// Two bytes of the literal, those that are rarest in texts, are compared with 64 (32, 16) positions
// at a time; where both fit, the whole literal is compared. In the same pass line feeds are
// counted, so that who looks for lines knows how many he did not look at.
// Not chosen: memmem(3), which knows nothing of lines; a second pass that counts them costs half as
//   much again.
// Prior art: W. Mula, "SIMD-friendly algorithms for substring searching" (generic SIMD).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "jobs/text/byte_class.h"

namespace gorun::jobs {

/// threads  const methods from any thread.
class LiteralSearch {
 public:
  /// literal  at least one byte, and no line feed.
  /// level    at most best_vector_level(); for tests and benchmarks.
  explicit LiteralSearch(std::string literal, VectorLevel level = best_vector_level());

  struct Hit {
    const char* at;       // the first byte of the occurrence; the end of the text: there is none
    std::uint64_t lines;  // line feeds between the begin of the text and `at`
  };
  /// The first occurrence in `text`.
  [[nodiscard]] Hit find(std::string_view text) const;

  [[nodiscard]] const std::string& literal() const { return literal_; }

 private:
  std::string literal_;
  std::size_t first_ = 0;   // index of the rarest byte
  std::size_t second_ = 0;  // and of another one
  VectorLevel level_;
};

}  // namespace gorun::jobs
