// jobs/hash/digest.h - digests of bytes: the algorithms, their values, and the pass that makes
// several of them from one reading.
//
// SHA-2, SHA-1 and MD5 come from OpenSSL, which picks the processor's instructions (SHA-NI, AVX2)
// by itself; XXH3 from libxxhash; BLAKE3 from jobs/hash/blake3.h. An EVP method is fetched once per
// process and a context is reused from file to file: fetching costs more than hashing a small file.
//
// Invariants
//   I1  A Digest holds digest_size(algorithm) bytes in the order in which they are printed:
//       for XXH3 that is the canonical, big-endian form that xxhsum shows.
//   I2  After finish() a DigestPass is as good as new.
// Not chosen: one virtual class per algorithm. There are three families, and a file is fed to both
//   in pieces of hundreds of KiB; a switch over the family costs nothing there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gorun::jobs {

enum class Algorithm : std::uint8_t {
  kSha256,
  kSha512,
  kSha1,
  kMd5,
  kBlake3,  // 256 bits, without a key
  kXxh3,    // 64 bits, seed 0
  kXxh128,  // 128 bits of XXH3, seed 0
};

/// Every algorithm, in the order of the enum.
[[nodiscard]] std::span<const Algorithm> all_algorithms();

/// The name that job files use: "sha256", "xxh3-64", ...
[[nodiscard]] std::string_view algorithm_name(Algorithm algorithm);

/// The inverse of algorithm_name(); nothing if no algorithm has that name.
[[nodiscard]] std::optional<Algorithm> find_algorithm(std::string_view name);

/// Bytes in a digest.
[[nodiscard]] std::size_t digest_size(Algorithm algorithm);

inline constexpr std::size_t kMaxDigestBytes = 64;  // SHA-512

/// The value of one algorithm over some bytes.
struct Digest {
  Algorithm algorithm = Algorithm::kSha256;
  std::array<std::uint8_t, kMaxDigestBytes> bytes{};  // the first digest_size() count, rest zero

  /// Lower-case hexadecimal digits, two a byte.
  [[nodiscard]] std::string hex() const;

  friend bool operator==(const Digest&, const Digest&) = default;
};

/// Computes one or more digests in one pass over bytes that come in pieces.
///
/// threads  one at a time; a pass may move between threads from call to call.
/// errors   std::runtime_error from the constructor when OpenSSL does not offer an algorithm
///          (MD5 under a FIPS configuration); std::bad_alloc.
class DigestPass {
 public:
  /// `algorithms` may be empty (then nothing is computed) and may repeat.
  explicit DigestPass(std::span<const Algorithm> algorithms);
  ~DigestPass();
  DigestPass(DigestPass&&) noexcept;
  DigestPass& operator=(DigestPass&&) noexcept;

  /// Appends bytes to the message.
  void update(std::string_view bytes);

  /// The digests in the order of the constructor; begins a new, empty message.
  [[nodiscard]] std::vector<Digest> finish();

  /// Forgets what was fed since the last finish().
  void reset();

 private:
  class State;
  std::vector<std::unique_ptr<State>> states_;
};

/// One algorithm over one piece of memory.
[[nodiscard]] Digest digest_of(Algorithm algorithm, std::string_view bytes);

}  // namespace gorun::jobs
