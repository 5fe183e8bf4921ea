#include "jobs/format/checksum_line.h"

namespace gorun::jobs {
namespace {

constexpr std::string_view kEscaped = "\\\n\r";

void append_escaped(std::string_view path, std::string* out) {
  for (const char c : path) {
    switch (c) {
      case '\\':
        *out += "\\\\";
        break;
      case '\n':
        *out += "\\n";
        break;
      case '\r':
        *out += "\\r";
        break;
      default:
        *out += c;
    }
  }
}

void append_path(std::string_view path, bool escaped, std::string* out) {
  if (escaped) {
    append_escaped(path, out);
  } else {
    *out += path;
  }
}

}  // namespace

void append_checksum_line(std::string_view hex, std::string_view path, std::string* out) {
  const bool escaped = path.find_first_of(kEscaped) != std::string_view::npos;
  if (escaped) *out += '\\';
  *out += hex;
  *out += "  ";
  append_path(path, escaped, out);
  *out += '\n';
}

void append_tagged_checksum_line(std::string_view tag, std::string_view hex, std::string_view path,
                                 std::string* out) {
  const bool escaped = path.find_first_of(kEscaped) != std::string_view::npos;
  if (escaped) *out += '\\';
  *out += tag;
  *out += " (";
  append_path(path, escaped, out);
  *out += ") = ";
  *out += hex;
  *out += '\n';
}

}  // namespace gorun::jobs
