#include "jobs/hash/sha256_lanes.h"

#include <algorithm>
#include <cstring>

#include "jobs/hash/cpu.h"

namespace gorun::jobs {
namespace {

constexpr std::array<std::string_view, 5> kPathNames = {"auto", "avx512", "avx2", "sha-ni",
                                                        "openssl"};

// Fewer active lanes than these are faster two by two in SHA-NI (3.5 GB/s against 3.7 x n / 16),
// or one by one in portable code (0.36 against 1.4 x n / 8 for AVX2).
constexpr std::size_t kAvx512BeatsShaNi = 15;
constexpr std::size_t kLanesBeatPortable = 3;

constexpr std::size_t kLengthBytes = 8;  // of the padding: the message's length in bits

}  // namespace

std::span<const std::string_view> sha256_path_names() { return kPathNames; }

std::optional<Sha256Path> find_sha256_path(std::string_view name) {
  const auto found = std::ranges::find(kPathNames, name);
  if (found == kPathNames.end()) return std::nullopt;
  return static_cast<Sha256Path>(found - kPathNames.begin());
}

bool is_available(Sha256Path path) {
  switch (path) {
    case Sha256Path::kAvx512:
      return cpu_features().avx512;
    case Sha256Path::kAvx2:
      return cpu_features().avx2;
    case Sha256Path::kShaNi:
      return cpu_features().sha_ni;
    case Sha256Path::kAuto:
    case Sha256Path::kOpenssl:
      break;
  }
  return true;
}

bool Sha256Lanes::are_available(Sha256Path path) {
  if (path == Sha256Path::kOpenssl) return false;
  if (path != Sha256Path::kAuto) return is_available(path);
  const CpuFeatures& cpu = cpu_features();
  return cpu.avx512 || cpu.avx2 || cpu.sha_ni;
}

Sha256Lanes::Sha256Lanes(Sha256Path path) {
#if defined(__x86_64__)
  const CpuFeatures& cpu = cpu_features();
  const bool is_auto = path == Sha256Path::kAuto;
  if (path == Sha256Path::kAvx512 || (is_auto && cpu.avx512)) {
    add_kernel(sha256_compress_avx512, 16, is_auto && cpu.sha_ni ? kAvx512BeatsShaNi : 2);
  }
  // Two messages in SHA-NI are faster than eight in AVX2.
  if (path == Sha256Path::kAvx2 || (is_auto && cpu.avx2 && !cpu.sha_ni)) {
    add_kernel(sha256_compress_avx2, 8, kLanesBeatPortable);
  }
  if (path == Sha256Path::kShaNi || (is_auto && cpu.sha_ni)) {
    add_kernel(sha256_compress_sha_ni_2, 2, 2);
    add_kernel(sha256_compress_sha_ni, 1, 1);
  } else {
    add_kernel(sha256_compress_portable, 1, 1);
  }
#else
  static_cast<void>(path);
  add_kernel(sha256_compress_portable, 1, 1);
#endif
  width_ = kernels_.front().lanes;
}

void Sha256Lanes::add_kernel(Sha256Compress compress, std::size_t lanes, std::size_t from) {
  kernels_[kernel_count_++] = {compress, lanes, from};
}

void Sha256Lanes::begin(std::size_t i) {
  Lane& lane = lanes_[i];
  lane.state = kSha256Start;
  lane.blocks = 0;
  lane.tail_blocks = 0;
  lane.length = 0;
}

void Sha256Lanes::feed(std::size_t i, std::span<const std::uint8_t> bytes) {
  Lane& lane = lanes_[i];
  lane.data = bytes.data();
  lane.blocks = bytes.size() / kSha256BlockBytes;
  lane.length += bytes.size();
}

void Sha256Lanes::feed_last(std::size_t i, std::span<const std::uint8_t> bytes) {
  feed(i, bytes);
  Lane& lane = lanes_[i];
  const std::size_t rest = bytes.size() % kSha256BlockBytes;
  lane.tail_blocks = rest + 1 + kLengthBytes <= kSha256BlockBytes ? 1 : 2;
  const std::size_t end = lane.tail_blocks * kSha256BlockBytes;
  if (rest > 0) std::memcpy(lane.tail.data(), bytes.data() + bytes.size() - rest, rest);
  lane.tail[rest] = 0x80;
  std::memset(lane.tail.data() + rest + 1, 0, end - rest - 1);
  std::uint64_t bits = lane.length * 8;
  for (std::size_t k = 1; k <= kLengthBytes; ++k, bits >>= 8) {
    lane.tail[end - k] = static_cast<std::uint8_t>(bits);
  }
  if (lane.blocks == 0) switch_to_tail(&lane);
}

void Sha256Lanes::switch_to_tail(Lane* lane) {
  lane->data = lane->tail.data();
  lane->blocks = lane->tail_blocks;
  lane->tail_blocks = 0;
}

bool Sha256Lanes::is_dry(std::size_t i) const { return lanes_[i].blocks == 0; }

void Sha256Lanes::advance() {
  std::array<Lane*, kMaxSha256Lanes> active;
  std::array<Sha256Words*, kMaxSha256Lanes> states;
  std::array<const std::uint8_t*, kMaxSha256Lanes> data;
  std::size_t count = 0;
  for (std::size_t i = 0; i < width_; ++i) {
    if (lanes_[i].blocks > 0) active[count++] = &lanes_[i];
  }
  while (count > 0) {
    std::size_t k = 0;
    while (k + 1 < kernel_count_ && count < kernels_[k].from) ++k;
    const Kernel& kernel = kernels_[k];
    const std::size_t used = std::min(count, kernel.lanes);
    std::size_t blocks = active[0]->blocks;
    for (std::size_t i = 0; i < used; ++i) {
      states[i] = &active[i]->state;
      data[i] = active[i]->data;
      blocks = std::min(blocks, active[i]->blocks);
    }
    for (std::size_t i = used; i < kernel.lanes; ++i) {
      states[i] = &nobody_;
      data[i] = data[0];
    }
    kernel.compress(states.data(), data.data(), blocks);
    bool has_dry = false;
    for (std::size_t i = 0; i < used; ++i) {
      Lane& lane = *active[i];
      lane.data += blocks * kSha256BlockBytes;
      lane.blocks -= blocks;
      if (lane.blocks == 0 && lane.tail_blocks > 0) switch_to_tail(&lane);
      has_dry = has_dry || lane.blocks == 0;
    }
    if (has_dry) return;
  }
}

Digest Sha256Lanes::finish(std::size_t i) const {
  Digest digest;
  digest.algorithm = Algorithm::kSha256;
  for (std::size_t k = 0; k < 8; ++k) {
    const std::uint32_t word = lanes_[i].state.word[k];
    for (std::size_t byte = 0; byte < 4; ++byte) {
      digest.bytes[4 * k + byte] = static_cast<std::uint8_t>(word >> (24 - 8 * byte));
    }
  }
  return digest;
}

}  // namespace gorun::jobs
