#include "jobs/hash/large_file.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/hash/blake3.h"
#include "jobs/text/byte_buffer.h"
#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"

namespace gorun::jobs {
namespace {

using runtime::WaitGroup;

// A piece is read and hashed before it leaves the second-level cache.
constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
constexpr std::uint64_t kMaxParts = 32768;
// Ahead of the slowest algorithm: 2 MiB, or a millisecond of SHA-256. They are given back half of
// them at a time, all algorithms together: who hashes wakes the reader, and that takes as long as a
// fiftieth of a buffer.
constexpr std::size_t kRingBuffers = 8;

HashFileError given_up(const FileReading& file) {
  return {HashFileError::Reason::kSystem, {"read", ECANCELED, file.name()}, {}};
}

// ---- BLAKE3 as a tree ------------------------------------------------------------------------

class ParallelTree {
 public:
  ParallelTree(const FileReading& file, const HashProgress& progress)
      : file_(file), progress_(progress), size_(file.expected_size()) {
    while ((size_ + part_bytes_ - 1) / part_bytes_ > kMaxParts) part_bytes_ *= 2;
    parts_.resize((size_ + part_bytes_ - 1) / part_bytes_);
  }

  Expected<FileDigests, HashFileError> run(int workers) {
    const auto wanted = std::min<std::uint64_t>(static_cast<std::uint64_t>(workers), parts_.size());
    errors_.resize(wanted);
    WaitGroup group;
    for (std::uint64_t i = 1; i < wanted; ++i) {
      group.go([this, i] { work(i, [](std::uint64_t) { return true; }); });
    }
    std::uint64_t reported = 0;
    work(0, [&](std::uint64_t read) { return progress_(read - std::exchange(reported, read)); });
    group.wait();
    // The others may have taken all parts before this goroutine came to take one.
    const std::uint64_t unreported = read_.load(std::memory_order_relaxed) - reported;
    const bool is_given_up = unreported > 0 && !progress_(unreported);
    for (std::optional<HashFileError>& error : errors_) {
      if (error) return *std::move(error);
    }
    if (is_given_up) return given_up(file_);
    if (auto error = file_.check(read_.load(std::memory_order_relaxed))) return *std::move(error);
    if (const std::uint64_t read = read_.load(std::memory_order_relaxed); read != size_) {
      // A file of the kernel whose size is a fiction (/proc/kcore) cannot be cut into parts.
      return HashFileError{
          HashFileError::Reason::kChanged,
          {{}, 0, file_.name()},
          "read " + std::to_string(read) + " of " + std::to_string(size_) + " bytes"};
    }
    return FileDigests{size_, {put_together()}};
  }

 private:
  // Takes parts until there are no more or somebody has failed.
  template <class Report>
  void work(std::uint64_t worker, Report report) {
    ByteBuffer buffer(kPieceBytes);
    while (!stop_.load(std::memory_order_relaxed)) {
      const std::uint64_t part = next_.fetch_add(1, std::memory_order_relaxed);
      if (part >= parts_.size()) return;
      std::optional<HashFileError> error = hash_part(part, buffer.span());
      if (!error && !report(read_.load(std::memory_order_relaxed))) error = given_up(file_);
      if (!error) continue;
      errors_[worker] = std::move(error);
      stop_.store(true, std::memory_order_relaxed);
    }
  }

  std::optional<HashFileError> hash_part(std::uint64_t part, std::span<char> buffer) {
    const std::uint64_t end = std::min(size_, (part + 1) * part_bytes_);
    Blake3Tree tree;
    for (std::uint64_t at = part * part_bytes_; at < end; at += kPieceBytes) {
      const std::size_t size = std::min<std::uint64_t>(kPieceBytes, end - at);
      const auto got = file_.read_at(at, buffer.first(size));
      if (!got.ok()) return got.error();
      read_.fetch_add(*got, std::memory_order_relaxed);
      if (*got < size) {  // it shrank, which check() sees
        stop_.store(true, std::memory_order_relaxed);
        return std::nullopt;
      }
      const std::span<const std::uint8_t> bytes(
          reinterpret_cast<const std::uint8_t*>(buffer.data()), size);
      tree.push(blake3_subtree(bytes, at / kBlake3ChunkBytes), chunks_of(size));
    }
    parts_[part] = tree.subtree();
    return std::nullopt;
  }

