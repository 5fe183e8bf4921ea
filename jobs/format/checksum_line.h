// jobs/format/checksum_line.h - lines that sha256sum and its kin write and check.
//
//   d2a8...  path            the usual line: digest, two spaces, name
//   \d2a8...  a\nb           a name with a line feed, a carriage return or a backslash: those are
//                            written \n, \r and \\, and the line begins with a backslash
//   SHA256 (path) = d2a8...  the tagged form of BSD and of --tag, with the same escapes
//
// Every other byte of a name stands as it is. Source: the coreutils manual, "md5sum invocation".
#pragma once

#include <string>
#include <string_view>

namespace gorun::jobs {

/// Appends a line with its LF. `hex` is the digest in lower case.
void append_checksum_line(std::string_view hex, std::string_view path, std::string* out);

/// Appends a tagged line with its LF. `tag` is the algorithm as BSD calls it: "SHA256", "MD5", ...
void append_tagged_checksum_line(std::string_view tag, std::string_view hex, std::string_view path,
                                 std::string* out);

}  // namespace gorun::jobs
