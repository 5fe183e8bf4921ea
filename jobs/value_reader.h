// jobs/value_reader.h - typed, position-aware reading of JSON values.
//
// Each function returns the value in the wanted type, with `${{ vars.x }}` and `${{ matrix.k }}`
// filled in, or nothing after it has added a Diagnostic that points at the culprit. `key` is how
// the message names the value. An expression may stand for any scalar: "n": "${{ vars.n }}" is an
// integer if its text is one. `${{ files('*.c') }}` stands for as many texts as there are files, so
// it is an element of an array, or takes the place of one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/diagnostic.h"
#include "jobs/json_value.h"
#include "jobs/scope.h"
#include "jobs/source.h"
#include "jobs/template.h"

namespace gorun::jobs {

class ValueReader {
 public:
  /// Keeps the references; `errors` takes what is wrong.
  ValueReader(const Source& source, const Scope& scope, Diagnostics* errors)
      : source_(source), scope_(scope), errors_(errors) {}
  /// The same reader where the keys of a matrix have these values.
  [[nodiscard]] ValueReader with_matrix(const MatrixValues* matrix) const;

  [[nodiscard]] const JsonObject* object(std::string_view key, const JsonValue& value);
  [[nodiscard]] std::optional<bool> flag(std::string_view key, const JsonValue& value);
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key, const JsonValue& value,
                                                    std::int64_t min, std::int64_t max);
  /// As integer(), or 0 for the text `word`; a var may hold either.
  [[nodiscard]] std::optional<std::int64_t> integer_or_word(std::string_view key,
                                                            const JsonValue& value,
                                                            std::int64_t min, std::int64_t max,
                                                            std::string_view word);
  /// Bytes: an integer or a text that parse_byte_size() reads.
  [[nodiscard]] std::optional<std::int64_t> byte_size(std::string_view key, const JsonValue& value,
                                                      std::int64_t min, std::int64_t max);
  /// Nanoseconds, at least `min`: a number of seconds or a text that parse_duration() reads.
  [[nodiscard]] std::optional<std::int64_t> duration(std::string_view key, const JsonValue& value,
                                                     std::int64_t min);
  /// Any number within [min, max].
  [[nodiscard]] std::optional<double> number(std::string_view key, const JsonValue& value,
                                             std::int64_t min, std::int64_t max);
  /// A text that does not depend on an item; `item_hint` is for those who try.
  [[nodiscard]] std::optional<std::string> text(std::string_view key, const JsonValue& value,
                                                std::string_view item_hint = "");
  /// A text that is not empty.
  [[nodiscard]] std::optional<std::string> name(std::string_view key, const JsonValue& value);
  /// A text that is not empty and holds no NUL byte.
  [[nodiscard]] std::optional<std::string> path(std::string_view key, const JsonValue& value);
  /// A text or an array of at least one.
  [[nodiscard]] std::optional<std::vector<std::string>> texts(std::string_view key,
                                                              const JsonValue& value);
  /// The files that `value` stands for, in byte order. Only for values that is_files() is true of.
  [[nodiscard]] std::optional<std::vector<std::string>> files(const JsonValue& value);
  [[nodiscard]] static bool is_files(const JsonValue& value);
  [[nodiscard]] std::optional<Template> text_template(std::string_view key, const JsonValue& value,
                                                      TemplateSyntax syntax);
  /// The text of a string, a number or a boolean.
  [[nodiscard]] std::optional<std::string> scalar(std::string_view key, const JsonValue& value);
  /// One of `choices`.
  [[nodiscard]] std::optional<std::string> choice(std::string_view key, const JsonValue& value,
                                                  std::span<const std::string_view> choices);

  /// Blames every key of `object` that is not `known`, but for "x-...". `otherwise` is the hint
  /// where no known key is near.
  void reject_unknown_keys(const JsonObject& object, std::span<const std::string_view> known,
                           std::string_view otherwise);

  void blame(ByteRange where, std::string what, std::string hint = "");
  /// `"KEY": expected EXPECTED, got a number`; blame_kind_of() puts no quotes around `name`.
  void blame_type(std::string_view key, std::string_view expected, const JsonValue& value);
  void blame_kind_of(std::string_view name, std::string_view expected, const JsonValue& value);

  [[nodiscard]] const Source& source() const { return source_; }
  [[nodiscard]] const Scope& scope() const { return scope_; }

  /// The value of `vars.NAME` or `matrix.KEY`, which stands at `where`; nothing after a blame.
  [[nodiscard]] std::optional<std::string> var(std::string_view name, ByteRange where);
  [[nodiscard]] std::optional<std::string> matrix_value(std::string_view key, ByteRange where);

 private:
  // late_place  where something stands that only the run knows.
  [[nodiscard]] std::optional<std::vector<TemplatePart>> fill_in(const std::string& text,
                                                                 ByteRange token,
                                                                 TemplateSyntax syntax,
                                                                 ByteRange* late_place);
  // Blames a number that is not within [min, max].
  [[nodiscard]] std::optional<std::int64_t> in_range(std::string_view key, std::string_view written,
                                                     ByteRange where, std::int64_t number,
                                                     std::int64_t min, std::int64_t max);

  const Source& source_;
  Scope scope_;
  Diagnostics* errors_;
};

}  // namespace gorun::jobs
