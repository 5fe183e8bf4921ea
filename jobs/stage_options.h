// jobs/stage_options.h - the options of one stage as plain, checked values.
//
// What a stage sees of the job file. Types, ranges, choices, defaults and required options are
// settled by the table of kinds before a StageOptions exists, so reading one cannot fail: a
// name or a type that the table does not have is a bug in the stage and throws
// std::logic_error.
//
// Invariants
//   I1  Row i holds the value of kind.options[i], or nothing if it was neither given nor has a
//       default.
//   I2  A value has the C++ type that its OptionType (jobs/kinds.h) names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "jobs/predicate.h"
#include "jobs/source.h"
#include "jobs/template.h"

namespace gorun::jobs {

struct StageKind;

/// One literal item of the kind "items".
struct LiteralItem {
  std::string text;
  std::vector<std::pair<std::string, std::string>> fields;  // empty for a plain text

  friend bool operator==(const LiteralItem&, const LiteralItem&) = default;
};

/// One search and replace; `with` uses RE2's \0 to \9.
struct Replacement {
  std::string pattern;
  std::string with;

  friend bool operator==(const Replacement&, const Replacement&) = default;
};

using NamedTemplates = std::vector<std::pair<std::string, Template>>;

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

/// What a reducer makes of each group: `function` of the values of `field`, or of the texts.
struct AggregateOption {
  std::string name;  // the field that the result becomes; empty: "agg" is but a function
  std::string function;
  std::optional<std::string> field;

  friend bool operator==(const AggregateOption&, const AggregateOption&) = default;
};
using AggregateOptions = std::vector<AggregateOption>;
/// The field of a result that the job file does not name.
inline constexpr std::string_view kUnnamedResult = "value";

/// What is kept of the files that a command has made.
struct ArtifactOptions {
  enum class When : std::uint8_t { kSuccess, kFailure, kAlways };
  std::vector<Template> paths;  // at least one
  When when = When::kSuccess;
  std::string to;  // the directory; empty: the one that jobs/exec/artifacts.h names

  friend bool operator==(const ArtifactOptions&, const ArtifactOptions&) = default;
};

using OptionValue =
    std::variant<std::monostate, bool, std::int64_t, std::string, std::vector<std::string>,
                 std::vector<std::int64_t>, Template, std::vector<Template>, NamedTemplates,
                 std::vector<LiteralItem>, std::vector<Replacement>, Predicate, NamedPredicates,
                 NamedTexts, AggregateOptions, ArtifactOptions>;

/// The options of one stage. A plain value: copy it, keep it, read it from any thread.
class StageOptions {
 public:
  StageOptions() = default;
  /// Options of `kind`, all unset.
  explicit StageOptions(const StageKind& kind);

  /// True if the option was given or has a default.
  [[nodiscard]] bool has(std::string_view name) const;
  /// True if the job file gives the option.
  [[nodiscard]] bool is_given(std::string_view name) const;
  /// integer() of an option that has() one.
  [[nodiscard]] std::optional<std::int64_t> find_integer(std::string_view name) const;

  /// Each returns the value of an option that has() one; std::logic_error otherwise.
  [[nodiscard]] bool flag(std::string_view name) const;
  [[nodiscard]] std::int64_t integer(std::string_view name) const;     // also sizes, in bytes
  [[nodiscard]] const std::string& text(std::string_view name) const;  // also enums, regexes
  [[nodiscard]] const std::vector<std::string>& texts(std::string_view name) const;
  [[nodiscard]] const std::vector<std::int64_t>& integers(std::string_view name) const;
  [[nodiscard]] const Template& text_template(std::string_view name) const;
  [[nodiscard]] const std::vector<Template>& text_templates(std::string_view name) const;
  [[nodiscard]] const NamedTemplates& named_templates(std::string_view name) const;
  [[nodiscard]] const std::vector<LiteralItem>& items(std::string_view name) const;
  [[nodiscard]] const std::vector<Replacement>& replacements(std::string_view name) const;
  [[nodiscard]] const Predicate& predicate(std::string_view name) const;
  [[nodiscard]] const NamedPredicates& predicates(std::string_view name) const;
  [[nodiscard]] const NamedTexts& named_texts(std::string_view name) const;
  [[nodiscard]] const AggregateOptions& aggregates(std::string_view name) const;
  [[nodiscard]] const ArtifactOptions& artifacts(std::string_view name) const;

  /// Sets a value; `where` is the place in the job file, or empty for a default. For the parser
  /// and for tests that make a stage without a file.
  void set(std::string_view name, OptionValue value, ByteRange where = {});
  /// Takes over what `other`, options of another kind, has of the same name and type.
  void copy_from(const StageOptions& other);
  /// The place of a given option's value in the job file.
  [[nodiscard]] ByteRange where(std::string_view name) const;

 private:
  struct Slot {
    OptionValue value;
    ByteRange where;  // empty: a default
  };
  template <class T>
  [[nodiscard]] const T& get(std::string_view name) const;
  [[nodiscard]] const Slot& slot(std::string_view name) const;

  const StageKind* kind_ = nullptr;
  std::vector<Slot> slots_;
};

}  // namespace gorun::jobs
