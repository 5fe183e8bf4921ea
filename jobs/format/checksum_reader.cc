#include "jobs/format/checksum_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "jobs/format/hex.h"

namespace gorun::jobs {
namespace {

constexpr std::string_view kHashdeepMark = "%%%%";

// Tags that are read; the first of an algorithm is the one that is written.
constexpr std::array<std::pair<std::string_view, Algorithm>, 10> kTags = {{
    {"SHA256", Algorithm::kSha256},
    {"SHA512", Algorithm::kSha512},
    {"SHA1", Algorithm::kSha1},
    {"MD5", Algorithm::kMd5},
    {"BLAKE3", Algorithm::kBlake3},
    {"XXH3", Algorithm::kXxh3},
    {"XXH128", Algorithm::kXxh128},
    {"SHA2-256", Algorithm::kSha256},  // openssl dgst
    {"SHA2-512", Algorithm::kSha512},
    {"XXH3_64", Algorithm::kXxh3},
}};

// By length; of two with the same, the one that people mean.
constexpr std::array<Algorithm, 5> kUntagged = {
    Algorithm::kSha256, Algorithm::kSha512, Algorithm::kSha1, Algorithm::kMd5, Algorithm::kXxh3};

bool is_hex(std::string_view text) {
  return text.find_first_not_of(kAnyHexDigits) == std::string_view::npos;
}

std::string lower(std::string_view hex) {
  std::string out(hex);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

bool set_digest(Algorithm algorithm, std::string_view hex, ChecksumEntry* entry) {
  if (hex.size() != 2 * digest_size(algorithm) || !is_hex(hex)) return false;
  entry->algorithms = {algorithm};
  entry->hex = lower(hex);
  return true;
}

// False: a backslash that begins no escape, or no name.
bool set_path(std::string_view text, bool escaped, ChecksumEntry* entry) {
  entry->path.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!escaped || text[i] != '\\') {
      entry->path += text[i];
      continue;
    }
    if (++i == text.size()) return false;
    const std::size_t known = std::string_view("\\nr").find(text[i]);
    if (known == std::string_view::npos) return false;
    entry->path += "\\\n\r"[known];
  }
  return !entry->path.empty();
}

}  // namespace

std::string_view checksum_tag(Algorithm algorithm) {
  return std::ranges::find(kTags, algorithm, [](const auto& tag) { return tag.second; })->first;
}

ChecksumLine ChecksumReader::read(std::string_view line, ChecksumEntry* entry) {
  if (line.empty() || line.front() == '#') return ChecksumLine::kNothing;
  if (line.starts_with(kHashdeepMark)) {
    return read_header(line) ? ChecksumLine::kNothing : ChecksumLine::kWrong;
  }
  const auto as_line = [](bool is_entry) {
    return is_entry ? ChecksumLine::kEntry : ChecksumLine::kWrong;
  };
  if (!columns_.empty()) return as_line(read_columns(line, entry));
  const bool escaped = line.front() == '\\';
  if (escaped) line.remove_prefix(1);
  return as_line(read_tagged(line, escaped, entry) || read_untagged(line, escaped, entry));
}

// "%%%% HASHDEEP-1.0" or "%%%% size,md5,sha256,filename".
bool ChecksumReader::read_header(std::string_view line) {
  line.remove_prefix(std::min(line.size(), kHashdeepMark.size() + 1));
  if (line.starts_with("HASHDEEP-")) return true;
  constexpr std::string_view kFirst = "size,";
  constexpr std::string_view kLast = "filename";
  if (!line.starts_with(kFirst) || !line.ends_with(kLast)) return false;
  line.remove_prefix(kFirst.size());
  columns_.clear();
  while (line != kLast) {
    const std::size_t comma = line.find(',');
    if (comma == std::string_view::npos) return false;
    columns_.push_back(find_algorithm(line.substr(0, comma)));
    line.remove_prefix(comma + 1);
  }
  return std::ranges::any_of(columns_, [](const Column& column) { return column.has_value(); });
}

bool ChecksumReader::read_columns(std::string_view line, ChecksumEntry* entry) const {
  const std::size_t size_end = line.find(',');
  if (size_end == std::string_view::npos || size_end == 0) return false;
  if (line.substr(0, size_end).find_first_not_of("0123456789") != std::string_view::npos) {
    return false;
  }
  line.remove_prefix(size_end + 1);
  entry->algorithms.clear();
  entry->hex.clear();
  for (const Column& column : columns_) {
    const std::size_t comma = line.find(',');
    if (comma == std::string_view::npos) return false;
    const std::string_view hex = line.substr(0, comma);
    if (column) {
      if (hex.size() != 2 * digest_size(*column) || !is_hex(hex)) return false;
      entry->algorithms.push_back(*column);
      entry->hex += lower(hex);
    }
    line.remove_prefix(comma + 1);
  }
  return set_path(line, false, entry);
}

// "SHA256 (name) = digits"; openssl leaves out both spaces in front.
bool ChecksumReader::read_tagged(std::string_view line, bool escaped, ChecksumEntry* entry) const {
  for (const auto& [tag, algorithm] : kTags) {
    if (!line.starts_with(tag)) continue;
    std::string_view rest = line.substr(tag.size());
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    if (!rest.starts_with('(')) continue;
    rest.remove_prefix(1);
    const std::size_t close = rest.rfind(')');
    if (close == std::string_view::npos) return false;
    std::string_view hex = rest.substr(close + 1);
    if (hex.starts_with(' ')) hex.remove_prefix(1);
    if (!hex.starts_with("= ")) return false;
    return set_digest(algorithm, hex.substr(2), entry) &&
           set_path(rest.substr(0, close), escaped, entry);
  }
  return false;
}

// "digits  name", or "digits *name" for what once was the binary mode.
bool ChecksumReader::read_untagged(std::string_view line, bool escaped,
                                   ChecksumEntry* entry) const {
  const std::size_t digits = std::min(line.find_first_not_of(kAnyHexDigits), line.size());
  std::optional<Algorithm> algorithm = untagged_;
  if (!algorithm) {
    const auto* const found = std::ranges::find_if(
        kUntagged, [&](Algorithm candidate) { return 2 * digest_size(candidate) == digits; });
    if (found == kUntagged.end()) return false;
    algorithm = *found;
  }
  const std::string_view rest = line.substr(digits);
  if (!rest.starts_with("  ") && !rest.starts_with(" *")) return false;
  return set_digest(*algorithm, line.substr(0, digits), entry) &&
         set_path(rest.substr(2), escaped, entry);
}

}  // namespace gorun::jobs
