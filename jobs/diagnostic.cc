#include "jobs/diagnostic.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "jobs/utf8.h"

namespace gorun::jobs {
namespace {

// A longer line is shown as the part around the culprit: in a minified file the line is the
// whole file.
constexpr std::size_t kWidestLine = 120;
// Of those, columns before the culprit.
constexpr std::size_t kWidestLead = 60;

// What a terminal would act on, or show as nothing: control characters, and the marks that
// reorder or hide text, with which a file could look like another.
bool is_unshowable(std::string_view code_point) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kRanges = {{
      {"\xc2\x80", "\xc2\x9f"},          // C1 controls
      {"\xe2\x80\x8b", "\xe2\x80\x8f"},  // zero width, left-to-right and right-to-left marks
      {"\xe2\x80\xa8", "\xe2\x80\xae"},  // line and paragraph separators, embeddings
      {"\xe2\x81\xa0", "\xe2\x81\xaf"},  // word joiner, isolates
      {"\xef\xbb\xbf", "\xef\xbb\xbf"},  // byte order mark
  }};
  const auto byte = static_cast<unsigned char>(code_point.front());
  if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return true;
  // UTF-8 sorts like the code points that it encodes.
  return std::ranges::any_of(kRanges, [&](const auto& range) {
    return code_point >= range.first && code_point <= range.second;
  });
}

// One code point of the line as shown, and the filler that keeps its width in the caret line.
struct Cell {
  std::string_view shown;
  char filler;
  bool is_culprit;
};

std::vector<Cell> cells_of_line(const Source& source, ByteRange line, ByteRange culprit) {
  std::vector<Cell> cells;
  // An empty culprit is the place before a character; the caret goes under that one.
  const std::size_t culprit_end = std::max(culprit.end, culprit.begin + 1);
  std::size_t at = line.begin;
  // Cells far before the culprit are never shown; leaving them out bounds the work on one line.
  constexpr std::size_t kReach = 4 * (kWidestLead + 2);
  if (culprit.begin > at + kReach) at = culprit.begin - kReach;
  const std::string_view text = source.text().substr(0, line.end);
  while (at < line.end && is_utf8_continuation(text[at])) ++at;
  while (at < line.end && cells.size() < 2 * kReach) {
    const std::size_t length = utf8_length(text, at);
    const std::size_t next = at + std::max<std::size_t>(length, 1);
    std::string_view shown = text.substr(at, next - at);
    const bool is_tab = shown == "\t";
    if (length == 0 || is_unshowable(shown)) shown = "?";
    cells.push_back({shown, is_tab ? '\t' : ' ', at >= culprit.begin && at < culprit_end});
    at = next;
  }
  return cells;
}

// The two lines below a message: the text with its number, and the caret. Nothing if a secret
// stands in that line: where its value is may be told, what it is not.
std::string excerpt(const Source& source, ByteRange culprit) {
  const ByteRange line = source.line_at(culprit.begin);
  if (source.is_hidden({line.begin, std::max(line.end, culprit.end)})) return "";
  std::vector<Cell> cells = cells_of_line(source, line, culprit);

  const auto first = std::ranges::find_if(cells, &Cell::is_culprit);
  auto lead = static_cast<std::size_t>(first - cells.begin());
  // Cells left out by cells_of_line() are more than fit, too.
  const bool cut_front = lead > kWidestLead && cells.size() > kWidestLine;
  if (cut_front) {
    cells.erase(cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(lead - kWidestLead));
    lead = kWidestLead;
  }
  const bool cut_back = cells.size() > kWidestLine;
  if (cut_back) cells.resize(kWidestLine);

  const std::string number = std::to_string(source.position(culprit.begin).line);
  std::string text = "  " + number + " | " + (cut_front ? "..." : "");
  std::string carets = "  " + std::string(number.size(), ' ') + " | " + (cut_front ? "   " : "");
  bool seen = false;
  for (const Cell& cell : cells) {
    text += cell.shown;
    if (cell.is_culprit) {
      carets += seen ? '~' : '^';
      seen = true;
    } else if (!seen) {
      carets += cell.filler;
    }
  }
  if (!seen) carets += '^';  // the culprit is the end of the line
  if (cut_back) text += "...";
  return text + "\n" + carets + "\n";
}

bool is_warning(const Diagnostic& error) { return error.severity == Severity::kWarning; }

std::size_t order_of(const Diagnostic& error) { return error.where ? error.where->begin + 1 : 0; }

}  // namespace

std::string render(const Source& source, const Diagnostic& error) {
  std::string out;
  const std::string what =
      (error.severity == Severity::kError ? ": error: " : ": warning: ") + error.what + "\n";
  if (error.culprit == Culprit::kCommandLine) {
    out = "gorun" + what;
  } else if (!error.where) {
    out = source.name() + what;
  } else {
    out = source.file_name(error.where->begin) + ":" +
          to_string(source.position(error.where->begin)) + what + excerpt(source, *error.where);
  }
  if (!error.hint.empty()) out += "  hint: " + error.hint + "\n";
  return out;
}

std::string render(const Source& source, const Diagnostics& errors) {
  std::vector<const Diagnostic*> ordered;
  ordered.reserve(errors.size());
  for (const Diagnostic& error : errors) ordered.push_back(&error);
  // Those at one place keep the order in which they were found.
  std::sort(ordered.begin(), ordered.end(), [](const Diagnostic* a, const Diagnostic* b) {
    const auto first = order_of(*a);
    const auto second = order_of(*b);
    return first != second ? first < second : a < b;
  });

  std::string out;
  const std::size_t shown = std::min(ordered.size(), kMaxShownErrors);
  for (std::size_t i = 0; i < shown; ++i) out += render(source, *ordered[i]);
  if (shown < ordered.size()) {
    out += "... and " + std::to_string(ordered.size() - shown) + " more\n";
  }
  const bool only_warnings =
      std::ranges::all_of(errors, [](const Diagnostic& error) { return is_warning(error); });
  out += "gorun: " + std::to_string(errors.size()) + (only_warnings ? " warning" : " error");
  if (errors.size() != 1) out += "s";
  return out + (only_warnings ? "\n" : "; nothing was run\n");
}

}  // namespace gorun::jobs
