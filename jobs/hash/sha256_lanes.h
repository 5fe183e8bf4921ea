// jobs/hash/sha256_lanes.h - SHA-256 of up to 16 messages at once, each in pieces.
//
// A lane holds one message on its way: its state, and the piece that is to be compressed next.
// advance() works until a lane has run dry; the caller gives dry lanes their next piece or their
// next message and calls it again. So messages of different lengths do not wait for each other.
//
//   lanes.begin(i); lanes.feed(i, bytes); ...; lanes.feed_last(i, bytes); ...; lanes.finish(i)
//
// Which kernel runs is decided anew at each step by how many lanes have work: 16 messages in
// AVX-512 registers make 3.7 GB/s on a Zen 4 core at 3.7 GHz, 8 of them half of that; two messages
// in SHA-NI make 3.5, one makes 1.8; 8 in AVX2 1.4, which is for processors without SHA-NI.
//
// Invariants
//   I1  A piece given to feed() has a multiple of 64 bytes; feed_last() pads any length.
//   I2  The bytes of a piece stay in place until its lane is dry.
// Not chosen: to keep states transposed between steps. Turning 16 of them costs 60 ns, a step takes
//   2 us even of small files, and all kernels can go on from the same form.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "jobs/hash/digest.h"
#include "jobs/hash/sha256_kernels.h"

namespace gorun::jobs {

/// The ways to SHA-256, from the widest to OpenSSL's.
enum class Sha256Path : std::uint8_t {
  kAuto,     // whatever is fastest for the messages at hand
  kAvx512,   // 16 lanes
  kAvx2,     // 8 lanes
  kShaNi,    // two messages at once
  kOpenssl,  // one message after the other, by OpenSSL
};

/// The names that find_sha256_path() knows: "auto", "avx512", "avx2", "sha-ni", "openssl".
[[nodiscard]] std::span<const std::string_view> sha256_path_names();
[[nodiscard]] std::optional<Sha256Path> find_sha256_path(std::string_view name);

/// True if this processor can go that way. kAuto and kOpenssl always.
[[nodiscard]] bool is_available(Sha256Path path);

/// threads  one at a time.
class Sha256Lanes {
 public:
  /// True if there are lanes for that path on this processor; else OpenSSL is all there is.
  [[nodiscard]] static bool are_available(Sha256Path path);

  /// path  one for which are_available() is true.
  explicit Sha256Lanes(Sha256Path path = Sha256Path::kAuto);

  /// How many messages at once make full use of the processor.
  [[nodiscard]] std::size_t width() const { return width_; }

  /// Lane i (below width()) takes a new message.
  void begin(std::size_t i);
  /// Gives a dry lane its next bytes: a multiple of 64, at least 64.
  void feed(std::size_t i, std::span<const std::uint8_t> bytes);
  /// Gives a dry lane its last bytes, any number.
  void feed_last(std::size_t i, std::span<const std::uint8_t> bytes);
  /// True if the lane has nothing to compress.
  [[nodiscard]] bool is_dry(std::size_t i) const;

  /// Compresses until at least one lane that had work is dry. All lanes dry: does nothing.
  void advance();

  /// The digest of a message that is dry after feed_last().
  [[nodiscard]] Digest finish(std::size_t i) const;

 private:
  struct Kernel {
    Sha256Compress compress = nullptr;
    std::size_t lanes = 0;
    std::size_t from = 0;  // active lanes for which it is the choice
  };
  struct Lane {
    const std::uint8_t* data = nullptr;
    std::size_t blocks = 0;       // left at data
    std::size_t tail_blocks = 0;  // then those of `tail`
    std::uint64_t length = 0;     // of the message, in bytes
    Sha256Words state = kSha256Start;
    std::array<std::uint8_t, 2 * kSha256BlockBytes> tail;
  };

  void add_kernel(Sha256Compress compress, std::size_t lanes, std::size_t from);
  void switch_to_tail(Lane* lane);

  std::array<Lane, kMaxSha256Lanes> lanes_;
  std::array<Kernel, 4> kernels_{};  // the widest first; the last one takes any number
  std::size_t kernel_count_ = 0;
  std::size_t width_ = 0;
  Sha256Words nobody_ = kSha256Start;  // state of a kernel's lanes that have no message
};

}  // namespace gorun::jobs
