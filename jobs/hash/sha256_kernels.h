// jobs/hash/sha256_kernels.h - SHA-256's compression function for several messages at once.
//
// SHA-256 is a chain: within one message nothing can be done side by side. Several messages can:
// word i of each of them sits in lane i of one register (16 lanes with AVX-512, 8 with AVX2), or
// the instructions of SHA-NI for two messages fill each other's waiting times.
//
// A kernel moves all its lanes on by the same number of blocks. A caller with fewer messages
// points the other lanes to a state that nobody reads.
// Source: FIPS 180-4, 6.2; S. Gueron, V. Krasnov, "Simultaneous hashing of multiple messages".
#pragma once

#include <cstddef>
#include <cstdint>

namespace gorun::jobs {

inline constexpr std::size_t kSha256BlockBytes = 64;
inline constexpr std::size_t kMaxSha256Lanes = 16;

/// The chaining value of one message: its words a to h. Plain arrays, here and below: see
/// jobs/hash/sha256_rounds.h.
struct Sha256Words {
  std::uint32_t word[8];
};

inline constexpr Sha256Words kSha256Start = {{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                              0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};

/// The round constants, aligned for the widest load.
alignas(64) inline constexpr std::uint32_t kSha256Rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/// Moves each of the kernel's lanes on by `blocks` blocks of 64 bytes, `data[i]` into `states[i]`.
/// Data need no alignment. States of different lanes are different objects, but that lanes whose
/// result nobody wants may share one.
using Sha256Compress = void (*)(Sha256Words* const* states, const std::uint8_t* const* data,
                                std::size_t blocks);

/// One message, in portable C++.
void sha256_compress_portable(Sha256Words* const* states, const std::uint8_t* const* data,
                              std::size_t blocks);
#if defined(__x86_64__)
/// Illegal instructions where cpu_features() (jobs/hash/cpu.h) lacks the bit of the same name.
void sha256_compress_avx512(Sha256Words* const* states, const std::uint8_t* const* data,
                            std::size_t blocks);  // 16 lanes
void sha256_compress_avx2(Sha256Words* const* states, const std::uint8_t* const* data,
                          std::size_t blocks);  // 8 lanes
void sha256_compress_sha_ni(Sha256Words* const* states, const std::uint8_t* const* data,
                            std::size_t blocks);  // 1 lane
void sha256_compress_sha_ni_2(Sha256Words* const* states, const std::uint8_t* const* data,
                              std::size_t blocks);  // 2 lanes
#endif

}  // namespace gorun::jobs
