#include "jobs/template.h"

#include <algorithm>
#include <array>
#include <optional>

#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

using What = TemplatePart::What;

constexpr std::string_view kOpen = "${{";
constexpr std::string_view kEscapedOpen = "$${{";
constexpr std::string_view kClose = "}}";
constexpr std::string_view kKnownHint =
    "known here: vars.NAME, matrix.KEY, item, item.FIELD, run.status and files('PATTERN')";

struct Placeholder {
  std::string_view text;
  What what;
};
constexpr std::array<Placeholder, 7> kPlaceholders = {{
    {"{}", What::kItem},
    {"{.}", What::kStem},
    {"{/}", What::kBaseName},
    {"{//}", What::kDirectory},
    {"{/.}", What::kBaseNameStem},
    {"{#}", What::kNumber},
    {"{%}", What::kSlot},
}};

std::string_view without_spaces(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// The pattern of files('...'), or nothing.
std::optional<std::string_view> files_pattern(std::string_view expression) {
  constexpr std::string_view kCall = "files(";
  if (!expression.starts_with(kCall) || !expression.ends_with(')')) return std::nullopt;
  const std::string_view argument =
      without_spaces(expression.substr(kCall.size(), expression.size() - kCall.size() - 1));
  if (argument.size() < 3 || argument.front() != '\'' || argument.back() != '\'')
    return std::nullopt;
  const std::string_view pattern = argument.substr(1, argument.size() - 2);
  if (pattern.find('\'') != std::string_view::npos) return std::nullopt;
  return pattern;
}

class TemplateParser {
 public:
  TemplateParser(std::string_view text, TemplateSyntax syntax) : text_(text), syntax_(syntax) {}

  ParsedTemplate parse() && {
    while (at_ < text_.size()) {
      if (rest().starts_with(kEscapedOpen)) {
        literal_ += kOpen;
        at_ += kEscapedOpen.size();
      } else if (rest().starts_with(kOpen)) {
        take_expression();
      } else if (!take_placeholder()) {
        literal_ += text_[at_++];
      }
    }
    flush_literal();
    return std::move(result_);
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }

  void flush_literal() {
    if (literal_.empty()) return;
    RawTemplatePart part;
    part.part = {What::kLiteral, std::move(literal_)};
    result_.parts.push_back(std::move(part));
    literal_.clear();
  }

  void fail(std::size_t end, std::string what, std::string hint) {
    result_.errors.push_back({at_, end, std::move(what), std::move(hint)});
  }

  void take(RawTemplatePart part, std::size_t end) {
    flush_literal();
    part.begin = at_;
    part.end = end;
    result_.parts.push_back(std::move(part));
  }

  void take_expression() {
    const std::size_t close = text_.find(kClose, at_ + kOpen.size());
    if (close == std::string_view::npos) {
      fail(at_ + kOpen.size(), "\"${{\" without \"}}\"", "a literal \"${{\" is written \"$${{\"");
      at_ = text_.size();
      return;
    }
    const std::size_t begin = at_ + kOpen.size();
    const std::size_t end = close + kClose.size();
    const std::string_view expression = without_spaces(text_.substr(begin, close - begin));
    RawTemplatePart part;
    if (expression == "item") {
      part.part.what = What::kItem;
      take(std::move(part), end);
    } else if (expression.starts_with("item.") && is_expression_name(expression.substr(5))) {
      part.part = {What::kField, std::string(expression.substr(5))};
      take(std::move(part), end);
    } else if (expression.starts_with("vars.") && is_expression_name(expression.substr(5))) {
      part.what = RawTemplatePart::What::kVar;
      part.name = expression.substr(5);
      take(std::move(part), end);
    } else if (expression.starts_with("matrix.") && is_expression_name(expression.substr(7))) {
      part.what = RawTemplatePart::What::kMatrix;
      part.name = expression.substr(7);
      take(std::move(part), end);
    } else if (expression == "run.status") {
      part.part.what = What::kRunStatus;
      take(std::move(part), end);
    } else if (const auto pattern = files_pattern(expression)) {
      part.what = RawTemplatePart::What::kFiles;
      part.name = *pattern;
      take(std::move(part), end);
    } else {
      fail(end,
           expression.empty() ? "an empty expression" : "unknown expression " + quote(expression),
           std::string(kKnownHint));
    }
    at_ = end;
  }

  bool take_placeholder() {
    if (syntax_ != TemplateSyntax::kPlaceholders || text_[at_] != '{') return false;
    for (const Placeholder& placeholder : kPlaceholders) {
      if (!rest().starts_with(placeholder.text)) continue;
      RawTemplatePart part;
      part.part.what = placeholder.what;
      const std::size_t end = at_ + placeholder.text.size();
      take(std::move(part), end);
      at_ = end;
      return true;
    }
    return false;
  }

  const std::string_view text_;
  const TemplateSyntax syntax_;
  std::size_t at_ = 0;
  std::string literal_;
  ParsedTemplate result_;
};

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view directory(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Without the extension of the last component; ".profile" has none.
std::string_view stem(std::string_view path) {
  const std::string_view base = base_name(path);
  const std::size_t dot = base.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return path;
  return path.substr(0, path.size() - (base.size() - dot));
}

}  // namespace

Template::Template(std::string literal) {
  if (!literal.empty()) parts_.push_back({What::kLiteral, std::move(literal)});
}

Template::Template(std::vector<TemplatePart> parts) {
  for (TemplatePart& part : parts) {
    const bool is_literal = part.what == What::kLiteral;
    if (is_literal && !parts_.empty() && parts_.back().what == What::kLiteral) {
      parts_.back().text += part.text;
    } else if (!is_literal || !part.text.empty()) {
      parts_.push_back(std::move(part));
    }
  }
}

std::optional<std::string_view> Template::append_to(std::string* out, const ItemView& item) const {
  for (const TemplatePart& part : parts_) {
    switch (part.what) {
      case What::kLiteral:
        *out += part.text;
        break;
      case What::kItem:
        *out += item.text();
        break;
      case What::kField:
        if (!item.append_field(part.text, out)) return part.text;
        break;
      case What::kStem:
        *out += stem(item.text());
        break;
      case What::kBaseName:
        *out += base_name(item.text());
        break;
      case What::kDirectory:
        *out += directory(item.text());
        break;
      case What::kBaseNameStem:
        *out += base_name(stem(item.text()));
        break;
      case What::kRunStatus:
        *out += item.run_status();
        break;
      case What::kNumber:
        *out += std::to_string(item.number());
        break;
      case What::kSlot:
        *out += std::to_string(item.slot());
        break;
    }
  }
  return std::nullopt;
}

bool Template::is_constant() const {
  return std::ranges::all_of(parts_,
                             [](const TemplatePart& p) { return p.what == What::kLiteral; });
}

bool Template::uses_item() const {
  return std::ranges::any_of(parts_, [](const TemplatePart& p) {
    return p.what != What::kLiteral && p.what != What::kRunStatus && p.what != What::kNumber &&
           p.what != What::kSlot;
  });
}

std::string Template::constant_text() const {
  std::string out;
  for (const TemplatePart& part : parts_) {
    if (part.what == What::kLiteral) out += part.text;
  }
  return out;
}

bool is_expression_name(std::string_view text) {
  if (text.empty() || (text.front() >= '0' && text.front() <= '9')) return false;
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || (static_cast<unsigned char>(c) & 0x80U) != 0;
  });
}

ParsedTemplate parse_template(std::string_view text, TemplateSyntax syntax) {
  return TemplateParser(text, syntax).parse();
}

}  // namespace gorun::jobs
