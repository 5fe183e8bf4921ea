#include "jobs/format/separated.h"

namespace gorun::jobs {
namespace {

void append_csv_field(std::string_view field, std::string* out) {
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
    *out += field;
    return;
  }
  *out += '"';
  for (const char c : field) {
    if (c == '"') *out += '"';
    *out += c;
  }
  *out += '"';
}

void append_tsv_field(std::string_view field, std::string* out) {
  while (true) {
    const std::size_t special = field.find_first_of("\t\n\r\\");
    *out += field.substr(0, special);
    if (special == std::string_view::npos) return;
    switch (field[special]) {
      case '\t':
        *out += "\\t";
        break;
      case '\n':
        *out += "\\n";
        break;
      case '\r':
        *out += "\\r";
        break;
      default:
        *out += "\\\\";
    }
    field.remove_prefix(special + 1);
  }
}

}  // namespace

void append_csv_row(std::span<const std::string_view> fields, std::string* out) {
  if (fields.size() == 1 && fields.front().empty()) {
    *out += "\"\"\n";
    return;
  }
  bool first = true;
  for (const std::string_view field : fields) {
    if (!first) *out += ',';
    first = false;
    append_csv_field(field, out);
  }
  *out += '\n';
}

void append_tsv_row(std::span<const std::string_view> fields, std::string* out) {
  bool first = true;
  for (const std::string_view field : fields) {
    if (!first) *out += '\t';
    first = false;
    append_tsv_field(field, out);
  }
  *out += '\n';
}

}  // namespace gorun::jobs
