// jobs/format/separated.h - rows of CSV and TSV.
//
// CSV   RFC 4180: a field that holds a comma, a quote, CR or LF is quoted, a quote in it doubled.
//       Rows end in LF: readers of RFC 4180 take it, and cut, awk and diff see no stray CR. A row
//       of one empty field is "", since an empty line would be no row at all.
// TSV   tab, LF, CR and backslash are written \t, \n, \r and \\, so that a row is always one line
//       and a field always lies between two tabs; PostgreSQL's COPY reads that, too.
// Any other byte stands as it is in both.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gorun::jobs {

/// Appends a row with its LF.
void append_csv_row(std::span<const std::string_view> fields, std::string* out);
void append_tsv_row(std::span<const std::string_view> fields, std::string* out);

}  // namespace gorun::jobs
