// jobs/hash/blake3_kernels.h - BLAKE3's compression function, for one input or for several at once.
//
// A file is a tree of chunks of 1 KiB, so that one file is enough to fill the lanes of a register:
// lane i takes chunk i, or parent i. What a file for one instruction set must heed is in
// jobs/hash/sha256_rounds.h.
// Source: J. O'Connor, J.-P. Aumasson, S. Neves, Z. Wilcox-O'Hearn, "BLAKE3", 2020.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gorun::jobs {

inline constexpr std::uint32_t kBlake3BlockBytes = 64;
inline constexpr std::size_t kBlake3ChunkBytes = 1024;
inline constexpr std::size_t kBlake3CvBytes = 32;
inline constexpr std::size_t kMaxBlake3Lanes = 16;

// Domain flags of a compression.
inline constexpr std::uint32_t kBlake3ChunkStart = 1;
inline constexpr std::uint32_t kBlake3ChunkEnd = 2;
inline constexpr std::uint32_t kBlake3Parent = 4;
inline constexpr std::uint32_t kBlake3Root = 8;

inline constexpr std::uint32_t kBlake3Start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/// Row r: which message word stands where in round r.
inline constexpr std::uint8_t kBlake3Schedule[7][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1},
    {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4},
    {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13}};

/// What is the same for all lanes of a call.
struct Blake3Inputs {
  std::size_t blocks = 0;     // full ones, of each input
  std::uint64_t counter = 0;  // of the first input
  bool is_chunk = false;      // chunks: their counters rise by one, and first and last block differ
};

/// One input among others of other lengths: a chunk, whole or the last one of a message, or a
/// parent.
struct Blake3Job {
  const std::uint8_t* data = nullptr;
  std::uint8_t* out = nullptr;  // of the chaining value; may lie in an input of the same call
  std::uint64_t counter = 0;
  std::uint32_t blocks = 0;       // 1 to 16
  std::uint32_t last_length = 0;  // bytes of the last block that count; no more of it is read
  std::uint32_t flags = 0;        // of all blocks
  std::uint32_t first_flags = 0;  // besides, of the first block
  std::uint32_t last_flags = 0;   // besides, of the last block
};

/// Computes 1 to `lanes` jobs side by side, each as long as it is. Reads all before it writes.
using Blake3ComputeJobs = void (*)(const Blake3Job* jobs, std::size_t count);

/// Computes the chaining values of `count` inputs (1 to the kernel's lanes) into `out`, 32 bytes
/// each, one after the other. Pointers behind `count` are not read; nothing needs alignment.
using Blake3Compress = void (*)(const std::uint8_t* const* inputs, std::size_t count,
                                const Blake3Inputs& how, std::uint8_t* out);

/// One block of `length` bytes (the rest of 64 is zero) into a chaining value in place.
void blake3_compress_block(std::uint32_t* cv, const std::uint8_t* block, std::uint32_t length,
                           std::uint64_t counter, std::uint32_t flags);

/// The same for whole inputs, one lane; everywhere.
void blake3_compress_portable(const std::uint8_t* const* inputs, std::size_t count,
                              const Blake3Inputs& how, std::uint8_t* out);
void blake3_jobs_portable(const Blake3Job* jobs, std::size_t count);
/// 4 lanes, in the 128-bit registers that every processor has.
void blake3_compress_vec128(const std::uint8_t* const* inputs, std::size_t count,
                            const Blake3Inputs& how, std::uint8_t* out);
void blake3_jobs_vec128(const Blake3Job* jobs, std::size_t count);
#if defined(__x86_64__)
/// Illegal instructions where cpu_features() (jobs/hash/cpu.h) lacks the bit of the same name.
void blake3_compress_avx2(const std::uint8_t* const* inputs, std::size_t count,
                          const Blake3Inputs& how, std::uint8_t* out);  // 8 lanes
void blake3_jobs_avx2(const Blake3Job* jobs, std::size_t count);
void blake3_compress_avx512(const std::uint8_t* const* inputs, std::size_t count,
                            const Blake3Inputs& how, std::uint8_t* out);  // 16 lanes
void blake3_jobs_avx512(const Blake3Job* jobs, std::size_t count);
#endif

}  // namespace gorun::jobs
