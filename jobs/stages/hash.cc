// The kind "hash": digests of file items.
//
// A worker has several files on their way at once (jobs/hash/hash_files.h) and reads a few MiB in
// one blocking section, so that what a goroutine costs is paid per ~millisecond of work and not per
// small file. Between sections, when its siblings have nothing to do, it puts back half of the
// files that it has not begun with. Items leave in the order in which they came.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/hash/hash_files.h"
#include "jobs/hash/large_file.h"
#include "jobs/stages/rows.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// Files in a batch: at ~5 us for a file of a few KiB, a third of a millisecond.
constexpr std::size_t kFiles = 64;
// After so many bytes (about a millisecond of SHA-256) a worker looks up from its files.
constexpr std::uint64_t kBytesAtOnce = std::uint64_t{3} << 20;

std::vector<Algorithm> algorithms_of(const StageOptions& options) {
  std::vector<Algorithm> algorithms;
  for (const std::string& name : options.texts("algorithm")) {
    algorithms.push_back(find_algorithm(name).value());
  }
  return algorithms;
}

class Hash final : public Operator {
 public:
  Hash(const std::vector<Algorithm>& algorithms, Context& context)
      : context_(context), algorithms_(algorithms), hasher_(algorithms) {
    hasher_.set_aside_from(kLargeFileBytes);
  }

  Flow process(Batch&& batch, Out& out) override {
    names_.clear();
    for (const Item& item : batch.items()) names_.push_back(item.text);
    hasher_.start(names_);
    if (run(batch) == Flow::kStop) return Flow::kStop;
    std::vector<OpenedFile> large = hasher_.take_aside();
    if (is_tree_ || large.size() == 1) {
      for (OpenedFile& file : large) {
        if (hash_large(batch, std::move(file)) == Flow::kStop) return Flow::kStop;
      }
    } else if (!large.empty()) {  // side by side in lanes they are faster than one after the other
      hasher_.start_opened(std::move(large));
      if (run(batch) == Flow::kStop) return Flow::kStop;
    }
    return out.send(std::move(batch));
  }

 private:
  // Runs what the hasher has begun with.
  Flow run(Batch& batch) {
    for (bool is_done = false; !is_done;) {
      share(batch);
      outcomes_.clear();
      const std::uint64_t before = hasher_.bytes_read();
      runtime::blocking(runtime::Blocking::kBrief,
                        [&] { is_done = hasher_.run(kBytesAtOnce, &outcomes_); });
      context_.count_bytes(hasher_.bytes_read() - before);
      for (const HashOutcome& outcome : outcomes_) {
        if (put(batch, outcome.index, outcome.result) == Flow::kStop) return Flow::kStop;
      }
      if (context_.is_cancelled()) return Flow::kStop;
    }
    return Flow::kMore;
  }

  Flow hash_large(Batch& batch, OpenedFile opened) {
    const HashResult result = hash_large_file(std::move(opened.file), algorithms_, context_.procs(),
                                              [this](std::uint64_t bytes) {
                                                context_.count_bytes(bytes);
                                                return !context_.is_cancelled();
                                              });
    if (context_.is_cancelled()) return Flow::kStop;
    return put(batch, opened.index, result);
  }

  void share(Batch& batch) {
    const std::size_t half = hasher_.untouched() / 2;
    if (half == 0 || !context_.siblings_are_idle()) return;
    Batch rest = batch.slice(batch.size() - half, half);
    if (!context_.offer(rest)) return;
    hasher_.drop_untouched(half);
    batch.truncate(batch.size() - half);
  }

  Flow put(Batch& batch, std::size_t index, const HashResult& result) {
    Item& item = batch.items()[index];
    if (!result.ok()) {
      return context_.fail({FailureKind::kWork, result.error().message(), std::string(item.text)});
    }
    const FileDigests& file = result.value();
    fields_.clear();
    if (algorithms_.size() == 1) {
      fields_.push_back({"digest", batch.copy(file.digests.front().hex())});
      fields_.push_back({"algorithm", algorithm_name(algorithms_.front())});
    } else {
      for (const Digest& digest : file.digests) {
        fields_.push_back({algorithm_name(digest.algorithm), batch.copy(digest.hex())});
      }
    }
    fields_.push_back({"path", item.text});
    fields_.push_back({"size", batch.copy(std::to_string(file.size)), FieldType::kNumber});
    batch.set_fields(&item, fields_);
    return Flow::kMore;
  }

  Context& context_;
  const std::vector<Algorithm>& algorithms_;
  const bool is_tree_ = algorithms_.size() == 1 && algorithms_.front() == Algorithm::kBlake3;
  FilesHasher hasher_;
  std::vector<std::string_view> names_;  // of the batch at hand
  std::vector<HashOutcome> outcomes_;    // of the section at hand
  std::vector<Field> fields_;            // of the item at hand
};

class HashStage final : public Stage {
 public:
  explicit HashStage(const StageSpec& spec)
      : workers_(spec.workers), algorithms_(algorithms_of(spec.options)) {}
  [[nodiscard]] StageTraits traits() const override {
    return {.workers = workers_, .batch_items = kFiles, .feeds_itself = true};
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<Hash>(algorithms_, context);
  }

 private:
  const int workers_;
  const std::vector<Algorithm> algorithms_;
};

}  // namespace

StageRow make_hash(const StageSpec& spec) { return row_of(std::make_unique<HashStage>(spec)); }

}  // namespace gorun::jobs
