#include "jobs/hash/blake3.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "jobs/hash/cpu.h"

namespace gorun::jobs {
namespace {

constexpr std::size_t kMaxKernels = 4;

struct Kernels {
  std::array<Blake3Kernel, kMaxKernels> rows;
  std::size_t count = 0;
  void add(const Blake3Kernel& kernel) { rows[count++] = kernel; }
};

Kernels find_kernels() {
  Kernels found;
#if defined(__x86_64__)
  if (cpu_features().avx512) found.add({"avx512", 16, blake3_compress_avx512, blake3_jobs_avx512});
  if (cpu_features().avx2) found.add({"avx2", 8, blake3_compress_avx2, blake3_jobs_avx2});
#endif
  found.add({"vec128", 4, blake3_compress_vec128, blake3_jobs_vec128});
  found.add({"portable", 1, blake3_compress_portable, blake3_jobs_portable});
  return found;
}

// The narrowest kernel that takes `count` inputs in one call, or the widest of all.
const Blake3Kernel& kernel_for(std::span<const Blake3Kernel> kernels, std::size_t count) {
  std::size_t k = 0;
  while (k + 1 < kernels.size() && count <= kernels[k + 1].lanes) ++k;
  return kernels[k];
}

// Chaining values of `count` inputs that lie one after the other. `out` may be `inputs`, for
// parents: a call has read all of its inputs before it writes, and writes before the next one
// reads.
void compress_all(std::span<const Blake3Kernel> kernels, const std::uint8_t* inputs,
                  std::size_t count, Blake3Inputs how, std::uint8_t* out) {
  const std::size_t size = how.blocks * kBlake3BlockBytes;
  while (count > 0) {
    const Blake3Kernel& kernel = kernel_for(kernels, count);
    const std::size_t now = std::min(count, kernel.lanes);
    std::array<const std::uint8_t*, kMaxBlake3Lanes> pointers;
    for (std::size_t i = 0; i < now; ++i) pointers[i] = inputs + i * size;
    kernel.compress(pointers.data(), now, how, out);
    inputs += now * size;
    out += now * kBlake3CvBytes;
    count -= now;
    if (how.is_chunk) how.counter += now;
  }
}

void compress_chunks(std::span<const Blake3Kernel> kernels, const std::uint8_t* bytes,
                     std::size_t count, std::uint64_t first_chunk, std::uint8_t* out) {
  constexpr std::size_t kBlocks = kBlake3ChunkBytes / kBlake3BlockBytes;
  compress_all(kernels, bytes, count, {kBlocks, first_chunk, true}, out);
}

// Puts neighbours together, level by level, until at most `until` are left; an odd one out moves up
// as it is. Returns how many are left.
std::size_t reduce(std::span<const Blake3Kernel> kernels, std::uint8_t* cvs, std::size_t count,
                   std::size_t until) {
  while (count > until) {
    const std::size_t pairs = count / 2;
    compress_all(kernels, cvs, pairs, {1, 0, false}, cvs);
    if (count % 2 == 1) {
      std::memmove(cvs + pairs * kBlake3CvBytes, cvs + 2 * pairs * kBlake3CvBytes, kBlake3CvBytes);
    }
    count = pairs + count % 2;
  }
  return count;
}

Blake3Value value_of(const std::uint32_t* words) {
  Blake3Value value;
  for (std::size_t i = 0; i < 8; ++i) {
    for (std::size_t byte = 0; byte < 4; ++byte) {
      value[4 * i + byte] = static_cast<std::uint8_t>(words[i] >> (8 * byte));
    }
  }
  return value;
}

Blake3Value parent_of(const std::uint8_t* left_and_right, std::uint32_t root_flag) {
  std::array<std::uint32_t, 8> cv;
  std::copy(std::begin(kBlake3Start), std::end(kBlake3Start), cv.begin());
  blake3_compress_block(cv.data(), left_and_right, kBlake3BlockBytes, 0, kBlake3Parent | root_flag);
  return value_of(cv.data());
}

Blake3Value parent_of(const Blake3Value& left, const Blake3Value& right, std::uint32_t root_flag) {
  std::array<std::uint8_t, 2 * kBlake3CvBytes> both;
  std::copy(left.begin(), left.end(), both.begin());
  std::copy(right.begin(), right.end(), both.begin() + kBlake3CvBytes);
  return parent_of(both.data(), root_flag);
}

// A chunk of 0 to 1024 bytes, block by block.
Blake3Value chunk_value(std::span<const std::uint8_t> bytes, std::uint64_t counter,
                        std::uint32_t root_flag) {
  std::array<std::uint32_t, 8> cv;
  std::copy(std::begin(kBlake3Start), std::end(kBlake3Start), cv.begin());
  std::uint32_t flags = kBlake3ChunkStart;
  while (bytes.size() > kBlake3BlockBytes) {
    blake3_compress_block(cv.data(), bytes.data(), kBlake3BlockBytes, counter, flags);
    bytes = bytes.subspan(kBlake3BlockBytes);
    flags = 0;
  }
  std::array<std::uint8_t, kBlake3BlockBytes> last{};
  std::copy(bytes.begin(), bytes.end(), last.begin());
  blake3_compress_block(cv.data(), last.data(), static_cast<std::uint32_t>(bytes.size()), counter,
                        flags | kBlake3ChunkEnd | root_flag);
  return value_of(cv.data());
}

}  // namespace

std::span<const Blake3Kernel> blake3_kernels() {
  static const Kernels kernels = find_kernels();
  return {kernels.rows.data(), kernels.count};
}

Blake3Value blake3_subtree(std::span<const std::uint8_t> bytes, std::uint64_t first_chunk) {
  const std::span<const Blake3Kernel> kernels = blake3_kernels();
  const std::size_t whole = bytes.size() / kBlake3ChunkBytes;
  const std::span<const std::uint8_t> rest = bytes.subspan(whole * kBlake3ChunkBytes);
  std::vector<std::uint8_t> cvs((whole + 1) * kBlake3CvBytes);
  compress_chunks(kernels, bytes.data(), whole, first_chunk, cvs.data());
  std::size_t count = whole;
  if (!rest.empty()) {
    const Blake3Value last = chunk_value(rest, first_chunk + whole, 0);
    std::copy(last.begin(), last.end(), cvs.data() + count++ * kBlake3CvBytes);
  }
  reduce(kernels, cvs.data(), count, 1);
  Blake3Value value;
  std::copy_n(cvs.begin(), kBlake3CvBytes, value.begin());
  return value;
}

void Blake3Tree::push(const Blake3Value& subtree, std::uint64_t chunks) {
  // Each bit of the count is a complete subtree; what the last push left besides is merged now.
  const auto complete = static_cast<std::size_t>(std::popcount(chunks_));
  while (stack_.size() > complete) {
    const Blake3Value right = stack_.back();
    stack_.pop_back();
    stack_.back() = parent_of(stack_.back(), right, 0);
  }
  stack_.push_back(subtree);
  chunks_ += chunks;
}

Blake3Value Blake3Tree::root() { return fold(kBlake3Root); }

Blake3Value Blake3Tree::subtree() { return fold(0); }

Blake3Value Blake3Tree::fold(std::uint32_t root_flag) {
  Blake3Value value = stack_.back();
  for (std::size_t i = stack_.size() - 1; i-- > 0;) {
    value = parent_of(stack_[i], value, i == 0 ? root_flag : 0);
  }
  clear();
  return value;
}

void Blake3Tree::clear() {
  stack_.clear();
  chunks_ = 0;
}

Blake3::Blake3(std::span<const Blake3Kernel> kernels) : kernels_(kernels) {}

void Blake3::reset() {
  tree_.clear();
  pending_count_ = 0;
  partial_size_ = 0;
}

// Takes up to a group of chunks, behind which at least one byte follows.
void Blake3::take_chunks(const std::uint8_t* bytes, std::size_t count) {
  std::uint8_t* const out = pending_.data() + pending_count_ * kBlake3CvBytes;
  compress_chunks(kernels_, bytes, count, next_chunk(), out);
  pending_count_ += count;
  if (pending_count_ < kGroupChunks) return;
  reduce(kernels_, pending_.data(), kGroupChunks, 1);
  Blake3Value value;
  std::copy_n(pending_.begin(), kBlake3CvBytes, value.begin());
  tree_.push(value, kGroupChunks);
  pending_count_ = 0;
}

void Blake3::update(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    if (partial_size_ == kBlake3ChunkBytes) {
      partial_size_ = 0;
      take_chunks(partial_.data(), 1);
    }
    std::size_t taken = 0;
    if (partial_size_ > 0 || bytes.size() <= kBlake3ChunkBytes) {
      taken = std::min(bytes.size(), kBlake3ChunkBytes - partial_size_);
      std::memcpy(partial_.data() + partial_size_, bytes.data(), taken);
      partial_size_ += taken;
    } else {
      const std::size_t chunks =
          std::min((bytes.size() - 1) / kBlake3ChunkBytes, kGroupChunks - pending_count_);
      take_chunks(bytes.data(), chunks);
      taken = chunks * kBlake3ChunkBytes;
    }
    bytes = bytes.subspan(taken);
  }
}

Blake3Value Blake3::finish() {
  const bool is_only_chunk = tree_.empty() && pending_count_ == 0;
  Blake3Value value =
      chunk_value({partial_.data(), partial_size_}, next_chunk(), is_only_chunk ? kBlake3Root : 0);
  if (!is_only_chunk) {
    std::copy(value.begin(), value.end(), pending_.data() + pending_count_ * kBlake3CvBytes);
    const std::size_t count = pending_count_ + 1;
    if (tree_.empty()) {
      reduce(kernels_, pending_.data(), count, 2);
      value = parent_of(pending_.data(), kBlake3Root);
    } else {
      reduce(kernels_, pending_.data(), count, 1);
      std::copy_n(pending_.begin(), kBlake3CvBytes, value.begin());
      tree_.push(value, count);
      value = tree_.root();
    }
  }
  reset();
  return value;
}

}  // namespace gorun::jobs
