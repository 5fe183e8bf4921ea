// jobs/template.h - a text with holes that each item fills.
//
//   "copy ${{ item.path }} to ${{ vars.target }}"
//
// A text is parsed once, when the job file is read. `${{ vars.x }}`, `${{ matrix.k }}` and
// `${{ files('*.c') }}` are replaced there and then; what is left is a row of parts: literals,
// references to the item at hand, and `${{ run.status }}`. `$${{` stands for a literal `${{`. In an
// argv the placeholders of GNU parallel are known, too:
//
//   {} the item   {.} without its extension   {/} its base name   {//} its directory
//   {/.} its base name without its extension
//   {#} the number of the command, from 1   {%} the number of the worker that runs it, from 1
//
// The template knows no Item: whoever evaluates it brings an ItemView.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gorun::jobs {

/// What a template may ask of an item. Implemented by whoever owns items.
class ItemView {
 public:
  virtual ~ItemView() = default;

  /// The item's text; valid until the item changes.
  [[nodiscard]] virtual std::string_view text() const = 0;

  /// Appends the value of a named field to `out`; false, and `out` untouched, if there is none.
  [[nodiscard]] virtual bool append_field(std::string_view name, std::string* out) const = 0;

  /// How the run stands: "success" or "failure".
  [[nodiscard]] virtual std::string_view run_status() const { return "success"; }

  /// The number of the command that the text is for, and of the worker that runs it.
  [[nodiscard]] virtual std::uint64_t number() const { return 0; }
  [[nodiscard]] virtual std::uint64_t slot() const { return 0; }
};

struct TemplatePart {
  enum class What {
    kLiteral,       // `text` as it is
    kItem,          // ${{ item }} or {}
    kField,         // ${{ item.NAME }}, `text` is the name
    kStem,          // {.}   a/b.tar.gz -> a/b.tar
    kBaseName,      // {/}   a/b.tar.gz -> b.tar.gz
    kDirectory,     // {//}  a/b.tar.gz -> a; "." if there is none
    kBaseNameStem,  // {/.}  a/b.tar.gz -> b.tar
    kRunStatus,     // ${{ run.status }}
    kNumber,        // {#}
    kSlot,          // {%}
  };
  What what = What::kLiteral;
  std::string text;

  friend bool operator==(const TemplatePart&, const TemplatePart&) = default;
};

/// A parsed template. Immutable: any number of threads may evaluate it.
class Template {
 public:
  Template() = default;
  /// Joins neighbouring literals and drops empty ones.
  explicit Template(std::vector<TemplatePart> parts);
  /// A template that is `literal` for every item.
  explicit Template(std::string literal);

  /// Appends this template's text for `item` to `out`. Returns the name of the first field that
  /// the item lacks (`out` is then incomplete), nothing when all were there.
  [[nodiscard]] std::optional<std::string_view> append_to(std::string* out,
                                                          const ItemView& item) const;

  /// True if the text depends neither on the item nor on how the run stands.
  [[nodiscard]] bool is_constant() const;

  /// True if the text depends on the item; {#} and {%} do not.
  [[nodiscard]] bool uses_item() const;

  /// The text of a constant template.
  [[nodiscard]] std::string constant_text() const;

  [[nodiscard]] const std::vector<TemplatePart>& parts() const { return parts_; }

  friend bool operator==(const Template&, const Template&) = default;

 private:
  std::vector<TemplatePart> parts_;  // no two literals side by side, no empty literal
};

enum class TemplateSyntax {
  kExpressions,   // ${{ ... }}
  kPlaceholders,  // and {} {.} {/} {//} {/.} {#} {%}
};

/// A part of a template before `vars` are known.
struct RawTemplatePart {
  enum class What { kPart, kVar, kMatrix, kFiles };
  What what = What::kPart;
  TemplatePart part;      // of kPart
  std::string name;       // of kVar and kMatrix; of kFiles the pattern
  std::size_t begin = 0;  // bytes [begin, end) of the text that was parsed
  std::size_t end = 0;
};

struct TemplateError {
  std::size_t begin = 0;  // bytes [begin, end) of the text that was parsed
  std::size_t end = 0;
  std::string what;
  std::string hint;
};

struct ParsedTemplate {
  std::vector<RawTemplatePart> parts;
  std::vector<TemplateError> errors;
};

/// True if `text` can stand behind "vars." or "item.": letters, digits, "_", "-" and what is not
/// ASCII, no digit first.
[[nodiscard]] bool is_expression_name(std::string_view text);

/// Cuts `text` into parts; every error is reported, each with its place in `text`.
[[nodiscard]] ParsedTemplate parse_template(std::string_view text, TemplateSyntax syntax);

}  // namespace gorun::jobs