  static std::uint64_t chunks_of(std::uint64_t bytes) {
    return (bytes + kBlake3ChunkBytes - 1) / kBlake3ChunkBytes;
  }

  Digest put_together() const {
    Blake3Tree tree;
    for (std::uint64_t part = 0; part < parts_.size(); ++part) {
      tree.push(parts_[part], chunks_of(std::min(part_bytes_, size_ - part * part_bytes_)));
    }
    const Blake3Value value = tree.root();
    Digest digest;
    digest.algorithm = Algorithm::kBlake3;
    std::copy(value.begin(), value.end(), digest.bytes.begin());
    return digest;
  }

  const FileReading& file_;
  const HashProgress& progress_;
  const std::uint64_t size_;
  std::uint64_t part_bytes_ = kPieceBytes;
  std::vector<Blake3Value> parts_;                    // each written by who took it
  std::vector<std::optional<HashFileError>> errors_;  // one a worker, written by it
  std::atomic<std::uint64_t> next_ = 0;               // part; wait() orders what they lead to
  std::atomic<std::uint64_t> read_ = 0;               // bytes
  std::atomic<bool> stop_ = false;                    // a hint: parts taken meanwhile do no harm
};

// ---- chains of bytes -------------------------------------------------------------------------

// A piece of the file on its way through all algorithms; the last one gives it back.
struct RingBuffer {
  ByteBuffer bytes{kPieceBytes};
  std::size_t size = 0;
  std::atomic<std::size_t> users = 0;
};

class Chains {
 public:
  Chains(FileReading& file, std::span<const Algorithm> algorithms)
      : file_(file), free_(kRingBuffers) {
    for (const Algorithm& algorithm : algorithms) {
      chains_.push_back({DigestPass(std::span<const Algorithm>(&algorithm, 1)),
                         runtime::Chan<RingBuffer*>(kRingBuffers)});
    }
    for (RingBuffer& buffer : buffers_) static_cast<void>(free_.send(&buffer));  // all have room
  }

  Expected<FileDigests, HashFileError> run(const HashProgress& progress) {
    WaitGroup group;
    for (Chain& chain : chains_) {
      group.go([this, &chain] {
        std::vector<RingBuffer*> done;
        while (const auto buffer = chain.full.recv().value) {
          chain.pass.update({(*buffer)->bytes.data(), (*buffer)->size});
          if ((*buffer)->users.fetch_sub(1, std::memory_order_acq_rel) != 1) continue;
          done.push_back(*buffer);
          if (done.size() * chains_.size() < kRingBuffers / 2) continue;
          for (RingBuffer* const free : done) static_cast<void>(free_.send(free));  // all have room
          done.clear();
        }
      });
    }
    std::optional<HashFileError> error = read_all(progress);
    for (Chain& chain : chains_) chain.full.close();
    group.wait();
    if (!error) error = file_.check(file_.bytes_read());
    if (error) return *std::move(error);
    FileDigests result{file_.bytes_read(), {}};
    for (Chain& chain : chains_) result.digests.push_back(chain.pass.finish().front());
    return result;
  }

 private:
  struct Chain {
    DigestPass pass;
    runtime::Chan<RingBuffer*> full;
  };

  std::optional<HashFileError> read_all(const HashProgress& progress) {
    while (!file_.is_at_end()) {
      RingBuffer* const buffer = *free_.recv().value;
      const auto got = file_.read(buffer->bytes.span());
      if (!got.ok()) return got.error();
      const std::size_t size = *got;
      buffer->size = size;
      buffer->users.store(chains_.size(), std::memory_order_relaxed);  // published by send()
      for (Chain& chain : chains_) static_cast<void>(chain.full.send(buffer));
      if (!progress(size)) return given_up(file_);
    }
    return std::nullopt;
  }

  FileReading& file_;
  std::array<RingBuffer, kRingBuffers> buffers_;
  runtime::Chan<RingBuffer*> free_;
  std::vector<Chain> chains_;
};

}  // namespace

Expected<FileDigests, HashFileError> hash_large_file(FileReading& file,
                                                     std::span<const Algorithm> algorithms,
                                                     int workers, const HashProgress& progress) {
  const bool is_tree = algorithms.size() == 1 && algorithms.front() == Algorithm::kBlake3 &&
                       file.expected_size() > kPieceBytes;
  if (is_tree) return ParallelTree(file, progress).run(workers);
  return Chains(file, algorithms).run(progress);
}

}  // namespace gorun::jobs
