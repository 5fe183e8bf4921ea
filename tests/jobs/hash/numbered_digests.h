// tests/jobs/hash/numbered_digests.h - files by their numbers, and what a table of digests knows of
// them.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "jobs/hash/digest_cache.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::numbered_digests {

using CachePtr = std::shared_ptr<jobs::DigestCache>;

inline CachePtr open_in(const std::string& directory,
                        jobs::DigestCache::Trust trust = jobs::DigestCache::Trust::kStamps) {
  auto opened = jobs::DigestCache::open({directory}, trust);
  const std::string error = opened ? "" : opened.error();
  CAPTURE(error);
  REQUIRE(opened.ok());
  return std::move(opened).value();
}

inline std::string error_of(const std::string& directory) {
  auto opened = jobs::DigestCache::open({directory}, jobs::DigestCache::Trust::kStamps);
  return opened ? "" : opened.error();
}

inline std::string table_in(const std::string& directory) { return directory + "/digests"; }

/// Of file number i, as are the others below.
inline jobs::FileStamp stamp_of_file(int i) {
  return {.size = i + 1,
          .mtime_ns = 1'700'000'000'000'000'000 + i,
          .ctime_ns = 1'700'000'000'000'000'001 + i,
          .inode = static_cast<std::uint64_t>(i) * 7 + 3,
          .device = 5};
}

inline std::string path_of_file(int i) { return "/some/where/" + std::to_string(i); }

inline jobs::Digest digest_of_file(int i, jobs::Algorithm algorithm = jobs::Algorithm::kSha256) {
  jobs::Digest digest;
  digest.algorithm = algorithm;
  auto state = static_cast<std::uint32_t>(i) * 8 + static_cast<std::uint32_t>(algorithm);
  for (std::size_t at = 0; at < digest_size(algorithm); ++at) {
    state = state * 1664525 + 1013904223;
    digest.bytes[at] = static_cast<std::uint8_t>(state >> 24);
  }
  return digest;
}

inline void keep_file(jobs::DigestCache& cache, int i) {
  const jobs::Digest digest = digest_of_file(i);
  cache.keep(path_of_file(i), stamp_of_file(i), {&digest, 1});
}

inline void keep_files(jobs::DigestCache& cache, int count) {
  for (int i = 0; i < count; ++i) keep_file(cache, i);
}

/// Nothing: it is not known.
inline std::optional<jobs::Digest> find_one(jobs::DigestCache& cache, const std::string& path,
                                            const jobs::FileStamp& stamp,
                                            jobs::Algorithm algorithm = jobs::Algorithm::kSha256) {
  auto found = cache.find(path, stamp, {&algorithm, 1});
  if (!found) return std::nullopt;
  return found->front();
}

/// Whether a message says this.
inline bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// How many of the files that were asked for were known, by a right or by a wrong digest.
struct DigestTally {
  int right = 0;
  int wrong = 0;
};

inline DigestTally find_files(jobs::DigestCache& cache, int count) {
  DigestTally tally;
  for (int i = 0; i < count; ++i) {
    const auto found = find_one(cache, path_of_file(i), stamp_of_file(i));
    if (found) ++(*found == digest_of_file(i) ? tally.right : tally.wrong);
  }
  return tally;
}

/// A table of so many files, in a directory of its own.
inline std::string table_of(int files) {
  const ScratchDir scratch;
  keep_files(*open_in(scratch.path()), files);
  return read_whole_file(table_in(scratch.path()));
}

}  // namespace gorun::test::numbered_digests
