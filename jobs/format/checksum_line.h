// jobs/format/checksum_line.h - lines that sha256sum and its kin write and check.
//
//   d2a8...  path            the usual line: digest, two spaces, name
//   \d2a8...  a\nb           a name with a line feed, a carriage return or a backslash: those are
//                            written \n, \r and \\, and the line begins with a backslash
//   SHA256 (path) = d2a8...  the tagged form of BSD and of --tag, with the same escapes
//
//   3,9001...,e3b0...,path   hashdeep's: size, digests in the order that its header names, name.
//                            Nothing is escaped: a name with a line feed cannot be written
//
// Every other byte of a name stands as it is. b3sum knows no \r: under BLAKE3 a carriage return
// stands as it is, too. Source: the coreutils manual, "md5sum invocation"; hashdeep(1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gorun::jobs {

/// Appends a line with its LF. `hex` is the digest in lower case.
void append_checksum_line(std::string_view hex, std::string_view path, std::string* out);

/// Appends a tagged line with its LF. `tag` is the algorithm as BSD calls it: "SHA256", "MD5", ...
void append_tagged_checksum_line(std::string_view tag, std::string_view hex, std::string_view path,
                                 std::string* out);

/// The same as b3sum writes it.
void append_b3sum_line(std::string_view hex, std::string_view path, std::string* out);

/// hashdeep's header for these columns: "md5,sha256".
void append_hashdeep_header(std::string_view columns, std::string* out);
/// `hexes` is the digests with commas between them. False: the name cannot be written, and nothing
/// was appended.
[[nodiscard]] bool append_hashdeep_line(std::uint64_t size, std::string_view hexes,
                                        std::string_view path, std::string* out);

}  // namespace gorun::jobs
