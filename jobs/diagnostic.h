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
#include <variant>
#include <vector>

#include "jobs/source.h"

namespace gorun::jobs {

/// Who has to mend it; the command has an exit status for each.
enum class Culprit {
  kJobFile,
  kCommandLine,  // a --set that does not fit the job file
};

/// One mistake. `what` and `hint` are one line each, lower case, without a full stop.
struct Diagnostic {
  std::optional<ByteRange> where;  // nothing: the file as a whole, or the command line
  std::string what;
  std::string hint;  // empty: none
  Culprit culprit = Culprit::kJobFile;
};

using Diagnostics = std::vector<Diagnostic>;

/// A value, or at least one Diagnostic that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Diagnostics errors) : state_(std::in_place_index<1>, std::move(errors)) {}
  Result(Diagnostic error) : state_(std::in_place_index<1>, Diagnostics{std::move(error)}) {}

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// The value; std::bad_variant_access when there is none.
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  /// The mistakes; std::bad_variant_access when there is a value.
  [[nodiscard]] const Diagnostics& errors() const { return std::get<1>(state_); }

 private:
  std::variant<T, Diagnostics> state_;
};

/// So many mistakes are shown in full; of the rest, the number.
inline constexpr std::size_t kMaxShownErrors = 20;

/// The whole text for a list of mistakes, in file order and ending in a line feed: each with
/// its line, caret and hint, then "gorun: N errors; nothing was run". Never coloured. Control
/// characters of the file are shown as "?", so that a file cannot drive the terminal.
[[nodiscard]] std::string render(const Source& source, const Diagnostics& errors);

/// One mistake without the closing line, for callers that colour or count by themselves.
[[nodiscard]] std::string render(const Source& source, const Diagnostic& error);

}  // namespace gorun::jobs
