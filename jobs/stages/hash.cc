// The kind "hash": digests of file items.
//
// A worker hashes the files of a batch (jobs/hash/hash_worker.h); when its siblings have nothing to
// do it puts back half of those that it has not begun with. Items leave in the order in which they
// came. A file that the stage's own cache lies in is passed over.
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/hash/digest_cache.h"
#include "jobs/hash/hash_worker.h"
#include "jobs/run_options.h"
#include "jobs/stages/rows.h"
#include "jobs/state_directory.h"
#include "runtime/blocking.h"
#include "runtime/sync.h"

namespace gorun::jobs {
namespace {

std::vector<Algorithm> algorithms_of(const StageOptions& options) {
  std::vector<Algorithm> algorithms;
  for (const std::string& name : options.texts("algorithm")) {
    algorithms.push_back(find_algorithm(name).value());
  }
  return algorithms;
}

Failure failure_of_file(const HashFileError& error) {
  Failure failure{FailureKind::kWork, error.message(), {}};
  if (error.reason != HashFileError::Reason::kSystem) return failure;
  failure.cause = FailureCause::kIo;
  failure.code = error.system.error_number;
  return failure;
}

class Hash final : public Operator, private HashObserver {
 public:
  /// cache  or nullptr.
  Hash(const std::vector<Algorithm>& algorithms, TurningDisks* disks, DigestCache* cache,
       Context& context)
      : context_(context),
        cache_(cache),
        worker_(algorithms, Sha256Path::kAuto, context.procs(), disks, cache) {}

  Flow process(Batch&& batch, Out& out) override {
    if (cache_ != nullptr) leave_out_cache(&batch);
    names_.clear();
    for (const Item& item : batch.items()) names_.push_back(item.text);
    batch_ = &batch;
    has_failed_.assign(batch.size(), false);
    if (!worker_.hash(names_, *this)) return Flow::kStop;
    leave_out_failed(&batch);
    return out.send(std::move(batch));
  }

  void finish(Out& /*out*/) override {
    if (cache_ == nullptr) return;
    runtime::blocking(runtime::Blocking::kLong, [this] { cache_->flush(); });
    for (std::string& warning : cache_->take_warnings()) context_.warn(std::move(warning));
  }

 private:
  std::size_t give_away(std::size_t untouched) override {
    const std::size_t half = untouched / 2;
    if (half == 0 || !context_.siblings_are_idle()) return 0;
    Batch rest = batch_->slice(batch_->size() - half, half);
    if (!context_.offer(rest)) return 0;
    batch_->truncate(batch_->size() - half);
    return half;
  }

  bool on_bytes(std::uint64_t bytes) override {
    context_.count_bytes(bytes);
    return !context_.is_cancelled();
  }

  bool on_result(std::size_t index, HashResult&& result) override {
    Item& item = batch_->items()[index];
    if (!result.ok()) {
      has_failed_[index] = true;
      return context_.fail_item(item, failure_of_file(result.error())) == Flow::kMore;
    }
    set_fields(&item, *result);
    return true;
  }

  // The files of the cache change while they are read.
  void leave_out_cache(Batch* batch) const {
    const std::span<Item> items = batch->items();
    std::size_t kept = 0;
    for (const Item& item : items) {
      if (!cache_->is_made_of(item.text)) items[kept++] = item;
    }
    batch->truncate(kept);
  }

  void leave_out_failed(Batch* batch) const {
    const std::span<Item> items = batch->items();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!has_failed_[i]) items[kept++] = items[i];
    }
    batch->truncate(kept);
  }

  // One algorithm sets "digest" and "algorithm"; several set a field of their name each.
  void set_fields(Item* item, const FileDigests& file) {
    fields_.clear();
    for (const Digest& digest : file.digests) {
      const std::string_view name =
          file.digests.size() == 1 ? "digest" : algorithm_name(digest.algorithm);
      fields_.push_back({name, batch_->copy(digest.hex())});
    }
    if (file.digests.size() == 1) {
      fields_.push_back({"algorithm", algorithm_name(file.digests.front().algorithm)});
    }
    fields_.push_back({"path", item->text});
    fields_.push_back({"size", batch_->copy(std::to_string(file.size)), FieldType::kNumber});
    batch_->set_fields(item, fields_);
  }

  Context& context_;
  DigestCache* const cache_;
  HashWorker worker_;
  Batch* batch_ = nullptr;               // at hand
  std::vector<std::string_view> names_;  // of it
  std::vector<bool> has_failed_;         // by its items
  std::vector<Field> fields_;            // of the item at hand
};

class HashStage final : public Stage {
 public:
  explicit HashStage(const StageSpec& spec)
      : workers_(spec.workers),
        algorithms_(algorithms_of(spec.options)),
        disks_(spec.options.find_integer("rotational_workers")),
        cache_option_(spec.options.text("cache")) {}
  [[nodiscard]] StageTraits traits() const override {
    return {.workers = workers_, .batch_items = kHashNamesAtOnce, .feeds_itself = true};
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<Hash>(algorithms_, &disks_, open_cache(context), context);
  }

 private:
  // The cache that the stage has, opened by the first worker. nullptr: none, or why not was said.
  DigestCache* open_cache(Context& context) {
    if (cache_option_ == "false") return nullptr;
    const std::lock_guard lock(cache_mutex_);
    if (was_opened_) return cache_.get();
    was_opened_ = true;
    using Trust = DigestCache::Trust;
    auto opened = runtime::blocking(runtime::Blocking::kBrief, [&] {
      return DigestCache::open(cache_place(context.graph(), cache_option_),
                               context.run_options().paranoid ? Trust::kNothing : Trust::kStamps);
    });
    if (opened) {
      cache_ = std::move(opened).value();
      for (std::string& warning : cache_->take_warnings()) context.warn(std::move(warning));
    } else {
      context.warn(opened.error() + ": all files are read");
    }
    return cache_.get();
  }

  const int workers_;
  const std::vector<Algorithm> algorithms_;
  TurningDisks disks_;
  const std::string cache_option_;
  runtime::Mutex cache_mutex_;  // guards what follows
  bool was_opened_ = false;
  std::shared_ptr<DigestCache> cache_;
};

}  // namespace

StageRow make_hash(const StageSpec& spec) { return row_of(std::make_unique<HashStage>(spec)); }

}  // namespace gorun::jobs
