// The kind "hash": digests of file items.
//
// A worker hashes the files of a batch in one blocking section, so that what a goroutine costs is
// paid per ~millisecond of work and not per small file. When the files turn out to be large and its
// siblings have nothing to do, it puts back the rest of the batch for them.
#include <fcntl.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jobs/hash/hash_file.h"
#include "jobs/stages/rows.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// Files in a batch: at ~8 us for a file of a few KiB, a quarter of a millisecond.
constexpr std::size_t kFiles = 32;
// After so many bytes (about a millisecond of SHA-256) a worker looks up from its files.
constexpr std::uint64_t kBytesAtOnce = std::uint64_t{2} << 20;

class Hash final : public Operator {
 public:
  Hash(Algorithm algorithm, Context& context)
      : context_(context),
        algorithm_(algorithm),
        pass_(std::span<const Algorithm>(&algorithm_, 1)),
        buffer_(kHashBufferBytes) {}

  Flow process(Batch&& batch, Out& out) override {
    std::size_t done = 0;
    while (done < batch.size()) {
      const std::size_t begin = done;
      runtime::blocking(runtime::Blocking::kBrief, [&] { done = hash_some(batch, begin); });
      for (std::size_t i = begin; i < done; ++i) {
        if (put(batch, batch.items()[i], results_[i - begin]) == Flow::kStop) return Flow::kStop;
      }
      if (context_.is_cancelled()) return Flow::kStop;
      if (done < batch.size() && context_.siblings_are_idle()) {
        Batch rest = batch.slice(done, batch.size() - done);
        if (context_.offer(rest)) {
          batch.truncate(done);
        }
      }
    }
    return out.send(std::move(batch));
  }

 private:
  using HashResult = std::optional<Expected<FileDigests, HashFileError>>;

  // Hashes items from `begin` on; returns the first that is left. Inside a blocking section.
  std::size_t hash_some(const Batch& batch, std::size_t begin) {
    results_.clear();
    std::uint64_t bytes = 0;
    std::size_t i = begin;
    for (; i < batch.size() && bytes < kBytesAtOnce; ++i) {
      results_.emplace_back(
          hash_file(AT_FDCWD, std::string(batch.items()[i].text), pass_, buffer_));
      if (!results_.back()->ok()) return i + 1;
      bytes += (*results_.back())->size;
    }
    context_.count_bytes(bytes);
    return i;
  }

  Flow put(Batch& batch, Item& item, const HashResult& result) {
    if (!result->ok()) {
      return context_.fail({FailureKind::kWork, result->error().message(), std::string(item.text)});
    }
    const FileDigests& file = result->value();
    const std::array<Field, 4> fields = {
        {{"digest", batch.copy(file.digests.front().hex())},
         {"algorithm", algorithm_name(algorithm_)},
         {"path", item.text},
         {"size", batch.copy(std::to_string(file.size)), FieldType::kNumber}}};
    batch.set_fields(&item, fields);
    return Flow::kMore;
  }

  Context& context_;
  const Algorithm algorithm_;
  DigestPass pass_;
  std::vector<char> buffer_;
  std::vector<HashResult> results_;  // of the section at hand
};

class HashStage final : public Stage {
 public:
  explicit HashStage(const StageSpec& spec)
      : workers_(spec.workers),
        algorithm_(find_algorithm(spec.options.text("algorithm")).value()) {}
  [[nodiscard]] StageTraits traits() const override {
    return {.workers = workers_, .batch_items = kFiles, .feeds_itself = true};
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<Hash>(algorithm_, context);
  }

 private:
  const int workers_;
  const Algorithm algorithm_;
};

}  // namespace

StageRow make_hash(const StageSpec& spec) { return row_of(std::make_unique<HashStage>(spec)); }

}  // namespace gorun::jobs
