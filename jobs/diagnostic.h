// jobs/diagnostic.h - what is wrong with a job file, as values.
//
// A wrong input is not an exception: whoever finds it adds a Diagnostic and goes on, so that
// one run of gorun names every mistake. Nothing here prints; render() makes the text and the
// caller chooses the stream.
//
//   jobs/wordcount.json:14:15: error: stage "count" reads from unknown stage "splt"
//     14 |       "from": "splt",
//        |               ^~~~~~
//     hint: did you mean "split"? (declared at 9:15)
//   gorun: 1 error; nothing was run
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/expected.h"
#include "jobs/source.h"

namespace gorun::jobs {

/// Who has to mend it; the command has an exit status for each.
enum class Culprit {
  kJobFile,
  kCommandLine,  // a --set that does not fit the job file
};

enum class Severity {
  kError,    // nothing is run
  kWarning,  // it runs, perhaps not as meant
};

/// One mistake. `what` and `hint` are one line each, lower case, without a full stop.
struct Diagnostic {
  std::optional<ByteRange> where;  // nothing: the file as a whole, or the command line
  std::string what;
  std::string hint;  // empty: none
  Culprit culprit = Culprit::kJobFile;
  Severity severity = Severity::kError;
};

using Diagnostics = std::vector<Diagnostic>;

/// A value, or at least one Diagnostic that says why there is none.
template <class T>
class [[nodiscard]] Result : public Expected<T, Diagnostics> {
 public:
  using Expected<T, Diagnostics>::Expected;
  Result(Diagnostic error) : Expected<T, Diagnostics>(Diagnostics{std::move(error)}) {}

  /// The mistakes; std::bad_variant_access when there is a value.
  [[nodiscard]] const Diagnostics& errors() const { return this->error(); }
};

/// So many mistakes are shown in full; of the rest, the number.
inline constexpr std::size_t kMaxShownErrors = 20;

/// The whole text for a list of mistakes, in file order and ending in a line feed: each with
/// its line, caret and hint, then "gorun: N errors; nothing was run", or "gorun: N warnings" for a
/// list that holds nothing else. Never coloured. Control
/// characters of the file are shown as "?", so that a file cannot drive the terminal.
[[nodiscard]] std::string render(const Source& source, const Diagnostics& errors);

/// One mistake without the closing line, for callers that colour or count by themselves.
[[nodiscard]] std::string render(const Source& source, const Diagnostic& error);

}  // namespace gorun::jobs
