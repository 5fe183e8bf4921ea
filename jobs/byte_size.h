// jobs/byte_size.h - sizes as people type them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gorun::jobs {

/// Reads "4096", "64K", "64KiB", "10MB", "1 GiB": an unsigned integer, perhaps a space, perhaps
/// a unit. K, M, G, T and KiB... are powers of 1024, kB, KB, MB... of 1000, as in GNU's tools;
/// B is one byte. Nothing if it is none of that or does not fit in 63 bits.
[[nodiscard]] std::optional<std::int64_t> parse_byte_size(std::string_view text);

/// The shortest way to type `bytes` exactly: "64KiB", "1088KiB", "1000".
[[nodiscard]] std::string byte_size_text(std::int64_t bytes);

}  // namespace gorun::jobs
