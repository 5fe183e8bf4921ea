#include "jobs/format/checksum_line.h"

namespace gorun::jobs {
namespace {

constexpr std::string_view kEscaped = "\\\n\r";
constexpr std::string_view kSpecialToB3sum = "\\\n";

void append_escaped(std::string_view path, std::string_view special, std::string* out) {
  for (const char c : path) {
    if (special.find(c) == std::string_view::npos) {
      *out += c;
    } else {
      *out += {'\\', c == '\n' ? 'n' : c == '\r' ? 'r' : '\\'};
    }
  }
}

// before, path, after; behind a backslash if the path needs one.
void append_line(std::string_view before, std::string_view path, std::string_view after,
                 std::string_view special, std::string* out) {
  if (path.find_first_of(special) != std::string_view::npos) *out += '\\';
  *out += before;
  append_escaped(path, special, out);
  *out += after;
  *out += '\n';
}

}  // namespace

void append_checksum_line(std::string_view hex, std::string_view path, std::string* out) {
  append_line(std::string(hex) + "  ", path, "", kEscaped, out);
}

void append_b3sum_line(std::string_view hex, std::string_view path, std::string* out) {
  append_line(std::string(hex) + "  ", path, "", kSpecialToB3sum, out);
}

void append_tagged_checksum_line(std::string_view tag, std::string_view hex, std::string_view path,
                                 std::string* out) {
  append_line(std::string(tag) + " (", path, ") = " + std::string(hex), kEscaped, out);
}

void append_hashdeep_header(std::string_view columns, std::string* out) {
  out->append("%%%% HASHDEEP-1.0\n%%%% size,").append(columns).append(",filename\n##\n");
}

bool append_hashdeep_line(std::uint64_t size, std::string_view hexes, std::string_view path,
                          std::string* out) {
  if (path.find_first_of("\n\r") != std::string_view::npos) return false;
  out->append(std::to_string(size)).append(",").append(hexes).append(",").append(path);
  *out += '\n';
  return true;
}

}  // namespace gorun::jobs
