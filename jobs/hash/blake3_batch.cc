#include "jobs/hash/blake3_batch.h"

#include <algorithm>
#include <cstring>

namespace gorun::jobs {
namespace {

constexpr std::uint32_t kBlocksAChunk = kBlake3ChunkBytes / kBlake3BlockBytes;

}  // namespace

Blake3Batch::Blake3Batch(std::span<const Blake3Kernel> kernels) : kernels_(kernels) {}

void Blake3Batch::add(std::span<const std::uint8_t> message) {
  // The last chunk is never empty, but for the empty message.
  const std::size_t whole = message.empty() ? 0 : (message.size() - 1) / kBlake3ChunkBytes;
  messages_.push_back({value_count_, whole + 1});
  Blake3Job job;
  job.data = message.data();
  job.blocks = kBlocksAChunk;
  job.last_length = kBlake3BlockBytes;
  job.first_flags = kBlake3ChunkStart;
  job.last_flags = kBlake3ChunkEnd;
  for (; job.counter < whole; ++job.counter, job.data += kBlake3ChunkBytes) {
    whole_.push_back({job, value_count_++});
  }
  const auto rest = static_cast<std::uint32_t>(message.size() - whole * kBlake3ChunkBytes);
  job.blocks = std::max<std::uint32_t>(1, (rest + kBlake3BlockBytes - 1) / kBlake3BlockBytes);
  job.last_length = rest - (job.blocks - 1) * kBlake3BlockBytes;
  if (whole == 0) job.last_flags |= kBlake3Root;
  last_[job.blocks - 1].push_back({job, value_count_++});
}

void Blake3Batch::compute() {
  values_.resize(value_count_ * kBlake3CvBytes);
  push(whole_);
  run_pushed();
  // Neighbours in this order have like lengths.
  for (const std::vector<Chunk>& chunks : last_) push(chunks);
  run_pushed();
  while (compute_level()) {
  }
}

void Blake3Batch::push(const std::vector<Chunk>& chunks) {
  for (const Chunk& chunk : chunks) {
    Blake3Job job = chunk.job;
    job.out = value_at(chunk.slot);
    push(job);
  }
}

void Blake3Batch::push(const Blake3Job& job) {
  pushed_[pushed_count_++] = job;
  if (pushed_count_ == kernels_.front().lanes) run_pushed();
}

// In the narrowest kernel that takes what there is in one call.
void Blake3Batch::run_pushed() {
  if (pushed_count_ == 0) return;
  std::size_t k = 0;
  while (k + 1 < kernels_.size() && pushed_count_ <= kernels_[k + 1].lanes) ++k;
  kernels_[k].compute_jobs(pushed_.data(), pushed_count_);
  pushed_count_ = 0;
}

// Puts the neighbours of every message together; an odd one out moves up as it is. False: all
// messages have their digest.
bool Blake3Batch::compute_level() {
  bool has_pairs = false;
  for (const Message& message : messages_) {
    const std::size_t pairs = message.count / 2;
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      Blake3Job job;
      job.data = value_at(message.first + 2 * pair);
      job.out = value_at(message.first + pair);
      job.blocks = 1;
      job.last_length = kBlake3BlockBytes;
      job.flags = kBlake3Parent | (message.count == 2 ? kBlake3Root : 0);
      push(job);
      has_pairs = true;
    }
  }
  if (!has_pairs) return false;
  run_pushed();
  for (Message& message : messages_) {
    const std::size_t pairs = message.count / 2;
    if (message.count % 2 == 1 && pairs > 0) {
      std::memmove(value_at(message.first + pairs), value_at(message.first + 2 * pairs),
                   kBlake3CvBytes);
    }
    message.count = pairs + message.count % 2;
  }
  return true;
}

Blake3Value Blake3Batch::value(std::size_t i) const {
  Blake3Value value;
  std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(messages_[i].first * kBlake3CvBytes),
              kBlake3CvBytes, value.begin());
  return value;
}

void Blake3Batch::clear() {
  messages_.clear();
  whole_.clear();
  for (std::vector<Chunk>& chunks : last_) chunks.clear();
  value_count_ = 0;
}

}  // namespace gorun::jobs
